"""The reflections of a rectangular room as image sources: where they come from, when, and how strong.

Positions are in metres from the corner with the smallest coordinates; x points to the front of the listener, y to
the left and z up, along the edges of the room. So the walls in order are back (x = 0), front, right (y = 0), left,
floor (z = 0) and ceiling.
"""

from dataclasses import dataclass
from functools import reduce
from operator import mul
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, cached_design, constant_like, is_torch, namespace
from ambikit._checks import check_order
from ambikit.geometry.directions import broadcast_shape
from ambikit.geometry.harmonics import harmonics_of_vectors
from ambikit.operators.rooms.arguments import (
    check_speed_of_sound,
    in_one_library,
    judged_rooms,
    with_positions,
    with_walls,
    with_weights,
)

__all__ = ["ImageSources", "arrivals", "emitted", "image_lattice", "image_sources", "wall_losses"]


@dataclass(frozen=True)
class ImageSources:
    """The direct sound (first) and the reflections (by rising number of reflections) of a source in a room."""

    directions: Float[Array, "*batch images 3"]
    """Unit vectors from the listener to each image: x front, y left, z up."""
    distances: Float[Array, "*batch images"]
    """Distance from the listener to each image in metres."""
    gains: Float[Array, "*gains images"]
    """Product of the reflection coefficients on the way, divided by the distance; with what the source sends this way
    and what the air leaves, where they were given."""
    delays: Float[Array, "*batch images"]
    """Time of arrival in seconds."""
    emissions: Float[Array, "*batch images 3"] | None = None
    """Unit vectors in which each sound leaves the source, if known."""


