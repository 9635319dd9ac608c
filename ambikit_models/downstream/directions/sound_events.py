"""What sounds where, label frame by label frame: STARSS23, and rooms that are simulated.

The answer to a label frame of 100 ms are multi-ACCDOA vectors, taught by the ADPIT loss and judged by the scores of the
DCASE challenges. A system embeds every label frame, from the steps of its audio encoder; an embedding from elsewhere is
the same for all label frames of a window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ambikit.errors import AmbikitError
from ambikit_models.datasets.event_recordings import EventRecording
from ambikit_models.datasets.starss23 import CLASSES, STARSS23
from ambikit_models.downstream.probing.engine import Task
from ambikit_models.downstream.probing.examples import Examples, Inputs, Split, read_each
from ambikit_models.downstream.probing.losses import EventVectors
from ambikit_models.downstream.probing.subjects import Subject
from ambikit_models.downstream.probing.windows import read_windows
from ambikit_models.media import media_duration
from ambikit_models.seld.labels import FRAME, Events
from ambikit_models.seld.metrics import EventCounts, count_events, scores_of
from ambikit_models.seld.scenes import SceneConfig, seld_scene
from ambikit_models.seld.targets import multi_accdoa_targets, multi_accdoa_to_events, place_in_frame

__all__ = ["EventScores", "RecordedEvents", "SimulatedEvents"]

#: location-dependent error rate and F, class-dependent localisation error and recall
_FIGURES = {"ER 20°": "1", "F 20°": "%", "LE": "°", "LR": "%"}
_TRACKS = 3
#: windows of a stretch, which is learned at once
_PIECES = 5


@dataclass(frozen=True)
class EventScores:
    """The scores of recordings, which are no means over them."""

    counts: tuple[EventCounts, ...]
    """What is counted in each recording."""

    def __len__(self) -> int:
        return len(self.counts)

    def figures(self, units: Int[np.ndarray, "drawn"]) -> dict[str, float]:
        """ER, F, LE and LR over some recordings, by the rules of DCASE 2022 and 2023."""
        first, *others = (self.counts[unit] for unit in units)
        drawn = sum(others, first)
        if not drawn.counts[0].any():
            return dict.fromkeys(_FIGURES, float("nan"))
        found = scores_of(drawn)
        values = (found.error_rate, found.f_score, found.localization_error_degrees, found.localization_recall)
        return dict(zip(_FIGURES, values, strict=True))

    def per_unit(self) -> dict[str, Float[np.ndarray, "units"]]:
        """None: recordings have no scores of their own that these were means of."""
        return {}

    def joined(self, other: "EventScores") -> "EventScores":
        """The recordings of two folds."""
        return EventScores(self.counts + other.counts)


class _Stretches:
    """Recordings in stretches of a few windows, each with its label frames: implements :class:`Examples`."""

    def __init__(self, recordings: Sequence["_Recording"], subject: Subject, classes: int):
        self.recordings, self.subject = recordings, subject
        self.steps = label_frames(subject)
        self.places = [
            (number, start)
            for number, recording in enumerate(recordings)
            for start in range(0, recording.windows(subject), _PIECES)
        ]
        targets = [
            _targets(recording, subject, classes).unflatten(0, (-1, _PIECES, self.steps)) for recording in recordings
        ]
        self.targets = torch.cat(targets)
        self.groups = np.array([number for number, _ in self.places])

    def __len__(self) -> int:
        return len(self.places)

    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        return Inputs(audio=torch.stack(read_each(lambda row, _: self._stretch(*self.places[row]), rows)))

    def _stretch(self, number: int, first: int) -> Tensor:
        starts = (first + np.arange(_PIECES)) * self.subject.duration
        return read_windows(self.recordings[number].read(self.subject), starts, self.subject)


def label_frames(subject: Subject) -> int:
    """How many label frames a window has."""
    steps = round(subject.duration / FRAME)
    if steps < 1 or abs(steps * FRAME - subject.duration) > 1e-6:
        raise AmbikitError(
            f"got a model that hears {subject.duration} s at once; expected a multiple of the label frames of {FRAME} "
            "s; train one with another clip.duration"
        )
    return steps


@dataclass(frozen=True)
class _Recording:
    item: EventRecording | None
    events: Events
    seconds: float
    sound: np.ndarray | None = None

    def windows(self, subject: Subject) -> int:
        """Whole stretches that cover the recording, in windows."""
        return -(-max(1, round(self.seconds / FRAME)) // (_PIECES * label_frames(subject))) * _PIECES

    def read(self, subject: Subject):
        rate = subject.sample_rate

        def read(start: float, duration: float) -> tuple[np.ndarray, float]:
            if self.item is not None:
                return self.item.sound(start, duration, sample_rate=rate)
            assert self.sound is not None
            return self.sound[:, round(start * rate) : round((start + duration) * rate)], rate

        return read


def _targets(recording: _Recording, subject: Subject, classes: int) -> Float[Tensor, "frames outputs"]:
    frames = recording.windows(subject) * label_frames(subject)
    events = recording.events[place_in_frame(recording.events) < _TRACKS]
    return multi_accdoa_targets(events, classes, frames, tracks=_TRACKS).movedim(-1, 0).flatten(1)


class _SoundEvents(Task):
    units: ClassVar[dict[str, str]] = _FIGURES
    senses = ("audio",)
    classes: int

    def encoder(self, subject: Subject, senses: str) -> nn.Module:
        """One embedding per label frame."""
        return subject.encoder("audio", label_frames(subject))

    def score(self, answers: Tensor, test: Examples) -> EventScores:
        """Put the answers to the stretches of a recording together."""
        assert isinstance(test, _Stretches)
        counts = []
        for number, recording in enumerate(test.recordings):
            of_recording = answers[torch.as_tensor(test.groups == number)].flatten(0, 2)
            vectors = of_recording.T.unflatten(0, (_TRACKS, self.classes, 3))
            last = round(recording.seconds / FRAME)
            found = multi_accdoa_to_events(vectors[..., :last])
            counts.append(count_events(recording.events, found, self.classes))
        return EventScores(tuple(counts))


@dataclass
class RecordedEvents(_SoundEvents):
    """The thirteen classes of STARSS23, learned from dev-train and tested on dev-test."""

    name = "sound events"
    root: Path
    classes: int = len(CLASSES)

    def __post_init__(self) -> None:
        self.loss, self.outputs = EventVectors(self.classes, _TRACKS), _TRACKS * self.classes * 3

    def splits(self, subject: Subject) -> list[Split]:
        """The fixed split of the challenges."""
        sides = [
            [_Recording(item, item.events(), media_duration(item.sound_path)) for item in STARSS23(self.root, part)]
            for part in ("dev-train", "dev-test")
        ]
        return [Split(*(_Stretches(side, subject, self.classes) for side in sides))]


@dataclass
class SimulatedEvents(_SoundEvents):
    """Sounds of four classes in simulated rooms, one or two at a time, of the rooms and timbres of ``seld.scenes``."""

    name = "sound events"
    scenes: int
    """Recordings of ten seconds to learn from, and a quarter as many, at least 2, to be tested on."""
    classes: int = 4
    duration: float = 10.0

    def __post_init__(self) -> None:
        self.loss, self.outputs = EventVectors(self.classes, _TRACKS), _TRACKS * self.classes * 3
        self._made: dict[int, list[list[_Recording]]] = {}

    def splits(self, subject: Subject) -> list[Split]:
        """Rooms and sounds of the test are not those of the training."""
        rate = subject.sample_rate
        if rate not in self._made:
            counts = {10_000_000: self.scenes, 20_000_000: max(2, self.scenes // 4)}
            self._made[rate] = [self._recordings(rate, range(first, first + n)) for first, n in counts.items()]
        return [Split(*(_Stretches(side, subject, self.classes) for side in self._made[rate]))]

    def _recordings(self, sample_rate: int, indices: range) -> list[_Recording]:
        config = SceneConfig(classes=self.classes, duration=self.duration, sample_rate=sample_rate)
        made = (seld_scene(config, 0, index) for index in indices)
        return [_Recording(None, events, self.duration, sound) for sound, events in made]
