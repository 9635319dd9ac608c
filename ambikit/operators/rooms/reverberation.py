"""How long a rectangular room rings, by the formulas of statistical acoustics, and what walls it takes."""

from math import log
from typing import Any

from jaxtyping import Float

from ambikit._arrays import Array, is_torch, namespace
from ambikit._checks import check_choice
from ambikit.errors import AmbikitError
from ambikit.geometry.directions import broadcast_shape
from ambikit.operators.rooms.arguments import check_speed_of_sound, in_one_library, with_positions, with_walls

__all__ = ["absorption_for_reverberation_time", "absorption_to_reflection", "reverberation_time"]

_FORMULAS = ("eyring", "sabine")
# ln(10⁶): the energy falls by 60 dB in one reverberation time
_DECAY = 6 * log(10)


def reverberation_time(
    room_size: Any,
    absorption: Any,
    *,
    formula: str = "eyring",
    air_absorption: Any = 0.0,
    speed_of_sound: float = 343.0,
) -> Float[Array, "*batch"]:
    r"""How long a rectangular room takes to fall by 60 dB, as statistics predict it.

    .. math:: T = \frac{24 \ln(10)\, V}{c\,(A + 4 m V)}, \qquad
        A_\text{Sabine} = \sum_i S_i α_i, \qquad A_\text{Eyring} = -S \ln(1 - \sum_i S_i α_i / S)

    Both hold for a diffuse field. A rectangular room is none: of its image sources the energy falls more slowly at the
    end, the more so the longer the room or the more unlike its walls.

    Parameters
    ----------
    room_size
        Length, width and height in metres, ``(..., 3)``.
    absorption
        Share of the energy that the walls take, in [0, 1]: a number, ``(..., 1)``, or ``(..., 6)`` for back, front,
        right, left, floor, ceiling; of bands ``(bands, 6)``. Leading axes broadcast with those of the rooms.
    formula
        ``"eyring"``, or ``"sabine"``, which is the limit for little absorption.
    air_absorption
        m, in 1/m, as from :func:`air_absorption`: a number or ``(...)``.
    speed_of_sound
        In metres per second.

    Returns
    -------
    array
        ``(...)`` in seconds: float64 NumPy, or a tensor with gradients. Infinite where nothing is absorbed; with
        Eyring's formula 0 where everything is.

    Raises
    ------
    AmbikitError
        If the formula is unknown, or a size is not positive or an absorption beyond [0, 1] (in NumPy; tensors are not
        looked at).
    ShapeError
        If the sizes are not three, the walls neither 1 nor 6, or leading axes do not broadcast.

    See Also
    --------
    decay_time : the same of a response, measured.

    References
    ----------
    Sabine, Collected Papers on Acoustics (1922); Eyring, Reverberation time in "dead" rooms, J. Acoust. Soc. Am. 1
    (1930) 217.

    Examples
    --------
    Every school book: 0.161 V / A. A room of 10 m × 10 m × 5 m, walls that take a tenth:

    >>> time = reverberation_time([10, 10, 5], 0.1, formula="sabine")
    >>> round(float(time), 2), round(0.161 * 500 / 40, 2)
    (2.01, 2.01)
    """
    check_choice(formula, _FORMULAS, "formula")
    speed_of_sound = check_speed_of_sound(speed_of_sound)
    room, absorption, air = in_one_library(room_size, absorption, air_absorption)
    volume, walls = _volume_and_walls(room)
    absorption = with_walls(absorption, "absorption")
    _check_share(absorption)
    broadcast_shape(
        tuple(room.shape)[:-1], tuple(absorption.shape)[:-1], tuple(air.shape), names="rooms, walls and air"
    )
    xp = namespace(room)
    surface = walls.sum(-1)
    area = (walls * absorption).sum(-1)
    if formula == "eyring":
        # at 1 the logarithm is infinite, as it should be: everything is gone at the first wall
        mean = area / surface
        dead = mean >= 1
        area = xp.where(dead, float("inf"), -surface * xp.log1p(-xp.where(dead, 0.0, mean)))
    total = area + 4 * air * volume
    silent = total == 0
    return xp.where(silent, float("inf"), 4 * _DECAY * volume / (speed_of_sound * xp.where(silent, 1.0, total)))


