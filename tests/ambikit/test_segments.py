"""A stretch of a recording is the stretch of the whole, whichever container and codec hold it."""

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_allclose, assert_array_equal

import ambikit
from ambikit.errors import AmbikitError, FileError
from ambikit.files import media
from ambikit.files.blocks import read_in_blocks
from ambikit.files.media import media_blocks
from tests.media_files import RATE, write_media

SECONDS = 5
PLACES = [(0.0, 0.4), (0.001, 0.0205), (1.2345, 0.5), (3.9, 0.3), (4.9, 2.0), (9.0, 1.0)]


@pytest.fixture(scope="module")
def noise():
    return np.float32(0.1 * np.random.default_rng(3).standard_normal((4, SECONDS * RATE)))


MEDIA = {
    "PCM in MOV": ("a.mov", "pcm_s16le", "4.0"),
    "PCM in MKV": ("a.mkv", "pcm_s16le", "4.0"),
    "FLAC in MP4": ("a.mp4", "flac", "4.0"),
    "FLAC in MKV": ("a.mkv", "flac", "4.0"),
    "ALAC in M4A": ("a.m4a", "alac", "4.0"),
    "AAC in MP4": ("a.mp4", "aac", "4.0"),
    "AAC in MKV": ("a.mkv", "aac", "4.0"),
    "Opus in MP4": ("a.mp4", "libopus", "quad"),
    "Opus in WebM": ("a.webm", "libopus", "quad"),
}


@pytest.fixture(scope="module", params=MEDIA)
def of_video(request, noise, tmp_path_factory):
    name, codec, layout = MEDIA[request.param]
    return write_media(tmp_path_factory.mktemp("segments") / name, codec, layout, noise)


def held_against_the_whole(path, **how):
    whole, rate = ambikit.read(path, **how)
    for start, duration in PLACES:
        part, found = ambikit.read_segment(path, start, duration, **how)
        begin = round(start * rate)
        assert found == rate
        assert_array_equal(part, whole[:, begin : begin + round(duration * rate)])
    return whole


class TestSamples:
    def test_of_a_video_to_the_sample(self, of_video):
        held_against_the_whole(of_video, source="n3d")

    @pytest.mark.parametrize("start", [1e9, 1e30, 1e300])
    def test_far_behind_the_end_there_is_nothing(self, of_video, start):
        assert ambikit.read_segment(of_video, start, 1.0)[0].shape == (4, 0)

    @pytest.mark.parametrize("late", [0.25, 0.03])
    def test_of_sound_that_starts_late(self, tmp_path, noise, late):
        path = write_media(tmp_path / "a.mov", "pcm_s16le", "quad", noise, late=late, picture=True)
        whole = held_against_the_whole(path, channel_map=None)
        assert_allclose(whole[:, round(late * RATE) :], noise, rtol=0, atol=1 / 32768)
        part, _ = ambikit.read_segment(path, late / 2, late, channel_map=None)
        assert not part[:, : round(late / 2 * RATE)].any()
        assert part[:, round(late / 2 * RATE) :].any(axis=0).all()

    @pytest.mark.parametrize(("ending", "subtype"), [("wav", "PCM_24"), ("flac", None), ("ogg", None), ("caf", None)])
    def test_of_sound_files(self, tmp_path, noise, ending, subtype):
        soundfile.write(tmp_path / f"a.{ending}", noise.T, RATE, subtype=subtype)
        held_against_the_whole(tmp_path / f"a.{ending}", channel_map=[2, 1])

    def test_of_several_files(self, tmp_path, noise):
        for k in range(2):
            soundfile.write(tmp_path / f"{k}.flac", noise[2 * k : 2 * k + 2].T, RATE)
        held_against_the_whole([tmp_path / "0.flac", tmp_path / "1.flac"])

    @pytest.mark.parametrize("rate", [16000, 44100, 96000])
    def test_resampled_as_the_whole_is(self, tmp_path, noise, rate):
        soundfile.write(tmp_path / "a.wav", noise.T, RATE)
        whole, _ = ambikit.read(tmp_path / "a.wav", sample_rate=rate)
        for start, duration in PLACES:
            part, found = ambikit.read_segment(tmp_path / "a.wav", start, duration, sample_rate=rate)
            begin = round(start * rate)
            expected = whole[:, begin : begin + round(duration * rate)]
            assert found == rate
            assert part.shape == expected.shape
            assert_allclose(part, expected, rtol=0, atol=2e-7)


