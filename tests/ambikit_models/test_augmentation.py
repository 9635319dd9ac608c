import dataclasses

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional

from ambikit.errors import AmbikitError
from ambikit_models import hub
from ambikit_models.batch import Batch
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.augmentation import Changes
from ambikit_models.training.colours import ColourJitter, change_colours, turn_hue
from ambikit_models.training.config import Phase, TrainingConfig, from_mapping, to_mapping
from ambikit_models.training.loading import load_share
from ambikit_models.training.loop import train
from ambikit_models.training.metrics import read_metrics
from ambikit_models.training.sampling import videos_of
from ambikit_models.world import WorldClips, WorldConfig
from tests.ambikit_models.toy import SOUND, ToyClips, toy_config

PAPER = ColourJitter(0.4, 0.4, 0.4, 0.2)
EVERYTHING = {"horizontal_flip": "visual", "colour_jitter": PAPER, "volume_jitter": 0.1}


def crops(rng, count=3, frames=2, size=6):
    return torch.from_numpy(rng.uniform(size=(count, 3, frames, size, size)).astype("float32"))


def batch_of(rng, sound=SOUND, clips=4, views=3):
    video = crops(rng, clips * views).unflatten(0, (clips, views))
    audio = torch.from_numpy(rng.normal(size=(clips, views, sound.channels, 8, 5)).astype("float32"))
    return Batch(video, audio, torch.arange(clips))


class TestColours:
    @pytest.mark.parametrize(
        ("kind", "name"), list(enumerate(["adjust_brightness", "adjust_contrast", "adjust_saturation", "adjust_hue"]))
    )
    def test_each_change_is_that_of_torchvision(self, kind, name, rng):
        pictures = crops(rng)
        amounts = np.tile([1.0, 1.0, 1.0, 0.0], (3, 1))
        amounts[:, kind] = [0.3, -0.45, 0.1] if name == "adjust_hue" else [0.6, 1.0, 1.4]
        changed = change_colours(pictures, amounts, np.tile(np.arange(4), (3, 1)))
        for crop in range(3):
            frames = pictures[crop].transpose(0, 1)
            expected = getattr(functional, name)(frames, float(amounts[crop, kind])).transpose(0, 1)
            torch.testing.assert_close(changed[crop], expected, atol=2e-6, rtol=0)

    def test_every_crop_has_an_order_of_its_own(self, rng):
        pictures = crops(rng)
        amounts = np.array([[1.3, 0.7, 1.2, 0.1]] * 3)
        order = np.array([[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]])
        changed = change_colours(pictures, amounts, order)
        names = ["adjust_brightness", "adjust_contrast", "adjust_saturation", "adjust_hue"]
        for crop in range(3):
            frames = pictures[crop].transpose(0, 1)
            for kind in order[crop]:
                frames = getattr(functional, names[kind])(frames, float(amounts[crop, kind]))
            torch.testing.assert_close(changed[crop], frames.transpose(0, 1), atol=5e-6, rtol=0)
        assert (changed[0] - change_colours(pictures, amounts, order[[1, 1, 1]])[0]).abs().max() > 0.01

    def test_a_third_of_the_circle_makes_red_green(self):
        red = torch.tensor([0.9, 0.2, 0.2]).reshape(1, 3, 1, 1, 1)
        torch.testing.assert_close(turn_hue(red, torch.tensor(1 / 3)).flatten(), torch.tensor([0.2, 0.9, 0.2]))
        grey = torch.full((1, 3, 1, 1, 1), 0.4)
        assert torch.equal(turn_hue(grey, torch.tensor(0.2)), grey)

    def test_the_neutral_amount_changes_nothing(self, rng):
        pictures = crops(rng)
        unchanged = change_colours(pictures, np.tile([1.0, 1.0, 1.0, 0.0], (3, 1)), np.tile(np.arange(4), (3, 1)))
        assert torch.equal(unchanged, pictures)

    @pytest.mark.parametrize("strengths", [{"brightness": -0.1}, {"contrast": 1.1}, {"hue": 0.6}])
    def test_senseless_strengths(self, strengths):
        with pytest.raises(AmbikitError, match="strengths from 0 to 1"):
            ColourJitter(**strengths)


