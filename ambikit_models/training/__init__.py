"""One readable training loop, its configuration and its checkpoints."""
