"""The synthetic world as examples: scenes that no training has seen, looked at from where a task wants."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ambikit_models.downstream.probing.examples import Inputs
from ambikit_models.downstream.probing.subjects import Subject, System
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.world.clips import WorldClips
from ambikit_models.world.config import WorldConfig

__all__ = ["SceneViews", "WorldScenes", "front"]

#: where the indices of the scenes begin; those of training end long before
_PARTS = {"head": 10_000_000, "test": 20_000_000}


@dataclass
class WorldScenes:
    """Renders scenes for subjects, each kind once.

    Attributes
    ----------
    scenes
        How many to learn from, and as many to be tested on.
    seed
        Of the world.
    workers
        Processes that render.
    world
        The usual one, or another; a subject decides rate and duration.
    """

    scenes: int
    seed: int = 0
    workers: int = 2
    world: WorldConfig = field(default_factory=WorldConfig)
    _rendered: dict[Any, WorldClips] = field(default_factory=dict, repr=False)

    def clips(self, subject: Subject, part: str, **changes: Any) -> WorldClips:
        """The scenes of a part, ``"head"`` or ``"test"``, of a world that differs in some fields."""
        sound = SoundFeatures(sample_rate=subject.sample_rate)
        if isinstance(subject, System):
            sound = subject.recipe.sound
        world = replace(self.world, sample_rate=subject.sample_rate, duration=subject.duration, **changes)
        key = (part, world, sound.keeps)
        if key not in self._rendered:
            indices = range(_PARTS[part], _PARTS[part] + self.scenes)
            self._rendered[key] = WorldClips.render(world, self.seed, indices, sound, workers=self.workers)
        return self._rendered[key].variant(sound=sound, size=subject.size, frames=subject.frames)


class SceneViews:
    """Scenes with one label each, from some viewpoints: implements :class:`Examples`.

    Parameters
    ----------
    clips
        The scenes.
    labels
        Of each scene, ``(scenes, ...)``.
    pieces
        Viewpoints per scene.
    viewpoints
        Where to look in some scenes, varied where a generator is given; by default to the front.
    """

    def __init__(
        self,
        clips: WorldClips,
        labels: Tensor,
        pieces: int = 1,
        viewpoints: Callable[[np.ndarray, np.random.Generator | None], Viewpoints] | None = None,
    ):
        self.clips, self.viewpoints = clips, viewpoints or (lambda rows, _: front(len(rows)))
        self.targets = labels[:, None].expand(-1, pieces, *labels.shape[1:])
        self.groups = np.arange(len(clips))

    def __len__(self) -> int:
        return len(self.clips)

    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        """Show and play some scenes."""
        batch = self.clips.batch(rows, self.viewpoints(rows, generator))
        return Inputs(batch.video, batch.audio)


def front(clips: int, field_of_view: float = 1.3) -> Viewpoints:
    """One view to the front for each clip; radians."""
    zero = torch.zeros(clips, 1, dtype=torch.float64)
    return Viewpoints(zero, zero, zero + field_of_view)
