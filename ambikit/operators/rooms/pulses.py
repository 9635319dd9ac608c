"""Pulses between two samples: a sinc under a Hann window."""

from math import pi
from typing import Any

import numpy as np

from ambikit._arrays import Array, constant_like, is_torch, namespace

__all__ = ["HALF_WIDTH", "interpolated", "placed_pulses", "taken"]

# A fractional delay is a sinc under a Hann window this many samples to both sides.
HALF_WIDTH = 32
# Taps that are worked on at once, so that memory stays bounded in large rooms of many reflections.
_CHUNK = 2**22


def placed_pulses(channels: Array, delays: Array, length: int) -> Array:
    """Add up pulses ``(..., images, channels)`` at fractional sample positions ``(..., images)``."""
    xp = namespace(delays)
    batch, (images, count) = tuple(delays.shape)[:-1], tuple(channels.shape)[-2:]
    delays = delays.reshape(-1, images, 1)
    channels = channels.reshape(-1, images, count).swapaxes(-1, -2).swapaxes(0, 1)[..., None]
    items = delays.shape[0]
    tap = constant_like(np.arange(1 - HALF_WIDTH, HALF_WIDTH + 1), delays)
    begins = _whole_numbers(np.arange(items)[:, None, None] * length, delays)
    response = constant_like(np.zeros((count, items * length)), channels)
    step = max(1, _CHUNK // (max(items, 1) * count * 2 * HALF_WIDTH))
    for part in (slice(start, start + step) for start in range(0, images, step)):
        whole = xp.floor(delays[:, part])
        kernel = _pulse(tap - (delays[:, part] - whole))
        position = _whole_numbers(whole + tap, delays)
        inside = (position >= 0) & (position < length)
        index = xp.where(inside, begins + position, 0).reshape(-1)
        # chosen, not multiplied: what lies outside is put on the first sample of all, where NaN times 0 would stay
        values = xp.where(inside, channels[:, :, part] * kernel, 0.0).reshape(count, -1)
        if is_torch(values):
            response = response.index_add(1, index, values)
        else:
            response += np.stack([np.bincount(index, row, items * length) for row in values])
    senseless = xp.isnan(channels[..., 0]).any(0).any(-1)[:, None]
    response = xp.where(senseless, float("nan"), response.reshape(count, items, length))
    return response.swapaxes(0, 1).reshape(*batch, count, length)


def interpolated(signal: Array, position: Array) -> Array:
    """The values of a signal ``(..., time)`` at fractional sample positions ``(..., count)``; 0 beyond its ends."""
    xp = namespace(signal)
    length = int(signal.shape[-1])
    whole = xp.floor(position)
    tap = constant_like(np.arange(1 - HALF_WIDTH, HALF_WIDTH + 1), position)
    kernel = constant_like(_pulse(tap - (position - whole)[..., None]), signal)
    index = _whole_numbers(whole[..., None] + tap, position)
    inside = (index >= 0) & (index < length)
    index = xp.where(inside, index, 0)
    samples = taken(signal, index.reshape(*index.shape[:-2], -1))
    samples = samples.reshape(*samples.shape[:-1], *index.shape[-2:])
    return (xp.where(inside, samples, 0.0) * kernel).sum(-1)


def taken(x: Array, index: Array) -> Array:
    """The entries of ``x`` along the last axis; all other axes broadcast."""
    xp = namespace(x)
    axes = max(len(x.shape), len(index.shape))
    x, index = (array.reshape((1,) * (axes - len(array.shape)) + tuple(array.shape)) for array in (x, index))
    return np.take_along_axis(x, index, -1) if xp is np else xp.take_along_dim(x, index, -1)


def _pulse(offset: Array) -> Array:
    """The pulse at a distance in samples from its centre."""
    xp = namespace(offset)
    return xp.sinc(offset) * xp.cos(pi / (2 * HALF_WIDTH) * offset) ** 2


def _whole_numbers(x: Any, like: Array) -> Array:
    """Indices in the library of ``like``."""
    if is_torch(like):
        return (x if is_torch(x) else namespace(like).as_tensor(x, device=like.device)).long()
    return np.asarray(x).astype(np.int64)
