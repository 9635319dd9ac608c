"""How good a system is that says what sounds where: the joint scores of the DCASE challenges to 2023."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import degrees, pi, radians

import numpy as np
from jaxtyping import Float

import ambikit
from ambikit._checks import check_order
from ambikit.errors import AmbikitError
from ambikit_models.seld.labels import Events

__all__ = ["EventCounts", "SeldScores", "count_events", "score_events", "scores_of"]


@dataclass(frozen=True)
class SeldScores:
    """The scores of a system; ``per_class`` has F, localisation error and recall of each class (``nan``: not there)."""

    error_rate: float
    """Location-dependent error rate ER: wrong, missed and spurious sources per source; 0 is best, above 1 possible."""
    f_score: float
    """Location-dependent F: a source found elsewhere is a mistake; 1 is best."""
    localization_error: float
    """Class-dependent localisation error LE in radians: the mean angle to the sources found; 0 is best."""
    localization_recall: float
    """Class-dependent localisation recall LR: the share of sources found, wherever; 1 is best."""
    per_class: dict[str, Float[np.ndarray, "classes"]] = field(repr=False)

    @property
    def localization_error_degrees(self) -> float:
        """The localisation error in degrees."""
        return degrees(self.localization_error)

    @property
    def seld_score(self) -> float:
        """The mean of ER, 1 − F, LE / 180° and 1 − LR; 0 is best."""
        parts = (self.error_rate, 1 - self.f_score, self.localization_error / pi, 1 - self.localization_recall)
        return sum(parts) / 4


@dataclass(frozen=True)
class EventCounts:
    """What is counted in recordings; counts of several recordings are added."""

    counts: Float[np.ndarray, "7 classes"]
    """Sources, found, sum of angles of those found, right, wrong (too far away), missed, spurious, of each class."""
    mistakes: float
    """Of all classes together: Σ max(wrong + spurious, missed) over the segments."""

    def __add__(self, other: "EventCounts") -> "EventCounts":
        """The counts of two recordings."""
        return EventCounts(self.counts + other.counts, self.mistakes + other.mistakes)


def count_events(
    labels: Events,
    predictions: Events,
    classes: int,
    *,
    threshold: float = radians(20.0),
    segment: int = 10,
) -> EventCounts:
    """Compare the predictions for one recording with its labels: what :func:`score_events` counts."""
    counts, mistakes = np.zeros((len(_COUNTS), classes)), 0.0
    first, second = _by_segment(labels, classes, segment), _by_segment(predictions, classes, segment)
    by_segment = defaultdict(lambda: np.zeros((len(_COUNTS), classes)))
    for key in first.keys() | second.keys():
        by_segment[key[0]][:, key[1]] = _compare(first.get(key, {}), second.get(key, {}), threshold)
    for found in by_segment.values():
        _, _, _, _, wrong, missed, spurious = found.sum(-1)
        mistakes += float(max(wrong + spurious, missed))
        counts += found
    return EventCounts(counts, mistakes)


def scores_of(counted: EventCounts, *, average: str = "macro") -> SeldScores:
    """The scores that follow from counts of one or more recordings; see :func:`score_events`.

    Raises
    ------
    AmbikitError
        If there are no labels at all, or ``average`` is another word.
    """
    if average not in ("macro", "micro"):
        raise AmbikitError(f"got average={average!r}; expected 'macro' or 'micro'; the challenges take 'macro'")
    counts = counted.counts
    if not counts[0].any():
        raise AmbikitError(
            "got no labels in any recording; expected at least one; check the order (labels, predictions)"
        )
    error_rate = float(counted.mistakes / counts[0].sum())
    per_class = _rates(counts)
    if average == "micro":
        f_score, error, recall = (float(rate[0]) for rate in _rates(counts.sum(-1, keepdims=True)))
    else:
        f_score, error, recall = (float(np.nanmean(rate)) for rate in per_class)
    names = ("f_score", "localization_error", "localization_recall")
    return SeldScores(error_rate, f_score, error, recall, dict(zip(names, per_class, strict=True)))


def score_events(
    recordings: Iterable[tuple[Events, Events]],
    classes: int,
    *,
    threshold: float = radians(20.0),
    segment: int = 10,
    average: str = "macro",
) -> SeldScores:
    """Compare predictions with labels, by the rules of DCASE 2022 and 2023.

    In every segment and for each class, as many sources are counted as sound at once in one of its frames. Frame by
    frame, labels and predictions of the class are paired so that the sum of their angles is smallest; the angle of a
    source is its mean over the frames in which it has a partner. A source is *found* if it has a partner, and
    *right* if its angle is at most the threshold.

    ========================================  ======================================================
    score                                     from counts over all segments
    ========================================  ======================================================
    LE                                        mean angle of the sources found (180° if none is)
    LR                                        found / (found + missed)
    F                                         right / (right + wrong + (spurious + missed) / 2)
    ER                                        Σ max(wrong + spurious, missed) / sources, over segments, all classes
    ========================================  ======================================================

    With ``average="macro"`` F, LE and LR are means over the classes that occur in labels or predictions, ER is that
    of all classes together. Two peculiarities of the challenges' evaluation are kept, so that scores compare with
    published ones: the *n*-th row of a class in a frame counts as the same source throughout a segment, and where
    labels and predictions of a class share a segment but no frame, as many sources are missed as were predicted. Two
    are not: predictions after the last label of a recording count here, and a class that occurs nowhere is left out
    of the means instead of failing in them.

    Parameters
    ----------
    recordings
        Pairs (labels, predictions), one per recording.
    classes
        Number of classes.
    threshold
        The largest angle that is right, in radians; 20° in the challenges.
    segment
        Length of a segment in label frames; 10 are the second of the challenges.
    average
        ``"macro"``: classes count alike; ``"micro"``: sources count alike.

    Raises
    ------
    AmbikitError
        If there are no labels at all, a class number is too large, the threshold is no angle, ``classes`` or
        ``segment`` is no whole number of at least 1, or ``average`` is another word.

    References
    ----------
    Mesaros, Adavanne, Politis, Heittola, Virtanen, "Joint measurement of localization and detection of sound events",
    WASPAA 2019; Politis et al., "Overview and evaluation of sound event localization and detection in DCASE 2019",
    IEEE/ACM TASLP 29 (2021) 684: several sources of one class.

    Examples
    --------
    One source, heard 30° beside where it is: found, but not right.

    >>> label, answer = Events.of([(0, 0, 0, 0.0, 0.0)]), Events.of([(0, 0, 0, np.pi / 6, 0.0)])
    >>> scores = score_events([(label, answer)], classes=1)
    >>> scores.error_rate, scores.f_score, round(scores.localization_error_degrees, 6), scores.localization_recall
    (1.0, 0.0, 30.0, 1.0)
    """
    if average not in ("macro", "micro"):
        raise AmbikitError(f"got average={average!r}; expected 'macro' or 'micro'; the challenges take 'macro'")
    if not isinstance(threshold, int | float | np.number) or not 0 <= threshold <= pi:
        raise AmbikitError(f"got threshold={threshold!r}; expected an angle from 0 to π in radians, e.g. radians(20)")
    classes, segment = (
        check_order(n, minimum=1, name=name) for n, name in ((classes, "classes"), (segment, "segment"))
    )
    nothing = EventCounts(np.zeros((len(_COUNTS), classes)), 0.0)
    how = {"threshold": threshold, "segment": segment}
    counted = (count_events(labels, predictions, classes, **how) for labels, predictions in recordings)
    return scores_of(sum(counted, nothing), average=average)


#: sources, found, sum of angles of those found, right, wrong (too far away), missed, spurious
_COUNTS = ("sources", "found", "angle", "right", "wrong", "missed", "spurious")


def _by_segment(
    events: Events, classes: int, segment: int
) -> dict[tuple[int, int], dict[int, list[tuple[float, float]]]]:
    """The directions of the events by (segment, class) and frame."""
    if len(events) and not 0 <= events.class_index.min() <= events.class_index.max() < classes:
        raise AmbikitError(
            f"got events of class {events.class_index.min()} to {events.class_index.max()}; expected classes from 0 to "
            f"{classes - 1}; raise classes"
        )
    found: dict[tuple[int, int], dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    columns = (events.frame, events.class_index, events.azimuth, events.elevation)
    for frame, kind, azimuth, elevation in zip(*(column.tolist() for column in columns), strict=True):
        found[frame // segment, kind][frame].append((azimuth, elevation))
    return found


def _compare(
    labels: dict[int, list[tuple[float, float]]], predictions: dict[int, list[tuple[float, float]]], threshold: float
) -> list[float]:
    """The counts of one class in one segment."""
    sources = max(map(len, labels.values()), default=0)
    predicted = max(map(len, predictions.values()), default=0)
    angles: dict[int, list[float]] = defaultdict(list)
    for frame in sorted(labels.keys() & predictions.keys()):
        for source, angle in _paired(labels[frame], predictions[frame]):
            angles[source].append(angle)
    mean = np.array([sum(values) / len(values) for values in angles.values()])
    right = int((mean <= threshold).sum())
    if sources and predicted and not angles:
        missed, spurious = predicted, 0
    else:
        missed, spurious = max(sources - predicted, 0), max(predicted - sources, 0)
    return [sources, len(mean), mean.sum(), right, len(mean) - right, missed, spurious]


def _paired(labels: list[tuple[float, float]], predictions: list[tuple[float, float]]) -> list[tuple[int, float]]:
    """The number of each label that gets a partner, and the angle between them, by the Hungarian method."""
    from scipy.optimize import linear_sum_assignment

    (azimuth1, elevation1), (azimuth2, elevation2) = np.transpose(labels), np.transpose(predictions)
    angles = ambikit.angular_distance(azimuth1[:, None], elevation1[:, None], azimuth2, elevation2)
    rows, columns = linear_sum_assignment(angles)
    return list(zip(rows.tolist(), angles[rows, columns].tolist(), strict=True))


def _rates(counts: Float[np.ndarray, "counts classes"]) -> tuple[Float[np.ndarray, "classes"], ...]:
    """F, localisation error and recall; nan for a class that is nowhere, in labels or predictions."""
    _, found, angle, right, wrong, missed, spurious = counts
    with np.errstate(invalid="ignore", divide="ignore"):
        f_score = right / (right + wrong + (spurious + missed) / 2)
        recall = found / (found + missed)
        error = np.where(found > 0, angle / found, pi)
    absent = np.isnan(f_score)
    # a class that is only predicted has no sources to find
    return f_score, np.where(absent, np.nan, error), np.where(absent, np.nan, np.nan_to_num(recall))
