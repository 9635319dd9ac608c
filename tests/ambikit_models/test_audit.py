import json
import re
import shutil
import subprocess
import tracemalloc
import warnings
from html.parser import HTMLParser

import numpy as np
import pytest

import ambikit
from ambikit.analysis.block_statistics import BLOCK
from ambikit.errors import AmbikitError, FileError
from ambikit_models.cli import main
from ambikit_models.preparation.audit import VERDICTS, audit, audit_file
from ambikit_models.preparation.charts import ratio_histogram
from ambikit_models.preparation.collections import media_files, sources_of
from ambikit_models.preparation.executors import CRASHED, work_through
from ambikit_models.preparation.judgement import Reading, energy_grid, judge, silent_blocks
from ambikit_models.preparation.records import as_line, checksum, read_records, write_records
from ambikit_models.preparation.report import write_report
from ambikit_models.preparation.selection import select
from tests.ambikit_models.clips import numbered_frame, write_video
from tests.ambikit_models.mortal import inverse_or_die

RATE = 16000
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")


def scene(seed=0, seconds=1.0):
    """Three talkers around the listener, each on its place on the sphere."""
    noise = 0.1 * np.random.default_rng(seed).standard_normal((3, int(RATE * seconds)))
    return ambikit.encode(noise, [20.0, 140.0, -100.0], [0.0, 30.0, -40.0], degrees=True).sum(0).astype(np.float32)


