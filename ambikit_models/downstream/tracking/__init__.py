"""Boxes around what sounds."""
