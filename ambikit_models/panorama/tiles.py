"""Objects found on perspective tiles of a panorama and merged on the sphere."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

from ambikit import angles_to_vectors, vectors_to_angles
from ambikit.errors import AmbikitError, ShapeError
from ambikit_models.panorama.detection import Detections, Detector
from ambikit_models.panorama.projection import crop

__all__ = ["TILES", "TiledDetector", "shared_areas"]

#: where the tiles look, degrees: six around the horizon, four above and four below it, one up and one down
TILES = (
    *((60.0 * i, 0.0) for i in range(6)),
    *((90.0 * i + 45.0, sign * 55.0) for sign in (1, -1) for i in range(4)),
    (0.0, 90.0),
    (0.0, -90.0),
)
#: points in each outline that overlap is measured with, and on its rim
_INSIDE, _RIM = 400, 256
#: the part of a tile at its rim in which objects are cut off, and how far an object reaches to claim what was
_CUT, _WIDER = 0.02, 1.1


@dataclass(frozen=True)
class _Outlines:
    """Ellipses on planes that touch the sphere: what boxes hold, seen from its centre."""

    axes: Float[np.ndarray, "count 3 3"]  # rows: where the plane touches, its left, its top
    middle: Float[np.ndarray, "count 2"]  # to the left and up, in the plane at distance 1
    half: Float[np.ndarray, "count 2"]

    def points(self, disc: Float[np.ndarray, "points 2"]) -> tuple[np.ndarray, np.ndarray]:
        """The directions of points of the unit disc, ``(count, points, 3)``, and their shares of solid angle."""
        flat = self.middle[:, None] + self.half[:, None] * disc
        rays = self.axes[:, None, 0] + np.einsum("npk,nkd->npd", flat, self.axes[:, 1:])
        length = np.linalg.norm(rays, axis=-1, keepdims=True)
        area = np.pi * self.half.prod(-1)[:, None] / len(disc)
        return rays / length, area / length[..., 0] ** 3

    def hold(self, vectors: Float[np.ndarray, "points 3"]) -> Bool[np.ndarray, "count points"]:
        """Whether each outline holds each of the directions."""
        depth, *flat = np.einsum("nkd,pd->knp", self.axes, vectors)
        ahead = depth > 1e-9
        flat = np.stack(flat, -1) / np.where(ahead, depth, 1.0)[..., None]
        return ahead & ((((flat - self.middle[:, None]) / self.half[:, None]) ** 2).sum(-1) <= 1.0)

    def shared(self, other: "_Outlines") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Solid angles: of both together ``(count, count of the other)``, and of each."""
        (mine, my_area), (theirs, their_area) = self.points(_disc()), other.points(_disc())
        seen_here = other.hold(mine.reshape(-1, 3)).reshape(len(other.half), *my_area.shape)
        seen_there = self.hold(theirs.reshape(-1, 3)).reshape(len(self.half), *their_area.shape)
        both = np.einsum("np,mnp->nm", my_area, seen_here) + np.einsum("mp,nmp->nm", their_area, seen_there)
        return both / 2, my_area.sum(-1), their_area.sum(-1)

    def detections(self, label: np.ndarray, score: np.ndarray) -> Detections:
        """The boxes on the equirectangular frame; an outline that holds a pole reaches all the way round."""
        turn = 2 * np.pi * np.arange(_RIM) / _RIM
        rim, _ = self.points(np.stack([np.cos(turn), np.sin(turn)], -1))
        azimuth, elevation = vectors_to_angles(rim)
        reference = vectors_to_angles(self.points(np.zeros((1, 2)))[0])[0]
        around = np.pi - np.mod(np.pi - (azimuth - reference), 2 * np.pi)
        pole = self.hold(np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]))
        bottom = np.where(pole[:, 1], -np.pi / 2, elevation.min(-1))
        top = np.where(pole[:, 0], np.pi / 2, elevation.max(-1))
        right, left = (np.where(pole.any(-1), 0.0, edge) for edge in (around.min(-1), around.max(-1)))
        middle = reference[:, 0] + (left + right) / 2
        return Detections(
            azimuth=np.pi - np.mod(np.pi - middle, 2 * np.pi),
            elevation=(bottom + top) / 2,
            width=np.where(pole.any(-1), 2 * np.pi, left - right),
            height=top - bottom,
            label=label,
            score=score,
        )


