"""The figures of a row under the names that the papers give them, and how far rows of one table differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ambikit_models.downstream.probing.engine import Figure
from ambikit_models.downstream.probing.statistics import Estimate, paired_difference
from ambikit_models.training.rows import Row

__all__ = ["Difference", "differences", "figure_name", "published"]

_BESIDE = {"video": "video", "video + audio": "+ audio", "video + audio + context": "+ context"}
_MAPS = {"pixel accuracy": "pixels", "mIoU": "mIoU"}


def figure_name(figure: Figure, task: str, *, place: str = "", several_ways: bool = False) -> str | None:
    """The name of a figure in the papers' tables; None for what they do not have.

    Parameters
    ----------
    figure
        As a task gives it.
    task
        Its name.
    place
        What goes before: the name of a data set.
    several_ways
        Whether the row also has figures of another way of learning.
    """
    name = figure.name
    if figure.of_class is not None:
        return None
    if task == "segmentation":
        return f"{_MAPS[name]}, {_BESIDE[figure.senses]}" if name in _MAPS else None
    if task == "audio-visual-scenes":
        name = f"{name}, {figure.senses}"
    return place + name + (", tuned" if several_ways and figure.way == "tuned" else "")


def published(row: Row, name: str) -> dict[str, float]:
    """What the paper reports under a name, by data set where the name does not say which.

    Examples
    --------
    >>> from ambikit_models.training.rows import published_row
    >>> published(published_row("morgado2020-4-avsa"), "Clip@1")
    {'UCF101': 68.52, 'HMDB51': 32.96}
    """
    found = {said.removesuffix(name).strip(): value for said, value in row.reported.items() if said.endswith(name)}
    return {place: value for place, value in found.items() if place in ("", "UCF101", "HMDB51")}


@dataclass(frozen=True)
class Difference:
    """A row minus the first one of its table."""

    row: str
    first: str
    name: str
    """Of the figure."""
    here: Estimate
    """With the interval of a paired bootstrap over test units."""
    published: dict[str, float]
    """In percent, by data set; empty where the paper's text does not have both figures."""


def differences(rows: Sequence[Row], found: Mapping[str, Mapping[str, Figure]]) -> list[Difference]:
    """Every row beside the first one of its table that has figures, wherever both are means over the same units.

    Parameters
    ----------
    rows
        In the order of the tables.
    found
        The figures of each row, by their names.
    """
    tables: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if found.get(row.name):
            tables.setdefault((row.paper, row.table), []).append(row)
    table = []
    for first, *others in tables.values():
        for row in others:
            for name, figure in found[row.name].items():
                beside = found[first.name].get(name)
                if beside is None or figure.per_unit is None or beside.per_unit is None:
                    continue
                here = paired_difference(*(np.array(one.per_unit) for one in (figure, beside)))
                said, base = published(row, name), published(first, name)
                apart = {place: round(said[place] - base[place], 2) for place in said if place in base}
                table.append(Difference(row.name, first.name, name, here, apart))
    return table
