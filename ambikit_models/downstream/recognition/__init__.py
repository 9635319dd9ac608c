"""What a crop or a clip shows, and where it was recorded."""