class TestCost:
    @pytest.mark.parametrize("kind", ["PCM in MOV", "FLAC in MP4", "ALAC in M4A"])
    def test_what_is_lossless_is_sought(self, tmp_path, noise, kind, monkeypatch):
        """The decoder gives packets around the stretch, and none from the start of the file."""
        name, codec, layout = MEDIA[kind]
        path = write_media(tmp_path / name, codec, layout, noise)
        times = []
        late_start = media._late_start
        monkeypatch.setattr(
            media, "_late_start", lambda frame, *rest: times.append(frame.time) or late_start(frame, *rest)
        )
        first = next(media_blocks(path, "mp4", 4 * RATE))
        assert len(times) == 1
        assert 3.8 < times[0] <= 4.0
        assert first.shape[1] < 5000

    def test_blocks_of_a_video_are_of_their_length_and_of_the_signal(self, of_video):
        sound = read_in_blocks(of_video, length=10007)
        whole, _ = ambikit.read(of_video)
        assert sound.frames == whole.shape[1]
        blocks = list(sound)
        assert {block.shape[1] for block in blocks[:-1]} == {10007}
        assert_array_equal(np.concatenate(blocks, axis=1), whole)

    def test_a_long_video_takes_little_memory(self, tmp_path):
        import tracemalloc

        path = write_media(tmp_path / "a.mov", "pcm_s16le", "4.0", np.zeros((4, 60 * RATE), np.float32))
        tracemalloc.start()
        for _ in read_in_blocks(path, length=1 << 15):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4 * 4 * 60 * RATE / 8  # of the sound's bytes

    def test_a_resampled_stretch_takes_the_memory_of_what_it_gives(self, tmp_path, monkeypatch):
        import tracemalloc

        ramp = np.arange(60 * RATE, dtype=np.float32) / (60 * RATE)
        soundfile.write(tmp_path / "a.wav", np.outer(ramp, [1, 0.5, 0, -0.5]), RATE)
        whole, _ = ambikit.read(tmp_path / "a.wav", sample_rate=RATE // 4)
        ambikit.read_segment(tmp_path / "a.wav", 1, 2, sample_rate=RATE // 4)
        tracemalloc.start()
        part, _ = ambikit.read_segment(tmp_path / "a.wav", 3, 55, sample_rate=RATE // 4)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4 * part.nbytes  # the stored samples alone have as much
        assert_allclose(part, whole[:, 3 * RATE // 4 :][:, : 55 * RATE // 4], rtol=0, atol=2e-7)
        monkeypatch.setattr("ambikit.files.soundfiles.MAXIMUM_SAMPLES", 1000)
        with pytest.raises(FileError, match="cut the file"):
            ambikit.read_segment(tmp_path / "a.wav", 3, 55, sample_rate=RATE // 4)


class TestErrors:
    @pytest.mark.parametrize(("start", "duration"), [(-1, 1), (np.nan, 1), (0, 0), (0, np.inf)])
    def test_impossible_times(self, tmp_path, start, duration):
        with pytest.raises(AmbikitError, match="start_seconds"):
            ambikit.read_segment(tmp_path / "a.wav", start, duration)

    def test_no_files_and_no_sound(self, tmp_path):
        with pytest.raises(FileError, match="empty list"):
            ambikit.read_segment([], 0, 1)
        with pytest.raises(FileError, match="holds no sound"):
            ambikit.read_segment(write_media(tmp_path / "a.mp4", "aac", "quad", picture=True), 0, 1)
