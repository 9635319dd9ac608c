"""What the channels mean: directions, harmonics, orders, conventions, pictures."""
