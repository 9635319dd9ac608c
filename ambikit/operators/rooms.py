"""Rooms: the reflections of a rectangular room as image sources, and its Ambisonics impulse response.

Positions are in metres from the corner with the smallest coordinates; x points to the front of the listener, y to
the left and z up, along the edges of the room. So the walls in order are back (x = 0), front, right (y = 0), left,
floor (z = 0) and ceiling.
"""

from dataclasses import dataclass
from functools import reduce
from math import ceil, pi
from operator import mul, or_
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, as_float_array, cached_design, constant_like, is_torch, namespace
from ambikit._checks import check_order, check_sample_rate
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.directions import broadcast_shape
from ambikit.geometry.harmonics import harmonics_of_vectors

__all__ = ["ImageSources", "image_sources", "room_impulse_response"]

# A fractional delay is a sinc under a Hann window this many samples to both sides.
_HALF_WIDTH = 32
# Taps that are worked on at once, so that memory stays bounded in large rooms of many reflections.
_CHUNK = 2**22
# How many numbers the last axes of room_size, source, listener and reflection may have.
_SIZES = ((3,), (3,), (3,), (1, 6))


@dataclass(frozen=True)
class ImageSources:
    """The direct sound (first) and the reflections (by rising number of reflections) of a source in a room."""

    directions: Float[Array, "*batch images 3"]
    """Unit vectors from the listener to each image: x front, y left, z up."""
    distances: Float[Array, "*batch images"]
    """Distance from the listener to each image in metres."""
    gains: Float[Array, "*batch images"]
    """Product of the reflection coefficients on the way, divided by the distance."""
    delays: Float[Array, "*batch images"]
    """Time of arrival in seconds."""


def image_sources(
    room_size: Any,
    source: Any,
    listener: Any,
    *,
    reflection: Any,
    max_reflections: int,
    speed_of_sound: float = 343.0,
) -> ImageSources:
    """Where the direct sound and the reflections of a rectangular room come from, when, and how strong.

    Each wall is a mirror: along one axis of length L the image number i of a source at x stands at ``x + i L`` for
    even i and at ``(i + 1) L − x`` for odd i, and its sound has met abs(i) walls of that axis.

    Parameters
    ----------
    room_size
        Length, width and height in metres, ``(..., 3)``: a list, array or tensor.
    source, listener
        Positions in metres from the corner, ``(..., 3)``, inside the room and not the same. Leading axes of all
        arguments broadcast.
    reflection
        Pressure reflection coefficient of the walls, in [−1, 1]: a number for all walls, or ``(..., 6)`` for back,
        front, right, left, floor, ceiling, or ``(..., 1)`` for all walls alike in a batch of rooms.
    max_reflections
        The largest number of walls a sound may have met, 0 or more. R reflections make
        (2 R + 1)(2 R² + 2 R + 3)/3 images: 7, 25, 63, 129, …
    speed_of_sound
        In metres per second.

    Returns
    -------
    ImageSources
        Directions, distances, gains and delays, float64 NumPy, or tensors with gradients if a position is a tensor.

    Raises
    ------
    ShapeError
        If a position has not three coordinates, the walls are neither 1 nor 6, or leading axes do not broadcast.
    AmbikitError
        If a position lies outside the room, source and listener coincide or a coefficient exceeds 1. The values of
        tensors are not judged, as that would wait for the device: there the gains become NaN instead.

    References
    ----------
    Allen and Berkley, Image method for efficiently simulating small-room acoustics, J. Acoust. Soc. Am. 65 (1979)
    943, eq. (10).

    Examples
    --------
    One metre in front of the listener; the floor reflection comes from below, 45° down:

    >>> images = image_sources([6, 4, 3], [3, 2, 0.5], [2, 2, 0.5], reflection=0.9, max_reflections=1)
    >>> images.distances.round(3).tolist()
    [1.0, 5.0, 7.0, 4.123, 4.123, 1.414, 5.099]
    >>> images.directions[5].round(3).tolist(), images.gains[5].round(3).item()
    ([0.707, 0.0, -0.707], 0.636)
    """
    arrivals = _arrivals(room_size, source, listener, reflection, max_reflections, speed_of_sound)
    return ImageSources(*arrivals)


