"""The directions where a map over the sphere is largest, between the points of its grid too."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, as_numbers, constant_like, is_torch, namespace, narrow, widen
from ambikit._checks import check_floating, check_order
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.directions import angles_in_radians, angles_to_vectors, vectors_to_angles

__all__ = ["FoundDirections", "map_peaks", "values_at"]

#: neighbours lie within this many times the largest distance of a grid point from the one next to it
_REACH = 1.6


class FoundDirections(NamedTuple):
    """Directions in which something was found, the strongest first.

    Attributes
    ----------
    azimuth, elevation
        ``(..., count)`` in radians, or in degrees where these were asked for; NaN where fewer were found.
    strength
        ``(..., count)``: the value of the map at the grid point next to a peak, or the power of a source; 0 where none
        was found.
    """

    azimuth: Float[Array, "..."]
    elevation: Float[Array, "..."]
    strength: Float[Array, "..."]


class _Neighbours(NamedTuple):
    """Which points of a grid lie next to each, and how a parabola is fitted through them; NumPy."""

    vectors: np.ndarray  # (points, 3)
    reach: float  # radians
    table: np.ndarray  # (points, neighbours); the point itself where it has fewer
    tangents: np.ndarray  # (points, 2, 3): towards growing azimuth and elevation
    fit: np.ndarray  # (points, 5, neighbours): slopes and curvatures from the rise towards each neighbour


def map_peaks(
    values: Float[Array, "*batch points"],
    azimuth: Any,
    elevation: Any,
    count: int = 1,
    *,
    minimum_separation: float = 0.0,
    refine: bool = True,
    degrees: bool = False,
) -> FoundDirections:
    r"""The directions of the highest peaks of a map such as :func:`power_map` or :func:`music`, the highest first.

    A peak is a point of the grid that no neighbour exceeds, neighbours being all points within 1.6 times the largest
    distance of a point from the one next to it. Peaks are taken in order of height; what lies nearer to one than
    ``minimum_separation`` is left out. Between the points the direction is that of the vertex of a parabola through
    point and neighbours, on the plane that touches the sphere there. Where the map is positive the parabola is fitted
    to its reciprocal, which is smooth also where the map has a pole: the reciprocal of :func:`music` is a polynomial.

    Parameters
    ----------
    values
        The map ``(..., points)``, real; the leading axes are a batch of maps over one grid.
    azimuth, elevation
        The grid ``(points,)`` in radians: any directions in any order; they need not cover all of the sphere.
        ``ambikit.fibonacci_grid(1000)`` has its points 6° apart; a wave in weak diffuse sound is then found to 0.2° in
        the maps of orders 1 to 6 (the worst of 200 directions). Two waves close to each other want more points: 45°
        apart, in maps of :func:`music`, the worse one was missed by up to 16° at order 1 and 0.7° at order 3 with 1000
        points, by 5° and 0.2° with 4000 (30 pairs, ``minimum_separation`` 20°). The neighbours are searched once per
        grid, in NumPy: under ``torch.compile`` the call does not trace.
    count
        How many peaks to look for.
    minimum_separation
        Smallest angle between two of them, in radians, or in degrees with ``degrees=True``. Between grid points that
        a narrow ridge of the map passes, one source can have several peaks: with several sources set it to the angle
        that you trust the order to resolve, e.g. 20 degrees.
    refine
        Whether to look between the grid points.
    degrees
        Whether all angles, also those returned, are in degrees.

    Returns
    -------
    azimuth, elevation, strength
        Together a :class:`FoundDirections`, each ``(..., count)``, in the library, dtype and device of the map. Where a
        map has fewer peaks (a flat one has none) the angles are NaN and the strength is 0; a map of NaN gives NaN.
        Strengths and refined angles have gradients to the map.

    Raises
    ------
    AmbikitError
        If ``count`` is not a whole number of at least 1 or the separation not one from 0 to half a turn.
    ShapeError
        If the grid does not have one direction per value.
    ArrayTypeError
        If the map holds integers.

    Examples
    --------
    Two waves of different power, from the left and from the back, in the map of a third-order beam:

    >>> from ambikit import fibonacci_grid, power_map, spherical_harmonics
    >>> sources = spherical_harmonics([90, 180], [0, 30], 3, degrees=True)
    >>> covariance = sources.T @ np.diag([4.0, 1.0]) @ sources
    >>> grid = fibonacci_grid(1000)
    >>> found = map_peaks(power_map(covariance, *grid), *np.degrees(grid), 2, degrees=True)
    >>> found.azimuth.round().tolist(), (found.elevation.round() + 0.0).tolist()
    ([90.0, 180.0], [0.0, 30.0])
    """
    check_floating(values, "values")
    count = check_order(count, minimum=1, name="count")
    separation = _check_separation(minimum_separation, degrees)
    neighbours = _neighbours_of(values, azimuth, elevation, degrees)
    wide, half = widen(values)
    xp = namespace(wide)
    table = neighbours.table if xp is np else xp.as_tensor(neighbours.table, device=wide.device)
    highest = lowest = wide
    for column in range(table.shape[1]):  # a column at a time: all at once would be a map per neighbour
        beside = wide[..., table[:, column]]
        highest, lowest = xp.maximum(highest, beside), xp.minimum(lowest, beside)
    left = xp.where((wide >= highest) & (wide > lowest), wide, -np.inf)
    vectors = constant_like(neighbours.vectors, wide)
    border = float(np.cos(max(neighbours.reach, separation)))
    places, heights = [], []
    for _ in range(count):
        places.append(left.argmax(-1))
        heights.append(values_at(left, places[-1][..., None])[..., 0])
        near = (vectors[places[-1][..., None]] * vectors).sum(-1) >= border
        left = xp.where(near, -np.inf, left)
    place, exists = xp.stack(places, -1), xp.stack(heights, -1) > -np.inf
    direction = vectors[place]
    if refine:
        direction = _refined(wide, direction, place, table[place], neighbours)
    found = (constant_like(angle, wide) for angle in vectors_to_angles(direction, degrees=degrees))
    nothing = xp.where(xp.isnan(wide).all(-1), np.nan, xp.zeros_like(wide[..., 0]))[..., None]
    strength = xp.where(exists, values_at(wide, place), nothing)
    return FoundDirections(*(narrow(xp.where(exists, angle, np.nan), half) for angle in found), narrow(strength, half))


def _refined(values: Array, direction: Array, place: Array, beside: Array, neighbours: _Neighbours) -> Array:
    """The directions of the vertices of the parabolas through the chosen points and their neighbours."""
    xp = namespace(values)
    centre = values_at(values, place)[..., None]
    *leading, count, others = beside.shape
    around = values_at(values, beside.reshape(*leading, count * others)).reshape(beside.shape)
    positive = (centre > 0) & (around > 0).all(-1)[..., None]
    rise = xp.where(positive, centre / xp.where(positive, around, 1.0) - 1, (centre - around))
    fit, tangents = (constant_like(design, values)[place] for design in (neighbours.fit, neighbours.tangents))
    parabola = (fit @ rise[..., None])[..., 0]
    slope_x, slope_y, bend_x, bend_y, twist = (parabola[..., part] for part in range(5))
    determinant, trace = bend_x * bend_y - twist**2, bend_x + bend_y
    # On a line of directions the parabola is bent along it alone, and the vertex lies there.
    flat = determinant <= 1e-6 * trace**2
    divisor = xp.where(flat, xp.where(trace > 0, trace, np.inf), xp.where(flat, 1.0, determinant))
    x = -xp.where(flat, slope_x, bend_y * slope_x - twist * slope_y) / divisor
    y = -xp.where(flat, slope_y, bend_x * slope_y - twist * slope_x) / divisor
    # A vertex farther away than half way to a neighbour is none of this peak.
    square = x**2 + y**2
    near = (square > 0) & (square <= (neighbours.reach / 2) ** 2) & (trace > 0)
    x, y = xp.where(near, x, 0.0), xp.where(near, y, 0.0)
    angle = xp.sqrt(xp.where(near, square, 1.0))
    shrink = xp.where(near, xp.sin(angle) / angle, 1.0)[..., None]
    length = xp.where(near, xp.cos(angle), 1.0)[..., None]
    return length * direction + shrink * (x[..., None] * tangents[..., 0, :] + y[..., None] * tangents[..., 1, :])


def values_at(values: Array, place: Array) -> Array:
    """The values at places, whole numbers, on the last axis."""
    take = namespace(values).take_along_dim if is_torch(values) else np.take_along_axis
    return take(values, place, -1)


def _check_separation(value: Any, degrees: bool) -> float:
    number = isinstance(value, int | float | np.integer | np.floating)
    if not number or not 0 <= value <= (180 if degrees else np.pi):
        raise AmbikitError(
            f"got minimum_separation={value!r}; expected an angle from 0 to half a turn; "
            "give it in radians, or in degrees with degrees=True"
        )
    return float(value) * (np.pi / 180 if degrees else 1.0)


def _neighbours_of(values: Array, azimuth: Any, elevation: Any, degrees: bool) -> _Neighbours:
    points = values.shape[-1] if len(values.shape) else 0
    grid = [as_numbers(angle.detach().cpu().numpy() if is_torch(angle) else angle) for angle in (azimuth, elevation)]
    grid = np.broadcast_arrays(*angles_in_radians(*grid, degrees=degrees))
    if points == 0 or grid[0].shape != (points,):
        raise ShapeError(
            f"got values of shape {tuple(values.shape)} for a grid of shape {grid[0].shape}; expected (..., points) "
            "and (points,); pass the directions for which the map was computed, e.g. ambikit.fibonacci_grid(1000)"
        )
    return _neighbourhood(*(np.ascontiguousarray(angle).tobytes() for angle in grid))


@lru_cache(maxsize=8)
def _neighbourhood(azimuth: bytes, elevation: bytes) -> _Neighbours:
    from scipy.spatial import cKDTree

    az, el = np.frombuffer(azimuth), np.frombuffer(elevation)
    vectors = angles_to_vectors(az, el)
    tree, points = cKDTree(vectors), len(az)
    nearest = tree.query(vectors, k=2)[0][:, 1].max() if points > 1 else 0.0
    reach = min(_REACH * nearest, 2.0)  # a chord
    pairs = tree.query_pairs(reach, output_type="ndarray")
    first, second = np.concatenate([pairs, pairs[:, ::-1]]).T
    order = np.argsort(first, kind="stable")
    first, second = first[order], second[order]
    counts = np.bincount(first, minlength=points)
    column = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    table = np.repeat(np.arange(points)[:, None], counts.max(initial=1), axis=1)
    table[first, column] = second
    zero = np.zeros_like(az)
    east = np.stack([-np.sin(az), np.cos(az), zero], -1)
    north = np.stack([-np.sin(el) * np.cos(az), -np.sin(el) * np.sin(az), np.cos(el)], -1)
    tangents = np.stack([east, north], 1)
    x, y = np.moveaxis(np.einsum("ptv,pkv->ptk", tangents, vectors[table]), 1, 0)
    sine, cosine = np.hypot(x, y), np.einsum("pv,pkv->pk", vectors, vectors[table])
    stretch = np.where(sine > 0, np.arctan2(sine, cosine) / np.where(sine > 0, sine, 1.0), 1.0)
    x, y = (part * stretch / reach if reach > 0 else part for part in (x, y))
    # √2 makes the least squares of a line of points bend along the line alone.
    design = np.stack([x, y, x**2 / 2, y**2 / 2, x * y / np.sqrt(2)], -1)
    back = np.array([1, 1, 1, 1, 1 / np.sqrt(2)]) / max(reach, 1e-300) ** np.array([1, 1, 2, 2, 2])
    fit = np.linalg.pinv(design, rcond=1e-6) * back[:, None]
    return _Neighbours(vectors, 2 * np.arcsin(reach / 2), table, tangents, fit)
