import math

import numpy as np
import pytest
from scipy import ndimage

from ambikit.errors import AmbikitError, ShapeError
from ambikit_models.panorama.detection import Detections, Detector, boxes_to_detections
from ambikit_models.panorama.tiles import TILES, TiledDetector, shared_areas

HEIGHT = 360
PIXEL = 0.5


def cap(azimuth, elevation, radius, height=96):
    """A frame with a white cap, drawn by the law of cosines and nothing of the library."""
    e = np.pi / 2 - (np.arange(height) + 0.5) * np.pi / height
    a = np.pi - (np.arange(2 * height) + 0.5) * np.pi / height
    c, f = np.radians([azimuth, elevation])
    cosine = np.sin(e)[:, None] * np.sin(f) + np.cos(e)[:, None] * np.cos(f) * np.cos(a - c)
    return np.repeat(np.where(cosine > math.cos(math.radians(radius)), 255, 0).astype(np.uint8)[..., None], 3, -1)


class Blobs:
    """Finds every connected bright region, as a perfect detector of blobs would on any picture."""

    def detect(self, frames):
        return [self._one(frame[..., 0] > 127) for frame in frames]

    def _one(self, seen):
        regions = ndimage.find_objects(ndimage.label(seen)[0])
        boxes = [(c.start, r.start, c.stop, r.stop) for r, c in regions]
        return boxes_to_detections(boxes, np.ones(len(boxes)), ["blob"] * len(boxes), seen.shape[1], seen.shape[0])


def exact(azimuth, elevation, radius):
    """The box of a cap in degrees: azimuth, elevation, width, height."""
    if abs(elevation) + radius >= 90:
        low = abs(elevation) - radius
        return azimuth, math.copysign((90 + low) / 2, elevation), 360, 90 - low
    width = 2 * math.degrees(math.asin(math.sin(math.radians(radius)) / math.cos(math.radians(elevation))))
    return azimuth, elevation, width, 2 * radius


def detections_of(*boxes):
    azimuth, elevation, width, height = np.radians(np.array(boxes, float)).T
    return Detections(azimuth, elevation, width, height, np.array(["blob"] * len(boxes)), np.ones(len(boxes)))


