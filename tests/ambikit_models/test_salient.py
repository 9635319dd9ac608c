import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ambikit
from ambikit.errors import AmbikitError, ShapeError
from ambikit_models.panorama.salient import SalientViewpoints
from ambikit_models.panorama.sounding import sounding_directions
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.sampling import choose_viewpoints
from ambikit_models.world import WorldClips, WorldConfig

PLACES = [(0, 0), (90, 0), (180, 0), (-120, 40), (35, -50), (10, 85)]


def angle_between(azimuth, elevation, other_azimuth, other_elevation):
    """The law of cosines on the sphere; degrees in, degrees out."""
    a, e, b, f = np.radians([azimuth, elevation, other_azimuth, other_elevation])
    cosine = math.sin(e) * math.sin(f) + math.cos(e) * math.cos(f) * math.cos(a - b)
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def found_at(*degrees, strength=None):
    azimuth, elevation = np.radians(np.asarray(degrees, float).reshape(-1, 2)).T
    weight = np.ones(len(azimuth)) if strength is None else np.asarray(strength, float)
    return SimpleNamespace(azimuth=azimuth, elevation=elevation, strength=weight)


class TestSounding:
    @pytest.mark.parametrize("map", ["histogram", "power"])
    @pytest.mark.parametrize("place", PLACES)
    def test_a_source_on_the_sphere_is_found(self, rng, place, map):
        signal = ambikit.encode(rng.standard_normal(8000), *place, degrees=True)
        signal += 0.02 * rng.standard_normal(signal.shape)
        found = sounding_directions(signal, map=map)
        assert angle_between(*place, *np.degrees([found.azimuth[0], found.elevation[0]])) < 2.0

    def test_two_that_sound_together_are_both_found(self, rng):
        """Tones at different frequencies: the mean intensity lies between them, the histogram has both."""
        time = np.arange(16000) / 16000
        low, high = (sum(np.sin(2 * np.pi * f * k * time) for k in (1, 2, 3)) for f in (250, 410))
        signal = ambikit.encode(low, 90, 10, degrees=True) + ambikit.encode(high, -30, -20, degrees=True)
        found = sounding_directions(signal)
        nearest = [
            min(angle_between(*place, *np.degrees(pair)) for pair in zip(found.azimuth, found.elevation))
            for place in ((90, 10), (-30, -20))
        ]
        assert max(nearest) < 5.0

    @pytest.mark.parametrize("factor", [1e-6, 1e6])
    def test_loudness_does_not_matter(self, rng, factor):
        signal = ambikit.encode(rng.standard_normal(4000), 70, 20, degrees=True)
        first, second = sounding_directions(signal), sounding_directions(factor * signal)
        np.testing.assert_allclose(second.azimuth, first.azimuth, rtol=1e-9)

    def test_silence_and_nan_have_no_direction(self):
        assert sounding_directions(np.zeros((4, 2000))).azimuth.shape == (0,)
        assert sounding_directions(np.full((4, 2000), np.nan)).azimuth.shape == (0,)

    def test_errors(self, rng, no_shape_hook):
        with pytest.raises(ShapeError, match="at least 4 channels"):
            sounding_directions(rng.standard_normal((2, 4000)))
        with pytest.raises(AmbikitError, match="map='loud'"):
            sounding_directions(rng.standard_normal((4, 4000)), map="loud")


@pytest.fixture(scope="module")
def clips():
    config = WorldConfig(
        sounding=(1, 1),
        silent=(0, 0),
        reverberation=0.0,
        snr_db=None,
        speed_degrees=(25.0, 30.0),
        radius_degrees=(12, 14),
    )
    sound = SoundFeatures("foa_intensity", sample_rate=16000, bands=16, window=0.064, hop=0.04)
    return WorldClips.render(config, 0, range(4), sound, size=8, workers=1)


class TestWithTheWorld:
    """From clips to viewpoints, as training asks for them."""

    @pytest.mark.parametrize(("chooser", "limit"), [({"sound": 1.0}, 3.0), ({"sound": 0.0, "motion": 1.0}, 20.0)])
    def test_the_object_of_each_clip_is_looked_at(self, clips, rng, chooser, limit):
        drawn = choose_viewpoints(SalientViewpoints(**chooser), 1, clips, np.arange(4), rng)
        for index in range(4):
            truth = clips.detections(index)
            there = np.degrees([truth.azimuth[0], truth.elevation[0]])
            here = np.degrees([drawn.azimuth[index, 0], drawn.elevation[index, 0]])
            assert angle_between(*there, *here) < limit

    def test_each_clip_is_searched_once(self, clips, rng, monkeypatch):
        choose_viewpoints(SalientViewpoints(), 1, clips, np.arange(4), rng)
        monkeypatch.setattr(clips, "soundtrack", None)
        choose_viewpoints(SalientViewpoints(), 4, clips, np.arange(4), rng)