class TiledDetector:
    """Any detector, on perspective tiles of the panorama instead of the equirectangular frame.

    Objects near the poles and across the left and right rim look as they do elsewhere, at the price of as many
    pictures as there are tiles. Each box of a tile holds an ellipse that is carried to the sphere; of those of one
    class that share more than ``overlap`` of their solid angle the best is kept. What the rim of a tile cuts off gives
    way to a whole object that holds it. For a round object the box is exact where the object lies on the middle row
    or column of a tile, and too large by a little towards the corners.

    Parameters
    ----------
    detector
        What finds objects on the tiles; it takes them for small frames.
    tiles
        Where they look: azimuth and elevation in degrees.
    field_of_view
        Of a tile, radians.
    size
        Its side in pixels; by default its middle has as many pixels per degree as the horizon of the frame.
    overlap
        Above which part of shared solid angle two boxes are one object, in (0, 1): of both together, or of
        the smaller one where a tile cut one of them off.

    Examples
    --------
    >>> class Bright:
    ...     def detect(self, frames):
    ...         return [self.one(frame[..., 0] > 128) for frame in frames]
    ...     def one(self, seen):
    ...         (rows, columns), (height, width) = np.nonzero(seen), seen.shape
    ...         box = [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]] if len(rows) else []
    ...         return boxes_to_detections(box, [1.0] * len(box), ["bright"] * len(box), width, height)
    >>> from ambikit_models.panorama.detection import boxes_to_detections
    >>> frame = np.zeros((1, 180, 360, 3), np.uint8)
    >>> frame[0, 85:95, :5] = frame[0, 85:95, -5:] = 255
    >>> found = TiledDetector(Bright()).detect(frame)[0]
    >>> len(found), abs(round(np.degrees(found.azimuth[0]))), round(np.degrees(found.width[0]))
    (1, 180, 11)
    """

    def __init__(
        self,
        detector: Detector,
        *,
        tiles: Sequence[tuple[float, float]] = TILES,
        field_of_view: float = math.pi / 2,
        size: int | None = None,
        overlap: float = 0.4,
    ):
        if not len(tiles) or not 0 < field_of_view < math.pi or not 0 < overlap < 1:
            raise AmbikitError(
                f"got {len(tiles)} tiles, field_of_view={field_of_view} and overlap={overlap}; expected at least one "
                "tile, radians between 0 and π, and a part between 0 and 1"
            )
        self.detector, self.field_of_view, self.size, self.overlap = detector, field_of_view, size, overlap
        self.azimuth, self.elevation = np.radians(np.array(tiles, np.float64)).T
        self._axes = _axes(self.azimuth, self.elevation)

    def detect(self, frames: UInt8[np.ndarray, "n height width 3"]) -> list[Detections]:
        """Find the objects of each equirectangular frame (red, green, blue): one :class:`Detections` per frame."""
        if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
            raise ShapeError(
                f"got frames of shape {frames.shape} and dtype {frames.dtype}; expected uint8 (n, height, width, 3)"
            )
        return [self._merged(frame) for frame in frames]

    def _merged(self, frame: UInt8[np.ndarray, "height width 3"]) -> Detections:
        half = math.tan(self.field_of_view / 2)
        size = self.size or max(1, round(2 * half * len(frame) / math.pi))
        where = (self.azimuth[None], self.elevation[None])
        seen = self.detector.detect(crop(frame[None], *where, field_of_view=self.field_of_view, size=size)[0])
        tile = np.repeat(np.arange(len(seen)), [len(found) for found in seen])
        # what the detector took for angles on a frame are parts of the tile's side: -1 to 1 to the left and up
        middle = np.concatenate([np.stack([f.azimuth / np.pi, f.elevation / (np.pi / 2)], -1) for f in seen])
        reach = np.concatenate([np.stack([f.width / (2 * np.pi), f.height / np.pi], -1) for f in seen])
        label, score = (np.concatenate([getattr(f, name) for f in seen]) for name in ("label", "score"))
        outlines = _Outlines(self._axes[tile], half * middle, half * np.maximum(reach, 1e-6))
        cut = (np.abs(middle) + reach > 1 - _CUT).any(-1)
        kept = _best(outlines, label, score, cut, self.overlap)
        return _Outlines(outlines.axes[kept], outlines.middle[kept], outlines.half[kept]).detections(
            label[kept], score[kept]
        )