class TestChanges:
    def test_nothing_is_drawn_for_what_is_switched_off(self, rng):
        batch, generator = batch_of(rng), np.random.default_rng(7)
        assert Changes.draw(generator, 4, 3).apply(batch, SOUND) is batch
        assert generator.random() == np.random.default_rng(7).random()

    def test_visual_flips_mirror_single_crops_and_no_sound(self, rng):
        batch = batch_of(rng, clips=40)
        changes = Changes.draw(np.random.default_rng(0), 40, 3, flip="visual")
        out = changes.apply(batch, SOUND)
        assert torch.equal(out.audio, batch.audio)
        flipped = (out.video == batch.video.flip(-1)).all((-4, -3, -2, -1)).numpy()
        np.testing.assert_array_equal(flipped, changes.flipped)
        assert torch.equal(out.video[~torch.from_numpy(flipped)], batch.video[~torch.from_numpy(flipped)])
        assert 0.35 < flipped.mean() < 0.65
        assert (flipped.any(1) & ~flipped.all(1)).mean() > 0.5  # the crops of a clip are drawn each by itself

    @pytest.mark.parametrize("name", ["omni", "stereo", "stereo_icf", "foa_log_mel", "foa_intensity", "salsa_mel"])
    def test_the_gain_raises_levels_and_nothing_else(self, name, rng):
        sound = dataclasses.replace(SOUND, format=name)
        batch = batch_of(rng, sound)
        changes = Changes.draw(np.random.default_rng(0), 4, 3, volume=0.1)
        out, levels = changes.apply(batch, sound), sound.layout.levels
        assert np.all((changes.gain > 0.9) & (changes.gain < 1.1) & (changes.gain != 1))
        raised = torch.from_numpy(20 * np.log10(changes.gain)).float()[:, None, None, None, None]
        torch.testing.assert_close(out.audio[:, :, :levels], batch.audio[:, :, :levels] + raised)
        assert torch.equal(out.audio[:, :, levels:], batch.audio[:, :, levels:])
        assert torch.equal(out.video, batch.video)

    def test_strengths_are_those_of_the_recipe(self):
        changes = Changes.draw(np.random.default_rng(0), 200, 4, colours=PAPER)
        spread = np.abs(changes.colours - [1, 1, 1, 0]).max((0, 1))
        np.testing.assert_allclose(spread, PAPER.strengths, rtol=0.01)
        np.testing.assert_allclose(changes.colours.mean((0, 1)), [1, 1, 1, 0], atol=0.03)
        assert len(np.unique(changes.order.reshape(-1, 4), axis=0)) == 24
        only = Changes.draw(np.random.default_rng(0), 9, 4, colours=ColourJitter(contrast=0.5))
        assert (only.colours[..., [0, 2, 3]] == [1, 1, 0]).all()

    def test_parts_of_a_batch_are_changed_as_the_whole(self, rng):
        batch = batch_of(rng)
        changes = Changes.draw(np.random.default_rng(3), 4, 3, flip="joint", colours=PAPER, volume=0.1)
        whole, rows = changes.apply(batch, SOUND), slice(1, 3)
        part = changes[rows].apply(Batch(batch.video[rows], batch.audio[rows], batch.index[rows]), SOUND)
        torch.testing.assert_close(part.video, whole.video[rows])
        torch.testing.assert_close(part.audio, whole.audio[rows])

    @pytest.mark.cuda
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
    def test_a_gpu_changes_the_same(self, rng):
        batch = batch_of(rng)
        for flip in ("visual", "joint"):
            changes = Changes.draw(np.random.default_rng(3), 4, 3, flip=flip, colours=PAPER, volume=0.1)
            here, there = changes.apply(batch, SOUND), changes.apply(batch.to("cuda"), SOUND).to("cpu")
            torch.testing.assert_close(there.video, here.video, atol=1e-5, rtol=0)
            torch.testing.assert_close(there.audio, here.audio)


@pytest.mark.parametrize("name", ["mono", "stereo", "stereo_icf", "foa_log_mel", "foa_intensity", "salsa_mel"])
def test_a_joint_flip_is_a_mirrored_scene_seen_from_the_mirrored_viewpoint(name):
    # the sounds of a world whose objects all have changed sides
    sound = SoundFeatures(name, sample_rate=16000, bands=16, window=0.064, hop=0.04)
    world = WorldConfig(reverberation=0.0, snr_db=None)
    clips = WorldClips.render(world, 3, range(2), dataclasses.replace(sound, format="stereo_icf"), workers=1)
    signals = clips.prepared * torch.tensor([1.0, -1.0, 1.0, 1.0])[:, None]
    mirrored = WorldClips(world, 3, clips.indices, dataclasses.replace(sound, format="stereo_icf"), signals)
    views = Viewpoints(*(torch.tensor([[a, -a, 0.1]] * 2) for a in (0.7, 0.3, 1.1)))
    views = dataclasses.replace(views, elevation=views.elevation.abs(), field_of_view=torch.full((2, 3), 1.1))
    other = dataclasses.replace(views, azimuth=-views.azimuth)
    batch = clips.variant(sound=sound).batch(np.arange(2), views)
    flipped = dataclasses.replace(Changes.draw(np.random.default_rng(0), 2, 3), mirrored=np.array([True, True]))
    expected = mirrored.variant(sound=sound).batch(np.arange(2), other)
    out = flipped.apply(batch, sound)
    torch.testing.assert_close(out.audio, expected.audio, atol=5e-3, rtol=1e-4)
    assert torch.equal(out.video, batch.video.flip(-1))


