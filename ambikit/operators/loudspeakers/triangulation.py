"""Pairs and triangles of loudspeakers that cover the circle and the sphere.

Three things keep this from being a plain convex hull:

- Facets with more than three corners (the four loudspeakers of a wall of a room stand in one plane) are not cut along
  a diagonal, which would break the symmetry of the layout. They get a virtual loudspeaker at the mean of their corners,
  whose gain all corners share equally: a phantom source in the middle of the wall comes from all of them.
- Where loudspeakers are missing (below most layouts) a facet would pass the listener closely, or leave the listener
  outside. An imaginary loudspeaker is set in the middle of each such gap, the widest first.
- What an imaginary loudspeaker would play is shared by its neighbours, or lost, as the caller wishes.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ambikit._arrays import cached_design
from ambikit.errors import AmbikitError
from ambikit.operators.loudspeakers.layouts import Layout

__all__ = ["Triangulation", "triangulate"]

# Facets further from the listener than this cover a cap of at most 80° around their middle; a wider one is a gap.
# (The facets of a tetrahedron cover 70.5°; 5.0 leaves 70° to each side of the back.)
_NEAREST_FACET = np.cos(np.radians(80))
_IN_ONE_PLANE = 1e-7
_ROUNDS = 24


@dataclass(frozen=True, eq=False)
class Triangulation:
    """Bases to pan between: triangles of corners (pairs on the circle), and which loudspeakers the corners mean.

    Attributes
    ----------
    inverse
        ``(bases, d, d)``: a vector times the inverse of a basis gives the gains of its d corners.
    mixing
        ``(bases, d, loudspeakers + imaginary)``: the loudspeakers behind each corner.
    sharing
        ``(loudspeakers + imaginary, loudspeakers)``: 1 from each loudspeaker to itself; what an imaginary one gives to
        its neighbours, 1/√k to each of k, which keeps its energy.
    imaginary
        ``(imaginary, 3)`` unit vectors.
    """

    inverse: Float[np.ndarray, "bases d d"]
    mixing: Float[np.ndarray, "bases d points"]
    sharing: Float[np.ndarray, "points loudspeakers"]
    imaginary: Float[np.ndarray, "imaginary 3"]


def triangulate(layout: Layout) -> Triangulation:
    """Cover the circle (horizontal layouts) or the sphere with bases of loudspeakers, real and imaginary.

    Raises
    ------
    AmbikitError
        If there are fewer than two loudspeakers on the horizon, or fewer than three otherwise.
    """
    return _triangulate(layout.azimuth, layout.elevation, layout.labels, layout.silent, layout.name)


@cached_design
def _triangulate(azimuth: tuple, elevation: tuple, labels: tuple, silent: tuple, name: str) -> Triangulation:
    layout = Layout(azimuth, elevation, labels=labels, silent=silent, name=name)
    flat, channels, count = layout.is_horizontal, np.flatnonzero(layout.sounding), len(layout)
    real, minimum = len(channels), 2 if flat else 3
    if real < minimum:
        raise AmbikitError(
            f"got layout {name!r} with {real} sounding loudspeakers; expected at least {minimum} to pan between; "
            "send everything to the one there is, or add some"
        )
    vectors = layout.vectors[channels]
    points, facets = _close_gaps(vectors, _arcs if flat else _facets)
    bases, corners = [], []
    for members in facets:
        middle = points[members].mean(axis=0)
        single = np.eye(len(points))[members]
        if len(members) <= 3:
            bases.append(points[members])
            corners.append(single)
            continue
        for one in range(len(members)):
            pair = [one - 1, one]
            bases.append(np.stack([*points[members][pair], middle]))
            corners.append(np.stack([*single[pair], single.mean(axis=0)]))
    d = 2 if flat else 3
    # The columns of the real loudspeakers move to their channels, the imaginary ones follow behind.
    imaginary = len(points) - real
    place = np.zeros((len(points), count + imaginary))
    place[np.arange(len(points)), [*channels, *range(count, count + imaginary)]] = 1.0
    sharing = place[:real].sum(axis=0)[:count]
    shares = np.zeros((imaginary, count))
    shares[:, channels] = _sharing(facets, real, len(points))
    return Triangulation(
        inverse=np.linalg.inv(np.array(bases)[:, :, :d]),
        mixing=np.array(corners) @ place,
        sharing=np.concatenate([np.diag(sharing), shares]),
        imaginary=points[real:],
    )


def _close_gaps(points: np.ndarray, hull) -> tuple[np.ndarray, list[np.ndarray]]:
    """Add imaginary loudspeakers until no facet is too near to the listener; return all points and the facets."""
    for _ in range(_ROUNDS):
        facets = hull(points)
        nearest = min(offset for _, offset, _ in facets)
        if nearest >= _NEAREST_FACET:
            return points, [members for _, _, members in facets]
        # equal gaps are closed together, which keeps the symmetry
        widest = [normal for normal, offset, _ in facets if offset < nearest + _IN_ONE_PLANE]
        points = np.concatenate([points, widest])
    raise AmbikitError(
        f"got loudspeakers that {_ROUNDS} imaginary ones do not complete; expected some around the listener; "
        "check the angles and their unit"
    )


def _arcs(points: np.ndarray) -> list[tuple[np.ndarray, float, np.ndarray]]:
    """Neighbours on the horizon: the middle of the arc, its distance from the listener, the two ends."""
    angles = np.arctan2(points[:, 1], points[:, 0])
    order = np.argsort(angles)
    arcs = []
    for first, second in zip(order, np.roll(order, -1)):
        half = (angles[second] - angles[first]) % (2 * np.pi) / 2
        middle = angles[first] + half
        arcs.append((np.array([np.cos(middle), np.sin(middle), 0.0]), np.cos(half), np.array([first, second])))
    return arcs


def _facets(points: np.ndarray) -> list[tuple[np.ndarray, float, np.ndarray]]:
    """Facets of the convex hull: outward normal, distance from the listener (negative: beyond), corners in turn."""
    from scipy.spatial import ConvexHull

    _, extents, axes = np.linalg.svd(points - points.mean(axis=0))
    if len(points) == 3 or extents[2] < _IN_ONE_PLANE:
        planes = [np.append(axes[2], axes[2] @ points[0]), np.append(-axes[2], -axes[2] @ points[0])]
    else:
        planes = []
        for *normal, offset in ConvexHull(points).equations:
            plane = np.append(normal, -offset)
            if not any(np.abs(plane - known).max() < _IN_ONE_PLANE for known in planes):
                planes.append(plane)
    facets = []
    for plane in planes:
        normal, offset = plane[:3], plane[3]
        members = np.flatnonzero(points @ normal > offset - _IN_ONE_PLANE)
        around = points[members] - points[members].mean(axis=0)
        across = np.cross(normal, around[0])
        facets.append((normal, offset, members[np.argsort(np.arctan2(around @ across, around @ around[0]))]))
    return facets


def _sharing(facets: list[np.ndarray], real: int, count: int) -> np.ndarray:
    """What each imaginary loudspeaker gives to the real ones: to its neighbours, or to all if it has none."""
    shares = np.zeros((count - real, real))
    for row, point in enumerate(range(real, count)):
        neighbours = np.unique(np.concatenate([members for members in facets if point in members]))
        neighbours = neighbours[neighbours < real]
        if len(neighbours) == 0:
            neighbours = np.arange(real)
        shares[row, neighbours] = 1 / np.sqrt(len(neighbours))
    return shares