def shared_areas(first: Detections, second: Detections) -> Float[np.ndarray, "first second"]:
    """How much objects overlap on the sphere: the solid angle that two share, by that which they cover together.

    An object is taken for the ellipse in its box, as wide as the box is on the great circle. This is the usual
    intersection over union, but the same at every latitude and across the rim of the frame.

    Examples
    --------
    >>> from ambikit_models.panorama.detection import boxes_to_detections
    >>> found = boxes_to_detections([[0, 40, 20, 60], [180, 40, 200, 60]], [1, 1], ["a", "a"], width=200, height=100)
    >>> shared_areas(found, found).round(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    both, mine, theirs = _outlines_of(first).shared(_outlines_of(second))
    return both / (mine[:, None] + theirs - both)


def _best(outlines: _Outlines, label: np.ndarray, score: np.ndarray, cut: np.ndarray, overlap: float) -> np.ndarray:
    """The outlines that stay: whole ones first, then by score, then those nearest to the middle of their tile."""
    both, area, _ = outlines.shared(outlines)
    together = area[:, None] + area - both
    smaller = np.minimum(area[:, None], area)
    # what the rim cut off is seldom an ellipse: its middle tells whose part it is
    wider = _Outlines(outlines.axes, outlines.middle, _WIDER * outlines.half)
    middles = outlines.points(np.zeros((1, 2)))[0][:, 0]
    part = wider.hold(middles) & cut
    same = (both / np.where(cut[:, None] | cut, smaller, together) > overlap) | part | part.T
    same &= label[:, None] == label
    kept: list[int] = []
    for this in np.lexsort((np.abs(outlines.middle).min(-1), np.round(-score, 6), cut)):
        if not same[this, kept].any():
            kept.append(int(this))
    return np.array(kept, dtype=np.int64)


def _outlines_of(found: Detections) -> _Outlines:
    """The ellipses in boxes of a frame, on the planes that touch the sphere in their middles."""
    half = np.arcsin(np.sin(np.minimum(found.width, np.pi) / 2) * np.cos(found.elevation))
    reach = np.stack([half, found.height / 2], -1)
    elevation = np.array(found.elevation, np.float64)
    # all around a pole: a cap, as wide as the box is high
    polar = found.width > 2 * np.pi - 1e-6
    elevation[polar] = np.copysign(np.pi / 2, elevation[polar])
    reach[polar] = found.height[polar, None]
    flat = np.tan(np.clip(reach, 1e-6, np.radians(85.0)))
    return _Outlines(_axes(found.azimuth, elevation), np.zeros((len(found), 2)), flat)


def _axes(azimuth: np.ndarray, elevation: np.ndarray) -> np.ndarray:
    """Front, left and up of views, ``(views, 3, 3)``."""
    front = angles_to_vectors(azimuth, elevation)
    left = angles_to_vectors(azimuth + np.pi / 2, 0 * elevation)
    return np.stack([front, left, np.cross(front, left)], 1)


def _disc() -> Float[np.ndarray, "points 2"]:
    """Points spread evenly over the unit disc: the sunflower."""
    index = np.arange(_INSIDE)
    radius, turn = np.sqrt((index + 0.5) / _INSIDE), np.pi * (1 + math.sqrt(5)) * index
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], -1)
