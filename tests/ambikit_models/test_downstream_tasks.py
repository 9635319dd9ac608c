"""Downstream tasks on miniatures of their data sets, in which classes are colours and tones, and events have places."""

import itertools
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

import ambikit
from ambikit.errors import AmbikitError
from ambikit_models.cli import main
from ambikit_models.datasets.eigenscape import SCENES as PLACES
from ambikit_models.datasets.tau_scenes import SCENES as URBAN
from ambikit_models.downstream.directions.azimuths import EventDirections, estimated_direction
from ambikit_models.downstream.directions.sound_events import RecordedEvents
from ambikit_models.downstream.probing.embedders import Embedder, openl3_embedder
from ambikit_models.downstream.probing.engine import evaluate
from ambikit_models.downstream.probing.examples import Examples
from ambikit_models.downstream.probing.fine_tuning import TuningConfig
from ambikit_models.downstream.probing.heads import PROBE, HeadConfig
from ambikit_models.downstream.probing.pictures import square_crops
from ambikit_models.downstream.probing.subjects import Subject
from ambikit_models.downstream.probing.windows import window_starts
from ambikit_models.downstream.recognition.acoustic_scenes import AcousticScenes
from ambikit_models.downstream.recognition.actions import Actions
from ambikit_models.downstream.recognition.audio_visual_scenes import UrbanPlaces
from ambikit_models.sound.stereo_scene import stereo_as_scene
from tests.ambikit_models.clips import write_video
from tests.ambikit_models.examined import small_checkpoint, small_system

RATE = 8000
FEW = {"tuned": TuningConfig(epochs=4, batch=8, learning_rate=3e-3)}


