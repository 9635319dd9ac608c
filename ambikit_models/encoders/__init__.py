"""Networks that turn a picture or a sound into an embedding."""
