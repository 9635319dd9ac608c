"""The arguments of rooms: brought to one library and one batch, and judged where that costs nothing.

Values of NumPy arrays are looked at, those of tensors are not, as that would wait for the device.
"""

from functools import reduce
from math import isfinite
from operator import or_
from typing import Any

import numpy as np

from ambikit._arrays import Array, as_float_array, as_numbers, is_torch, namespace
from ambikit._checks import order_of_channels
from ambikit.errors import AmbikitError, ShapeError

__all__ = ["check_speed_of_sound", "in_one_library", "judged_rooms", "with_positions", "with_walls", "with_weights"]


def check_speed_of_sound(speed_of_sound: Any) -> float:
    """Check a speed in metres per second and return it as a float."""
    is_number = isinstance(speed_of_sound, int | float | np.integer | np.floating)
    if not is_number or not isfinite(speed_of_sound) or not speed_of_sound > 0:
        raise AmbikitError(
            f"got speed_of_sound={speed_of_sound!r}; expected a positive number in metres per second, e.g. 343"
        )
    return float(speed_of_sound)


def in_one_library(*values: Any) -> list[Array]:
    """Numbers, lists and arrays in float64 NumPy, or as tensors like the first tensor if there is one."""
    xp = namespace(*values)
    if xp is np:
        return [as_numbers(value) for value in values]
    like = next(as_float_array(value) for value in values if is_torch(value))
    return [
        as_float_array(value)
        if is_torch(value)
        else xp.as_tensor(as_numbers(value), dtype=like.dtype, device=like.device)
        for value in values
    ]


def with_positions(array: Array, name: str) -> Array:
    """Positions or sizes, which have three numbers on the last axis."""
    if len(array.shape) == 0 or array.shape[-1] != 3:
        raise ShapeError(
            f"got {name} of shape {tuple(array.shape)}; expected (..., 3); give x, y and z in metres on the last axis"
        )
    return array


def with_walls(array: Array, name: str = "reflection", *, banded: bool = False) -> Array:
    """Coefficients of the walls ``(..., 1)`` or ``(..., 6)``, and ``(..., bands, 1 or 6)`` if they have bands."""
    if len(array.shape) == 0:
        array = array[None]
    if array.shape[-1] not in (1, 6):
        raise ShapeError(
            f"got {name} of shape {tuple(array.shape)}; expected (..., 1) or (..., 6), after an axis of bands where "
            "there are bands; give one coefficient for all walls or one per wall"
        )
    return array[None] if banded and len(array.shape) == 1 else array


def with_weights(array: Array) -> tuple[Array, int]:
    """The weights of the channels of a source, and their order."""
    if len(array.shape) == 0:
        raise ShapeError(
            "got source_weights that are a single number; expected (..., channels), one weight per spherical "
            "harmonic; make them with ambikit.directional_source, and leave them out for a source without a front"
        )
    count = int(array.shape[-1])
    return array, order_of_channels(count, f"{count} source_weights of shape {tuple(array.shape)}")


def judged_rooms(room: Array, source: Array, listener: Array, reflection: Array) -> Array:
    """Which rooms ``(...)`` make sense; NumPy rooms that make none are refused at once.

    NaN never makes sense, which is why the conditions are written as what must hold.
    """
    wrong = {
        "room without a finite size": ~((room > 0) & (room < float("inf"))).all(-1),
        "source outside the room": ~((source >= 0) & (source <= room)).all(-1),
        "listener outside the room": ~((listener >= 0) & (listener <= room)).all(-1),
        "source at the position of the listener": (source == listener).all(-1),
        "reflection coefficient beyond 1": ~(abs(reflection) <= 1).all(-1),
    }
    if not is_torch(room):
        for what, where in wrong.items():
            if where.any():
                shape = np.broadcast_shapes(where.shape, room.shape[:-1], source.shape[:-1], listener.shape[:-1])
                first = int(np.flatnonzero(np.broadcast_to(where, shape))[0])
                a, b, c = (
                    np.broadcast_to(array, (*shape, 3)).reshape(-1, 3)[first].tolist()
                    for array in (room, source, listener)
                )
                raise AmbikitError(
                    f"got a {what} (room {a}, source {b}, listener {c}); expected two different positions inside the "
                    "room, in metres from its corner, and coefficients in [−1, 1]; move them or enlarge the room"
                )
    return ~reduce(or_, wrong.values())
