"""Cross-validation that keeps together what belongs together."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int

from ambikit.errors import AmbikitError

__all__ = ["given_folds", "group_folds"]

#: rows to learn from, rows to be judged by
Fold = tuple[np.ndarray, np.ndarray]


def given_folds(fold: Int[np.ndarray, "examples"], tested: Sequence[int] | None = None) -> list[Fold]:
    """The folds that a data set brings along: each is tested once, and learned from all others.

    Parameters
    ----------
    fold
        The fold in which each example is tested.
    tested
        Some of the folds; by default all.

    Examples
    --------
    >>> [(train.tolist(), test.tolist()) for train, test in given_folds(np.array([1, 1, 2]))]
    [([2], [0, 1]), ([0, 1], [2])]
    """
    names = np.unique(fold)
    if len(names) < 2:
        raise AmbikitError(f"got examples of {len(names)} fold; expected at least 2, one to test and others to learn")
    wrong = [name for name in tested or () if name not in names]
    if wrong:
        raise AmbikitError(f"got fold {wrong[0]}; expected some of {', '.join(map(str, names))}")
    chosen = names if tested is None else tested
    return [(np.flatnonzero(fold != name), np.flatnonzero(fold == name)) for name in chosen]


def group_folds(groups: np.ndarray, folds: int = 5, *, labels: np.ndarray | None = None, seed: int = 0) -> list[Fold]:
    """Folds of about the same size; examples of one group are never on both sides.

    The groups are taken from the largest to the smallest, in random order where they are equal, and each joins the
    fold in which its classes are rarest so far, of these the smallest.

    Parameters
    ----------
    groups
        Of each example, ``(examples,)``.
    folds
        How many, at least 2.
    labels
        The class of each example, whole numbers; by default all are alike.
    seed
        Decides.

    Examples
    --------
    >>> groups = np.array(["a", "a", "b", "c", "c", "d"])
    >>> sorted(len(test) for _, test in group_folds(groups, 2)), sorted(len(test) for _, test in group_folds(groups, 4))
    ([3, 3], [1, 1, 2, 2])
    """
    names, members = np.unique(groups, return_inverse=True)
    if not 2 <= folds <= len(names):
        raise AmbikitError(
            f"got folds={folds} for examples of {len(names)} groups; expected at least 2 folds and as many groups"
        )
    kinds = np.zeros(len(groups), np.int64) if labels is None else np.unique(labels, return_inverse=True)[1]
    counts = np.zeros((len(names), kinds.max() + 1), np.int64)
    np.add.at(counts, (members, kinds), 1)
    order = np.lexsort((np.random.default_rng(seed).random(len(names)), -counts.sum(1)))
    filled = np.zeros((folds, counts.shape[1]), np.int64)
    place = np.zeros(len(names), np.int64)
    for name in order:
        alike = filled @ counts[name]
        place[name] = min(range(folds), key=lambda f: (alike[f], filled[f].sum(), f))
        filled[place[name]] += counts[name]
    return list(_of(place[members], folds))


def _of(fold: np.ndarray, folds: int) -> Iterator[Fold]:
    for number in range(folds):
        yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)
