"""What a task counts, unit by unit, so that figures can be asked again of other draws of the units."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

__all__ = ["MeanScores", "Scores"]


@runtime_checkable
class Scores(Protocol):
    """The figures of one subject with one seed."""

    def __len__(self) -> int:
        """The number of units: recordings, videos, scenes."""
        ...

    def figures(self, units: Int[np.ndarray, "drawn"]) -> dict[str, float]:
        """The figures over some units, with repetitions."""
        ...

    def per_unit(self) -> dict[str, Float[np.ndarray, "units"]]:
        """Of those figures that are means over units, the score of each unit."""
        ...

    def joined(self, other: "Scores") -> "Scores":
        """The scores of this and another fold together."""
        ...


@dataclass(frozen=True)
class MeanScores:
    """Means over examples, with groups of examples as units.

    Examples
    --------
    >>> scores = MeanScores.of({"right": np.array([1.0, 0.0, 1.0])}, np.array(["a", "a", "b"]))
    >>> scores.figures(np.array([0, 1])), scores.figures(np.array([1, 1]))  # b twice: all right
    ({'right': 0.6666666666666666}, {'right': 1.0})
    """

    names: tuple[str, ...]
    sums: Float[np.ndarray, "units figures"]
    counts: Float[np.ndarray, "units"]

    @classmethod
    def of(cls, values: Mapping[str, Float[np.ndarray, "examples"]], groups: np.ndarray) -> "MeanScores":
        """Sum the scores of the examples of each group."""
        names, members = np.unique(groups, return_inverse=True)
        columns = [np.bincount(members, np.asarray(column, np.float64), len(names)) for column in values.values()]
        return cls(tuple(values), np.stack(columns, -1), np.bincount(members, minlength=len(names)).astype(np.float64))

    def __len__(self) -> int:
        return len(self.counts)

    def figures(self, units: Int[np.ndarray, "drawn"]) -> dict[str, float]:
        """The means over all examples of some units."""
        means = self.sums[units].sum(0) / self.counts[units].sum()
        return dict(zip(self.names, means.tolist(), strict=True))

    def per_unit(self) -> dict[str, Float[np.ndarray, "units"]]:
        """The mean of each unit."""
        return dict(zip(self.names, (self.sums / self.counts[:, None]).T, strict=True))

    def joined(self, other: "MeanScores") -> "MeanScores":
        """The units of two folds, which share none."""
        return MeanScores(
            self.names, np.concatenate([self.sums, other.sums]), np.concatenate([self.counts, other.counts])
        )