def write_collection(folder):
    """A file of each kind; the verdicts that are expected of them."""
    for name in ("good", "other/scale", "bad"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    good = scene()
    ambikit.write(folder / "good.wav", good, RATE)
    ambikit.write(folder / "good.caf", scene(1), RATE)
    shutil.copy(folder / "good.wav", folder / "other" / "again.wav")
    ambikit.write(folder / "other" / "n3d.wav", ambikit.convert(good, "ambix", "n3d"), RATE)
    ambikit.write(folder / "other" / "fuma.wav", ambikit.convert(good, "ambix", "fuma"), RATE)
    ambikit.write(folder / "stereo.flac", good[:2], RATE)
    half = np.concatenate([0 * good, good], axis=1)
    ambikit.write(folder / "half silent.wav", half, RATE)
    ambikit.write(folder / "padded.wav", np.concatenate([good[[0, 2]], 0 * good[:2]]), RATE)
    whole = (folder / "good.wav").read_bytes()
    (folder / "cut.wav").write_bytes(whole[: len(whole) // 2])
    (folder / "text.mp4").write_text("this is no video")
    write_video(folder / "silent.mp4", [numbered_frame(n) for n in range(3)])
    (folder / "notes.txt").write_text("not a recording")
    return {
        "cut.wav": "unreadable",
        "good.caf": "valid",
        "good.wav": "valid",
        "half silent.wav": "valid",
        "other/again.wav": "valid",
        "other/fuma.wav": "invalid",
        "other/n3d.wav": "invalid",
        "padded.wav": "invalid",
        "silent.mp4": "no sound",
        "stereo.flac": "no field",
        "text.mp4": "unreadable",
    }


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit") / "collection"
    folder.mkdir()
    return folder, write_collection(folder)


@pytest.fixture(scope="module")
def audited(collection, tmp_path_factory):
    output = tmp_path_factory.mktemp("audited")
    return {record["path"]: record for record in audit(collection[0], output, workers=1)}


class TestRecords:
    def test_every_file_has_its_verdict(self, collection, audited):
        assert {path: record["verdict"] for path, record in audited.items()} == collection[1]
        assert list(audited) == sorted(audited)
        assert set(collection[1].values()) <= set(VERDICTS)

    def test_the_figures(self, audited):
        assert audited["good.wav"]["energy_ratio"] == pytest.approx(1, abs=0.05)
        assert audited["good.wav"]["passes_energy_test"]
        assert audited["other/n3d.wav"]["energy_ratio"] == pytest.approx(3, abs=0.15)
        assert audited["half silent.wav"]["silence_share"] == pytest.approx(0.5)
        assert audited["good.wav"]["silence_share"] == 0
        assert (audited["good.wav"]["channels"], audited["good.wav"]["sample_rate"]) == (4, RATE)
        assert audited["half silent.wav"]["duration"] == 2.0

    def test_guesses_and_what_comes_of_them(self, audited):
        formats = {path: record["format"] for path, record in audited.items() if "format" in record}
        assert formats["good.wav"] == "AmbiX"
        assert (formats["other/n3d.wav"], audited["other/n3d.wav"]["verdict_if_so"]) == ("N3D", "valid")
        assert formats["other/fuma.wav"] != "AmbiX"

    def test_duplicates_by_content(self, collection, audited):
        assert audited["other/again.wav"]["duplicate_of"] == "good.wav"
        assert sum("duplicate_of" in record for record in audited.values()) == 1
        assert audited["good.wav"]["checksum"] == checksum(collection[0] / "good.wav")

    def test_what_files_say_of_themselves(self, audited):
        assert audited["good.caf"]["metadata"]["normalization"] == "sn3d"
        assert "ambiX" in audited["good.caf"]["says"]
        assert "agrees" in audited["good.caf"]["agreement"]
        assert "metadata" not in audited["good.wav"]

    def test_errors_are_told_without_the_path(self, collection, audited):
        for path in ("cut.wav", "text.mp4", "stereo.flac", "silent.mp4"):
            assert audited[path]["error"]
            assert str(collection[0]) not in audited[path]["error"]

    def test_nothing_but_numbers_and_words(self, tmp_path):
        """Samples that are not finite make a line of JSON too."""
        (tmp_path / "in").mkdir()
        broken = scene()
        broken[1, 5] = np.nan
        ambikit.write(tmp_path / "in" / "nan.wav", broken, RATE)
        ambikit.write(tmp_path / "in" / "zero.wav", 0 * scene(), RATE)
        nan, zero = audit(tmp_path / "in", tmp_path / "out", workers=1)
        assert (nan["verdict"], nan["energy_ratio"], nan["covariance"]) == ("invalid", None, [])
        assert (zero["verdict"], zero["silence_share"]) == ("doubtful", 1.0)
        assert energy_grid(zero["covariance"]) is None
        write_report(tmp_path / "out" / "audit.html", [nan, zero], "broken")


class TestRuns:
    def test_a_long_file_is_judged_block_by_block(self, tmp_path):
        """As the whole would be, to the last bit of the report."""
        noise = 0.1 * np.random.default_rng(3).standard_normal((3, 2 * BLOCK + 1234))
        noise[:, BLOCK - 5000 : BLOCK + 77777] = 0
        placed = ambikit.encode(noise, [20.0, 140.0, -100.0], [0.0, 30.0, -40.0], degrees=True).sum(0)
        ambikit.write(tmp_path / "long.wav", ambikit.convert(placed, "ambix", "n3d").astype(np.float32), 48000)
        record = audit_file(tmp_path, Reading(), "long.wav")
        signal, _ = ambikit.read(tmp_path / "long.wav")
        report = ambikit.check_foa(signal, 48000)
        said = ("verdict", "passes_energy_test", "energy_ratio", "proposal")
        assert [record[name] for name in said] == [getattr(report, name) for name in said]
        assert (record["reasons"], record["format"], record["verdict_if_so"]) == ([*report.reasons], "N3D", "valid")
        assert record["silence_share"] == np.mean(silent_blocks(signal, 48000)) > 0.05
        assert (record["peak"], record["duration"]) == (np.abs(signal).max(), signal.shape[1] / 48000)
        matrix = signal.astype(np.float64) @ signal.T.astype(np.float64)
        assert record["covariance"] == [float(f"{x:.5g}") for x in (matrix / matrix[0, 0])[np.triu_indices(4)]]

    def test_memory_does_not_grow_with_a_file(self, tmp_path):
        """For two blocks and for four, which differ by 16 MiB as an array."""
        peaks = []
        for blocks in (2, 2, 4):  # the first time things are imported and designed
            ambikit.write(tmp_path / "a.wav", np.tile(scene(seconds=1.024), 32 * blocks), RATE)
            tracemalloc.start()
            assert audit_file(tmp_path, Reading(), "a.wav")["duration"] == blocks * BLOCK / RATE
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert peaks[2] - peaks[1] < 4e6

    def test_processes_find_the_same(self, collection, audited, tmp_path):
        assert {r["path"]: r for r in audit(collection[0], tmp_path, workers=2)} == audited

    def test_it_goes_on_and_is_brought_up_to_date(self, collection, tmp_path):
        folder, out = tmp_path / "in", tmp_path / "out"
        shutil.copytree(collection[0], folder)
        first = audit(folder, out, workers=1)
        ambikit.write(folder / "stereo.flac", scene(3), RATE)
        ambikit.write(folder / "new.wav", scene(4), RATE)
        (folder / "cut.wav").unlink()
        # an interrupted run leaves its journal, with a line that is not whole
        lines = (out / "audit.jsonl").read_text().splitlines(keepends=True)
        (out / "audit.jsonl").unlink()
        (out / "audit.partial.jsonl").write_text("".join(lines[:-1]) + lines[-1][:20])
        seen = []
        second = audit(folder, out, workers=1, progress=lambda done, total, path: seen.append(path))
        assert sorted(seen) == ["new.wav", "stereo.flac", "text.mp4"]
        assert {r["path"] for r in second} == {r["path"] for r in first} - {"cut.wav"} | {"new.wav"}
        assert next(r for r in second if r["path"] == "stereo.flac")["verdict"] == "valid"
        assert [p.name for p in out.iterdir()] == ["audit.jsonl"]

    def test_other_settings_ask_again(self, collection, tmp_path):
        audit(collection[0], tmp_path, workers=1)
        seen = []
        records = audit(
            collection[0],
            tmp_path,
            reading=Reading(tolerance=0.5, source="n3d"),
            workers=1,
            progress=lambda done, total, path: seen.append(path),
        )
        assert len(seen) == len(records)
        assert next(r for r in records if r["path"] == "other/n3d.wav")["verdict"] == "valid"

    def test_wrong_settings_and_folders(self, tmp_path):
        with pytest.raises(AmbikitError, match="source='furse'"):
            Reading(source="furse")
        with pytest.raises(FileError, match="no folder"):
            audit(tmp_path / "nowhere", tmp_path / "out")
        with pytest.raises(FileError, match="no sound or video file"):
            audit(tmp_path, tmp_path / "out")


class TestJudgement:
    def test_the_map_shows_the_source(self):
        noise = 0.1 * np.random.default_rng(0).standard_normal(RATE)
        for azimuth, elevation in ((90, 0), (-45, 30), (170, -60)):
            record = judge(ambikit.encode(noise, azimuth, elevation, degrees=True), float(RATE), Reading())
            grid = energy_grid(record["covariance"], 90, 180)
            row, column = np.unravel_index(grid.argmax(), grid.shape)
            found = np.degrees(ambikit.pixels_to_angles(column, row, 180, 90))
            np.testing.assert_allclose(found, [azimuth, elevation], atol=2.5)

    def test_silence_is_of_all_channels(self):
        signal = np.zeros((4, 8 * RATE // 10))
        signal[3, : RATE // 10] = 0.0009
        signal[0, RATE // 10 : 2 * RATE // 10] = 0.0011
        silent = silent_blocks(signal, RATE)
        assert silent.tolist() == [True, False, True, True, True, True, True, True]
        assert silent_blocks(signal, RATE, -62.0).tolist()[:2] == [False, False]
        assert len(silent_blocks(signal[:, :-1], RATE)) == 8


class TestExecutors:
    def test_a_death_and_an_error_stop_nothing(self):
        results = dict(work_through(inverse_or_die, list(range(8)), workers=2))
        assert results[3] == {"error": CRASHED}
        assert results[0] == {"error": "ZeroDivisionError: division by zero"}
        assert {n: results[n]["inverse"] for n in results if n not in (0, 3)} == {n: 1 / n for n in (1, 2, 4, 5, 6, 7)}

    def test_wrong_executors(self, no_shape_hook):
        with pytest.raises(AmbikitError, match="workers=0"):
            list(work_through(inverse_or_die, [1], workers=0))
        with pytest.raises(AmbikitError, match="executor='slurm'"):
            list(work_through(inverse_or_die, [1], executor="slurm"))

    @pytest.mark.cluster
    @pytest.mark.parametrize(("executor", "package"), [("ray", "ray"), ("dask", "distributed")])
    def test_on_a_cluster_of_two(self, executor, package, collection, audited, tmp_path):
        pytest.importorskip(package)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            records = audit(collection[0], tmp_path, workers=2, executor=executor)
        assert {record["path"]: record for record in records} == audited


class TestTables:
    def test_lines_come_back(self, tmp_path):
        records = [{"name": "ä", "numbers": [1, 2.5], "nothing": None}, {"name": "b"}]
        write_records(tmp_path / "t.jsonl", records)
        assert read_records(tmp_path / "t.jsonl") == records
        assert as_line({"x": float("inf")}) == '{"x": null}'

    def test_damaged_tables(self, tmp_path):
        (tmp_path / "t.jsonl").write_text('{"a": 1}\n{"a"\n')
        with pytest.raises(FileError, match="line 2 is no JSON"):
            read_records(tmp_path / "t.jsonl")
        assert read_records(tmp_path / "t.jsonl", cut_off=True) == [{"a": 1}]
        (tmp_path / "t.jsonl").write_text("[1]\n")
        with pytest.raises(FileError, match="no JSON object"):
            read_records(tmp_path / "t.jsonl")
        with pytest.raises(FileError, match="cannot be read"):
            read_records(tmp_path / "missing.jsonl")

    def test_pictures_find_their_sound(self, collection):
        paths = ["b/video/x.mp4", "b/audio/x.m4a", "a.wav", "c/y.mp4", "c/y.flac", "d.e/z.mov"]
        found = {s.pictures or s.sound: s for s in sources_of(paths)}
        assert found["b/video/x.mp4"].sound == "b/audio/x.m4a"
        assert found["c/y.mp4"].sound == "c/y.flac"
        assert (found["a.wav"].pictures, found["d.e/z.mov"].sound) == (None, "d.e/z.mov")
        assert all(re.fullmatch(r"[A-Za-z0-9_-]+", s.name) for s in found.values())
        twins = sources_of(["a/b.mp4", "a__b.mp4", "ä.mp4", "ö.mp4", "a b.mp4", "a_b.mp4"])
        assert len({s.name for s in twins}) == 6
        assert media_files(collection[0]) == sorted(collection[1])


class TestSelection:
    RECORDS = [
        {"path": f"{n}.wav", "verdict": "valid" if n % 5 == 0 else "invalid", "passes_energy_test": n % 4 == 0}
        for n in range(40)
    ] + [{"path": "broken.wav", "verdict": "unreadable"}]

    def test_the_three_sets_of_the_study(self):
        every, passing, failing = (select(self.RECORDS, which) for which in ("all", "passing", "failing"))
        assert (len(every), len(passing), len(failing)) == (40, 10, 10)
        assert all(r["passes_energy_test"] for r in passing)
        assert not any(r["passes_energy_test"] for r in failing)
        assert failing == select(self.RECORDS, "failing")
        assert failing != select(self.RECORDS, "failing", seed=1)
        assert len(select(self.RECORDS, "valid")) == 8

    def test_fewer_that_fail(self):
        with pytest.warns(UserWarning, match="1 files fail the energy test and 10 pass"):
            assert len(select(self.RECORDS[0:40:4] + self.RECORDS[1:2], "failing")) == 1

    def test_duplicates_are_left_out(self, audited):
        paths = [record["path"] for record in select(list(audited.values()), "passing")]
        assert "good.wav" in paths
        assert "other/again.wav" not in paths

    def test_nothing_left(self, no_shape_hook):
        with pytest.raises(AmbikitError, match="none for the selection 'passing'"):
            select(self.RECORDS[-1:], "passing")
        with pytest.raises(AmbikitError, match="selection='some'"):
            select(self.RECORDS, "some")


class Addresses(HTMLParser):
    """Every address that a page would load."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "href", "action", "data")]


class TestReport:
    @pytest.fixture(scope="class")
    @staticmethod
    def page(collection, tmp_path_factory):
        """The page as the command makes it, of files one of which has a hostile name."""
        folder, out = tmp_path_factory.mktemp("hostile") / "<b>my&collection", tmp_path_factory.mktemp("report")
        shutil.copytree(collection[0], folder)
        shutil.copy(folder / "padded.wav", folder / "<script>alert(1)<!--.wav")
        main(["audit", str(folder), "--output", str(out), "--workers", "1"])
        return out / "audit.html"

    def test_it_needs_no_network(self, page):
        text = page.read_text(encoding="utf-8")
        addresses = Addresses()
        addresses.feed(text)
        assert addresses.found
        assert all(address.startswith("data:image/png;base64,") for address in addresses.found)
        assert "url(" not in text
        assert "@import" not in text

    def test_what_is_in_names_stays_text(self, page):
        text = page.read_text(encoding="utf-8")
        assert "<script>alert" not in text
        assert "<b>my&collection" not in text
        assert "&lt;b&gt;my&amp;collection" in text
        rows = json.loads(text.split('id="data">')[1].split("</script>")[0])
        assert "<script>alert(1)<!--.wav" in [row["path"] for row in rows]

    def test_the_columns_of_the_histogram_count_the_files(self):
        svg = ratio_histogram([(1.0, "valid"), (1.02, "doubtful"), (3.0, "invalid"), (50.0, "invalid")], 0.1)
        counted = re.findall(r'<rect class="(valid|doubtful|invalid)" x="([\d.]+)".*?<title>(\d+)', svg)
        assert sorted(kind for kind, _, _ in counted) == ["doubtful", "invalid", "invalid", "valid"]
        places = {kind: float(x) for kind, x, _ in counted}
        assert places["valid"] == places["doubtful"] < places["invalid"]

    @pytest.mark.browser
    @pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
    def test_in_a_browser(self, page, tmp_path):
        """The script fills and sorts the table, and the page has a picture of itself."""
        sorting = "document.querySelectorAll('#files th')[2].click();document.querySelectorAll('#files th')[2].click()"
        clicked = tmp_path / "clicked.html"
        text = page.read_text(encoding="utf-8")
        clicked.write_text(text.replace("</body>", f"<script>{sorting}</script></body>"), encoding="utf-8")
        quiet = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
        dumped = subprocess.run(
            [*quiet, "--dump-dom", clicked.as_uri()], capture_output=True, text=True, timeout=60, check=True
        ).stdout
        table = dumped.split('<table id="files">')[1].split("</table>")[0]
        ratios = [float(r) for r in re.findall(r'</span></td><td class="number">([\d.]+)<', table)]
        assert len(ratios) == 8
        assert ratios == sorted(ratios, reverse=True)
        assert "12 of 12" in dumped
        picture = tmp_path / "page.png"
        subprocess.run(
            [*quiet, f"--screenshot={picture}", "--window-size=1280,2400", clicked.as_uri()],
            capture_output=True,
            timeout=60,
            check=True,
        )
        assert picture.read_bytes().startswith(b"\x89PNG")
