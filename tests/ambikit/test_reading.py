"""Reading: the same source on the sphere comes out of every format, and nothing else does."""

import contextlib
import os
import struct
import sys
import warnings

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import ambikit
from ambikit.errors import AmbikitError, FileError, MissingExtraError, ShapeError
from ambikit.files import soundfiles
from ambikit.files.boxes import layout_boxes
from ambikit.files.description import describe_file
from tests.media_files import RATE, add_sa3d, direction_of, remux, source_at, tone_order, tones, write_media

FROM = (60.0, 30.0)  # a direction in which no two of W, Y, Z, X are alike
LOSSY = 3.0  # degrees


def first_order_ratio(signal, sample_rate):
    """(E_x + E_y + E_z) / E_w below 4 kHz."""
    from scipy.signal import butter, sosfiltfilt

    w, *dipoles = sosfiltfilt(butter(8, 4000, fs=sample_rate, output="sos"), signal.astype(np.float64))
    return sum(d @ d for d in dipoles) / (w @ w)


class TestSoundFiles:
    @pytest.mark.parametrize(
        ("form", "subtype", "error"),
        [
            ("WAV", "FLOAT", 0.0),
            ("WAV", "PCM_16", 1 / 32768),
            ("WAVEX", "PCM_24", 2**-23),
            ("RF64", "FLOAT", 0.0),
            ("AIFF", "PCM_16", 1 / 32768),
            ("CAF", "FLOAT", 0.0),
            ("FLAC", "PCM_24", 2**-23),
        ],
    )
    def test_a_source_keeps_its_samples(self, tmp_path, form, subtype, error):
        signal = source_at(*FROM)
        soundfile.write(tmp_path / "sound", signal.T, RATE, format=form, subtype=subtype)
        read, rate = ambikit.read(tmp_path / "sound")
        assert (read.shape, read.dtype, rate, type(rate)) == (signal.shape, np.float32, RATE, int)
        assert_allclose(read, signal, rtol=0, atol=error)
        assert read.flags.c_contiguous

    def test_a_lossy_file_keeps_the_direction(self, tmp_path):
        soundfile.write(tmp_path / "a.ogg", source_at(*FROM).T, RATE, format="OGG", subtype="VORBIS")
        assert_allclose(direction_of(ambikit.read(tmp_path / "a.ogg")[0]), FROM, atol=LOSSY)

    def test_integers_are_scaled_to_one(self, tmp_path):
        soundfile.write(tmp_path / "a.wav", np.int16([[-32768], [16384]]), RATE, subtype="PCM_16")
        assert ambikit.read(tmp_path / "a.wav")[0].tolist() == [[-1.0, 0.5]]

    def test_eight_vorbis_channels_keep_the_order_of_the_stream(self, tmp_path):
        soundfile.write(tmp_path / "a.ogg", tones(8).T, RATE, format="OGG", subtype="VORBIS")
        assert tone_order(ambikit.read(tmp_path / "a.ogg", channel_map=None)[0]) == list(range(8))

    @pytest.mark.parametrize("name", ["sound.gsm", "sound.raw", "sound.mp4", "nothing"])
    def test_the_name_plays_no_part(self, tmp_path, name):
        soundfile.write(tmp_path / name, source_at(*FROM).T, RATE, format="WAV", subtype="FLOAT")
        assert_array_equal(ambikit.read(str(tmp_path / name))[0], source_at(*FROM))

    @pytest.mark.parametrize(
        ("source", "stored"),
        [
            ("fuma", lambda w, y, z, x: [w / np.sqrt(2), x, y, z]),
            ("n3d", lambda w, *xyz: [w, *(np.sqrt(3) * np.array(xyz))]),
        ],
    )
    def test_conventions(self, tmp_path, source, stored):
        signal = source_at(*FROM)
        soundfile.write(tmp_path / "a.wav", np.array(stored(*signal)).T, RATE, subtype="FLOAT")
        assert_allclose(ambikit.read(tmp_path / "a.wav", source=source)[0], signal, atol=1e-6)

    def test_mono_is_order_zero(self, tmp_path):
        soundfile.write(tmp_path / "a.wav", np.zeros(5), RATE)
        assert ambikit.read(tmp_path / "a.wav")[0].shape == (1, 5)


