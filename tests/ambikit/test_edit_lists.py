"""What an edit list plays is what is read, to the sample: sound that says of each sample which one it is."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import ambikit
from ambikit.errors import FileError
from tests.media_files import RATE, edit_sound, write_media

COUNT = 2 * RATE
FILES = [("a.mov", "pcm_s16le"), ("a.mp4", "flac"), ("a.m4a", "alac")]


def numbered():
    """Sample n of 96000 as two digits of 310: in the second and the third channel, from 100 up."""
    number = np.arange(COUNT)
    return np.float32(np.stack([0 * number, 100 + number // 310, 100 + number % 310, 0 * number]) / 32768)


def numbers_of(signal):
    digits = np.round(signal[1:3] * 32768).astype(int) - 100
    return np.where(digits[0] < 0, -1, 310 * digits[0] + digits[1])  # -1: silence


@pytest.fixture(params=FILES, ids=lambda file: file[1])
def file(request, tmp_path):
    name, codec = request.param
    return write_media(tmp_path / name, codec, "4.0", numbered())


class TestEditLists:
    def test_none(self, file):
        assert_array_equal(numbers_of(ambikit.read(file)[0]), np.arange(COUNT))

    @pytest.mark.parametrize("first", [1, 1023, 5000, 60000])
    def test_the_sound_begins_within_the_stored_one(self, file, first):
        found = numbers_of(ambikit.read(edit_sound(file, [(500, first)]))[0])
        assert_array_equal(found, first + np.arange(len(found)))
        assert 0.5 * RATE <= len(found) < 0.5 * RATE + 4608  # to the end of a packet

    @pytest.mark.parametrize(
        "edits",
        [
            [(1500, 5001)],
            [(250, -1), (1000, 5001)],
            [(500, 5000), (250, 60001), (500, 33)],
            [(500, 5000), (250, -1), (500, 5000), (333, 70000)],
        ],
    )
    def test_stretches_of_edited_sound(self, file, edits):
        edit_sound(file, edits)
        whole = numbers_of(ambikit.read(file)[0])
        for start, duration in [(0.1, 0.2), (0.45, 0.2), (0.6, 0.3), (0.9, 0.1), (0.3, 1.0), (1.2, 1.0)]:
            part = numbers_of(ambikit.read_segment(file, start, duration)[0])
            assert_array_equal(part, whole[round(start * RATE) :][: round(duration * RATE)])

    @pytest.mark.parametrize(
        "edits",
        [
            [(500, 5000), (250, 60001), (500, 33)],  # to and fro
            [(100, 4000), (100, 4000), (1, 7)],  # twice the same
            [(500, 5000), (250, -1), (500, 60000)],  # nothing in between
            [(20, -1), (30, -1), (500, 1234)],
            [(500, 5000), (250, -1)],
        ],
    )
    def test_several_stretches_to_the_sample(self, file, edits):
        expected = [
            np.full(duration * RATE // 1000, -1) if first < 0 else first + np.arange(duration * RATE // 1000)
            for duration, first in edits
        ]
        begin = edits[0][1] < 0 and edits[1][1] < 0  # the clock starts where the first track does, and there is one
        assert_array_equal(
            numbers_of(ambikit.read(edit_sound(file, edits))[0]), np.concatenate(expected[2 if begin else 0 :])
        )

    def test_a_stretch_that_ends_behind_what_is_stored(self, file):
        """Silence in the middle, so that what follows keeps its time; at the end nothing."""
        found = numbers_of(ambikit.read(edit_sound(file, [(100, COUNT - 480), (100, 5), (500, COUNT - 48)]))[0])
        assert_array_equal(found[:480], COUNT - 480 + np.arange(480))
        assert_array_equal(found[4800:9600], 5 + np.arange(4800))
        assert_array_equal(found[9600:9648], COUNT - 48 + np.arange(48))
        assert (found[9648:] == -1).all()
        assert (found[480:4800] == -1).all()

    @pytest.mark.parametrize("edits", [[(100, 5), (700_000, -1), (100, 9)], [(100, -2), (100, 5)], [(0, 5)] * 300])
    def test_lists_that_make_no_sense(self, file, edits):
        with pytest.raises(FileError, match="expected"):
            ambikit.read(edit_sound(file, edits))

    def test_other_speeds_are_refused(self, file):
        data = bytearray(edit_sound(file, [(100, 5), (100, 9)]).read_bytes())
        place = data.rindex(b"elst") + 12 + 8
        assert data[place : place + 4] == b"\0\1\0\0"
        data[place + 1] = 2
        file.write_bytes(data)
        with pytest.raises(FileError, match="at a speed of 2"):
            ambikit.read(file)


def test_of_lossy_sound_what_is_decoded_is_cut(tmp_path):
    """The samples of AAC without an edit list, cut by hand; the time of the list counts what the encoder put before."""
    noise = np.float32(0.1 * np.random.default_rng(0).standard_normal((4, COUNT)))
    path = write_media(tmp_path / "a.mp4", "aac", "4.0", noise)
    whole, _ = ambikit.read(edit_sound(path, [(2000, 0)]))
    found, _ = ambikit.read(edit_sound(path, [(500, 5000), (250, -1), (400, 60001)]))
    parts = [whole[:, 5000:29000], np.zeros((4, 12000), np.float32), whole[:, 60001:79201]]
    assert_array_equal(found, np.concatenate(parts, axis=1))
    part, _ = ambikit.read_segment(path, 0.4, 0.5)
    assert_array_equal(part, found[:, 19200:43200])


def test_of_several_tracks_each_has_its_own(tmp_path):
    """A list of the pictures is none of the sound's."""
    path = write_media(tmp_path / "a.mov", "pcm_s16le", "4.0", numbered(), picture=True)
    data = path.read_bytes()
    swapped = data.replace(b"vide", b"SOUN").replace(b"soun", b"VIDE")
    path.write_bytes(swapped.replace(b"SOUN", b"soun").replace(b"VIDE", b"vide"))
    edit_sound(path, [(300, 0), (300, 0)])  # of the pictures, as they are called now
    data = path.read_bytes()
    swapped = data.replace(b"vide", b"SOUN").replace(b"soun", b"VIDE")
    path.write_bytes(swapped.replace(b"SOUN", b"soun").replace(b"VIDE", b"vide"))
    assert_array_equal(numbers_of(ambikit.read(path)[0]), np.arange(COUNT))
