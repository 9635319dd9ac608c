"""Places by binaural sound, by pictures and by both (TAU Urban Audio-Visual Scenes 2021), and rooms of the world.

Section V-E of wang2022: sound, pictures, and early fusion, which puts both embeddings side by side; frozen and tuned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

import ambikit
from ambikit_models.datasets.tau_scenes import SCENES, UrbanClip, UrbanScenes
from ambikit_models.downstream.probing.engine import Task
from ambikit_models.downstream.probing.examples import Examples, Inputs, Split, read_each
from ambikit_models.downstream.probing.pictures import square_crops
from ambikit_models.downstream.probing.scenes import WorldScenes, front
from ambikit_models.downstream.probing.scores import MeanScores
from ambikit_models.downstream.probing.subjects import Subject
from ambikit_models.downstream.probing.windows import read_windows, window_starts
from ambikit_models.downstream.recognition.acoustic_scenes import accuracy
from ambikit_models.media import media_duration
from ambikit_models.world.clips import WorldClips

__all__ = ["RoomsSeenAndHeard", "UrbanPlaces"]


class _Places(Task):
    units: ClassVar[dict[str, str]] = {"accuracy": "%"}
    senses = ("audio", "video", "both")

    def score(self, answers: Tensor, test: Examples) -> MeanScores:
        """The share of clips whose place is named, by the mean of the answers to their pieces."""
        return accuracy(answers, test)


@dataclass
class UrbanPlaces(_Places):
    """The ten places of TAU Urban Audio-Visual Scenes 2021, on its split; locations are the units of the interval."""

    name = "audio-visual scenes"
    root: Path
    windows: int = 10
    """Windows of each clip; their answers are averaged."""
    outputs: int = len(SCENES)

    def splits(self, subject: Subject) -> list[Split]:
        """The training and the test part of the data set."""
        train, test = (UrbanScenes(self.root, part).items for part in ("train", "test"))
        return [Split(_Clips(train, subject, self.windows), _Clips(test, subject, self.windows))]


class _Clips:
    def __init__(self, clips: Sequence[UrbanClip], subject: Subject, windows: int):
        self.clips, self.subject, self.windows = clips, subject, windows
        self.targets = torch.tensor([clip.class_index for clip in clips])[:, None].expand(-1, windows)
        self.groups = np.array([f"{clip.scene}-{clip.city}-{clip.location}" for clip in clips])

    def __len__(self) -> int:
        return len(self.clips)

    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        pairs = read_each(lambda row, g: self._windows(self.clips[row], g), rows, generator)
        return Inputs(*(torch.stack(side) for side in zip(*pairs, strict=True)))

    def _windows(self, clip: UrbanClip, generator: np.random.Generator | None) -> tuple[Tensor, Tensor]:
        subject = self.subject
        seconds = min(media_duration(clip.sound_path), media_duration(clip.video_path))
        starts = window_starts((0.0, seconds), subject.duration, self.windows, generator)
        rate = subject.sample_rate
        audio = read_windows(lambda start, length: clip.sound(start, length, sample_rate=rate), starts, subject)
        # the pictures lie in the middle of the sound, and of one window all are cut alike
        first = starts + max(0.0, subject.duration - subject.frames / subject.frame_rate) / 2
        times = np.clip(first[:, None] + np.arange(subject.frames) / subject.frame_rate, 0, max(0.0, seconds - 0.04))
        order = np.argsort(times, axis=None, kind="stable")
        frames = clip.frames(times.flatten()[order])[np.argsort(order, kind="stable")]
        pieces = frames.reshape(len(starts), subject.frames, *frames.shape[1:])
        video = subject.see(torch.stack([square_crops(piece, subject.size, generator) for piece in pieces]))
        return video, audio


@dataclass
class RoomsSeenAndHeard(_Places):
    """The room of a scene of the world, which is seen to the front and heard in two channels, the stereo decode."""

    name = "rooms seen and heard"
    world: WorldScenes
    outputs: int = 0

    def splits(self, subject: Subject) -> list[Split]:
        """Scenes of a world in which the room seen is always the room heard."""
        train, test = (self.world.clips(subject, part, room_strength=1.0) for part in ("head", "test"))
        self.outputs = train.config.room_types
        return [Split(_Rooms(train, subject), _Rooms(test, subject))]


class _Rooms:
    """Scenes whose sound is decoded to stereo once."""

    def __init__(self, clips: WorldClips, subject: Subject):
        self.clips, self.subject = clips, subject
        rows = np.arange(len(clips))
        self.targets = clips.rooms_heard(rows).cpu()[:, None]
        self.groups = rows
        blocks = [clips.signals(rows[start : start + 64]).cpu() for start in range(0, len(rows), 64)]
        self.audio = torch.cat([subject.hear(ambikit.decode_stereo(block)) for block in blocks])[:, None]

    def __len__(self) -> int:
        return len(self.clips)

    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        crops = self.clips.batch(rows, front(len(rows))).video
        return Inputs(self.subject.see(crops.flatten(0, 1))[:, None], self.audio[torch.as_tensor(rows)])
