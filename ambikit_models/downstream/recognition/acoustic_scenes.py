"""Places by their sound in first-order Ambisonics (EigenScape), and rooms of the synthetic world by theirs.

Section V-D of wang2022: segments of 30 seconds, folds, a linear layer on frozen embeddings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ambikit_models.datasets.eigenscape import SCENES, EigenScape, SceneSegment
from ambikit_models.downstream.probing.engine import Task
from ambikit_models.downstream.probing.examples import Examples, Inputs, Part, Split, read_each
from ambikit_models.downstream.probing.folds import given_folds
from ambikit_models.downstream.probing.scenes import SceneViews, WorldScenes
from ambikit_models.downstream.probing.scores import MeanScores
from ambikit_models.downstream.probing.subjects import Subject
from ambikit_models.downstream.probing.windows import read_windows, window_starts
from ambikit_models.media import read_sound

__all__ = ["AcousticScenes", "RoomsHeard", "accuracy"]


def accuracy(answers: Tensor, test: Examples) -> MeanScores:
    """Whether the mean of the answers to the pieces names the class of an example."""
    right = (answers.mean(1).argmax(-1) == test.targets[:, 0]).double().numpy()
    return MeanScores.of({"accuracy": right}, test.groups)


@dataclass
class AcousticScenes(Task):
    """The eight places of EigenScape, in four folds; recordings are the units of the interval."""

    name = "acoustic scenes"
    units: ClassVar[dict[str, str]] = {"accuracy": "%"}
    senses = ("audio",)
    root: Path
    folds: tuple[int, ...] = (1, 2, 3, 4)
    """Which folds are tested."""
    windows: int = 10
    """Windows of each segment; their answers are averaged."""
    segment_seconds: float = 30.0
    outputs: int = len(SCENES)

    def splits(self, subject: Subject) -> list[Split]:
        """Every chosen fold is tested, and learned from the other three."""
        segments = EigenScape(self.root, segment_seconds=self.segment_seconds).items
        whole = _Segments(segments, subject, self.windows)
        folds = given_folds(np.array([(segment.recording + 1) // 2 for segment in segments]), self.folds)
        return [Split(Part(whole, train), Part(whole, test)) for train, test in folds]

    def score(self, answers: Tensor, test: Examples) -> MeanScores:
        """The share of segments whose place is named."""
        return accuracy(answers, test)


class _Segments:
    def __init__(self, segments: Sequence[SceneSegment], subject: Subject, windows: int):
        self.segments, self.subject, self.windows = segments, subject, windows
        self.targets = torch.tensor([segment.class_index for segment in segments])[:, None].expand(-1, windows)
        self.groups = np.array([f"{segment.scene}.{segment.recording}" for segment in segments])

    def __len__(self) -> int:
        return len(self.segments)

    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        return Inputs(
            audio=torch.stack(read_each(lambda row, g: self._windows(self.segments[row], g), rows, generator))
        )

    def _windows(self, segment: SceneSegment, generator: np.random.Generator | None) -> Tensor:
        subject, begin = self.subject, segment.start_seconds
        starts = window_starts((begin, begin + segment.duration_seconds), subject.duration, self.windows, generator)

        def read(start: float, duration: float) -> tuple[np.ndarray, float]:
            how = {"sample_rate": subject.sample_rate, "channel_map": [0, 1, 2, 3]}
            return read_sound(segment.path, start, duration, **how)

        return read_windows(read, starts, subject)


@dataclass
class RoomsHeard(Task):
    """The type of the room in which a scene of the world sounds: reverberation and ambience, whatever sounds."""

    name = "rooms heard"
    units: ClassVar[dict[str, str]] = {"accuracy": "%"}
    senses = ("audio",)
    world: WorldScenes
    outputs: int = 0

    def splits(self, subject: Subject) -> list[Split]:
        """Every scene once, heard to the front."""
        train, test = (self.world.clips(subject, part) for part in ("head", "test"))
        self.outputs = train.config.room_types
        return [Split(*(SceneViews(c, c.rooms_heard(np.arange(len(c))).cpu()) for c in (train, test)))]

    def score(self, answers: Tensor, test: Examples) -> MeanScores:
        """The share of scenes whose room is named."""
        return accuracy(answers, test)
