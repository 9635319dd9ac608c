"""The rows of yang2020, table 3: how well sounding objects are tracked, and what that is owed to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ambikit.errors import AmbikitError
from ambikit_models.correspondence import CorrespondenceNetwork
from ambikit_models.downstream.probing.engine import Figure, Tell, figures_of
from ambikit_models.downstream.probing.examples import Inputs
from ambikit_models.downstream.probing.subjects import System
from ambikit_models.downstream.tracking.box_scores import BOX_UNITS, BoxScores
from ambikit_models.downstream.tracking.sounding_tracker import (
    Given,
    SoundingTracker,
    TrackerConfig,
    fit_tracker,
    score_boxes,
    usual_box,
)
from ambikit_models.downstream.tracking.tracked_objects import TrackedObjects
from ambikit_models.training.config import TrainingConfig

__all__ = ["tracking_figures"]

_ROWS: dict[str, Given] = {"ours": "both", "mono audio": "mono", "stereo audio": "stereo", "visual context": "picture"}
_SENSES: dict[Given, str] = {"mono": "audio", "stereo": "audio", "picture": "video", "both": "both"}
_MOVING = ", moving"


def tracking_figures(
    network: CorrespondenceNetwork,
    recipe: TrainingConfig,
    train: TrackedObjects,
    test: TrackedObjects,
    config: TrackerConfig,
    *,
    seeds: Sequence[int] = (0,),
    tell: Tell | None = None,
) -> list[Figure]:
    """Train and judge a tracker for every row, on all test examples and on those that move.

    *ours* (sound and picture) first, which the others are compared with: *mono audio*, *stereo audio* and *visual
    context* get a part of it; all are tuned from the pretext's weights. *+ pretext* and *− pretext* keep the networks
    that see and hear as they are, trained or random. *usual box* is the mean box of the training examples. *ours, other
    sound* is shown the sound of another example: what is left is owed to the picture.

    Parameters
    ----------
    network, recipe
        Trained on a pretext.
    train, test
        To learn from, and to be judged by.
    config
        Of all trackers.
    seeds
        Of the trackers.
    tell
        Told about progress.
    """
    moving = np.flatnonzero(test.moving)
    parts: dict[str, TrackedObjects] = {"": test}
    if len(np.unique(test.groups[moving])) > 1:
        parts[_MOVING] = _Chosen(test, moving)
    fresh = System("", network, recipe).untrained().model
    assert isinstance(fresh, CorrespondenceNetwork)
    rows: list[tuple[str, Given, CorrespondenceNetwork, bool]] = [
        *((name, given, network, False) for name, given in _ROWS.items()),
        ("+ pretext", "both", network, True),
        ("− pretext", "both", fresh, True),
    ]
    figures: list[Figure] = []
    for name, given, start, frozen in rows:
        trackers = []
        for number, seed in enumerate(seeds):

            def report(done: int, total: int, loss: float, number: int = number, name: str = name) -> None:
                if tell:
                    tell(f"tracking: {name}", done, total, f"seed {number + 1} of {len(seeds)}, loss {loss:.3f}")

            trackers.append(
                fit_tracker(start, recipe.sound, given, train, config, frozen=frozen, seed=seed, report=report)
            )
        for words, part in parts.items():
            way = ("frozen" if frozen else "tuned") + words
            figures += _figures(name, _SENSES[given], way, trackers, part)
            if name == "ours":
                figures += _figures("ours, other sound", "both", way, trackers, _OtherSound(part))
    for words, part in parts.items():
        figures += figures_of("usual box", "–", "–" + words, BOX_UNITS, [usual_box(train, part)])
    return figures


def _figures(
    name: str, senses: str, way: str, trackers: Sequence[SoundingTracker], test: TrackedObjects
) -> list[Figure]:
    scores: list[BoxScores] = [score_boxes(tracker, test) for tracker in trackers]
    return figures_of(name, senses, way, BOX_UNITS, scores)


@dataclass(frozen=True)
class _Chosen:
    """Some of the examples."""

    whole: TrackedObjects
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __getattr__(self, name: str) -> Any:
        if name not in ("targets", "groups", "moving"):
            raise AttributeError(name)
        return getattr(self.whole, name)[self.rows]

    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        return self.whole.inputs(self.rows[rows], generator)

    def pairs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Any:
        return self.whole.pairs(self.rows[rows], generator)


class _OtherSound(_Chosen):
    """All examples, each with the sound of one of another group."""

    def __init__(self, whole: TrackedObjects):
        super().__init__(whole, np.arange(len(whole)))
        names, members = np.unique(whole.groups, return_inverse=True)
        if len(names) < 2:
            raise AmbikitError(f"got {len(names)} video or scene to be tested on; expected at least 2")
        first = {group: int(np.flatnonzero(members == group)[0]) for group in range(len(names))}
        object.__setattr__(self, "heard", np.array([first[(group + 1) % len(names)] for group in members]))

    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        seen, heard = self.whole.inputs(rows), self.whole.inputs(self.heard[rows])
        return Inputs(seen.video, heard.audio)
