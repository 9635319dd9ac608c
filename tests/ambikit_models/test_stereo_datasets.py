"""FAIR-Play, YouTube-ASMR, and faces that move with their sound."""

import sys

import h5py
import numpy as np
import pytest
import soundfile

from ambikit.errors import AmbikitError, FileError, MissingExtraError
from ambikit_models.datasets.fair_play import FairPlay
from ambikit_models.datasets.listing import MissingDatasetError
from ambikit_models.datasets.sounding_faces import follows_sound, level_difference_db, track_faces
from ambikit_models.datasets.stereo_clips import StereoClip
from ambikit_models.datasets.youtube_asmr import YouTubeASMR
from ambikit_models.panorama.detection import boxes_to_detections
from tests.ambikit_models.clips import numbered_frame, numbers_of, write_video

RATE = 8000


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A video of one second, and sound whose left channel is louder."""
    folder = tmp_path_factory.mktemp("files")
    write_video(folder / "film.mp4", [numbered_frame(n) for n in range(25)], 25)
    signal = np.tile([0.5, 0.25], (RATE, 1))
    soundfile.write(folder / "sound.wav", signal, RATE)
    soundfile.write(folder / "sound.flac", signal, RATE)
    return folder


@pytest.fixture
def fair_play(files, tmp_path):
    for part, name in (("binaural_audios", "sound.wav"), ("videos", "film.mp4")):
        (tmp_path / part).mkdir()
        for number in range(1, 4):
            (tmp_path / part / f"{number:06}{name[-4:]}").symlink_to(files / name)
    (tmp_path / "splits" / "split1").mkdir(parents=True)
    for part, paths in {
        "train": ["/home/somebody/FAIR-Play/binaural_audios/000003.wav", "/elsewhere/audios/000001.wav"],
        "val": ["E:\\data\\binaural_audios\\000002.wav"],
        "test": ["/home/somebody/FAIR-Play/binaural_audios/000009.wav", "/x/000001.wav"],
    }.items():
        with h5py.File(tmp_path / "splits" / "split1" / f"{part}.h5", "w") as file:
            file["audio"] = np.array([path.encode() for path in paths])
    return tmp_path


@pytest.fixture
def asmr(files, tmp_path):
    (tmp_path / "train.csv").write_text("# id, start, end\n-x_YabcDEF0,30.5,40.5\n\nabcdefghijk, 0.000, 10.000\n")
    for part, name in (("audio", "sound.flac"), ("video", "film.mp4")):
        (tmp_path / "data" / part).mkdir(parents=True)
        for clip in ("-x_YabcDEF0_30500_40500", "abcdefghijk_0_10000"):
            (tmp_path / "data" / part / f"{clip}.{name.split('.')[1]}").symlink_to(files / name)
    return tmp_path


class TestFairPlay:
    def test_paths_of_other_disks(self, fair_play):
        train = FairPlay(fair_play, 1, "train")
        assert [clip.name for clip in train.items] == ["000003", "000001"]
        assert train[0].sound_path == fair_play / "binaural_audios" / "000003.wav"
        assert [clip.name for clip in FairPlay(fair_play, 1, "val").items] == ["000002"]

    def test_reading(self, fair_play):
        clip = FairPlay(fair_play)[0]
        signal, rate = clip.sound(0.5, 0.25)
        assert (signal.shape, rate) == ((2, 2000), RATE)
        np.testing.assert_allclose(signal[:, 0], [0.5, 0.25], atol=1e-3)
        assert numbers_of(clip.frames([0.4])) == [10]

    def test_missing_pieces(self, fair_play, tmp_path):
        with pytest.raises(MissingDatasetError, match=r"no file splits/split2/train\.h5.*github"):
            FairPlay(fair_play, 2)
        with pytest.raises(MissingDatasetError, match=r"2 of 4 files.*000009\.wav"):
            FairPlay(fair_play, 1, "test")
        assert [clip.name for clip in FairPlay(fair_play, 1, "test", allow_missing=True).items] == ["000001"]
        (fair_play / "splits" / "split1" / "train.h5").write_bytes(b"nothing")
        with pytest.raises(FileError, match="cannot be read"):
            FairPlay(fair_play)
        with pytest.raises(AmbikitError, match="split=11"):
            FairPlay(fair_play, 11)

    def test_without_h5py(self, fair_play, monkeypatch):
        monkeypatch.setitem(sys.modules, "h5py", None)
        with pytest.raises(MissingExtraError, match="pip install h5py"):
            FairPlay(fair_play)


class TestYouTubeASMR:
    def test_names_in_milliseconds(self, asmr):
        clips = YouTubeASMR(asmr)
        assert [clip.name for clip in clips.items] == ["-x_YabcDEF0_30500_40500", "abcdefghijk_0_10000"]
        assert (clips[0].video, clips[0].start_seconds, clips[0].end_seconds) == ("-x_YabcDEF0", 30.5, 40.5)
        assert clips[1].sound()[0].shape == (2, RATE)

    def test_videos_disappear(self, asmr):
        (asmr / "data" / "video" / "abcdefghijk_0_10000.mp4").unlink()
        with pytest.raises(MissingDatasetError, match="1 of 4 files"):
            YouTubeASMR(asmr)
        found = YouTubeASMR(asmr, allow_missing=True)
        assert (len(found), len(found.missing)) == (1, 1)

    def test_missing_pieces(self, asmr):
        with pytest.raises(MissingDatasetError, match=r"no file val\.csv.*3889168"):
            YouTubeASMR(asmr, "val")
        for line in ("abc,1", "abc,2,1", "abc,x,1", "abc,0,nan"):
            (asmr / "val.csv").write_text(line + "\n")
            with pytest.raises(FileError, match="expected an id, a start and a later end"):
                YouTubeASMR(asmr, "val")


class Bright:
    """Finds the white square, calls it a face, and finds a surer dog elsewhere."""

    def detect(self, frames):
        found = []
        for frame in frames:
            rows, columns = np.nonzero(frame[..., 0] > 150)
            boxes, names, scores = [[0, 0, 10, 10]], ["dog"], [0.99]
            if len(rows):
                boxes.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
                names.append("face")
                scores.append(0.5)
            found.append(boxes_to_detections(boxes, scores, names, frame.shape[1], frame.shape[0]))
        return found


def face_clip(folder, places, right_shares):
    """One second per place of a face (None: none), and the sound's share of power at the right."""
    frames, sound, rng = [], [], np.random.default_rng(0)
    for place, share in zip(places, right_shares, strict=True):
        frame = np.full((64, 128, 3), 16, np.uint8)
        if place is not None:
            frame[16:32, place - 8 : place + 8] = 235
        frames += [frame] * 10
        noise = 0.2 * rng.standard_normal(RATE)
        sound.append(np.stack([noise * np.sqrt(1 - share), noise * np.sqrt(share)], -1))
    write_video(folder / "face.mp4", frames, 10, options={"crf": "12"})
    soundfile.write(folder / "face.wav", np.concatenate(sound), RATE)
    return StereoClip("face", folder / "face.wav", folder / "face.mp4")