class TestSalient:
    @settings(max_examples=60, deadline=None)
    @given(
        st.integers(1, 6),
        st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), max_size=8),
        st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), max_size=8),
        st.tuples(st.floats(0.1, 1), st.floats(0, 1), st.floats(0, 1)),
        st.booleans(),
        st.floats(0, 0.5),
        st.integers(0, 1000),
    )
    def test_views_are_apart(self, views, sounds, objects, weights, quarters, jitter, seed):
        sound, seen, anywhere = weights
        chooser = SalientViewpoints(
            views=views, sound=sound, objects=seen, random=anywhere, quarters=quarters, jitter=jitter
        )
        found = {"sound": found_at(*sounds), "objects": found_at(*objects)}
        drawn = chooser.draw(np.random.default_rng(seed), [found, found])
        assert drawn.azimuth.shape == (2, views)
        for azimuths, elevations in zip(np.degrees(drawn.azimuth.numpy()), np.degrees(drawn.elevation.numpy())):
            centres = list(zip(azimuths, elevations))
            assert all(angle_between(*a, *b) >= 36 - 1e-6 for i, a in enumerate(centres) for b in centres[:i])

    def test_what_sounds_is_looked_at_and_the_rest_is_random(self, rng):
        """Peaks 20 degrees apart give one view, not two."""
        found = {"sound": found_at((90, 70), (92, 60), (-90, 0))}
        drawn = SalientViewpoints().draw(rng, [found] * 20)
        for azimuths, elevations in zip(np.degrees(drawn.azimuth.numpy()), np.degrees(drawn.elevation.numpy())):
            near = [min(angle_between(*p, *v) for v in zip(azimuths, elevations)) for p in ((90, 70), (-90, 0))]
            assert near[0] < 11
            assert near[1] < 1e-4
        assert len(np.unique(drawn.azimuth.numpy().round(9))) > 40

    def test_strong_directions_come_first_more_often(self, rng):
        found = {"sound": found_at((100, 0), (-100, 0), strength=(3, 1))}
        drawn = SalientViewpoints(views=1).draw(rng, [found] * 4000)
        share = float((drawn.azimuth > 0).float().mean())
        assert share == pytest.approx(0.75, abs=4 * math.sqrt(0.75 * 0.25 / 4000))

    def test_strategies_are_drawn_by_their_weights(self, rng):
        found = {"sound": found_at((100, 80)), "motion": found_at((-100, -80))}
        drawn = SalientViewpoints(views=1, sound=1, motion=2, random=1).draw(rng, [found] * 4000)
        high = np.degrees(drawn.elevation.numpy())
        for share, expected in ((np.mean(high > 79), 0.25), (np.mean(high < -79), 0.5)):
            assert share == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / 4000))

    def test_quarters(self, rng):
        found = {"objects": found_at((100, 0), (170, 5), (-10, 20))}
        chooser = SalientViewpoints(sound=0, objects=1, quarters=True)
        azimuth = np.degrees(chooser.draw(rng, [found] * 50).azimuth.numpy())
        for view, (low, high) in enumerate(((90, 180), (0, 90), (-90, 0), (-180, -90))):
            assert np.all((azimuth[:, view] >= low) & (azimuth[:, view] <= high))
        assert set(azimuth[:, 0].round(6)) == {100, 170}
        assert set(azimuth[:, 2].round(6)) == {-10}

    def test_jitter_stays_in_its_cap_and_fills_it(self, rng):
        chooser = SalientViewpoints(views=1, jitter=math.radians(15))
        drawn = chooser.draw(rng, [{"sound": found_at((40, 80))}] * 500)
        angles = [
            angle_between(40, 80, *np.degrees([a[0], e[0]]))
            for a, e in zip(drawn.azimuth.numpy(), drawn.elevation.numpy())
        ]
        assert max(angles) <= 15 + 1e-9
        # in solid angle: half of them lie outside acos((1 + cos 15°) / 2) = 10.6 degrees
        assert np.mean(np.array(angles) > 10.6) == pytest.approx(0.5, abs=0.1)

    def test_directions_that_are_none_are_left_out(self, rng):
        """map_peaks gives NaN where it found fewer peaks than asked for."""
        found = {"sound": found_at((np.nan, np.nan), (30, 0), strength=(0, 1))}
        drawn = SalientViewpoints(views=1).draw(rng, [found] * 10)
        np.testing.assert_allclose(np.degrees(drawn.azimuth.numpy()), 30)

    def test_the_same_generator_gives_the_same_viewpoints(self):
        found = [{"sound": found_at((30, 0), (150, 20))}] * 5
        first, second = (SalientViewpoints(random=1).draw(np.random.default_rng(3), found) for _ in range(2))
        assert np.array_equal(first.azimuth, second.azimuth)

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"views": 0}, "views=0"),
            ({"sound": 0}, "weights"),
            ({"motion": -1}, "weights"),
            ({"jitter": 20}, "jitter=20"),
        ],
    )
    def test_errors(self, wrong, says):
        with pytest.raises(AmbikitError, match=says):
            SalientViewpoints(**wrong)
