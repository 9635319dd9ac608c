"""Sources and listeners that move: every image source is followed sample by sample.

The sound that arrives now left the source a moment ago, where the source was then. That moment is solved for, so that
the Doppler shift is that of the physics: f / (1 + v/c) for a source that recedes at v, f (1 − v/c) for a listener.
"""

from math import prod
from typing import Any

import numpy as np

from ambikit._arrays import Array, constant_like, is_torch, namespace, to_library_of
from ambikit._checks import check_order
from ambikit.errors import ShapeError
from ambikit.geometry.directions import broadcast_shape
from ambikit.geometry.harmonics import harmonics_of_vectors
from ambikit.operators.rooms.arguments import (
    check_speed_of_sound,
    judged_rooms,
    with_positions,
    with_walls,
    with_weights,
)
from ambikit.operators.rooms.bands import octave_band_filters, split_octave_bands
from ambikit.operators.rooms.images import emitted, image_lattice, wall_losses
from ambikit.operators.rooms.pulses import interpolated, taken

__all__ = ["heard_in_motion"]

# Newton's steps towards the moment of emission, each of which squares the error: four are exact to rounding at c/3.
_STEPS = 5
# Samples, over all items and bands, that are worked on at once; each takes 64 taps.
_CHUNK = 2**16


def heard_in_motion(
    signal: Array,
    room_size: Any,
    source: Any,
    listener: Any,
    sample_rate: float,
    *,
    reflection: Any,
    max_reflections: Any,
    order: int,
    speed_of_sound: Any,
    bands: Any,
    source_weights: Any,
    air_absorption: Any,
) -> Array:
    """What :func:`render_room` does with ``trajectory=True``: ``(..., channels, time)``, positions in float64.

    Examples
    --------
    Nothing moves; 343 m away, and heard after a second of 40 samples:

    >>> heard = heard_in_motion(
    ...     np.ones(100), [400, 9, 9], [353, 1, 1], [10, 1, 1], 40, reflection=0, max_reflections=0, order=1,
    ...     speed_of_sound=343, bands=None, source_weights=None, air_absorption=None,
    ... )
    >>> (343 * heard[:, 80]).round(2).tolist()
    [1.0, 0.0, 0.0, 1.0]
    """
    max_reflections = check_order(max_reflections, name="max_reflections")
    pace = sample_rate / check_speed_of_sound(speed_of_sound)
    banded = bands is not None
    time = int(signal.shape[-1])
    room = with_positions(_precise(room_size, signal), "room_size")
    source = _along(with_positions(_precise(source, signal), "source"), time, "source")
    listener = _along(with_positions(_precise(listener, signal), "listener"), time, "listener")
    reflection = with_walls(_precise(reflection, signal), banded=banded)
    weights, source_order = None, 0
    if source_weights is not None:
        weights, source_order = with_weights(_precise(source_weights, signal))
        weights = _along(weights, time, "source_weights")
    xp = namespace(signal)
    air = _precise(0.0 if air_absorption is None else air_absorption, signal)
    air = air[None] if banded and len(air.shape) == 0 else air
    last = 1 if banded else 0
    batch = broadcast_shape(
        tuple(signal.shape)[:-1],
        tuple(room.shape)[:-1],
        *(tuple(array.shape)[:-2] for array in (source, listener, weights) if array is not None),
        tuple(reflection.shape)[: -1 - last],
        tuple(air.shape)[: len(air.shape) - last],
        names="the signal, rooms, positions, walls and sources",
    )
    room = room[..., None, :]  # beside the axis of time
    judged = reflection.reshape(*reflection.shape[:-2], -1) if banded else reflection
    sensible = judged_rooms(room, source, listener, judged[..., None, :])
    signs, offsets, walls = (constant_like(constant, room) for constant in image_lattice(max_reflections))
    losses = wall_losses(reflection, walls)[..., None, :]
    lead = 0
    if banded:
        # The filters ring before a sound begins; silence in front leaves them room.
        lead = octave_band_filters(bands, sample_rate).shape[-1] // 2
        silence = xp.broadcast_to(xp.zeros_like(signal[..., :1]), (*signal.shape[:-1], lead))
        signal = split_octave_bands(xp.concatenate([silence, signal], -1), bands, sample_rate)
    step = max(1, _CHUNK // max(1, prod(batch) * (int(signal.shape[-2]) if banded else 1)))
    parts = []
    for begin in range(0, time, step):
        now = constant_like(np.arange(begin, min(begin + step, time)), room)
        here = listener if listener.shape[-2] == 1 else listener[..., begin : begin + step, :]
        total = 0.0
        for image in range(signs.shape[0]):
            mirrored = signs[image] * source + offsets[image] * room
            then, path = _emission(now, here, mirrored, pace)
            distance = xp.linalg.vector_norm(path, axis=-1)
            direction = path / distance[..., None]
            way, moment = (distance[..., None, :], then[..., None, :]) if banded else (distance, then)
            gain = losses[..., image] / way * xp.exp(-0.5 * air[..., None] * way)
            sound = interpolated(signal, moment + lead) * constant_like(gain, signal)
            sound = sound.sum(-2) if banded else sound
            if weights is not None:
                sent = emitted(-signs[image] * direction, _at(weights, then), source_order)
                sound = sound * constant_like(sent, signal)
            harmonics = constant_like(harmonics_of_vectors(direction, order), signal)
            total = total + harmonics.swapaxes(-1, -2) * sound[..., None, :]
        parts.append(xp.broadcast_to(total, (*batch, (order + 1) ** 2, now.shape[0])))
    result = xp.concatenate(parts, -1)
    return xp.where(sensible[..., None, :], result, float("nan")) if is_torch(result) else result


def _emission(now: Array, listener: Array, source: Array, pace: float) -> tuple[Array, Array]:
    """When (in samples) what arrives now left the source, and the way from the listener to where that was."""
    xp = namespace(now)
    if source.shape[-2] == 1:
        path = source - listener
        return now - pace * xp.linalg.vector_norm(path, axis=-1), path
    then = now
    speed = source[..., 1:, :] - source[..., :-1, :]
    speed = xp.concatenate([speed, xp.zeros_like(speed[..., :1, :])], -2)
    for _ in range(_STEPS):
        path = _at(source, then) - listener
        distance = xp.linalg.vector_norm(path, axis=-1)
        receding = (path * _held(speed, then)).sum(-1) / distance
        then = then - (then + pace * distance - now) / (1 + pace * receding)
    return then, _at(source, then) - listener


def _at(track: Array, moment: Array) -> Array:
    """A track ``(..., time, size)`` at fractional samples ``(..., count)``; it rests before its first sample."""
    samples = int(track.shape[-2])
    if samples == 1:
        return track
    xp = namespace(track)
    moment = xp.clip(moment, 0, samples - 1)
    left = xp.clip(xp.floor(moment), 0, samples - 2)
    left = left.detach() if is_torch(left) else left
    columns = track.swapaxes(-1, -2)
    index = (left.long() if is_torch(left) else left.astype(np.int64))[..., None, :]
    fraction = (moment - left)[..., None, :]
    between = taken(columns, index) * (1 - fraction) + taken(columns, index + 1) * fraction
    return between.swapaxes(-1, -2)


def _held(track: Array, moment: Array) -> Array:
    """The last entry of a track ``(..., time, size)`` at each moment, and 0 before the first."""
    xp = namespace(track)
    index = xp.floor(xp.clip(moment, 0, int(track.shape[-2]) - 1))
    index = index.long() if is_torch(index) else index.astype(np.int64)
    entries = taken(track.swapaxes(-1, -2), index[..., None, :]).swapaxes(-1, -2)
    return xp.where((moment < 0)[..., None], 0.0, entries)


def _precise(value: Any, signal: Array) -> Array:
    """A parameter in float64, in the library of the signal: a second at 48 kHz leaves single precision no fractions."""
    array = to_library_of(value, signal)
    return array.double() if is_torch(array) else array.astype(np.float64, copy=False)


def _along(track: Array, time: int, name: str) -> Array:
    """What may change over time, as ``(..., time or 1, size)``."""
    if len(track.shape) == 1:
        return track[None]
    if track.shape[-2] not in (1, time):
        raise ShapeError(
            f"got {name} of shape {tuple(track.shape)} for {time} samples; expected (..., {time}, "
            f"{track.shape[-1]}) with trajectory=True, or 1 in place of {time} for what rests; bring a coarser track "
            "to the sample rate first, e.g. with numpy.interp for each coordinate"
        )
    return track
