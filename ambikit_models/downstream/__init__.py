"""What a trained model is good for: one file per task on one engine."""
