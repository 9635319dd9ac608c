"""Localisation maps: from views to the sphere by a blob with a known place, GradCAM by its formula, and pointing."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from torch import nn

import ambikit
from ambikit.errors import ShapeError
from ambikit_models.alignment import AlignmentModel
from ambikit_models.batch import Batch
from ambikit_models.downstream.localization.localization_maps import (
    activation_maps,
    localization_maps,
    onto_panorama,
    views_all_around,
)
from ambikit_models.downstream.localization.pointing import peak_on, pointing_figures, ranks_above
from ambikit_models.downstream.probing.subjects import System
from ambikit_models.panorama.projection import crop
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.config import ModelConfig, Phase, TrainingConfig
from ambikit_models.world.clips import WorldClips
from ambikit_models.world.config import WorldConfig

SOUND = SoundFeatures("foa_intensity", sample_rate=16000, bands=16, window=0.064, hop=0.04)


def blob(azimuth, elevation, height=96, width=6.0):
    """An equirectangular picture that is bright around one direction, angles in degrees."""
    row, column = np.meshgrid(np.arange(height), np.arange(2 * height), indexing="ij")
    angles = ambikit.pixels_to_angles(column, row, 2 * height, height)
    apart = ambikit.angular_distance(*angles, np.radians(azimuth), np.radians(elevation))
    return np.exp(-0.5 * (apart / np.radians(width)) ** 2)


def peak(values):
    row, column = np.unravel_index(np.nanargmax(values), values.shape)
    return ambikit.pixels_to_angles(column, row, values.shape[1], values.shape[0])


@pytest.fixture(scope="module")
def clips():
    config = WorldConfig(reverberation=0.0, snr_db=None, sounding=(1, 1), silent=(1, 1))
    return WorldClips.render(config, 3, range(6), SOUND, size=24, workers=1)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return ModelConfig(width=16, projection=8).build(SOUND).eval()


class TestOntoPanorama:
    @pytest.mark.parametrize("place", [(0, 0), (45, 20), (-130, -35), (179, 10), (-90, 50)])
    def test_a_blob_comes_back_where_it_was(self, place):
        """Cut into views and laid back, a bright place lies where it was, and nothing else does."""
        views = views_all_around()
        angles = (views.azimuth.flatten().numpy()[None], views.elevation.flatten().numpy()[None])
        picture = np.repeat(blob(*place)[None, :, :, None], 3, axis=-1)
        cut = crop(picture, *angles, field_of_view=views.field_of_view.flatten().numpy()[None], size=48)
        maps = torch.from_numpy(np.asarray(cut)).reshape(9, 4, *cut.shape[-3:])
        maps = maps[..., 0] if maps.shape[-1] == 3 else maps[:, :, 0]
        found = onto_panorama(maps, views, 72)
        truth = blob(*place, height=72)
        assert ambikit.angular_distance(*peak(found), *np.radians(place)) < np.radians(2.6)
        known = ~np.isnan(found)
        np.testing.assert_allclose(found[known], truth[known], atol=0.06)

    def test_what_is_seen(self):
        """Everything up to 50° from the horizon, nothing beyond 70°; every place sees four views in a row at most."""
        found = onto_panorama(torch.ones(9, 4, 5, 5), views_all_around(), 36)
        elevation = ambikit.pixels_to_angles(np.zeros(36), np.arange(36), 72, 36)[1]
        np.testing.assert_allclose(found[abs(elevation) < np.radians(50)], 1.0)
        assert np.isnan(found[abs(elevation) > np.radians(70)]).all()

    def test_batches(self, rng):
        maps = torch.from_numpy(rng.random((3, 9, 4, 6, 6)))
        found = onto_panorama(maps, views_all_around(), 12)
        for each, one in zip(maps, found, strict=True):
            np.testing.assert_array_equal(onto_panorama(each, views_all_around(), 12), one)

    def test_error(self):
        with pytest.raises(ShapeError, match="one map for each"):
            onto_panorama(torch.ones(2, 4, 5, 5), views_all_around(), 12)


class TestActivationMaps:
    @pytest.mark.parametrize("translated", [True, False])
    def test_by_the_formula(self, model, clips, translated):
        """Equations 1 and 2 of the paper view by view, with the gradient by finite differences, in float64."""
        model = model.double()
        views = views_all_around()[:1]
        batch = clips.batch(np.array([2]), views)
        batch = Batch(batch.video.double(), batch.audio.double(), batch.index)
        found = activation_maps(model, batch, translated=translated)
        maps = model.video_encoder.maps(batch.video[0]).detach()
        audio = model.embed_audio(batch.audio)

        def match(changed, view):
            return model.match(model.video_encoder.pooled(changed)[None], audio, translated=translated)[0, view]

        step = 1e-6
        with torch.no_grad():
            for view in (0, 3):
                total = torch.zeros(maps.shape[-2:], dtype=torch.float64)
                for k in range(maps.shape[1]):
                    slope = 0.0
                    for place in np.ndindex(*maps.shape[2:]):
                        up, down = maps.clone(), maps.clone()
                        up[(view, k, *place)] += step
                        down[(view, k, *place)] -= step
                        slope += float(match(up, view) - match(down, view)) / (2 * step)
                    total += slope / maps[0, 0].numel() * maps[view, k].mean(0)
                np.testing.assert_allclose(found[0, view], total.clamp(min=0), atol=2e-6)
        model.float()

    def test_a_network_that_sees_one_colour(self, clips):
        """A match that is the redness of the picture: the map is where the picture is red."""

        class Red(nn.Module):
            def maps(self, video):
                return video[:, :1]

            def pooled(self, maps):
                return maps.mean((-3, -2, -1))

        class Redness(AlignmentModel):
            def __init__(self):
                nn.Module.__init__(self)
                self.video_encoder = Red()

            def embed_audio(self, audio):
                return audio.new_ones(*audio.shape[:2], 1)

            def match(self, video, audio, *, translated):
                return (video * audio)[..., 0]

        views = views_all_around()
        batch = clips.batch(np.full(9, 1), views)
        found = activation_maps(Redness(), batch)
        red = batch.video[:, :, 0].mean(2)
        np.testing.assert_allclose(found.detach(), red / red[0, 0].numel(), rtol=1e-5)

    def test_it_leaves_the_model_alone(self, model, clips):
        before = {k: v.clone() for k, v in model.state_dict().items()}
        first = localization_maps(model, clips, np.array([0, 3]))
        np.testing.assert_array_equal(first[1], localization_maps(model, clips, np.array([3]))[0])
        assert all(p.grad is None for p in model.parameters())
        assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


class TestPointing:
    @given(st.integers(0, 2**32 - 1))
    def test_the_area_is_that_of_scipy(self, seed):
        rng = np.random.default_rng(seed)
        values, target = rng.integers(0, 5, 40).astype(float), rng.random(40) < 0.4
        if target.all() or not target.any():
            assert math.isnan(ranks_above(values, target, np.ones(40)))
            return
        u = mannwhitneyu(values[target], values[~target]).statistic
        assert ranks_above(values, target, np.ones(40)) == pytest.approx(u / (target.sum() * (~target).sum()))

    def test_weights_are_repetitions(self, rng):
        values, target, times = rng.integers(0, 4, 30).astype(float), rng.random(30) < 0.5, rng.integers(1, 4, 30)
        repeated = ranks_above(np.repeat(values, times), np.repeat(target, times), np.ones(times.sum()))
        assert ranks_above(values, target, times.astype(float)) == pytest.approx(repeated)

    def test_equal_peaks_are_shared(self):
        assert peak_on(np.array([1.0, 1.0, 0.0]), np.array([True, False, False])) == 0.5

    def test_priors_and_a_system(self, model, clips):
        """Chance is at one half, objects alike too between sounding and silent ones, and points at objects alone."""
        recipe = TrainingConfig(
            phases=(Phase("avsa", 1, 2, 4),), sound=SOUND, model=ModelConfig(width=16, projection=8)
        )
        told = []
        figures = pointing_figures(System("made", model, recipe), clips, tell=lambda *words: told.append(words))
        found = {(f.subject, f.way, f.name): f.interval.value for f in figures}
        assert len(found) == 15
        assert found["every object alike", "–", "sounding above silent"] == 0.5
        assert found["every object alike", "–", "area under the curve"] > 0.9
        assert 0.3 < found["chance", "–", "area under the curve"] < 0.7
        assert {name for name, way, _ in found if way != "–"} == {"made"}
        assert told[-1][1] == told[-1][2]
