"""Long files on the command line: processed block by block, equal to the whole, in memory that stays."""

import io
import re
import sys
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_allclose, assert_array_equal

import ambikit
from ambikit import plot
from ambikit.analysis import validity
from ambikit.cli import main, pictures, terminal
from ambikit.files.blocks import LENGTH
from tests.peak_memory import peak_of

RATE = 48000
FRAMES = 2 * LENGTH + 1003


def run(*arguments):
    return main([str(a) for a in arguments])


def noise(order, frames=FRAMES):
    return np.random.default_rng(order).standard_normal(((order + 1) ** 2, frames), dtype=np.float32)


@pytest.fixture(params=[1, 3, 6])
def scene(request, tmp_path):
    """A signal of three blocks, and its file."""
    signal = noise(request.param)
    soundfile.write(tmp_path / "scene.wav", signal.T, RATE, subtype="FLOAT")
    return signal, tmp_path / "scene.wav"


MEMORYLESS = {
    "convert": ((), lambda x: x),
    "convert --as n3d": (("--as", "n3d"), lambda x: ambikit.convert(x, "n3d", "ambix")),
    "rotate": (("--yaw", 30, "--pitch", 20), lambda x: ambikit.rotate(x, 30, 20, degrees=True)),
    "beamform": (("--azimuth", 40), lambda x: ambikit.beamform(x, 40, 0, degrees=True)[None]),
    "decode": (("--pattern", "cardioid"), lambda x: ambikit.decode_stereo(x, pattern="cardioid")),
    "decode --to": (("--to", "5.1.4"), lambda x: ambikit.decode_loudspeakers(x, "5.1.4")),
}


class TestBlocksAreTheWhole:
    @pytest.mark.parametrize("command", MEMORYLESS)
    def test_bit_for_bit_where_nothing_is_remembered(self, scene, tmp_path, command):
        signal, file = scene
        arguments, whole = MEMORYLESS[command]
        assert run(command.split()[0], file, tmp_path / "out.wav", *arguments) == 0
        written, rate = soundfile.read(tmp_path / "out.wav", dtype="float32", always_2d=True)
        assert rate == RATE
        assert_array_equal(written.T, whole(signal))

    def test_to_a_millionth_through_filters(self, scene, tmp_path):
        signal, file = scene
        assert run("decode", file, tmp_path / "out.wav", "--to", "binaural") == 0
        written, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
        whole = ambikit.decode_binaural(signal, RATE)
        assert written.T.shape == whole.shape
        assert_allclose(written.T, whole, rtol=0, atol=1e-6 * np.abs(whole).max())

    def test_split_channels_and_a_choice_of_them(self, tmp_path):
        signal = noise(3)
        soundfile.write(tmp_path / "a.wav", signal[:8].T, RATE, subtype="FLOAT")
        soundfile.write(tmp_path / "b.wav", signal[8:].T, RATE, subtype="FLOAT")
        files = (tmp_path / "a.wav", tmp_path / "out.wav", "--and", tmp_path / "b.wav")
        assert run("convert", *files) == 0
        assert_array_equal(ambikit.read(tmp_path / "out.wav")[0], signal)
        assert run("convert", *files, "--channels", "3,9,0,15", "--overwrite") == 0
        assert_array_equal(ambikit.read(tmp_path / "out.wav")[0], signal[[3, 9, 0, 15]])

    def test_resampled_as_the_whole_is(self, tmp_path):
        soundfile.write(tmp_path / "a.wav", noise(1).T, RATE, subtype="FLOAT")
        assert run("convert", tmp_path / "a.wav", tmp_path / "out.wav", "--sample-rate", 32000) == 0
        written, rate = ambikit.read(tmp_path / "out.wav")
        assert rate == 32000
        assert_array_equal(written, ambikit.read(tmp_path / "a.wav", sample_rate=32000)[0])


