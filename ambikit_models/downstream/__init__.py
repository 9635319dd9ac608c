"""What a trained model is good for: one folder per family of tasks, on the one engine in ``probing``."""
