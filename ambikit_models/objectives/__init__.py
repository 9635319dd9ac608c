"""What is learned: one loss per file."""