@pytest.fixture(scope="module")
def scenes():
    """A few scenes whose signals are kept."""
    sound = SoundFeatures("stereo_icf", sample_rate=16000, bands=16, window=0.064, hop=0.04)
    return WorldClips.render(WorldConfig(), 0, range(16), sound, size=12, workers=1)


@pytest.mark.parametrize(
    "heard",
    [
        *({"format": name} for name in ("omni", "mono", "stereo", "stereo_icf", "foa_log_mel", "salsa_mel", "salsa")),
        {"format": "foa_log_mel", "spectrum": "magnitude", "dynamic_range_db": 200.0},
        {"format": "mono", "pattern": "cardioid"},
    ],
    ids=lambda heard: "-".join(str(word) for word in heard.values()),
)
def test_every_format_trains(heard, scenes, tmp_path):
    sound = dataclasses.replace(scenes.sound, **heard)
    phase = Phase("avsa", steps=2, clips=4, views=2)
    settings = {**EVERYTHING, "horizontal_flip": "joint"}
    config = toy_config(phases=(phase,), sound=sound, log_every=1, **settings)
    model = train(config, scenes.variant(sound=sound), tmp_path)
    assert model.standardize.mean.shape == (sound.channels, sound.rows, 1)
    assert all(np.isfinite(record["loss"]) for record in read_metrics(tmp_path / "metrics.jsonl"))
    loaded = hub.load(tmp_path)
    signal = scenes.signals(np.array([0]))[0]
    heard_now = loaded.embed_audio(signal, 16000, azimuth=[0, 90], elevation=0, degrees=True)
    assert heard_now.shape == (2, 16)


class TestTraining:
    def test_a_step_is_a_function_of_its_number(self):
        config, source = toy_config(**EVERYTHING), ToyClips()
        whole = load_share(config, config.phases[1], source, videos_of(source), first=6, step=8, ours=slice(0, 8))
        again = load_share(config, config.phases[1], source, videos_of(source), first=6, step=8, ours=slice(0, 8))
        share = load_share(config, config.phases[1], source, videos_of(source), first=6, step=8, ours=slice(4, 8))
        assert torch.equal(whole.video, again.video)
        torch.testing.assert_close(share.video, whole.video[4:])
        torch.testing.assert_close(share.audio, whole.audio[4:])
        plain = toy_config()
        bare = load_share(plain, plain.phases[1], source, videos_of(source), first=6, step=8, ours=slice(0, 8))
        assert torch.equal(bare.index, whole.index)  # the same clips and viewpoints: changes are drawn after them
        assert not torch.equal(bare.video, whole.video)
        assert not torch.equal(bare.audio, whole.audio)

    def test_resumed_equals_uninterrupted_bit_for_bit(self, tmp_path):
        whole = train(toy_config(**EVERYTHING), ToyClips(), tmp_path / "whole")
        train(toy_config(**EVERYTHING), ToyClips(), tmp_path / "parts", stop_at=7)
        resumed = train(toy_config(**EVERYTHING), ToyClips(), tmp_path / "parts")
        for name, value in whole.state_dict().items():
            assert torch.equal(value, resumed.state_dict()[name]), name
        plain = train(toy_config(), ToyClips(), tmp_path / "plain")
        assert not torch.equal(plain.video_head.weight, whole.video_head.weight)

    def test_the_recipe_survives_yaml(self):
        config = toy_config(**EVERYTHING)
        assert from_mapping(TrainingConfig, to_mapping(config)) == config
        before = {k: v for k, v in to_mapping(toy_config()).items() if "jitter" not in k}
        assert from_mapping(TrainingConfig, before) == toy_config()  # a recipe from before there were jitters
        with pytest.raises(AmbikitError, match="volume_jitter"):
            toy_config(volume_jitter=1.0)
