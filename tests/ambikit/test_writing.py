"""Writing: what comes out again, what the bytes say, and that a file is there whole or not at all."""

import os
import struct
import subprocess
import sys
import warnings

import numpy as np
import pytest
import soundfile
import torch
from numpy.testing import assert_allclose, assert_array_equal

import ambikit
from ambikit.errors import AmbikitError, ArrayTypeError, FileError, ShapeError
from ambikit.files import writing
from ambikit.files.containers import container_of, speaker_mask
from ambikit.files.replacing import replacing
from tests.media_files import RATE, direction_of, source_at, tone_order, tones

FROM = (60.0, 30.0)


def wav_header(path):
    """Format tag, channels and (of WAVE_FORMAT_EXTENSIBLE) the loudspeaker mask, read by hand."""
    data = path.read_bytes()[:200]
    start = data.index(b"fmt ") + 8
    tag, channels = struct.unpack("<HH", data[start : start + 4])
    return data[:4], tag, channels, struct.unpack("<I", data[start + 20 : start + 24])[0] if tag == 0xFFFE else None


class TestFormats:
    @pytest.mark.parametrize(
        ("name", "subtype", "error"),
        [
            ("a.wav", None, 0.0),
            ("a.WAV", "PCM_16", 2**-15),
            ("a.wav", "PCM_24", 2**-23),
            ("a.caf", None, 0.0),
            ("a.flac", None, 2**-23),
            ("a.flac", "PCM_16", 2**-15),
        ],
    )
    def test_another_reader_finds_the_samples(self, tmp_path, name, subtype, error):
        signal = source_at(*FROM)
        ambikit.write(tmp_path / name, signal, RATE, subtype=subtype)
        stored, rate = soundfile.read(tmp_path / name, dtype="float32")
        assert rate == RATE
        assert_allclose(stored.T, signal, rtol=0, atol=error)

    def test_ogg_keeps_direction_and_length(self, tmp_path):
        """Long enough for the sizes at which libsndfile's Vorbis overflows its stack in one piece."""
        signal = np.tile(source_at(*FROM, seconds=1.0), 20)
        ambikit.write(tmp_path / "a.ogg", signal, RATE)
        read, _ = ambikit.read(tmp_path / "a.ogg")
        assert read.shape == signal.shape
        assert_allclose(direction_of(read), FROM, atol=3.0)

    def test_sixteen_channels(self, tmp_path):
        for name in ("a.wav", "a.caf"):
            ambikit.write(tmp_path / name, tones(16), RATE)
            assert_array_equal(soundfile.read(tmp_path / name, dtype="float32")[0].T, tones(16))
        ambikit.write(tmp_path / "a.ogg", tones(16), RATE)
        assert tone_order(ambikit.read(tmp_path / "a.ogg")[0]) == list(range(16))

    def test_double_precision(self, tmp_path):
        signal = source_at(*FROM).astype(np.float64) / 3
        ambikit.write(tmp_path / "a.wav", signal, RATE, subtype="DOUBLE")
        assert_array_equal(soundfile.read(tmp_path / "a.wav")[0].T, signal)

    def test_stereo_and_mono_pass(self, tmp_path):
        for channels in (1, 2):
            ambikit.write(tmp_path / "a.wav", tones(channels), RATE)
            assert soundfile.info(tmp_path / "a.wav").channels == channels


class TestHeader:
    @pytest.mark.parametrize("subtype", ["FLOAT", "PCM_16", "PCM_24"])
    def test_wav_names_no_loudspeakers(self, tmp_path, subtype):
        ambikit.write(tmp_path / "a.wav", source_at(*FROM), RATE, subtype=subtype)
        assert wav_header(tmp_path / "a.wav") == (b"RIFF", 3 if subtype == "FLOAT" else 1, 4, None)

    def test_beyond_four_gigabytes_it_is_rf64_without_loudspeakers(self, tmp_path, monkeypatch):
        monkeypatch.setattr(writing, "LARGEST_WAV", 1000)
        signal, path = source_at(*FROM), tmp_path / "a.wav"
        ambikit.write(path, signal, RATE)
        assert wav_header(path) == (b"RF64", 0xFFFE, 4, 0)
        assert speaker_mask(path, container_of(path)) == 0
        assert_array_equal(ambikit.read(path)[0], signal)

    def test_the_mask_of_others_is_seen(self, tmp_path):
        soundfile.write(tmp_path / "a.wav", np.zeros((9, 4)), RATE, format="WAVEX")
        assert wav_header(tmp_path / "a.wav")[3] == speaker_mask(tmp_path / "a.wav", "wav") == 0x33


