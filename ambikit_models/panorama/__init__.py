"""Panoramic pictures: viewpoints, how they are chosen and cut out."""

from ambikit_models.panorama.projection import crop

__all__ = ["crop"]
