"""How much of what pictures show was said rightly: pixel accuracy and intersection over union."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

__all__ = ["PixelCounts", "SegmentationScores"]


@dataclass(frozen=True)
class PixelCounts:
    """How many pixels of each view show each class, were said to, and both; pixels that are not known are left out.

    Attributes
    ----------
    right, truth, answered
        ``(examples, views, classes)``.
    """

    right: Int[np.ndarray, "examples views classes"]
    truth: Int[np.ndarray, "examples views classes"]
    answered: Int[np.ndarray, "examples views classes"]

    @classmethod
    def of(
        cls,
        answers: Int[np.ndarray, "examples views height width"],
        targets: Int[np.ndarray, "examples views height width"],
        classes: int,
    ) -> "PixelCounts":
        """Count; a target below 0 is not known.

        Examples
        --------
        >>> counts = PixelCounts.of(np.array([[[[0, 1, 1]]]]), np.array([[[[0, 0, -1]]]]), 2)
        >>> counts.right.tolist(), counts.truth.tolist(), counts.answered.tolist()
        ([[[1, 0]]], [[[2, 0]]], [[[1, 1]]])
        """
        views = targets.shape[0] * targets.shape[1]
        said, shown = answers.reshape(views, -1), targets.reshape(views, -1)
        known = shown >= 0
        row = np.broadcast_to(np.arange(views)[:, None] * classes, shown.shape)

        def count(numbers: np.ndarray, where: np.ndarray) -> np.ndarray:
            found = np.bincount((row + numbers)[where], minlength=views * classes)
            return found.reshape(*targets.shape[:2], classes)

        return cls(count(shown, known & (said == shown)), count(shown, known), count(said, known))

    @staticmethod
    def joined(parts: Sequence["PixelCounts"]) -> "PixelCounts":
        """The examples of all parts, one after the other."""
        names = ("right", "truth", "answered")
        return PixelCounts(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True)
class SegmentationScores:
    """Pixel accuracy and mean intersection over union, with groups of examples as units.

    ``mIoU`` counts the pixels of all views together and is the mean over the classes that any view shows or is said to
    show. ``mIoU by view`` is the mean over the classes of each view, and then over views; the published code of
    morgado2020 takes the mean over all pairs of a view and a class. Units without a known pixel are left out.

    Attributes
    ----------
    right, truth, answered
        Pixels ``(units, classes)``.
    by_view, views
        The sum of the IoU of the views of each unit, and how many of them have a known pixel.

    Examples
    --------
    >>> answers, targets = np.array([[[[0, 1, 1]]]]), np.array([[[[0, 0, 1]]]])
    >>> scores = SegmentationScores.of(PixelCounts.of(answers, targets, 3), np.array(["a"]))
    >>> scores.figures(np.array([0]))  # two of three; one of two for both classes; the third is nowhere
    {'pixel accuracy': 0.6666666666666666, 'mIoU': 0.5, 'mIoU by view': 0.5}
    """

    right: Float[np.ndarray, "units classes"]
    truth: Float[np.ndarray, "units classes"]
    answered: Float[np.ndarray, "units classes"]
    by_view: Float[np.ndarray, "units"]
    views: Float[np.ndarray, "units"]

    @classmethod
    def of(cls, counts: PixelCounts, groups: np.ndarray) -> "SegmentationScores":
        """Sum the examples of each group."""
        names, members = np.unique(groups, return_inverse=True)
        each = np.nan_to_num(_mean(_overlap(counts.right, counts.truth, counts.answered)))
        known = counts.truth.sum(-1) > 0

        def sums(values: np.ndarray) -> np.ndarray:
            total = np.zeros((len(names), *values.shape[1:]))
            np.add.at(total, members, values)
            return total

        pixels = [sums(values.sum(1)) for values in (counts.right, counts.truth, counts.answered)]
        parts = [*pixels, sums((each * known).sum(1)), sums(known.sum(1))]
        seen = parts[4] > 0
        return cls(*(part[seen] for part in parts))

    def __len__(self) -> int:
        return len(self.views)

    def figures(self, units: Int[np.ndarray, "drawn"]) -> dict[str, float]:
        """The figures over some units, with repetitions."""
        right, truth, answered = (x[units].sum(0) for x in (self.right, self.truth, self.answered))
        return {
            "pixel accuracy": float(right.sum() / truth.sum()),
            "mIoU": float(_mean(_overlap(right, truth, answered))),
            "mIoU by view": float(self.by_view[units].sum() / self.views[units].sum()),
        }

    def per_unit(self) -> dict[str, Float[np.ndarray, "units"]]:
        """What is a mean over the pixels or views of each unit."""
        return {
            "pixel accuracy": self.right.sum(-1) / self.truth.sum(-1),
            "mIoU by view": self.by_view / self.views,
        }

    def classes(self) -> dict[str, Float[np.ndarray, "classes"]]:
        """IoU of each class, and which share of its pixels was found (its accuracy); NaN where it never occurs."""
        right, truth, answered = (x.sum(0) for x in (self.right, self.truth, self.answered))
        return {"IoU": _overlap(right, truth, answered), "accuracy": _ratio(right, truth)}

    def joined(self, other: "SegmentationScores") -> "SegmentationScores":
        """The units of two folds, which share none."""
        names = ("right", "truth", "answered", "by_view", "views")
        return SegmentationScores(*(np.concatenate([getattr(self, n), getattr(other, n)]) for n in names))


def _overlap(right: np.ndarray, truth: np.ndarray, answered: np.ndarray) -> np.ndarray:
    return _ratio(right, truth + answered - right)


def _ratio(part: Any, whole: Any) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=np.asarray(whole) > 0)


def _mean(values: np.ndarray) -> np.ndarray:
    """The mean of what is a number, over the last axis; NaN where nothing is."""
    present = ~np.isnan(values)
    return _ratio(np.where(present, values, 0.0).sum(-1), present.sum(-1))
