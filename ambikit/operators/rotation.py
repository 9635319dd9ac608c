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
from ambikit.operators.channel_axis import (
    angles_for,
    apply_matrix,
    apply_matrix_into,
    as_columns,
    check_not_one_per_sample,
    check_out,
    from_columns,
    is_on_gpu,
    is_plain,
    shares_memory,
)
from ambikit.operators.rotation_blocks import rotation_blocks

__all__ = ["align", "rotate", "rotation_matrix", "turn_by_matrix"]

# Numbers of a degree's intermediate product that stay in the second-level cache of a CPU core.
_TILE = 2**17


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
    blocks = rotation_blocks(_pose_to_matrix(yaw, pitch, roll, rotation, degrees), order)
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
    blocks = [constant_like(block, wide) for block in rotation_blocks(matrix, order)]
    if not is_plain(wide, blocks[-1], *([] if out is None else [out])):
        if out is not None:
            raise AmbikitError(
                "got out where a gradient is needed or torch traces the call; expected a new result; leave out "
                "away, or call it under torch.no_grad()"
            )
        return narrow(from_columns(_turned(as_columns(wide, axis), blocks, batch), wide, axis), half)
    target = out if out is not None and half is None else empty_like_signal(shape, wide)
    _turn_into(target, wide, blocks, axis)
    if target is out or half is None:
        return target
    if out is None:
        return narrow(target, half)
    out[...] = narrow(target, half)
    return out


def _turned(columns: Array, blocks: list[Array], batch: tuple[int, ...]) -> Array:
    """The rotated ``(..., channels, columns)`` as a new array, in steps that keep gradients."""
    xp = namespace(columns)
    degrees = [apply_matrix(block, columns[..., n * n : (n + 1) ** 2, :]) for n, block in enumerate(blocks) if n > 0]
    omni = xp.broadcast_to(columns[..., :1, :], (*batch, 1, columns.shape[-1]))
    return xp.concatenate([omni, *degrees], -2)


def _turn_into(target: Array, signal: Array, blocks: list[Array], axis: int) -> None:
    """Write the rotated signal into ``target``, which may be the signal itself."""
    if 0 in target.shape:  # an empty batch
        return
    result = as_columns(target, axis)
    if not shares_memory(result, target):  # such memory cannot be seen as columns: write beside it, then copy
        buffer = empty_like_signal(tuple(target.shape), signal)
        _turn_into(buffer, signal, blocks, axis)
        target[...] = buffer
        return
    columns = as_columns(signal, axis)
    if shares_memory(target, signal) and not _same_view(target, signal):
        columns = columns.copy() if isinstance(columns, np.ndarray) else columns.clone()
    in_place = _same_view(target, signal)
    if not in_place:
        result[..., :1, :] = columns[..., :1, :]
    # In place, tile by tile: the products stay in the cache, and each tile is read before it is written.
    count = result.shape[-1]
    rows = max(1, int(np.prod(result.shape[:-2]))) * blocks[-1].shape[-1]
    tile = max(1024, _TILE // rows) if in_place and not is_on_gpu(result) else count
    for n, block in enumerate(blocks):
        channels = slice(n * n, (n + 1) ** 2)
        for start in range(0, count if n > 0 else 0, tile):
            part = slice(start, start + tile)
            if in_place:
                result[..., channels, part] = apply_matrix(block, columns[..., channels, part])
            else:
                apply_matrix_into(result[..., channels, :], block, columns[..., channels, :])


def _same_view(x: Array, y: Array) -> bool:
    """Whether two arrays are the same numbers in the same memory, so that they may be turned in place."""
    if is_torch(x):
        return x.data_ptr() == y.data_ptr() and x.shape == y.shape and x.stride() == y.stride()
    where_x, where_y = x.__array_interface__, y.__array_interface__
    return where_x["data"] == where_y["data"] and x.shape == y.shape and x.strides == y.strides
