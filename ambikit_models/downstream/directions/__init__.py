"""Where sounds come from, asked of embeddings with labels."""
