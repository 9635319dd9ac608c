"""The study of viewpoints: the page shows what was measured, and counts add up on a scene looked at by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from ambikit_models.world import WorldConfig, scene

ROOT = Path(__file__).resolve().parents[1]
study = pytest.importorskip("benchmarks.viewpoint_directions", reason="benchmarks are no part of the package")


def test_the_page_shows_what_was_measured():
    path = ROOT / "benchmarks" / "results" / "viewpoint_directions.json"
    text = study.PAGE.read_text(encoding="utf-8")
    shown = text.split(study.BEGIN)[1].split(study.END)[0]
    assert shown.strip() == study.page(json.loads(path.read_text(encoding="utf-8"))).strip()


def test_one_hit_and_one_miss():
    objects = scene(WorldConfig(), study.SEED, 0).objects
    sounding = (objects.present & objects.sounding)[0]
    azimuth, elevation = objects.azimuth[0][sounding][0], objects.elevation[0][sounding][0]

    def find(index):
        return np.array([azimuth, azimuth]), np.array([elevation, -np.pi / 2])

    row = study.row("one", WorldConfig(), find, "sounding", 1)
    assert row[2:4] == [2, 1]
    assert row[4] == sounding.sum()
    assert study.row("one", WorldConfig(), find, "all", 1)[4] == objects.present.sum()
