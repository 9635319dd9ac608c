"""Rotations of space as matrices of the Ambisonics channels, one block per degree."""

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, cached_design, constant_like, namespace

__all__ = ["rotation_blocks"]

# Directions are (x, y, z); the three channels of degree 1 are (Y, Z, X).
_CHANNELS_OF_AXES = [1, 2, 0]


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