class TestMerged:
    @pytest.mark.parametrize(
        ("azimuth", "elevation", "radius"),
        [(0, 0, 10), (180, 0, 10), (-179, 20, 12), (30, 0, 14), (45, 75, 10), (-135, -72, 8), (10, 60, 9), (0, 90, 9)],
    )
    def test_a_blob_has_its_exact_box(self, azimuth, elevation, radius):
        """Near the poles, over them, across the rim and between tiles: one box; pixels are half a degree."""
        found = TiledDetector(Blobs(), size=320).detect(cap(azimuth, elevation, radius, HEIGHT)[None])[0]
        assert len(found) == 1
        _, e, width, height = exact(azimuth, elevation, radius)
        assert np.degrees(found.elevation[0]) == pytest.approx(e, abs=PIXEL)
        assert np.degrees(found.height[0]) == pytest.approx(height, abs=2 * PIXEL)
        assert np.degrees(found.width[0]) == pytest.approx(width, abs=2.5 * PIXEL / math.cos(math.radians(e)))
        if width < 360:
            off = (np.degrees(found.azimuth[0]) - azimuth + 180) % 360 - 180
            assert abs(off) * math.cos(math.radians(e)) < PIXEL

    def test_the_frame_itself_counts_a_blob_on_the_rim_twice(self):
        frame = cap(180, 0, 10, HEIGHT)[None]
        assert len(Blobs().detect(frame)[0]) == 2
        assert len(TiledDetector(Blobs()).detect(frame)[0]) == 1

    def test_anywhere_a_blob_is_one_and_nearly_its_box(self, rng):
        """Between the axes of a tile the ellipse is slightly too large: still 85 % of the area is shared."""
        for _ in range(12):
            where = (rng.uniform(-180, 180), math.degrees(math.asin(rng.uniform(-1, 1))), rng.uniform(5, 11))
            found = TiledDetector(Blobs()).detect(cap(*where, 180)[None])[0]
            assert len(found) == 1, where
            assert shared_areas(found, detections_of(exact(*where)))[0, 0] > 0.85, where

    def test_two_blobs_stay_two(self):
        frame = np.maximum(cap(20, 10, 8, HEIGHT), cap(45, 10, 8, HEIGHT))
        found = TiledDetector(Blobs()).detect(frame[None])[0]
        assert sorted(np.degrees(found.azimuth).round().tolist()) == [20, 45]

    def test_other_labels_stay(self):
        class Both(Blobs):
            def _one(self, seen):
                found = super()._one(seen)
                other = Detections(
                    *(getattr(found, n) for n in ("azimuth", "elevation", "width", "height")),
                    np.array(["other"] * len(found)),
                    found.score,
                )
                names = ("azimuth", "elevation", "width", "height", "label", "score")
                return Detections(*(np.concatenate([getattr(found, n), getattr(other, n)]) for n in names))

        found = TiledDetector(Both()).detect(cap(30, 30, 9, 180)[None])[0]
        assert sorted(found.label.tolist()) == ["blob", "other"]

    def test_nothing_is_found_in_the_dark(self):
        found = TiledDetector(Blobs()).detect(np.zeros((2, 40, 80, 3), np.uint8))
        assert [len(f) for f in found] == [0, 0]
        assert isinstance(TiledDetector(Blobs()), Detector)

    def test_every_direction_lies_well_within_a_tile(self, rng):
        """A cap of 8 degrees anywhere is whole in at least one tile of 90 degrees."""
        vectors = rng.standard_normal((4000, 3))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        room = np.full(len(vectors), -90.0)
        for azimuth, elevation in np.radians(TILES):
            front = np.array(
                [math.cos(azimuth) * math.cos(elevation), math.sin(azimuth) * math.cos(elevation), math.sin(elevation)]
            )
            left = np.array([-math.sin(azimuth), math.cos(azimuth), 0])
            # the angle to each of the four planes through the edges of the view
            planes = [(front + s * a) / math.sqrt(2) for a in (left, np.cross(front, left)) for s in (1, -1)]
            inside = np.degrees(np.arcsin(np.clip(np.array([vectors @ p for p in planes]), -1, 1))).min(0)
            room = np.maximum(room, inside)
        assert room.min() > 8

    def test_errors(self, no_shape_hook):
        with pytest.raises(AmbikitError, match="overlap=2"):
            TiledDetector(Blobs(), overlap=2)
        with pytest.raises(ShapeError, match="uint8"):
            TiledDetector(Blobs()).detect(np.zeros((1, 8, 16, 3)))


class TestSharedAreas:
    def test_caps_on_the_horizon_and_near_the_pole_share_alike(self):
        """Two caps of 10 degrees, 8 apart: the closed form of their lens, by numbers of a fine grid."""
        grid = np.random.default_rng(0).standard_normal((400_000, 3))
        grid /= np.linalg.norm(grid, axis=1, keepdims=True)
        low = grid @ [1, 0, 0] > math.cos(math.radians(10))
        turned = grid @ [math.cos(math.radians(8)), math.sin(math.radians(8)), 0] > math.cos(math.radians(10))
        expected = (low & turned).sum() / (low | turned).sum()
        at_horizon = shared_areas(detections_of(exact(0, 0, 10)), detections_of(exact(8, 0, 10)))[0, 0]
        at_height = shared_areas(detections_of(exact(0, 70, 10)), detections_of(exact(0, 78, 10)))[0, 0]
        at_pole = shared_areas(detections_of(exact(0, 90, 10)), detections_of(exact(0, 78, 10)))[0, 0]
        assert at_horizon == pytest.approx(expected, abs=0.03)
        assert at_height == pytest.approx(expected, abs=0.03)
        assert 0.0 < at_pole < expected

    def test_across_the_rim(self):
        assert shared_areas(detections_of(exact(179.9, 0, 10)), detections_of(exact(-179.9, 0, 10)))[0, 0] > 0.95
