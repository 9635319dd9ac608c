import av
import numpy as np
import pytest

from ambikit.errors import FileError, ShapeError
from ambikit_models.datasets.segmentation_maps import read_segmentation
from ambikit_models.datasets.yt360 import YT360
from ambikit_models.world.segmentation import write_map
from tests.ambikit_models.clips import numbered_frame, write_video


def write_png(path, pixels, name):
    coder = av.CodecContext.create("png", "w")
    coder.height, coder.width = pixels.shape[:2]
    coder.pix_fmt, coder.time_base = name, 1
    frame = av.VideoFrame.from_ndarray(pixels, format=name)
    path.write_bytes(b"".join(bytes(packet) for packet in [*coder.encode(frame), *coder.encode(None)]))


@pytest.fixture
def maps(rng):
    return rng.integers(0, 256, (6, 8, 16)).astype(np.uint8)


def test_all_numbers_come_back(tmp_path, maps):
    for number, values in enumerate(maps[:3]):
        write_map(tmp_path / f"things-{number:04d}.png", values)
        write_map(tmp_path / f"stuff-{number:04d}.png", maps[3 + number])
    found = read_segmentation(tmp_path)
    np.testing.assert_array_equal(found.things, maps[:3])
    np.testing.assert_array_equal(found.stuff, maps[3:])
    assert found.times.tolist() == [0.0, 0.25, 0.5]


def test_the_red_channel_decides(tmp_path, maps):
    """Whatever stands in the other channels, and for grey maps too."""
    write_png(tmp_path / "things-0001.png", maps[:3].transpose(1, 2, 0).copy(), "rgb24")
    write_png(tmp_path / "stuff-0001.png", maps[3], "gray")
    found = read_segmentation(tmp_path)
    np.testing.assert_array_equal(found.things[0], maps[0])
    np.testing.assert_array_equal(found.stuff[0], maps[3])


def test_halves_are_left_out_and_time_counts_from_the_first(tmp_path, maps):
    for name in ("things-0001", "things-0002", "things-0005", "stuff-0002", "stuff-0003", "stuff-0005"):
        write_map(tmp_path / f"{name}.png", maps[0])
    (tmp_path / "notes.txt").write_text("")
    assert read_segmentation(tmp_path).times.tolist() == [0.0, 0.75]


def test_errors(tmp_path, maps):
    with pytest.raises(FileError, match="no pair of maps"):
        read_segmentation(tmp_path / "nowhere")
    write_map(tmp_path / "things-0000.png", maps[0])
    with pytest.raises(FileError, match="no pair of maps"):
        read_segmentation(tmp_path)
    write_map(tmp_path / "stuff-0000.png", maps[0, :4])
    with pytest.raises(ShapeError, match=r"\(4, 16\), \(8, 16\)"):
        read_segmentation(tmp_path)
    (tmp_path / "stuff-0000.png").write_bytes(b"nothing")
    with pytest.raises(FileError, match="is no map"):
        read_segmentation(tmp_path)


class TestOfYT360:
    @pytest.fixture
    def folder(self, tmp_path):
        film = write_video(tmp_path / "film.mp4", [numbered_frame(0)], 25)
        for name in ("abcdefghijk-0", "abcdefghijk-10", "-x-y-z_0123-7", "my film"):
            for part, ending in (("video", "mp4"), ("audio", "m4a")):
                (tmp_path / part).mkdir(exist_ok=True)
                (tmp_path / part / f"{name}.{ending}").symlink_to(film)
        (tmp_path / "train.txt").write_text("abcdefghijk\n")
        return tmp_path

    def test_maps_of_a_clip(self, folder, maps):
        clips = YT360(folder)
        inner = folder / "segmentation" / "abcdefghijk-10"
        inner.mkdir(parents=True)
        write_map(inner / "things-0000.png", maps[0])
        write_map(inner / "stuff-0000.png", maps[1])
        index = [clip.name for clip in clips.clips].index("abcdefghijk-10")
        np.testing.assert_array_equal(clips.segmentation(index).things[0], maps[0])
        with pytest.raises(FileError, match="no pair of maps"):
            clips.segmentation(index - 1)

    def test_the_list_of_segments_selects(self, folder):
        (folder / "segments.txt").write_text("abcdefghijk 10,20\n\n-x-y-z_0123 7\nZZZZZZZZZZZ 0,10\n")
        clips = YT360(folder, segments=True)
        assert [clip.name for clip in clips.clips] == ["-x-y-z_0123-7", "abcdefghijk-10"]
        assert clips.absent == ("abcdefghijk-20", "ZZZZZZZZZZZ-0", "ZZZZZZZZZZZ-10")
        train = YT360(folder, "train", segments=True)
        assert ([clip.name for clip in train.clips], train.absent) == (["abcdefghijk-10"], ("abcdefghijk-20",))
        assert (len(YT360(folder)), YT360(folder).absent) == (4, ())

    def test_errors(self, folder):
        with pytest.raises(FileError, match=r"no segments\.txt"):
            YT360(folder, segments=True)
        (folder / "segments.txt").write_text("abcdefghijk 10\nabcdefghijk ten\n")
        with pytest.raises(FileError, match="line 2: got 'abcdefghijk ten'"):
            YT360(folder, segments=True)
