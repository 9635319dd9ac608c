"""Placing a mono source in a sound field."""

from typing import Any

from jaxtyping import Float

from ambikit._arrays import Array, constant_like, empty_like_signal, namespace, narrow, widen
from ambikit._checks import check_floating, check_order
from ambikit.errors import ShapeError
from ambikit.geometry.directions import broadcast_shape
from ambikit.geometry.harmonics import spherical_harmonics
from ambikit.operators.channel_axis import angles_for, check_not_one_per_sample, is_plain

__all__ = ["encode"]


def encode(
    signal: Float[Array, "*batch time"],
    azimuth: Any,
    elevation: Any,
    order: int = 1,
    *,
    trajectory: bool = False,
    degrees: bool = False,
) -> Float[Array, "*more channels time"]:
    """Place a mono source in a direction: a plane wave from there, of the sound pressure ``signal`` at the listener.

    Each channel is ``Y_n^m(azimuth, elevation) · signal`` with SN3D harmonics, so W is the signal itself.

    Parameters
    ----------
    signal
        Mono sound ``(..., time)``, real floating-point numbers.
    azimuth, elevation
        Direction of the source in radians, left and up positive: numbers, lists, arrays or tensors. They broadcast
        with the axes of ``signal`` before time: a signal ``(N, 1, T)`` with angles ``(N, K)`` gives
        ``(N, K, C, T)``. Sources that sound together are added afterwards: ``encode(...).sum(0)``. One direction per
        sample is a moving source: pass ``trajectory=True``, or each of them gets a copy of the whole signal.
    order
        Ambisonic order, 0 or more; (order + 1)² channels.
    trajectory
        Whether the source moves: the angles (at least one of them) then have a last axis of length time, a
        direction for every sample.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    array
        ``(..., channels, time)`` in AmbiX, in the library, dtype and device of ``signal``, with gradients to the
        signal and to angles that are tensors.

    Raises
    ------
    ShapeError
        If time is missing or empty, the angles do not broadcast with the signal, or they are one per sample of a long
        signal without ``trajectory=True``.
    ArrayTypeError
        If the signal holds integers or complex numbers, or NumPy arrays and tensors are mixed.
    AmbikitError
        If the order is not a whole number of at least 0.

    References
    ----------
    Nachbar, Zotter, Deleflie, Sontacchi, AmbiX, a suggested Ambisonics format (2011).

    Examples
    --------
    A source on the left excites W and Y alike:

    >>> import numpy as np
    >>> encode(np.array([0.5, 0.25]), 90, 0, degrees=True).round(12).tolist()
    [[0.5, 0.25], [0.5, 0.25], [0.0, 0.0], [0.0, 0.0]]
    """
    order = check_order(order)
    check_floating(signal)
    shape = tuple(signal.shape)
    if len(shape) == 0 or shape[-1] == 0:
        raise ShapeError(
            f"got signal of shape {shape}; expected a mono sound (..., time) with at least one sample; "
            "check the file or the slice"
        )
    wide, half = widen(signal)
    azimuth, elevation = angles_for(wide, azimuth, elevation, degrees=degrees)
    harmonics = constant_like(spherical_harmonics(azimuth, elevation, order), wide)
    xp = namespace(wide)
    if trajectory:
        if len(harmonics.shape) < 2 or harmonics.shape[-2] != shape[-1]:
            raise ShapeError(
                f"got angles of the common shape {tuple(harmonics.shape)[:-1]} for a moving source of "
                f"{shape[-1]} samples; expected (..., {shape[-1]}): one direction per sample; "
                "interpolate the trajectory to the sample rate, or leave out trajectory=True"
            )
        gains = harmonics.swapaxes(-1, -2)  # (torch.moveaxis does not know vmap)
    else:
        remedy = "for a source that moves pass trajectory=True; for many directions encode some of them at a time"
        check_not_one_per_sample(tuple(harmonics.shape)[:-1], wide, -1, remedy)
        gains = harmonics[..., None]
    batch = broadcast_shape(tuple(gains.shape)[:-2], shape[:-1], names="the angles and the axes of signal before time")
    if not is_plain(wide, gains):
        return narrow(gains * wide[..., None, :], half)
    result = empty_like_signal((*batch, (order + 1) ** 2, shape[-1]), wide)
    xp.multiply(gains, wide[..., None, :], out=result)
    return narrow(result, half)
