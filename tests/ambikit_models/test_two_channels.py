"""Clips with two channels, what guides make of them, and the command that trains U-Nets on them."""

import json
import shutil

import h5py
import numpy as np
import pytest
import soundfile
import torch
from torch import nn

import ambikit
from ambikit.errors import AmbikitError, FileError
from ambikit_models.cli import main
from ambikit_models.correspondence import CorrespondenceNetwork
from ambikit_models.datasets.listing import MissingDatasetError
from ambikit_models.downstream.probing.guides import (
    CorrespondenceGuide,
    ImageNetGuide,
    SideBySide,
    features_of_ears,
    guide_of,
)
from ambikit_models.downstream.probing.subjects import System
from ambikit_models.downstream.two_channels.clips import FilmedClips, PictureConfig, WorldViews
from ambikit_models.downstream.two_channels.splits import filmed_split, world_split
from ambikit_models.encoders.audio import Standardize
from ambikit_models.encoders.frame_pictures import FramePictures, SmallPictures
from ambikit_models.encoders.residual_audio import ResidualAudio
from ambikit_models.presets import preset_path
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.checkpoints import save_checkpoint
from ambikit_models.training.config import TrainingConfig, load_yaml
from ambikit_models.world.config import WorldConfig
from tests.ambikit_models.clips import write_video
from tests.ambikit_models.examined import small_checkpoint, small_system

DRY = WorldConfig(
    sounding=(1, 1), silent=(0, 0), reverberation=0.0, snr_db=None, speed_degrees=(0.0, 0.0), elevation_degrees=5.0
)
FEW = PictureConfig(size=24, frames=2, frame_rate=8.0, duration=0.25, sample_rate=16000)
SOUND = SoundFeatures("stereo", sample_rate=16000, bands=16, window=0.032, hop=0.02)
RATE = 8000


@pytest.fixture(scope="module")
def views():
    return WorldViews(DRY, 0, range(12), FEW, workers=1)


class TestWorldViews:
    def test_what_is_seen_on_the_left_is_heard_on_the_left(self, views):
        """The object lies left of the middle of the view, and so in the left half of the picture and louder there."""
        rows = np.arange(12)
        looked = views.viewpoints(rows)
        to_the_left = views.clips.scenes.objects.azimuth[:, 0] - looked.azimuth[:, 0].numpy()
        video, sound = views.read(rows)
        level = sound.square().mean(-1)
        clear = np.abs(to_the_left) > 0.1
        assert clear.sum() >= 6
        assert ((level[:, 0] > level[:, 1]).numpy() == (to_the_left > 0))[clear].all()
        place = views.clips.object_map(rows, looked)[:, 0, 0] >= 0
        columns = torch.arange(24.0)
        middle = (place.float() * columns).sum((1, 2)) / place.float().sum((1, 2))
        assert ((middle < 11.5).numpy() == (to_the_left > 0))[clear].all()
        assert video.shape == (12, 3, 2, 24, 24)

    def test_two_beams_of_a_plane_wave(self, views):
        """Of cardioids L − R is Y and L + R is W: their ratio is the component of the direction to the left."""
        rows = np.arange(12)
        looked = views.viewpoints(rows)
        objects = views.clips.scenes.objects
        relative = objects.azimuth[:, 0] - looked.azimuth[:, 0].numpy()
        _, sound = views.read(rows)
        left, right = sound.double().unbind(1)
        ratio = ((left - right) * (left + right)).sum(-1) / (left + right).square().sum(-1)
        expected = np.sin(relative) * np.cos(objects.elevation[:, 0])
        np.testing.assert_allclose(ratio, expected, atol=2e-3)

    def test_the_ears_of_a_head(self):
        views = WorldViews(DRY, 0, range(4), FEW, ears="head", workers=1)
        looked = views.viewpoints(np.arange(4))
        signal = views.clips.prepared
        expected = ambikit.decode_binaural(
            ambikit.align(signal, looked.azimuth[:, 0].float(), torch.zeros(4)), FEW.sample_rate
        )
        torch.testing.assert_close(views.read(np.arange(4))[1], expected)

    def test_variation_mirrors_both_or_neither(self, views):
        """In half of the readings everything is the other way round; left stays with left."""
        rows = np.arange(12)
        for seed in range(3):
            video, sound = views.read(rows, np.random.default_rng(seed))
            looked = views.viewpoints(rows, np.random.default_rng(seed))
            plain = views.clips.batch(rows, looked).video[:, 0]
            turned = torch.tensor([torch.equal(a, b.flip(-1)) for a, b in zip(video, plain, strict=True)])
            kept = torch.tensor([torch.equal(a, b) for a, b in zip(video, plain, strict=True)])
            assert (turned ^ kept).all()
            assert 2 <= turned.sum() <= 10
            to_the_left = views.clips.scenes.objects.azimuth[:, 0] - looked.azimuth[:, 0].numpy()
            heard_left = (sound.square().mean(-1) @ torch.tensor([1.0, -1.0])) > 0
            clear = np.abs(to_the_left) > 0.1
            assert ((heard_left.numpy() == (to_the_left > 0)) ^ turned.numpy())[clear].all()

    def test_the_same_again_and_other_scenes_to_be_tested_on(self):
        train, test = world_split(3, FEW, workers=1)
        assert not set(train.groups) & set(test.groups)
        for one, other in zip(train.read(np.array([1, 2])), train.read(np.array([1, 2])), strict=True):
            assert torch.equal(one, other)
        with pytest.raises(AmbikitError, match="1 scenes"):
            world_split(1, FEW)
        with pytest.raises(AmbikitError, match="object or more that sounds"):
            WorldViews(WorldConfig(sounding=(0, 1)), 0, range(2), FEW)
        with pytest.raises(AmbikitError, match="positive"):
            PictureConfig(size=0)


