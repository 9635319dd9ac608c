"""Layouts that name clips of 360° video in lists, and a plain folder of videos; fixtures in their true shape."""

import json
import math

import numpy as np
import pytest
import torch

import ambikit
from ambikit.errors import AmbikitError, FileError
from ambikit_models.batch import ClipSource
from ambikit_models.datasets.listing import MissingDatasetError
from ambikit_models.datasets.named_files import files_by_name
from ambikit_models.datasets.sphere360 import Sphere360
from ambikit_models.datasets.sptaudiogen import SptAudioGen
from ambikit_models.datasets.video_folder import VideoFolder
from ambikit_models.datasets.yt_ambigen import YTAmbigen
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.sound import SoundFeatures
from tests.ambikit_models.clips import numbered_frame, write_video

SOUND = SoundFeatures("foa_intensity", sample_rate=16000, bands=16, window=0.064, hop=0.04)
FRAMES = [numbered_frame(n) for n in range(30)]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A panorama of 1.2 s whose sound comes from the left."""
    noise = 0.2 * np.random.default_rng(0).standard_normal(57600)
    sound = ambikit.encode(noise, 90, 0, degrees=True)
    folder = tmp_path_factory.mktemp("film")
    whole = write_video(folder / "whole.mkv", FRAMES, 25, sound=sound)
    silent = write_video(folder / "silent.mp4", FRAMES, 25)
    ambikit.write(folder / "sound.wav", sound, 48000)
    return {"whole": whole, "silent": silent, "sound": folder / "sound.wav"}


def put(source, *paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(source)


def write_list(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def heard_from_the_left(clips):
    """Looking to the left, the sound of the first clip comes from the front."""
    assert isinstance(clips, ClipSource)
    left = Viewpoints(*(torch.full((1, 1), angle, dtype=torch.float64) for angle in (math.pi / 2, 0.0, 1.0)))
    batch = clips.batch(np.array([0]), left)
    return batch.video.shape[-1] == 112 and batch.audio[0, 0, 4].mean() > 0.9


class TestSphere360:
    def test_lists_and_files(self, tmp_path, film):
        write_list(tmp_path / "split" / "train.txt", "-a_b-c_d-e__10", "kkkkkkkkkkk_0", "vanished_id_7")
        write_list(tmp_path / "split" / "test.txt", "kkkkkkkkkkk_30")
        put(film["silent"], tmp_path / "clips" / "-a_b-c_d-e__10.mp4")
        put(film["sound"], tmp_path / "sounds" / "-a_b-c_d-e__10.wav")
        put(film["whole"], tmp_path / "clips" / "kkkkkkkkkkk_0.mkv", tmp_path / "clips" / "kkkkkkkkkkk_30.mkv")
        clips = Sphere360(tmp_path, sound=SOUND)
        assert [(clip.name, clip.video) for clip in clips.clips] == [
            ("-a_b-c_d-e__10", "-a_b-c_d-e_"),
            ("kkkkkkkkkkk_0", "kkkkkkkkkkk"),
        ]
        assert [clip.sound.suffix for clip in clips.clips] == [".wav", ".mkv"]
        assert clips.absent == ("vanished_id_7",)
        assert heard_from_the_left(clips)
        assert heard_from_the_left(clips.subset(np.array([1])))
        assert [clip.name for clip in Sphere360(tmp_path, "test").clips] == ["kkkkkkkkkkk_30"]
        with pytest.raises(MissingDatasetError, match="1 of 3 files are missing, the first of them vanished_id_7"):
            Sphere360(tmp_path, allow_missing=False)

    def test_the_lists_as_they_are_published(self, tmp_path, film):
        write_list(tmp_path / "dataset" / "split" / "train.txt", "kkkkkkkkkkk_0")
        put(film["whole"], tmp_path / "kkkkkkkkkkk_0.mkv")
        assert len(Sphere360(tmp_path)) == 1

    def test_errors(self, tmp_path):
        with pytest.raises(MissingDatasetError, match=r"no file split/train\.txt or dataset/split/train\.txt"):
            Sphere360(tmp_path)
        with pytest.raises(AmbikitError, match="split='valid'"):
            Sphere360(tmp_path, "valid")
        write_list(tmp_path / "split" / "train.txt", "kkkkkkkkkkk_0")
        with pytest.raises(MissingDatasetError, match="1 of 1 files are missing"):
            Sphere360(tmp_path)
        write_list(tmp_path / "split" / "train.txt")
        with pytest.raises(MissingDatasetError, match="names no clip"):
            Sphere360(tmp_path)


class TestYTAmbigen:
    @pytest.fixture
    def folder(self, tmp_path, film):
        names = ["b2VhNUmUV3k_52", "wmL6FiKKqvQ_96", "1jCumH9RA4U_342"]
        write_list(tmp_path / "train.csv", "file_path", *(f"{name}.npy" for name in names))
        for name in names[:2]:
            put(film["silent"], tmp_path / "video" / f"{name}.mp4", tmp_path / "nfov" / f"{name}.mp4")
            put(film["sound"], tmp_path / "audio" / f"{name}.wav")
        return tmp_path

    def test_lists_and_files(self, folder):
        clips = YTAmbigen(folder, sound=SOUND)
        assert [clip.video for clip in clips.clips] == ["b2VhNUmUV3k", "wmL6FiKKqvQ"]
        assert {clip.pictures.parent.name for clip in clips.clips} == {"video"}
        assert clips.absent == ("1jCumH9RA4U_342",)
        assert heard_from_the_left(clips)

    def test_camera_directions(self, folder):
        """Corners of the grid by hand: the first row is one degree below the zenith, the first column behind, left."""
        (folder / "csv" / "yt_ambigen").mkdir(parents=True)
        path = folder / "csv" / "yt_ambigen" / "ambi.json"
        clips = YTAmbigen(folder)
        for cell, expected in (
            ([0, 0], (179, 89)),
            ([44, 89], (1, 1)),
            ([89, 179], (-179, -89)),
            ([45, 134], (-89, -1)),
        ):
            path.write_text(json.dumps({"b2VhNUmUV3k_52": cell}))
            found = np.degrees(clips.camera_directions())
            assert found[0] == pytest.approx(expected)
            assert np.isnan(found[1]).all()
        for damage in ("{", "[]", '{"b2VhNUmUV3k_52": "left"}'):
            path.write_text(damage)
            with pytest.raises(FileError, match=r"ambi\.json"):
                clips.camera_directions()
        path.unlink()
        with pytest.raises(MissingDatasetError, match=r"no file ambi\.json"):
            clips.camera_directions()

    def test_errors(self, folder):
        with pytest.raises(MissingDatasetError, match=r"no file valid\.csv"):
            YTAmbigen(folder, "valid")
        write_list(folder / "test.csv", "name", "a.npy")
        with pytest.raises(FileError, match="expected file_path among them"):
            YTAmbigen(folder, "test")


class TestSptAudioGen:
    def test_lists_and_files(self, tmp_path, film):
        lists = tmp_path / "meta" / "subsets"
        write_list(lists / "YT-All.train.1.lst", "4SvPjNlF01E", "J2PYwi8fy-M")
        write_list(lists / "YT-Music.test.3.lst", "z_y8cn6bSPE")
        write_list(lists / "REC-Street.lst", "z_y8cn6bSPE", "4SvPjNlF01E")
        put(film["silent"], tmp_path / "data" / "preproc" / "4SvPjNlF01E.mp4")
        put(film["sound"], tmp_path / "data" / "preproc" / "4SvPjNlF01E.wav")
        put(film["whole"], tmp_path / "data" / "preproc" / "z_y8cn6bSPE.mkv")
        clips = SptAudioGen(tmp_path, sound=SOUND)
        assert [(clip.name, clip.video) for clip in clips.clips] == [("4SvPjNlF01E", "4SvPjNlF01E")]
        assert clips.absent == ("J2PYwi8fy-M",)
        assert heard_from_the_left(clips)
        music = SptAudioGen(tmp_path, "test", subset="YT-Music", fold=3)
        assert [clip.name for clip in music.clips] == ["z_y8cn6bSPE"]
        assert SptAudioGen(tmp_path, None, subset="REC-Street").videos.tolist() == [1, 0]

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [({"subset": "YT"}, "subset='YT'"), ({"fold": 4}, "fold=4"), ({"split": "dev"}, "split='dev'")],
    )
    def test_errors(self, tmp_path, wrong, said):
        with pytest.raises(AmbikitError, match=said):
            SptAudioGen(tmp_path, **wrong)
        with pytest.raises(MissingDatasetError, match=r"YT-All\.train\.1\.lst"):
            SptAudioGen(tmp_path)


class TestVideoFolder:
    def test_videos_anywhere(self, tmp_path, film):
        put(film["whole"], tmp_path / "day 1" / "boat.mkv", tmp_path / "day 2" / "boat.mkv")
        put(film["silent"], tmp_path / "sea.mp4")
        put(film["sound"], tmp_path / "sea.wav", tmp_path / "alone.wav")
        clips = VideoFolder(tmp_path, SOUND)
        assert len(clips) == len(set(clips.videos)) == 3
        assert [clip.sound.name for clip in clips.clips] == ["boat.mkv", "boat.mkv", "sea.wav"]
        assert clips.unpaired == 1
        assert len(clips.readable()) == 3
        assert heard_from_the_left(clips)

    def test_errors(self, tmp_path, film):
        with pytest.raises(FileError, match="holds no sound or video"):
            VideoFolder(tmp_path)
        put(film["sound"], tmp_path / "alone.wav")
        with pytest.raises(FileError, match="1 sounds and no video"):
            VideoFolder(tmp_path)


def test_files_by_name(tmp_path):
    write_list(tmp_path / ".cache" / "a.mp4")
    for name in ("b.mp4", "b.mkv", "B.MOV", ".c.mp4", "d.txt", "deep/e.mp4"):
        write_list(tmp_path / name)
    assert {key: path.name for key, path in files_by_name(tmp_path, (".mp4", ".mkv", ".mov")).items()} == {
        "b": "b.mkv",
        "B": "B.MOV",
    }
    assert set(files_by_name(tmp_path, [".mp4"], below=True)) == {"b", "e"}
