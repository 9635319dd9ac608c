"""Directions from one example of each azimuth: embeddings whose answer is known, and the world."""

import numpy as np
import pytest
import torch

from ambikit.errors import AmbikitError
from ambikit_models.downstream.directions.azimuths import ObjectDirections
from ambikit_models.downstream.directions.one_shot import azimuth_classes, one_shot_errors, one_shot_figures
from ambikit_models.downstream.probing.scenes import WorldScenes
from ambikit_models.downstream.probing.subjects import System
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.config import ClipConfig, ModelConfig, Phase, TrainingConfig
from tests.ambikit_models.test_correspondence import small

pytest.importorskip("sklearn")


def circle(azimuth, rng, noise=0.05):
    """Embeddings in which cosine and sine of the azimuth are two directions of many."""
    plane = np.stack([np.cos(azimuth), np.sin(azimuth)], -1) @ np.random.default_rng(1).standard_normal((2, 16))
    return plane + noise * rng.standard_normal(plane.shape)


class TestErrors:
    def test_a_circle_is_read_to_about_a_class(self, rng):
        known, asked = rng.uniform(-np.pi, np.pi, (2, 400))
        errors = one_shot_errors(circle(known, rng), known, circle(asked, rng), asked)
        assert errors.mean() < 10

    def test_random_numbers_are_90_degrees_off(self, rng):
        known, asked = rng.uniform(-np.pi, np.pi, (2, 2000))
        errors = one_shot_errors(rng.standard_normal((2000, 16)), known, rng.standard_normal((2000, 16)), asked)
        assert errors.mean() == pytest.approx(90, abs=5)
        assert errors.max() <= 180

    def test_one_example_of_each_is_seen(self, rng):
        """36 azimuths, 5 examples each, without noise: exact, and where some of them lie it depends on the draw."""
        azimuth = np.radians(np.repeat(np.arange(-180, 180, 10), 5)).astype(float)
        embeddings = circle(azimuth, rng, noise=0.0)
        assert one_shot_errors(embeddings, azimuth, embeddings, azimuth).max() < 1e-9
        wrong = azimuth.copy()
        wrong[::5] += np.pi  # one of five lies; a draw that meets none of them is still exact
        drawn = [one_shot_errors(embeddings, wrong, embeddings, azimuth, draw=draw).mean() for draw in range(3)]
        assert len(set(drawn)) > 1

    def test_the_draw_decides(self, rng):
        known, asked = rng.uniform(-np.pi, np.pi, (2, 200))
        given = circle(known, rng, 1.0), known, circle(asked, rng, 1.0), asked
        first, again, other = (one_shot_errors(*given, draw=draw) for draw in (0, 0, 1))
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()

    def test_bad_inputs(self, rng):
        with pytest.raises(AmbikitError, match="a part of 360"):
            azimuth_classes(np.zeros(3), 7.0)
        with pytest.raises(AmbikitError, match="two azimuths or more"):
            one_shot_errors(np.ones((3, 2)), np.zeros(3), np.ones((1, 2)), np.zeros(1))


@pytest.mark.parametrize("family", ["aligns", "tells left from right"])
def test_on_the_world(family):
    torch.manual_seed(0)
    sound = SoundFeatures("foa_intensity", sample_rate=16000, bands=16, window=0.064, hop=0.04)
    recipe = TrainingConfig(
        phases=(Phase("avsa", 1, 2, 4),),
        sound=sound,
        model=ModelConfig(width=16, projection=8),
        clip=ClipConfig(size=8, frames=1, frame_rate=2.0, duration=0.5),
    )
    network = small(channels=7, levels=4) if family != "aligns" else recipe.model.build(sound).eval()
    system = System("made", network, recipe)
    told = []
    figures = one_shot_figures(
        ObjectDirections(WorldScenes(24, workers=1)),
        system,
        draws=2,
        step_degrees=90.0,
        tell=lambda *words: told.append(words),
    )
    assert [(f.subject, f.senses, len(f.values)) for f in figures] == [
        ("made", "audio", 2),
        ("made", "audio, four ways", 2),
        ("random embedding", "audio", 2),
    ]
    assert all(0 < f.interval.value < 180 for f in figures)
    assert told[-1][1] == told[-1][2] == 2