def film(folder, name, side):
    """A bright bar on one side, 25 pictures in a second, and a tone that is louder there."""
    frames = []
    for _ in range(25):
        frame = np.full((32, 64, 3), 16, np.uint8)
        frame[:, slice(4, 20) if side > 0 else slice(44, 60)] = 235
        frames.append(frame)
    write_video(folder[1] / f"{name}.mp4", frames, 25)
    tone = np.sin(2 * np.pi * (700 + 300 * side) * np.arange(RATE) / RATE)
    gains = [0.5, 0.1] if side > 0 else [0.1, 0.5]
    soundfile.write(folder[0] / f"{name}.{folder[2]}", np.outer(tone, gains), RATE)


@pytest.fixture(scope="module")
def fair_play(tmp_path_factory):
    root = tmp_path_factory.mktemp("FAIR-Play")
    for part in ("binaural_audios", "videos", "splits/split1"):
        (root / part).mkdir(parents=True)
    for number in range(1, 5):
        film((root / "binaural_audios", root / "videos", "wav"), f"{number:06}", 1 - 2 * (number % 2))
    for part, numbers in {"train": (1, 2, 3, 4), "test": (2, 3)}.items():
        with h5py.File(root / "splits" / "split1" / f"{part}.h5", "w") as file:
            file["audio"] = np.array([f"/elsewhere/{number:06}.wav".encode() for number in numbers])
    return root


@pytest.fixture(scope="module")
def asmr(tmp_path_factory):
    root = tmp_path_factory.mktemp("YouTube-ASMR")
    for part in ("audio", "video"):
        (root / "data" / part).mkdir(parents=True)
    for number in range(4):
        film(
            (root / "data" / "audio", root / "data" / "video", "flac"),
            f"abcdefghij{number}_0_1000",
            1 - 2 * (number % 2),
        )
    for part, numbers in {"train": (0, 1, 2, 3), "test": (0, 1, 9)}.items():
        (root / f"{part}.csv").write_text("".join(f"abcdefghij{number}, 0, 1\n" for number in numbers))
    return root


