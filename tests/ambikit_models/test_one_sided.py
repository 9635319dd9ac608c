"""Clips that are clearly heard on one side, to begin with."""

import dataclasses

import numpy as np
import pytest
import torch

import ambikit
from ambikit.errors import AmbikitError
from ambikit_models.batch import Batch
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.presets import preset_path
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.config import Phase, TrainingConfig, load_yaml
from ambikit_models.training.loading import load_share
from ambikit_models.training.one_sided import Asked, level_difference, most_one_sided
from ambikit_models.training.sampling import clip_indices
from ambikit_models.world.clips import WorldClips
from ambikit_models.world.config import WorldConfig
from tests.ambikit_models.test_pretexts import STEREO, pretext_config
from tests.ambikit_models.toy import ToyClips

CARDIOIDS = dataclasses.replace(STEREO, pattern="cardioid", format="stereo")


def heard(scene, gain=1.0):
    front = torch.tensor(0.0)
    return CARDIOIDS.view(CARDIOIDS.prepare(gain * scene), front, front)[None, None]


class TestLevelDifference:
    @pytest.mark.parametrize("azimuth", [-70.0, -30.0, 0.0, 10.0, 50.0])
    def test_of_a_source_on_the_sphere(self, azimuth):
        """Of two cardioids: 20 log10 of (1 + sin φ) / (1 − sin φ)."""
        noise = np.random.default_rng(0).standard_normal(4000)
        scene = torch.from_numpy(ambikit.encode(noise, azimuth, 0.0, degrees=True)).float()
        side = abs(np.sin(np.radians(azimuth)))
        expected = 20 * np.log10((1 + side) / (1 - side))
        for gain in (1.0, 1e-4):
            found = level_difference(heard(scene, gain))
            assert found.item() == pytest.approx(expected, abs=1e-3)
            torch.testing.assert_close(level_difference(heard(scene, gain).flip(2)), found)

    def test_silence_has_no_side(self):
        assert level_difference(heard(torch.zeros(4, 4000))).item() == 0.0

    def test_views_have_sides_of_their_own(self):
        audio = torch.zeros(1, 2, 2, 4, 3)
        audio[0, 0, 0], audio[0, 1, 1] = 6.0, 2.0
        assert level_difference(audio).item() == pytest.approx(4.0)


class Louder(ToyClips):
    """The difference of each clip is its number in tenths of a dB, wherever it is looked at; that is seen as well."""

    def batch(self, indices, viewpoints, *, sound_indices=None, yaw=None, moments=None):
        rows = torch.as_tensor(indices)
        side = (0.1 * rows * (-1) ** rows)[:, None, None, None].float()
        audio = torch.stack([side, -side], 2).expand(-1, -1, -1, 8, 5) / 2
        return Batch(rows[:, None, None, None, None, None].float().expand(-1, 1, 3, 1, 16, 16), audio, rows)


def one_view(azimuth):
    azimuth = torch.tensor(azimuth, dtype=torch.float64)[:, None]
    return Viewpoints(azimuth, torch.zeros_like(azimuth), torch.ones_like(azimuth))


class TestChoice:
    draws = (
        Asked(np.array([1, 5, 2]), one_view([0.1, 0.2, 0.3]), {"spare": np.array([[7], [8], [9]])}),
        Asked(np.array([3, 4, 2]), one_view([0.4, 0.5, 0.6]), {"spare": np.array([[1], [2], [3]])}),
    )

    def test_place_by_place(self):
        """The first where both are alike; where it is looked at and what else is asked goes with the clip."""

        class Lenient(Louder):
            def batch(self, indices, viewpoints, *, spare=None):
                return super().batch(indices, viewpoints)

        found = most_one_sided(Lenient(), self.draws)  # pyright: ignore[reportArgumentType]
        assert found.indices.tolist() == [3, 5, 2]
        assert found.viewpoints.azimuth[:, 0].tolist() == [0.4, 0.2, 0.3]
        assert found.settings["spare"].tolist() == [[1], [8], [9]]

    def test_who_can_listen_need_not_look(self):
        """What is heard of scenes is the sound of a batch, and decides as that does."""
        clips = WorldClips.render(WorldConfig(), 0, range(12), CARDIOIDS, size=8, workers=1)
        rows, views = np.arange(12), one_view(np.linspace(-3, 3, 12))
        turned = torch.linspace(0, 1, 12)
        for settings in ({}, {"yaw": turned}):
            assert torch.equal(clips.listen(rows, views, **settings), clips.batch(rows, views, **settings).audio)
        draws = [Asked(rows[part], views[part], {}) for part in (slice(0, 4), slice(4, 8), slice(8, 12))]
        found = most_one_sided(clips, draws)
        levels = level_difference(clips.batch(rows, views).audio).view(3, 4)
        assert found.indices.tolist() == (4 * levels.argmax(0) + torch.arange(4)).tolist()
        heard = level_difference(clips.batch(found.indices, found.viewpoints).audio)
        torch.testing.assert_close(heard, levels.amax(0))


