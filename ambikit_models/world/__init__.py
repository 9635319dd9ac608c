"""The synthetic 360° audio-visual world."""
