"""The report of a study: figures of every system, verdicts on the papers' claims, and the controls beside them."""

import csv
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ambikit.files.replacing import replacing
from ambikit_models.study.config import StudyConfig
from ambikit_models.study.effects import Figure, Outcome, figure_of, outcome
from ambikit_models.study.pictures import draw_effects, draw_learning_curves
from ambikit_models.study.run import run_folder

__all__ = ["write_report"]

#: the columns of the table of systems
_FIGURES = (("avsa", 1), ("avsa", 4), ("avsa_translated", 4), ("avc", 1), ("avc", 4), ("avc_translated", 4))
_HEADER = ("system", "AVSA-Bin 1", "4", "4 translated", "AVC-Bin 1", "4", "4 translated", "classes")
_CHANCE = 0.001


def write_report(study: StudyConfig, results: list[dict[str, Any]], runs: Path, folder: Path) -> list[Outcome]:
    """Write ``report.md``, ``figures.csv``, ``effects.csv``, ``effects.png`` and ``learning_curves.png``.

    Parameters
    ----------
    study
        What was run, with its claims.
    results
        The records of the runs that are finished.
    runs
        The folder of the study, for the learning curves.
    folder
        Where to write.

    Returns
    -------
    The outcomes of the claims that the runs can speak to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    outcomes = [found for effect in study.effects if (found := outcome(effect, results)) is not None]
    untested = [effect.claim for effect in study.effects if outcome(effect, results) is None]
    _write_rows(folder / "figures.csv", _figures(results))
    _write_rows(folder / "effects.csv", [_effect_record(found) for found in outcomes])
    if outcomes:
        draw_effects(outcomes, folder / "effects.png")
    first = study.seeds[0]
    curves = {v.name: run_folder(runs, v.name, first) for v in study.variants}
    draw_learning_curves({name: run for name, run in curves.items() if run.is_dir()}, folder / "learning_curves.png")
    text = "\n".join(
        [
            *_conditions(study, results),
            "## Claims\n",
            "Larger minus smaller in points of percent, with the 95 % interval over seeds and test scenes; "
            "*reproduces* if all of it lies above 0, *does not* if below.\n",
            _table(("claim", "difference", "by seed", "here it", "published"), map(_effect_cells, outcomes)),
            *(f"Not run: {claim}.\n" for claim in untested),
            "![Differences with their intervals](effects.png)\n",
            "## Systems\n",
            "Percent, mean over the seeds ± standard deviation between them; 1 and 4 viewpoints.\n",
            _table(_HEADER, _systems(study, results)),
            "## Controls\n",
            _table(("control, AVSA-Bin at 4", "expected", "measured", "runs beyond chance"), _controls(results)),
            *_plateaus(results),
            "![Training losses of the first seed](learning_curves.png)\n",
        ]
    )
    with replacing(folder / "report.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    return outcomes


def _conditions(study: StudyConfig, results: list[dict[str, Any]]) -> list[str]:
    # runs of earlier versions do not say how long they took
    minutes = [r["processor_seconds"] / 60 for r in results if "processor_seconds" in r]
    took = f", {sum(minutes):.0f} minutes of a processor" if len(minutes) == len(results) else ""
    missing = len(study.variants) * len(study.seeds) - len(results)
    versions = ", ".join(f"{name} {version(name)}" for name in ("ambikit", "torch", "numpy"))
    lines = [
        f"# {len(study.variants)} systems, {len(study.seeds)} seeds\n",
        f"{study.training_scenes} scenes of the world to train on, {study.head_scenes} for the heads, "
        f"{study.test_scenes} to test on; {len(results)} runs with one thread each{took} "
        f"({platform.machine()}, {platform.python_implementation()} {platform.python_version()}, {versions}).\n",
    ]
    return lines + ([f"**{missing} runs are missing.**\n"] if missing else [])


def _figures(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every figure of every run, one record each."""
    records = []
    for result in results:
        for state in ("trained", "untrained", "omni"):
            measures = {"avsa": result["omni"]} if state == "omni" else result[state]
            for measure, evaluation in measures.items():
                estimates = [("", evaluation)] if measure == "classes" else evaluation["accuracy"].items()
                facts = {"variant": result["variant"], "seed": result["seed"], "state": state, "measure": measure}
                records += [{**facts, "views": views, **estimate} for views, estimate in estimates]
    return records


def _effect_record(found: Outcome) -> dict[str, Any]:
    effect = found.effect
    numbers = {name: f"{getattr(found, name):.4f}" for name in ("value", "low", "high")}
    seeds = " ".join(f"{value:.4f}" for value in found.by_seed)
    sides = {"larger": str(effect.larger), "smaller": str(effect.smaller)}
    return {"claim": effect.claim, **sides, **numbers, "by seed": seeds, "verdict": found.verdict}


def _effect_cells(found: Outcome) -> tuple[str, ...]:
    effect = found.effect
    half = 100 * (found.high - found.low) / 2
    seeds = ", ".join(f"{100 * value:+.1f}" for value in found.by_seed)
    words = f"{effect.claim}: {effect.larger} > {effect.smaller}"
    return words, f"{100 * found.value:+.1f} ±{half:.1f}", seeds, found.verdict, effect.published or "–"


def _systems(study: StudyConfig, results: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    rows = []
    for variant in study.variants:
        runs = [r for r in results if r["variant"] == variant.name]
        for state in ("trained", "untrained") if runs else ():
            cells = [
                _mean([r[state] for r in runs], Figure(variant.name, m, v)) for m, v in (*_FIGURES, ("classes", 0))
            ]
            rows.append((variant.name if state == "trained" else "– untrained", *cells))
    return rows


def _mean(evaluations: list[dict[str, Any]], figure: Figure) -> str:
    if any(figure.measure not in evaluation for evaluation in evaluations):
        return "–"
    values = [100 * float(figure_of(figure, {"trained": e}).mean()) for e in evaluations]
    spread = f" ±{np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{np.mean(values):.1f}{spread}"


def _controls(results: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """What must be one half: the range over the runs, and how many of them the exact test calls no chance."""
    rows = []
    for name, key in (("omni sound", "omni"), ("sound of another scene", "shuffled")):
        controls = [r["omni"] if key == "omni" else r["trained"]["shuffled"] for r in results]
        values = [100 * control["accuracy"]["4"]["value"] for control in controls]
        beyond = sum(control["chance"]["4"] < _CHANCE for control in controls)
        rows.append((name, "50", f"{min(values):.1f} to {max(values):.1f}", f"{beyond} of {len(controls)}"))
    oracle = 100 * results[0]["oracle"]["accuracy"]["4"]["value"]
    return [*rows, ("a rule with exact ears and eyes", "–", f"{oracle:.1f}", "–")]


def _plateaus(results: list[dict[str, Any]]) -> list[str]:
    stuck = [r for r in results if r["final_loss"] >= r["chance_loss"] - 0.1]
    return [
        f"{r['variant']}, seed {r['seed']}, never left the plateau (loss {r['final_loss']:.2f}, chance "
        f"{r['chance_loss']:.2f}).\n"
        for r in stuck
    ]


def _table(header: tuple[str, ...], rows: Any) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def _write_rows(path: Path, records: list[dict[str, Any]]) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]) if records else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
