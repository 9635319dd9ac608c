import math

import numpy as np
import pytest
import torch
from scipy import stats

from ambikit.errors import AmbikitError
from ambikit_models.batch import Batch, ClipSource
from ambikit_models.panorama.viewpoints import ObjectViewpoints, RandomViewpoints, Viewpoints

RIGHT = math.pi / 2


class Found:
    """Detections as far as viewpoints need them."""

    def __init__(self, azimuth_degrees, elevation_degrees):
        self.azimuth = np.radians(np.asarray(azimuth_degrees, float))
        self.elevation = np.radians(np.asarray(elevation_degrees, float))


def great_circle(first, second):
    """The spherical law of cosines, a second way to the angle between two (azimuth, elevation)."""
    cosine = math.sin(first[1]) * math.sin(second[1])
    cosine += math.cos(first[1]) * math.cos(second[1]) * math.cos(first[0] - second[0])
    return math.acos(max(-1.0, min(1.0, cosine)))


def smallest_angles(viewpoints):
    angles = []
    for azimuths, elevations in zip(viewpoints.azimuth.tolist(), viewpoints.elevation.tolist(), strict=True):
        centres = list(zip(azimuths, elevations, strict=True))
        angles.append(min(great_circle(a, b) for i, a in enumerate(centres) for b in centres[:i]))
    return np.array(angles)


class TestRandom:
    def test_limits_and_separation(self, rng):
        drawn = RandomViewpoints().draw(rng, clips=500)
        assert drawn.azimuth.shape == drawn.elevation.shape == drawn.field_of_view.shape == (500, 4)
        assert drawn.azimuth.dtype == torch.float64
        assert drawn.elevation.abs().max() <= math.radians(60)
        assert drawn.azimuth.abs().max() <= math.pi
        assert smallest_angles(drawn).min() >= math.radians(36)

    def test_separation_agrees_with_the_law_of_cosines(self, rng):
        drawn = RandomViewpoints(minimum_separation=0.0).draw(rng, clips=50)
        np.testing.assert_allclose(drawn.separation().numpy(), smallest_angles(drawn), atol=1e-7)

    def test_uniform_in_azimuth_solid_angle_and_field_of_view(self, rng):
        drawn = RandomViewpoints(views=1).draw(rng, clips=4000)
        limit = math.sin(math.radians(60))
        for values, low, high in (
            (drawn.azimuth, -math.pi, math.pi),
            (torch.sin(drawn.elevation), -limit, limit),
            (drawn.field_of_view, math.radians(25), math.radians(90)),
        ):
            assert stats.kstest(values.flatten().numpy(), "uniform", (low, high - low)).pvalue > 1e-3

    def test_the_same_generator_gives_the_same_viewpoints(self):
        first, second, third = (RandomViewpoints().draw(np.random.default_rng(seed), 9) for seed in (1, 1, 2))
        assert torch.equal(first.azimuth, second.azimuth)
        assert torch.equal(first.field_of_view, second.field_of_view)
        assert not torch.equal(first.azimuth, third.azimuth)

    def test_many_views_still_come_apart(self, rng):
        drawn = RandomViewpoints(views=12).draw(rng, clips=40)
        assert smallest_angles(drawn).min() >= math.radians(36)

    def test_an_impossible_demand_ends_with_the_widest_set_found(self, rng):
        impossible = RandomViewpoints(views=4, minimum_separation=math.radians(170)).draw(rng, clips=30)
        careless = RandomViewpoints(views=4, minimum_separation=0.0).draw(rng, clips=30)
        assert np.median(smallest_angles(impossible)) > 1.5 * np.median(smallest_angles(careless))

    def test_no_clips_and_one_view(self, rng):
        assert RandomViewpoints().draw(rng, clips=0).azimuth.shape == (0, 4)
        assert RandomViewpoints(views=1).draw(rng, clips=3).separation().tolist() == [math.pi] * 3

    def test_even_spacing_keeps_quarters_with_jitter(self, rng):
        jitter = math.radians(26)
        drawn = RandomViewpoints(spacing="even", jitter=jitter).draw(rng, clips=300)
        steps = np.mod(np.diff(drawn.azimuth.numpy(), axis=1), 2 * math.pi)
        assert np.abs(steps - RIGHT).max() <= 2 * jitter
        assert np.abs(steps - RIGHT).max() > jitter
        assert drawn.azimuth.abs().max() <= math.pi
        assert stats.kstest(drawn.azimuth[:, 0].numpy(), "uniform", (-math.pi, 2 * math.pi)).pvalue > 1e-3

    @pytest.mark.parametrize(
        "wrong",
        [
            {"views": 0},
            {"maximum_latitude": 60.0},
            {"field_of_view": (25.0, 90.0)},
            {"field_of_view": (1.0, 0.5)},
            {"spacing": "odd"},
        ],
    )
    def test_wrong_settings_are_named(self, wrong, no_shape_hook):
        with pytest.raises(AmbikitError, match=next(iter(wrong))):
            RandomViewpoints(**wrong)


