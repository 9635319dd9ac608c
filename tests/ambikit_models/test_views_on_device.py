"""Clips from files whose views are cut, and whose sounds are analysed, on the device that trains."""

import dataclasses
import math

import numpy as np
import pytest
import torch

import ambikit
from ambikit_models.datasets.yt360 import YT360
from ambikit_models.panorama.viewpoints import RandomViewpoints
from ambikit_models.sound import SoundFeatures
from tests.ambikit_models.test_yt360 import SOUND, picture, write_clip

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=[pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")],
    ),
]
SMALL = {"size": 16, "frames": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("clips"), np.random.default_rng(0)
    for number, (azimuth, elevation) in enumerate([(60, 20), (-120, -30), (170, 5)]):
        signal = ambikit.encode(0.2 * rng.standard_normal(2 * 48000), azimuth, elevation, degrees=True)
        signal = signal + 0.02 * rng.standard_normal(signal.shape)
        shade = (np.arange(256) // 2 + 16 * (np.arange(128)[:, None] // 16)).astype(np.uint8) // 2
        frame = np.maximum(picture(azimuth, elevation, 256, 128), shade[..., None])
        write_clip(folder, f"abcdefghij{number}-0", [frame] * 50, signal)
    return folder


def both_ways(folder, device, sound, **wanted):
    """The same batch by compiled loops and on a device."""
    ours, theirs = (YT360(folder, sound=sound, **SMALL) for _ in range(2))
    theirs.device = device
    viewpoints = RandomViewpoints(views=3, field_of_view=(0.5, 2.0)).draw(np.random.default_rng(1), 3)
    one, other = (clips.batch(np.arange(3), viewpoints, **wanted) for clips in (ours, theirs))
    assert other.video.device.type == other.audio.device.type == device
    assert other.index.tolist() == one.index.tolist()
    return one, other.to("cpu")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ["foa_intensity", "stereo_icf", "salsa_mel", "mono"])
def test_a_device_gives_what_compiled_loops_give(folder, device, name):
    one, other = both_ways(folder, device, dataclasses.replace(SOUND, format=name), yaw=torch.tensor([0.0, 0.5, -2.0]))
    assert one.video.std() > 0.05
    torch.testing.assert_close(other.video, one.video, atol=1e-4, rtol=0)
    # decibels; the rest lies in [-1, 1] but for the level difference, of which a silent bin may change its sign
    torch.testing.assert_close(other.audio, one.audio, atol=1e-2 if name == "stereo_icf" else 1e-3, rtol=1e-4)
    torch.testing.assert_close(other.yaw, one.yaw)


@pytest.mark.parametrize("device", DEVICES)
def test_moments_and_the_sound_of_another_clip(folder, device):
    moments = torch.tensor([[0.0, 0.5, 0.0], [1.0, 0.2, 0.7], [0.3, 0.3, 0.3]])
    wanted = {"moments": moments, "sound_indices": np.array([1, 2, 0])}
    one, other = both_ways(folder, device, SOUND, **wanted)
    torch.testing.assert_close(other.video, one.video, atol=1e-4, rtol=0)
    torch.testing.assert_close(other.audio, one.audio, atol=1e-3, rtol=1e-4)


def test_the_formula_that_a_gpu_takes_gives_the_same(folder, monkeypatch):
    # without compiled loops: what runs on a GPU, on the CPU
    from ambikit.analysis import levels, mel, mel_bands, spectra
    from ambikit_models.panorama import sampling

    one, _ = both_ways(folder, "cpu", SOUND)
    for module in (levels, mel, mel_bands, spectra, sampling):
        monkeypatch.setattr(module, "kernel_view", lambda *_, **__: None)
    _, other = both_ways(folder, "cpu", SOUND)
    torch.testing.assert_close(other.video, one.video, atol=1e-4, rtol=0)
    torch.testing.assert_close(other.audio, one.audio, atol=1e-3, rtol=1e-4)


def test_a_subset_stays_on_its_device(folder):
    clips = YT360(folder, sound=SoundFeatures("mono", sample_rate=16000, bands=8, window=0.064, hop=0.04), **SMALL)
    clips.device = "cpu"
    assert clips.subset(np.array([1])).device == "cpu"
    front = RandomViewpoints(views=1).draw(np.random.default_rng(0), 1)
    heard = clips.batch(np.array([0]), dataclasses.replace(front, azimuth=torch.full((1, 1), math.radians(60))))
    behind = clips.batch(np.array([0]), dataclasses.replace(front, azimuth=torch.full((1, 1), math.radians(-120))))
    assert heard.audio.mean() > behind.audio.mean() + 3
