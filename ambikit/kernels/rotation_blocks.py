"""Rotation matrices of all degrees by recursion, many rotations side by side: where the loop wins.

Serial, nogil, without checks. The formula beside it is in ``ambikit.operators.rotation_blocks``, and so are the
constants: row m of a degree is a sum of five rows of the degree before, ``sources`` (rows, 5), with ``weights``
(rows, 5): one for the middle row of the rotation of degree 1, two for its first and two for its last.
"""

import numpy as np

from ambikit.kernels.compiling import compiled

__all__ = ["recursive_blocks"]

_FAST = {"contract"}


@compiled()
def recursive_blocks(matrix, sources, weights, scales, begin, step, out):
    """Write the blocks of rotations ``matrix`` (rotations, 3, 3) of directions x, y, z into ``out`` (rotations, size).

    The block of degree n begins at ``begin[n]``, its rows lie ``step[n]`` apart. ``scales`` (columns) are those of the
    degrees 0, 1, …, one after the other, like the rows of ``sources`` and ``weights``.
    """
    order = len(begin) - 1
    lanes = 128 if order <= 7 else 32  # two degrees stay in the second-level cache
    alone = len(matrix) < 8
    if not alone:
        turns = np.empty((3, 3, lanes), matrix.dtype)
        one = np.empty((2 * order + 1, 2 * order + 1, lanes), matrix.dtype)
        other = np.empty((2 * order + 1, 2 * order + 1, lanes), matrix.dtype)
    for first in range(0, len(matrix), 1 if alone else lanes):
        count = 1 if alone else min(lanes, len(matrix) - first)
        for i in range(count):
            out[first + i, begin[0]] = 1
            for row in range(3):
                for column in range(3):
                    out[first + i, begin[1] + row * step[1] + column] = matrix[
                        first + i, (row + 1) % 3, (column + 1) % 3
                    ]
        if alone:
            for n in range(2, order + 1):
                _next_degree(out[first], n, sources, weights, scales, begin, step)
            continue
        for row in range(3):
            for column in range(3):
                for i in range(lanes):
                    value = matrix[first + min(i, count - 1), (row + 1) % 3, (column + 1) % 3]
                    turns[row, column, i] = value
                    one[row, column, i] = value
        for n in range(2, order + 1):
            _next_degree_of_lanes(turns, one, other, n, sources, weights, scales)
            for row in range(2 * n + 1):
                at = begin[n] + row * step[n]
                for i in range(count):
                    target = out[first + i, at : at + 2 * n + 1]
                    for column in range(2 * n + 1):
                        target[column] = other[row, column, i]
            one, other = other, one


@compiled(fastmath=_FAST)
def _next_degree(out, n, sources, weights, scales, begin, step):
    """Degree n of one rotation from the one before, row by row."""
    width, old = 2 * n + 1, 2 * n - 1
    a, b, c = out[begin[1] : begin[1] + 3], out[begin[1] + step[1] :][:3], out[begin[1] + 2 * step[1] :][:3]
    scale = scales[n * n : n * n + width]
    for row in range(width):
        source, weight = sources[n * n + row], weights[n * n + row]
        target = out[begin[n] + row * step[n] :][:width]
        d0, d1 = (
            out[begin[n - 1] + source[0] * step[n - 1] :][:old],
            out[begin[n - 1] + source[1] * step[n - 1] :][:old],
        )
        d2, d3 = (
            out[begin[n - 1] + source[2] * step[n - 1] :][:old],
            out[begin[n - 1] + source[3] * step[n - 1] :][:old],
        )
        d4 = out[begin[n - 1] + source[4] * step[n - 1] :][:old]
        w0, w1, w2, w3, w4 = weight[0], weight[1], weight[2], weight[3], weight[4]
        f0, f1, f2 = w0 * d0[0], w1 * d1[0] + w2 * d2[0], w3 * d3[0] + w4 * d4[0]
        g0, g1, g2 = w0 * d0[old - 1], w1 * d1[old - 1] + w2 * d2[old - 1], w3 * d3[old - 1] + w4 * d4[old - 1]
        target[0] = scale[0] * (b[2] * f0 + b[0] * g0 + a[2] * f1 + a[0] * g1 + c[2] * f2 + c[0] * g2)
        target[width - 1] = scale[0] * (b[2] * g0 - b[0] * f0 + a[2] * g1 - a[0] * f1 + c[2] * g2 - c[0] * f2)
        w0, w1, w2, w3, w4 = w0 * b[1], w1 * a[1], w2 * a[1], w3 * c[1], w4 * c[1]
        for k in range(old):
            target[k + 1] = scale[k + 1] * (w0 * d0[k] + w1 * d1[k] + w2 * d2[k] + w3 * d3[k] + w4 * d4[k])


@compiled(fastmath=_FAST)
def _next_degree_of_lanes(turns, previous, out, n, sources, weights, scales):
    """Degree n of many rotations from the one before, ``(rows, columns, lanes)``."""
    width, last = 2 * n + 1, 2 * n - 2
    lanes = turns.shape[2]
    for row in range(width):
        s, weight = sources[n * n + row], weights[n * n + row]
        for end in range(2):
            near, far, sign = (0, last, 1) if end == 0 else (last, 0, -1)
            target = out[row, 0 if end == 0 else width - 1]
            scale = scales[n * n]
            for i in range(lanes):
                target[i] = 0
            for k in range(5):
                turn = turns[1] if k == 0 else (turns[0] if k < 3 else turns[2])
                f, g, right, left = previous[s[k], near], previous[s[k], far], turn[2], turn[0]
                w, v = scale * weight[k], scale * weight[k] * sign
                for i in range(lanes):
                    target[i] += w * right[i] * f[i] + v * left[i] * g[i]
        a, b, c = turns[0, 1], turns[1, 1], turns[2, 1]
        for column in range(2 * n - 1):
            scale = scales[n * n + column + 1]
            w0, w1, w2, w3, w4 = (
                scale * weight[0], scale * weight[1], scale * weight[2], scale * weight[3], scale * weight[4]
            )  # fmt: skip
            d0, d1, d2 = previous[s[0], column], previous[s[1], column], previous[s[2], column]
            d3, d4, target = previous[s[3], column], previous[s[4], column], out[row, column + 1]
            for i in range(lanes):
                target[i] = b[i] * (w0 * d0[i]) + a[i] * (w1 * d1[i] + w2 * d2[i]) + c[i] * (w3 * d3[i] + w4 * d4[i])