class TestSplitRecordings:
    def test_two_files_are_one_set_of_channels(self, tmp_path):
        signal = tones(16)
        for k in (0, 8):
            soundfile.write(tmp_path / f"{k}.wav", signal[k : k + 8].T, RATE, subtype="FLOAT")
        assert_array_equal(ambikit.read([tmp_path / "0.wav", tmp_path / "8.wav"])[0], signal)

    @pytest.mark.parametrize(("length", "rate"), [(99, RATE), (100, 44100)])
    def test_files_that_differ_are_refused(self, tmp_path, length, rate):
        soundfile.write(tmp_path / "a.wav", np.zeros((100, 8)), RATE)
        soundfile.write(tmp_path / "b.wav", np.zeros((length, 8)), rate)
        with pytest.raises(FileError, match="files that differ"):
            ambikit.read([tmp_path / "a.wav", tmp_path / "b.wav"])
        with pytest.raises(FileError, match="empty list"):
            ambikit.read([])


class TestMedia:
    @pytest.mark.parametrize(
        ("name", "codec", "layout"),
        [
            ("a.mp4", "aac", "4.0"),
            ("a.m4a", "aac", "quad"),
            ("a.mov", "aac", "4.0"),
            ("a.webm", "libopus", "quad"),
            ("a.mkv", "libopus", "quad"),
        ],
    )
    def test_lossy_streams_keep_the_direction(self, tmp_path, name, codec, layout):
        signal = source_at(*FROM)
        read, rate = ambikit.read(
            write_media(tmp_path / name, codec, layout, signal, picture=not name.endswith("webm"))
        )
        assert rate == RATE
        assert 0 <= read.shape[1] - signal.shape[1] < 1024  # at most one packet of padding
        assert_allclose(direction_of(read), FROM, atol=LOSSY)

    @pytest.mark.parametrize(
        ("name", "codec", "layout"),
        [("a.m4a", "alac", "4.0"), ("a.mkv", "flac", "quad"), ("a.mov", "pcm_s24le", "quad")],
    )
    def test_lossless_streams_keep_the_samples(self, tmp_path, name, codec, layout):
        signal = source_at(*FROM)
        read, _ = ambikit.read(write_media(tmp_path / name, codec, layout, signal))
        assert_allclose(read, signal, rtol=0, atol=1 / 32768)

    def test_sixteen_channels_in_a_mov(self, tmp_path):
        read, _ = ambikit.read(write_media(tmp_path / "a.mov", "pcm_f32le", "16 channels", tones(16)))
        assert_array_equal(read, tones(16))

    def test_eight_planar_channels(self, tmp_path):
        """PyAV's own arrays of eight planar channels read past the end of memory; ours are packed."""
        read, _ = ambikit.read(write_media(tmp_path / "a.mp4", "aac", "7.1", tones(8)), channel_map=None)
        order = tone_order(read)
        assert order[:3] + order[4:] == [0, 1, 2, 4, 5, 6, 7]  # the fourth, LFE, is low-passed by AAC

    @pytest.mark.parametrize("channels", [3, 4, 5, 6, 7, 8, 9, 16])
    def test_vorbis_has_one_order_in_every_container(self, tmp_path, channels):
        soundfile.write(tmp_path / "a.ogg", tones(channels).T, RATE, format="OGG", subtype="VORBIS")
        remux(tmp_path / "a.ogg", tmp_path / "a.mkv")
        read = [tone_order(ambikit.read(tmp_path / f"a.{end}", channel_map=None)[0]) for end in ("ogg", "mkv")]
        expected = list(range(channels))
        low_passed = 5 if channels == 6 else None  # the LFE of 5.1
        for order in read:
            assert [o for k, o in enumerate(order) if k != low_passed] == [o for o in expected if o != low_passed]

    @pytest.mark.parametrize(("channels", "layout"), [(4, "quad"), (6, "5.1"), (8, "7.1")])
    def test_opus_has_one_order_in_every_container(self, tmp_path, channels, layout):
        write_media(tmp_path / "a.ogg", "libopus", layout, tones(channels))
        remux(tmp_path / "a.ogg", tmp_path / "a.webm")
        read = [tone_order(ambikit.read(tmp_path / f"a.{end}", channel_map=None)[0]) for end in ("ogg", "webm")]
        assert read[0] == read[1]
        assert sorted(read[0]) == list(range(channels))

    def test_of_several_streams_the_richest_with_a_warning(self, tmp_path):
        path = write_media(tmp_path / "a.mov", "pcm_s16le", "stereo", tones(2), source_at(*FROM))
        with pytest.warns(UserWarning, match=r"2 sound streams.*2 \(pcm_s16le\), 4 \(pcm_s16le\)"):
            read, _ = ambikit.read(path)
        assert_allclose(direction_of(read), FROM, atol=0.01)

    def test_sound_that_starts_late_begins_with_silence(self, tmp_path):
        signal = source_at(*FROM)
        read, _ = ambikit.read(write_media(tmp_path / "a.mov", "pcm_s16le", "quad", signal, late=0.25, picture=True))
        assert not read[:, : RATE // 4].any()
        assert_allclose(read[:, RATE // 4 :], signal, rtol=0, atol=1 / 32768)

    def test_a_damaged_clock_costs_no_memory(self, tmp_path):
        path = write_media(tmp_path / "a.mkv", "pcm_s16le", "quad", source_at(*FROM), late=7200.0, picture=True)
        with pytest.raises(FileError, match=r"a\.mkv, whose sound starts 7200 s after"):
            ambikit.read(path)

    def test_a_silent_video_says_so(self, tmp_path):
        with pytest.raises(FileError, match="holds no sound"):
            ambikit.read(write_media(tmp_path / "a.mp4", "aac", "quad", picture=True))

    @pytest.mark.parametrize("channel_map", [[0, 1, 2, 3], [0, 2, 3, 1]])
    def test_a_spatial_box_does_not_end_the_process(self, tmp_path, channel_map):
        """PyAV 17.1 aborts when FFmpeg makes a custom layout of the second map."""
        signal = source_at(*FROM)
        path = write_media(tmp_path / "a.mov", "pcm_s24le", "4 channels", signal, picture=True)
        plain = ambikit.read(path)[0]
        add_sa3d(path, channel_map)
        assert layout_boxes(path)
        assert_array_equal(ambikit.read(path, channel_map=None)[0], plain)

    def test_numbers_that_look_like_a_box_stay(self, tmp_path):
        """A chunk position that spells "chan" is a position; the same letters elsewhere in the index are a box."""

        def box(name, *contents):
            content = b"".join(contents)
            return struct.pack(">I", 8 + len(content)) + name + content

        position = box(b"stco", struct.pack(">II", 0, 1), b"chan")
        for name in reversed((b"trak", b"mdia", b"minf", b"stbl")):
            position = box(name, position)
        path = tmp_path / "a.mp4"
        path.write_bytes(box(b"ftyp", b"isom") + box(b"moov", position, box(b"udta", box(b"chan", bytes(8)))))
        assert layout_boxes(path) == [path.read_bytes().rindex(b"chan")]

    def test_without_pyav(self, tmp_path, monkeypatch):
        path = write_media(tmp_path / "a.mp4", "aac", "quad", source_at(*FROM))
        monkeypatch.setitem(sys.modules, "av", None)
        with pytest.raises(MissingExtraError, match=r"pip install 'ambikit\[media\]'"):
            ambikit.read(path)


class TestChannelMaps:
    def six(self, tmp_path, third=0.0, fifth=0.0):
        """Six AAC channels as YouTube serves a source: X, Y, W, ?, Z, ?."""
        w, y, z, x = source_at(*FROM)
        return write_media(tmp_path / "six.mp4", "aac", "5.1", np.stack([x, y, w, third * w, z, fifth * w]))

    def test_youtube_is_recognised_with_a_warning(self, tmp_path):
        with pytest.warns(UserWarning, match=r"channel_map=\[2, 1, 4, 0\]"):
            read, _ = ambikit.read(self.six(tmp_path))
        assert read.shape[0] == 4
        assert_allclose(direction_of(read), FROM, atol=LOSSY)

    @pytest.mark.parametrize("loud", [{"fifth": 0.5}, {"third": 0.5, "fifth": 0.5}])
    def test_six_other_channels_are_refused(self, tmp_path, loud):
        with pytest.raises(ShapeError, match=r"6 channels of layout 5.1.*channel_map="):
            ambikit.read(self.six(tmp_path, **loud))

    def test_six_without_a_layout_are_refused_with_the_likely_map(self, tmp_path):
        w, y, z, x = source_at(*FROM)
        six = np.stack([x, y, w, 0 * w, z, 0 * w])
        soundfile.write(tmp_path / "six.wav", six.T, RATE, subtype="FLOAT")
        with pytest.raises(ShapeError, match=r"if it is one, pass channel_map=\[2, 1, 4, 0\]"):
            ambikit.read(tmp_path / "six.wav")
        assert_array_equal(ambikit.read(tmp_path / "six.wav", channel_map=[2, 1, 4, 0])[0], source_at(*FROM))

    def test_six_with_loudspeakers_in_the_header_are_recognised(self, tmp_path):
        w, y, z, x = source_at(*FROM)
        soundfile.write(tmp_path / "six.wav", np.stack([x, y, w, 0 * w, z, 0 * w]).T, RATE, format="WAVEX")
        with pytest.warns(UserWarning, match="YouTube"):
            assert_allclose(direction_of(ambikit.read(tmp_path / "six.wav")[0]), FROM, atol=0.01)

    def test_none_and_lists_are_silent(self, tmp_path):
        path = self.six(tmp_path)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            everything, _ = ambikit.read(path, channel_map=None)
            some, _ = ambikit.read(path, channel_map=np.array([2, 1]))
        assert everything.shape[0] == 6
        assert_array_equal(some, everything[[2, 1]])

    @pytest.mark.parametrize(
        ("channels", "words"),
        [(2, "stereo"), (3, r"channel_map=\[0, 1, 2, 3\]"), (5, "channel_map"), (8, "third-order")],
    )
    def test_counts_that_are_no_order_are_refused_with_a_remedy(self, tmp_path, channels, words):
        soundfile.write(tmp_path / "a.wav", np.ones((9, channels)) / 2, RATE)
        with pytest.raises(ShapeError, match=f"{channels} channels.*{words}"):
            ambikit.read(tmp_path / "a.wav")
        assert ambikit.read(tmp_path / "a.wav", channel_map=None)[0].shape == (channels, 9)

    @pytest.mark.parametrize("bad", [[], [0, 4], [-1], [0.5], [True]])
    def test_maps_of_channels_that_are_not_there(self, tmp_path, bad):
        soundfile.write(tmp_path / "a.wav", np.zeros((9, 4)), RATE)
        with pytest.raises(ShapeError, match="from 0 to 3"):
            ambikit.read(tmp_path / "a.wav", channel_map=bad)

    def test_an_unknown_word(self, tmp_path):
        soundfile.write(tmp_path / "a.wav", np.zeros((9, 4)), RATE)
        with pytest.raises(AmbikitError, match="'auto'"):
            ambikit.read(tmp_path / "a.wav", channel_map="youtube")


class TestResampling:
    @pytest.mark.parametrize("target", [24000, 44100, 22050.5, 96000])
    def test_a_tone_keeps_pitch_size_and_place(self, tmp_path, target):
        time = np.arange(RATE) / RATE
        tone = 0.5 * np.sin(2 * np.pi * 1000 * time) * np.hanning(RATE)
        soundfile.write(tmp_path / "a.wav", tone, RATE, subtype="FLOAT")
        read, rate = ambikit.read(tmp_path / "a.wav", sample_rate=target)
        assert rate == target
        assert read.dtype == np.float32
        assert abs(read.shape[1] - target) <= 1
        new = np.arange(read.shape[1]) / target
        expected = np.interp(new, time, np.hanning(RATE)) * 0.5 * np.sin(2 * np.pi * 1000 * new)
        assert_allclose(read[0], expected, atol=2e-3)

    def test_the_files_own_rate_changes_nothing(self, tmp_path):
        soundfile.write(tmp_path / "a.wav", source_at(*FROM).T, RATE, subtype="FLOAT")
        assert_array_equal(ambikit.read(tmp_path / "a.wav", sample_rate=float(RATE))[0], source_at(*FROM))

    @pytest.mark.parametrize("bad", [0, -1, "48k", float("nan"), 1e-6])
    def test_rates_that_are_none(self, tmp_path, bad):
        soundfile.write(tmp_path / "a.wav", np.zeros((9, 4)), RATE)
        with pytest.raises(AmbikitError, match="Hz"):
            ambikit.read(tmp_path / "a.wav", sample_rate=bad)


def made(tmp_path, kind):
    """One complete file of a kind."""
    path, signal = tmp_path / kind, source_at(*FROM, seconds=0.2)
    media = {"aac.mp4": ("aac", "4.0"), "pcm.mov": ("pcm_s16le", "4 channels"), "opus.webm": ("libopus", "quad")}
    if kind in media:
        return write_media(path, *media[kind], signal)
    subtype = "VORBIS" if kind == "ogg" else "PCM_16"
    soundfile.write(path, signal.T, RATE, format=kind.upper(), subtype=subtype)
    return path


SOUNDS = ["wav", "rf64", "aiff", "caf", "flac", "ogg"]
KINDS = [*SOUNDS, "aac.mp4", "pcm.mov", "opus.webm"]


class TestBadFiles:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("kept", [0.02, 0.5, 0.98])
    def test_truncated(self, tmp_path, kind, kept):
        path = made(tmp_path, kind)
        data = path.read_bytes()
        path.write_bytes(data[: int(kept * len(data))])
        with pytest.raises(FileError, match="expected"):
            ambikit.read(path)

    @pytest.mark.parametrize("kind", SOUNDS)
    def test_trailing_bytes_do_no_harm(self, tmp_path, kind):
        path = made(tmp_path, kind)
        whole = ambikit.read(path)[0]
        path.write_bytes(path.read_bytes() + b"a tag at the end" * 2)
        assert_array_equal(ambikit.read(path)[0], whole)

    def test_a_wav_from_a_pipe_has_no_length_and_is_read(self, tmp_path):
        path = made(tmp_path, "wav")
        whole, data = ambikit.read(path)[0], bytearray(path.read_bytes())
        data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
        assert data[36:40] == b"data"
        path.write_bytes(data)
        assert_array_equal(ambikit.read(path)[0], whole)

    def test_missing_empty_folder_garbage(self, tmp_path):
        (tmp_path / "empty.wav").write_bytes(b"")
        (tmp_path / "garbage.wav").write_bytes(np.random.default_rng(0).bytes(5000))
        (tmp_path / "page.mp4").write_text("#EXTM3U\nhttp://localhost/list.ts\n")
        expected = {"gone.wav": "nothing is there", "empty.wav": "empty", "garbage.wav": "starts with the bytes"}
        expected |= {"page.mp4": "starts with the bytes", ".": "a folder", "x" * 5000: "name of a sound file"}
        expected |= {"no\0name": "nothing is there"}
        for name, words in expected.items():
            with pytest.raises(FileError, match=words):
                ambikit.read(tmp_path / name)

    def test_devices_and_pipes_do_not_hang(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.wav")
        for path in (tmp_path / "pipe.wav", "/dev/zero"):
            with pytest.raises(FileError, match="not an ordinary file"):
                ambikit.read(path)

    def test_no_samples(self, tmp_path):
        soundfile.write(tmp_path / "a.wav", np.zeros((0, 4)), RATE)
        with pytest.raises(FileError, match="no samples"):
            ambikit.read(tmp_path / "a.wav")

    def test_huge_claims_cost_nothing(self, tmp_path):
        path = made(tmp_path, "flac")
        data = bytearray(path.read_bytes())
        data[21:26] = bytes([data[21] | 0x0F, 255, 255, 255, 255])  # 2**36 − 1 samples
        path.write_bytes(data)
        with pytest.raises(FileError, match="1024 GiB"):
            ambikit.read(path)
        data[21] &= 0xF0
        data[22:26] = struct.pack(">I", 2**29)  # 8 GiB: allowed, but not there
        path.write_bytes(data)
        with pytest.raises(FileError, match=r"sample|samples"):
            ambikit.read(path)

    def test_size_limit_holds_for_streams_without_a_length(self, tmp_path, monkeypatch):
        path = made(tmp_path, "opus.webm")
        monkeypatch.setattr(soundfiles, "MAXIMUM_SAMPLES", 1000)
        with pytest.raises(FileError, match="GiB"):
            ambikit.read(path)

    @pytest.mark.parametrize("kind", KINDS)
    def test_mutated_headers_end_in_sound_or_in_our_error(self, tmp_path, kind):
        """No crash, no hang, no foreign exception, whatever a few bytes say."""
        path = made(tmp_path, kind)
        data = path.read_bytes()
        ends = min(len(data) // 2, 1500)  # headers stand at the start, an MP4's index at the end
        place = st.integers(-ends, ends - 1)

        @given(st.lists(st.tuples(place, st.integers(0, 255)), min_size=1, max_size=6))
        def mutate(changes):
            changed = bytearray(data)
            for where, value in changes:
                changed[where] = value
            path.write_bytes(changed)
            with contextlib.suppress(AmbikitError), warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # a byte can make two streams of one
                describe_file(path)
                signal, rate = ambikit.read(path, channel_map=None)
                assert signal.dtype == np.float32
                assert signal.shape[0] > 0
                assert rate > 0

        mutate()


class TestDescriptions:
    def test_a_sound_file(self, tmp_path):
        soundfile.write(tmp_path / "a.wav", np.zeros((480, 4)), RATE, format="WAVEX", subtype="PCM_24")
        found = describe_file(tmp_path / "a.wav")
        assert (found.container, found.size, found.pictures) == ("wav", (tmp_path / "a.wav").stat().st_size, ())
        assert found.sounds == (soundfiles.StoredSound("PCM_24", 4, "quad", RATE, 480),)

    def test_a_video(self, tmp_path):
        path = write_media(tmp_path / "a.mov", "pcm_s16le", "stereo", tones(2), tones(4), picture=True)
        found = describe_file(path)
        assert [(s.codec, s.channels, s.frames) for s in found.sounds] == [
            ("pcm_s16le", 2, 24000),
            ("pcm_s16le", 4, 24000),
        ]
        assert found.pictures == ("64 x 32 mpeg4",)

    def test_a_silent_video(self, tmp_path):
        assert describe_file(write_media(tmp_path / "a.mp4", "aac", "quad", picture=True)).sounds == ()


@pytest.mark.recordings
class TestRecordings:
    def test_fuma(self, recordings):
        signal, rate = ambikit.read(recordings / "foa" / "BF_rec5_fuma.ogg", source="fuma")
        assert_allclose(first_order_ratio(signal, rate), 1.016, atol=0.001)

    def test_eigenmike_in_two_files(self, recordings):
        paths = [recordings / "hoa" / f"HOA3_rec1_{part}ch.ogg" for part in ("01-08", "09-16")]
        signal, rate = ambikit.read(paths, source="n3d")
        assert (signal.shape[0], rate) == (16, 44100)
        assert_allclose(first_order_ratio(signal[:4], rate), 0.961, atol=0.001)
        with pytest.raises(ShapeError, match="Read both files at once"):
            ambikit.read(paths[0])

    def test_caf(self, recordings):
        signal, rate = ambikit.read(recordings / "foa" / "AmbixMetronome.caf")
        assert_allclose(first_order_ratio(signal, rate), 1.0, atol=0.001)

    def test_wav_in_float(self, recordings):
        signal, rate = ambikit.read(recordings / "rir" / "gewandhaus_n3d.wav", source="n3d")
        assert_allclose(first_order_ratio(signal, rate), 1.010, atol=0.001)

    @pytest.mark.parametrize("end", ["m4a", "mp4"])
    def test_youtube(self, recordings, end):
        """The piano is at the left (azimuth 90°), the voice at the right (−90°), the gulls overhead."""
        with pytest.warns(UserWarning, match=r"channel_map=\[2, 1, 4, 0\]"):
            signal, rate = ambikit.read(recordings / "video360" / f"redownloaded_from_YT.{end}")
        assert_allclose(first_order_ratio(signal, rate), 0.986, atol=0.001)
        w, y, z, x = (c[: len(c) // 4096 * 4096].reshape(-1, 4096) for c in signal.astype(np.float64))
        assert np.sum(x * x) < 1e-6 * np.sum(y * y)  # all sources stand in the plane x = 0
        energy = np.sum(w * w, axis=1)
        heard = energy > 1e-3 * energy.max()
        to_the_left, upwards = (np.sum(w * d, axis=1)[heard] / energy[heard] for d in (y, z))
        assert to_the_left.max() > 0.9
        assert to_the_left.min() < -0.9
        assert upwards.max() > 0.9
        assert upwards.min() > 0.0

    def test_a_video_without_sound(self, recordings):
        with pytest.raises(FileError, match="holds no sound"):
            ambikit.read(recordings / "containers" / "testsrc_320x240_h264.mp4")

    def test_every_recording_is_described(self, recordings):
        paths = [p for p in recordings.glob("*/*") if p.suffix not in (".sofa", ".md")]
        assert len(paths) >= 15
        for path in paths:
            assert describe_file(path).size == path.stat().st_size


def test_the_installed_pyav_is_one_that_was_tried():
    assert 16 <= int(av.__version__.split(".")[0]) < 18
