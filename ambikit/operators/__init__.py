"""What may be done to a sound field."""
