"""Which clips, seen from where, at which step: a pure function of (seed, step), the same on every process.

Nothing here has a state, so a resumed run draws exactly what the uninterrupted one would have drawn.
"""

import dataclasses
from collections.abc import MutableMapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ambikit.errors import AmbikitError
from ambikit_models.panorama.motion import moving_directions
from ambikit_models.panorama.objectness import objectness_directions
from ambikit_models.panorama.salient import SalientViewpoints
from ambikit_models.panorama.sounding import sounding_directions
from ambikit_models.panorama.viewpoints import HasDirections, ObjectViewpoints, RandomViewpoints, Viewpoints

__all__ = ["choose_viewpoints", "clip_indices", "generator_for", "seed_for", "spare_clips", "videos_of"]

#: what was found in the clips of each source, for as long as the source lives
_FOUND: MutableMapping[Any, dict[tuple[str, int], HasDirections]] = WeakKeyDictionary()


def generator_for(seed: int, *counters: int) -> np.random.Generator:
    """A generator that depends on nothing but these numbers."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *counters])))


def seed_for(*numbers: int) -> int:
    """A seed for torch's generators that depends on nothing but these numbers."""
    return int(generator_for(*numbers).integers(2**63))


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
    order, within = _epoch(seed, step, clips, videos)
    return order[within * clips : (within + 1) * clips]


def spare_clips(seed: int, step: int, clips: int, videos: np.ndarray, *, tries: int = 4) -> np.ndarray:
    """Return which clips take the place of those of a step that cannot be read, ``(clips, tries)``, in this order.

    They are clips of the other videos, each at one place only: whichever clips turn out to be broken, on whichever
    process, the batch is the same and all of its videos differ. −1 where there are not enough videos.
    """
    order, within = _epoch(seed, step, clips, videos)
    others = np.concatenate([order[(within + 1) * clips :], order[: within * clips]])[: clips * tries]
    return np.pad(others, (0, clips * tries - len(others)), constant_values=-1).reshape(tries, clips).T


def _epoch(seed: int, step: int, clips: int, videos: np.ndarray) -> tuple[np.ndarray, int]:
    """One clip of every video in the order of an epoch, and which batch of it belongs to a step."""
    names, members = np.unique(videos, return_inverse=True)
    if clips > len(names):
        raise AmbikitError(
            f"got {len(videos)} clips of {len(names)} videos for batches of {clips} clips of different videos; "
            "expected at least as many videos as a batch has clips; lower the clips of the phase or add videos"
        )
    epoch, within = divmod(step, len(names) // clips)
    generator = generator_for(seed, 0, epoch)
    order = generator.permutation(len(names))
    # one random number per clip and epoch; the clip of a video is its member with the largest
    lottery = generator.random(len(videos))
    winners = np.lexsort((lottery, members))
    last = np.searchsorted(members[winners], np.arange(len(names)), side="right") - 1
    return winners[last][order], within


def choose_viewpoints(
    chooser: RandomViewpoints | ObjectViewpoints | SalientViewpoints,
    views: int,
    source: Any,
    indices: np.ndarray,
    generator: np.random.Generator,
) -> Viewpoints:
    """Draw the viewpoints of some clips, from what the source sees and hears in them if the chooser seeks something.

    For sound the source must have ``soundtrack(index)``, for motion and objectness ``panoramas(index)``, for objects
    ``detections(index)``; each clip is searched once.
    """
    chooser = dataclasses.replace(chooser, views=views)
    if isinstance(chooser, SalientViewpoints):
        sought = chooser.sought
        return chooser.draw(
            generator, [{name: _seek(name, source, int(index)) for name in sought} for index in indices]
        )
    if isinstance(chooser, ObjectViewpoints):
        return chooser.draw(generator, [source.detections(int(index)) for index in indices])
    return chooser.draw(generator, len(indices))


def _seek(name: str, source: Any, index: int) -> HasDirections:
    """What one strategy finds in a clip."""
    known = _FOUND.setdefault(source, {})
    if (name, index) not in known:
        if name == "sound":
            known[name, index] = sounding_directions(source.soundtrack(index))
        elif name == "motion":
            known[name, index] = moving_directions(source.panoramas(index))
        elif name == "objectness":
            known[name, index] = objectness_directions(source.panoramas(index))
        else:
            known[name, index] = source.detections(index)
    return known[name, index]
