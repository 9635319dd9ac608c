"""The pretext tasks of trained networks on clips that they have not seen: scenes of the world, or a data set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ambikit_models.batch import ClipSource
from ambikit_models.datasets.stereo_source import open_stereo
from ambikit_models.downstream.alignment.pretext import pretext_figures
from ambikit_models.downstream.probing.engine import Figure, Tell
from ambikit_models.study.videos import open_videos
from ambikit_models.study.worlds import HELD_OUT, load_world, render_world
from ambikit_models.training.checkpoints import load_correspondence
from ambikit_models.training.config import TrainingConfig
from ambikit_models.world.clips import WorldClips

__all__ = ["examine_pretexts"]


def examine_pretexts(
    checkpoints: Sequence[Path],
    *,
    data: Path | None = None,
    part: str | None = None,
    scenes: int = 512,
    world_set: Sequence[str] = (),
    seed: int = 0,
    workers: int = 2,
    device: Any = "cpu",
    tell: Tell | None = None,
) -> list[Figure]:
    """Accuracies of networks, with controls.

    Parameters
    ----------
    checkpoints
        Outputs of trainings, or their checkpoints.
    data, part
        A data set and a list of its clips, by default test; without it scenes of the world that each was trained in.
    scenes
        How many of these.
    world_set
        In place of the world of each: the usual one, changed in these fields, ``KEY=VALUE`` each.
    seed
        Of viewpoints and moments.
    workers
        Processes that render scenes.
    device
        Of the networks.
    tell
        Told about progress.
    """
    names = [path.resolve().name for path in checkpoints]
    if len(set(names)) < len(names):
        names = [str(path) for path in checkpoints]
    figures: list[Figure] = []
    rendered: dict[Any, WorldClips] = {}
    for name, path in zip(names, checkpoints, strict=True):
        model, recipe = load_correspondence(path)
        if data is not None:
            clips: Any = _open(data, part or "test", recipe)
            rows = clips.readable()
        else:
            world = load_world(path, recipe, world_set)
            key = (world, recipe.sound, recipe.clip)
            if key not in rendered:
                indices = range(HELD_OUT, HELD_OUT + scenes)
                rendered[key] = render_world(recipe, world, indices, workers=workers)
            clips, rows = rendered[key], np.arange(scenes)
        figures += pretext_figures(name, model.to(device), recipe, clips, rows, seed=seed, tell=tell)
    return figures


def _open(data: Path, part: str, recipe: TrainingConfig) -> ClipSource:
    clip = recipe.clip
    settings = {"size": clip.size, "frames": clip.frames, "frame_rate": clip.frame_rate}
    whole = open_stereo(data, part, recipe.sound, shown=1.0, sound_duration=clip.duration, **settings)
    return open_videos(data, recipe, split=part) if whole is None else whole