class TestConventions:
    def test_fuma(self, tmp_path):
        w, y, z, x = source_at(*FROM)
        ambikit.write(tmp_path / "a.wav", np.stack([w, y, z, x]), RATE, target="fuma")
        stored, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
        assert_allclose(stored.T, [w / np.sqrt(2), x, y, z], atol=1e-7)

    def test_n3d(self, tmp_path):
        signal = source_at(*FROM)
        ambikit.write(tmp_path / "a.caf", signal, RATE, target=ambikit.N3D)
        stored, _ = soundfile.read(tmp_path / "a.caf", dtype="float32")
        assert_allclose(stored.T, signal * np.sqrt([[1], [3], [3], [3]]), atol=1e-7)

    def test_no_convention_for_stereo(self, tmp_path):
        with pytest.raises(AmbikitError, match="2 channels"):
            ambikit.write(tmp_path / "a.wav", tones(2), RATE, target="fuma")
        assert not list(tmp_path.iterdir())


class TestArrays:
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
    def test_tensors(self, tmp_path, dtype):
        tensor = torch.tensor(source_at(*FROM)).to(getattr(torch, dtype)).requires_grad_()
        ambikit.write(tmp_path / "a.wav", tensor, RATE)
        assert_array_equal(ambikit.read(tmp_path / "a.wav")[0], tensor.detach().float().numpy())

    def test_views_and_half_precision(self, tmp_path):
        signal = source_at(*FROM).astype(np.float16)[:, ::-1]
        ambikit.write(tmp_path / "a.wav", signal, RATE)
        assert_array_equal(ambikit.read(tmp_path / "a.wav")[0], signal.astype(np.float32))

    def test_one_time_series_is_one_channel(self, tmp_path):
        beam = ambikit.beamform(source_at(30, 0), 30, 0, degrees=True)
        for name, series in (("a.wav", beam), ("b.wav", torch.from_numpy(beam))):
            ambikit.write(tmp_path / name, series, RATE)
            assert_array_equal(ambikit.read(tmp_path / name)[0], beam[None])

    def test_a_tensor_elsewhere_is_refused(self, tmp_path):
        with pytest.raises(ArrayTypeError, match=r"signal\.cpu\(\)"):
            ambikit.write(tmp_path / "a.wav", torch.zeros(4, 9, device="meta"), RATE)

    @pytest.mark.parametrize("shape", [(), (0,), (2, 4, 9), (4, 0), (0, 9), (48000, 4)])
    def test_shapes(self, tmp_path, shape, no_shape_hook):
        with pytest.raises(ShapeError, match=r"expected \(channels, time\)"):
            ambikit.write(tmp_path / "a.wav", np.zeros(shape), RATE)

    def test_integers(self, tmp_path, no_shape_hook):
        with pytest.raises(ArrayTypeError, match="32768"):
            ambikit.write(tmp_path / "a.wav", np.zeros((4, 9), np.int16), RATE)

    @pytest.mark.parametrize("rate", [0, 44100.5, 2**31, "fast"])
    def test_rates(self, tmp_path, rate):
        with pytest.raises(AmbikitError, match="Hz"):
            ambikit.write(tmp_path / "a.wav", np.zeros((4, 9)), rate)


class TestRange:
    def test_float_files_never_clip(self, tmp_path):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ambikit.write(tmp_path / "a.wav", np.float32([[3.5, -7.25]]), RATE)
        assert ambikit.read(tmp_path / "a.wav")[0].tolist() == [[3.5, -7.25]]

    @pytest.mark.parametrize(("name", "subtype"), [("a.flac", None), ("a.wav", "PCM_16")])
    def test_integer_files_clip_with_a_warning(self, tmp_path, name, subtype):
        with pytest.warns(UserWarning, match=r"reaches 7\.25 times full scale and is clipped"):
            ambikit.write(tmp_path / name, np.float32([[3.5, -7.25, 0.5]]), RATE, subtype=subtype)
        assert_allclose(ambikit.read(tmp_path / name)[0], [[1.0, -1.0, 0.5]], atol=1e-4)

    def test_nan_stays_in_float_and_is_refused_elsewhere(self, tmp_path):
        signal = np.float32([[0.5, np.nan], [0.25, np.inf]])
        ambikit.write(tmp_path / "a.wav", signal, RATE)
        assert_array_equal(ambikit.read(tmp_path / "a.wav", channel_map=None)[0], signal)
        for name in ("a.flac", "a.ogg"):
            with pytest.raises(AmbikitError, match="NaN or infinite"):
                ambikit.write(tmp_path / name, signal, RATE)


