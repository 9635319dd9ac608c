"""Turning a sound field: rotation by a pose, and bringing a direction to the front.

Rotations are active and right-handed: a source in direction d is afterwards in direction R d, with
``R = Rz(yaw) Ry(pitch) Rx(roll)`` (SciPy's ``Rotation.from_euler("ZYX", ...)``). Positive yaw turns the front to the
left, positive pitch turns the front DOWN, positive roll turns the left up.
"""

from typing import Any

import numpy as np
from jaxtyping import Float, Inexact

from ambikit._arrays import Array, constant_like, empty_like_signal, is_torch, namespace, narrow, widen
from ambikit._checks import check_order, check_signal
from ambikit.errors import AmbikitError
from ambikit.geometry.directions import angles_in_radians, broadcast_shape
from ambikit.geometry.poses import euler_to_matrix, rotation_to_matrix
from ambikit.operators.block_turns import turn_into, turned_by_blocks
from ambikit.operators.channel_axis import (
    angles_for,
    as_columns,
    check_not_one_per_sample,
    check_out,
    from_columns,
    is_plain,
)
from ambikit.operators.rotation_blocks import blocks_by_formula, dense_blocks, rotation_blocks

__all__ = ["align", "rotate", "rotation_matrix", "turn_by_matrix"]


def rotation_matrix(
    yaw: Any = 0.0,
    pitch: Any = 0.0,
    roll: Any = 0.0,
    *,
    order: int = 1,
    rotation: Any = None,
    degrees: bool = False,
) -> Float[Array, "*batch channels channels"]:
    """The matrix that turns the channels of a sound field: ``turned = matrix @ signal``.

    It is block-diagonal, one orthogonal block of 2 n + 1 channels per degree n, and the same for SN3D and N3D.
    :func:`rotate` applies the blocks alone, which is faster.

    Parameters
    ----------
    yaw, pitch, roll
        Angles in radians, as :func:`rotate` has them: numbers, lists, arrays or tensors, which broadcast.
    order
        Ambisonic order, 0 or more.
    rotation
        Instead of angles: a SciPy ``Rotation`` or quaternions ``(..., 4)``, as :func:`rotate` has it.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    array
        ``(..., channels, channels)`` with (order + 1)² channels: float64 NumPy, or a tensor with gradients if an
        angle or the quaternion is a tensor.

    Raises
    ------
    AmbikitError
        If the order is not a whole number of at least 0, or if both angles and ``rotation`` are given.
    ShapeError
        If the angles do not broadcast or quaternions do not have four numbers.

    References
    ----------
    Ivanic and Ruedenberg, J. Phys. Chem. 100 (1996) 6342 and 102 (1998) 9099.

    Examples
    --------
    A quarter turn to the left takes what came from the front (X) to the left (Y):

    >>> rotation_matrix(yaw=90, degrees=True).round(12)[1].tolist()
    [0.0, 0.0, 0.0, 1.0]
    """
    order = check_order(order)
    matrix = _pose_to_matrix(yaw, pitch, roll, rotation, degrees)
    dense = dense_blocks(matrix, order)
    if dense is not None:
        return dense
    blocks = blocks_by_formula(matrix, order)
    xp = namespace(*blocks)
    channels = (order + 1) ** 2
    rows = []
    for n, block in enumerate(blocks):
        zero = xp.zeros_like(block[..., :1])
        before = xp.broadcast_to(zero, (*block.shape[:-1], n * n))
        after = xp.broadcast_to(zero, (*block.shape[:-1], channels - (n + 1) ** 2))
        rows.append(xp.concatenate([before, block, after], -1))
    return xp.concatenate(rows, -2)


