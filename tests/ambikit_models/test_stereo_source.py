"""FAIR-Play and YouTube-ASMR in their layouts, as sources of batches."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
import soundfile
import torch

import ambikit
from ambikit.errors import AmbikitError, FileError
from ambikit_models.cli import main
from ambikit_models.datasets.stereo_source import StereoClips, open_stereo, stereo_recordings
from ambikit_models.downstream.two_channels.clips import PictureConfig
from ambikit_models.downstream.two_channels.splits import filmed_split
from ambikit_models.panorama.viewpoints import RandomViewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.sound.stereo_scene import stereo_as_scene
from ambikit_models.training.config import ClipConfig, CorrespondenceConfig, Phase, TrainingConfig
from ambikit_models.training.loop import train
from ambikit_models.training.metrics import read_metrics
from tests.ambikit_models.clips import write_video

RATE, SECONDS, COUNT = 8000, 4, 8
SOUND = SoundFeatures("stereo", sample_rate=RATE, bands=8, window=0.032, hop=0.02)
SHORT = {"size": 16, "frames": 3, "frame_rate": 6.0, "sound_duration": 0.5}


def film(folder, name, number, *, sound="wav"):
    """A second per grey level; the left of the picture is white, and the left channel is louder where number is odd."""
    frames = []
    for second in range(SECONDS):
        frame = np.full((32, 64, 3), 20 + 40 * second, np.uint8)
        frame[:, : 32 if number % 2 else 0] = 235
        frames += [frame] * 6
    write_video(folder / f"{name}.mp4", frames, 6)
    noise = 0.1 * np.random.default_rng(number).standard_normal(RATE * SECONDS)
    gains = (1.0, 0.25) if number % 2 else (0.25, 1.0)
    soundfile.write(folder / f"{name}.{sound}", np.stack([gain * noise for gain in gains], 1), RATE)
    return folder / f"{name}.mp4", folder / f"{name}.{sound}"


@pytest.fixture(scope="module")
def fair_play(tmp_path_factory):
    root = tmp_path_factory.mktemp("fair_play")
    for folder in ("videos", "binaural_audios", "splits/split1"):
        (root / folder).mkdir(parents=True)
    names = [f"{number:06}" for number in range(COUNT)]
    for number, name in enumerate(names):
        _, sound = film(root / "videos", name, number)
        sound.rename(root / "binaural_audios" / sound.name)
    for part in ("train", "test"):
        with h5py.File(root / "splits" / "split1" / f"{part}.h5", "w") as file:
            file["audio"] = np.array([f"/somewhere/{name}.wav".encode() for name in names])
    return root


@pytest.fixture(scope="module")
def asmr(tmp_path_factory):
    root = tmp_path_factory.mktemp("asmr")
    for folder in ("data/video", "data/audio"):
        (root / folder).mkdir(parents=True)
    lines = []
    for number in range(4):
        video = f"video{number // 2:06}"
        start = 10 * (number % 2)
        _, sound = film(root / "data" / "video", f"{video}_{1000 * start}_{1000 * start + 10000}", number, sound="flac")
        sound.rename(root / "data" / "audio" / sound.name)
        lines.append(f"{video},{start},{start + 10}\n")
    (root / "train.csv").write_text("".join(lines))
    return root


def open_known(root, **settings) -> StereoClips:
    clips = open_stereo(root, None, **{"sound": SOUND, **SHORT, **settings})
    assert clips is not None
    return clips


def one_view(clips, seed=0):
    return RandomViewpoints(views=1).draw(np.random.default_rng(seed), clips)


class TestBatches:
    def test_both_layouts(self, fair_play, asmr, tmp_path):
        clips = open_known(fair_play)
        assert [clip.name for clip in clips.clips] == [f"{number:06}" for number in range(COUNT)]
        assert len(np.unique(clips.videos)) == COUNT
        assert open_known(asmr).videos.tolist() == [0, 0, 1, 1]
        assert open_stereo(tmp_path, None) is None
        with pytest.raises(AmbikitError, match="3/train"):
            open_stereo(fair_play, "x/train")

    def test_the_defaults_are_those_of_the_paper(self, asmr):
        clips = open_stereo(asmr, "train")
        batch = clips.batch(np.array([1]), one_view(1))
        assert batch.video.shape == (1, 1, 3, 18, 256, 256)
        assert batch.audio.shape == (1, 1, 2, 128, 300)

    def test_the_features_are_those_of_the_channels(self, fair_play):
        clips = open_known(fair_play, sound=replace(SOUND, format="stereo_icf"))
        rows = np.array([1, 2, 4])
        batch = clips.batch(rows, one_view(3), moments=torch.zeros(3, 1, dtype=torch.float64))
        for audio, number in zip(batch.audio[:, 0], rows, strict=True):
            signal, _ = soundfile.read(
                fair_play / "binaural_audios" / f"{number:06}.wav", stop=RATE // 2, dtype="float32"
            )
            expected = ambikit.stereo_features(torch.from_numpy(signal.T), RATE, bands=8, window=0.032, hop=0.02)
            torch.testing.assert_close(audio, expected, rtol=1e-4, atol=1e-3)
            # louder at the left where the number is odd: 12 dB
            assert audio[2].mean().item() == pytest.approx(12.04 * (1 if number % 2 else -1), abs=0.1)

    def test_pictures_at_their_moments(self, fair_play):
        clips = open_known(fair_play, shown=1.0)
        for moment, second in ((0.0, 0), (1.0, 3)):
            batch = clips.batch(np.array([0]), one_view(1), moments=torch.tensor([[moment]], dtype=torch.float64))
            assert batch.video.shape == (1, 1, 3, 3, 16, 16)
            torch.testing.assert_close(
                batch.video, torch.full_like(batch.video, (20 + 40 * second) / 255), rtol=0, atol=0.03
            )

    def test_a_random_part_that_the_viewpoints_draw(self, fair_play):
        clips = open_known(fair_play, shown=0.5)
        now = torch.zeros(1, 1, dtype=torch.float64)
        edges = [
            (clips.batch(np.array([1]), one_view(1, seed), moments=now).video[0, 0, 0, 0] > 0.5).sum(1)
            for seed in range(12)
        ]
        # white and grey meet in the middle of the picture, which half of it shows at any place from 0 to all
        assert all((edge == edge[0]).all() for edge in edges)
        shares = torch.stack([edge[0] for edge in edges])
        assert len(set(shares.tolist())) > 4
        again = clips.batch(np.array([1]), one_view(1, 3), moments=now).video[0, 0, 0, 0] > 0.5
        assert torch.equal(again.sum(1), edges[3])

    def test_another_clip_is_heard(self, fair_play):
        clips = open_known(fair_play)
        batch = clips.batch(np.array([0, 1]), one_view(2), sound_indices=np.array([1, 1]))
        assert ((batch.audio[:, 0, 0] - batch.audio[:, 0, 1]).mean((-2, -1)) > 10).all()
        assert batch.index.tolist() == [0, 1]

    def test_broken_files_are_replaced(self, fair_play, tmp_path):
        clips = open_known(fair_play)
        recordings = list(stereo_recordings(fair_play, "train", allow_missing=True))
        broken, mono = tmp_path / "broken.wav", tmp_path / "mono.wav"
        broken.write_bytes(b"nothing")
        soundfile.write(mono, np.zeros(RATE * SECONDS), RATE)
        recordings[2] = replace(recordings[2], name="broken", sound_path=broken)
        recordings[3] = replace(recordings[3], name="mono", sound_path=mono)
        clips = StereoClips(recordings, SOUND, **SHORT)
        with pytest.warns(UserWarning, match=r"skipping clip (broken|mono)"):
            batch = clips.batch(np.array([2, 3]), one_view(2), spare=np.array([[5], [6]]))
        assert batch.index.tolist() == [5, 6]
        assert set(clips.skipped) == {"broken", "mono"}
        some = clips.subset(np.array([0, 1]))
        assert (type(some), some.shown, some.skipped, len(some)) == (StereoClips, clips.shown, {}, 2)
        with pytest.raises(FileError), pytest.warns(UserWarning, match="mono"):
            clips.subset(np.array([3])).batch(np.array([0]), one_view(1))

    def test_a_task_reads_what_training_reads(self, fair_play):
        """Both look at the middle of clips; the features of the one are those of the other's two channels."""
        trained = open_known(fair_play, shown=1.0)
        task, _ = filmed_split(fair_play, PictureConfig(16, 3, 6.0, 0.5, RATE))
        rows = np.array([1, 4])
        batch = trained.batch(rows, one_view(2), moments=torch.full((2, 1), 0.5, dtype=torch.float64))
        video, sound = task.read(rows)
        assert torch.equal(video, batch.video[:, 0])
        # louder at the left where the number is odd: 12 dB
        ratio = 10 * (sound[:, 0].square().sum(-1) / sound[:, 1].square().sum(-1)).log10()
        torch.testing.assert_close(ratio, torch.tensor([12.04, -12.04]), rtol=0, atol=0.05)
        torch.testing.assert_close(
            SOUND.view(SOUND.prepare(stereo_as_scene(sound))[:, None], *torch.zeros(2, 2, 1)), batch.audio
        )

    def test_what_cannot_be(self, fair_play):
        clips = open_known(fair_play)
        with pytest.raises(AmbikitError, match="cannot be turned"):
            clips.batch(np.array([0]), one_view(1), yaw=np.zeros(1))
        with pytest.raises(AmbikitError, match="2 views of ordinary pictures"):
            clips.batch(np.array([0]), RandomViewpoints(views=2).draw(np.random.default_rng(0), 1))
        with pytest.raises(AmbikitError, match="'binaural' for recordings of two channels"):
            open_known(fair_play, sound=replace(SOUND, format="binaural"))
        with pytest.raises(AmbikitError, match="shown=0"):
            open_known(fair_play, shown=0)


