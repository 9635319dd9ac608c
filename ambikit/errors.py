"""What goes wrong, by name. Every error of ambikit is an :class:`AmbikitError`, which is a ``ValueError``.

A message has three parts: what was given, what was expected, what to do.
"""

__all__ = [
    "AmbikitError",
    "ArrayTypeError",
    "ConventionError",
    "FileError",
    "MissingExtraError",
    "ShapeError",
]


class AmbikitError(ValueError):
    """Any input that ambikit cannot work with."""


class ShapeError(AmbikitError):
    """An array whose shape does not fit: a wrong channel count, an empty time axis, angles that do not broadcast."""


class ArrayTypeError(AmbikitError):
    """Arrays of the wrong kind: integers, NumPy mixed with torch, tensors on different devices."""


class ConventionError(AmbikitError):
    """A channel order or normalisation that does not exist for the signal at hand."""


class FileError(AmbikitError):
    """A file that is missing, truncated, of an unknown format, or that cannot be written."""


class MissingExtraError(AmbikitError, ImportError):
    """A part of ambikit was called whose optional dependency is not installed."""
