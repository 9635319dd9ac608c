"""How sure a number is: intervals and the exact test against chance, with scenes as the units."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

__all__ = ["Estimate", "bootstrap", "chance_probability", "mean_over_scenes"]


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
