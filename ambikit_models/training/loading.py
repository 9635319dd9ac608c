"""The batches of a training: drawn as a function of (seed, step), loaded one step ahead of the networks."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from ambikit_models.batch import Batch, ClipSource
from ambikit_models.training.augmentation import Changes
from ambikit_models.training.config import Phase, TrainingConfig
from ambikit_models.training.moments import choose_views
from ambikit_models.training.one_sided import Asked, most_one_sided
from ambikit_models.training.pretexts import Misaligned
from ambikit_models.training.sampling import clip_indices, generator_for, spare_clips

__all__ = ["ahead", "load_share"]


def load_share(
    config: TrainingConfig,
    phase: Phase,
    source: ClipSource,
    videos: np.ndarray,
    *,
    first: int,
    step: int,
    ours: slice,
    device: Any = "cpu",
) -> Batch:
    """Draw the whole batch of a step and load the part of it that this process works on.

    Parameters
    ----------
    config, phase, source, videos
        The recipe, its phase, the clips, and the video of each.
    first, step
        The first step of the phase, and the one that is drawn, counted over all phases.
    ours
        Which clips of the batch.
    device
        Where the batch is wanted; flips and colours are changed there.
    """
    generator = generator_for(config.seed, 1, step)
    draws = [
        _draw(config, phase, source, videos, (step - first) * phase.one_sided + turn, generator)
        for turn in range(phase.one_sided)
    ]
    changes = Changes.draw(
        generator,
        phase.clips,
        phase.rows,
        flip=config.horizontal_flip,
        colours=config.colour_jitter,
        volume=config.volume_jitter,
    )
    asked = most_one_sided(source, [draw.part(ours) for draw in draws])
    if phase.pretext:
        wrong = Misaligned.draw(
            phase.pretext,
            generator_for(config.seed, 6, step),
            source,
            draws[0].indices,
            excerpt=config.clip.duration,
            turn=phase.turn,
            separation=phase.minimum_separation,
        )
        batch = wrong[ours].load(source, asked.indices, asked.viewpoints, config.sound, **asked.settings)
    else:
        batch = source.batch(asked.indices, asked.viewpoints, **asked.settings)
    return changes[ours].apply(batch.to(device), config.sound)


def _draw(
    config: TrainingConfig,
    phase: Phase,
    source: ClipSource,
    videos: np.ndarray,
    number: int,
    generator: np.random.Generator,
) -> Asked:
    """The clips of a batch, by its number in the phase, where they are looked at, and what else is asked of them."""
    indices = clip_indices(config.seed, number, phase.clips, videos)
    viewpoints, moments = choose_views(
        phase, config.viewpoints, source, indices, generator, excerpt=config.clip.duration
    )
    yaw = torch.from_numpy(generator.uniform(-np.pi, np.pi, phase.clips)) if phase.turns else None
    wanted: dict[str, Any] = {"yaw": yaw, "moments": moments}
    if getattr(source, "replaces", False):
        wanted["spare"] = spare_clips(config.seed, number, phase.clips, videos)
    return Asked(indices, viewpoints, {name: value for name, value in wanted.items() if value is not None})


def ahead(load: Callable[[int], Batch], steps: range) -> Iterator[tuple[int, Batch]]:
    """Load the next batch in a thread while the current one is being trained on."""
    with ThreadPoolExecutor(1) as worker:
        coming = worker.submit(load, steps[0])
        for step in steps:
            batch = coming.result()
            if step + 1 < steps.stop:
                coming = worker.submit(load, step + 1)
            yield step, batch
