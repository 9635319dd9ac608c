"""Directions that cover the sphere evenly, made by formula."""

import numpy as np
from jaxtyping import Float

from ambikit._checks import check_order

__all__ = ["fibonacci_grid", "gauss_legendre_grid"]

_GOLDEN_TURN = np.pi * (3 - np.sqrt(5))  # radians: a full turn divided by the golden ratio, twice


def _wrap(azimuth: np.ndarray) -> np.ndarray:
    """The same azimuths in (−π, π]."""
    return np.pi - np.remainder(np.pi - azimuth, 2 * np.pi)


def fibonacci_grid(count: int) -> tuple[Float[np.ndarray, "count"], Float[np.ndarray, "count"]]:
    """Directions spread evenly over the sphere like the seeds of a sunflower: for maps, sums and searches.

    Point i lies at sin elevation = 1 − (2 i + 1) / count, so that all points stand for the same area, and each is
    turned by the golden angle (137.5 degrees) against the one before.

    Parameters
    ----------
    count
        Number of directions, 1 or more.

    Returns
    -------
    azimuth, elevation
        In radians, float64, from the top down; azimuth in (−π, π].

    Raises
    ------
    AmbikitError
        If ``count`` is not a whole number of at least 1.

    References
    ----------
    Swinbank, Purser: Fibonacci grids: a novel approach to global modelling, QJRMS 132 (2006).

    Examples
    --------
    >>> azimuth, elevation = fibonacci_grid(3)
    >>> (3 * np.sin(elevation)).round(12).tolist()
    [2.0, 0.0, -2.0]
    """
    count = check_order(count, minimum=1, name="count")
    index = np.arange(count)
    return _wrap(_GOLDEN_TURN * index), np.arcsin(1 - (2 * index + 1) / count)


def gauss_legendre_grid(
    order: int,
) -> tuple[Float[np.ndarray, "points"], Float[np.ndarray, "points"], Float[np.ndarray, "points"]]:
    """Directions and weights with which integrals over the sphere are exact.

    Any product of two spherical harmonics up to ``order`` is averaged exactly:
    Σ w Y_i Y_j is the mean of Y_i Y_j over the sphere, which is 0 for i ≠ j. Gauss-Legendre latitudes (order + 1 of
    them) times 2 order + 2 equal steps of azimuth; the grid is its own mirror image, left-right and up-down.

    Parameters
    ----------
    order
        Ambisonic order, 0 or more.

    Returns
    -------
    azimuth, elevation
        In radians, float64, from the bottom up; azimuth in (−π, π].
    weights
        Positive weights that sum to 1.

    Raises
    ------
    AmbikitError
        If ``order`` is not a whole number of at least 0.

    References
    ----------
    Rafaely: Fundamentals of Spherical Array Processing (2015), section 3.3.

    Examples
    --------
    The mean of sin² elevation over the sphere is one third:

    >>> azimuth, elevation, weights = gauss_legendre_grid(1)
    >>> float((weights * np.sin(elevation) ** 2).sum().round(12))
    0.333333333333
    """
    order = check_order(order)
    heights, latitude_weights = np.polynomial.legendre.leggauss(order + 1)
    steps = 2 * order + 2
    azimuths = _wrap(2 * np.pi * np.arange(steps) / steps)
    elevation, azimuth = (part.ravel() for part in np.meshgrid(np.arcsin(heights), azimuths, indexing="ij"))
    return azimuth, elevation, np.repeat(latitude_weights / (2 * steps), steps)
