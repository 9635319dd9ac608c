"""Whether one subject is better than another, unit by unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ambikit_models.downstream.probing.engine import Figure
from ambikit_models.downstream.probing.statistics import Estimate, paired_difference, sign_test, wilcoxon

__all__ = ["Comparison", "compare", "comparisons"]


@dataclass(frozen=True)
class Comparison:
    """The difference of two figures over the same units."""

    first: str
    second: str
    senses: str
    way: str
    name: str
    unit: str
    difference: Estimate
    """First minus second, with the interval of a paired bootstrap over the units."""
    test: Literal["McNemar", "Wilcoxon"]
    """McNemar's exact test where every unit is right or wrong; else Wilcoxon's signed-rank test."""
    probability: float
    """Two-sided."""


def compare(first: Figure, second: Figure) -> Comparison:
    """Compare two figures of the same name, whose units are the same."""
    pair = [np.array(figure.per_unit, np.float64) for figure in (first, second)]
    binary = all(np.isin(scores, (0.0, 1.0)).all() for scores in pair)
    return Comparison(
        first.subject,
        second.subject,
        first.senses,
        first.way,
        first.name,
        first.unit,
        paired_difference(*pair),
        "McNemar" if binary else "Wilcoxon",
        sign_test(*pair) if binary else wilcoxon(*pair),
    )


def comparisons(figures: Sequence[Figure]) -> list[Comparison]:
    """The first subject against each other, wherever both learned the same in the same way from the same senses."""
    places: dict[tuple[str, str, str], list[Figure]] = {}
    for figure in figures:
        if figure.per_unit is not None and figure.way != "–":
            places.setdefault((figure.senses, figure.way, figure.name), []).append(figure)
    return [compare(first, other) for first, *others in places.values() for other in others]
