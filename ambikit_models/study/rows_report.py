"""What came out of the rows of the papers' tables, as numbers for JSON, on the screen and on a page of Markdown."""

import dataclasses
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from ambikit_models.study.row_figures import differences, published
from ambikit_models.study.rows import RowOutcome
from ambikit_models.training.rows import Row

__all__ = ["TITLES", "difference_lines", "page", "record_of", "row_lines"]

#: the tables, in the order of the papers
TITLES = {
    ("morgado2020", "2"): "morgado2020, table 2: correspondence and alignment",
    ("morgado2020", "3"): "morgado2020, table 3: semantic segmentation",
    ("morgado2020", "4"): "morgado2020, table 4: action recognition",
    ("morgado2020", "S3a"): "morgado2020, supplementary table 3a: format of the sound",
    ("morgado2020", "S3b"): "Supplementary table 3b: number of viewpoints",
    ("morgado2020", "S3c"): "Supplementary table 3c: kinds of negatives",
    ("morgado2020", "S3d"): "Supplementary table 3d: curriculum",
    ("morgado2020", "S3e"): "Supplementary table 3e: spatial context",
    ("wang2022", "I"): "wang2022, table I: clips by the energy test",
    ("wang2022", "II"): "wang2022, table II: correspondence and alignment",
    ("wang2022", "III"): "wang2022, table III: action recognition",
    ("wang2022", "IV"): "wang2022, table IV: acoustic scenes",
    ("wang2022", "V"): "wang2022, table V: audio-visual scenes",
}

_DIGITS = 4


def record_of(outcomes: Sequence[RowOutcome], **about: Any) -> dict[str, Any]:
    """Everything as plain numbers; fractions, but for what the paper reports, which is in percent."""
    rows = {}
    for outcome in outcomes:
        figures = {
            name: {part: round(value, _DIGITS) for part, value in dataclasses.asdict(figure.interval).items()}
            for name, figure in outcome.figures.items()
        }
        rows[outcome.row.name] = {"figures": figures, "not_run": outcome.not_run, "training": outcome.training}
    apart = differences([one.row for one in outcomes], {one.row.name: one.figures for one in outcomes})
    found = [dataclasses.asdict(one) for one in apart]
    for one in found:
        one["here"] = {part: round(value, _DIGITS) for part, value in one["here"].items()}
    return {**about, "rows": rows, "differences": found}


def row_lines(row: Row, record: dict[str, Any]) -> list[tuple[str, str, str]]:
    """One line per figure: its name, what the paper reports, what came out; and what was not run."""
    outcome, lines = record["rows"][row.name], []
    for name, found in outcome["figures"].items():
        said = published(row, name)
        lines.append((name, _said(said) or "–", _percent(found)))
    if not outcome["figures"]:
        lines += [(name, f"{value:g}", "–") for name, value in row.reported.items()]
    return lines + [(task, "", f"not run: {why}") for task, why in outcome["not_run"].items()]


def difference_lines(record: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """One line per difference: the two rows, the figure, that of the paper, that found."""
    return [
        (
            f"{one['row']} − {one['first']}",
            one["name"],
            _said(one["published"], signed=True) or "–",
            _percent(one["here"], signed=True),
        )
        for one in record["differences"]
    ]


def page(rows: Sequence[Row], record: dict[str, Any]) -> str:
    """The tables of the papers in Markdown: every row with its command, the paper's figures and those found.

    A difference from the first row of a table is bold where its interval leaves out zero.
    """
    apart: dict[tuple[str, str], dict[str, Any]] = {(d["row"], d["name"]): d["here"] for d in record["differences"]}
    parts = []
    for key, members in groupby(rows, lambda row: (row.paper, row.table)):
        lines = [f"### {TITLES[key]}", "", "| `ambikit-models reproduce` | in the paper | changes of `"]
        table = list(members)
        recipe = next(row.recipe for row in table if row.recipe is not None)
        lines[-1] += f"{recipe}` | tasks | reported, percent | on the world, percent |"
        lines.append("|---|---|---|---|---|---|")
        lines += [_page_row(row, recipe, record["rows"].get(row.name), apart) for row in table]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _page_row(
    row: Row, recipe: str, outcome: dict[str, Any] | None, apart: dict[tuple[str, str], dict[str, Any]]
) -> str:
    changes = [f"`{change}`" for change in row.set]
    if row.recipe not in (None, recipe):
        changes.insert(0, f"`{row.recipe}`")
    if not row.trained:
        changes.append("not trained")
    tasks = "; ".join(f"{task} ({'; '.join(ways)})" for task, ways in row.tasks.items())
    said = "; ".join(f"{name} {value:g}" for name, value in row.reported.items()) or "not in the text"
    outcome = outcome or {"figures": {}, "not_run": {"": "–"}}
    figures, not_run = outcome["figures"], dict.fromkeys(outcome["not_run"].values())
    found = [f"{name} {_percent(one)}{_beside(apart.get((row.name, name)))}" for name, one in figures.items()]
    found += [f"not run: {why}" for why in not_run]
    cells = (f"`{row.name}`", row.row, " ".join(changes) or "–", tasks, said, "; ".join(found))
    return f"| {' | '.join(cells)} |"


def _beside(difference: dict[str, Any] | None) -> str:
    """The difference from the first row of the table, in bold where its interval leaves out zero."""
    if difference is None:
        return ""
    words = _percent(difference, signed=True)
    return f" (**{words}**)" if difference["low"] > 0 or difference["high"] < 0 else f" ({words})"


def _percent(estimate: dict[str, Any], *, signed: bool = False) -> str:
    value, half = 100 * estimate["value"], 50 * (estimate["high"] - estimate["low"])
    return f"{value:+.1f} ±{half:.1f}" if signed else f"{value:.1f} ±{half:.1f}"


def _said(values: dict[str, float], *, signed: bool = False) -> str:
    return ", ".join(f"{v:+g} {place}".strip() if signed else f"{v:g} {place}".strip() for place, v in values.items())
