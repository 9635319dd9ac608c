"""The study of defects: tables as measured on the page, and what no statistic can see is as unseen as it says."""

import json
from pathlib import Path

import pytest

from ambikit_models.world import WorldConfig
from ambikit_models.world.defects import DEFECTS

ROOT = Path(__file__).resolve().parents[1]

audit_defects = pytest.importorskip("benchmarks.audit_defects", reason="benchmarks are no part of the package")
UNSEEN = ("fuma_order", "dipoles_exchanged", "dipole_inverted")


def measured():
    return json.loads((ROOT / "benchmarks" / "results" / "audit_defects.json").read_text(encoding="utf-8"))


def test_the_page_shows_what_was_measured():
    text = audit_defects.PAGE.read_text(encoding="utf-8")
    shown = text.split(audit_defects.BEGIN)[1].split(audit_defects.END)[0]
    assert shown.strip() == audit_defects.page(measured()).strip()


def test_the_page_claims_no_more_than_was_measured():
    tables = measured()["tables"]
    for table in tables:
        shares = {row[0]: row[1:4] for row in table["rows"]}
        assert set(shares) == {"nothing", *DEFECTS}
        assert all(sum(counts) == table["scenes"] >= 40 for counts in shares.values())
        assert all(shares[name] == shares["nothing"] for name in UNSEEN)
        for name in ("w_x_exchanged", "w_y_exchanged", "w_z_exchanged", "padded_stereo", "mono", "copied_channel"):
            assert shares[name][0] >= 0.95 * table["scenes"]
    without = {row[0]: row for row in tables[-1]["rows"]}
    assert without["nothing"][3] == tables[-1]["scenes"]
    for name, guess in (("n3d_scale", 5), ("fuma_scale", 6), ("fuma", 6)):
        assert without[name][1] == without[name][guess] == tables[-1]["scenes"]


def test_verdicts_of_free_scenes():
    config = WorldConfig(duration=1.0, reverberation=0.0)
    found = audit_defects.verdicts(config, 3)
    for reports in zip(found["nothing"], *(found[name] for name in UNSEEN), strict=True):
        assert {report.verdict for report in reports} == {"valid"}
        assert max(r.energy_ratio for r in reports) == pytest.approx(min(r.energy_ratio for r in reports))
    assert [report.normalization for report in found["n3d_scale"]] == ["n3d"] * 3
    assert {report.verdict for report in found["mono"]} == {"invalid"}
