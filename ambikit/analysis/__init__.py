"""What a sound field says."""