class TestObjects:
    def test_one_per_quarter_in_the_published_order(self, rng):
        found = Found([-135, 45, -45, 135], [-10, 20, 30, 40])
        drawn = ObjectViewpoints().draw(rng, [found])
        np.testing.assert_allclose(np.degrees(drawn.azimuth.numpy()), [[135, 45, -45, -135]])
        np.testing.assert_allclose(np.degrees(drawn.elevation.numpy()), [[40, 20, 30, -10]])

    def test_views_beside_their_object(self, rng):
        found = Found([170.0], [20.0])
        drawn = ObjectViewpoints(views=1, offset=math.radians(40)).draw(rng, [found] * 400)
        beside = np.angle(np.exp(1j * (drawn.azimuth.numpy()[:, 0] - found.azimuth[0])), deg=True)
        assert -40 <= beside.min() < -38
        assert 38 < beside.max() <= 40
        assert (np.abs(drawn.azimuth.numpy()) <= np.pi).all()
        assert (drawn.elevation.numpy() == found.elevation[0]).all()
        with pytest.raises(AmbikitError, match="offset=40"):
            ObjectViewpoints(offset=40)

    def test_an_empty_quarter_gets_a_random_direction_inside_it(self, rng):
        found = Found([100.0], [75.0])
        drawn = ObjectViewpoints().draw(rng, [found] * 400)
        assert (drawn.azimuth[:, 0] == found.azimuth[0]).all()
        assert (drawn.elevation[:, 0] == found.elevation[0]).all()
        for view, (low, high) in enumerate([(90, 180), (0, 90), (-90, 0), (-180, -90)]):
            degrees = np.degrees(drawn.azimuth[:, view].numpy())
            assert degrees.min() >= low
            assert degrees.max() <= high
        assert drawn.azimuth[:, 1:].std(dim=0).min() > math.radians(20)
        assert drawn.elevation[:, 1:].abs().max() <= math.radians(60)

    def test_every_detection_of_a_quarter_has_its_turn(self, rng):
        drawn = ObjectViewpoints().draw(rng, [Found([10, 50, 80], [0, 0, 0])] * 900)
        chosen, counts = np.unique(np.round(np.degrees(drawn.azimuth[:, 1].numpy())), return_counts=True)
        assert chosen.tolist() == [10, 50, 80]
        assert stats.chisquare(counts).pvalue > 1e-3

    def test_the_ends_of_the_circle_belong_somewhere(self, rng):
        drawn = ObjectViewpoints().draw(rng, [Found([180.0], [1.0]), Found([-180.0], [1.0]), Found([0.0], [1.0])])
        hits = torch.isclose(drawn.elevation, torch.tensor(math.radians(1.0), dtype=torch.float64))
        assert hits.sum(dim=1).tolist() == [1, 1, 1]

    def test_a_single_view_looks_at_any_object_or_anywhere(self, rng):
        single = ObjectViewpoints(views=1)
        drawn = single.draw(rng, [Found([10, -100], [0, 5])] * 200 + [Found([], [])] * 200)
        assert set(np.round(np.degrees(drawn.azimuth[:200, 0].numpy()))) == {10.0, -100.0}
        assert drawn.azimuth[200:].std() > 1.0

    @pytest.mark.parametrize("views", [2, 8])
    def test_other_numbers_of_sectors(self, rng, views):
        # an object in the middle of every other sector, counted from 180° to the right
        width = 360 / views
        middles = [180 - width * (sector + 0.5) for sector in range(0, views, 2)]
        drawn = ObjectViewpoints(views=views).draw(rng, [Found(middles, [7.0] * len(middles))] * 50)
        azimuth = np.degrees(drawn.azimuth.numpy())
        np.testing.assert_allclose(azimuth[:, ::2], np.tile(middles, (50, 1)))
        sector = (180 - azimuth[:, 1::2]) // width
        np.testing.assert_array_equal(sector, np.tile(np.arange(1, views, 2), (50, 1)))

    def test_wrong_settings_are_named(self, rng, no_shape_hook):
        with pytest.raises(AmbikitError, match="views=0"):
            ObjectViewpoints(views=0)
        with pytest.raises(AmbikitError, match="clip 0"):
            ObjectViewpoints().draw(rng, [Found([1, 2], [0])])


