"""Which clips, seen from where, at which step: a pure function of (seed, step), the same on every process.

Nothing here has a state, so a resumed run draws exactly what the uninterrupted one would have drawn.
"""

import dataclasses
from typing import Any

import numpy as np

from ambikit.errors import AmbikitError
from ambikit_models.panorama.viewpoints import ObjectViewpoints, RandomViewpoints, Viewpoints

__all__ = ["choose_viewpoints", "clip_indices", "generator_for", "videos_of"]


def generator_for(seed: int, *counters: int) -> np.random.Generator:
    """A generator that depends on nothing but these numbers."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *counters])))


def videos_of(source: Any) -> np.ndarray:
    """Which video each clip of a source was cut from; every clip is a video of its own where the source is silent."""
    return np.asarray(getattr(source, "videos", np.arange(len(source))))


def clip_indices(seed: int, step: int, clips: int, videos: np.ndarray) -> np.ndarray:
    """Return the clips of a step, all of different videos: negatives come from other videos.

    Every video comes once per epoch in a new random order, with one of its clips, however many it has; what does
    not fill a batch is left out (section 5.1 of morgado2020; one video of YT-360 has 2,242 clips).

    Parameters
    ----------
    seed, step
        Decide everything.
    clips
        How many.
    videos
        The video of every clip, whole numbers ``(available,)``.
    """
    names, members = np.unique(videos, return_inverse=True)
    if clips > len(names):
        raise AmbikitError(
            f"got {len(videos)} clips of {len(names)} videos for batches of {clips} clips of different videos; "
            "expected at least as many videos as a batch has clips; lower the clips of the phase or add videos"
        )
    per_epoch = len(names) // clips
    epoch, within = divmod(step, per_epoch)
    generator = generator_for(seed, 0, epoch)
    order = generator.permutation(len(names))[within * clips : (within + 1) * clips]
    # one random number per clip and epoch; the clip of a video is its member with the largest
    lottery = generator.random(len(videos))
    winners = np.lexsort((lottery, members))
    last = np.searchsorted(members[winners], np.arange(len(names)), side="right") - 1
    return winners[last[order]]


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
