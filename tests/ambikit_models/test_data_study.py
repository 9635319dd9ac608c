"""The data study of wang2022: a world with broken sound, audited, and trained on three selections of it."""

import json

import numpy as np
import pytest

from ambikit_models.cli import main
from ambikit_models.preparation.records import read_records
from ambikit_models.study.videos import open_videos
from ambikit_models.training.config import ClipConfig, Phase, TrainingConfig, load_yaml, save_yaml
from ambikit_models.training.rows import published_row
from ambikit_models.world import WorldConfig, WorldFiles, write_world
from tests.ambikit_models.toy import toy_config

VIDEOS, DEFECT = 10, "n3d_scale"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A dry world in which most videos have dipoles that are too loud, its audit, and a recipe of four steps."""
    root = tmp_path_factory.mktemp("study")
    world = WorldConfig(reverberation=0.0, snr_db=None)
    broken = {"broken": 0.6, "defects": (DEFECT,)}
    files = WorldFiles(clips=(1, 1), seconds=1, height=32, frame_rate=4.0, world=world, **broken)
    write_world(root / "world", VIDEOS, 0, files, workers=1)
    main(["audit", str(root / "world"), "--output", str(root / "audit"), "--workers", "1"])
    phase = Phase("avsa", steps=4, clips=2, views=2, learning_rate=1e-3)
    clip = ClipConfig(size=12, frames=1, frame_rate=4.0, duration=0.25)
    save_yaml(toy_config(phases=(phase,), clip=clip), root / "recipe.yaml")
    return root


def test_the_audit_knows_the_broken_files(study):
    broken = {record["sound"] for record in read_records(study / "world" / "world.jsonl") if record["defect"]}
    judged = {
        r["path"]: r["passes_energy_test"]
        for r in read_records(study / "audit" / "audit.jsonl")
        if "passes_energy_test" in r
    }
    assert len(judged) == VIDEOS
    assert 0 < len(broken) < VIDEOS
    assert not any(judged[path] for path in broken)
    assert any(judged.values())


@pytest.mark.parametrize("selection", ["all", "passing", "failing"])
def test_one_word_decides_what_is_trained_on(study, tmp_path, selection):
    """All files, those that pass, and as many that fail: the same recipe, the same folder."""
    chosen = ["--select", selection, "--audit", str(study / "audit" / "audit.jsonl")]
    run = ["--recipe", str(study / "recipe.yaml"), "--accelerator", "cpu", "--output", str(tmp_path)]
    main(["train", str(study / "world"), *run, *chosen])
    config = load_yaml(TrainingConfig, tmp_path / "config.yaml")
    assert config.clip.selection == selection
    clips = open_videos(study / "world", config, audited=study / "audit" / "audit.jsonl")
    records = read_records(study / "audit" / "audit.jsonl")
    passes = {
        r["path"].rsplit("/", 1)[-1].split(".")[0]: r.get("passes_energy_test")
        for r in records
        if r["path"].startswith("audio")
    }
    found = [passes[clip.name] for clip in clips.clips]
    passing = sum(passes.values())
    assert len(found) == (VIDEOS if selection == "all" else passing)
    if selection != "all":
        assert set(found) == {selection == "passing"}
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert np.isfinite(json.loads(lines[-1])["loss"])
    recipe = json.loads((tmp_path / "checkpoints" / "step-000004" / "recipe.json").read_text())
    assert recipe["clips"] == clips.identity


@pytest.mark.parametrize("selection", ["all", "passing", "failing"])
def test_the_rows_of_the_paper_say_the_same(selection):
    assert published_row(f"wang2022-1-{selection}").training().clip.selection == selection
