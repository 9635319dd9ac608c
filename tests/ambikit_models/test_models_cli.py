import json
import math
import os
import subprocess
import sys

import pytest

from ambikit_models.cli import main
from ambikit_models.study.videos import small_recipe
from ambikit_models.training.checkpoints import latest_checkpoint
from ambikit_models.training.config import save_yaml


def test_an_error_is_one_line_and_a_status(tmp_path):
    with pytest.raises(SystemExit, match="error: got .* no folder video"):
        main(["train", str(tmp_path), "--output", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="error: got 'morgado2020', which is one of the recipes"):
        main(["study", "morgado2020"])


def test_help_names_both_commands(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert "study" in out
    assert "train" in out


def test_a_written_world_is_judged_like_any_collection(tmp_path, capsys):
    """Files as YouTube serves them, all broken in one way, and the audit that sees it."""
    world, found = tmp_path / "world", tmp_path / "audit"
    small = ["--seconds", "2", "--clips", "1", "1", "--height", "16", "--workers", "1"]
    wrong = ["--sound", "youtube", "--broken", "1", "--defects", "mono", "padded_stereo"]
    main(["write-world", str(world), "--videos", "2", "--seed", "1", *small, *wrong])
    assert "2 clips" in capsys.readouterr().out
    main(["audit", str(world), "--output", str(found), "--workers", "1"])
    judged = [json.loads(line) for line in (found / "audit.jsonl").open()]
    assert {record["path"].split("/")[0]: record["verdict"] for record in judged} == {
        "audio": "invalid",
        "video": "no sound",
    }
    with pytest.raises(SystemExit, match="written with other settings"):
        main(["write-world", str(world), "--videos", "2", *small])


SMALL = [
    *("model={video: small, audio: small, width: 16, projection: 8, regression: true}", "sound.bands=16"),
    *("sound.window=0.064", "sound.hop=0.04", "sound.sample_rate=16000", "clip.size=12", "clip.frames=1"),
    *("clip.frame_rate=2.0", "clip.duration=0.5", "horizontal_flip=joint", "log_every=1"),
]
ROWS = {
    "morgado2020-2-avc-transf": ["phases.0.steps=2", "phases.0.clips=3"],
    "morgado2020-2-avts": ["phases.0.steps=1", "phases.0.clips=3", "phases.1.steps=2", "phases.1.clips=3"],
    "morgado2020-s3d-hard": ["phases.0.steps=2", "phases.0.clips=2", "phases.0.views=8"],
    "morgado2020-s3c-spatial-temporal": ["phases.0=null", "phases.0.steps=2", "phases.0.clips=2"],
}


@pytest.fixture(scope="module")
def small_world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    shape = ["--seconds", "3", "--clips", "1", "1", "--height", "16", "--workers", "1"]
    main(["write-world", str(folder), "--videos", "3", "--seed", "1", *shape])
    return folder


@pytest.mark.parametrize("row", [*ROWS, None])
def test_rows_of_tables_train_on_a_written_world_in_small(row, small_world, tmp_path):
    changes = ROWS.get(row, ["phases.0=null", "phases.0={objective: regression, steps: 2, clips: 2, views: 2}"])
    chosen = ["--recipe", "ambikit"] if row is None else ["--row", row]
    settings = [word for change in [*SMALL, *changes] for word in ("--set", change)]
    main(["train", str(small_world), *chosen, *settings, "--accelerator", "cpu", "--output", str(tmp_path)])
    records = [json.loads(line) for line in (tmp_path / "metrics.jsonl").open()]
    assert [record["step"] for record in records] == list(range(1, len(records) + 1))
    assert all(math.isfinite(record["loss"]) for record in records)
    assert latest_checkpoint(tmp_path / "checkpoints").name == f"step-{len(records):06d}"


def test_what_cannot_be_set_is_said(small_world, tmp_path):
    with pytest.raises(SystemExit, match="error: got the key phases.1.view; expected for 'view' one of objective"):
        main(["train", str(small_world), "--set", "phases.1.view=4", "--output", str(tmp_path)])
    with pytest.raises(SystemExit, match="error: got the row 'x'; expected one of morgado2020-2-avc"):
        main(["train", str(small_world), "--row", "x", "--output", str(tmp_path)])


@pytest.mark.recordings
def test_a_recipe_of_ones_own_trains_on_real_clips(tmp_path, recordings):
    for folder, ending in (("video", "mp4"), ("audio", "m4a")):
        (tmp_path / folder).mkdir()
        for name in ("one", "two"):
            os.symlink(
                recordings / "video360" / f"redownloaded_from_YT.{ending}", tmp_path / folder / f"{name}.{ending}"
            )
    save_yaml(small_recipe(2, 2), tmp_path / "small.yaml")
    out = tmp_path / "out"
    main(
        ["train", str(tmp_path), "--recipe", str(tmp_path / "small.yaml"), "--accelerator", "cpu", "--output", str(out)]
    )
    assert [p.name for p in sorted((out / "checkpoints").iterdir())] == ["step-000002", "step-000004"]


def test_as_a_module():
    for module in ("ambikit_models", "ambikit_models.cli"):
        result = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        assert "usage: ambikit-models" in result.stdout
