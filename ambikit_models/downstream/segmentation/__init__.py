"""What every pixel of a view shows."""
