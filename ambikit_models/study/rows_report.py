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

    Of those found only the figures that the table in the paper has, or all where the paper's text has none of them. A
    difference from the first row of a table is bold where its interval leaves out zero. Then those differences that the
    paper has too.
    """
    apart: dict[tuple[str, str], dict[str, Any]] = {(d["row"], d["name"]): d["here"] for d in record["differences"]}
    parts = []
    for key, members in groupby(rows, lambda row: (row.paper, row.table)):
        table = list(members)
        recipe = next(row.recipe for row in table if row.recipe is not None)
        header = f"| `ambikit-models reproduce` | in the paper | changes of `{recipe}` | tasks | reported, percent | "
        lines = [f"### {TITLES[key]}", "", f"{header}on the world, percent |", "|---|---|---|---|---|---|"]
        for row in table:
            outcome = record["rows"].get(row.name) or {"figures": {}, "not_run": {"": "–"}}
            names = [n for n in outcome["figures"] if any(published(one, n) for one in table)] or outcome["figures"]
            found = [f"{n} {_percent(outcome['figures'][n])}{_beside(apart.get((row.name, n)))}" for n in names]
            found += [f"not run: {why}" for why in dict.fromkeys(outcome["not_run"].values())]
            lines.append(f"| {' | '.join((*_said_of(row, recipe), '; '.join(found)))} |")
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, _page_of_differences(record)]) + "\n"


def _said_of(row: Row, recipe: str) -> tuple[str, str, str, str, str]:
    changes = [f"`{change}`" for change in row.set]
    if row.recipe not in (None, recipe):
        changes.insert(0, f"`{row.recipe}`")
    if not row.trained:
        changes.append("not trained")
    tasks = "; ".join(f"{task} ({'; '.join(ways)})" for task, ways in row.tasks.items())
    said = "; ".join(f"{name} {value:g}" for name, value in row.reported.items()) or "not in the text"
    return f"`{row.name}`", row.row, " ".join(changes) or "–", tasks, said


def _page_of_differences(record: dict[str, Any]) -> str:
    lines, counts = [], dict.fromkeys(("with the sign of the paper's", "the other way", "undecided"), 0)
    for one in record["differences"]:
        if one["published"]:
            verdict = _verdict(one)
            counts[verdict] = counts.get(verdict, 0) + 1
            cells = (f"`{one['row']}` − `{one['first']}`", one["name"], _said(one["published"], signed=True))
            lines.append(f"| {' | '.join((*cells, _percent(one['here'], signed=True), verdict))} |")
    header = ["| rows | figure | in the paper | on the world | |", "|---|---|---|---|---|"]
    title = "### Differences within the tables, paired by test scenes"
    summary = f"Of {len(lines)}: {', '.join(f'{count} {verdict}' for verdict, count in counts.items())}."
    return "\n".join([title, "", summary, "", *header, *lines])


def _verdict(difference: dict[str, Any]) -> str:
    """Whether the interval of a difference lies on the side of the paper's."""
    here, said = difference["here"], difference["published"].values()
    if 0 in said:
        return "none in the paper"
    if here["low"] <= 0 <= here["high"] or min(said) < 0 < max(said):
        return "undecided"
    return "with the sign of the paper's" if (here["low"] > 0) == (max(said) > 0) else "the other way"


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