def rotate(
    signal: Inexact[Array, "..."],
    yaw: Any = 0.0,
    pitch: Any = 0.0,
    roll: Any = 0.0,
    *,
    rotation: Any = None,
    degrees: bool = False,
    axis: int = -2,
    out: Any = None,
) -> Inexact[Array, "..."]:
    """Turn a sound field: a source in direction d is afterwards in direction ``Rz(yaw) Ry(pitch) Rx(roll) d``.

    Parameters
    ----------
    signal
        ``(..., channels, time)`` of any order in AmbiX, or a spectrum ``(..., channels, freq, time)`` with
        ``axis=-3``; real or complex floating-point numbers.
    yaw
        Turn about the vertical axis, in radians; positive turns the front to the left. A number, list, array or
        tensor; it broadcasts with the axes of ``signal`` before the channels: a signal ``(N, 1, C, T)`` with
        angles ``(N, K)`` gives ``(N, K, C, T)``.
    pitch
        Turn about the left-right axis; positive turns the front DOWN. To look at a direction, call :func:`align`.
    roll
        Turn about the front-back axis, applied first; positive turns the left up.
    rotation
        Instead of angles: a SciPy ``Rotation`` (one or many), or quaternions ``(..., 4)`` in the order x, y, z, w
        (scalar last, as SciPy has them), of any length but 0. Nothing else: a matrix is
        ``Rotation.from_matrix(matrix)``.
    degrees
        Whether the angles are in degrees.
    axis
        The channel axis, negative.
    out
        Where to write the result: an array of the shape and dtype of the result, which may be ``signal`` itself.
        Not possible where gradients are needed.

    Returns
    -------
    array
        The turned signal, in the library, dtype and device of ``signal``, with gradients to the signal and to
        angles or quaternions that are tensors; or ``out``. The zeroth channel is copied, and the channels of a
        degree mix among themselves at each instant only; so does a NaN, which never reaches another degree,
        another instant, or the zeroth channel.

    Raises
    ------
    ShapeError
        If the channels are not those of a full order, time is empty, or angles and signal do not broadcast.
    ArrayTypeError
        If the signal holds integers, or NumPy arrays and tensors are mixed.
    AmbikitError
        If both angles and ``rotation`` are given, or ``out`` where a gradient is needed.

    References
    ----------
    Ivanic and Ruedenberg, J. Phys. Chem. 100 (1996) 6342 and 102 (1998) 9099.

    Examples
    --------
    A source in front (W, Y, Z, X) = (1, 0, 0, 1), turned by a quarter to the left, sounds in W and Y:

    >>> front = np.array([[1.0], [0.0], [0.0], [1.0]])
    >>> rotate(front, yaw=90, degrees=True)[:, 0].round(12).tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    order = check_signal(signal, axis=axis)
    matrix = _pose_to_matrix(yaw, pitch, roll, rotation, degrees, signal)
    return turn_by_matrix(signal, matrix, order, axis, out)


def align(
    signal: Inexact[Array, "..."],
    azimuth: Any,
    elevation: Any,
    *,
    degrees: bool = False,
    axis: int = -2,
    out: Any = None,
) -> Inexact[Array, "..."]:
    """Look at a direction: turn the sound field so that a source there comes to the front.

    First ``Rz(−azimuth)``, then ``Ry(+elevation)``: the inverse of ``rotate(yaw=azimuth, pitch=−elevation)``. The
    horizon stays level. In the other order, as it has been published in code, the direction misses the front
    wherever it lies off the horizon and off the front (by 66° for azimuth 120°, elevation 45°).

    Parameters
    ----------
    signal
        ``(..., channels, time)`` of any order in AmbiX, or a spectrum with ``axis=-3``.
    azimuth, elevation
        The direction to look at, in radians, left and up positive: numbers, lists, arrays or tensors; they
        broadcast with the axes of ``signal`` before the channels: a signal ``(N, 1, C, T)`` with angles ``(N, K)``
        gives ``(N, K, C, T)``.
    degrees
        Whether the angles are in degrees.
    axis
        The channel axis, negative.
    out
        Where to write the result, as in :func:`rotate`.

    Returns
    -------
    array
        The turned signal, in the library, dtype and device of ``signal``, with gradients as in :func:`rotate`.

    Raises
    ------
    ShapeError, ArrayTypeError, AmbikitError
        As :func:`rotate`.

    References
    ----------
    Wang, Politis, Mesaros, Virtanen, Self-supervised learning of audio representations from audio-visual data using
    spatial alignment, IEEE J. Sel. Top. Signal Process. 16 (2022): the rotation Q(azimuth, −elevation, 0)
    of eq. (9).

    Examples
    --------
    A source on the left, looked at, sounds as one in front (W, Y, Z, X) = (1, 0, 0, 1):

    >>> left = np.array([[1.0], [1.0], [0.0], [0.0]])
    >>> align(left, 90, 0, degrees=True)[:, 0].round(12).tolist()
    [1.0, 0.0, 0.0, 1.0]
    """
    order = check_signal(signal, axis=axis)
    azimuth, elevation = angles_for(signal, azimuth, elevation, degrees=degrees)
    xp = namespace(azimuth)
    towards = euler_to_matrix(azimuth, -elevation, xp.zeros_like(azimuth))
    return turn_by_matrix(signal, towards.swapaxes(-1, -2), order, axis, out)


def _pose_to_matrix(
    yaw: Any, pitch: Any, roll: Any, rotation: Any, degrees: bool, signal: Array | None = None
) -> Array:
    """The 3 × 3 matrix of a pose given as angles or as a rotation."""
    if rotation is None:
        if signal is None:
            angles = angles_in_radians(yaw, pitch, roll, degrees=degrees)
        else:
            angles = angles_for(signal, yaw, pitch, roll, degrees=degrees)
        return euler_to_matrix(*angles)
    for name, angle in (("yaw", yaw), ("pitch", pitch), ("roll", roll)):
        if not isinstance(angle, int | float | np.number) or angle != 0:
            raise AmbikitError(
                f"got both {name} and rotation; expected one or the other; compose them first, "
                'e.g. rotation=Rotation.from_euler("ZYX", [yaw, pitch, roll]) * rotation'
            )
    if signal is not None and is_torch(rotation):
        (rotation,) = angles_for(signal, rotation)
    namespace(signal, rotation)
    return rotation_to_matrix(rotation)


def turn_by_matrix(signal: Array, matrix: Array, order: int, axis: int, out: Any = None) -> Array:
    """Apply a 3 × 3 rotation to the channels of a checked signal."""
    remedy = "a pose per sample is the business of rotate_track; turn many poses some at a time"
    check_not_one_per_sample(tuple(matrix.shape)[:-2], signal, axis, remedy)
    batch = broadcast_shape(
        tuple(signal.shape)[:axis], tuple(matrix.shape)[:-2], names="a signal with batch axes and rotations"
    )
    shape = (*batch, *tuple(signal.shape)[axis:])
    if out is not None:
        check_out(out, shape, signal)
    wide, half = widen(signal)
    if not is_plain(wide, matrix, *([] if out is None else [out])):
        if out is not None:
            raise AmbikitError(
                "got out where a gradient is needed or torch traces the call; expected a new result; leave out "
                "away, or call it under torch.no_grad()"
            )
        blocks = [constant_like(block, wide) for block in rotation_blocks(matrix, order)]
        return narrow(from_columns(turned_by_blocks(as_columns(wide, axis), blocks, batch), wide, axis), half)
    target = out if out is not None and half is None else empty_like_signal(shape, wide)
    turn_into(target, wide, matrix, order, axis)
    if target is out or half is None:
        return target
    if out is None:
        return narrow(target, half)
    out[...] = narrow(target, half)
    return out