class TestFilmedClips:
    wanted = PictureConfig(size=16, frames=3, frame_rate=6.0, duration=0.5, sample_rate=16000)

    @pytest.mark.parametrize("layout", ["fair_play", "asmr"])
    def test_sides_and_shapes(self, layout, request):
        train, test = filmed_split(request.getfixturevalue(layout), self.wanted)
        assert (len(train), len(test)) == (4, 2)
        for generator in (None, np.random.default_rng(0)):
            video, sound = train.read(np.arange(4), generator)
            assert (video.shape, sound.shape) == ((4, 3, 3, 16, 16), (4, 2, 8000))
            seen = video[..., :8].mean((1, 2, 3, 4)) > video[..., 8:].mean((1, 2, 3, 4))
            level = sound.square().mean(-1)
            assert ((level[:, 0] > level[:, 1]) == seen).all()
        assert len(set(seen.tolist())) == 2

    def test_videos_are_groups(self, asmr):
        train, test = filmed_split(asmr, self.wanted)
        assert train.groups.tolist() == [f"abcdefghij{number}" for number in range(4)]
        assert len(test) == 2  # one is no longer there

    def test_short_clips_end_in_silence(self, fair_play):
        clips, _ = filmed_split(fair_play, PictureConfig(size=8, frames=4, frame_rate=2.0, duration=2.0))
        video, sound = clips.read(np.arange(1))
        assert (sound[..., 16000:] == 0).all()
        assert sound[..., :15000].abs().max() > 0.3
        assert video.shape == (1, 3, 4, 8, 8)

    def test_where_the_stretch_lies(self, fair_play):
        """In the middle of a clip, or anywhere; a file's samples as they are."""
        clips, _ = filmed_split(fair_play, PictureConfig(8, 1, 6.0, 0.5, sample_rate=RATE))
        whole, _ = soundfile.read(fair_play / "binaural_audios" / "000001.wav", dtype="float32")
        np.testing.assert_array_equal(clips.read(np.arange(1))[1][0], whole[RATE // 4 : 3 * RATE // 4].T)
        starts = set()
        for seed in range(4):
            sound = clips.read(np.arange(1), np.random.default_rng(seed))[1][0].numpy()
            either = sound if sound[0].std() < sound[1].std() else sound[::-1]
            windows = np.lib.stride_tricks.sliding_window_view(whole[:, 0], RATE // 2)
            starts.add(int(np.flatnonzero((windows == either[0]).all(-1))[0]))
        assert len(starts) > 1

    def test_missing_files(self, fair_play, tmp_path):
        root = tmp_path / "FAIR-Play"
        shutil.copytree(fair_play, root)
        (root / "videos" / "000003.mp4").unlink()
        with pytest.raises(MissingDatasetError, match=r"000003\.mp4"):
            filmed_split(root, self.wanted)

    def test_another_folder(self, tmp_path):
        with pytest.raises(AmbikitError, match="expected FAIR-Play or YouTube-ASMR"):
            filmed_split(tmp_path, self.wanted)
        assert len(FilmedClips([], self.wanted)) == 0


def small_network(seed=0):
    torch.manual_seed(seed)
    network = CorrespondenceNetwork(
        FramePictures(SmallPictures(8), 2, 12), ResidualAudio(2, 16, (4, 8), 10), Standardize(2, 16), width=6
    )
    return network.eval()


class TestGuides:
    def test_what_a_network_sees_and_fuses(self, views):
        network = small_network()
        video, sound = views.read(np.arange(3))
        seen = CorrespondenceGuide(network, SOUND, "video")(video, sound[:, :1])
        assert torch.equal(seen, network.see(video))
        both = CorrespondenceGuide(network, SOUND, "both")(video, sound)
        features = features_of_ears(SOUND, sound)
        assert torch.equal(both, network.fuse(network.see(video), network.hear(features, 2)))
        assert isinstance(guide_of(System("", network, small_system().recipe), "both"), CorrespondenceGuide)

    def test_it_hears_the_two_channels_themselves(self, views):
        """Whatever ears the network was trained with."""
        _, sound = views.read(np.arange(3))
        expected = ambikit.log_mel(sound, 16000, bands=16, window=0.032, hop=0.02)
        for format in ("stereo", "binaural"):
            features = SoundFeatures(format, sample_rate=16000, bands=16, window=0.032, hop=0.02)
            torch.testing.assert_close(features_of_ears(features, sound), expected, atol=2e-3, rtol=1e-4)

    def test_places_are_kept_and_mirrored_pictures_differ(self, views):
        system = small_system("stereo")
        guide = guide_of(system, "video")
        video, sound = views.read(np.arange(3))
        maps = system.model.video_encoder.maps(video)
        told = guide(video, sound)
        assert told.shape == (3, 48 * maps.shape[-1] * maps.shape[-2], 2)
        assert not torch.allclose(told, guide(video.flip(-1), sound))
        assert guide_of(system, "both")(video, sound).shape[1] == told.shape[1] + 48

    def test_it_stays_as_it_is(self, views):
        guide = guide_of(small_system(), "video")
        nn.Sequential(guide).train()
        assert not any(module.training for module in guide.modules())

    def test_side_by_side(self, views):
        video, sound = views.read(np.arange(2))
        network = small_network()
        seen, both = (CorrespondenceGuide(network, SOUND, senses) for senses in ("video", "both"))
        told = SideBySide(seen, both)(video, sound)
        assert told.shape == (2, 18, 2)
        torch.testing.assert_close(told[:, :12], seen(video, sound))

    def test_weights_that_are_not_there(self, tmp_path, monkeypatch):
        monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
        with pytest.raises(FileError, match="resnet18"):
            ImageNetGuide()


SMALL = ("--widths", "4", "6", "--features", "3", "--epochs", "1", "--batch", "2", "--workers", "1", "--device", "cpu")


class TestCommand:
    @pytest.mark.parametrize("task", ["upmixing", "separation"])
    def test_on_the_world(self, task, tmp_path, capsys):
        checkpoint = small_checkpoint(tmp_path)
        out = tmp_path / "out"
        main(["evaluate-sound", task, str(checkpoint), "--world", "4", "--untrained", *SMALL, "--output", str(out)])
        record = json.loads((out / "figures.json").read_text())
        names = {figure["subject"] for figure in record["figures"]}
        nothing = "mono" if task == "upmixing" else "mixture"
        assert names >= {"small", "small, untrained", "no features", nothing, "ideal mask", "small, black pictures"}
        assert {c["second"] for c in record["comparisons"]} >= {"small, untrained", "no features"}
        table = (out / "table.md").read_text()
        assert "ideal mask" in table
        assert len(list((out / "sounds").glob("*.wav"))) == 9
        sound, rate = ambikit.read(out / "sounds" / "0000-target.wav", channel_map=None)
        assert (sound.shape, rate) == ((2, 8000), 16000)
        assert "no features" in capsys.readouterr().out

    @pytest.mark.parametrize("layout", ["fair_play", "asmr"])
    def test_on_data(self, layout, request, tmp_path):
        checkpoint, root = small_checkpoint(tmp_path), request.getfixturevalue(layout)
        for task in ("upmixing", "separation"):
            how = ["--data", str(root), *SMALL, "--sounds", "1", "--output", str(tmp_path / task)]
            main(["evaluate-sound", task, str(checkpoint), *how])
            assert json.loads((tmp_path / task / "figures.json").read_text())["on"] == root.name
        target, _ = ambikit.read(tmp_path / "upmixing" / "sounds" / "0000-target.wav", channel_map=None)
        levels = np.sqrt((target**2).mean(-1))
        assert max(levels) / min(levels) == pytest.approx(5, rel=0.01)  # as in the file

    def test_a_network_that_tells_left_from_right(self, tmp_path):
        """And one that sees and hears something else is not put beside it."""
        recipe = load_yaml(TrainingConfig, preset_path("recipes", "yang2020_small"))
        save_checkpoint(tmp_path / "flip" / "checkpoints", recipe.build_model(), None, recipe, 1)
        out, flip = tmp_path / "out", str(tmp_path / "flip")
        main(["evaluate-sound", "separation", flip, "--world", "4", *SMALL, "--sounds", "0", "--output", str(out)])
        assert json.loads((out / "figures.json").read_text())["figures"][0]["subject"] == "flip"
        assert not (out / "sounds").exists()
        with pytest.raises(SystemExit, match="small, which sees and hears"):
            main(["evaluate-sound", "upmixing", flip, str(small_checkpoint(tmp_path)), "--world", "4", *SMALL])

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--world", "4", "--data", "x"], "either --data DIR or --world SCENES"),
            ([], "either --data DIR or --world SCENES"),
            (["--data", "nowhere"], "expected FAIR-Play or YouTube-ASMR"),
        ],
    )
    def test_errors_are_one_line(self, arguments, message, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        checkpoint = small_checkpoint(tmp_path)
        with pytest.raises(SystemExit, match=message):
            main(["evaluate-sound", "upmixing", str(checkpoint), *arguments])
