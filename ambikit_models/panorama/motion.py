"""Where a clip moves: the directions in which things travel, the camera's own turning left out."""

from functools import lru_cache
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Shaped

import ambikit
from ambikit.analysis.peaks import FoundDirections
from ambikit.errors import ShapeError
from ambikit_models.panorama.direction_maps import map_grid, peak_directions
from ambikit_models.panorama.flow import flow_of_the_scene
from ambikit_models.panorama.sampling import reduce_frames

__all__ = ["INTERVAL", "motion_map", "moving_directions"]

#: seconds between the pictures that a source of clips gives to seek motion in
INTERVAL = 0.125
#: directions of the map, 8° apart; rows of the frames that are compared, at least
_GRID, _HEIGHT = 500, 96


def motion_map(
    frames: Shaped[np.ndarray, "*moments time height width 3"],
    *,
    interval: float = INTERVAL,
    minimum_speed: float = np.radians(4.0),
    half_width: float = np.radians(10.0),
) -> Float[np.ndarray, "directions"]:
    r"""How fast things travel around each direction of ``ambikit.fibonacci_grid(500)``, radians per second.

    .. math:: M(d) = \frac{\sum_p \cos(\phi_p)\, e^{\kappa (u_p^\top d - 1)}\, m_p}
              {\sum_p \cos(\phi_p)\, e^{\kappa (u_p^\top d - 1)}}

    with the angular speed :math:`m_p` of pixel p on its great circle, the mean over time of
    :func:`~ambikit_models.panorama.flow.flow_of_the_scene` between neighbouring frames; 0 where it is slower than
    ``minimum_speed``. Pixels count by the solid angle they cover, so that the stretched rows near the poles weigh no
    more than they should.

    Parameters
    ----------
    frames
        Equirectangular, ``(time, height, width, 3)``, 0 to 255, at least 2 of them; or such pictures of several moments
        of a clip, ``(moments, time, height, width, 3)``.
    interval
        Seconds from one frame to the next.
    minimum_speed
        What is slower counts as still, radians per second.
    half_width
        The angle at which a pixel counts half, radians.
    """
    if frames.ndim < 4 or frames.shape[-1] != 3 or frames.shape[-4] < 2:
        raise ShapeError(f"got frames of shape {frames.shape}; expected (time, height, width, 3), at least 2 in time")
    height, width = frames.shape[-3:-1]
    factor = 1
    while height // (2 * factor) >= _HEIGHT and height % (2 * factor) == 0 and width % (2 * factor) == 0:
        factor *= 2
    small = reduce_frames(np.asarray(frames, np.float32).reshape(-1, height, width, 3), factor).mean(-1)
    moments = small.reshape(-1, frames.shape[-4], *small.shape[1:])
    flows = [flow_of_the_scene(*pair)[0] for moment in moments for pair in pairwise(moment)]
    speed = np.linalg.norm(flows, axis=-1) / interval
    speed = np.where(speed >= minimum_speed, speed, 0.0).mean(0)
    return _votes(*speed.shape, float(half_width)) @ speed.reshape(-1)


def moving_directions(
    frames: Shaped[np.ndarray, "*moments time height width 3"],
    *,
    interval: float = INTERVAL,
    count: int = 4,
    minimum_separation: float = np.radians(20.0),
    threshold: float = 0.2,
    minimum_speed: float = np.radians(4.0),
) -> FoundDirections:
    """The directions in which something travels in a clip, the strongest first: the peaks of :func:`motion_map`.

    A camera that turns does not make everything move: its turning is taken off. When it is carried forward, what is
    near moves nevertheless; and what pulses in brightness can seem to.

    Parameters
    ----------
    frames, interval, minimum_speed
        As in :func:`motion_map`; between two frames things should travel some degrees, 45° at most.
    count
        How many directions at most.
    minimum_separation
        The smallest angle between two of them, radians.
    threshold
        Peaks lower than this part of the highest are left out, in [0, 1].

    Returns
    -------
    azimuth, elevation, strength
        ``(found,)`` each, radians, and radians per second averaged over some 20° around; empty where nothing moves.

    Raises
    ------
    MissingExtraError
        If OpenCV is not installed (the extra ``motion``).

    Examples
    --------
    A square that travels from 93° to 87° in an eighth of a second, on the left:

    >>> frames = np.random.default_rng(0).integers(0, 60, (1, 90, 180, 3), np.uint8).repeat(2, 0)
    >>> frames[0, 40:50, 38:49] = frames[1, 40:50, 41:52] = 255
    >>> bool(abs(np.degrees(moving_directions(frames).azimuth[0]) - 90) < 3)
    True
    """
    values = motion_map(frames, interval=interval, minimum_speed=minimum_speed)
    return peak_directions(values, count, minimum_separation=minimum_separation, threshold=threshold)


@lru_cache(maxsize=2)
def _votes(height: int, width: int, half_width: float) -> Float[np.ndarray, "directions pixels"]:
    """What each pixel counts for each direction."""
    row, column = np.indices((height, width)).reshape(2, -1)
    azimuth, elevation = ambikit.pixels_to_angles(column, row, width, height)
    cosine = ambikit.angles_to_vectors(*map_grid(_GRID)) @ ambikit.angles_to_vectors(azimuth, elevation).T
    kernel = np.cos(elevation) * np.exp(np.log(2) / (1 - np.cos(half_width)) * (cosine - 1))
    return (kernel / kernel.sum(-1, keepdims=True)).astype(np.float32)
