"""Where one sound comes from: azimuth of events (TAU Spatial Sound Events 2019) and of objects of the world.

The mean azimuth error in cross-validation is that of yang2020, table 6. A head answers with two components of a unit
vector. It gets the embedding of the sound as heard to the front, or the four that are heard to the front, the left, the
back and the right, side by side. Beside it stand a random embedding, and an estimate that learns nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

import ambikit
from ambikit_models.datasets.tau_sse2019 import SpatialSoundEvents2019, SyntheticRecording
from ambikit_models.downstream.probing.engine import Task
from ambikit_models.downstream.probing.examples import Examples, Inputs, Part, Split, read_each
from ambikit_models.downstream.probing.folds import given_folds
from ambikit_models.downstream.probing.heads import PROBE, fit_head
from ambikit_models.downstream.probing.losses import Directions, Loss
from ambikit_models.downstream.probing.scenes import SceneViews, WorldScenes
from ambikit_models.downstream.probing.scores import MeanScores
from ambikit_models.downstream.probing.subjects import Subject
from ambikit_models.downstream.probing.windows import read_windows
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.seld.labels import FRAME

__all__ = ["EventDirections", "ObjectDirections", "estimated_direction"]

#: Hz between which the estimate without learning listens
_BAND = (500.0, 6000.0)
#: azimuths to which a sound is heard: front, left, back, right
_WAYS = (0.0, np.pi / 2, np.pi, -np.pi / 2)


class _Azimuths(Task):
    units: ClassVar[dict[str, str]] = {"azimuth error": "°"}
    senses = ("audio", "audio, four ways")
    loss: Loss = Directions()
    outputs: int = 2

    def score(self, answers: Tensor, test: Examples) -> MeanScores:
        """The angle between the mean answer to the pieces and the truth, in degrees."""
        answer, truth = answers.double().mean(1), test.targets[:, 0].double()
        cross = answer[:, 0] * truth[:, 1] - answer[:, 1] * truth[:, 0]
        error = torch.atan2(cross.abs(), (answer * truth).sum(-1))
        return MeanScores.of({"azimuth error": torch.rad2deg(error).numpy()}, test.groups)

    def encoder(self, subject: Subject, senses: str) -> nn.Module:
        """Of the four ways that the sound is heard, the first or all."""
        return _Ways(subject.encoder("audio"), 1 if senses == "audio" else len(_WAYS))

    def baselines(self, subject: Subject, splits: Sequence[Split]) -> dict[str, list[Tensor]]:
        """A head on random numbers, and :func:`ambikit.direction_of_arrival`."""
        generator = torch.Generator().manual_seed(0)
        guesses, estimates = [], []
        for split in splits:
            train, test = (torch.randn(len(part), 1, 64, generator=generator) for part in (split.train, split.test))
            guesses.append(fit_head(train, split.train.targets, PROBE, loss=self.loss)(test))
            estimates.append(self._estimates(split.test))
        return {"random embedding": guesses, "ambikit.direction_of_arrival": estimates}

    def _estimates(self, test: Examples) -> Tensor:
        whole, rows = (test.whole, test.rows) if isinstance(test, Part) else (test, np.arange(len(test)))
        signals = (whole.signal(int(row)) for row in rows)  # pyright: ignore[reportAttributeAccessIssue]
        return torch.stack([estimated_direction(*signal) for signal in signals])[:, None]


class _Ways(nn.Module):
    def __init__(self, encoder: nn.Module, ways: int):
        super().__init__()
        self.encoder, self.ways = encoder, ways

    def forward(self, inputs: Inputs) -> Tensor:
        assert inputs.audio is not None
        return self.encoder(Inputs(audio=inputs.audio[:, : self.ways])).flatten(1)[:, None]


def unit_vectors(azimuth: Float[np.ndarray, "..."]) -> Float[Tensor, "... 2"]:
    """To the front and to the left."""
    return torch.from_numpy(np.stack([np.cos(azimuth), np.sin(azimuth)], -1)).float()


def estimated_direction(signal: Float[np.ndarray, "4 time"], sample_rate: float) -> Float[Tensor, "2"]:
    """The direction of the strongest source between 500 Hz and 6 kHz, without learning; zero where nothing is heard."""
    length = 2 ** math.ceil(math.log2(0.03 * sample_rate))
    spectrum = ambikit.stft(np.asarray(signal, np.float64), frame_length=length, hop_length=length // 2)
    bins = np.arange(length // 2 + 1) * sample_rate / length
    heard = spectrum[:, (bins >= _BAND[0]) & (bins <= _BAND[1])]
    azimuth = np.asarray(ambikit.direction_of_arrival(heard).azimuth)[..., 0]
    return unit_vectors(azimuth) if np.isfinite(azimuth) else torch.zeros(2)


@dataclass
class EventDirections(_Azimuths):
    """Events of TAU Spatial Sound Events 2019 that nothing overlaps, in its four folds.

    Each event of the recordings with one event at a time is heard once, in a window around its middle. Recordings are
    the units of the interval.
    """

    name = "directions"
    root: Path
    folds: tuple[int, ...] = (1, 2, 3, 4)
    """Which folds are tested."""

    def splits(self, subject: Subject) -> list[Split]:
        """Every chosen fold is tested, and learned from the others."""
        recordings = [item for item in SpatialSoundEvents2019(self.root).items if item.overlap == 1]
        whole = _Events(recordings, subject)
        folds = given_folds(np.array([recording.split for recording, _, _ in whole.events]), self.folds)
        return [Split(Part(whole, train), Part(whole, test)) for train, test in folds]


class _Events:
    def __init__(self, recordings: Sequence[SyntheticRecording], subject: Subject):
        self.subject = subject
        self.events: list[tuple[SyntheticRecording, float, float]] = []
        for recording in recordings:
            events = recording.events()
            for source in np.unique(events.source):
                rows = np.flatnonzero(events.source == source)
                middle = (events.frame[rows].min() + events.frame[rows].max() + 1) / 2 * FRAME
                start = max(0.0, middle - subject.duration / 2)
                self.events.append((recording, start, float(events.azimuth[rows[0]])))
        self.targets = unit_vectors(np.array([azimuth for _, _, azimuth in self.events]))[:, None]
        self.groups = np.array([recording.name for recording, _, _ in self.events])

    def __len__(self) -> int:
        return len(self.events)

    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        return Inputs(audio=torch.stack(read_each(self._window, rows, generator)))

    def signal(self, row: int) -> tuple[np.ndarray, float]:
        recording, start, _ = self.events[row]
        return recording.sound(start, self.subject.duration, sample_rate=self.subject.sample_rate)

    def _window(self, row: int, generator: np.random.Generator | None) -> Tensor:
        recording, start, _ = self.events[row]
        rate = self.subject.sample_rate
        moved = 0.0 if generator is None else float(generator.uniform(-0.1, 0.1))
        starts = np.full(len(_WAYS), max(0.0, start + moved))
        return read_windows(lambda s, d: recording.sound(s, d, sample_rate=rate), starts, self.subject, _WAYS)


@dataclass
class ObjectDirections(_Azimuths):
    """The azimuth of the only object that sounds in a scene of the world, in its room."""

    name = "directions"
    world: WorldScenes
    folds: tuple[int, ...] = ()
    """Which of four folds of the scenes are tested, as in cross-validation; by default none, but as many other scenes
    as are learned from."""

    def splits(self, subject: Subject) -> list[Split]:
        """Every scene once."""
        if self.folds:
            whole = _Scenes(self.world, subject, "head")
            folds = given_folds(np.arange(len(whole)) % 4 + 1, self.folds)
            return [Split(Part(whole, train), Part(whole, test)) for train, test in folds]
        train, test = (_Scenes(self.world, subject, part) for part in ("head", "test"))
        return [Split(train, test)]


class _Scenes(SceneViews):
    def __init__(self, world: WorldScenes, subject: Subject, part: str):
        clips = world.clips(subject, part, sounding=(1, 1))
        objects = clips.scenes.objects
        azimuth = objects.azimuth[np.arange(len(clips)), objects.sounding.argmax(-1)]
        super().__init__(clips, unit_vectors(azimuth), 1, _all_around)

    def signal(self, row: int) -> tuple[np.ndarray, float]:
        """The sound of a scene, and its rate."""
        return self.clips.signals(np.array([row]))[0].numpy(force=True), self.clips.config.sample_rate


def _all_around(rows: np.ndarray, generator: np.random.Generator | None) -> Viewpoints:
    azimuth = torch.tensor(_WAYS, dtype=torch.float64).expand(len(rows), -1)
    return Viewpoints(azimuth, torch.zeros_like(azimuth), torch.full_like(azimuth, np.pi / 2 - 0.1))
