"""The command that shows where a model sees what it hears, and the video that it writes."""

import av
import numpy as np
import pytest
import torch

import ambikit
from ambikit.errors import AmbikitError, ShapeError
from ambikit_models.cli.localize import Localize
from ambikit_models.sound import SoundFeatures
from ambikit_models.study.localization import overlaid, write_overlay
from ambikit_models.training.checkpoints import save_checkpoint
from ambikit_models.training.config import ClipConfig, ModelConfig, Phase, TrainingConfig
from ambikit_models.world.dataset import write_world
from ambikit_models.world.files import WorldFiles

SOUND = SoundFeatures("foa_intensity", sample_rate=16000, bands=16, window=0.064, hop=0.04)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A checkpoint of a small network with random weights."""
    torch.manual_seed(0)
    recipe = TrainingConfig(
        phases=(Phase("avsa", 1, 2, 4),),
        sound=SOUND,
        model=ModelConfig(width=16, projection=8),
        clip=ClipConfig(size=16, frames=1, frame_rate=2.0, duration=0.5),
    )
    folder = tmp_path_factory.mktemp("trained")
    save_checkpoint(folder / "checkpoints", recipe.model.build(SOUND), None, recipe, 1)
    return folder


def frames_of(path):
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def test_a_scene_of_the_world(trained, tmp_path):
    Localize(trained, world=3, seconds=1.0, output=tmp_path, frame_rate=4.0).run()
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    assert [frame.shape for frame in frames_of(tmp_path / "map.mp4")] == [(192, 384, 3)] * 4


def test_a_clip_of_a_folder(trained, tmp_path):
    write_world(tmp_path / "world", 1, files=WorldFiles(seconds=2, height=32, clips=(1, 1)), workers=1)
    Localize(trained, data=tmp_path / "world", output=tmp_path / "out", frame_rate=4.0).run()
    assert len(frames_of(tmp_path / "out" / "map.mp4")) == 8
    with pytest.raises(AmbikitError, match="got clip 7; expected one of the 1"):
        Localize(trained, data=tmp_path / "world", clip=7, output=tmp_path / "out").run()


def test_errors(trained, tmp_path):
    with pytest.raises(AmbikitError, match="either --data DIR or --world"):
        Localize(trained, output=tmp_path).run()
    with pytest.raises(AmbikitError, match="above 0"):
        Localize(trained, world=0, seconds=0.0, output=tmp_path).run()
    with pytest.raises(ShapeError, match="equirectangular"):
        overlaid(np.zeros((2, 4, 8, 3), np.uint8), np.zeros((1, 4, 4)))


def test_the_brightest_place_of_the_video_is_where_the_map_is_highest(tmp_path):
    """A glow that walks once around, over a night: written, read back, and found again at every quarter."""
    row, column = np.meshgrid(np.arange(18), np.arange(36), indexing="ij")
    angles = ambikit.pixels_to_angles(column, row, 36, 18)
    walk = np.radians([90.0, 0.0, -90.0])
    maps = np.stack([np.exp(-((ambikit.angular_distance(*angles, a, 0.2) / 0.3) ** 2)) for a in walk])
    maps[:, 0] = np.nan
    write_overlay(np.zeros((9, 64, 128, 3), np.uint8), maps, tmp_path / "walk.mp4", 8.0)
    frames = frames_of(tmp_path / "walk.mp4")
    for number, azimuth in zip((0, 4, 8), walk, strict=True):
        bright = frames[number].sum(-1)
        found = ambikit.pixels_to_angles(*np.unravel_index(bright.argmax(), bright.shape)[::-1], 128, 64)
        assert ambikit.angular_distance(*found, azimuth, 0.2) < np.radians(8)