def room_impulse_response(
    room_size: Any,
    source: Any,
    listener: Any,
    sample_rate: float,
    *,
    reflection: Any,
    max_reflections: int,
    order: int = 1,
    length: int | None = None,
    speed_of_sound: float = 343.0,
) -> Float[Array, "*batch channels taps"]:
    """What a rectangular room makes of an impulse, heard in Ambisonics: convolve a mono sound with it.

    Every image source of :func:`image_sources` arrives as a plane wave from its direction, with its gain, at its
    delay; delays between two samples are exact by a windowed sinc of 64 samples. The direct sound has the amplitude
    1/distance (1 at one metre) at distance/speed_of_sound seconds. The tail ends with the last image: there is no
    diffuse reverberation beyond ``max_reflections``.

    Parameters
    ----------
    room_size, source, listener, reflection, max_reflections, speed_of_sound
        As in :func:`image_sources`. In single precision a delay of a second is good to a hundredth of a sample;
        pass tensors in double precision where that matters.
    sample_rate
        In Hz.
    order
        Ambisonic order, 0 or more.
    length
        Number of taps; what arrives later is cut off. By default all arrivals have room (their latest delay is
        asked for, which waits for the device where positions are tensors on one). The sinc of a sound that
        arrives within the first 32 samples loses its beginning.

    Returns
    -------
    array
        ``(..., channels, taps)`` in AmbiX, float64 NumPy, or a tensor with gradients to the positions and the
        coefficients if one of them is a tensor.

    Raises
    ------
    AmbikitError
        As in :func:`image_sources`, or if the sample rate, the order or the length is not a positive number.
    ShapeError
        As in :func:`image_sources`.

    References
    ----------
    Allen and Berkley, J. Acoust. Soc. Am. 65 (1979) 943; Laakso, Välimäki, Karjalainen, Laine, Splitting the unit
    delay, IEEE Signal Process. Mag. 13 (1996) 30, windowed sinc.

    Examples
    --------
    Two metres to the left of the listener, without reflections: W and Y get 1/2 after 2 m / 343 m/s = 280 samples:

    >>> response = room_impulse_response([6, 6, 3], [3, 5, 1], [3, 3, 1], 48020, reflection=0, max_reflections=0)
    >>> response[:, 280].round(9).tolist()
    [0.5, 0.5, 0.0, 0.0]
    """
    sample_rate = check_sample_rate(sample_rate)
    order = check_order(order)
    directions, _, gains, delays = _arrivals(room_size, source, listener, reflection, max_reflections, speed_of_sound)
    delays = delays * sample_rate
    taps = ceil(float(delays.max())) + _HALF_WIDTH if length is None else check_order(length, minimum=1, name="length")
    channels = harmonics_of_vectors(directions, order) * gains[..., None]
    return _place(channels, delays, taps)


def _arrivals(
    room_size: Any, source: Any, listener: Any, reflection: Any, max_reflections: Any, speed_of_sound: Any
) -> tuple[Array, Array, Array, Array]:
    """The fields of :class:`ImageSources`."""
    max_reflections = check_order(max_reflections, name="max_reflections")
    if not isinstance(speed_of_sound, int | float | np.number) or not speed_of_sound > 0:
        raise AmbikitError(f"got speed_of_sound={speed_of_sound!r}; expected a positive number in metres per second")
    room, source, listener, reflection = _parameters(room_size, source, listener, reflection)
    xp = namespace(source)
    sensible = _judged(room, source, listener, reflection)
    signs, offsets, walls = (constant_like(constant, source) for constant in _images(max_reflections))
    path = signs * source[..., None, :] + offsets * room[..., None, :] - listener[..., None, :]
    distances = xp.linalg.vector_norm(path, axis=-1)
    counts = walls if reflection.shape[-1] == 6 else walls.sum(-1)[:, None]
    losses = reflection[..., None, :] ** counts
    gains = reduce(mul, [losses[..., wall] for wall in range(counts.shape[-1])]) / distances
    if is_torch(gains):
        gains = xp.where(sensible[..., None], gains, float("nan"))
    return path / distances[..., None], distances, gains, distances / float(speed_of_sound)