def image_sources(
    room_size: Any,
    source: Any,
    listener: Any,
    *,
    reflection: Any,
    max_reflections: int,
    speed_of_sound: float = 343.0,
    source_weights: Any = None,
    air_absorption: Any = None,
) -> ImageSources:
    """Where the direct sound and the reflections of a rectangular room come from, when, and how strong.

    Each wall is a mirror: along one axis of length L the image number i of a source at x stands at ``x + i L`` for
    even i and at ``(i + 1) L − x`` for odd i, and its sound has met abs(i) walls of that axis. It left the source in
    the direction to the listener, mirrored along every axis whose i is odd.

    Parameters
    ----------
    room_size
        Length, width and height in metres, ``(..., 3)``: a list, array or tensor.
    source, listener
        Positions in metres from the corner, ``(..., 3)``, inside the room and not the same. Leading axes of all
        arguments broadcast.
    reflection
        Pressure reflection coefficient of the walls, in [−1, 1]: a number for all walls, or ``(..., 6)`` for back,
        front, right, left, floor, ceiling, or ``(..., 1)`` for all walls alike in a batch of rooms. Bands of frequency
        are a batch like any other: ``(bands, 6)``. Of coefficients of absorption make them with
        :func:`absorption_to_reflection`.
    max_reflections
        The largest number of walls a sound may have met, 0 or more. R reflections make
        (2 R + 1)(2 R² + 2 R + 3)/3 images: 7, 25, 63, 129, …
    speed_of_sound
        In metres per second.
    source_weights
        How loud the source is to each side: weights ``(..., channels)`` of the spherical harmonics, in the axes of the
        room, as :func:`directional_source` makes them. By default it is alike to all sides.
    air_absorption
        Energy that the air takes, in 1/m as from :func:`air_absorption`: a number or ``(...)``; r metres leave
        ``exp(−air_absorption r / 2)`` of the pressure. By default nothing.

    Returns
    -------
    ImageSources
        Directions, distances, gains, delays and emissions, float64 NumPy, or tensors with gradients if an argument is a
        tensor.

    Raises
    ------
    ShapeError
        If a position has not three coordinates, the walls are neither 1 nor 6, the weights are not those of a full
        order, or leading axes do not broadcast.
    AmbikitError
        If a position lies outside the room or is NaN, source and listener coincide or a coefficient exceeds 1. The
        values of tensors are not judged, as that would wait for the device: there the gains become NaN instead.

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
    fields = arrivals(
        room_size, source, listener, reflection, max_reflections, speed_of_sound, source_weights, air_absorption
    )
    return ImageSources(*fields)


def arrivals(
    room_size: Any,
    source: Any,
    listener: Any,
    reflection: Any,
    max_reflections: Any,
    speed_of_sound: Any,
    source_weights: Any = None,
    air_absorption: Any = None,
    *,
    banded: bool = False,
) -> tuple[Array, Array, Array, Array, Array]:
    """The fields of :class:`ImageSources` (which torch.compile cannot make), also for bands at once.

    With ``banded`` the walls are ``(..., bands, 6)``, the air ``(..., bands)`` and the gains ``(..., bands, images)``:
    bands are no batch axis then, and the geometry is worked out once for all of them.

    Examples
    --------
    >>> walls = [[0.9], [0.5]]
    >>> _, _, gains, delays, _ = arrivals([4, 4, 4], [1, 2, 2], [2, 2, 2], walls, 1, 343.0, banded=True)
    >>> gains.shape, delays.shape
    ((2, 7), (7,))
    """
    max_reflections = check_order(max_reflections, name="max_reflections")
    speed_of_sound = check_speed_of_sound(speed_of_sound)
    given = [value for value in (source_weights, air_absorption) if value is not None]
    room, source, listener, reflection, *optional = in_one_library(room_size, source, listener, reflection, *given)
    for array, name in ((room, "room_size"), (source, "source"), (listener, "listener")):
        with_positions(array, name)
    reflection = with_walls(reflection, banded=banded)
    weights, order = (None, 0) if source_weights is None else with_weights(optional[0])
    air = None if air_absorption is None else optional[-1]
    if banded and air is not None and len(air.shape) == 0:
        air = air[None]
    last = 1 if banded else 0
    leading = [tuple(array.shape)[:-1] for array in (room, source, listener, weights) if array is not None]
    leading += [tuple(reflection.shape)[: -1 - last]]
    leading += [] if air is None else [tuple(air.shape)[: len(air.shape) - last]]
    batch = broadcast_shape(*leading, names="rooms, positions, walls and sources")
    xp = namespace(room)
    room, source, listener = (xp.broadcast_to(array, (*batch, 3)) for array in (room, source, listener))
    judged = reflection.reshape(*reflection.shape[:-2], -1) if banded else reflection
    sensible = judged_rooms(room, source, listener, judged)[(..., *[None] * last, None)]
    signs, offsets, walls = (constant_like(constant, source) for constant in image_lattice(max_reflections))
    path = signs * source[..., None, :] + offsets * room[..., None, :] - listener[..., None, :]
    distances = xp.linalg.vector_norm(path, axis=-1)
    directions = path / distances[..., None]
    emissions = -signs * directions
    gains = wall_losses(reflection, walls) / (distances[..., None, :] if banded else distances)
    if weights is not None:
        sent = emitted(emissions, weights[..., None, :], order)
        gains = gains * (sent[..., None, :] if banded else sent)
    if air is not None:
        gains = gains * xp.exp(-0.5 * air[..., None] * (distances[..., None, :] if banded else distances))
    if is_torch(gains):
        gains = xp.where(sensible, gains, float("nan"))
    return directions, distances, gains, distances / speed_of_sound, emissions


def wall_losses(reflection: Array, walls: Array) -> Array:
    """What the walls leave of each image: coefficients ``(..., 1 or 6)`` to the powers ``(images, 6)``.

    Examples
    --------
    Twice the floor, once the ceiling:

    >>> wall_losses(np.array([1, 1, 1, 1, 0.5, 0.2]), np.array([[0.0, 0, 0, 0, 2, 1]])).tolist()
    [0.05]
    """
    counts = walls if reflection.shape[-1] == 6 else walls.sum(-1)[:, None]
    losses = reflection[..., None, :] ** counts
    return reduce(mul, [losses[..., wall] for wall in range(counts.shape[-1])])


def emitted(emissions: Array, weights: Array, order: int) -> Array:
    """How loud a source is in the directions ``(..., 3)``: the sum of its weights ``(..., channels)`` times harmonics.

    Examples
    --------
    A cardioid that faces the front, to the front and to the left:

    >>> emitted(np.array([[1.0, 0, 0], [0, 1, 0]]), np.array([0.5, 0, 0, 0.5]), 1).tolist()
    [1.0, 0.5]
    """
    return (harmonics_of_vectors(emissions, order) * weights).sum(-1)


@cached_design
def image_lattice(max_reflections: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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
