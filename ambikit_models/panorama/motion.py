"""Where a clip moves: the directions in which its pictures change most, as places worth looking at."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Shaped

import ambikit
from ambikit.analysis.peaks import FoundDirections
from ambikit.errors import ShapeError
from ambikit_models.panorama.sampling import reduce_frames

__all__ = ["motion_map", "moving_directions"]

#: directions of the map, 8° apart; rows of the frames that are compared, about
_GRID, _HEIGHT = 500, 48


def motion_map(
    frames: Shaped[np.ndarray, "time height width 3"], *, half_width: float = np.radians(10.0)
) -> Float[np.ndarray, "directions"]:
    r"""How much the picture changes around each direction of ``ambikit.fibonacci_grid(500)``.

    .. math:: M(d) = \frac{\sum_p \cos(\phi_p)\, e^{\kappa (u_p^\top d - 1)}\, m_p}
              {\sum_p \cos(\phi_p)\, e^{\kappa (u_p^\top d - 1)}}

    with the change :math:`m_p` of pixel p: the mean over time of the absolute differences of brightness between
    neighbouring frames, less its median over the sphere (what changes everywhere, a fade or noise, is no motion).
    Pixels count by the solid angle they cover, so that the stretched rows near the poles weigh no more than they
    should.

    Parameters
    ----------
    frames
        Equirectangular, ``(time, height, width, 3)``, at least 2 of them.
    half_width
        The angle at which a pixel counts half, radians.
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or len(frames) < 2:
        raise ShapeError(f"got frames of shape {frames.shape}; expected (time, height, width, 3), at least 2 in time")
    height, width = frames.shape[1:3]
    factor = 1
    while height // (2 * factor) >= _HEIGHT and height % (2 * factor) == 0 and width % (2 * factor) == 0:
        factor *= 2
    brightness = reduce_frames(np.asarray(frames, np.float32), factor).mean(-1)
    change = np.abs(np.diff(brightness, axis=0)).mean(0)
    votes, area = _votes(*change.shape, float(half_width))
    order = np.argsort(change, axis=None)
    below = np.cumsum(area[order])
    median = change.reshape(-1)[order[np.searchsorted(below, below[-1] / 2)]]
    return votes @ np.maximum(change.reshape(-1) - median, 0.0)


def moving_directions(
    frames: Shaped[np.ndarray, "time height width 3"],
    *,
    count: int = 4,
    minimum_separation: float = np.radians(20.0),
    threshold: float = 0.2,
) -> FoundDirections:
    """The directions in which a clip moves, the strongest first: the peaks of :func:`motion_map`.

    Frames are compared, not followed: what pulses counts as moving, and when the camera itself moves, edges do
    everywhere. Prefer other viewpoints for a camera that is carried.

    Parameters
    ----------
    frames
        Equirectangular, ``(time, height, width, 3)``.
    count
        How many directions at most.
    minimum_separation
        The smallest angle between two of them, radians.
    threshold
        Peaks lower than this part of the highest are left out, in [0, 1].

    Returns
    -------
    azimuth, elevation, strength
        ``(found,)`` each, radians; empty where nothing moves.

    Examples
    --------
    A square that appears at the left:

    >>> frames = np.zeros((2, 90, 180, 3), np.uint8)
    >>> frames[1, 40:50, 40:50] = 255
    >>> bool(abs(np.degrees(moving_directions(frames).azimuth[0]) - 90) < 2)
    True
    """
    found = ambikit.map_peaks(motion_map(frames), *_grid(), count, minimum_separation=minimum_separation)
    kept = found.strength > threshold * found.strength.max(initial=0.0)
    return FoundDirections(*(part[kept].astype(np.float64) for part in found))


@lru_cache(maxsize=1)
def _grid() -> tuple[np.ndarray, np.ndarray]:
    return ambikit.fibonacci_grid(_GRID)


@lru_cache(maxsize=2)
def _votes(height: int, width: int, half_width: float) -> tuple[np.ndarray, np.ndarray]:
    """What each pixel counts for each direction, ``(directions, pixels)``, and the solid angle of each pixel."""
    row, column = np.indices((height, width)).reshape(2, -1)
    azimuth, elevation = ambikit.pixels_to_angles(column, row, width, height)
    area = np.cos(elevation)
    cosine = ambikit.angles_to_vectors(*_grid()) @ ambikit.angles_to_vectors(azimuth, elevation).T
    kernel = area * np.exp(np.log(2) / (1 - np.cos(half_width)) * (cosine - 1))
    return (kernel / kernel.sum(-1, keepdims=True)).astype(np.float32), area
