"""Rotations of space as matrices of the Ambisonics channels, one block per degree."""

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, cached_design, constant_like, is_torch, kernel_view, namespace

__all__ = ["blocks_by_formula", "dense_blocks", "packed_blocks", "rotation_blocks"]

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
    packed = packed_blocks(matrix, order)
    if packed is None:
        return blocks_by_formula(matrix, order)
    blocks, at = [], 0
    for n in range(order + 1):
        width = 2 * n + 1
        blocks.append(packed[..., at : at + width * width].reshape(*matrix.shape[:-2], width, width))
        at += width * width
    return blocks


def blocks_by_formula(matrix: Array, order: int) -> list[Array]:
    """The same in steps that keep gradients."""
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


def packed_blocks(matrix: Float[Array, "*batch 3 3"], order: int) -> Float[Array, "*batch size"] | None:
    """All blocks behind one another, each row by row, by the compiled loop; None where that may not be taken."""
    return _by_loop(matrix, order, dense=False)


def dense_blocks(matrix: Float[Array, "*batch 3 3"], order: int) -> Float[Array, "*batch channels channels"] | None:
    """All blocks as one block-diagonal matrix, by the compiled loop; None where that may not be taken."""
    return _by_loop(matrix, order, dense=True)


def _by_loop(matrix: Array, order: int, dense: bool) -> Array | None:
    view = kernel_view(matrix.contiguous() if is_torch(matrix) else np.ascontiguousarray(matrix))
    if order == 0 or view is None or view.size == 0:
        return None
    shape, begin, step = _places(order, dense)
    out = (np.zeros if dense else np.empty)((*view.shape[:-2], *shape), view.dtype)
    if order == 1:  # nothing to compute, and so nothing to compile
        numbers = out.reshape(*view.shape[:-2], -1)
        numbers[..., 0] = 1.0
        for i, j in np.ndindex(3, 3):
            numbers[..., begin[1] + i * step[1] + j] = view[..., _CHANNELS_OF_AXES[i], _CHANNELS_OF_AXES[j]]
        return namespace(matrix).from_numpy(out) if is_torch(matrix) else out
    from ambikit.kernels.rotation_blocks import recursive_blocks

    sources, weights, scales = _rows_of_recursion(order, view.dtype.char)
    recursive_blocks(view.reshape(-1, 3, 3), sources, weights, scales, begin, step, out.reshape(view.size // 9, -1))
    return namespace(matrix).from_numpy(out) if is_torch(matrix) else out


@cached_design
def _places(order: int, dense: bool) -> tuple[tuple[int, ...], np.ndarray, np.ndarray]:
    """The shape of all blocks together, where the block of each degree begins, and how far its rows lie apart."""
    n, channels = np.arange(order + 1), (order + 1) ** 2
    if dense:
        return (channels, channels), n * n * (channels + 1), np.full(order + 1, channels)
    size = np.cumsum((2 * n + 1) ** 2)
    return (int(size[-1]),), size - (2 * n + 1) ** 2, 2 * n + 1


@cached_design
def _rows_of_recursion(order: int, precision: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each row of each degree the five rows it is made of and their weights, and the scale of each column.

    The first belongs to P_0, the next two to P_−1 and the last two to P_1; what is missing has the weight 0.
    """
    count = (order + 1) ** 2
    sources, weights, scales = np.zeros((count, 5), np.int64), np.zeros((count, 5)), np.ones(count)
    for n in range(2, order + 1):
        rows, scale = _row_operation(n)
        scales[n * n : (n + 1) ** 2] = scale
        for row, of_products in enumerate(rows.reshape(2 * n + 1, 3, 2 * n - 1)):
            for product, place in ((1, 0), (0, 1), (2, 3)):
                for k, source in enumerate(np.flatnonzero(of_products[product])):
                    sources[n * n + row, place + k] = source
                    weights[n * n + row, place + k] = of_products[product, source]
    return sources, weights.astype(precision), scales.astype(precision)