def _place(channels: Array, delays: Array, length: int) -> Array:
    """Add up pulses ``(..., images, channels)`` at fractional sample positions ``(..., images)``."""
    xp = namespace(delays)
    batch, (images, count) = tuple(delays.shape)[:-1], tuple(channels.shape)[-2:]
    delays = delays.reshape(-1, images, 1)
    channels = channels.reshape(-1, images, count).swapaxes(-1, -2).swapaxes(0, 1)[..., None]
    items = delays.shape[0]
    tap = constant_like(np.arange(1 - _HALF_WIDTH, _HALF_WIDTH + 1), delays)
    begins = _whole_numbers(np.arange(items)[:, None, None] * length, delays)
    response = constant_like(np.zeros((count, items * length)), channels)
    step = max(1, _CHUNK // (items * count * 2 * _HALF_WIDTH))
    for part in (slice(start, start + step) for start in range(0, images, step)):
        whole = xp.floor(delays[:, part])
        offset = tap - (delays[:, part] - whole)
        kernel = xp.sinc(offset) * xp.cos(pi / (2 * _HALF_WIDTH) * offset) ** 2
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


def _whole_numbers(x: Array, like: Array) -> Array:
    """Indices in the library of ``like``."""
    if is_torch(like):
        return (x if is_torch(x) else namespace(like).as_tensor(x, device=like.device)).long()
    return np.asarray(x).astype(np.int64)


@cached_design
def _images(max_reflections: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each image and axis: the sign of the source, the room lengths added, and how often it met the walls."""
    numbers = np.arange(-max_reflections, max_reflections + 1)
    i, j, k = (axis.ravel() for axis in np.meshgrid(numbers, numbers, numbers, indexing="ij"))
    # by number of reflections; those of one reflection in the order of the walls
    order = np.lexsort((k, j, i, -abs(k), -abs(j), -abs(i), abs(i) + abs(j) + abs(k)))
    lattice = np.stack([i, j, k], -1)[order]
    lattice = lattice[abs(lattice).sum(-1) <= max_reflections]
    odd = lattice % 2
    low, high = abs(lattice - odd) // 2, abs(lattice + odd) // 2
    return 1 - 2 * odd, lattice + odd, np.stack([low, high], -1).reshape(-1, 6)


def _parameters(room_size: Any, source: Any, listener: Any, reflection: Any) -> tuple[Array, ...]:
    """Bring the arguments to one library, positions to one batch shape."""
    values = (room_size, source, listener, reflection)
    xp = namespace(*values)
    if xp is np:
        arrays = [np.asarray(value, dtype=np.float64) for value in values]
    else:
        like = next(as_float_array(value) for value in values if is_torch(value))
        arrays = [
            as_float_array(value) if is_torch(value) else xp.as_tensor(value, dtype=like.dtype, device=like.device)
            for value in values
        ]
    if len(arrays[3].shape) == 0:
        arrays[3] = arrays[3][None]
    for name, array, sizes in zip(("room_size", "source", "listener", "reflection"), arrays, _SIZES, strict=True):
        if len(array.shape) == 0 or array.shape[-1] not in sizes:
            expected = " or ".join(f"(..., {size})" for size in sizes)
            advice = "one coefficient for all walls or one per wall" if name == "reflection" else "x, y and z in metres"
            raise ShapeError(f"got {name} of shape {tuple(array.shape)}; expected {expected}; give {advice}")
    batch = broadcast_shape(*(tuple(array.shape)[:-1] for array in arrays), names="rooms, positions and walls")
    room, source, listener = (xp.broadcast_to(array, (*batch, 3)) for array in arrays[:3])
    return room, source, listener, arrays[3]


def _judged(room: Array, source: Array, listener: Array, reflection: Array) -> Array:
    """Which rooms make sense; NumPy rooms that make none are refused at once."""
    wrong = {
        "source outside the room": ((source < 0) | (source > room)).any(-1),
        "listener outside the room": ((listener < 0) | (listener > room)).any(-1),
        "source at the position of the listener": (source == listener).all(-1),
        "reflection coefficient beyond 1": (abs(reflection) > 1).any(-1),
    }
    if not is_torch(source):
        for what, where in wrong.items():
            if where.any():
                first = int(np.flatnonzero(np.broadcast_to(where, source.shape[:-1]))[0])
                a, b, c = (array.reshape(-1, 3)[first].tolist() for array in (room, source, listener))
                raise AmbikitError(
                    f"got a {what} (room {a}, source {b}, listener {c}); expected two different positions inside the "
                    "room, in metres from its corner, and coefficients in [−1, 1]; move them or enlarge the room"
                )
    return ~reduce(or_, wrong.values())
