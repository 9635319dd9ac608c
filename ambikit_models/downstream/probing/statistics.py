"""How sure a number is: intervals, the exact test against chance and paired tests, with scenes as the units."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ambikit.errors import ShapeError

__all__ = [
    "Estimate",
    "bootstrap",
    "chance_probability",
    "mean_over_scenes",
    "over_seeds",
    "paired_difference",
    "sign_test",
    "wilcoxon",
]

#: units that differ, up to which Wilcoxon's test is exact
_EXACT = 100


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval. The interval covers the sampling of test scenes, not of training seeds."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Percent, with the half width of the interval."""
        return f"{100 * self.value:.1f} ±{100 * (self.high - self.low) / 2:.1f}"


def mean_over_scenes(scores: Float[np.ndarray, "scenes"]) -> Estimate:
    """The mean of one score per scene with its normal 95 % interval.

    Examples
    --------
    >>> print(mean_over_scenes(np.array([1.0, 0.5, 1.0, 0.5])))
    75.0 ±28.3
    """
    mean = float(np.mean(scores))
    half = 1.959964 * float(np.std(scores, ddof=1)) / len(scores) ** 0.5
    return Estimate(mean, mean - half, mean + half)


def bootstrap(statistic, scenes: int, *, draws: int = 200, seed: int = 0) -> Estimate:
    """A statistic of resampled scenes: its value on all of them and the 2.5 and 97.5 percentiles.

    Parameters
    ----------
    statistic
        Maps an integer array of scene numbers, with repetitions, to a float.
    scenes
        How many scenes there are.
    draws
        Number of resamplings.
    seed
        Of the resampling.
    """
    generator = np.random.default_rng(seed)
    values = [statistic(generator.integers(0, scenes, scenes)) for _ in range(draws)]
    low, high = np.percentile(values, [2.5, 97.5])
    return Estimate(float(statistic(np.arange(scenes))), float(low), float(high))


def chance_probability(wins: int, trials: int) -> float:
    """Two-sided exact binomial probability of a result at least this far from one half.

    Examples
    --------
    >>> chance_probability(50, 100)
    1.0
    >>> chance_probability(70, 100) < 0.001
    True
    """
    from scipy.stats import binomtest

    return float(binomtest(wins, trials, 0.5).pvalue)


def over_seeds(values: Float[np.ndarray, "seeds"]) -> Estimate:
    """The mean over training seeds with its 95 % interval by Student's t; unbounded with a single seed.

    Examples
    --------
    >>> print(over_seeds(np.array([0.70, 0.72, 0.74])))  # 4.303 · 0.02 / √3
    72.0 ±5.0
    """
    from scipy.stats import t

    mean, seeds = float(np.mean(values)), len(values)
    if seeds < 2:
        return Estimate(mean, -math.inf, math.inf)
    half = float(t.ppf(0.975, seeds - 1)) * float(np.std(values, ddof=1)) / seeds**0.5
    return Estimate(mean, mean - half, mean + half)


def paired_difference(
    first: Float[np.ndarray, "units"], second: Float[np.ndarray, "_units"], *, draws: int = 1000, seed: int = 0
) -> Estimate:
    """The mean of first − second over the same units, with the interval of a paired bootstrap.

    Examples
    --------
    >>> same = paired_difference(np.array([1.0, 0.0, 1.0]), np.array([1.0, 0.0, 1.0]))
    >>> same.value, same.low, same.high
    (0.0, 0.0, 0.0)
    """
    difference = _paired(first, second)
    return bootstrap(lambda rows: float(difference[rows].mean()), len(difference), draws=draws, seed=seed)


def sign_test(first: Float[np.ndarray, "units"], second: Float[np.ndarray, "_units"]) -> float:
    """Exact two-sided probability that as many units, or more, of those that differ favour one side.

    With answers that are right (1) or wrong (0) this is McNemar's exact test.

    Examples
    --------
    >>> sign_test(np.array([1.0, 1, 1, 1, 0]), np.array([0.0, 0, 0, 1, 0]))  # three of three: 2 / 2³
    0.25
    """
    difference = _paired(first, second)
    better, trials = int((difference > 0).sum()), int((difference != 0).sum())
    return chance_probability(better, trials) if trials else 1.0


def wilcoxon(first: Float[np.ndarray, "units"], second: Float[np.ndarray, "_units"]) -> float:
    """Two-sided probability of Wilcoxon's signed-rank test on the units that differ.

    Exact, also with ties, up to 100 units that differ: every choice of signs is counted. With more the normal
    approximation with the correction for ties is taken.

    Examples
    --------
    >>> wilcoxon(np.array([1.0, 2, 3, 4, 5]), np.zeros(5))  # all five to one side: 2 / 2⁵
    0.0625
    """
    from scipy.stats import norm, rankdata

    difference = _paired(first, second)
    difference = difference[difference != 0]
    count = len(difference)
    if count == 0:
        return 1.0
    # twice the ranks, which are whole numbers also where ties share a rank
    ranks = np.rint(2 * rankdata(np.abs(difference))).astype(np.int64)
    total, positive = int(ranks.sum()), int(ranks[difference > 0].sum())
    if count > _EXACT:
        deviation = math.sqrt(float((ranks.astype(np.float64) ** 2).sum()) / 4)
        return float(2 * norm.sf(abs(positive - total / 2) / deviation))
    share = np.zeros(total + 1)
    share[0] = 1.0
    for rank in ranks:  # of all choices of signs so far, the share with each sum of positive ranks
        moved = np.zeros_like(share)
        moved[rank:] = share[: total + 1 - rank]
        share = (share + moved) / 2
    low, high = min(positive, total - positive), max(positive, total - positive)
    return float(min(1.0, share[: low + 1].sum() + share[high:].sum()))


def _paired(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise ShapeError(
            f"got scores of shapes {first.shape} and {second.shape}; expected one score per unit in both, of the same "
            "units in the same order"
        )
    return first - second