def config_of(one_sided, clips=8):
    phase = Phase("flip", 6, clips, 1, one_sided=one_sided, learning_rate=0.01)
    return pretext_config("flip", phases=(phase,), sound=STEREO)


class TestLoading:
    def load(self, one_sided, step=2, ours=slice(0, 8), source=None):
        config, source = config_of(one_sided), source or Louder(64)
        return load_share(config, config.phases[0], source, np.arange(64), first=0, step=step, ours=ours)

    @pytest.mark.parametrize("one_sided", [1, 3])
    def test_the_clearest_of_so_many(self, one_sided):
        """Clips of the batches that would have come, in the order of the epoch."""
        drawn = [clip_indices(0, 2 * one_sided + turn, 8, np.arange(64)) for turn in range(one_sided)]
        batch = self.load(one_sided)
        assert batch.index.tolist() == np.max(drawn, 0).tolist()
        assert batch.video[:, 0, 0, 0, 0, 0].tolist() == batch.index.tolist()
        torch.testing.assert_close(level_difference(batch.audio), 0.1 * batch.index.float())

    def test_half_of_them_are_exchanged(self):
        batch = self.load(3)
        assert batch.misaligned is not None
        as_they_are = Louder(64).batch(batch.index.numpy(), None).audio  # pyright: ignore[reportArgumentType]
        sign = torch.where(batch.misaligned, -1.0, 1.0)[:, None, None, None, None]
        assert 0 < batch.misaligned.sum() < 8
        torch.testing.assert_close(batch.audio, sign * as_they_are)

    def test_a_process_loads_its_share_of_the_same_choice(self):
        whole, part = self.load(3), self.load(3, ours=slice(3, 6))
        for name in ("video", "audio", "index", "misaligned"):
            assert torch.equal(getattr(whole, name)[3:6], getattr(part, name)), name

    def test_every_clip_comes_once_in_an_epoch_of_drawing(self):
        chosen = np.concatenate([self.load(2, step).index.numpy() for step in range(4)])
        assert len(np.unique(chosen)) == 32


class TestWhatCannotBe:
    def test_only_flip_asks_for_sides(self):
        for objective, value in (("mismatch", 2), ("avc", 2), ("flip", 0)):
            with pytest.raises(AmbikitError, match=f"one_sided={value} for {objective}"):
                Phase(objective, 1, 8, 1, one_sided=value)  # pyright: ignore[reportArgumentType]

    def test_the_sound_must_have_two_levels(self):
        with pytest.raises(AmbikitError, match="one_sided=2 for sound in the format 'foa_intensity'"):
            dataclasses.replace(config_of(2), sound=SoundFeatures("foa_intensity", sample_rate=16000, bands=8))


def test_the_recipe_is_the_small_one_with_a_beginning():
    plain, sides = (
        load_yaml(TrainingConfig, preset_path("recipes", name)) for name in ("yang2020_small", "yang2020_small_sides")
    )
    assert dataclasses.replace(sides, phases=plain.phases) == plain
    assert [(phase.one_sided, phase.clips) for phase in sides.phases] == [(4, 32), (1, 32)]
