"""Excerpts of longer scenes: what is seen and heard is what was there at that time."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from ambikit.errors import AmbikitError
from ambikit_models.batch import ClipSource
from ambikit_models.panorama.viewpoints import RandomViewpoints, Viewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.study.config import StudyConfig, Variant
from ambikit_models.study.pools import load_pool, render_pools
from ambikit_models.training.config import ClipConfig, ModelConfig, Phase, TrainingConfig
from ambikit_models.training.loop import train
from ambikit_models.world import WorldClips, WorldConfig
from ambikit_models.world.excerpts import cut_excerpts, first_frames
from tests.ambikit_models.test_world_clips import intensity, towards

SOUND = SoundFeatures("foa_intensity", sample_rate=16000, bands=32, window=0.064, hop=0.04)
#: one ball in the open that hurries by
RUNNING = WorldConfig(
    duration=2.0, sounding=(1, 1), silent=(0, 0), speed_degrees=(40.0, 60.0), reverberation=0.0, snr_db=None
)
COUNT = 6
EVERY = np.arange(COUNT)


@pytest.fixture(scope="module")
def running():
    return WorldClips.render(RUNNING, 5, range(COUNT), SOUND, size=33, duration=0.4)


class TestKeystone:
    @pytest.mark.parametrize("moment", [0.0, 0.4, 1.0])
    def test_what_is_in_the_middle_then_sounds_from_the_front_then(self, running, moment):
        begin = round(moment * 40) * 0.04  # excerpts begin on one of 41 frames
        objects = running.scenes.objects
        azimuth = objects.azimuth[:, 0] + objects.speed[:, 0] * (begin + 0.2 - 1.0)
        view = towards(azimuth, objects.elevation[:, 0])
        moments = torch.full((COUNT, 1), moment)
        batch = running.batch(EVERY, view, moments=moments)
        x, y, z = intensity(batch.audio)[:, 0].T
        assert x.min() > 0.97  # it moves by some 20° while it is heard
        assert y.abs().max() < 0.05
        assert z.abs().max() < 0.01
        seen = running.class_map(EVERY, view, moments)[:, 0, 0]
        assert seen[:, 16, 16].tolist() == objects.kind[:, 0].tolist()
        # and at another time it was elsewhere: 40 to 60 degrees a second
        other = running.batch(EVERY, view, moments=(moments + 0.5) % 1.0)
        assert intensity(other.audio)[:, 0, 1].abs().min() > 0.3

    def test_several_moments_in_one_batch(self, running):
        views = RandomViewpoints(views=3).draw(np.random.default_rng(0), COUNT)
        moments = torch.tensor([0.0, 0.5, 1.0]).expand(COUNT, 3)
        together = running.batch(EVERY, views, moments=moments)
        masks = running.object_map(EVERY, views, moments)
        for view in range(3):
            one = Viewpoints(*(a[:, view : view + 1] for a in (views.azimuth, views.elevation, views.field_of_view)))
            alone = running.batch(EVERY, one, moments=moments[:, view : view + 1])
            torch.testing.assert_close(together.video[:, view], alone.video[:, 0], atol=1e-5, rtol=0)
            torch.testing.assert_close(together.audio[:, view], alone.audio[:, 0], atol=1e-3, rtol=0)
            assert torch.equal(masks[:, view], running.object_map(EVERY, one, moments[:, view : view + 1])[:, 0])


class TestSound:
    def test_an_excerpt_of_the_signal_is_the_signal(self):
        kept = dataclasses.replace(SOUND, format="foa_log_mel", spectrum="magnitude")
        signal = torch.randn(2, 4, 32000)
        first = first_frames(kept, torch.tensor([[0.0, 1.0], [0.49, 0.52]]), duration=0.5, whole=2.0)
        assert first.tolist() == [[0, 37], [18, 19]]  # at most (32000 − 8000) // 640 = 37 frames late
        cut = cut_excerpts(signal, kept, first, duration=0.5)
        assert torch.equal(cut[0, 0], signal[0, :, :8000])
        assert torch.equal(cut[0, 1], signal[0, :, 37 * 640 : 37 * 640 + 8000])
        assert torch.equal(cut[1, 1], signal[1, :, 19 * 640 : 19 * 640 + 8000])

    def test_an_excerpt_of_the_covariance_is_that_of_the_signal(self):
        signal = torch.randn(3, 4, 32000, dtype=torch.float64)
        moments = torch.tensor([[0.0, 0.3], [0.6, 0.9], [1.0, 0.0]])
        kept = dataclasses.replace(SOUND, format="foa_log_mel", spectrum="magnitude")
        first = first_frames(SOUND, moments, duration=0.5, whole=2.0)
        expected = SOUND.prepare(cut_excerpts(signal, kept, first, duration=0.5))
        cut = cut_excerpts(SOUND.prepare(signal), SOUND, first, duration=0.5)
        assert cut.shape == expected.shape == (3, 2, 13, 32, 13)
        # but for the first and last frame, where the window hears beyond the excerpt
        torch.testing.assert_close(cut[..., 1:-1], expected[..., 1:-1])


class TestClips:
    def test_it_is_a_clip_source_that_says_how_long_it_lasts(self, running):
        assert isinstance(running, ClipSource)
        assert running.seconds(EVERY).tolist() == [2.0] * COUNT
        assert running.variant(size=8).duration == 0.4

    def test_moments_follow_from_the_viewpoints(self, running):
        views = RandomViewpoints(views=2).draw(np.random.default_rng(0), COUNT)
        one, again = running.batch(EVERY, views), running.batch(EVERY, views)
        assert torch.equal(one.audio, again.audio)
        moved = dataclasses.replace(views, azimuth=views.azimuth + 1e-9)
        other = running.batch(EVERY, moved)
        assert (other.audio - one.audio).abs().amax((1, 2, 3, 4)).min() > 0.1  # another time for every clip
        turned = running.batch(EVERY, views, yaw=np.full(COUNT, math.pi))
        assert torch.equal(turned.video, one.video)  # a turn does not change the moment
        assert torch.equal(turned.audio[:, :, 0], one.audio[:, :, 0])
        assert torch.allclose(turned.yaw, torch.tensor(math.pi))

    def test_clips_of_one_length_do_not_know_moments(self):
        clips = WorldClips.render(WorldConfig(), 0, range(2), SOUND)
        views = RandomViewpoints(views=2).draw(np.random.default_rng(0), 2)
        plain, moved = clips.batch(EVERY[:2], views), clips.batch(EVERY[:2], views, moments=torch.rand(2, 2))
        assert torch.equal(plain.audio, moved.audio)
        assert torch.equal(plain.video, moved.video)

    def test_nothing_stays_behind_on_the_cpu(self, running):
        # the meta device computes shapes only, and refuses to mix with tensors that live elsewhere
        away = WorldClips(RUNNING, 5, range(COUNT), SOUND, running.prepared, size=8, duration=0.4, device="meta")
        views = RandomViewpoints(views=2).draw(np.random.default_rng(0), COUNT)
        for moments in (None, torch.rand(COUNT, 2)):
            batch = away.batch(EVERY, views, moments=moments, yaw=np.zeros(COUNT))
            assert batch.video.is_meta
            assert batch.audio.is_meta
            assert batch.yaw.is_meta
            assert away.class_map(EVERY, views, moments).is_meta

    def test_longer_than_the_world(self):
        with pytest.raises(AmbikitError, match="excerpts of 0.6 s of clips of 0.5 s"):
            WorldClips.render(WorldConfig(), 0, range(2), SOUND, duration=0.6)


class TestStudy:
    def study(self, duration):
        training = TrainingConfig(
            phases=(Phase("avts", 2, 4, 1, moments=2),),
            sound=SOUND,
            model=ModelConfig(width=16, projection=8),
            clip=ClipConfig(size=8, frames=1, frame_rate=2.0, duration=0.4),
        )
        sizes = {"training_scenes": 6, "head_scenes": 2, "test_scenes": 2}
        return StudyConfig((Variant("avts", training),), world=WorldConfig(duration=duration), **sizes)

    def test_a_system_of_moments_in_a_longer_world(self, tmp_path):
        study = self.study(1.0)
        training = study.variants[0].training
        render_pools(study, tmp_path / "pools", workers=1)
        clips = load_pool(tmp_path / "pools", "training", training)
        assert clips.duration == 0.4
        train(training, clips, tmp_path / "run")
        assert len(list((tmp_path / "run" / "checkpoints").iterdir())) == 1

    def test_a_world_that_is_too_short(self):
        with pytest.raises(AmbikitError, match=r"clips of \[0.4\] s in a world of 0.3 s; expected no longer ones"):
            self.study(0.3)

    def test_moments_need_clips_longer_than_excerpts(self, tmp_path):
        study = self.study(0.4)
        clips = WorldClips.render(study.world, 0, range(4), SOUND, size=8)
        with pytest.raises(AmbikitError, match="clips of 0.4 s for 2 moments of 0.4 s each"):
            train(study.variants[0].training, clips, tmp_path)
