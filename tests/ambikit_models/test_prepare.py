import json
import math
import os
import random
import shutil
import signal as signals
import subprocess
import sys
import time
import warnings
from pathlib import Path

import av
import numpy as np
import pytest
import torch

import ambikit
from ambikit.errors import AmbikitError, FileError
from ambikit_models.cli import main
from ambikit_models.datasets.prepared import PreparedClips
from ambikit_models.media import each_frame, read_frames, read_sound
from ambikit_models.panorama.detection import boxes_to_detections
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.preparation.clip_files import Storing
from ambikit_models.preparation.judgement import Reading
from ambikit_models.preparation.prepare import MANIFEST, prepare
from ambikit_models.preparation.recording import PrepareConfig
from ambikit_models.preparation.records import checksum, read_records
from ambikit_models.preparation.segments import Cutting, cut
from ambikit_models.sound import SoundFeatures
from ambikit_models.study.videos import open_videos, small_recipe
from tests.ambikit_models.clips import numbered_frame, numbers_of, write_video
from tests.ambikit_models.kill_prepare import SMALL

RATE = 16000
KILLER = Path(__file__).with_name("kill_prepare.py")
ROOT = Path(__file__).resolve().parents[2]


def noise(seconds, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def disc(azimuth, elevation=0.0, width=128, height=64):
    """Black but for a white disc in a direction, degrees."""
    columns = np.radians(180 - 360 * (np.arange(width) + 0.5) / width)
    rows = np.radians(90 - 180 * (np.arange(height)[:, None] + 0.5) / height)
    a, e = math.radians(azimuth), math.radians(elevation)
    cosine = np.sin(rows) * math.sin(e) + np.cos(rows) * math.cos(e) * np.cos(columns - a)
    return np.repeat(np.where(cosine > math.cos(math.radians(15)), 235, 16)[..., None], 3, -1).astype(np.uint8)


def write_recording(folder, name, seconds=3.0, azimuth=90.0, turning=10.0, fps=20, seed=0, signal=None):
    """A disc that sounds and moves to the left, beside each other in video and WAV."""
    frames = [disc(azimuth + turning * n / fps) for n in range(round(seconds * fps))]
    write_video(folder / f"{name}.mp4", frames, fps, options={"crf": "12", "preset": "ultrafast"})
    if signal is None:
        time_axis = np.arange(round(seconds * RATE)) / RATE
        signal = ambikit.encode(noise(seconds, seed), azimuth + turning * time_axis, 0.0, degrees=True, trajectory=True)
    ambikit.write(folder / f"{name}.wav", signal, RATE)


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """Recordings of a few seconds: good ones, one twice, and one of each kind that cannot be used."""
    folder = tmp_path_factory.mktemp("collection")
    (folder / "day").mkdir()
    write_recording(folder, "left", azimuth=90.0)
    write_recording(folder / "day", "right", azimuth=-90.0, seed=1)
    write_recording(folder, "still", turning=0.0, seed=2)
    write_recording(folder, "mute", seed=3, signal=np.zeros((4, 3 * RATE)))
    for ending in ("mp4", "wav"):
        shutil.copy(folder / f"left.{ending}", folder / f"left twin.{ending}")
    write_recording(folder, "broken", seed=4)
    whole = (folder / "broken.mp4").read_bytes()
    (folder / "broken.mp4").write_bytes(whole[: len(whole) // 2])
    write_recording(folder, "stereo", seed=5, signal=np.stack([noise(3, 6), noise(3, 7)]))
    ambikit.write(folder / "alone.wav", np.zeros((4, 100)), RATE)
    return folder


@pytest.fixture(scope="module")
def prepared(collection, tmp_path_factory):
    output = tmp_path_factory.mktemp("prepared")
    return output, prepare(collection, output, SMALL, workers=1)


def contents(folder):
    """Every file of a folder but the lock, with its content."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.name not in (".lock", ".work")
    }


def files_in(folder):
    """Names of all files that are there or being written, those of locks left out."""
    return {path for part in ("video", "audio", "sources") for path in (folder / part).glob("*")}


class TestClips:
    def test_what_came_out(self, prepared):
        clips, aside = prepared[1].clips, {record["name"]: record["reason"] for record in prepared[1].set_aside}
        assert [c["name"] for c in clips] == [
            f"{video}-{1000 * s:08d}" for video in ("day__right", "left") for s in range(3)
        ]
        assert set(aside) == {"alone", "broken", "mute", "stereo", "still", *(n for n in aside if "twin" in n)}
        assert len(aside) == 6
        assert "no pictures" in aside["alone"]
        assert "silent" in aside["mute"]
        assert "still" in aside["still"]
        assert "2 channels" in aside["stereo"]
        assert "the same as those of left" in next(why for name, why in aside.items() if "twin" in name)

    def test_files_are_what_the_manifest_says(self, collection, prepared):
        output, found = prepared
        assert read_records(output / MANIFEST) == found.clips
        for clip in found.clips:
            for part in ("pictures", "sound"):
                assert checksum(output / clip[part]) == clip["checksums"][part]
                assert checksum(collection / clip["source"][part]) == clip["source"]["checksums"][part]
            with av.open(str(output / clip["pictures"])) as video, av.open(str(output / clip["sound"])) as sound:
                stream = video.streams.video[0]
                assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 64, 32)
                assert stream.frames == clip["frames"] == 16
                keys = [n for n, packet in enumerate(p for p in video.demux(stream) if p.size) if packet.is_keyframe]
                assert keys == [0, 8]
                assert sound.streams.audio[0].codec_context.name == "flac"
                assert sound.streams.audio[0].channels == 4
        assert {path.name for path in (output / "video").iterdir()} == {f"{c['name']}.mp4" for c in found.clips}

    def test_pictures_and_sound_stay_together(self, collection, prepared):
        """In every clip, the disc is seen where it was at that time, and heard there."""
        output, found = prepared
        for clip in found.clips:
            start = 90.0 if clip["video"] == "left" else -90.0
            middle = start + 10.0 * (clip["start"] + 0.5)
            picture = read_frames(output / clip["pictures"], [0.5])[0].astype(float).mean(-1)
            row, column = (float((picture > 120).nonzero()[axis].mean()) for axis in (0, 1))
            azimuth, elevation = np.degrees(ambikit.pixels_to_angles(column, row, 64, 32))
            np.testing.assert_allclose([azimuth, elevation], [middle, 0.0], atol=3.0)
            signal, rate = ambikit.read(output / clip["sound"])
            assert (signal.shape, rate) == ((4, RATE), RATE)
            w, y, _, x = signal
            assert np.degrees(np.arctan2(w @ y, w @ x)) == pytest.approx(middle, abs=1.0)
            whole, _ = read_sound(collection / clip["source"]["sound"], clip["start"], 1.0)
            np.testing.assert_allclose(signal, whole, atol=2 / 2**15)

    def test_other_conventions_are_mapped(self, tmp_path):
        (tmp_path / "in").mkdir()
        signal = ambikit.encode(noise(1.5), 0.0, 60.0, degrees=True)
        write_recording(tmp_path / "in", "fuma", 1.5, signal=12 * ambikit.convert(signal, "ambix", "fuma"))
        cutting = Cutting(duration=1.5, shortest=1.0)
        config = PrepareConfig(Reading(source="fuma"), cutting, Storing(height=32, sample_rate=8000))
        (clip,) = prepare(tmp_path / "in", tmp_path / "out", config, workers=1).clips
        stored, rate = ambikit.read(tmp_path / "out" / clip["sound"])
        assert (rate, stored.shape) == (8000, (4, 12000))
        assert clip["mapping"]["source"] == "fuma"
        assert 0 < clip["mapping"]["gain"] < 1  # it was louder than FLAC can say
        assert np.abs(stored).max() < 1
        w, y, z, x = stored.astype(float)
        np.testing.assert_allclose([w @ x, w @ y, w @ z] / (w @ w), [0.5, 0.0, math.sqrt(0.75)], atol=0.005)

    def test_other_settings_need_another_folder(self, collection, prepared, no_shape_hook):
        with pytest.raises(AmbikitError, match="prepared with other settings"):
            prepare(collection, prepared[0], PrepareConfig(), workers=1)
        for wrong in ({"duration": 1.0}, {"audible": 2.0}):
            with pytest.raises(AmbikitError, match="expected"):
                Cutting(**wrong)
        for wrong in ({"height": 33}, {"bits": 12}):
            with pytest.raises(AmbikitError, match="expected"):
                Storing(**wrong)


class TestCutting:
    def test_silence_is_stepped_over_and_nothing_overlaps(self):
        rng = np.random.default_rng(0)
        moving = rng.integers(0, 255, (30 * 4, 32, 64, 3)).astype(np.uint8)
        silent = np.zeros(300, bool)
        silent[50:120] = True  # from 5 s to 12 s
        moving[80:100] = 7  # still from 20 s to 25 s
        left_out = {}
        cutting = Cutting(duration=4.0, shortest=2.0, audible=0.75, moving=0.75)
        segments = list(cut(moving, 4.0, silent, cutting, left_out))
        starts = [s.start for s in segments]
        assert starts == [0.0, 11.0, 15.0, 24.0, 28.0]
        for segment in segments:
            begin = round(4 * segment.start)
            assert np.array_equal(segment.pictures, moving[begin : begin + len(segment.pictures)])
        assert left_out == {"silent": 7.0, "still": 5.0}
        assert len(segments[-1].pictures) == 8  # the rest of two seconds

    def test_it_ends_with_the_sound(self):
        moving = np.random.default_rng(0).integers(0, 255, (40, 32, 64, 3)).astype(np.uint8)
        cutting = Cutting(duration=2.0, shortest=1.0)
        left_out = {}
        assert [s.start for s in cut(moving, 4.0, np.zeros(65, bool), cutting, left_out)] == [0.0, 2.0, 4.0]
        assert left_out == {"rest": 0.5}

    def test_noise_of_coding_does_not_move_and_a_small_object_does(self, tmp_path):
        rng = np.random.default_rng(0)
        picture = rng.integers(60, 200, (8, 16, 3)).repeat(16, 0).repeat(16, 1).astype(np.uint8)
        moved = []
        for n in range(32):
            moved.append(picture.copy())
            moved[-1][60:76, 8 * n : 8 * n + 16] = 255  # 1/128 of the picture, over its whole width
        cutting = Cutting(duration=2.0, shortest=1.0, audible=0.0)
        for name, frames, clips in (("still", [picture] * 32, 0), ("moved", moved, 1)):
            path = write_video(tmp_path / f"{name}.mp4", frames, 16, options={"crf": "32"})
            seen = each_frame(path, 16.0, height=128, width=256)
            assert len(list(cut(seen, 16.0, np.zeros(20, bool), cutting))) == clips


class TestEachFrame:
    @pytest.mark.parametrize("rate", [8.0, 25.0, 40.0])
    def test_it_is_read_frames_at_even_times(self, tmp_path, rate):
        path = write_video(tmp_path / "n.mp4", [numbered_frame(n) for n in range(50)], 25)
        every = np.stack(list(each_frame(path, rate, height=32, width=64)))
        times = np.arange(len(every)) / rate
        assert len(every) == 2 * rate
        assert numbers_of(every) == numbers_of(read_frames(path, times))

    def test_uneven_times_and_another_size(self, tmp_path):
        times = [0.0, 0.1, 0.5, 0.55, 1.3]
        path = write_video(tmp_path / "n.mp4", [numbered_frame(10 * n) for n in range(5)], times=times)
        every = np.stack(list(each_frame(path, 10.0, height=16, width=48)))
        assert every.shape[1:] == (16, 48, 3)
        expected = [10 * max(n for n in range(5) if times[n] <= k / 10) for k in range(13)]
        assert numbers_of(every)[:13] == expected

    def test_damage(self, tmp_path):
        path = write_video(tmp_path / "n.mp4", [numbered_frame(n) for n in range(50)], 25)
        (tmp_path / "cut.mp4").write_bytes(path.read_bytes()[:3000])
        with pytest.raises(FileError):
            list(each_frame(tmp_path / "cut.mp4", 10.0, height=16, width=32))


class TestInterruption:
    def test_a_second_run_does_nothing_new(self, collection, prepared):
        output, found = prepared
        before = contents(output)
        told = []
        again = prepare(collection, output, SMALL, workers=1, progress=lambda *words: told.append(words[3]))
        assert (again, contents(output), told) == (found, before, [])

    def test_lost_and_changed_files_are_made_again(self, collection, prepared, tmp_path):
        output = tmp_path / "out"
        shutil.copytree(prepared[0], output)
        (output / "video" / "left-00001000.mp4").unlink()
        (output / "audio" / ".left-00001000.flac.abcd.part").write_text("what an interrupted run left behind")
        (output / MANIFEST).unlink()
        told = []
        prepare(collection, output, SMALL, workers=1, progress=lambda *words: told.append(words[3]))
        assert told == ["left"]
        assert contents(output) == contents(prepared[0])

    def test_processes_make_the_same(self, collection, prepared, tmp_path):
        prepare(collection, tmp_path, SMALL, workers=2)
        assert contents(tmp_path) == contents(prepared[0])

    @pytest.mark.cluster
    @pytest.mark.parametrize(("executor", "package"), [("ray", "ray"), ("dask", "distributed")])
    def test_a_cluster_of_two_makes_the_same(self, executor, package, collection, prepared, tmp_path):
        pytest.importorskip(package)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            prepare(collection, tmp_path, SMALL, workers=2, executor=executor)
        assert contents(tmp_path) == contents(prepared[0])

    def test_two_runs_at_once(self, collection, tmp_path):
        import fcntl

        with (tmp_path / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with pytest.raises(FileError, match="another run"):
                prepare(collection, tmp_path, SMALL, workers=1)

    @staticmethod
    def kill_at_random(collection, expected, output, kills, workers, kill=os.killpg):
        """Start, kill when some files have appeared, start again; at last let it finish. Counts what was killed."""
        chance, counted, worked = random.Random(5), 0, 0
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, str(KILLER), str(collection), str(output), str(workers)]
        while counted < kills:
            process = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
            )
            assert process.stdout.readline() == "begun\n"
            seen, wanted = set(files_in(output)), chance.randrange(4)
            appeared = set()
            while len(appeared) < wanted and process.poll() is None:
                appeared |= files_in(output) - seen  # half-written ones too
            time.sleep(chance.uniform(0.0, 0.03))
            finished = process.poll() is not None
            if not finished:
                kill(process.pid, signals.SIGKILL)
                counted, worked = counted + 1, worked + bool(appeared)
            process.wait()
            process.stdout.close()
            for path in output.rglob("*"):  # what is there is whole
                if path.is_file() and not path.name.startswith("."):
                    assert path.read_bytes() == expected[path.relative_to(output).as_posix()], path
            if finished:
                shutil.rmtree(output)
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        assert worked >= kills // 2
        return counted

    @pytest.mark.parametrize(
        ("kills", "workers"),
        [(2, 1), pytest.param(10, 1, marks=pytest.mark.long), pytest.param(10, 2, marks=pytest.mark.long)],
    )
    def test_killed_and_started_again(self, collection, prepared, tmp_path, kills, workers):
        expected = contents(prepared[0])
        assert self.kill_at_random(collection, expected, tmp_path / "out", kills, workers) == kills
        assert contents(tmp_path / "out") == expected

    @pytest.mark.long
    def test_its_workers_may_outlive_it(self, collection, prepared, tmp_path):
        """Only the run itself is killed: its workers go on for a while, into the next run."""
        expected = contents(prepared[0])
        assert self.kill_at_random(collection, expected, tmp_path / "out", 10, 2, kill=os.kill) == 10
        assert contents(tmp_path / "out") == expected


class Bright:
    """A detector of bright things, that counts its pictures."""

    def __init__(self):
        self.seen = 0

    def detect(self, frames):
        self.seen += len(frames)
        found = []
        for frame in frames:
            rows, columns = (frame.mean(-1) > 120).nonzero()
            box = [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]
            found.append(boxes_to_detections(box, [0.5], ["disc"], frame.shape[1], frame.shape[0]))
        return found


SOUND = SoundFeatures("foa_intensity", sample_rate=16000, bands=16, window=0.064, hop=0.04)
SETTINGS = {"size": 16, "frames": 2, "sound_duration": 0.5}


class TestDataset:
    def test_boxes_are_found_once_and_used(self, collection, prepared, tmp_path):
        output, detector = tmp_path / "out", Bright()
        shutil.copytree(prepared[0], output)
        found = prepare(collection, output, SMALL, workers=1, detector=detector)
        assert detector.seen == len(found.clips) == 6
        assert prepare(collection, output, SMALL, workers=1, detector=detector) == found
        assert detector.seen == 6
        for clip in found.clips:
            assert checksum(output / clip["boxes"]["path"]) == clip["boxes"]["checksum"]
            assert clip["boxes"]["count"] == 1
        clips = PreparedClips(output, sound=SOUND, **SETTINGS).subset(np.array([3, 4, 5]))
        for index in range(3):
            objects = clips.detections(index)
            assert np.degrees(objects.azimuth) == pytest.approx([95.0 + 10 * index], abs=3)
            assert objects.label.tolist() == ["disc"]

    def test_batches(self, prepared):
        clips = PreparedClips(prepared[0], sound=SOUND, moments=1, **SETTINGS)
        assert [clip.video for clip in clips.clips] == ["day__right"] * 3 + ["left"] * 3
        assert clips.videos.tolist() == [0, 0, 0, 1, 1, 1]
        azimuth = torch.deg2rad(torch.tensor([[-85.0], [95.0]], dtype=torch.float64))
        views = Viewpoints(azimuth, 0 * azimuth, 0 * azimuth + 1.0)
        batch = clips.batch(np.array([0, 3]), views)
        assert batch.video.shape == (2, 1, 3, 2, 16, 16)
        assert batch.audio[:, 0, 4].mean() > 0.9
        assert batch.video[:, 0, :, :, 7:9, 7:9].min() > 0.7

    def test_splits_and_what_is_missing(self, prepared, tmp_path):
        shutil.copytree(prepared[0], tmp_path / "p")
        (tmp_path / "p" / "train.txt").write_text("left\n")
        assert len(PreparedClips(tmp_path / "p", "train")) == 3
        with pytest.raises(FileError, match=r"without its list .*test\.txt"):
            PreparedClips(tmp_path / "p", "test")
        with pytest.raises(FileError, match="cannot be read"):
            PreparedClips(tmp_path)
        with pytest.raises(AmbikitError, match="without boxes"):
            PreparedClips(tmp_path / "p").detections(0)


class TestSelectedTraining:
    """The data study of wang2022: all files, those that pass, as many that fail, each by one word."""

    @pytest.fixture(scope="class")
    @staticmethod
    def mixed(tmp_path_factory):
        """Two recordings that pass the energy test and three that fail, in the YT-360 layout, prepared too."""
        folder = tmp_path_factory.mktemp("mixed")
        (folder / "in" / "video").mkdir(parents=True)
        (folder / "in" / "audio").mkdir()
        for number in range(5):
            directions = np.random.default_rng(number).uniform(-180, 180, 3), [0.0, 30.0, -40.0]
            sources = np.stack([noise(1.5, 10 * number + k) for k in range(3)])
            signal = ambikit.encode(sources, *directions, degrees=True).sum(0)
            if number >= 2:
                signal[1:] *= 1.5  # neither SN3D nor N3D
            write_recording(folder / "in" / "video", f"n{number}", 1.5, signal=signal)
            shutil.move(folder / "in" / "video" / f"n{number}.wav", folder / "in" / "audio" / f"n{number}.wav")
        main(["audit", str(folder / "in"), "--output", str(folder / "audit"), "--workers", "1"])
        prepare(folder / "in", folder / "out", SMALL, workers=1)
        return folder

    @pytest.mark.parametrize(("selection", "expected"), [("all", 5), ("passing", 2), ("failing", 2)])
    def test_the_recipe_says_which(self, mixed, selection, expected):
        from dataclasses import replace

        recipe = small_recipe(1, 1)
        recipe = replace(recipe, clip=replace(recipe.clip, selection=selection))
        raw = open_videos(mixed / "in", recipe, audited=mixed / "audit" / "audit.jsonl")
        ready = open_videos(mixed / "out", recipe)
        for clips in (raw, ready):
            videos = {clip.video for clip in clips.clips}
            assert len(videos) == expected
            if selection == "passing":
                assert videos == {"n0", "n1"}
            if selection == "failing":
                assert not videos & {"n0", "n1"}

    def test_only_what_was_selected_is_prepared(self, mixed, tmp_path):
        arguments = ["prepare", str(mixed / "in"), "--output", str(tmp_path), "--workers", "1"]
        settings = ["--duration", "1", "--shortest", "0.5", "--height", "32"]
        chosen = ["--audit", str(mixed / "audit" / "audit.jsonl"), "--select", "passing"]
        main([*arguments, *settings, *chosen])
        assert {clip["video"] for clip in read_records(tmp_path / MANIFEST)} == {"n0", "n1"}
        with pytest.raises(SystemExit, match="without --audit"):
            main([*arguments, *settings, "--select", "failing"])

    def test_a_selection_needs_an_audit(self, mixed):
        from dataclasses import replace

        recipe = small_recipe(1, 1)
        recipe = replace(recipe, clip=replace(recipe.clip, selection="valid"))
        with pytest.raises(AmbikitError, match="that nobody has judged"):
            open_videos(mixed / "in", recipe)


@pytest.mark.recordings
def test_three_commands_from_a_recording_to_a_model(tmp_path, recordings, capsys):
    """One audits, one prepares, one trains: a clip as YouTube serves it."""
    from ambikit_models.training.config import save_yaml

    folder, out = str(recordings / "video360"), str(tmp_path / "clips")
    main(["audit", folder, "--output", str(tmp_path / "audit"), "--workers", "1"])
    found = {record["path"]: record for record in read_records(tmp_path / "audit" / "audit.jsonl")}
    assert found["redownloaded_from_YT.m4a"]["energy_ratio"] == pytest.approx(0.986, abs=0.001)
    assert found["redownloaded_from_YT.m4a"]["passes_energy_test"]
    # its picture is a labelled grid that stands still
    main(["prepare", folder, "--output", out, "--moving", "0", "--height", "64", "--workers", "1"])
    (clip,) = read_records(tmp_path / "clips" / MANIFEST)
    assert (clip["duration"], clip["frames"], clip["verdict"]) == (10.0, 160, "doubtful")
    assert "channel_map=[2, 1, 4, 0]" in clip["mapping"]["notes"][0]
    signal, _ = ambikit.read(tmp_path / "clips" / clip["sound"])
    np.testing.assert_allclose(
        signal,
        ambikit.read(recordings / "video360" / "redownloaded_from_YT.m4a")[0][:, : signal.shape[1]],
        atol=2 / 2**15,
    )
    save_yaml(small_recipe(1, 2), tmp_path / "small.yaml")
    run = tmp_path / "run"
    main(["train", out, "--recipe", str(tmp_path / "small.yaml"), "--accelerator", "cpu", "--output", str(run)])
    assert [p.name for p in (run / "checkpoints").iterdir()] == ["step-000002"]
    assert json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["step"] == 2
