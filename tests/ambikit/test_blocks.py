"""Reading and writing block by block: what `read` and `write` do, in pieces."""

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_array_equal

import ambikit
from ambikit.errors import AmbikitError, FileError, ShapeError
from ambikit.files.blocks import LENGTH, read_in_blocks
from ambikit.files.writing import write_in_blocks
from ambikit.operators.channel_axis import COLUMNS_AT_ONCE
from tests.media_files import RATE, source_at, tones, write_media


def joined(sound):
    return np.concatenate(list(sound), axis=-1)


class TestReading:
    @pytest.mark.parametrize(
        ("ending", "subtype"), [("wav", "PCM_16"), ("flac", None), ("ogg", None), ("caf", "FLOAT")]
    )
    def test_the_blocks_are_the_signal(self, tmp_path, ending, subtype):
        file = tmp_path / f"a.{ending}"
        soundfile.write(file, 0.3 * source_at(40, 10).T, RATE, subtype=subtype)
        signal, rate = ambikit.read(file, source="n3d")
        sound = read_in_blocks(file, source="n3d", length=1009)
        assert (sound.channels, sound.frames, sound.sample_rate) == (*signal.shape, rate)
        assert {block.shape[1] for block in list(sound)[:-1]} == {1009}
        assert_array_equal(joined(sound), signal)
        assert_array_equal(joined(sound), signal)  # and again

    def test_the_sound_of_a_video(self, tmp_path):
        file = write_media(tmp_path / "a.mp4", "aac", "4.0", tones(4))
        sound = read_in_blocks(file, length=1000)
        assert_array_equal(joined(sound), ambikit.read(file)[0])

    def test_six_channels_are_recognised_from_the_whole_file(self, tmp_path):
        """Channels 3 and 5 are silent in the first block only: as silent as `read` finds them."""
        signal = np.zeros((6, 4000), np.float32)
        signal[[0, 1, 2, 4]] = 0.1 * tones(4)[:, :4000]
        soundfile.write(tmp_path / "a.flac", signal.T, RATE)
        with pytest.warns(UserWarning, match=r"channel_map=\[2, 1, 4, 0\]"):
            sound = read_in_blocks(tmp_path / "a.flac", length=1000)
        assert_array_equal(joined(sound), soundfile.read(tmp_path / "a.flac", dtype="float32")[0].T[[2, 1, 4, 0]])
        signal[3, 3500] = 0.5
        soundfile.write(tmp_path / "a.flac", signal.T, RATE)
        with pytest.raises(ShapeError, match="6 channels"):
            read_in_blocks(tmp_path / "a.flac", length=1000)

    def test_files_that_do_not_belong_together(self, tmp_path):
        soundfile.write(tmp_path / "a.wav", np.zeros((100, 2)), RATE)
        soundfile.write(tmp_path / "b.wav", np.zeros((101, 2)), RATE)
        with pytest.raises(FileError, match=f"100 samples at {RATE} Hz, 101 samples"):
            read_in_blocks([tmp_path / "a.wav", tmp_path / "b.wav"])

    def test_no_files_no_samples(self, tmp_path):
        soundfile.write(tmp_path / "a.wav", np.zeros((0, 4)), RATE)
        with pytest.raises(FileError, match="no samples"):
            read_in_blocks(tmp_path / "a.wav")
        with pytest.raises(FileError, match="empty list"):
            read_in_blocks([])


class TestWriting:
    def test_the_file_is_that_of_write(self, tmp_path):
        signal = source_at(40, 10)
        ambikit.write(tmp_path / "a.wav", signal, RATE, target="fuma")
        pieces = np.split(signal, [100, 101, 5000], axis=1)
        assert write_in_blocks(tmp_path / "b.wav", pieces, signal.shape[1], RATE, target="fuma") == 4
        assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()

    @pytest.mark.parametrize("error", [AmbikitError, KeyboardInterrupt])
    def test_an_interruption_leaves_the_older_file(self, tmp_path, error):
        def pieces():
            yield np.zeros((4, 100), np.float32)
            raise error("stop")

        (tmp_path / "a.wav").write_bytes(b"precious")
        with pytest.raises(error):
            write_in_blocks(tmp_path / "a.wav", pieces(), 200, RATE)
        assert (tmp_path / "a.wav").read_bytes() == b"precious"
        assert len(list(tmp_path.iterdir())) == 1


def test_blocks_end_where_products_of_matrices_do():
    assert LENGTH % COLUMNS_AT_ONCE == 0
