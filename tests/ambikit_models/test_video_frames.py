"""The frame on the screen at a time: of every codec and clock, however pictures are stored and held."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from ambikit.errors import AmbikitError
from ambikit_models.media import each_frame, read_frames
from ambikit_models.media import frames as reading
from tests.ambikit_models.clips import numbered_frame, numbers_of, write_video

CODECS = {
    "H.264 with open groups": ("a.mp4", "libx264", {"bf": "3", "g": "12", "x264-params": "open-gop=1:log-level=none"}),
    "HEVC with open groups": ("a.mp4", "libx265", {"preset": "ultrafast", "x265-params": "keyint=12:log-level=none"}),
    "HEVC in MKV": (
        "a.mkv",
        "libx265",
        {"preset": "veryfast", "x265-params": "keyint=12:bframes=4:open-gop=1:log-level=none"},
    ),
    "VP9": ("a.webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "g": "20"}),
    "VP9 with hidden frames": ("a.mkv", "libvpx-vp9", {"cpu-used": "8", "g": "30", "auto-alt-ref": "1", "b": "300k"}),
    "VP8": ("a.webm", "libvpx", {"deadline": "realtime", "cpu-used": "8", "g": "20"}),
    "AV1": ("a.mp4", "libsvtav1", {"preset": "12", "g": "20"}),
    "H.264 in a transport stream": ("a.ts", "libx264", {"bf": "2", "g": "10", "x264-params": "log-level=none"}),
}
COUNT = 60


def written(folder, kind, times=None):
    name, codec, options = CODECS[kind]
    try:
        av.codec.Codec(codec, "w")
    except ValueError:
        pytest.skip(f"this build of PyAV has no encoder {codec}")
    frames = [numbered_frame(n, 64, 64) for n in range(COUNT)]
    return write_video(folder / name, frames, 25, codec=codec, options=options, times=times)


@pytest.mark.parametrize("kind", CODECS)
class TestCodecs:
    def test_every_frame_by_seeking_and_by_decoding_on(self, tmp_path, kind, monkeypatch):
        path = written(tmp_path, kind)
        inside = (np.arange(COUNT) + 0.4) / 25
        assert numbers_of(read_frames(path, inside)) == list(range(COUNT))
        assert numbers_of(read_frames(path, inside[::-1])) == list(range(COUNT))[::-1]
        for number in range(0, COUNT, 5):
            assert numbers_of(read_frames(path, [inside[number]])) == [number]
        monkeypatch.setattr(reading, "_DECODE_ON", 0.0)  # a seek for each
        assert numbers_of(read_frames(path, inside[::3])) == list(range(0, COUNT, 3))

    def test_frames_at_times_of_any_distance(self, tmp_path, kind):
        if kind == "H.264 in a transport stream":
            pytest.skip("its muxer gives frames without order of presentation an even clock")
        distances = np.random.default_rng(5).choice([0.02, 0.04, 0.05, 0.3], COUNT)
        times = 0.6 + np.cumsum(distances)  # the video begins late, and its clock with its first frame
        path = written(tmp_path, kind, times=list(times))
        shown = np.concatenate([times[:-1] + 0.004, times[1:] - 0.004]) - times[0]
        expected = [*range(COUNT - 1), *range(COUNT - 1)]
        assert numbers_of(read_frames(path, shown)) == expected
        assert numbers_of(read_frames(path, times[10:11] - times[0])) == [10]

    def test_beyond_the_end(self, tmp_path, kind):
        path = written(tmp_path, kind)
        with pytest.raises(AmbikitError, match="where the video ends"):
            read_frames(path, [COUNT / 25 + 0.1])


class TestCost:
    def test_a_late_frame_is_sought(self, tmp_path, monkeypatch):
        """Of 1500 frames no more are decoded than from the key frame before."""
        frames = [numbered_frame(n % 256) for n in range(1500)]
        options = {"g": "30", "bf": "2", "preset": "ultrafast"}
        path = write_video(tmp_path / "a.mp4", frames, 25, options=options)
        decoded, timed = [], reading._timed
        monkeypatch.setattr(reading, "_timed", lambda found: (decoded.append(f) or f for f in timed(found)))
        assert numbers_of(read_frames(path, [1444 / 25, 59.0, 700 / 25])) == [1444 % 256, 1475 % 256, 700 % 256]
        assert len(decoded) < 110


class TestShapes:
    @pytest.mark.parametrize("size", [(65, 33), (47, 64), (64, 31)])
    @pytest.mark.parametrize(("name", "codec"), [("a.webm", "libvpx-vp9"), ("a.mkv", "ffv1")])
    def test_odd_sizes(self, tmp_path, size, name, codec):
        path = write_video(tmp_path / name, [numbered_frame(n, *size) for n in range(5)], codec=codec)
        frames = read_frames(path, np.arange(5) / 25)
        assert frames.shape == (5, size[1], size[0], 3)
        assert numbers_of(frames) == list(range(5))

    #: by the letters of the display matrix: where the mark from the left upper corner is shown, as (row, column)
    MATRICES = {
        (1, 0, 0, 1): ("top", "left"),
        (0, 1, -1, 0): ("top", "right"),  # a quarter clockwise
        (-1, 0, 0, -1): ("bottom", "right"),
        (0, -1, 1, 0): ("bottom", "left"),  # a quarter counter-clockwise
        (-1, 0, 0, 1): ("top", "right"),  # left and right change places
        (1, 0, 0, -1): ("bottom", "left"),
        (0, 1, 1, 0): ("top", "left"),  # rows become columns
    }

    @pytest.mark.parametrize("matrix", MATRICES)
    def test_display_matrices(self, tmp_path, matrix):
        picture = np.zeros((32, 64, 3), np.uint8)
        picture[:12, :12] = 220
        picture[:12, 12:24, 0] = 220  # red follows the mark along the stored row
        path = write_video(tmp_path / "a.mp4", [picture] * 5)
        data = bytearray(path.read_bytes())
        a, b, c, d = (65536 * value for value in matrix)
        struct.pack_into(">9i", data, data.index(b"tkhd") + 44, a, b, 0, c, d, 0, 0, 0, 1 << 30)
        path.write_bytes(data)
        shown = read_frames(path, [0.1])[0]
        assert shown.shape == ((64, 32, 3) if matrix[0] == 0 else (32, 64, 3))
        row, column = self.MATRICES[matrix]
        rows, columns = (
            slice(12) if row == "top" else slice(-12, None),
            slice(12) if column == "left" else slice(-12, None),
        )
        assert shown[rows, columns].mean() > 180
        centre = np.array([6 if column == "left" else shown.shape[1] - 6, 6 if row == "top" else shown.shape[0] - 6])
        x, y = centre + 12 * np.array([matrix[0], matrix[1]])  # where the matrix takes a step to the right
        assert shown[y, x, 0] > 150
        assert shown[y, x, 1] < 90
        small = next(each_frame(path, 10, height=20, width=40))
        assert small.shape == (20, 40, 3)
        corner = small[2 if row == "top" else -3, 2 if column == "left" else -3]
        assert corner.min() > 150

    def test_one_after_the_other_is_the_same(self, tmp_path):
        times = list(0.2 + np.cumsum(np.random.default_rng(9).choice([0.02, 0.1, 0.3], 40)))
        path = write_video(tmp_path / "a.mkv", [numbered_frame(n) for n in range(40)], 25, times=times)
        walked = numbers_of(np.stack(list(each_frame(path, 7, height=32, width=64))))
        assert walked == numbers_of(read_frames(path, np.arange(len(walked)) / 7))
        assert walked[-1] == 39


def test_a_frame_rate_of_a_television(tmp_path):
    path = write_video(tmp_path / "a.mkv", [numbered_frame(n) for n in range(200)], Fraction(30000, 1001))
    exact = [n * 1001 / 30000 for n in range(200)]  # MKV rounds them to milliseconds
    assert numbers_of(read_frames(path, exact)) == list(range(200))
