"""Maps over directions evenly spread on the sphere, and the directions of their peaks."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float

import ambikit
from ambikit.analysis.peaks import FoundDirections

__all__ = ["map_grid", "peak_directions"]


@lru_cache(maxsize=4)
def map_grid(directions: int) -> tuple[np.ndarray, np.ndarray]:
    """Azimuth and elevation of the directions of a map, radians: :func:`ambikit.fibonacci_grid`."""
    return ambikit.fibonacci_grid(directions)


def peak_directions(
    values: Float[np.ndarray, "directions"], count: int, *, minimum_separation: float, threshold: float
) -> FoundDirections:
    """The peaks of a map over :func:`map_grid`, the highest first.

    Parameters
    ----------
    values
        The map.
    count
        How many peaks at most.
    minimum_separation
        The smallest angle between two of them, radians.
    threshold
        Peaks lower than this part of the highest are left out, in [0, 1].

    Examples
    --------
    >>> grid = map_grid(1000)
    >>> near = [ambikit.angular_distance(*grid, azimuth, 0.0) for azimuth in (1.0, -1.0)]
    >>> values = np.exp(-(near[0] ** 2)) + 0.1 * np.exp(-(near[1] ** 2))
    >>> found = peak_directions(values, 4, minimum_separation=0.5, threshold=0.2)
    >>> len(found.azimuth), bool(abs(found.azimuth[0] - 1.0) < 0.05)
    (1, True)
    """
    found = ambikit.map_peaks(values, *map_grid(len(values)), count, minimum_separation=minimum_separation)
    kept = found.strength > threshold * found.strength.max(initial=0.0)
    return FoundDirections(*(part[kept].astype(np.float64) for part in found))
