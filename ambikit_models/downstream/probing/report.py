"""The outcome of an examination as a table of text, as Markdown and as plain numbers."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from ambikit_models.downstream.probing.comparison import Comparison
from ambikit_models.downstream.probing.engine import Figure
from ambikit_models.downstream.probing.statistics import Estimate

__all__ = ["class_rows", "columns", "difference_rows", "markdown", "plain", "rows"]

_NOTES = (
    "± is half of the 95 % interval over test units (a bootstrap; see the page on evaluation for the units of each "
    "task); “seeds” is half of the 95 % interval of the mean over seeds of the head, by Student's t. Neither covers "
    "the seed of the system's own training."
)


def columns(figures: Sequence[Figure]) -> tuple[str, ...]:
    """Who, by what, how, and the figures, but for those of single classes."""
    return ("subject", "senses", "way", *dict.fromkeys(f.name for f in figures if f.of_class is None))


def rows(figures: Sequence[Figure]) -> list[tuple[str, ...]]:
    """One row per subject, senses and way."""
    names = columns(figures)[3:]
    table: dict[tuple[str, str, str], dict[str, str]] = {}
    for figure in figures:
        if figure.of_class is None:
            table.setdefault((figure.subject, figure.senses, figure.way), {})[figure.name] = _cell(figure)
    return [(*key, *(cells.get(name, "–") for name in names)) for key, cells in table.items()]


def difference_rows(found: Sequence[Comparison]) -> list[tuple[str, ...]]:
    """One row per comparison: the two subjects, where, the difference, the test."""
    return [
        (
            f"{one.first} − {one.second}",
            one.senses,
            one.way,
            one.name,
            _estimate(one.difference, one.unit),
            f"p {f'= {one.probability:.3f}' if one.probability >= 5e-4 else '< 0.001'} ({one.test})",
        )
        for one in found
    ]


def class_rows(figures: Sequence[Figure]) -> list[tuple[str, ...]]:
    """One row per class, with the figures of each subject about it, means over seeds; the first row is the header."""
    about = [f for f in figures if f.of_class is not None]
    places = list(dict.fromkeys((f.subject, f.senses, f.way, f.name) for f in about))
    found = {(f.of_class, f.subject, f.senses, f.way, f.name): _number(f.interval.value, f.unit) for f in about}
    classes = dict.fromkeys(f.of_class for f in about)
    body = [(str(name), *(found.get((name, *place), "–") for place in places)) for name in classes]
    return [("class", *(", ".join(place) for place in places)), *body]


def markdown(title: str, figures: Sequence[Figure], found: Sequence[Comparison]) -> str:
    """Everything as a page."""
    lines = [f"# {title}", "", *_table(columns(figures), rows(figures)), ""]
    if found:
        header = ("difference", "senses", "way", "figure", "paired", "test")
        lines += [*_table(header, difference_rows(found)), ""]
    of_classes = class_rows(figures)
    if len(of_classes) > 1:
        lines += [*_table(of_classes[0], of_classes[1:]), ""]
    return "\n".join([*lines, _NOTES, ""])


def plain(figures: Sequence[Figure], found: Sequence[Comparison]) -> dict[str, Any]:
    """Everything as numbers, lists and words, ready for JSON; what is not a finite number is null."""
    return _finite(
        {
            "figures": [{**dataclasses.asdict(f), "seeds": dataclasses.asdict(f.seeds)} for f in figures],
            "comparisons": [dataclasses.asdict(one) for one in found],
        }
    )


def _cell(figure: Figure) -> str:
    text = _estimate(figure.interval, figure.unit)
    if len(figure.values) == 1:
        return text
    seeds = figure.seeds
    return f"{text} (seeds ±{_number((seeds.high - seeds.low) / 2, figure.unit)})"


def _estimate(estimate: Estimate, unit: str) -> str:
    half = _number((estimate.high - estimate.low) / 2, unit)
    return f"{_number(estimate.value, unit)}{'°' if unit == '°' else ''} ±{half}"


def _number(value: float, unit: str) -> str:
    digits = {"%": 1, "°": 1, "dB": 2, "L1": 4, "1": 2}[unit]
    return f"{100 * value if unit == '%' else value:.{digits}f}"


def _table(header: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *body)]


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
