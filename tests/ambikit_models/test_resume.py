import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ambikit_models.training.metrics import read_metrics

ROOT = Path(__file__).resolve().parents[2]
KILLER = Path(__file__).with_name("kill_training.py")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folder of a run that was left alone and of some that were killed, and how often these were."""
    folder = tmp_path_factory.mktemp("killed")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(KILLER), str(folder)]
    ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return folder, json.loads(ended.stdout.splitlines()[-1])


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a run but those that the clock has a part in."""
    files = (path for path in folder.rglob("*") if path.is_file())
    found = {str(path.relative_to(folder)): path.read_bytes() for path in files if "tensorboard" not in path.parts}
    found.pop("journal.jsonl")
    return found


@pytest.mark.parametrize("name", ["moments", "operations"])
def test_killed_equals_left_alone_byte_for_byte(runs, name):
    folder, kills = runs
    assert kills[name] >= 10
    whole, parts = contents(folder / "whole"), contents(folder / name)
    assert sorted(whole) == sorted(parts)
    assert {"metrics.jsonl", "checkpoints/step-000012/optimizer.safetensors"} <= whole.keys()
    for file, content in whole.items():
        assert parts[file] == content, file


def test_a_kill_at_the_very_end_leaves_nothing_behind(runs):
    """The last checkpoint is there already, but the one that it replaces is not yet removed, or is half removed."""
    folder, kills = runs
    assert kills["ends"] >= 15
    whole = contents(folder / "whole")
    for number in range(1, kills["ends"] + 1):
        assert contents(folder / "ends" / f"{number}") == whole, number


def test_no_line_is_lost_or_there_twice(runs):
    folder, _ = runs
    for name in ("whole", "moments", "operations"):
        steps = [record["step"] for record in read_metrics(folder / name / "metrics.jsonl")]
        assert steps == [2, 3, 4, 6, 8, 9, 10, 12]


def starts(folder: Path) -> list[int]:
    """The steps after which the trainings in a folder began."""
    entries = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    return [entry["begun_after"] for entry in entries if "begun_after" in entry]


def test_some_random_moments_lie_behind_a_checkpoint(runs):
    folder, _ = runs
    assert max(starts(folder / "moments")) > 0


def test_the_journal_tells_every_start(runs):
    folder, kills = runs
    begun = starts(folder / "operations")
    assert 3 < len(begun) <= kills["operations"] + 1
    assert begun == sorted(begun)
    assert {0, 3, 6, 9} <= set(begun) <= {0, 3, 6, 9, 12}
