import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import ambikit
import ambikit_models
from ambikit.errors import AmbikitError, FileError
from ambikit_models import hub
from ambikit_models.training.config import ClipConfig
from ambikit_models.training.loop import train
from ambikit_models.world import WorldConfig, render_panoramas, render_sound
from ambikit_models.world.scenes import scenes
from tests.ambikit_models.toy import SOUND, ToyClips, toy_config


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    train(toy_config(clip=ClipConfig(size=12, frames=1)), ToyClips(), folder, stop_at=2)
    return hub.load(folder)


def test_the_recipe_comes_with_the_model(pretrained):
    assert pretrained.recipe.sound == SOUND
    assert pretrained.recipe.clip.size == 12
    assert not pretrained.model.training


class TestSound:
    @pytest.mark.parametrize("views", [(), (3,), (2, 3)])
    def test_shapes(self, pretrained, rng, views):
        signal = rng.normal(size=(4, 8000)).astype(np.float32)
        assert pretrained.embed_audio(signal, 16000, np.zeros(views), 0.1).shape == (*views, 16)

    def test_it_hears_as_in_training(self, pretrained, rng):
        signal = torch.from_numpy(rng.normal(size=(4, 8000)).astype(np.float32))
        features = ambikit.foa_features(
            ambikit.align(signal, 0.7, -0.2), 16000, bands=SOUND.bands, window=SOUND.window, hop=SOUND.hop
        )
        with torch.no_grad():
            expected = pretrained.model.embed_audio(features[None, None])[0, 0]
        torch.testing.assert_close(pretrained.embed_audio(signal, 16000, 0.7, -0.2), expected, rtol=1e-4, atol=1e-4)
        degrees = pretrained.embed_audio(signal, 16000, np.degrees(0.7), np.degrees(-0.2), degrees=True)
        torch.testing.assert_close(degrees, expected, rtol=1e-4, atol=1e-4)

    def test_frames_have_times(self, pretrained, rng):
        # two noises that are the same for a second: what differs is heard late
        noise = rng.normal(size=(2, 4, 32000)).astype(np.float32)
        noise[1, :, :16000] = noise[0, :, :16000]
        (one, times), (other, _) = (
            pretrained.embed_audio_frames(signal, 16000, [0, 90], 0, degrees=True) for signal in noise
        )
        assert one.shape == (2, 13, 16)  # 100 frames of 20 ms in steps of 8
        np.testing.assert_allclose(times, 0.16 * np.arange(13))
        late = (one - other).abs().amax((0, 2)) > 1e-3  # features are taken to the largest sample: rounding differs
        assert late[times > 1.0].all()
        assert not late[times < 1.0 - 0.02 * 16 - 0.032].any()

    def test_another_rate_names_the_remedy(self, pretrained):
        with pytest.raises(AmbikitError, match=r"ambikit.read\(path, sample_rate=16000\)"):
            pretrained.embed_audio(np.zeros((4, 9000), np.float32), 48000)


class TestViews:
    def test_a_view_is_the_crop_of_its_direction(self, pretrained, rng):
        from ambikit_models.panorama import crop

        frames = rng.integers(0, 255, (1, 32, 64, 3), dtype=np.uint8)
        seen = pretrained.embed_video(frames, [0.0, 90.0], [10.0, 0.0], field_of_view=70.0, degrees=True)
        assert seen.shape == (2, 16)
        view = crop(frames, 90.0, 0.0, field_of_view=70.0, size=12, degrees=True)
        with torch.no_grad():
            video = torch.from_numpy(view).float().permute(3, 0, 1, 2) / 255
            expected = pretrained.model.embed_video(video[None, None])[0, 0]
        torch.testing.assert_close(seen[1], expected, rtol=1e-4, atol=1e-4)


def test_no_run(tmp_path):
    with pytest.raises(FileError, match="expected a folder written by training"):
        hub.load(tmp_path)


@pytest.fixture(scope="module")
def bundled():
    return ambikit_models.load("world-foaiv")


class TestBundled:
    """The model that comes with the package, offline."""

    def test_it_is_small_and_says_what_it_is(self):
        folder = Path(ambikit_models.__file__).parent / "pretrained" / "world-foaiv"
        assert sum(path.stat().st_size for path in folder.iterdir()) < 20e6
        card = (folder / "README.md").read_text()
        for heading in ("## Data", "## Recipe", "## Figures", "## Limits"):
            assert heading in card

    def test_picture_and_sound_match_where_they_belong(self, bundled):
        """Scenes that it has not seen: their own sound fits better than the same, turned to the other side."""
        world = WorldConfig(sounding=(1, 1), silent=(0, 0))
        drawn = scenes(world, 7, np.arange(24))
        sound = render_sound(world, 7, drawn).numpy()
        frames = render_panoramas(world, drawn, 96)
        better = 0
        for picture, signal, azimuth in zip(frames, sound, drawn.objects.azimuth[:, 0], strict=True):
            around = azimuth + np.pi / 2 * np.arange(4)  # one of the views looks at the object
            own, turned = (
                bundled.alignment_score(picture, heard, 16000, around)[0]
                for heard in (signal, ambikit.rotate(signal, np.pi, 0, 0))
            )
            better += bool(own > turned)
        assert better >= 20

    def test_angles_in_degrees(self, bundled, rng):
        picture = rng.integers(0, 255, (1, 32, 64, 3), dtype=np.uint8)
        signal = rng.normal(size=(4, 8000)).astype(np.float32)
        radians = bundled.alignment_score(picture, signal, 16000)
        around = np.array([0.0, 90.0, 180.0, -90.0])
        degrees = bundled.alignment_score(picture, signal, 16000, around, 0.0, field_of_view=75.0, degrees=True)
        assert radians.shape == (4,)
        torch.testing.assert_close(radians, degrees, rtol=1e-4, atol=1e-4)

    def test_an_unknown_name(self):
        with pytest.raises(FileError, match="expected a folder written by training.*world-foaiv, which come"):
            ambikit_models.load("world-foavi")

    def test_torch_is_loaded_only_when_asked_for(self):
        code = "import sys, ambikit_models; assert 'torch' not in sys.modules; ambikit_models.load"
        subprocess.run([sys.executable, "-c", code], check=True)
        with pytest.raises(AttributeError, match="no attribute 'lead'"):
            _ = ambikit_models.lead
