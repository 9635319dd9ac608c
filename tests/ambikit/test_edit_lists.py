"""What an edit list plays is what is read, to the sample: sound that says of each sample which one it is."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import ambikit
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
        "edits", [[(1500, 5001)], [(250, -1), (1000, 5001)], [(500, 5000), (250, 60001), (500, 33)]]
    )
    def test_stretches_of_edited_sound(self, file, edits):
        edit_sound(file, edits)
        whole = numbers_of(ambikit.read(file)[0])
        for start, duration in [(0.1, 0.2), (0.45, 0.2), (0.6, 0.3), (0.9, 0.1)]:
            part = numbers_of(ambikit.read_segment(file, start, duration)[0])
            assert_array_equal(part, whole[round(start * RATE) :][: round(duration * RATE)])
