"""Views whose every pixel has a class: of the synthetic world, and of clips with the maps of a teacher."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from ambikit_models.batch import Batch
from ambikit_models.datasets.map_classes import MapClasses
from ambikit_models.datasets.paired_clips import PairedClips
from ambikit_models.datasets.segmentation_maps import read_segmentation
from ambikit_models.datasets.yt360 import segmentation_folder
from ambikit_models.downstream.probing.examples import Inputs
from ambikit_models.panorama.label_crops import crop_labels
from ambikit_models.panorama.viewpoints import RandomViewpoints, Viewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.augmentation import Changes
from ambikit_models.training.colours import ColourJitter
from ambikit_models.training.sampling import generator_for
from ambikit_models.world.clips import WorldClips

__all__ = ["RecordedViews", "SegmentedViews", "ViewConfig", "WorldViews"]


@dataclass(frozen=True)
class ViewConfig:
    """Where the views look, and how they vary in training (supplementary A.2 of morgado2020)."""

    viewpoints: RandomViewpoints = field(
        default_factory=lambda: RandomViewpoints(field_of_view=(math.pi / 4, math.pi / 2))
    )
    """Four random ones, 45° to 90° wide."""
    flip: bool = True
    """Half of the clips are mirrored in training, pictures, masks and sound."""
    colours: ColourJitter = field(default_factory=ColourJitter)
    """How colours are changed in training; the paper names no strengths."""
    full_size: bool = False
    """Whether masks are as large as the pictures, not half of it."""
    least_confidence: float = 0.75
    """Pixels of which a teacher was less sure are not asked; where it says how sure it was."""
    seed: int = 0
    """Decides the viewpoints of the test."""


class SegmentedViews(ABC):
    """Examples of several views each; implements :class:`~ambikit_models.downstream.probing.examples.Varied`.

    The masks are those of the picture in the middle (of an even number the later one).
    """

    groups: np.ndarray
    names: tuple[str, ...]

    def __init__(self, count: int, size: int, sound: SoundFeatures, config: ViewConfig, *, part: int = 0):
        self.count, self.config, self.sound = count, config, sound
        #: side of the masks; that of the finest features of a video encoder, whose first convolution has stride 2
        self.side = size if config.full_size else -(-size // 2)
        generator = generator_for(config.seed, 31, part)
        self._viewpoints = config.viewpoints.draw(generator, count)
        self._moments = torch.from_numpy(generator.random((count, 1)))

    def __len__(self) -> int:
        return self.count

    def pairs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> tuple[Inputs, Tensor]:
        """Show and play some examples, and say what their pixels show, ``(examples, views, side, side)``.

        A pixel that is not known is −1.
        """
        rows = np.asarray(rows)
        if generator is None:
            batch, masks = self._read(rows, self._viewpoints[rows], self._moments[rows], None)
            return Inputs(batch.video, batch.audio), masks
        viewpoints = self.config.viewpoints.draw(generator, len(rows))
        moments = torch.from_numpy(generator.random((len(rows), 1)))
        batch, masks = self._read(rows, viewpoints, moments, generator)
        flip = "joint" if self.config.flip else "none"
        changes = Changes.draw(generator, len(rows), viewpoints.views, flip=flip, colours=self.config.colours)
        batch = changes.apply(batch, self.sound)
        mirrored = torch.from_numpy(changes.mirrored).to(masks.device)[:, None, None, None]
        return Inputs(batch.video, batch.audio), torch.where(mirrored, masks.flip(-1), masks)

    @abstractmethod
    def _read(
        self, rows: np.ndarray, viewpoints: Viewpoints, moments: Tensor, generator: np.random.Generator | None
    ) -> tuple[Batch, Int[Tensor, "examples views side side"]]:
        """Cut views, and their masks, at moments ``(examples, 1)`` from 0 to 1."""


class WorldViews(SegmentedViews):
    """Scenes of the synthetic world with their exact masks: the classes of objects, and after them the room."""

    def __init__(self, clips: WorldClips, config: ViewConfig):
        super().__init__(len(clips), clips.size, clips.sound, config, part=int(clips.indices[0]))
        self.clips, self.groups = clips, np.arange(len(clips))
        self._small = clips.variant(size=self.side)
        self.names = (*(f"class {number}" for number in range(clips.config.appearances)), "room")

    def _read(
        self, rows: np.ndarray, viewpoints: Viewpoints, moments: Tensor, generator: np.random.Generator | None
    ) -> tuple[Batch, Int[Tensor, "examples views side side"]]:
        wide = moments.expand(-1, viewpoints.views)
        kinds = self._small.class_map(rows, viewpoints, wide)[:, :, self.clips.frames // 2]
        masks = torch.where(kinds < 0, self.clips.config.appearances, kinds)
        return self.clips.batch(rows, viewpoints, moments=wide), masks


class RecordedViews(SegmentedViews):
    """Clips with maps of a teacher beside them.

    To learn from, every video comes with ``per_video`` examples per epoch, whose clips and moments are drawn; in a test
    every clip once.

    Parameters
    ----------
    clips
        Readable ones.
    classes
        Those of the maps.
    config
        The views.
    per_video
        Examples of each video; 0 takes every clip once.
    """

    def __init__(self, clips: PairedClips, classes: MapClasses, config: ViewConfig, *, per_video: int = 0):
        videos = clips.videos
        self.members = [np.flatnonzero(videos == video) for video in np.unique(videos)]
        if per_video == 0:
            self.members = [np.array([number]) for number in range(len(clips))]
        super().__init__(len(self.members) * max(1, per_video), clips.size, clips.sound, config)
        self.clips, self.classes, self.names = clips, classes, classes.names
        self.groups = np.array([videos[self.members[row % len(self.members)][0]] for row in range(self.count)])

    def _read(
        self, rows: np.ndarray, viewpoints: Viewpoints, moments: Tensor, generator: np.random.Generator | None
    ) -> tuple[Batch, Int[Tensor, "examples views side side"]]:
        members = [self.members[row % len(self.members)] for row in rows]
        chosen = np.array([m[0] if generator is None else generator.choice(m) for m in members])
        batch = self.clips.batch(chosen, viewpoints, moments=moments.expand(-1, viewpoints.views))
        shown = batch.index.cpu().numpy()  # others than those chosen, where a file cannot be read
        starts = moments[:, 0].numpy() * (self.clips.seconds(shown) - self.clips.sound_duration)
        lasting = self.clips.frames / self.clips.frame_rate
        times = starts + (self.clips.sound_duration - lasting) / 2 + self.clips.frames // 2 / self.clips.frame_rate
        folders = [segmentation_folder(self.clips.clips[index]) for index in shown]
        masks = [self._masks(folders[row], times[row], viewpoints[[row]]) for row in range(len(rows))]
        return batch, torch.from_numpy(np.concatenate(masks)).to(batch.video.device)

    def _masks(self, folder: Path, time: float, view: Viewpoints) -> Int[np.ndarray, "1 views side side"]:
        maps = read_segmentation(folder, at=[time])
        sure = None if maps.confidence is None else maps.confidence / 255
        known = self.classes.of(maps.things, maps.stuff, sure, least=self.config.least_confidence)
        azimuth, elevation, angle = (
            angle.numpy(force=True) for angle in (view.azimuth, view.elevation, view.field_of_view)
        )
        return crop_labels(known, azimuth, elevation, field_of_view=angle, size=self.side)
