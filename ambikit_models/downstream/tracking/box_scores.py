"""How well boxes are found: average precision, and the surest box of every picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ambikit_models.downstream.tracking.anchor_boxes import overlap

__all__ = ["BOX_UNITS", "BoxScores", "average_precision", "hits"]

#: of the figures of :class:`BoxScores`; more is better for the first two, less for the errors
BOX_UNITS = {"AP50": "%", "IoU": "%", "x error": "%", "y error": "%"}
_SUPPRESSED = 0.5


def average_precision(confidences: Float[np.ndarray, "found"], right: Bool[np.ndarray, "found"], truths: int) -> float:
    """The area under precision over recall, where precision is the best at that recall or any higher one.

    Parameters
    ----------
    confidences
        Of all boxes found in all pictures; boxes of equal confidence are taken together.
    right
        Whether each is the first on its object.
    truths
        How many objects there are.

    Examples
    --------
    Two objects; the surest box is right, the next wrong, the third right: ½ · 1 + ½ · ⅔.

    >>> average_precision(np.array([0.9, 0.8, 0.7]), np.array([True, False, True]), 2)
    0.8333333333333333
    """
    if not truths or not len(confidences):
        return 0.0
    order = np.argsort(-confidences, kind="stable")
    last = np.append(np.diff(confidences[order]) != 0, True)  # of each run of equal confidences
    found = np.cumsum(right[order])[last]
    precision = found / (np.flatnonzero(last) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(found, prepend=0) * best).sum() / truths)


def hits(
    boxes: Float[Tensor, "found 4"],
    confidences: Float[Tensor, "found"],
    truths: Float[Tensor, "objects 4"],
    enough: float = 0.5,
) -> Bool[np.ndarray, "found"]:
    """Which boxes of a picture are right: from the surest on, each takes the object that it overlaps most.

    A box on an object that is taken, or that overlaps none by ``enough``, is wrong.
    """
    right = np.zeros(len(boxes), bool)
    if not len(truths):
        return right
    taken: set[int] = set()
    shares = overlap(boxes[:, None], truths[None])
    for number in torch.argsort(confidences, descending=True, stable=True).tolist():
        share, best = shares[number].max(-1)
        if float(share) >= enough and int(best) not in taken:
            taken.add(int(best))
            right[number] = True
    return right


@dataclass(frozen=True)
class BoxScores:
    """The figures of yang2020, table 3, with videos or scenes as units.

    AP50 counts all boxes that are left when of those that overlap by more than half only the surest is kept. The
    others are means over pictures: IoU of the surest box with the object it overlaps most, and by how much its centre
    is off, in parts of the picture.
    """

    found: tuple[tuple[np.ndarray, np.ndarray, int], ...]
    """Confidences, which are right, and the number of objects, of each unit."""
    sums: Float[np.ndarray, "units 3"]
    pictures: Int[np.ndarray, "units"]

    @classmethod
    def of(
        cls,
        boxes: Float[Tensor, "pictures found 4"],
        confidences: Float[Tensor, "pictures found"],
        truths: Float[Tensor, "pictures objects 4"],
        groups: np.ndarray,
    ) -> "BoxScores":
        """Judge the boxes found in pictures; true boxes of NaN are none, and every picture has one or more."""
        from torchvision.ops import nms

        lists: list[list[tuple[np.ndarray, np.ndarray, int]]] = []
        surest = np.zeros((len(boxes), 3))
        for number, (found, sure, truth) in enumerate(zip(boxes, confidences, truths, strict=True)):
            truth = truth[truth.isfinite().all(-1)]
            corners = torch.cat([found[:, :2] - found[:, 2:] / 2, found[:, :2] + found[:, 2:] / 2], -1)
            kept = nms(corners, sure, _SUPPRESSED)
            right = hits(found[kept], sure[kept], truth)
            lists.append([(sure[kept].double().numpy(), right, len(truth))])
            best = found[sure.argmax()]
            share, nearest = overlap(best, truth).max(-1)
            off = (best[:2] - truth[nearest, :2]).abs()
            surest[number] = float(share), float(off[0]), float(off[1])
        names, members = np.unique(groups, return_inverse=True)
        units = [[lists[row][0] for row in np.flatnonzero(members == unit)] for unit in range(len(names))]
        sums = np.stack([np.bincount(members, column, len(names)) for column in surest.T], -1)
        return cls(tuple(_merged(parts) for parts in units), sums, np.bincount(members))

    def __len__(self) -> int:
        return len(self.pictures)

    def figures(self, units: Int[np.ndarray, "drawn"]) -> dict[str, float]:
        """The figures over some units, with repetitions."""
        means = self.sums[units].sum(0) / self.pictures[units].sum()
        precision = average_precision(*_merged([self.found[unit] for unit in units]))
        return dict(zip(BOX_UNITS, [precision, *means.tolist()], strict=True))

    def per_unit(self) -> dict[str, Float[np.ndarray, "units"]]:
        """The means of each unit; average precision is none."""
        return dict(zip(list(BOX_UNITS)[1:], (self.sums / self.pictures[:, None]).T, strict=True))

    def joined(self, other: "BoxScores") -> "BoxScores":
        """The units of two folds, which share none."""
        sums = np.concatenate([self.sums, other.sums])
        return BoxScores(self.found + other.found, sums, np.concatenate([self.pictures, other.pictures]))


def _merged(parts: Sequence[tuple[np.ndarray, np.ndarray, int]]) -> tuple[np.ndarray, np.ndarray, int]:
    confidences, right = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
    return confidences, right, sum(part[2] for part in parts)