class TestAsPublished:
    def test_the_width_of_the_picture_in_a_plane(self, rng):
        # at distance 1 a picture π/2 wide is seen under 2·atan(π/4), 76.3°
        for chooser, given in ((RandomViewpoints, 400), (ObjectViewpoints, [Found([], [])] * 400)):
            drawn = chooser(field_of_view=(1e-3, math.pi / 2), field_of_view_as="width").draw(rng, given)
            widths = 2 * np.tan(drawn.field_of_view.numpy().ravel() / 2)
            assert stats.kstest(widths, "uniform", (1e-3, math.pi / 2 - 1e-3)).pvalue > 1e-3
            assert math.degrees(drawn.field_of_view.max()) == pytest.approx(76.3, abs=0.5)

    @pytest.mark.parametrize("spacing", ["random", "even"])
    def test_elevations_uniform_in_angle(self, rng, spacing):
        chooser = RandomViewpoints(views=1, maximum_latitude=1.0, latitudes="angle", spacing=spacing)
        elevation = chooser.draw(rng, 2000).elevation.numpy().ravel()
        assert stats.kstest(elevation, "uniform", (-1.0, 2.0)).pvalue > 1e-3


class TestViewpoints:
    def test_a_part_of_the_clips(self, rng):
        drawn = RandomViewpoints().draw(rng, clips=5)
        assert torch.equal(drawn[1:3].elevation, drawn.elevation[1:3])
        assert torch.equal(drawn[np.array([4, 0])].azimuth, drawn.azimuth[[4, 0]])
        assert drawn[2].azimuth.shape == (1, 4)

    def test_mirroring_exchanges_left_and_right(self):
        left = Viewpoints(torch.full((1, 1), RIGHT), torch.full((1, 1), 0.3), torch.ones(1, 1))
        assert left.mirrored().azimuth.item() == pytest.approx(-RIGHT)
        assert left.mirrored().elevation.item() == pytest.approx(0.3)

    def test_to_a_dtype(self, rng):
        assert RandomViewpoints().draw(rng, 2).to(torch.float32).field_of_view.dtype == torch.float32


class TestBatch:
    def test_it_moves_as_a_whole(self):
        batch = Batch(torch.zeros(2, 4, 3, 1, 8, 8), torch.zeros(2, 4, 7, 16, 10), torch.arange(2))
        moved = batch.to("meta")
        assert {moved.video.device.type, moved.audio.device.type, moved.index.device.type} == {"meta"}
        assert (moved.clips, moved.views) == (2, 4)

    def test_the_protocol_tells_sources_from_others(self):
        class Source:
            def __len__(self):
                return 0

            def batch(self, indices, viewpoints, *, sound_indices=None, yaw=None):
                raise NotImplementedError

        assert isinstance(Source(), ClipSource)
        assert not isinstance([], ClipSource)
