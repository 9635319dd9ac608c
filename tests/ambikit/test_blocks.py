"""Reading and writing block by block: what `read` and `write` do, in pieces."""

import tracemalloc

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


class TestResampledReading:
    @pytest.mark.parametrize(
        ("rate", "target"), [(44100, 48000), (48000, 24000), (22050, 16000), (48000, 44100.5), (16000, 96000)]
    )
    @pytest.mark.parametrize("channels", [1, 4])
    @pytest.mark.parametrize("length", [1009, LENGTH])
    def test_the_bits_of_the_whole(self, tmp_path, rate, target, channels, length):
        signal = 0.1 * np.random.default_rng(channels).standard_normal((channels, LENGTH + 5003))
        soundfile.write(tmp_path / "a.wav", signal.T, rate, subtype="FLOAT")
        whole, found = ambikit.read(tmp_path / "a.wav", source="n3d", sample_rate=target)
        sound = read_in_blocks(tmp_path / "a.wav", source="n3d", sample_rate=target, length=length)
        blocks = list(sound)
        assert (sound.channels, sound.frames, sound.sample_rate) == (*whole.shape, found)
        assert {block.shape[1] for block in blocks[:-1]} <= {length}
        assert_array_equal(np.concatenate(blocks, axis=1), whole)
        assert_array_equal(joined(sound), whole)  # and again

    def test_the_rate_of_the_file_itself(self, tmp_path):
        soundfile.write(tmp_path / "a.wav", source_at(40, 10).T, RATE)
        sound = read_in_blocks(tmp_path / "a.wav", sample_rate=RATE, length=1000)
        assert sound.sample_rate == RATE
        assert_array_equal(joined(sound), ambikit.read(tmp_path / "a.wav")[0])

    def test_the_sound_of_a_video(self, tmp_path):
        file = write_media(tmp_path / "a.mp4", "aac", "4.0", tones(4))
        whole, _ = ambikit.read(file, sample_rate=16000)
        sound = read_in_blocks(file, sample_rate=16000, length=1000)
        assert sound.frames == whole.shape[1]
        assert_array_equal(joined(sound), whole)

    @pytest.mark.parametrize("rate", [0, -1, np.nan, 0.1, 1e15, "fast"])
    def test_the_errors_of_the_whole(self, tmp_path, rate):
        soundfile.write(tmp_path / "a.wav", source_at(40, 10).T, 48000)
        with pytest.raises(AmbikitError) as expected:
            ambikit.read(tmp_path / "a.wav", sample_rate=rate)
        with pytest.raises(AmbikitError) as found:
            read_in_blocks(tmp_path / "a.wav", sample_rate=rate)
        assert (type(found.value), str(found.value)) == (type(expected.value), str(expected.value))

    def test_memory_does_not_grow(self, tmp_path):
        """What is held beyond the file for 20 s and for 120 s, which differ by 19 MB."""

        def peak(seconds):
            with soundfile.SoundFile(tmp_path / f"{seconds}.wav", "w", 44100, 1, "PCM_16") as file:
                for _ in range(seconds):
                    file.write(np.zeros(44100))
            sound = read_in_blocks(tmp_path / f"{seconds}.wav", sample_rate=48000)
            tracemalloc.start()
            assert sum(block.shape[1] for block in sound) == sound.frames == seconds * 48000
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return most

        assert abs(peak(120) - peak(20)) < 2e6


class TestLateSound:
    def test_minutes_of_silence_before_it_take_no_memory(self, tmp_path):
        """Eight minutes, which are 369 MB as an array."""
        file = write_media(tmp_path / "a.mov", "pcm_s16le", "4.0", tones(4), late=480.0, picture=True)
        tracemalloc.start()
        heard = [(block.shape[1], block.any()) for block in read_in_blocks(file, channel_map=None)]
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 20e6
        silent = 480 * RATE // LENGTH
        assert heard[:silent] == [(LENGTH, False)] * silent
        assert sum(length for length, _ in heard[silent:]) == 480 * RATE + RATE // 2 - silent * LENGTH
        assert heard[silent][1]


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