def tone(number, seconds, rate=RATE):
    """A tone whose pitch tells a class, with a little noise."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(number).normal(size=time.size)
    return 0.2 * np.sin(2 * np.pi * 250 * 1.3**number * time) + 0.01 * noise


def film(path, colour, frames=20):
    """A second of one colour at 20 frames per second, brighter from frame to frame."""
    ramp = np.linspace(0.6, 1.0, frames)
    pictures = [np.full((32, 48, 3), np.asarray(colour) * r, np.uint8) for r in ramp]
    return write_video(path, pictures, 20, codec="mpeg4", options={"qscale": "2"})


def only(figures, **wanted):
    (found,) = [f for f in figures if all(getattr(f, key) == value for key, value in wanted.items())]
    return found


@pytest.fixture(scope="module")
def system():
    return small_system(sample_rate=RATE)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    return [film(folder / f"{n}.avi", c) for n, c in enumerate([(230, 60, 60), (60, 60, 230), (60, 230, 60)])]


def write_ucf(root, films):
    lists = root / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    classes = ("YoYo", "Archery", "Biking")
    (lists / "classInd.txt").write_text("".join(f"{n} {c}\n" for n, c in enumerate(classes, 1)))
    lines = {"train": [], "test": []}
    for number, action in enumerate(classes):
        (root / "UCF-101" / action).mkdir(parents=True)
        for group in range(1, 5):
            for clip in (1, 2):
                name = f"{action}/v_{action}_g{group:02}_c{clip:02}.avi"
                (root / "UCF-101" / name).symlink_to(films[number])
                lines["test" if group == 4 else "train"].append(name)
    (lists / "trainlist01.txt").write_text(
        "".join(f"{n} {classes.index(n.split('/')[0]) + 1}\n" for n in lines["train"])
    )
    (lists / "testlist01.txt").write_text("\n".join(lines["test"]) + "\n")
    return root


def write_hmdb(root, films):
    lists = root / "testTrainMulti_7030_splits"
    lists.mkdir(parents=True)
    for film_, action in zip(films, ("brush_hair", "cartwheel"), strict=False):
        (root / action).mkdir()
        flags = [1, 1, 1, 2, 2]
        for number in range(len(flags)):
            (root / action / f"{action}_{number}.avi").symlink_to(film_)
        text = "".join(f"{action}_{n}.avi {flag} \n" for n, flag in enumerate(flags))
        (lists / f"{action}_test_split1.txt").write_text(text)
    return root


class TestActions:
    def test_ucf101_frozen_and_tuned(self, system, films, tmp_path):
        task = Actions(write_ucf(tmp_path / "ucf", films), clips=3)
        figures = evaluate(task, system, {"frozen": PROBE, **FEW}, seeds=(0, 1))
        assert task.outputs == 3
        assert {(f.way, f.name) for f in figures} == {
            (w, n) for w in ("frozen", "tuned") for n in ("Clip@1", "Video@1")
        }
        assert only(figures, way="frozen", name="Video@1").values == (1.0, 1.0)  # colours are easy
        assert min(only(figures, way="tuned", name="Video@1").values) > 0.6

    def test_hmdb51(self, system, films, tmp_path):
        figures = evaluate(Actions(write_hmdb(tmp_path / "hmdb", films), clips=1), system, {"frozen": PROBE})
        clip, video = (only(figures, name=name) for name in ("Clip@1", "Video@1"))
        assert clip.values == video.values == (1.0,)
        assert len(clip.per_unit) == 4  # videos, as no group is known

    def test_groups_of_videos_are_units(self, system, films, tmp_path):
        (split,) = Actions(write_ucf(tmp_path / "ucf", films), clips=5).splits(system)
        assert isinstance(split.train, Examples)
        assert len(split.test) == 6
        assert len(set(split.test.groups)) == 3
        assert split.test.inputs(np.array([0, 3])).video.shape == (2, 5, 3, 2, 16, 16)
        assert split.train.targets.shape == (18, 1)

    def test_clips_of_the_test_stay_and_those_of_training_move(self, system, films, tmp_path):
        (split,) = Actions(write_ucf(tmp_path / "ucf", films), clips=3).splits(system)
        rows = np.array([0])
        one, other = (split.test.inputs(rows).video for _ in range(2))
        assert torch.equal(one, other)
        level = one[0].mean((1, 2, 3, 4))
        assert (level.diff() > 0.01).all()  # the film grows brighter, the clips follow one another
        rng = np.random.default_rng(0)
        levels = [split.train.inputs(rows, rng).video.mean().item() for _ in range(6)]
        assert np.std(levels) > 0.01

    def test_the_one_clip_lies_in_the_middle(self, system, films, tmp_path):
        with pytest.raises(AmbikitError, match="odd number"):
            Actions(write_ucf(tmp_path / "ucf", films), clips=4).splits(system)
        task = Actions(tmp_path / "ucf", clips=3)
        (split,) = task.splits(system)
        answers = torch.zeros(6, 3, 3)
        answers[:, 1] = torch.nn.functional.one_hot(split.test.targets[:, 1], 3)  # right in the middle alone
        answers[:, [0, 2], (split.test.targets[0, 0] + 1) % 3] = 0.9
        found = task.score(answers, split.test).figures(np.arange(3))
        assert found["Clip@1"] == 1.0
        assert found["Video@1"] < 1.0

    def test_kinetics_is_asked_for_by_name(self, system, monkeypatch):
        asked = []

        class Encoder(torch.nn.Module):
            width = 512

            def __init__(self, weights):
                super().__init__()
                asked.append(weights)

            def forward(self, video):
                return video.mean((-3, -2, -1)).repeat(1, 4)

        monkeypatch.setattr("ambikit_models.encoders.video.R2Plus1DVideoEncoder", Encoder)
        supervised = system.kinetics()
        assert asked == ["KINETICS400_V1"]
        assert supervised.model.embed_video(torch.zeros(2, 1, 3, 2, 8, 8)).shape == (2, 1, 12)
        assert system.model.embed_video(torch.zeros(2, 1, 3, 2, 16, 16)).shape == (2, 1, 48)


class TestPictures:
    def test_the_square_in_the_middle(self):
        frames = np.zeros((1, 16, 32, 3), np.uint8)
        frames[:, 1:15, 9:23] = 200  # 14 = 7/8 of 16 pixels, centred
        np.testing.assert_allclose(square_crops(frames, 7).numpy(), 200 / 255, atol=1e-6)
        frames[:, 1:15, 9:16] = 100
        left, right = square_crops(frames, 8)[0, 0, 4, [0, -1]]
        assert (left, right) == (pytest.approx(100 / 255), pytest.approx(200 / 255))

    def test_with_a_generator_half_are_mirrored(self):
        frames = np.zeros((2, 16, 16, 3), np.uint8)
        frames[:, :, 8:] = 255
        rng = np.random.default_rng(0)
        mirrored = [bool(square_crops(frames, 4, rng)[0, 0, 0, 0] > 0.5) for _ in range(100)]
        assert 35 < sum(mirrored) < 65


@pytest.fixture(scope="module")
def eigenscape(tmp_path_factory):
    """All 64 recordings, each of two seconds; the pitch tells the place."""
    root = tmp_path_factory.mktemp("eigenscape")
    for number, place in enumerate(PLACES):
        for recording in range(1, 9):
            sound = ambikit.encode(tone(number, 2.0), 40 * recording, 10, 4, degrees=True)
            ambikit.write(root / f"{place}.{recording}.wav", sound.astype(np.float32), RATE)
    return root


class TestAcousticScenes:
    def test_all_folds(self, system, eigenscape):
        task = AcousticScenes(eigenscape, windows=1, segment_seconds=2.0)
        splits = task.splits(system)
        assert [len(split.test) for split in splits] == [16] * 4
        for split in splits:
            assert not set(split.train.groups) & set(split.test.groups)
        (figure,) = evaluate(task, system, {"frozen": PROBE})
        assert figure.values[0] > 0.95
        assert len(figure.per_unit) == 64

    def test_one_fold_and_the_windows(self, system, eigenscape):
        task = AcousticScenes(eigenscape, folds=(2,), windows=3, segment_seconds=2.0)
        (split,) = task.splits(system)
        assert {group.split(".")[1] for group in split.test.groups} == {"3", "4"}
        assert split.test.inputs(np.array([0])).audio.shape == (1, 3, 7, 16, 25)

    def test_windows_lie_where_they_should(self):
        np.testing.assert_allclose(window_starts((10, 40), 1.0, 4), [10, 10 + 29 / 3, 10 + 58 / 3, 39])
        drawn = window_starts((10, 40), 1.0, 500, np.random.default_rng(0))
        assert 10 <= drawn.min() < 10.5
        assert 38.5 < drawn.max() <= 39
        assert window_starts((3.0, 3.5), 1.0, 2).tolist() == [3.0, 3.0]


@pytest.fixture(scope="module")
def urban(tmp_path_factory):
    """Ten places told apart by pitch and colour; three locations for training, one for the test."""
    root = tmp_path_factory.mktemp("urban")
    for folder in ("audio", "video", "evaluation_setup"):
        (root / folder).mkdir()
    lines = {"train": [], "evaluate": []}
    for number, scene in enumerate(URBAN):
        left = tone(number, 1.0)
        soundfile.write(root / f"{scene}.wav", np.stack([left, 0.5 * left], -1), RATE)
        colour = (40 + 200 * (number % 2), 40 + 100 * (number // 2 % 3), 40 + 200 * (number // 6))
        film(root / f"{scene}.avi", colour)
        for location in range(4):
            name = f"{scene}-lyon-{location}-0"
            (root / "audio" / f"{name}.wav").symlink_to(root / f"{scene}.wav")
            (root / "video" / f"{name}.mp4").symlink_to(root / f"{scene}.avi")
            part = "evaluate" if location == 3 else "train"
            lines[part].append(f"audio/{name}.wav\tvideo/{name}.mp4\t{scene}")
    for part, rows in lines.items():
        header = "filename_audio\tfilename_video\tscene_label"
        (root / "evaluation_setup" / f"fold1_{part}.csv").write_text("\n".join([header, *rows]) + "\n")
    return root


class TestUrbanPlaces:
    def test_sound_pictures_and_both(self, urban):
        system = small_system("stereo", sample_rate=RATE)
        figures = evaluate(UrbanPlaces(urban, windows=1), system, {"frozen": PROBE})
        assert [f.senses for f in figures] == ["audio", "video", "both"]
        assert min(f.values[0] for f in figures) > 0.85

    def test_a_model_of_stereo_hears_the_two_channels(self, urban):
        """The features are log-mel levels of left and right: the right is half as loud, 6 dB less."""
        system = small_system("stereo", sample_rate=RATE)
        (split,) = UrbanPlaces(urban, windows=1).splits(system)
        audio = split.test.inputs(np.array([0])).audio[0, 0]
        loud = audio[0] > audio[0].max() - 10
        np.testing.assert_allclose((audio[0] - audio[1])[loud], 20 * np.log10(2), atol=0.5)

    @pytest.mark.parametrize("pattern", ["hypercardioid", "cardioid"])
    def test_the_scene_of_two_channels(self, pattern):
        stereo = torch.randn(3, 2, 40, generator=torch.Generator().manual_seed(0))
        scene = stereo_as_scene(stereo, pattern)
        torch.testing.assert_close(ambikit.decode_stereo(scene, pattern=pattern), stereo)
        # what plays left alone comes from the left
        left = stereo_as_scene(torch.tensor([[1.0], [0.0]]), pattern)
        assert left[0] * left[1] > 0

    def test_an_embedding_from_elsewhere(self, urban):
        def levels(sound, rate):
            assert sound.shape == (2, 24000)
            assert rate == 48000
            return np.log(np.abs(np.fft.rfft(sound))[:, :3000].reshape(2, 60, 50).mean(-1) + 1e-9).ravel()

        simple = Embedder("levels and colours", levels, lambda picture: picture.mean((0, 1)), duration=0.5, size=16)
        assert isinstance(simple, Subject)
        figures = evaluate(UrbanPlaces(urban, windows=1), simple, {"frozen": PROBE})
        assert {f.subject for f in figures} == {"levels and colours"}
        assert only(figures, senses="both").values[0] > 0.85
        with pytest.raises(AmbikitError, match="from elsewhere to be tuned"):
            evaluate(UrbanPlaces(urban, windows=1), simple, FEW)

    def test_openl3_is_asked_as_its_interface_wants(self, monkeypatch):
        calls = []

        def get_audio_embedding(sound, rate, **how):
            calls.append((sound.shape, rate, how))
            return np.ones((1, 512)), np.zeros(1)

        def get_image_embedding(picture, **how):
            calls.append((picture.shape, picture.dtype, how))
            return np.ones((1, how["embedding_size"]))

        fake = SimpleNamespace(get_audio_embedding=get_audio_embedding, get_image_embedding=get_image_embedding)
        monkeypatch.setitem(sys.modules, "openl3", fake)
        embedder = openl3_embedder()
        assert embedder.hear(torch.zeros(2, 2, 48000)).shape == (2, 512)
        assert embedder.hear(torch.zeros(1, 4, 48000)).shape == (1, 512)
        assert embedder.see(torch.rand(2, 3, 1, 224, 224)).shape == (2, 512)
        assert [call[0] for call in calls] == [(48000, 2)] * 2 + [(48000, 1)] + [(1, 224, 224, 3)] * 2
        assert calls[-1][1] == np.uint8
        assert calls[0][2]["content_type"] == "env"
        monkeypatch.setitem(sys.modules, "openl3", None)
        with pytest.raises(AmbikitError, match="no package openl3"):
            openl3_embedder()


@pytest.fixture(scope="module")
def sse2019(tmp_path_factory):
    """Four splits of four recordings, each with three noises one after the other; azimuths on the grid of 10°."""
    root = tmp_path_factory.mktemp("sse2019")
    for folder in ("foa_dev", "metadata_dev"):
        (root / folder).mkdir()
    rng = np.random.default_rng(0)
    for split in range(1, 5):
        for number in range(4):
            name = f"split{split}_ir0_ov1_{number}"
            lines, signal = ["sound_event_recording,start_time,end_time,ele,azi,dist"], np.zeros((4, 3 * RATE))
            for event in range(3):
                azimuth = int(rng.integers(-18, 18)) * 10
                noise = 0.1 * rng.normal(size=round(0.7 * RATE))
                begin = round((event + 0.1) * RATE)
                signal[:, begin : begin + noise.size] += ambikit.encode(noise, azimuth, 10, degrees=True)
                lines.append(f"speech,{event + 0.1},{event + 0.8},10,{azimuth},1")
            ambikit.write(root / "foa_dev" / f"{name}.wav", signal.astype(np.float32), RATE)
            (root / "metadata_dev" / f"{name}.csv").write_text("\n".join(lines) + "\n")
    # two at once: left out
    ambikit.write(root / "foa_dev" / "split1_ir0_ov2_9.wav", signal.astype(np.float32), RATE)
    (root / "metadata_dev" / "split1_ir0_ov2_9.csv").write_text("\n".join(lines) + "\n")
    return root


def mean_direction(signal, rate):
    return torch.tensor([np.mean(signal[0] * signal[3]), np.mean(signal[0] * signal[1])]).float()


class TestEventDirections:
    def test_four_folds_beside_what_learns_nothing(self, system, sse2019, monkeypatch):
        # the mean intensity, which is as right here and takes no time
        monkeypatch.setattr("ambikit_models.downstream.directions.azimuths.estimated_direction", mean_direction)
        task = EventDirections(sse2019)
        splits = task.splits(system)
        assert [len(split.test) for split in splits] == [12] * 4
        for split in splits:
            assert not set(split.train.groups) & set(split.test.groups)
        figures = evaluate(task, system, {"frozen": PROBE})
        error = {(f.subject, f.senses): f.values[0] for f in figures}
        assert error["ambikit.direction_of_arrival", "audio"] < 3
        assert 60 < error["random embedding", "audio"] < 120
        assert error["small", "audio, four ways"] < 0.8 * error["random embedding", "audio"]
        assert {f.unit for f in figures} == {"°"}

    def test_the_estimate_without_learning(self, system, sse2019):
        (split,) = EventDirections(sse2019, folds=(1,)).splits(system)
        for row in split.test.rows[:3]:
            signal, rate = split.test.whole.signal(int(row))
            torch.testing.assert_close(
                estimated_direction(signal, rate), split.test.whole.targets[row, 0], atol=0.05, rtol=0
            )
        assert not estimated_direction(np.zeros((4, 4000)), RATE).any()

    def test_a_window_around_the_middle_of_an_event(self, system, sse2019):
        (split,) = EventDirections(sse2019, folds=(1,)).splits(system)
        recording, start, azimuth = split.test.whole.events[split.test.rows[1]]
        # the second event of 1.1 to 1.8 s touches label frames 11 to 17; its window of half a second is centred
        assert start == pytest.approx(1.2)
        signal, rate = split.test.whole.signal(int(split.test.rows[1]))
        assert (signal.shape, rate) == ((4, 4000), RATE)
        heard = np.arctan2(np.mean(signal[0] * signal[1]), np.mean(signal[0] * signal[3]))
        assert np.angle(np.exp(1j * (heard - azimuth))) == pytest.approx(0, abs=0.02)
        assert recording.overlap == 1

    def test_heard_to_the_left_the_source_is_at_the_right(self, system, sse2019):
        """Features of the four ways: the mean intensity, x and y, turns against the way that is listened to."""
        (split,) = EventDirections(sse2019, folds=(1,)).splits(system)
        audio = split.test.inputs(np.array([0])).audio[0]
        azimuth = split.test.whole.events[split.test.rows[0]][2]
        for way, heard in zip((0, 90, 180, -90), audio, strict=True):
            x, y = heard[4].mean().item(), heard[5].mean().item()
            turned = np.angle(np.exp(1j * (azimuth - np.radians(way))))
            assert np.angle(np.exp(1j * (np.arctan2(y, x) - turned))) == pytest.approx(0, abs=0.05)

    def test_errors_by_hand(self, system, sse2019):
        task = EventDirections(sse2019, folds=(1,))
        (split,) = task.splits(system)
        truth = split.test.targets[:, 0]
        turned = torch.stack([-truth[:, 1], truth[:, 0]], -1)[:, None]  # 90° to the left, of any length
        found = task.score(0.1 * turned, split.test).figures(np.arange(4))
        assert found["azimuth error"] == pytest.approx(90)


@pytest.fixture(scope="module")
def starss23(tmp_path_factory):
    """Recordings of 6.2 s: a high tone on the left, then a low one behind, for a moment both."""
    root = tmp_path_factory.mktemp("starss23")
    for folder, name in (
        ("dev-train-sony", "fold3_room21_mix001"),
        ("dev-train-tau", "fold3_room4_mix003"),
        ("dev-test-sony", "fold4_room23_mix001"),
        ("dev-test-tau", "fold4_room2_mix001"),
    ):
        signal = np.zeros((4, round(6.2 * RATE)))
        rows = []
        for kind, azimuth, first, last in ((8, 90, 5, 32), (1, 180, 28, 60)):
            part = slice(first * RATE // 10, last * RATE // 10)
            signal[:, part] += ambikit.encode(tone(kind, 7.0)[part], azimuth, 0, degrees=True)
            rows += [(frame, kind, 0, azimuth, 0, 200) for frame in range(first, last)]
        for parent in ("foa_dev", "metadata_dev"):
            (root / parent / folder).mkdir(parents=True, exist_ok=True)
        ambikit.write(root / "foa_dev" / folder / f"{name}.wav", signal.astype(np.float32), RATE)
        text = "".join(",".join(map(str, row)) + "\n" for row in sorted(rows))
        (root / "metadata_dev" / folder / f"{name}.csv").write_text(text)
    return root


class TestRecordedEvents:
    def test_who_answers_the_targets_is_perfect(self, system, starss23):
        task = RecordedEvents(starss23)
        (split,) = task.splits(system)
        assert split.test.targets.shape == (6, 5, 5, 3 * 13 * 3)  # 62 label frames in stretches of 25
        scores = task.score(split.test.targets, split.test)
        found = scores.figures(np.arange(len(scores)))
        assert found == {"ER 20°": 0.0, "F 20°": 1.0, "LE": pytest.approx(0, abs=1e-4), "LR": 1.0}
        silent = task.score(0 * split.test.targets, split.test).figures(np.arange(2))
        assert silent == {"ER 20°": 1.0, "F 20°": 0.0, "LE": 180.0, "LR": 0.0}

    def test_a_hidden_layer_finds_what_sounds(self, system, starss23):
        config = HeadConfig(hidden=64, dropout=0.0, epochs=60, batch=64, learning_rate=2e-2)
        figures = evaluate(RecordedEvents(starss23), system, {"frozen": config})
        assert only(figures, name="F 20°").values[0] > 0.7
        assert only(figures, name="LE").values[0] < 20
        assert all(f.per_unit is None for f in figures)

    def test_windows_are_whole_label_frames(self, starss23):
        odd = small_system(sample_rate=RATE, duration=0.25)
        with pytest.raises(AmbikitError, match=r"hears 0\.25 s at once"):
            RecordedEvents(starss23).splits(odd)


class TestCommand:
    """Every command on the miniature of its data set, with a system that hears another rate."""

    def run(self, task, data, tmp_path, *more):
        out = tmp_path / "out"
        how = ["--data", str(data), "--output", str(out), "--device", "cpu", *more]
        main(["evaluate", task, str(small_checkpoint(tmp_path)), *how])
        return json.loads((out / "figures.json").read_text())["figures"]

    @pytest.mark.parametrize(("write", "units"), [(write_ucf, 3), (write_hmdb, 4)])
    def test_actions(self, write, units, films, tmp_path):
        tuned = self.run("actions", write(tmp_path / "data", films), tmp_path, "--tuned", "--epochs", "1")
        assert [(f["way"], f["name"]) for f in tuned] == [
            (w, n) for w in ("frozen", "tuned") for n in ("Clip@1", "Video@1")
        ]
        assert {len(f["per_unit"]) for f in tuned} == {units}

    def test_acoustic_scenes(self, eigenscape, tmp_path):
        with pytest.raises(SystemExit, match=r"expected at least one segment of 30\.0 s"):
            self.run("acoustic-scenes", eigenscape, tmp_path)

    def test_acoustic_scenes_in_segments_of_30_seconds(self, tmp_path):
        """All 64 recordings, of 30 s but for one of 61 s; noise from a direction of its own tells the place."""
        root, rate = tmp_path / "EigenScape", 500
        root.mkdir()
        noise = np.random.default_rng(0).standard_normal((64, 61 * rate)).astype(np.float32)
        for place, recording in itertools.product(PLACES, range(1, 9)):
            number = 8 * PLACES.index(place) + recording - 1
            heard = 0.1 * noise[number, : (61 if number == 10 else 30) * rate]
            field = ambikit.encode(heard, 45 * PLACES.index(place), 3 * recording, 4, degrees=True)
            ambikit.write(root / f"{place}.{recording}.wav", field, rate, subtype="PCM_16")
        (figure,) = self.run("acoustic-scenes", root, tmp_path)
        assert (figure["name"], figure["way"]) == ("accuracy", "frozen")
        assert len(figure["per_unit"]) == 64
        assert figure["values"][0] > 0.5  # chance: 0.125

    def test_audio_visual_scenes(self, urban, tmp_path):
        figures = self.run("audio-visual-scenes", urban, tmp_path, "--untrained")
        assert len(figures) == 6
        assert {len(f["per_unit"]) for f in figures} == {10}

    def test_directions(self, sse2019, tmp_path, monkeypatch):
        monkeypatch.setattr("ambikit_models.downstream.directions.azimuths.estimated_direction", mean_direction)
        figures = self.run("directions", sse2019, tmp_path, "--folds", "2", "3", "--untrained")
        assert {len(f["per_unit"]) for f in figures} == {8}
        assert [f["subject"] for f in figures].count("ambikit.direction_of_arrival") == 1

    def test_sound_events(self, starss23, tmp_path):
        figures = self.run("sound-events", starss23, tmp_path)
        assert [f["unit"] for f in figures] == ["1", "%", "°", "%"]
