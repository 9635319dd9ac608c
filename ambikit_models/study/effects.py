"""Claims of the papers as paired differences between runs of a study, with interval and verdict."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from ambikit.errors import AmbikitError

__all__ = ["Effect", "Figure", "Outcome", "difference_over_seeds", "figure_of", "outcome"]

#: The binary tasks (``_translated``: with the feature that the translation predicts), or the class probe.
Measure = Literal["avsa", "avc", "avsa_translated", "avc_translated", "classes"]

Verdict = Literal["reproduces", "does not", "undecided"]


@dataclass(frozen=True)
class Figure:
    """One figure of one system."""

    variant: str
    """The system."""
    measure: Measure = "avsa"
    """What is measured."""
    views: int = 4
    """Viewpoints that are averaged; the class probe has none."""
    untrained: bool = False
    """Of the same networks with the weights that training began with."""

    def __str__(self) -> str:
        """In words, as a table has it."""
        task = {"avsa": "AVSA-Bin", "avc": "AVC-Bin", "classes": "classes"}[self.measure.removesuffix("_translated")]
        parts = [self.variant, *(["untrained"] if self.untrained else []), task]
        if self.measure.endswith("_translated"):
            parts.append("translated")
        return " ".join(parts if self.measure == "classes" else [*parts, f"at {self.views}"])


@dataclass(frozen=True)
class Effect:
    """A claim: one figure is larger than another."""

    claim: str
    """In a few words."""
    larger: Figure
    """The figure that the claim calls larger."""
    smaller: Figure
    """The one that it is compared with."""
    published: str = ""
    """What the papers report, with the place; empty where it is a claim of physics alone."""


@dataclass(frozen=True)
class Outcome:
    """What a study says of an effect.

    Attributes
    ----------
    effect
        The claim.
    by_seed
        The difference of each seed, larger minus smaller.
    value, low, high
        The mean difference and its 95 % interval.
    verdict
        ``reproduces`` if the whole interval lies above 0, ``does not`` if it lies below, else ``undecided``.
    """

    effect: Effect
    by_seed: tuple[float, ...]
    value: float
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        """What the interval says of the claim."""
        if self.low > 0:
            return "reproduces"
        return "does not" if self.high < 0 else "undecided"


def outcome(effect: Effect, results: list[dict[str, Any]]) -> Outcome | None:
    """The outcome of an effect, paired seed by seed and scene by scene; None if one of its systems was not run.

    Parameters
    ----------
    effect
        The claim.
    results
        The records of a study's runs, as :func:`ambikit_models.study.run.run_study` returns them.
    """
    runs = {(r["variant"], r["seed"]): r for r in results}
    seeds = sorted(
        seed for variant, seed in runs if variant == effect.larger.variant and (effect.smaller.variant, seed) in runs
    )
    if not seeds:
        return None
    pairs = [[figure_of(side, runs[side.variant, seed]) for seed in seeds] for side in (effect.larger, effect.smaller)]
    difference = np.stack(pairs[0]) - np.stack(pairs[1])
    value, half = difference_over_seeds(difference)
    return Outcome(effect, tuple(difference.mean(-1).tolist()), value, value - half, value + half)


def figure_of(figure: Figure, result: dict[str, Any]) -> Float[np.ndarray, "units"]:
    """A figure of one run: the share of right answers of every test scene, or the one number of the class probe."""
    evaluation = result["untrained" if figure.untrained else "trained"]
    if figure.measure not in evaluation:
        raise AmbikitError(
            f"got an effect on {figure.measure!r} of {figure.variant!r}, which the study did not measure; expected one "
            f"of {', '.join(sorted(evaluation))}"
        )
    measured = evaluation[figure.measure]
    if figure.measure == "classes":
        return np.array([measured["value"]])
    if str(figure.views) not in measured["correct"]:
        raise AmbikitError(
            f"got an effect at {figure.views} viewpoints; the study measured {figure.measure} of {figure.variant!r} at "
            f"{', '.join(measured['correct'])}; choose one of these"
        )
    return np.array(measured["correct"][str(figure.views)])


def difference_over_seeds(difference: Float[np.ndarray, "seeds units"]) -> tuple[float, float]:
    """Mean of paired differences and the half width of its 95 % interval, for other seeds and for other scenes.

    Student's interval of the means of the seeds and the normal interval of the means of the scenes, their half
    widths added as independent errors. It is on the safe side: the scatter of the seeds has that of the scenes in it.
    One seed says nothing about others: its interval is infinite.

    Examples
    --------
    >>> value, half = difference_over_seeds(np.array([[0.25], [0.5], [0.75]]))
    >>> value, round(half, 2)  # t = 4.303 for 3 seeds: 4.303 · 0.25 / √3
    (0.5, 0.62)
    """
    from scipy.stats import t

    seeds, units = difference.shape
    value = float(difference.mean())
    if seeds < 2:
        return value, float("inf")
    of_seeds = t.ppf(0.975, seeds - 1) * difference.mean(1).std(ddof=1) / seeds**0.5
    of_units = 1.959964 * difference.mean(0).std(ddof=1) / units**0.5 if units > 1 else 0.0
    return value, float(np.hypot(of_seeds, of_units))
