"""Benchmarks keep their contract: what a case is, what a result holds, and how targets are judged. Nothing is timed."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import page
from benchmarks.__main__ import SUPPORT, cases
from benchmarks.common import Candidate, largest_error, measure
from benchmarks.gains import GAINS, Gain, rows_of, table_of_gains
from benchmarks.judging import Goal, Operation, Outcome, evaluate, load, summary, time_words
from benchmarks.targets import OPERATIONS
from benchmarks.writing import Figures, kind_of, markdown, record

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "benchmarks"
RESULTS = sorted((FOLDER / "results").glob("*.json"))


def row(name, median, error=1e-6):
    quartiles = {"lower_quartile_ms": median, "upper_quartile_ms": median, "best_ms": median}
    return {"name": name, "median_ms": median, **quartiles, "calls": 7, "error": error}


TABLE = {
    "title": "Turn, order 1",
    "error": "largest absolute error",
    "device": "cpu",
    "rows": [
        row("limit: copy", 2.0, None),
        row("ambikit, out=, NumPy", 3.0),
        row("formula, NumPy", 1.0),
        row("spaudiopy", 30.0, 2e-6),
        row("a wrong one", 0.5, 0.1),
    ],
}


class TestCases:
    def test_which_there_are(self):
        assert {path.stem for path in FOLDER.glob("*.py")} == {*cases(), *SUPPORT, "__init__"}

    @pytest.mark.parametrize("name", cases())
    def test_a_case_can_be_run(self, name):
        """It says what it measures, reports under its own name, and does nothing when it is only imported."""
        text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
        tree = ast.parse(text)
        assert ast.get_docstring(tree)
        assert re.search(rf"\b(report|record)\(\s*\"{name}\"", text)
        (entry,) = [node for node in tree.body if isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)]
        assert entry is tree.body[-1]
        calls = [node.value for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
        assert not {ast.unparse(call.func) for call in calls} & {"main", "report", "record", "measure"}

    def test_a_smoke_run(self, tmp_path):
        """As somebody would start it: it runs, says how long it took, and leaves the results alone."""
        before = {path: path.stat().st_mtime_ns for path in RESULTS}
        command = [sys.executable, "-m", "benchmarks", "--quick", "streams"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert re.search(r"^streams \d+ s \(", done.stdout, re.MULTILINE)
        assert "ambikit, turn" in done.stdout
        assert {path: path.stat().st_mtime_ns for path in RESULTS} == before

    def test_what_is_not_known(self):
        done = subprocess.run([sys.executable, "-m", "benchmarks", "nothing"], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 2
        assert "got nothing; expected" in done.stderr


class TestResults:
    @pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
    def test_a_result(self, path):
        result = json.loads(path.read_text(encoding="utf-8"))
        assert result["benchmark"] == path.stem
        assert path.stem in cases()
        assert {"date", "commit", "machine", "threads", "versions"} <= set(result)
        assert {"processor", "cores"} <= set(result["machine"])
        assert {"python", "numpy"} <= set(result["versions"])
        assert result["tables"]
        for table in result["tables"]:
            assert table["title"]
            assert table["rows"]
            if "columns" in table and isinstance(table["rows"][0], list):
                assert {len(row) for row in table["rows"]} == {len(table["columns"])}
            elif "columns" not in table:
                self.check_times(table)

    def check_times(self, table):
        assert len({row["name"] for row in table["rows"]}) == len(table["rows"])
        for row in table["rows"]:
            assert 0 < row["lower_quartile_ms"] <= row["median_ms"] <= row["upper_quartile_ms"]
            assert row["calls"] >= 3
            if row["name"].startswith("ambikit"):
                assert row["error"] is not None, "a fast wrong answer is no answer"
            if row["name"].startswith("limit"):
                assert row["error"] is None, "a limit computes nothing"
        assert any(row["error"] is not None for row in table["rows"])


class TestMeasuring:
    def test_a_table(self, tmp_path, monkeypatch):
        x = np.arange(5.0)
        table = measure(
            "Doubling",
            [
                Candidate("limit: copy", x.copy),
                None,
                Candidate("ambikit, NumPy", lambda: 2 * x, largest_error(2 * x + 1)),
            ],
            rounds=3,
            least_seconds=0.0,
        )
        assert [row.name for row in table.rows] == ["limit: copy", "ambikit, NumPy"]
        limit, ours = table.rows
        assert limit.error is None
        assert ours.error == 1
        assert ours.best_ms <= ours.lower_quartile_ms <= ours.median_ms <= ours.upper_quartile_ms
        assert ours.calls >= 3

    def test_a_record(self, tmp_path):
        result = record("streams", [TABLE], folder=tmp_path)
        assert json.loads((tmp_path / "streams.json").read_text(encoding="utf-8")) == result
        assert re.fullmatch(r"[0-9a-f]{12}\+?|unknown", result["commit"])
        text = markdown(result)
        assert "| limit: copy | 2 | 2 to 2 | 2 | 1 | 4.00 | (limit) |" in text
        assert "| ambikit, out=, NumPy | 3 | 3 to 3 | 3 | 1.5 | 6.00 | 1.0e-06 |" in text

    def test_figures(self, tmp_path):
        figures = Figures("Memory", ("", "peak"), (("copy", 1.0), ("turn", None)), "A note.")
        text = markdown(record("memory", [vars(figures)], folder=tmp_path))
        assert "| copy | 1 |\n| turn |  |\n\nA note." in text

    def test_whose_a_row_is(self):
        kinds = [kind_of(row) for row in TABLE["rows"]]
        assert kinds == ["limit", "ours", "formula", "peer", "peer"]


class TestTargets:
    operation = Operation(
        "Turn",
        "NumPy",
        "turn",
        "order 1",
        "^ambikit.*NumPy",
        (
            Goal("times", 1.6, "^limit", "the limit"),
            Goal("speed", 10, "^spaudiopy", "spaudiopy"),
            Goal("ms", 3.0),
            Goal("error", 1e-5),
        ),
    )

    def outcome(self, *goals):
        operation = Operation("Turn", "NumPy", "turn", "order 1", "^ambikit", goals or self.operation.goals)
        (found,) = evaluate([operation], {"turn": {"tables": [TABLE]}})
        return found

    def test_values(self):
        found = self.outcome()
        assert found.values == [1.5, 10.0, 3.0, 1e-6]
        (beyond,) = self.outcome(Goal("beyond", 1.0, "^Turn", "a call")).values
        assert beyond == 0.0
        assert found.limit == 1.5
        assert found.best_peer["name"] == "spaudiopy"  # the other one does another work, badly
        assert found.verdict == "met"

    @pytest.mark.parametrize(
        "goal",
        [Goal("times", 1.4, "^limit"), Goal("speed", 11, "^spaudiopy"), Goal("ms", 2.9), Goal("error", 1e-7)],
        ids=lambda goal: goal.kind,
    )
    def test_one_that_is_missed(self, goal):
        assert self.outcome(goal, Goal("ms", 100.0)).verdict == "**not met**"

    def test_what_was_not_measured(self):
        assert self.outcome(Goal("speed", 2, "^sphericart")).verdict == "not measured"
        (found,) = evaluate([self.operation], {})
        assert found == Outcome(self.operation, None, None)
        assert found.verdict == "not measured"
        assert "not measured" in summary([found])

    def test_the_line_of_the_page(self):
        assert (
            "| Turn | NumPy | 3 ms | 1.50 | spaudiopy: 10 × | 1e-06 | ≤ 1.6 × the limit<br>≥ 10 × as fast as spaudiopy"
            "<br>≤ 3 ms<br>error ≤ 1e-05 | 1.5 ×<br>10 ×<br>3 ms<br>1e-06 | met |" in summary([self.outcome()])
        )

    def test_others_that_do_other_work(self):
        operation = Operation("Turn", "NumPy", "turn", "order 1", "^ambikit", (), others="^(?!spaudiopy)")
        (found,) = evaluate([operation], {"turn": {"tables": [TABLE]}})
        assert found.best_peer is None

    @pytest.mark.parametrize(
        ("milliseconds", "words"), [(0.0123, "12.3 µs"), (1.234, "1.23 ms"), (45678.0, "45.7 s"), (4.2e6, "4 200 s")]
    )
    def test_times_in_words(self, milliseconds, words):
        assert time_words(milliseconds) == words

    def test_a_share(self):
        rows = [["data, altogether", 2.0, "1 to 3", 20.0], ["the step", 10.0, "9 to 11", 100.0]]
        table = {"title": "A training step", "columns": ["part", "ms", "quartiles", "%"], "rows": rows}
        operation = Operation("Data", "CUDA", "training_step", "step", "^data", (Goal("share", 20), Goal("ms", 1.0)))
        (found,) = evaluate([operation], {"training_step": {"tables": [table]}})
        assert found.values == [20.0, 2.0]
        assert found.verdict == "**not met**"
        assert "| ≤ 20 % of the step<br>≤ 1 ms | 20 %<br>2 ms |" in summary([found])

    def test_the_projects_own(self):
        """Each is said once, and asks for a case that there is or will be, in patterns that are patterns."""
        assert len({(operation.name, operation.library) for operation in OPERATIONS}) == len(OPERATIONS)
        for operation in OPERATIONS:
            assert operation.goals
            for pattern in (operation.table, operation.row, *(goal.against for goal in operation.goals)):
                re.compile(pattern)


class TestGains:
    def test_every_loop_is_named_and_none_that_is_gone(self):
        modules = {path.stem for path in (ROOT / "ambikit" / "kernels").glob("*.py")} - {"__init__", "compiling"}
        assert {gain.kernel for gain in GAINS} == modules

    @pytest.mark.parametrize("gain", GAINS, ids=lambda gain: f"{gain.kernel}-{gain.table}")
    def test_its_rows_are_there(self, gain):
        """In the results that are kept; which of them wins is told by the page."""
        rows = rows_of(gain, load())
        assert rows is not None
        assert rows[0] is not rows[1]
        assert kind_of(rows[0]) == "ours"

    def test_a_table(self):
        gain = Gain("turning", "turn", "order 1", "^ambikit", "^formula")
        loop, formula, title = rows_of(gain, {"turn": {"tables": [TABLE]}})
        assert (loop["median_ms"], formula["median_ms"], title) == (3.0, 1.0, "Turn, order 1")
        assert "| `frames` | not measured: `python -m benchmarks loops` | | | |" in table_of_gains({})


class TestPage:
    def test_losses_are_said(self):
        text = page.losses({"turn": {"tables": [TABLE]}})
        assert "| Turn, order 1 | a wrong one | 0.5 ms | 1e-01 | 3 ms | 1e-06 |" in text
        assert "spaudiopy" not in text
        assert "formula" not in text

    def test_all_pieces(self, tmp_path):
        """From the results that are there, and where there are none."""
        page.write(tmp_path / "some", load())
        page.write(tmp_path / "none", {})
        text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
        included = set(re.findall(r"\{include\} generated/performance/(\w+)\.txt", text))
        for folder in ("some", "none"):
            assert {path.stem for path in (tmp_path / folder).iterdir()} == included
        assert "0 are met, 0 are not" in (tmp_path / "none" / "targets.txt").read_text(encoding="utf-8")
