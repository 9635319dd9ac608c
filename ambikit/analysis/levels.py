"""Levels in decibels, taken to the largest sample of a clip and floored below its loudest band."""

from math import prod
from typing import Any

import numpy as np

from ambikit._arrays import Array, kernel_view, namespace, real_dtype
from ambikit.analysis.filterbank import detached
from ambikit.analysis.mel_bands import Room
from ambikit.errors import AmbikitError

__all__ = ["check_levels", "levels", "peak_of"]


def levels(mel: Array, power: float, dynamic_range_db: float, peak: Any = None, room: Room | None = None) -> Array:
    """Decibels of band sums of ``|X / peak|**power``, floored below the largest of the last three axes.

    Band sums that are the first channels of a ``room`` of single precision are overwritten: the result is the room's.
    """
    xp = namespace(mel)
    if room is not None and real_dtype(mel).itemsize == 4:
        from ambikit.kernels.levels import decibels

        clips, ratio = room.clips, np.float32(10 ** (-dynamic_range_db * power / 20))
        offset = np.zeros(len(clips), np.float32) if peak is None else 20 * np.log10(np.asarray(peak).reshape(-1))
        flat = clips.reshape(len(clips), prod(clips.shape[1:]))
        decibels(flat, prod(mel.shape[-3:]), ratio, np.float32(20 / power / np.log(10)), offset)
        return mel
    # A NaN stays where it is: it does not decide over the floor of the rest.
    known = xp.where(xp.isfinite(mel), mel, 0.0)
    top = xp.amax(known, tuple(range(-min(3, mel.ndim), 0)), keepdims=True)
    top = xp.where(top > 0, top, 1.0)
    floor = xp.clip(top * 10 ** (-dynamic_range_db * power / 20), float(xp.finfo(mel.dtype).tiny), None)
    level = (20 / power) * xp.log10(xp.maximum(mel, floor))
    level = level if peak is None else level + 20 * xp.log10(peak)[..., None]
    if room is None:
        return level
    mel[:] = level
    return mel


def peak_of(signal: Array) -> Array:
    """The largest sample of each clip (the last two axes), 1 for silence; without gradient, since it cancels out.

    Squares of float32 samples near 1e-30 would be 0: features are computed at peak 1.
    """
    xp = namespace(signal)
    fixed = detached(signal)
    view = kernel_view(fixed)
    if view is not None and view.dtype == np.float32 and view.ndim > 1:
        from ambikit.kernels.levels import largest_samples

        largest = np.empty((*view.shape[:-2], 1, 1), np.float32)
        samples = view.view(np.int32).reshape(largest.size, view.shape[-2] * view.shape[-1])
        largest_samples(samples, largest.view(np.int32).reshape(-1))
        peak = xp.asarray(largest)
    else:
        # Infinity and NaN stay where they are: they do not decide over the level of the rest.
        size = xp.where(xp.isfinite(fixed), xp.abs(fixed), 0.0)
        peak = xp.amax(size, tuple(range(-min(2, signal.ndim), 0)), keepdims=True)
    return xp.where(peak == 0, 1.0, peak)


def check_levels(power: float, dynamic_range_db: float) -> None:
    """Refuse a power other than 1 or 2 and a dynamic range that is not positive."""
    if power not in (1, 2):
        raise AmbikitError(f"got power={power!r}; expected 2.0 (power spectrum) or 1.0 (magnitude spectrum)")
    if not dynamic_range_db > 0:
        raise AmbikitError(f"got dynamic_range_db={dynamic_range_db!r}; expected decibels above 0, e.g. 100.0")