class TestVerdictsAndPictures:
    """What looks at the whole of a recording does so block by block."""

    @pytest.mark.parametrize("order", [1, 3])
    def test_check_has_the_report_of_the_whole(self, monkeypatch, tmp_path, order):
        signal = noise(order, 700_000) * np.linspace(0.01, 1, 700_000, dtype=np.float32)
        soundfile.write(tmp_path / "a.wav", signal.T, RATE, subtype="FLOAT")
        reports = []
        check_in_blocks = validity.check_in_blocks
        monkeypatch.setattr(
            validity, "check_in_blocks", lambda *a, **k: reports.append(check_in_blocks(*a, **k)) or reports[-1]
        )
        assert run("check", tmp_path / "a.wav") == 1
        monkeypatch.undo()
        assert reports == [ambikit.check_foa(signal[:4], RATE)]  # to the last bit of its figures

    @pytest.mark.parametrize("kind", ["energy", "energy-over-time", "spectrum"])
    def test_pictures_of_the_whole(self, monkeypatch, tmp_path, kind):
        signal = noise(1) * np.float32([[1], [0.6], [0], [0.3]])
        file, drawn = tmp_path / "a.wav", []
        soundfile.write(file, signal.T, RATE, subtype="FLOAT")
        monkeypatch.setattr(pictures, "save", lambda axes, *_: drawn.append(axes) or 0)
        assert run("plot", kind, file, tmp_path / "a.png") == 0
        if kind == "spectrum":
            levels, expected = (
                [line.get_ydata() for line in axes.lines] for axes in (drawn[0], plot.channel_spectra(signal, RATE))
            )
        else:
            draw = {"energy": plot.energy_map, "energy-over-time": lambda x: plot.energy_over_time(x, RATE)}[kind]
            levels, expected = (axes.images[-1].get_array() for axes in (drawn[0], draw(signal)))
        assert np.ptp(expected) > 0.1
        assert_allclose(levels, expected, rtol=0, atol=1e-9)
        plot.pyplot().close("all")

    def test_what_is_no_number_is_counted_to_the_end(self, tmp_path, capsys):
        signal = noise(1)
        signal[2, [7, LENGTH + 7, FRAMES - 1]] = np.nan, np.inf, np.nan
        soundfile.write(tmp_path / "a.wav", signal.T, RATE, subtype="FLOAT")
        for kind in ("energy", "energy-over-time", "spectrum"):
            assert run("plot", kind, tmp_path / "a.wav", tmp_path / "a.png") == 2
            said = capsys.readouterr().err
            assert "with 3 samples that are NaN or infinite" in said
            assert said.count("\n") == 1
        assert not (tmp_path / "a.png").exists()

    @pytest.mark.parametrize(
        "command",
        [
            "check",
            "convert OUT.wav --sample-rate 44100",
            "plot energy OUT.png",
            "plot energy-over-time OUT.png",
            "plot spectrum OUT.png",
        ],
    )
    def test_memory_does_not_grow(self, monkeypatch, tmp_path, command):
        """For 24 s and for 60 s, which differ by 26 MiB as an array; pictures are the same whatever the length."""
        monkeypatch.setattr(pictures, "save", lambda *_: plot.pyplot().close("all") or 0)

        def peak(seconds):
            file = tmp_path / f"{seconds}.wav"
            second = 0.1 * noise(1, RATE).T
            with soundfile.SoundFile(file, "w", RATE, 4, "PCM_16") as sound:
                for _ in range(seconds):
                    sound.write(second)
            words = command.replace("OUT", str(tmp_path / f"out{seconds}")).split()
            place = 2 if words[0] == "plot" else 1
            tracemalloc.start()
            assert run(*words[:place], file, *words[place:]) in (0, 1)
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return most

        peak(1)  # what is imported and designed
        assert peak(60) - peak(24) < 4e6


class TestFailureOnTheWay:
    def test_damage_in_a_late_block_leaves_the_older_file(self, tmp_path, capsys):
        """A FLAC file cut in its last third: its header is whole, so the first blocks are written before it shows."""
        soundfile.write(tmp_path / "a.flac", 0.1 * noise(1).T, RATE)
        data = (tmp_path / "a.flac").read_bytes()
        (tmp_path / "a.flac").write_bytes(data[: len(data) * 5 // 6])
        (tmp_path / "out.wav").write_bytes(b"precious")
        assert run("rotate", tmp_path / "a.flac", tmp_path / "out.wav", "--yaw", 90, "--overwrite") == 2
        assert re.search(r"a\.flac, which (cannot be decoded beyond|ends after)", capsys.readouterr().err)
        assert (tmp_path / "out.wav").read_bytes() == b"precious"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.flac", "out.wav"]

    def test_nan_in_a_late_block_is_refused_by_integer_formats(self, tmp_path, capsys):
        signal = noise(1)
        signal[2, LENGTH + 7] = np.nan
        soundfile.write(tmp_path / "a.wav", signal.T, RATE, subtype="FLOAT")
        assert run("convert", tmp_path / "a.wav", tmp_path / "out.flac") == 2
        assert "NaN" in capsys.readouterr().err
        assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]

    def test_clipping_is_told_once_with_the_largest_sample_of_all_blocks(self, tmp_path, capsys):
        signal = np.zeros((4, FRAMES), np.float32)
        signal[0, 5], signal[0, -5] = 2.0, -4.0
        soundfile.write(tmp_path / "a.wav", signal.T, RATE, subtype="FLOAT")
        assert run("convert", tmp_path / "a.wav", tmp_path / "out.flac") == 0
        error = capsys.readouterr().err
        assert error.count("full scale") == 1
        assert "reaches 4 times full scale" in error


class Terminal(io.StringIO):
    def isatty(self):
        return True


class TestProgress:
    @pytest.mark.parametrize(("seconds", "shown"), [(29, False), (31, True)])
    def test_a_bar_for_long_sounds_on_a_terminal(self, monkeypatch, seconds, shown):
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys, "stderr", Terminal())
        sound = SimpleNamespace(frames=seconds * RATE, sample_rate=RATE)
        with terminal.progress("[scene].wav", sound) as advance:
            advance(seconds * RATE)
        assert ("[scene].wav" in sys.stderr.getvalue()) is shown
        assert ("100%" in sys.stderr.getvalue()) is shown

    def test_none_elsewhere(self, capsys):
        with terminal.progress("scene.wav", SimpleNamespace(sample_rate=RATE)) as advance:  # and nothing is counted
            advance(RATE)
        assert capsys.readouterr().err == ""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read in /proc")
def test_memory_does_not_grow_with_the_file(tmp_path):
    """The peak of a process for 5 s and for 60 s of third order, which are 15 MiB and 184 MiB as an array."""
    peaks = []
    for seconds in (5, 60):
        file = tmp_path / f"{seconds}.wav"
        with soundfile.SoundFile(file, "w", RATE, 16, "FLOAT") as sound:
            for _ in range(seconds):
                sound.write(np.zeros((RATE, 16), np.float32))
        peaks.append(peak_of("rotate", file, tmp_path / f"out_{seconds}.wav", "--yaw", "90")[0])
    assert abs(peaks[1] - peaks[0]) < 50, peaks