def absorption_for_reverberation_time(
    room_size: Any,
    time: Any,
    *,
    formula: str = "eyring",
    air_absorption: Any = 0.0,
    speed_of_sound: float = 343.0,
) -> Float[Array, "*batch"]:
    """Which absorption, the same of all walls, gives a rectangular room a reverberation time.

    :func:`reverberation_time` solved for the absorption.

    Parameters
    ----------
    room_size
        Length, width and height in metres, ``(..., 3)``.
    time
        Reverberation time in seconds, positive: a number or ``(...)``, of bands ``(bands,)``.
    formula, air_absorption, speed_of_sound
        As in :func:`reverberation_time`.

    Returns
    -------
    array
        ``(...)``, a share of the energy: float64 NumPy, or a tensor with gradients. For rooms of a batch or bands it
        becomes ``reflection`` with an axis for the walls, ``absorption_to_reflection(absorption)[..., None]``.

    Raises
    ------
    AmbikitError
        If the formula is unknown, or (in NumPy) no absorption in [0, 1] does it: Sabine's formula asks for more than
        everything where a room is to be very dry, and the air alone may take more than wanted.
    ShapeError
        If the sizes are not three, or leading axes do not broadcast.

    Examples
    --------
    >>> absorption = absorption_for_reverberation_time([6, 5, 4], 0.5)
    >>> round(float(absorption), 3), round(float(reverberation_time([6, 5, 4], absorption)), 9)
    (0.23, 0.5)
    """
    check_choice(formula, _FORMULAS, "formula")
    speed_of_sound = check_speed_of_sound(speed_of_sound)
    room, seconds, air = in_one_library(room_size, time, air_absorption)
    volume, walls = _volume_and_walls(room)
    broadcast_shape(tuple(room.shape)[:-1], tuple(seconds.shape), tuple(air.shape), names="rooms, times and air")
    if not is_torch(seconds) and not (seconds > 0).all():
        raise AmbikitError(
            f"got a reverberation time of {seconds.tolist()}; expected positive seconds; for a room without any take "
            "an absorption of 1"
        )
    xp = namespace(room)
    mean = (4 * _DECAY * volume / (speed_of_sound * seconds) - 4 * air * volume) / walls.sum(-1)
    absorption = -xp.expm1(-mean) if formula == "eyring" else mean
    if not is_torch(absorption) and not ((absorption >= 0) & (absorption <= 1)).all():
        raise AmbikitError(
            f"got a reverberation time of {seconds.tolist()} s for a room of {room.tolist()} m, which would take an "
            f"absorption of {absorption.tolist()}; expected one in [0, 1]; choose a longer time if it is above 1 "
            "(Eyring's formula never is), a shorter one or drier air if it is below 0"
        )
    return absorption


def absorption_to_reflection(absorption: Any) -> Float[Array, "..."]:
    """The share of the pressure that a wall reflects, from the energy share that it absorbs: ``√(1 − absorption)``.

    Parameters
    ----------
    absorption
        In [0, 1], of any shape: a number, list, array or tensor.

    Returns
    -------
    array
        In [0, 1]: float64 NumPy, or a tensor with gradients.

    Raises
    ------
    AmbikitError
        If a number is beyond [0, 1] (in NumPy; tensors become NaN above 1).

    Examples
    --------
    >>> float(absorption_to_reflection(0.19).round(12))
    0.9
    """
    (absorption,) = in_one_library(absorption)
    _check_share(absorption)
    left = 1 - absorption
    xp = namespace(left)
    gone = left == 0  # whose root has no slope
    return xp.where(gone, 0.0, xp.where(gone, 1.0, left) ** 0.5)


def _volume_and_walls(room: Array) -> tuple[Array, Array]:
    """The volume in m³ and the areas of back, front, right, left, floor and ceiling in m²."""
    with_positions(room, "room_size")
    if not is_torch(room) and not ((room > 0) & (room < float("inf"))).all():
        raise AmbikitError(
            f"got room_size={room.tolist()}; expected positive lengths in metres; check the order of axes"
        )
    x, y, z = room[..., 0], room[..., 1], room[..., 2]
    return x * y * z, namespace(room).stack([y * z, y * z, x * z, x * z, x * y, x * y], -1)


def _check_share(absorption: Array) -> None:
    if not is_torch(absorption) and not ((absorption >= 0) & (absorption <= 1)).all():
        raise AmbikitError(
            f"got absorption={absorption.tolist()}; expected shares of the energy in [0, 1]; measured coefficients "
            "above 1, an effect of edges, are entered as 1"
        )
