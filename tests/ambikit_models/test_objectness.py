"""Colours that differ from their surroundings: closed forms of the contrast, and places on the sphere."""

import math

import numpy as np
import pytest

import ambikit
from ambikit.errors import ShapeError
from ambikit_models.panorama.objectness import _lab, objectness_directions, objectness_map
from ambikit_models.panorama.salient import SalientViewpoints
from ambikit_models.training.sampling import choose_viewpoints

GREY, RED = np.array([120, 120, 120], np.uint8), np.array([200, 30, 30], np.uint8)
PLACES = [(0, 0), (180, 0), (-120, 40), (35, -60), (10, 85)]


def cosine_from(azimuth, elevation, height=96):
    """The cosine of the angle from each pixel to a place, by the law of cosines."""
    e = np.pi / 2 - (np.arange(height) + 0.5) * np.pi / height
    a = np.pi - (np.arange(2 * height) + 0.5) * np.pi / height
    c, f = np.radians([azimuth, elevation])
    return np.sin(e)[:, None] * np.sin(f) + np.cos(e)[:, None] * np.cos(f) * np.cos(a - c)


def painted(place, radius, ground=GREY, colour=RED, height=96):
    return np.where((cosine_from(*place, height) > math.cos(math.radians(radius)))[..., None], colour, ground)


class TestContrast:
    @pytest.mark.parametrize("place", PLACES)
    def test_a_cap_of_another_colour_has_all_of_it(self, place):
        """Nothing of the region's colour is in the ring, so that the distance is 1, wherever on the sphere."""
        grid = ambikit.fibonacci_grid(1000)
        nearest = int(ambikit.angular_distance(*grid, *np.radians(place)).argmin())
        centre = np.degrees([grid[0][nearest], grid[1][nearest]])
        assert objectness_map(painted(centre, 12.0, height=48))[nearest] == pytest.approx(1.0, abs=1e-12)

    @pytest.mark.parametrize("place", PLACES)
    def test_it_is_found_where_it_is(self, place):
        found = objectness_directions(painted(place, 15.0))
        here, there = (
            ambikit.angles_to_vectors(*p) for p in (np.radians(place), (found.azimuth[0], found.elevation[0]))
        )
        assert math.degrees(math.acos(min(1.0, float(here @ there)))) < 3

    def test_half_of_a_half(self):
        """A sphere that is red on one side of a border: a cap on the border has as much of each as its ring."""
        frame = np.where(cosine_from(90, 0)[..., None] > 0, RED, GREY)
        azimuth, elevation = ambikit.fibonacci_grid(1000)
        values = objectness_map(frame)
        towards = np.degrees(np.arcsin(np.sin(azimuth) * np.cos(elevation)))
        assert values[np.abs(towards) < 1].max() < 0.15
        assert values[np.abs(towards) > 42].max() == 0  # the widest ring ends at 37 degrees

    def test_a_picture_of_one_colour_holds_nothing(self):
        assert objectness_directions(np.broadcast_to(RED, (32, 64, 3))).azimuth.shape == (0,)

    def test_frames_are_averaged(self):
        frames = np.stack([painted((40, 10), 12.0), painted((40, 10), 12.0, colour=GREY)])
        alone = objectness_map(frames[0])
        # the mean is taken for each radius before the largest is
        np.testing.assert_allclose(objectness_map(frames), alone / 2, atol=1e-12)
        np.testing.assert_allclose(objectness_map(frames[None]), objectness_map(frames))

    def test_colours_are_those_of_the_standard(self):
        """White, black, and the red of sRGB, whose L*a*b* is known: 53.24, 80.09, 67.20."""
        found = _lab(np.array([[1.0, 1, 1], [0, 0, 0], [1, 0, 0]]))
        np.testing.assert_allclose(found, [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20]], atol=0.03)

    def test_errors(self, no_shape_hook):
        with pytest.raises(ShapeError, match=r"\(64, 32\)"):
            objectness_map(np.zeros((64, 32), np.uint8))


class Painted:
    """A source of two clips, each with one object."""

    def panoramas(self, index):
        return painted(((60, 20), (-100, -30))[index], 12.0)[None]


def test_viewpoints_look_there(rng):
    drawn = choose_viewpoints(SalientViewpoints(sound=0, objectness=1), 1, Painted(), np.arange(2), rng)
    np.testing.assert_allclose(np.degrees(drawn.azimuth[:, 0].numpy()), [60, -100], atol=4)
    np.testing.assert_allclose(np.degrees(drawn.elevation[:, 0].numpy()), [20, -30], atol=4)
