"""Panoramic pictures: viewpoints, how they are chosen and cut out."""
