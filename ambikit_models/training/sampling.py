"""Which clips, seen from where, at which step: a pure function of (seed, step), the same on every process.

Nothing here has a state, so a resumed run draws exactly what the uninterrupted one would have drawn.
"""

import dataclasses
from typing import Any

import numpy as np

from ambikit.errors import AmbikitError
from ambikit_models.panorama.viewpoints import ObjectViewpoints, RandomViewpoints, Viewpoints

__all__ = ["choose_viewpoints", "clip_indices", "generator_for"]


def generator_for(seed: int, *counters: int) -> np.random.Generator:
    """A generator that depends on nothing but these numbers."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *counters])))


def clip_indices(seed: int, step: int, clips: int, available: int) -> np.ndarray:
    """Return the distinct clips of a step, every clip once per epoch in a new random order; a rest is left out."""
    if clips > available:
        raise AmbikitError(
            f"got {available} clips for batches of {clips}; expected at least as many clips as a batch holds; "
            "lower the clips of the phase or add data"
        )
    per_epoch = available // clips
    epoch, within = divmod(step, per_epoch)
    order = generator_for(seed, 0, epoch).permutation(available)
    return order[within * clips : (within + 1) * clips]


def choose_viewpoints(
    chooser: RandomViewpoints | ObjectViewpoints,
    views: int,
    source: Any,
    indices: np.ndarray,
    generator: np.random.Generator,
) -> Viewpoints:
    """Draw the viewpoints of some clips, from the source's own detections if the chooser looks for objects."""
    chooser = dataclasses.replace(chooser, views=views)
    if isinstance(chooser, ObjectViewpoints):
        return chooser.draw(generator, [source.detections(int(index)) for index in indices])
    return chooser.draw(generator, len(indices))
