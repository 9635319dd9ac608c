"""Turning a sound field by one rotation per item, degree by degree, in tiles: where the loop wins.

Serial, nogil, without checks. The formula beside it is in ``ambikit.operators.block_turns``. Each sample is added up
in the same order wherever it lies, so that the blocks of a signal give the bits of the whole.
"""

import numpy as np

from ambikit.kernels.compiling import compiled

__all__ = ["turn_blocks", "turn_first_order"]

_TILE = 512  # columns; the channels of a degree stay in the first-level cache
_STRETCH = 2**18  # numbers of all channels, which stay in the second; memory likes to be read and written in stretches
_FAST = {"contract"}


@compiled(fastmath=_FAST)
def turn_blocks(signal, signal_of, blocks, blocks_of, in_place, out):
    """Turn ``signal[signal_of[b]]`` (channels, columns) by ``blocks[blocks_of[b]]`` into ``out[b]``.

    ``blocks`` (rotations, sum of (2 n + 1)²) are those of the degrees 0, 1, …, row by row, in the precision of the
    signal. ``in_place`` says that ``signal`` is ``out``; the zeroth channel then is not touched.
    """
    channels, columns = out.shape[1], out.shape[2]
    order = int(np.sqrt(channels)) - 1
    rows, stretch = np.empty((2 * order + 1, _TILE), signal.dtype), max(_STRETCH // channels, _TILE)
    for b in range(len(out)):
        source, block = signal_of[b], blocks[blocks_of[b]]
        for first in range(0, columns, stretch):
            last = min(first + stretch, columns)
            if not in_place:
                for c in range(channels):
                    _copy(signal[source, c, first:last], out[b, c, first:last], last - first)
            at = 1
            for n in range(1, order + 1):
                _turn_degree(block[at : at + (2 * n + 1) ** 2], n, first, last, rows, out[b])
                at += (2 * n + 1) ** 2


@compiled(fastmath=_FAST)
def turn_first_order(signal, signal_of, blocks, blocks_of, in_place, out):
    """The same for order 1 alone, which needs little of it, and so little time to compile."""
    columns = out.shape[2]
    rows = np.empty((3, _TILE), signal.dtype)
    for b in range(len(out)):
        source, block = signal_of[b], blocks[blocks_of[b]]
        if not in_place:
            _turn_all_channels(signal[source], block, out[b])
            continue
        for start in range(0, columns, _TILE):
            stop = min(start + _TILE, columns)
            for c in range(3):
                _copy(out[b, 1 + c, start:stop], rows[c], stop - start)
            for c in range(3):
                _begin_with_three(block[1 + 3 * c : 4 + 3 * c], rows, out[b, 1 + c, start:stop], stop - start)


@compiled(fastmath=_FAST)
def _turn_degree(block, n, first, last, rows, out):
    """Turn the columns from ``first`` to ``last`` of degree n where they are."""
    width, channel = 2 * n + 1, n * n
    for start in range(first, last, _TILE):
        stop = min(start + _TILE, last)
        for c in range(width):
            _copy(out[channel + c, start:stop], rows[c], stop - start)
        for c in range(width):
            _mix(block[c * width : (c + 1) * width], rows, out[channel + c, start:stop], stop - start)


@compiled(fastmath=_FAST)
def _turn_all_channels(signal, block, out):
    """All channels in one loop through the memory."""
    w, y, z, x = signal[0], signal[1], signal[2], signal[3]
    new_w, new_y, new_z, new_x = out[0], out[1], out[2], out[3]
    a0, a1, a2, b0, b1, b2, c0, c1, c2 = block[1:10]
    for i in range(len(w)):
        new_w[i] = w[i]
        u, v, t = y[i], z[i], x[i]
        new_y[i] = a0 * u + a1 * v + a2 * t
        new_z[i] = b0 * u + b1 * v + b2 * t
        new_x[i] = c0 * u + c1 * v + c2 * t


@compiled()
def _copy(source, target, count):
    """An assignment of slices would look for overlaps first, which takes ten times as long."""
    for i in range(count):
        target[i] = source[i]


@compiled(fastmath=_FAST)
def _mix(weights, rows, target, count):
    """``target = weights @ rows`` for 3, 5, 7, … rows, in as few walks as the vectoriser takes."""
    width = len(weights)
    if width == 3:
        _begin_with_three(weights, rows, target, count)
        return
    k = 5 if width % 4 == 1 else 7
    if k == 5:
        _begin_with_five(weights, rows, target, count)
    else:
        _begin_with_seven(weights, rows, target, count)
    if (width - k) % 8 != 0:
        _add_four(weights[k:], rows[k:], target, count)
        k += 4
    while k < width:
        _add_eight(weights[k:], rows[k:], target, count)
        k += 8


@compiled(fastmath=_FAST)
def _begin_with_three(weights, rows, target, count):
    w0, w1, w2 = weights[0], weights[1], weights[2]
    x0, x1, x2 = rows[0], rows[1], rows[2]
    for i in range(count):
        target[i] = w0 * x0[i] + w1 * x1[i] + w2 * x2[i]


@compiled(fastmath=_FAST)
def _begin_with_five(weights, rows, target, count):
    w0, w1, w2, w3, w4 = weights[0], weights[1], weights[2], weights[3], weights[4]
    x0, x1, x2, x3, x4 = rows[0], rows[1], rows[2], rows[3], rows[4]
    for i in range(count):
        target[i] = w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i] + w4 * x4[i]


@compiled(fastmath=_FAST)
def _begin_with_seven(weights, rows, target, count):
    w0, w1, w2, w3, w4, w5, w6 = weights[0], weights[1], weights[2], weights[3], weights[4], weights[5], weights[6]
    x0, x1, x2, x3, x4, x5, x6 = rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], rows[6]
    for i in range(count):
        target[i] = w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i] + w4 * x4[i] + w5 * x5[i] + w6 * x6[i]


@compiled(fastmath=_FAST)
def _add_four(weights, rows, target, count):
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    x0, x1, x2, x3 = rows[0], rows[1], rows[2], rows[3]
    for i in range(count):
        target[i] = target[i] + w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i]


@compiled(fastmath=_FAST)
def _add_eight(weights, rows, target, count):
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    w4, w5, w6, w7 = weights[4], weights[5], weights[6], weights[7]
    x0, x1, x2, x3 = rows[0], rows[1], rows[2], rows[3]
    x4, x5, x6, x7 = rows[4], rows[5], rows[6], rows[7]
    for i in range(count):
        near = target[i] + w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i]
        target[i] = near + w4 * x4[i] + w5 * x5[i] + w6 * x6[i] + w7 * x7[i]
