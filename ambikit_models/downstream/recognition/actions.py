"""Human actions in ordinary videos (UCF101, HMDB51), and what a crop of the synthetic world shows.

Section 5.4 of morgado2020 tunes the video encoder and gives the accuracy of one clip per video (Clip@1) and of the mean
of 25 (Video@1); section V-C of wang2022 also puts one linear layer on the frozen embedding of one clip.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ambikit.errors import AmbikitError
from ambikit_models.datasets.action_videos import ActionVideo
from ambikit_models.datasets.hmdb51 import HMDB51
from ambikit_models.datasets.ucf101 import UCF101
from ambikit_models.downstream.probing.engine import Task
from ambikit_models.downstream.probing.examples import Examples, Inputs, Split, read_each
from ambikit_models.downstream.probing.pictures import square_crops
from ambikit_models.downstream.probing.scenes import SceneViews, WorldScenes
from ambikit_models.downstream.probing.scores import MeanScores
from ambikit_models.downstream.probing.subjects import Subject
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.training.sampling import generator_for
from ambikit_models.world.clips import WorldClips

__all__ = ["Actions", "ObjectClasses"]


class _PictureClasses(Task):
    units: ClassVar[dict[str, str]] = {"Clip@1": "%", "Video@1": "%"}
    senses = ("video",)

    def score(self, answers: Tensor, test: Examples) -> MeanScores:
        """Clip@1 is the piece in the middle, Video@1 the mean of the answers to all pieces."""
        truth = test.targets[:, 0]
        middle, mean = answers[:, answers.shape[1] // 2], answers.mean(1)
        right = [(a.argmax(-1) == truth).double().numpy() for a in (middle, mean)]
        return MeanScores.of(dict(zip(self.units, right, strict=True)), test.groups)


@dataclass
class Actions(_PictureClasses):
    """The actions of UCF101 or HMDB51, whichever lies in the folder, on the first split.

    Intervals draw the sources of the videos where the data set says which belong together (UCF101), else videos.
    """

    name = "actions"
    root: Path
    split: int = 1
    clips: int = 25
    """Clips of each video in the test."""
    outputs: int = 0

    def splits(self, subject: Subject) -> list[Split]:
        """One clip of each video to learn from, in the middle or anywhere, and 25 to be tested on."""
        if self.clips % 2 != 1:
            raise AmbikitError(f"got clips={self.clips}; expected an odd number, so that one lies in the middle")
        dataset = UCF101 if (Path(self.root) / "ucfTrainTestlist").is_dir() else HMDB51
        train, test = dataset(self.root, self.split, "train"), dataset(self.root, self.split, "test")
        self.outputs = len(train.classes)
        return [Split(_Videos(train.items, subject, 1), _Videos(test.items, subject, self.clips))]


class _Videos:
    def __init__(self, videos: Sequence[ActionVideo], subject: Subject, clips: int):
        self.videos, self.subject, self.clips = videos, subject, clips
        self.targets = torch.tensor([video.class_index for video in videos])[:, None].expand(-1, clips)
        self.groups = np.array([f"{video.action}/{video.group or video.name}" for video in videos])

    def __len__(self) -> int:
        return len(self.videos)

    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        return Inputs(torch.stack(read_each(lambda row, g: self._clips(self.videos[row], g), rows, generator)))

    def _clips(self, video: ActionVideo, generator: np.random.Generator | None) -> Tensor:
        how = {"frames": self.subject.frames, "frame_rate": self.subject.frame_rate}
        starts = video.starts_seconds(self.clips, **how)
        if generator is not None:
            latest = video.starts_seconds(2, **how)[1]
            starts = generator.uniform(0, latest, self.clips) if latest > 0 else np.zeros(self.clips)
        pictures = [square_crops(video.frames(start, **how), self.subject.size, generator) for start in starts]
        return self.subject.see(torch.stack(pictures))


@dataclass
class ObjectClasses(_PictureClasses):
    """The class of an object that a crop of the world looks at: one object of each scene, sounding or not."""

    name = "object classes"
    world: WorldScenes
    crops: int = 5
    """Views of each object in the test, a little apart; the one in the middle looks straight at it."""
    outputs: int = 0

    def splits(self, subject: Subject) -> list[Split]:
        """One view of each object to learn from, straight or a little aside."""
        train, test = self.world.clips(subject, "head"), self.world.clips(subject, "test")
        self.outputs = train.config.classes
        return [Split(_objects(train, 1), _objects(test, self.crops))]


def _objects(clips: WorldClips, crops: int) -> SceneViews:
    objects = clips.scenes.objects
    rng = generator_for(clips.seed, 21, int(clips.indices[0]))
    chosen = np.where(objects.present, rng.random(objects.present.shape), -1.0).argmax(-1)
    rows = np.arange(len(clips))
    azimuth, elevation = (angle[rows, chosen] for angle in (objects.azimuth, objects.elevation))
    fixed = rng.uniform(-_ASIDE, _ASIDE, (2, len(clips), crops))
    fixed[..., crops // 2] = 0

    def look(rows: np.ndarray, generator: np.random.Generator | None) -> Viewpoints:
        aside = fixed[:, rows] if generator is None else generator.uniform(-_ASIDE, _ASIDE, (2, len(rows), crops))
        angles = [torch.from_numpy(a[rows, None] + b) for a, b in ((azimuth, aside[0]), (elevation, aside[1]))]
        return Viewpoints(*angles, torch.full_like(angles[0], _FIELD))

    return SceneViews(clips, torch.from_numpy(objects.kind[rows, chosen]), crops, look)


#: radians: how far a view may look past its object, and its field of view
_ASIDE, _FIELD = np.radians(15.0), np.radians(65.0)