@pytest.mark.parametrize("pretext", ["flip", "mismatch", "shift"])
def test_training(pretext, fair_play, tmp_path):
    config = TrainingConfig(
        phases=(Phase(pretext, steps=2, clips=4, views=1),),
        sound=SOUND,
        model=CorrespondenceConfig(grid=2, width=8),
        clip=ClipConfig(size=16, frames=3, frame_rate=6.0, duration=0.5),
        viewpoints=RandomViewpoints(),
        optimizer="sgd",
        horizontal_flip="joint",
    )
    train(config, open_known(fair_play), tmp_path)
    assert np.isfinite(read_metrics(tmp_path / "metrics.jsonl")[-1]["loss"])


@pytest.mark.parametrize("name", ["fair_play", "asmr"])
def test_commands(name, request, tmp_path):
    root, out = request.getfixturevalue(name), str(tmp_path / "run")
    tiny = ("phases.0.steps=2", "phases.0.clips=2", "model.width=8", "model.video=small", "model.audio=small")
    tiny = (*tiny, "model.grid=2", "sound.bands=8", "sound.sample_rate=8000", "clip.size=16")
    sets = [word for value in tiny for word in ("--set", value)]
    main(["train", str(root), "--recipe", "yang2020", *sets, "--output", out, "--accelerator", "cpu"])
    found = str(tmp_path / "found")
    main(["evaluate", "pretext", out, "--data", str(root), "--lists", "train", "--output", found, "--device", "cpu"])
    figures = json.loads((tmp_path / "found" / "figures.json").read_text())["figures"]
    alike = [f for f in figures if f["name"] == "flip, both channels alike" and f["way"] == "as trained"]
    assert [f["values"] for f in alike] == [[0.5]]
