"""The world as a source of clips: the picture and the sound of a viewpoint belong together, and the pool is one."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import ambikit
from ambikit.errors import AmbikitError, FileError, ShapeError
from ambikit_models.batch import ClipSource
from ambikit_models.panorama.viewpoints import RandomViewpoints, Viewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.world import WorldClips, WorldConfig, render_sound, scenes
from ambikit_models.world.pool import render_pool

CONFIG = WorldConfig()
SOUND = SoundFeatures("foa_intensity", sample_rate=16000, bands=32, window=0.064, hop=0.04)
ANECHOIC = WorldConfig(reverberation=0.0, snr_db=None)
ALONE = dataclasses.replace(ANECHOIC, sounding=(1, 1), silent=(0, 0), speed_degrees=(0.0, 0.0))
COUNT = 12
EVERY = np.arange(COUNT)


@pytest.fixture(scope="module")
def clips():
    return WorldClips.render(CONFIG, 0, range(COUNT), SOUND)


@pytest.fixture(scope="module")
def viewpoints():
    return RandomViewpoints(views=3).draw(np.random.default_rng(0), COUNT)


def towards(azimuth, elevation, field_of_view=1.2):
    azimuth, elevation = (torch.as_tensor(np.asarray(a, dtype=float))[:, None] for a in (azimuth, elevation))
    return Viewpoints(azimuth, elevation, torch.full_like(azimuth, field_of_view))


def intensity(audio):
    """The loudness-weighted mean intensity vector of each view: x, y, z."""
    weight = 10 ** (audio[:, :, :1] / 20)
    return (weight * audio[:, :, 4:]).sum((-1, -2)) / weight.sum((-1, -2))


@pytest.fixture(scope="module")
def lonely():
    return WorldClips.render(ALONE, 5, range(COUNT), SOUND, size=33)


class TestKeystone:
    """One object in the open: what is in the middle of the picture sounds from the front."""

    def test_looking_at_it(self, lonely):
        objects = lonely.scenes.objects
        view = towards(objects.azimuth[:, 0], objects.elevation[:, 0])
        batch = lonely.batch(EVERY, view)
        x, y, z = intensity(batch.audio)[:, 0].T
        assert x.min() > 0.99
        assert torch.stack([y, z]).abs().max() < 1e-3
        seen = lonely.class_map(EVERY, view)[:, 0, 0]
        assert seen[:, 16, 16].tolist() == objects.kind[:, 0].tolist()

    @pytest.mark.parametrize(("turn", "raise_"), [(25, 0), (-25, 0), (0, 20), (0, -20)])
    def test_looking_past_it(self, lonely, turn, raise_):
        # looking to the right of it (turn < 0), it is seen in the left half and heard from the left
        azimuth, elevation = lonely.scenes.objects.azimuth[:, 0], lonely.scenes.objects.elevation[:, 0]
        view = towards(azimuth + math.radians(turn), elevation + math.radians(raise_), 1.5)
        batch = lonely.batch(EVERY, view)
        _, y, z = intensity(batch.audio)[:, 0].T
        for clip, mask in enumerate((lonely.object_map(EVERY, view)[:, 0, 0] == 0).numpy()):
            row, column = np.nonzero(mask)
            left, up = 16 - column.mean(), 16 - row.mean()
            if turn:
                assert np.sign(left) == np.sign(-turn) == np.sign(float(y[clip]))
            if raise_:
                assert np.sign(up) == np.sign(-raise_) == np.sign(float(z[clip]))

    def test_the_sound_is_where_the_pixels_are(self, lonely):
        view = RandomViewpoints(views=1, field_of_view=(1.4, 1.4), maximum_latitude=0.5).draw(
            np.random.default_rng(1), 200
        )
        rows = np.resize(EVERY, 200)
        batch = lonely.batch(rows, view)
        heard = intensity(batch.audio)[:, 0]
        masks = (lonely.object_map(rows, view)[:, 0, 0] == 0).numpy()
        front = ambikit.crop_rays(0.0, 0.0, 1.4, 33)
        compared = 0
        for mask, direction in zip(masks, heard.numpy(), strict=True):
            inner = mask[1:-1, 1:-1]
            # the whole ball must be in the picture
            if inner.any() and inner.sum() == mask.sum():
                corners = front[mask]
                # a camera magnifies towards its rim: weigh pixels by the solid angle they cover
                mean = (corners * corners[:, :1] ** 3).sum(0)
                angle = np.arccos(direction @ mean / np.linalg.norm(direction) / np.linalg.norm(mean))
                assert np.degrees(angle) < 1.0
                compared += 1
        assert compared >= 5


class TestBatch:
    def test_it_is_a_clip_source(self, clips, viewpoints):
        assert isinstance(clips, ClipSource)
        assert len(clips) == COUNT
        batch = clips.batch(np.array([3, 0, 3]), viewpoints[:3])
        assert batch.video.shape == (3, 3, 3, 1, 24, 24)
        assert batch.audio.shape == (3, 3, 7, 32, 13)
        assert batch.index.tolist() == [3, 0, 3]
        assert batch.video.dtype == batch.audio.dtype == torch.float32

    def test_the_audio_is_that_of_the_turned_sound(self, clips, viewpoints):
        signal = clips.signals(EVERY)[:, None]
        aligned = ambikit.align(signal, viewpoints.azimuth.float(), viewpoints.elevation.float())
        expected = ambikit.foa_features(aligned, 16000, bands=32, window=0.064, hop=0.04)
        audio = clips.batch(EVERY, viewpoints).audio
        loud = expected[:, :, :4] > expected[:, :, :4].amax() - 50
        assert (audio - expected)[:, :, :4][loud].abs().max() < 0.05
        torch.testing.assert_close(audio[:, :, 4:], expected[:, :, 4:], atol=1e-4, rtol=0)

    def test_a_clip_does_not_depend_on_its_company(self, clips, viewpoints):
        whole = clips.batch(EVERY, viewpoints)
        one = clips.batch(np.array([7]), viewpoints[7])
        torch.testing.assert_close(one.video[0], whole.video[7], atol=1e-5, rtol=0)
        torch.testing.assert_close(one.audio[0], whole.audio[7], atol=1e-4, rtol=0)

    def test_yaw_leaves_what_has_no_direction_bit_for_bit(self, clips, viewpoints):
        yaw = np.random.default_rng(2).uniform(-np.pi, np.pi, COUNT)
        omni = clips.variant(sound=dataclasses.replace(SOUND, format="omni"))
        still, turned = omni.batch(EVERY, viewpoints), omni.batch(EVERY, viewpoints, yaw=yaw)
        assert torch.equal(still.audio, turned.audio)
        both = clips.batch(EVERY, viewpoints), clips.batch(EVERY, viewpoints, yaw=yaw)
        assert torch.equal(both[0].video, both[1].video)
        assert torch.equal(both[0].audio[:, :, 0], both[1].audio[:, :, 0])
        assert (both[0].audio[:, :, 4:] - both[1].audio[:, :, 4:]).abs().mean() > 0.05

    def test_yaw_is_a_scene_whose_sounding_objects_sit_farther_left(self, viewpoints):
        # in the open, where no room has to turn with them
        yaw = np.random.default_rng(3).uniform(-np.pi, np.pi, COUNT)
        clips = WorldClips.render(ANECHOIC, 0, range(COUNT), SOUND)
        objects = clips.scenes.objects
        azimuth = np.where(objects.sounding, objects.azimuth + yaw[:, None], objects.azimuth)
        moved = dataclasses.replace(clips.scenes, objects=dataclasses.replace(objects, azimuth=azimuth))
        covariance = SOUND.prepare(render_sound(ANECHOIC, 0, moved))
        expected = SOUND.view(covariance[:, None], viewpoints.azimuth, viewpoints.elevation)
        audio = clips.batch(EVERY, viewpoints, yaw=torch.from_numpy(yaw)).audio
        loud = expected[:, :, :4] > expected[:, :, :4].amax() - 50
        assert (audio - expected)[:, :, :4][loud].abs().max() < 0.05
        torch.testing.assert_close(audio[:, :, 4:], expected[:, :, 4:], atol=1e-3, rtol=0)

    def test_yaw_leaves_silence_silent(self, viewpoints):
        config = dataclasses.replace(ANECHOIC, sounding=(0, 0))
        clips = WorldClips.render(config, 0, range(COUNT), SOUND)
        turned = clips.batch(EVERY, viewpoints, yaw=np.linspace(-3, 3, COUNT))
        assert torch.equal(turned.audio, clips.batch(EVERY, viewpoints).audio)
        assert torch.isfinite(turned.audio).all()
        assert not turned.audio[:, :, 4:].any()

    def test_sound_indices_play_another_clip(self, clips, viewpoints):
        other = np.roll(EVERY, 1)
        mixed = clips.batch(EVERY, viewpoints, sound_indices=other)
        assert torch.equal(mixed.video, clips.batch(EVERY, viewpoints).video)
        assert torch.equal(mixed.audio, clips.batch(other, viewpoints).audio)
        assert mixed.index.tolist() == EVERY.tolist()

    def test_several_frames(self, clips, viewpoints):
        three = clips.variant(frames=3, size=16).batch(EVERY, viewpoints)
        assert three.video.shape == (COUNT, 3, 3, 3, 16, 16)
        one = clips.variant(size=16).batch(EVERY, viewpoints)
        torch.testing.assert_close(three.video[:, :, :, 1], one.video[:, :, :, 0], atol=1e-5, rtol=0)
        assert (three.video[:, :, :, 0] - three.video[:, :, :, 2]).abs().max() > 0.1

    def test_nothing_stays_behind_on_the_cpu(self, clips, viewpoints):
        # the meta device computes shapes only, and refuses to mix with tensors that live elsewhere
        config = dataclasses.replace(CONFIG, broken_fraction=0.5)
        assert render_sound(config, 0, scenes(config, 0, EVERY), device="meta").is_meta
        there = WorldClips(CONFIG, 0, EVERY, SOUND, clips.prepared, device="meta")
        batch = there.batch(EVERY, viewpoints, yaw=np.zeros(COUNT), sound_indices=np.roll(EVERY, 1))
        assert batch.video.is_meta
        assert batch.audio.is_meta
        assert there.visible_classes(EVERY, viewpoints).is_meta

    @pytest.mark.cuda
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
    def test_every_device_gives_the_same_batch(self, clips, viewpoints):
        there = WorldClips.render(CONFIG, 0, range(COUNT), SOUND, device="cuda").batch(EVERY, viewpoints).to("cpu")
        here = clips.batch(EVERY, viewpoints)
        torch.testing.assert_close(there.video, here.video, atol=1e-4, rtol=0)
        torch.testing.assert_close(there.audio[:, :, 4:], here.audio[:, :, 4:], atol=1e-4, rtol=0)


class TestTruth:
    def test_classes(self, clips, viewpoints):
        objects = clips.scenes.objects
        sounding = clips.sounding_classes(EVERY)
        assert sounding.shape == (COUNT, 12)
        for clip in EVERY:
            kinds = set(objects.kind[clip, objects.sounding[clip]].tolist())
            assert set(np.flatnonzero(sounding[clip].numpy()).tolist()) == kinds
        visible = clips.visible_classes(EVERY, viewpoints)
        class_map = clips.class_map(EVERY, viewpoints)[:, :, 0]
        assert visible.shape == (COUNT, 3, 12)
        for kind in range(12):
            share = (class_map == kind).float().mean((-1, -2))
            assert torch.equal(visible[..., kind] > 0, share >= 0.02)
        assert 0 < visible.mean() < 0.5

    def test_rooms(self, clips):
        other = clips.variant(room_strength=1.0)
        assert torch.equal(other.rooms_seen(EVERY), other.rooms_heard(EVERY))
        assert torch.equal(other.rooms_heard(EVERY), clips.rooms_heard(EVERY))
        assert other.prepared is clips.prepared

    def test_detections(self, clips):
        found, objects = clips.detections(4), clips.scenes.objects
        here = objects.present[4]
        np.testing.assert_allclose(found.azimuth, objects.azimuth[4, here])
        np.testing.assert_allclose(found.elevation, objects.elevation[4, here])


class TestPool:
    def test_workers_render_the_same_bit_for_bit(self):
        told = []
        indices = np.array([900, 3, 77, *range(100, 170)])
        one = render_pool(CONFIG, 0, indices, SOUND, workers=1)
        two = render_pool(CONFIG, 0, indices, SOUND, workers=2, progress=lambda done, total: told.append((done, total)))
        assert torch.equal(one, two)
        assert told == [(64, 73), (73, 73)]
        alone = render_pool(CONFIG, 0, np.array([77]), SOUND)
        assert torch.equal(alone[0], one[2])

    def test_a_file_gives_the_same_clips_back(self, clips, viewpoints, tmp_path):
        clips.save(tmp_path / "pool.safetensors")
        loaded = WorldClips.load(tmp_path / "pool.safetensors")
        assert loaded.config == CONFIG
        assert loaded.sound == SOUND
        first, second = clips.batch(EVERY, viewpoints), loaded.batch(EVERY, viewpoints)
        assert torch.equal(first.video, second.video)
        assert torch.equal(first.audio, second.audio)
        features = dataclasses.replace(SOUND, format="stereo", pattern="cardioid")
        stereo = WorldClips.load(tmp_path / "pool.safetensors", sound=features, size=8)
        assert stereo.batch(EVERY, viewpoints).audio.shape[2] == 2

    @pytest.mark.parametrize("name", ["omni", "foa_intensity", "stereo_icf", "salsa_mel", "salsa"])
    def test_kept_signals_serve_every_format_bit_for_bit(self, name, viewpoints, tmp_path):
        magnitude = dataclasses.replace(SOUND, format="foa_log_mel", spectrum="magnitude")
        WorldClips.render(CONFIG, 0, range(COUNT), magnitude).save(tmp_path / "pool.safetensors")
        wanted = dataclasses.replace(SOUND, format=name)
        loaded = WorldClips.load(tmp_path / "pool.safetensors", sound=wanted)
        rendered = WorldClips.render(CONFIG, 0, range(COUNT), wanted)
        assert torch.equal(loaded.prepared, rendered.prepared)
        assert torch.equal(loaded.batch(EVERY, viewpoints).audio, rendered.batch(EVERY, viewpoints).audio)
        rendered.save(tmp_path / "own.safetensors")
        assert torch.equal(WorldClips.load(tmp_path / "own.safetensors").prepared, rendered.prepared)
        # a variant of a variant goes back to what was rendered
        back = loaded.variant(sound=magnitude)
        torch.testing.assert_close(back.prepared, back.signals(EVERY))

    def test_what_was_not_kept_is_not_invented(self, clips):
        for name in ("stereo_icf", "salsa", "salsa_mel"):
            with pytest.raises(AmbikitError, match="keep the covariance .* render clips for these features"):
                clips.variant(sound=dataclasses.replace(SOUND, format=name))
        with pytest.raises(AmbikitError, match="expected features that keep the same"):
            clips.variant(sound=dataclasses.replace(SOUND, bands=8))

    def test_a_pool_of_an_older_run_still_loads(self, clips, tmp_path):
        # as it was written before there were other formats: no word of beams, spectrum and floor
        old = {"format": "foa_intensity", "sample_rate": 16000, "bands": 32, "window": 0.064, "hop": 0.04}
        assert SoundFeatures(**old) == SOUND
        recipe = {"format": "ambikit world pool 1", "world": dataclasses.asdict(CONFIG), "seed": 0, "sound": old}
        tensors = {"covariance": clips.prepared, "indices": torch.arange(COUNT)}
        save_file(tensors, tmp_path / "old.safetensors", metadata={"recipe": json.dumps(recipe)})
        loaded = WorldClips.load(tmp_path / "old.safetensors")
        assert loaded.sound == SOUND
        assert torch.equal(loaded.prepared, clips.prepared)

    def test_other_files_are_refused(self, tmp_path):
        with pytest.raises(FileError, match="missing"):
            WorldClips.load(tmp_path / "missing.safetensors")
        (tmp_path / "text.safetensors").write_text("no tensors here")
        with pytest.raises(FileError, match="render the pool again"):
            WorldClips.load(tmp_path / "text.safetensors")
        save_file({"weights": torch.zeros(2)}, tmp_path / "weights.safetensors")
        with pytest.raises(FileError, match="no pool"):
            WorldClips.load(tmp_path / "weights.safetensors")

    def test_rates_and_counts_must_fit(self):
        with pytest.raises(AmbikitError, match="24000 Hz"):
            WorldClips(CONFIG, 0, [0], SoundFeatures(), torch.zeros(1, 13, 2, 2))
        with pytest.raises(ShapeError, match="2 indices"):
            WorldClips(CONFIG, 0, [0, 1], SOUND, torch.zeros(1, 13, 2, 2))

    def test_clips_are_the_scenes_of_their_indices(self):
        clips = WorldClips.render(CONFIG, 4, [8, 2], SOUND)
        expected = scenes(CONFIG, 4, [8, 2]).objects.azimuth
        np.testing.assert_array_equal(clips.scenes.objects.azimuth, expected)
        signal = render_sound(CONFIG, 4, scenes(CONFIG, 4, [2]))
        torch.testing.assert_close(clips.prepared[1:], SOUND.prepare(signal))
