"""``ambikit analyse``: what it finds in sounds that were placed, what it writes, and what it refuses."""

import csv
import json
import re
import sys
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_allclose

from ambikit.cli import main
from ambikit.cli.segments import findings_of, segment_edges
from ambikit.files.blocks import LENGTH
from tests.peak_memory import peak_of

RATE = 16000


def run(*arguments):
    return main([str(a) for a in arguments])


def gains(azimuth, elevation):
    """W, Y, Z, X of a direction in degrees, written out by hand."""
    azimuth, elevation = np.radians([azimuth, elevation])
    return np.array([1.0, np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])


def noise(seconds, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def write(path, signal, rate=RATE):
    soundfile.write(path, np.asarray(signal).T, rate, subtype="FLOAT")
    return path


@pytest.fixture
def jump(tmp_path):
    """Noise from the left for two seconds, then from the front, 20° up, at half the amplitude, then silence."""
    parts = [
        np.outer(gains(90, 0), noise(2)),
        np.outer(gains(0, 20), 0.5 * noise(2, 1)),
        np.zeros((4, RATE)),
    ]
    return write(tmp_path / "jump.wav", np.concatenate(parts, axis=1))


def analysed(path, *options):
    assert run("analyse", path, "--json", path.with_suffix(".json"), "--overwrite", *options) == 0
    return json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


class TestFindings:
    def test_a_source_that_jumps_from_left_to_front(self, jump):
        found = analysed(jump)
        assert [(s["start_s"], s["end_s"]) for s in found["segments"]] == [(n, n + 1) for n in range(5)]
        for segment, (azimuth, elevation) in zip(found["segments"], [(90, 0), (90, 0), (0, 20), (0, 20)]):
            (source,) = segment["sources"]
            assert source["azimuth_degrees"] == pytest.approx(azimuth, abs=0.5)
            assert source["elevation_degrees"] == pytest.approx(elevation, abs=0.5)
            assert source["strength"] > 0.9
            assert segment["diffuseness"] == pytest.approx(0, abs=1e-5)
        assert found["segments"][4]["sources"] == []
        assert found["segments"][4]["level_dbfs"] is found["segments"][4]["diffuseness"] is None

    def test_levels_are_those_of_w_against_a_square_wave_of_full_scale(self, jump):
        stored, _ = soundfile.read(jump)
        found = analysed(jump, "--frequencies", 900, 1000)
        for segment in found["segments"][:4]:
            part = stored[round(segment["start_s"] * RATE) : round(segment["end_s"] * RATE), 0]
            assert segment["level_dbfs"] == pytest.approx(10 * np.log10(np.mean(part**2)), abs=1e-3)
        assert found["level_dbfs"] == pytest.approx(10 * np.log10(np.mean(stored[:, 0] ** 2)), abs=1e-3)

    def test_the_energy_map_is_loudest_where_the_source_is(self, tmp_path):
        path = write(tmp_path / "a.wav", np.outer(gains(-120, 30), noise(1)))
        found = analysed(path)["energy_map"]
        row, column = np.unravel_index(np.argmax(found["level_db"]), np.shape(found["level_db"]))
        assert (found["azimuth_degrees"][column], found["elevation_degrees"][row]) == (-120, 30)
        assert found["level_db"][row][column] == 0
        # opposite: the max-rE beam of first order, 1 + √3 cos γ
        opposite = found["level_db"][found["elevation_degrees"].index(-30)][found["azimuth_degrees"].index(60)]
        assert opposite == pytest.approx(20 * np.log10((np.sqrt(3) - 1) / (np.sqrt(3) + 1)), abs=1e-3)

    def test_two_sources_in_the_order_of_their_strength(self, tmp_path):
        """Two noises that take turns, 0.4 s the one and 0.2 s the other."""
        pattern = np.resize(np.repeat([1.0, 0.0], [6400, 3200]), 2 * RATE)
        signal = np.outer(gains(-60, 0), pattern * noise(2)) + np.outer(gains(60, 45), (1 - pattern) * noise(2, 1))
        for segment in analysed(write(tmp_path / "a.wav", signal), "--sources", 2)["segments"]:
            angles = [(s["azimuth_degrees"], s["elevation_degrees"]) for s in segment["sources"]]
            assert_allclose(angles, [(-60, 0), (60, 45)], atol=2)

    def test_sources_are_counted_from_second_order_on(self, tmp_path):
        from ambikit import encode

        signal = encode(noise(1), 90, 0, 2, degrees=True) + encode(noise(1, 1), -45, 30, 2, degrees=True)
        signal = np.concatenate([signal, encode(noise(1, 2), 10, -10, 2, degrees=True)], axis=1)
        signal += 1e-3 * np.random.default_rng(3).standard_normal(signal.shape)
        two, one = analysed(write(tmp_path / "a.wav", signal), "--sources", "auto")["segments"]
        assert len(one["sources"]) == 1
        assert one["sources"][0]["azimuth_degrees"] == pytest.approx(10, abs=1)
        assert 1 <= len(two["sources"]) <= 2

    def test_diffuseness_of_noise_from_everywhere_and_of_two_sides(self, tmp_path):
        """Independent noise from 50 directions; and left against right as loud, whose flows cancel over the segment."""
        golden = np.arange(50) * 180 * (3 - np.sqrt(5))
        elevation = np.degrees(np.arcsin(np.linspace(-0.98, 0.98, 50)))
        around = sum(np.outer(gains(a, e), noise(2, n)) for n, (a, e) in enumerate(zip(golden, elevation)))
        sides = np.outer(gains(90, 0), noise(2)) + np.outer(gains(-90, 0), noise(2, 1))
        for signal in (around, sides):
            for segment in analysed(write(tmp_path / "a.wav", signal))["segments"]:
                assert 0.8 < segment["diffuseness"] <= 1

    def test_loud_frequencies_and_segments_weigh_more(self, tmp_path):
        """A loud wave beside faint diffuse sound is not diffuse."""
        faint = 1e-3 * np.random.default_rng(1).standard_normal((4, RATE))
        signal = np.concatenate([faint, np.outer(gains(30, 0), noise(1))], axis=1)
        found = analysed(write(tmp_path / "a.wav", signal))
        assert found["segments"][0]["diffuseness"] > 0.7
        assert found["diffuseness"] < 0.01

    def test_only_the_frequencies_that_are_asked_for(self, tmp_path):
        time = np.arange(2 * RATE) / RATE
        low, high = np.sin(2 * np.pi * 300 * time), np.sin(2 * np.pi * 3000 * time)
        path = write(tmp_path / "a.wav", 0.1 * (np.outer(gains(90, 0), low) + np.outer(gains(-90, 0), high)))
        for limits, azimuth in (((200, 400), 90), ((2800, 3200), -90)):
            for segment in analysed(path, "--frequencies", *limits)["segments"]:
                assert segment["sources"][0]["azimuth_degrees"] == pytest.approx(azimuth, abs=1)

    def test_other_conventions_and_levels_give_the_same(self, jump, tmp_path):
        stored, _ = soundfile.read(jump)
        w, y, z, x = 1e-4 * stored.T
        other = write(tmp_path / "fuma.wav", np.stack([w / np.sqrt(2), x, y, z]))
        narrow = ("--frequencies", 900, 1900)
        one, two = analysed(jump, *narrow), analysed(other, *narrow, "--as", "FuMa")
        assert two["as"] == "fuma"
        for first, second in zip(one["segments"], two["segments"]):
            for a, b in zip(first["sources"], second["sources"], strict=True):
                assert_allclose(list(a.values()), list(b.values()), atol=0.01)
        assert one["level_dbfs"] - two["level_dbfs"] == pytest.approx(80, abs=1e-3)


class TestSegments:
    @pytest.mark.parametrize(("length", "count"), [(0.1, 50), (0.3, 17), (1, 5), (2, 2), (60, 1)])
    def test_segments_fill_the_time(self, jump, length, count):
        segments = analysed(jump, "--segment", length, "--frequencies", 900, 1000)["segments"]
        assert len(segments) == count
        assert segments[0]["start_s"] == 0
        assert segments[-1]["end_s"] == 5
        assert all(a["end_s"] == b["start_s"] for a, b in pairwise(segments))

    def test_odd_lengths_do_not_drift(self):
        edges = segment_edges(44100 * 3600, 44100, 0.12345)
        assert np.abs(np.array(edges[:-1]) - np.arange(len(edges) - 1) * 0.12345 * 44100).max() <= 0.5
        assert edges[-1] == 44100 * 3600

    @pytest.mark.parametrize("length", [777, 16000, 50000, 80000])
    def test_how_the_file_is_cut_into_blocks_does_not_matter(self, jump, length):
        signal = soundfile.read(jump, dtype="float32")[0].T
        edges = segment_edges(signal.shape[1], RATE, 0.7)
        blocks = [signal[:, start : start + length] for start in range(0, signal.shape[1], length)]
        whole, cut = (findings_of(each, edges, RATE, 1, (900, 1000)) for each in ([signal], blocks))
        assert str(whole.segments) == str(cut.segments)
        assert (whole.covariance == cut.covariance).all()


class TestOutputs:
    def test_the_table(self, jump, capsys):
        assert run("analyse", jump) == 0
        out = capsys.readouterr().out
        assert re.search(r"1\.00 +2\.00 +−20\.\d +0\.00 +90° +0° +0\.\d\d", out)
        assert re.search(r"2\.00 +3\.00 +−26\.\d +0\.00 +0° +20° +", out)
        assert re.search(r"4\.00 +5\.00 +−∞ +– +– +– +–", out)
        assert "left 0.0" in out or "left −" in out

    def test_long_tables_end_with_the_way_to_the_rest(self, jump, tmp_path, capsys):
        assert run("analyse", jump, "--segment", 0.1, "--frequencies", 900, 1000) == 0
        assert "and 10 rows more: write them with --csv" in capsys.readouterr().out

    def test_csv_has_a_row_per_source(self, jump, tmp_path):
        assert run("analyse", jump, "--csv", tmp_path / "a.csv") == 0
        with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 5
        assert float(rows[0]["azimuth_degrees"]) == pytest.approx(90, abs=0.5)
        assert float(rows[3]["elevation_degrees"]) == pytest.approx(20, abs=0.5)
        assert [row["source"] for row in rows] == ["1"] * 4 + [""]
        assert rows[4]["level_dbfs"] == rows[4]["strength"] == ""

    def test_the_picture_shows_the_jump(self, jump, tmp_path):
        """Bright at the height of left in the first part of the time, at that of front in the second."""
        from matplotlib.image import imread

        assert run("analyse", jump, "--picture", tmp_path / "a.png") == 0
        picture = imread(tmp_path / "a.png")[..., :3]
        rows = picture.shape[0]
        yellow = (picture[: rows // 4, : picture.shape[1] * 4 // 5] * [1, 1, -1]).sum(-1) > 1.2
        height, place = np.nonzero(yellow)
        middle = np.median(place)
        early, late = height[place < middle - 50], height[place > middle + 50]
        assert len(early) > 100 < len(late)
        assert early.max() < late.min()

    def test_what_is_there_stays_unless_asked(self, jump, tmp_path, capsys):
        (tmp_path / "a.csv").write_text("precious")
        assert run("analyse", jump, "--csv", tmp_path / "a.csv", "--json", tmp_path / "a.json") == 2
        assert "exists already" in capsys.readouterr().err
        assert (tmp_path / "a.csv").read_text() == "precious"
        assert not (tmp_path / "a.json").exists()
        assert run("analyse", jump, "--csv", jump) == 2
        assert "is the input itself" in capsys.readouterr().err
        assert run("analyse", jump, "--csv", tmp_path / "b", "--json", tmp_path / "b") == 2
        assert "more than once" in capsys.readouterr().err
        assert run("analyse", jump, "--picture", tmp_path / "b.jpg") == 2
        assert ".png, .pdf or .svg" in capsys.readouterr().err


class TestRefused:
    @pytest.mark.parametrize(
        ("signal", "words"),
        [
            (noise(1)[None], "one channel"),
            (np.stack([noise(1), noise(1, 1)]), "A stereo file is not Ambisonics"),
            (np.zeros((4, RATE)), "which is silent"),
            (np.outer(gains(0, 0), noise(0.05)), "0.050 s of sound; expected at least 0.1 s"),
            (np.outer(gains(0, 0), np.where(np.arange(RATE) == 99, np.nan, 0.1)), "4 samples that are NaN"),
        ],
    )
    def test_sounds_without_directions(self, tmp_path, capsys, signal, words):
        path = write(tmp_path / "a.wav", signal)
        assert run("analyse", path, "--json", tmp_path / "a.json") == 2
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
        assert not (tmp_path / "a.json").exists()

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (("--sources", "auto"), "expected order 2 or more"),
            (("--sources", "0"), "--sources 0; expected a whole number"),
            (("--sources", "two"), "--sources two"),
            (("--segment", "0.01"), "--segment 0.01; expected seconds from 0.1 to 60"),
            (("--segment", "nan"), "--segment nan"),
            (("--segment", "3600"), "--segment 3600"),
            (("--frequencies", "4000", "500"), "the lower one first"),
            (("--frequencies", "9000", "10000"), "below half the sample rate, 8000 Hz"),
            (("--frequencies", "505", "506"), "wider than 31.25 Hz"),
            (("--as", "banana"), "got --as banana"),
        ],
    )
    def test_options(self, jump, capsys, options, words):
        assert run("analyse", jump, *options) == 2
        assert words in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read in /proc")
def test_memory_does_not_grow_with_the_file_and_torch_stays_out(tmp_path):
    """The peak of a process for 5 s and for 30 s of third order, which are 15 MiB and 92 MiB as an array."""
    block = np.float32(0.1) * np.random.default_rng(0).standard_normal((48000, 16), dtype=np.float32)
    peaks = []
    for seconds in (5, 30):
        assert seconds * 48000 > LENGTH
        with soundfile.SoundFile(tmp_path / f"{seconds}.wav", "w", 48000, 16, "FLOAT") as sound:
            for _ in range(seconds):
                sound.write(block)
        peak, with_torch = peak_of("analyse", tmp_path / f"{seconds}.wav", "--frequencies", "900", "1000")
        peaks.append(peak)
        assert not with_torch
    assert abs(peaks[1] - peaks[0]) < 50, peaks


@pytest.mark.recordings
class TestRecordings:
    def test_a_band_in_front(self, recordings, tmp_path):
        """BF_rec5: one place in front and below, for all of its 18 seconds (its mean intensity: 10°, −20°)."""
        path = recordings / "foa/BF_rec5_fuma.ogg"
        assert run("analyse", path, "--as", "fuma", "--segment", 3, "--json", tmp_path / "a.json") == 0
        found = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
        assert len(found["segments"]) == 6
        for segment in found["segments"]:
            (source,) = segment["sources"]
            assert abs(source["azimuth_degrees"]) < 15
            assert -25 < source["elevation_degrees"] < 0
            assert 0.1 < segment["diffuseness"] < 0.6

    def test_piano_at_the_left_voice_at_the_right_and_gulls_above(self, recordings, tmp_path):
        """Of the video: below 2 kHz the gulls leave the piano and the voice to be found, at ±90°."""
        pytest.importorskip("av")
        path, options = recordings / "video360/redownloaded_from_YT.m4a", ("--sources", 3, "--segment", 3)
        options += ("--frequencies", 100, 2000, "--channels", "2,1,4,0")
        assert run("analyse", path, *options, "--json", tmp_path / "a.json") == 0
        for segment in json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["segments"]:
            gulls, *others = segment["sources"]
            assert gulls["elevation_degrees"] > 85
            assert sorted(s["azimuth_degrees"] for s in others) == pytest.approx([-90, 90], abs=1)
            assert max(abs(s["elevation_degrees"]) for s in others) < 5
