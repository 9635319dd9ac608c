"""Poses: rotations of space as angles, as quaternions (scalar last) and as 3 × 3 matrices, and the way between two.

Rotations are active and right-handed: ``R = Rz(yaw) Ry(pitch) Rx(roll)`` takes a direction d to R d. A quaternion and
its negative are the same rotation.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, as_float_array, is_array, is_torch, kernel_view, namespace
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.directions import broadcast_shape

__all__ = [
    "as_quaternion",
    "check_quaternion",
    "euler_to_matrix",
    "euler_to_quaternion",
    "rotation_to_matrix",
    "rotation_to_quaternion",
    "slerp",
]

_ADVICE = "pass a scipy.spatial.transform.Rotation, or quaternions (..., 4) in the order x, y, z, w"


def euler_to_matrix(
    yaw: Float[Array, "*#batch"], pitch: Float[Array, "*#batch"], roll: Float[Array, "*#batch"]
) -> Float[Array, "*batch 3 3"]:
    """``Rz(yaw) Ry(pitch) Rx(roll)``, acting on column vectors (x, y, z); angles in radians, which broadcast.

    Examples
    --------
    Positive pitch turns the front down:

    >>> (euler_to_matrix(np.array(0.0), np.array(np.pi / 2), np.array(0.0)) @ [1, 0, 0]).round(12).tolist()
    [0.0, 0.0, -1.0]
    """
    xp = namespace(yaw, pitch, roll)
    if xp is not np:
        yaw_view, pitch_view, roll_view = kernel_view(yaw), kernel_view(pitch), kernel_view(roll)
        if yaw_view is not None and pitch_view is not None and roll_view is not None:  # NumPy takes less for few poses
            return xp.from_numpy(euler_to_matrix(yaw_view, pitch_view, roll_view))
    cy, cp, cr = xp.cos(yaw), xp.cos(pitch), xp.cos(roll)
    sy, sp, sr = xp.sin(yaw), xp.sin(pitch), xp.sin(roll)
    rows = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    shape = broadcast_shape(tuple(yaw.shape), tuple(pitch.shape), tuple(roll.shape))
    if xp is np and not shape:  # one pose, as every block of a stream may have it: in a tenth of the time
        return np.array(rows)
    if xp is np:  # written where they belong, in a third of the time
        matrix = np.empty((*shape, 3, 3), np.result_type(yaw, pitch, roll))
        for i, j in np.ndindex(3, 3):
            matrix[..., i, j] = rows[i][j]
        return matrix
    elements = [xp.broadcast_to(element, shape) for row in rows for element in row]
    return xp.stack(elements, -1).reshape(*shape, 3, 3)


def rotation_to_matrix(rotation: Any) -> Float[Array, "*batch 3 3"]:
    """The matrix of a SciPy ``Rotation`` or of quaternions ``(..., 4)``, scalar last as SciPy has them.

    Quaternions are scaled to unit length first, with gradients. A NumPy quaternion of length 0 is refused; in a
    tensor, whose values are not judged, it becomes NaN.

    Examples
    --------
    A quarter turn about z takes x to y:

    >>> rotation_to_matrix([0.0, 0.0, 1.0, 1.0]).round(12).tolist()
    [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if hasattr(rotation, "as_matrix"):
        return np.asarray(rotation.as_matrix(), dtype=np.float64)
    quaternion = as_float_array(as_quaternion(rotation))
    if not is_torch(quaternion):
        check_quaternion(quaternion)
    xp = namespace(quaternion)
    square = (quaternion * quaternion).sum(-1)[..., None]
    x, y, z, w = (quaternion[..., i] for i in range(4))
    elements = [
        w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z,
    ]  # fmt: skip
    return (xp.stack(elements, -1) / square).reshape(*quaternion.shape[:-1], 3, 3)


def euler_to_quaternion(
    yaw: Float[Array, "*#batch"], pitch: Float[Array, "*#batch"], roll: Float[Array, "*#batch"]
) -> Float[Array, "*batch 4"]:
    """The unit quaternion (x, y, z, w) of ``Rz(yaw) Ry(pitch) Rx(roll)``; angles in radians, which broadcast.

    Examples
    --------
    Half a turn to the left:

    >>> euler_to_quaternion(np.array(np.pi), np.array(0.0), np.array(0.0)).round(12).tolist()
    [0.0, 0.0, 1.0, 0.0]
    """
    xp = namespace(yaw, pitch, roll)
    cy, cp, cr = xp.cos(yaw / 2), xp.cos(pitch / 2), xp.cos(roll / 2)
    sy, sp, sr = xp.sin(yaw / 2), xp.sin(pitch / 2), xp.sin(roll / 2)
    elements = [
        cy * cp * sr - sy * sp * cr,
        cy * sp * cr + sy * cp * sr,
        sy * cp * cr - cy * sp * sr,
        cy * cp * cr + sy * sp * sr,
    ]
    return xp.stack(elements, -1)


def rotation_to_quaternion(rotation: Any) -> Float[Array, "*batch 4"]:
    """The unit quaternions of a SciPy ``Rotation``, or of quaternions ``(..., 4)`` of any length but 0.

    Examples
    --------
    >>> rotation_to_quaternion([0.0, 0.0, 3.0, 4.0]).tolist()
    [0.0, 0.0, 0.6, 0.8]
    """
    quaternion = as_float_array(as_quaternion(rotation))
    if hasattr(rotation, "as_quat"):
        return quaternion
    if not is_torch(quaternion):
        check_quaternion(quaternion)
    return quaternion / namespace(quaternion).sqrt((quaternion * quaternion).sum(-1))[..., None]


def as_quaternion(rotation: Any) -> Float[Array, "*batch 4"]:
    """The same of any length, and nobody has asked whether it is 0; NumPy's in single precision stay so."""
    if hasattr(rotation, "as_quat"):
        return np.asarray(rotation.as_quat(), dtype=np.float64)
    if not is_array(rotation) and not isinstance(rotation, list | tuple):
        raise AmbikitError(f"got rotation of type {type(rotation).__name__}; expected a rotation; {_ADVICE}")
    single = isinstance(rotation, np.ndarray) and rotation.dtype == np.float32
    quaternion = rotation if single else as_float_array(rotation)
    if len(quaternion.shape) == 0 or quaternion.shape[-1] != 4:
        raise ShapeError(
            f"got rotation of shape {tuple(quaternion.shape)}; expected four numbers on the last axis; {_ADVICE}; "
            "a matrix becomes one with Rotation.from_matrix(matrix)"
        )
    return quaternion


def check_quaternion(quaternion: Float[np.ndarray, "*batch 4"]) -> None:
    """Refuse a length of 0. Values of tensors are not judged."""
    if not np.all((quaternion != 0).any(-1)):
        raise AmbikitError(f"got a quaternion of length 0 in rotation; expected a rotation; {_ADVICE}")


def slerp(
    start: Float[Array, "*#batch 4"], end: Float[Array, "*#batch 4"], fraction: Float[Array, "*#batch"]
) -> Float[Array, "*batch 4"]:
    r"""The pose on the way between two: the shortest turn from ``start`` to ``end``, at constant speed.

    .. math:: q = \frac{\sin((1 - t)\,\Omega)\, q_0 + \sin(t\,\Omega)\, q_1}{\sin \Omega},
              \qquad \cos\Omega = q_0 \cdot q_1 \ge 0

    The end is negated where the two point away from each other, as both signs are the same rotation. Two poses half a
    turn apart have two shortest ways; the one that the signs of the quaternions suggest is taken.

    Parameters
    ----------
    start, end
        Unit quaternions ``(..., 4)``, scalar last.
    fraction
        Where on the way, 0 to 1. All three broadcast.

    Returns
    -------
    array
        Unit quaternions, with finite and right gradients also where start and end are equal.

    References
    ----------
    Shoemake, Animating rotation with quaternion curves, SIGGRAPH 1985.

    Examples
    --------
    Half-way to a half turn is a quarter turn:

    >>> slerp(np.array([0.0, 0, 0, 1]), np.array([0.0, 0, 1, 0]), np.array(0.5)).round(6).tolist()
    [0.0, 0.0, 0.707107, 0.707107]
    """
    xp = namespace(start, end)
    end = xp.where((start * end).sum(-1)[..., None] < 0, -end, end)
    # |q1 − q0|² is 2 (1 − cos Ω) without its cancellation. The weights are smooth functions of it; where it is so
    # small that the square root below would have no gradient, they are their series (next term: 2e-15).
    chord = ((end - start) ** 2).sum(-1)
    near = chord < 1e-4
    angle = 2 * xp.arcsin(xp.sqrt(xp.where(near, xp.ones_like(chord), chord)) / 2)
    square = chord * (1 + chord / 12)
    of_start, of_end = (_slerp_weights(t, near, square, angle) for t in (1 - fraction, fraction))
    return of_start[..., None] * start + of_end[..., None] * end


def _slerp_weights(t: Array, near: Array, square: Array, angle: Array) -> Array:
    """sin(t Ω) / sin Ω, by its series in Ω² where ``near``."""
    t2 = t * t
    series = t * (1 + (1 - t2) * square / 6 + (1 - t2) * (7 - 3 * t2) * square * square / 360)
    xp = namespace(t)
    return xp.where(near, series, xp.sin(t * angle) / xp.sin(angle))