class TestFaces:
    def test_where_the_face_is(self, tmp_path):
        clip = face_clip(tmp_path, [32, None, 96], [0.1, 0.5, 0.9])
        track = track_faces(clip, Bright(), [0.5, 1.5, 2.5])
        assert track.found.tolist() == [True, False, True]
        np.testing.assert_allclose(track.x, [0.25, np.nan, 0.75], atol=0.02)
        np.testing.assert_allclose(track.y[[0, 2]], [0.375, 0.375], atol=0.02)
        np.testing.assert_allclose(track.width[[0, 2]], 1 / 8, atol=0.03)
        np.testing.assert_allclose(track.height[[0, 2]], 1 / 4, atol=0.05)
        assert track.score.tolist() == [0.5, 0, 0.5]

    def test_only_what_was_asked_for(self, tmp_path):
        clip = face_clip(tmp_path, [32], [0.1])
        assert not track_faces(clip, Bright(), [0.5], score=0.6).found.any()
        assert track_faces(clip, Bright(), [0.5], label=None).score == 0.99

    @pytest.mark.parametrize(
        ("places", "shares", "answer"),
        [
            ([20, 64, 108], [0.1, 0.5, 0.9], True),
            ([20, 64, 108], [0.9, 0.5, 0.1], False),  # the sound moves the other way
            ([60, 64, 68], [0.1, 0.5, 0.9], False),  # the face hardly moves
            ([20, 108, None], [0.1, 0.9, 0.9], False),  # two faces are no movement
        ],
    )
    def test_the_face_and_the_sound_move_together(self, tmp_path, places, shares, answer):
        clip = face_clip(tmp_path, places, shares)
        assert follows_sound(track_faces(clip, Bright(), [0.5, 1.5, 2.5]), clip) is answer

    def test_sound_that_stays(self, tmp_path):
        clip = face_clip(tmp_path, [20, 64, 108], [0.0, 0.0, 0.0])
        assert not follows_sound(track_faces(clip, Bright(), [0.5, 1.5, 2.5]), clip)

    def test_level_differences(self):
        signal = np.float32([[0.1] * 8 + [0.0] * 16, [0.2] * 8 + [0.3] * 8 + [0.0] * 8])
        np.testing.assert_allclose(level_difference_db(signal, 8, [0.5, 1.5, 2.5]), [6.0206, 40, 0], atol=1e-3)
        np.testing.assert_allclose(level_difference_db(signal * np.float32(1e-6), 8, [0.5]), 6.0206, atol=1e-3)
        np.testing.assert_allclose(level_difference_db(signal[::-1], 8, [0.5]), -6.0206, atol=1e-3)
        with pytest.raises(AmbikitError, match="window_seconds=0"):
            level_difference_db(signal, 8, [0.5], window_seconds=0)
