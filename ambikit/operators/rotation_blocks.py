"""Rotations of space as matrices: 3 × 3 for directions, and one block per degree for Ambisonics channels."""

from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, as_float_array, cached_design, constant_like, is_array, is_torch, namespace
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.directions import broadcast_shape

__all__ = ["euler_to_matrix", "rotation_blocks", "rotation_to_matrix"]

# Directions are (x, y, z); the three channels of degree 1 are (Y, Z, X).
_CHANNELS_OF_AXES = [1, 2, 0]


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
    cy, cp, cr = xp.cos(yaw), xp.cos(pitch), xp.cos(roll)
    sy, sp, sr = xp.sin(yaw), xp.sin(pitch), xp.sin(roll)
    rows = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    shape = broadcast_shape(tuple(yaw.shape), tuple(pitch.shape), tuple(roll.shape))
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
    advice = "pass a scipy.spatial.transform.Rotation, or quaternions (..., 4) in the order x, y, z, w"
    if not is_array(rotation) and not isinstance(rotation, list | tuple):
        raise AmbikitError(f"got rotation of type {type(rotation).__name__}; expected a rotation; {advice}")
    quaternion = as_float_array(rotation)
    if len(quaternion.shape) == 0 or quaternion.shape[-1] != 4:
        raise ShapeError(
            f"got rotation of shape {tuple(quaternion.shape)}; expected four numbers on the last axis; {advice}; "
            "a matrix becomes one with Rotation.from_matrix(matrix)"
        )
    xp = namespace(quaternion)
    square = (quaternion * quaternion).sum(-1)[..., None]
    if not is_torch(quaternion) and not np.all(square):
        raise AmbikitError(f"got a quaternion of length 0 in rotation; expected a rotation; {advice}")
    x, y, z, w = (quaternion[..., i] for i in range(4))
    elements = [
        w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z,
    ]  # fmt: skip
    return (xp.stack(elements, -1) / square).reshape(*quaternion.shape[:-1], 3, 3)


@cached_design
def _row_operation(n: int) -> tuple[np.ndarray, np.ndarray]:
    """The constants of one step of the recursion: which rows make a row of degree n, and the column scales.

    A row m of the block of degree n is a sum of at most five rows μ of the three products P_i (i = −1, 0, 1) of
    degree n − 1: the row of the same m with P_0, those next to it towards 0 and away from 0 with P_1, and their
    mirror images −μ with P_−1. The weights are u, v and w of the 1998 correction without their common denominator,
    which depends on the column only and is returned apart.
    """
    m = np.arange(-n, n + 1)[:, None]
    mu = np.arange(1 - n, n)
    size = np.abs(m)
    side = np.where(m > 0, 1.0, -1.0)  # row 0 counts with the negative ones
    inner, outer = m - side, m + side
    u = np.sqrt((n + m) * (n - m))
    v = 0.5 * np.sqrt((n + size - 1) * (n + size)) * np.where(m == 0, -np.sqrt(2.0), 1.0)
    w = -0.5 * np.sqrt(np.clip((n - size - 1) * (n - size), 0, None)) * (m != 0)
    # For |m| = 1 both inner rows are the row 0, and only one of the two terms is there, √2 times as large.
    first = np.sqrt(2.0) * (size == 1)
    p_minus = (mu == -inner) * v * np.where(size == 1, first * (side < 0), -side) + (mu == -outer) * w * side
    p_zero = (mu == m) * u
    p_plus = (mu == inner) * v * np.where(size == 1, first * (side > 0), 1.0) + (mu == outer) * w
    column = np.arange(-n, n + 1)
    denominator = np.where(np.abs(column) == n, 2 * n * (2 * n - 1), n * n - column * column)
    return np.concatenate([p_minus, p_zero, p_plus], -1), 1 / np.sqrt(denominator)


def rotation_blocks(matrix: Float[Array, "*batch 3 3"], order: int) -> list[Float[Array, "*batch rows rows"]]:
    r"""The rotation of the channels of each degree 0 … order, which keep to themselves under rotation.

    The recursion of Ivanic and Ruedenberg over the degrees, written as operations on whole rows: with
    R the 3 × 3 block of degree 1 and D the block of degree n − 1, the products are

    .. math:: P_i = [R_{i,1} D_{\mu,1-n} + R_{i,-1} D_{\mu,n-1},\; R_{i,0} D_{\mu,\nu},\;
              R_{i,1} D_{\mu,n-1} - R_{i,-1} D_{\mu,1-n}],

    and the block of degree n is one constant matrix times their stack, its columns scaled. So each degree costs a
    handful of array operations for any number of rotations.

    Parameters
    ----------
    matrix
        Rotation matrices ``(..., 3, 3)`` that act on directions (x, y, z).
    order
        Ambisonic order, 0 or more.

    Returns
    -------
    list of arrays
        For n = 0 … order the orthogonal block ``(..., 2 n + 1, 2 n + 1)``, in the library and dtype of ``matrix``,
        the same for SN3D and N3D. Double precision is orthogonal to 1e-13 at order 20.

    References
    ----------
    Ivanic and Ruedenberg, Rotation matrices for real spherical harmonics, J. Phys. Chem. 100 (1996) 6342, eqs. 8.1
    and table 2, with the additions and corrections in J. Phys. Chem. A 102 (1998) 9099.

    Examples
    --------
    >>> [block.shape for block in rotation_blocks(np.eye(3), 2)]
    [(1, 1), (3, 3), (5, 5)]
    """
    xp = namespace(matrix)
    blocks = [xp.ones_like(matrix[..., :1, :1])]
    if order > 0:
        blocks.append(matrix[..., _CHANNELS_OF_AXES, :][..., _CHANNELS_OF_AXES])
    for n in range(2, order + 1):
        rows, scale = (constant_like(constant, matrix) for constant in _row_operation(n))
        # R by columns −1, 0, 1, each as (..., i, 1, 1) beside D as (..., 1, μ, ν)
        minus, zero, plus = (blocks[1][..., i, None, None] for i in range(3))
        previous = blocks[-1][..., None, :, :]
        first, last = previous[..., :1], previous[..., -1:]
        products = [plus * first + minus * last, zero * previous, plus * last - minus * first]
        stacked = xp.concatenate(products, -1).reshape(*matrix.shape[:-2], 3 * (2 * n - 1), 2 * n + 1)
        blocks.append((rows @ stacked) * scale)
    return blocks