class TestRefusals:
    @pytest.mark.parametrize("name", ["a.mp3", "a", "a.wave", ".wav"])
    def test_endings(self, tmp_path, name):
        with pytest.raises(FileError, match=r"\.wav, \.caf, \.flac, \.ogg"):
            ambikit.write(tmp_path / name, tones(4), RATE)

    def test_flac_has_eight_channels(self, tmp_path):
        with pytest.raises(FileError, match="9 channels.*at most 8"):
            ambikit.write(tmp_path / "a.flac", tones(9), RATE)

    def test_vorbis_has_255_channels(self, tmp_path):
        with pytest.raises(FileError, match="256 channels.*at most 255"):
            ambikit.write(tmp_path / "a.ogg", tones(256), RATE)
        assert not list(tmp_path.iterdir())

    def test_vorbis_whose_order_readers_disagree_on(self, tmp_path):
        with pytest.raises(FileError, match="disagree on the order of 8"):
            ambikit.write(tmp_path / "a.ogg", tones(8), RATE)

    def test_subtypes(self, tmp_path):
        with pytest.raises(AmbikitError, match=r"for \.flac.*PCM_16.*PCM_24"):
            ambikit.write(tmp_path / "a.flac", tones(4), RATE, subtype="FLOAT")

    def test_a_rate_the_format_does_not_know(self, tmp_path):
        with pytest.raises(FileError, match="rate"):
            ambikit.write(tmp_path / "a.flac", tones(4), 2_000_000)
        assert not list(tmp_path.iterdir())

    def test_folders(self, tmp_path):
        (tmp_path / "a.wav").mkdir()
        with pytest.raises(FileError, match="not an ordinary file"):
            ambikit.write(tmp_path / "a.wav", tones(4), RATE)
        with pytest.raises(FileError, match="make it first"):
            ambikit.write(tmp_path / "gone" / "a.wav", tones(4), RATE)


class TestWholeOrNotAtAll:
    def test_an_older_file_is_replaced_and_nothing_else_is_left(self, tmp_path):
        for signal in (tones(4), source_at(*FROM)):
            ambikit.write(tmp_path / "a.wav", signal, RATE)
        assert_array_equal(ambikit.read(tmp_path / "a.wav")[0], source_at(*FROM))
        assert os.listdir(tmp_path) == ["a.wav"]

    def test_permissions_are_those_of_a_new_file(self, tmp_path):
        ambikit.write(tmp_path / "a.wav", tones(4), RATE)
        (tmp_path / "plain").write_bytes(b"")
        assert (tmp_path / "a.wav").stat().st_mode == (tmp_path / "plain").stat().st_mode

    def test_a_link_keeps_pointing(self, tmp_path):
        ambikit.write(tmp_path / "real.wav", tones(4), RATE)
        (tmp_path / "link.wav").symlink_to(tmp_path / "real.wav")
        ambikit.write(tmp_path / "link.wav", source_at(*FROM), RATE)
        assert (tmp_path / "link.wav").is_symlink()
        assert_array_equal(ambikit.read(tmp_path / "real.wav")[0], source_at(*FROM))

    @pytest.mark.parametrize("name", ["a.wav", "a.caf", "a.flac", "a.ogg"])
    def test_a_full_disk_leaves_the_older_file(self, tmp_path, name):
        """The system refuses to let a file grow beyond 20 kB, as a full disk would."""
        ambikit.write(tmp_path / name, source_at(*FROM, seconds=0.05), RATE)
        before = (tmp_path / name).read_bytes()
        assert len(before) < 100_000
        code = f"""
import resource, signal
import ambikit
from tests.media_files import source_at
import ambikit.geometry.conventions, soundfile
longer = source_at(0, 0, seconds=20.0)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
try:
    ambikit.write({str(tmp_path / name)!r}, longer, 48000)
except ambikit.FileError as error:
    assert "room on" in str(error), error
else:
    raise SystemExit("no error")
"""
        root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
        result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        assert (tmp_path / name).read_bytes() == before
        assert os.listdir(tmp_path) == [name]

    @pytest.mark.parametrize("broken", ["write", "replace"])
    def test_any_failure_leaves_the_older_file(self, tmp_path, monkeypatch, broken):
        ambikit.write(tmp_path / "a.wav", tones(4), RATE)

        def fail(*_):
            raise OSError(28, "No space left on device")

        if broken == "write":
            monkeypatch.setattr(soundfile.SoundFile, "write", fail)
        else:
            monkeypatch.setattr(os, "replace", fail)
        with pytest.raises(FileError, match="No space left on device"):
            ambikit.write(tmp_path / "a.wav", source_at(*FROM), RATE)
        assert_array_equal(ambikit.read(tmp_path / "a.wav")[0], tones(4))
        assert os.listdir(tmp_path) == ["a.wav"]

    def test_other_exceptions_clean_up_too(self, tmp_path):
        def interrupted():
            with replacing(tmp_path / "note") as temporary:
                temporary.write_text("half")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert os.listdir(tmp_path) == []
