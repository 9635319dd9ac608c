"""What a camera sees of a map of classes: views of equirectangular maps, in which numbers are never mixed."""

from typing import Any

import numpy as np
from jaxtyping import Integer

from ambikit.errors import ShapeError
from ambikit_models.panorama.sampling import locate_views

__all__ = ["crop_labels"]


def crop_labels(
    maps: Integer[np.ndarray, "n height width"], azimuth: Any, elevation: Any, *, field_of_view: Any, size: int
) -> Integer[np.ndarray, "n views size size"]:
    """Look into maps of classes as :func:`~ambikit_models.panorama.projection.crop` looks into pictures.

    Each pixel of a view has the number of the nearest pixel of its map.

    Parameters
    ----------
    maps
        Equirectangular, front in the middle, left (azimuth 90°) in the middle of the left half.
    azimuth, elevation, field_of_view
        Of the views of each map, radians, ``(n, views)``.
    size
        The side of the views in pixels.

    Raises
    ------
    ShapeError
        If there are not as many rows of angles as maps.

    Examples
    --------
    >>> map = np.zeros((1, 90, 180), np.uint8)
    >>> map[:, :, 30:60] = 7  # around azimuth 90°
    >>> left_and_front = np.array([[np.pi / 2, 0.0]])
    >>> crop_labels(map, left_and_front, np.zeros((1, 2)), field_of_view=np.full((1, 2), 0.3), size=2)[0].tolist()
    [[[7, 7], [7, 7]], [[0, 0], [0, 0]]]
    """
    angles = [np.asarray(angle, np.float64) for angle in (azimuth, elevation, field_of_view)]
    height, width = maps.shape[1:]
    if {angle.shape[:1] for angle in angles} != {maps.shape[:1]} or {angle.ndim for angle in angles} != {2}:
        raise ShapeError(
            f"got maps of shape {maps.shape} and angles of shapes {[angle.shape for angle in angles]}; expected angles "
            f"({len(maps)}, views)"
        )
    column, row = locate_views(*(angle.ravel() for angle in angles), size, height, width)
    place = np.floor(column + 0.5).astype(np.int64) % width
    line = np.clip(np.floor(row + 0.5), 0, height - 1).astype(np.int64)
    which = np.repeat(np.arange(len(maps)), angles[0].shape[1])[:, None, None]
    return maps[which, line, place].reshape(*angles[0].shape, size, size)
