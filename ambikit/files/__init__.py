"""The edges: audio files and containers."""
