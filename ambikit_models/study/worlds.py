"""The synthetic world as the clips of one recipe: to train on, and scenes that no training has seen."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ambikit_models.training.config import TrainingConfig, load_yaml, save_yaml
from ambikit_models.training.overrides import override
from ambikit_models.world.clips import WorldClips
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.selection import select_scenes

__all__ = ["HELD_OUT", "load_world", "render_world", "save_world", "world_for"]

#: where the indices of the scenes begin that are kept for examinations
HELD_OUT = 20_000_000

_FILE = "world.yaml"


def world_for(config: TrainingConfig, settings: Sequence[str] = ()) -> WorldConfig:
    """The world in which a recipe can be trained, changed in some fields.

    Clips last as long as what is seen and heard at once, or three times that where several moments are needed.

    Parameters
    ----------
    config
        The recipe.
    settings
        ``KEY=VALUE`` each, as for :func:`~ambikit_models.training.overrides.override`.
    """
    several = any(phase.moments > 1 or phase.objective == "shift" for phase in config.phases)
    duration = config.clip.duration * (3 if several else 1)
    world = replace(WorldConfig(), sample_rate=config.sound.sample_rate, duration=duration)
    return override(world, tuple(settings))


def render_world(
    config: TrainingConfig,
    world: WorldConfig,
    indices: Sequence[int] | np.ndarray,
    *,
    workers: int = 2,
    progress: Callable[[int, int], Any] | None = None,
) -> WorldClips:
    """Render scenes for a recipe, and keep those that it selects by their sound."""
    clip = config.clip
    shown = {"size": clip.size, "frames": clip.frames, "duration": clip.duration}
    clips = WorldClips.render(world, 0, indices, config.sound, workers=workers, progress=progress, **shown)
    return select_scenes(clips, clip.selection, seed=config.seed)


def save_world(world: WorldConfig, folder: Path) -> None:
    """Note beside a training in which world it was."""
    folder.mkdir(parents=True, exist_ok=True)
    save_yaml(world, folder / _FILE)


def load_world(folder: Path, config: TrainingConfig, settings: Sequence[str] = ()) -> WorldConfig:
    """The world that is noted beside a training, or the usual one.

    Parameters
    ----------
    folder
        Output of a training, or a checkpoint in it.
    config
        The recipe.
    settings
        As for :func:`world_for`: in place of what is noted, the usual world changed in these fields.
    """
    noted = next((path for place in _places(folder) if (path := place / _FILE).is_file()), None)
    return world_for(config, settings) if settings or noted is None else load_yaml(WorldConfig, noted)


def _places(folder: Path) -> list[Path]:
    """A folder and, if it holds checkpoints or is one, that of the training: OUTPUT/checkpoints/step-000400."""
    places = [folder]
    if folder.name.startswith("step-"):
        places.append(folder.parent)
    if places[-1].name == "checkpoints":
        places.append(places[-1].parent)
    return places
