"""Energies of low-passed channels in one pass, without the filtered signal in memory: where the loop wins.

Serial, nogil, without checks. The formula beside it is ``add_by_formula`` in ``ambikit.analysis.block_statistics``.

A recursive filter waits for its own last sample. So a piece of the signal is cut into segments that are filtered side
by side, each from rest; it starts early enough for what came before to have died away.
"""

import numpy as np

from ambikit.kernels.compiling import compiled

__all__ = ["SEGMENTS", "STEPS", "add_products", "largest_bits", "survey"]

SEGMENTS = 48
STEPS = 24  # samples of each segment in a tile, which stays in the first-level cache
_LOOK = 2048
_FAST = {"contract", "reassoc"}  # NaN and infinity keep their meaning


@compiled(fastmath=_FAST)
def largest_bits(words, mask):
    """The largest of some floating numbers without their signs, as the whole number that has the same bits.

    Magnitudes have the order of these whole numbers; infinity and NaN are the largest.
    """
    largest = words[0] & mask
    for i in range(len(words)):
        largest = max(largest, words[i] & mask)
    return largest


@compiled(fastmath=_FAST)
def survey(row, factor, peak, run):
    """Energy, sum, and samples in runs at the ``peak`` (three or more equal ones, less two per run) of one channel.

    Energy and sum are those of the channel times ``factor``. ``run`` samples at the peak came just before; the last of
    the results says how many stand at the end.
    """
    energy, total, in_runs = 0.0, 0.0, 0
    for start in range(0, len(row), _LOOK):
        part = row[start : start + _LOOK]
        hits = 0
        for i in range(len(part)):
            scaled = part[i] * factor
            energy += scaled * scaled
            total += scaled
            hits += abs(part[i]) == peak
        if hits == 0 or peak == 0:
            run = 0
            continue
        for i in range(len(part)):
            run = run + 1 if abs(part[i]) == peak else 0
            in_runs += run > 2
    return energy, total, in_runs, run


@compiled()
def add_products(signal, length, factor, sections, warm_up, state, products):
    """Filter ``SEGMENTS * length`` samples of four channels, times ``factor``; add the sums of products of all pairs.

    ``signal`` is a tuple of the four, contiguous each. ``sections`` (n, 6) are those of ``scipy.signal.sosfilt`` and
    ``state`` (n, 4, 2) is its state, which goes on; ``warm_up``, at most ``length``, is the number of samples after
    which nothing is left of it; both are multiples of ``STEPS``. ``products`` is (4, 4).
    """
    tile = np.zeros((4, STEPS * SEGMENTS))
    memory = np.zeros((len(sections), 2, 4, SEGMENTS))
    for begin in range(-warm_up, length, STEPS):
        if begin == 0:  # nothing was known before the first segment but this
            memory[:, 0, :, 0] = state[:, :, 0]
            memory[:, 1, :, 0] = state[:, :, 1]
        for c in range(4):
            _take(signal[c], begin, length, factor, begin < 0, tile[c])
            for k in range(len(sections)):
                b0, b1, b2, _, a1, a2 = sections[k]
                _filter(tile[c], b0, b1, b2, a1, a2, memory[k, 0, c], memory[k, 1, c])
        if begin >= 0:
            _multiply(tile, products)
    state[:, :, 0] = memory[:, 0, :, SEGMENTS - 1]
    state[:, :, 1] = memory[:, 1, :, SEGMENTS - 1]


@compiled(fastmath=_FAST)
def _take(row, first, length, factor, early, tile):
    """Lay some samples of all segments side by side."""
    for s in range(SEGMENTS):
        begin = first + (max(s, 1) if early else s) * length  # there may be nothing before the first segment
        part = row[begin : begin + STEPS]
        for t in range(STEPS):
            tile[t * SEGMENTS + s] = part[t] * factor


@compiled(fastmath={"contract"})
def _filter(tile, b0, b1, b2, a1, a2, one, two):
    for t in range(STEPS):
        samples = tile[t * SEGMENTS : (t + 1) * SEGMENTS]
        for s in range(SEGMENTS):
            x = samples[s]
            y = b0 * x + one[s]
            one[s] = (two[s] + b1 * x) - a1 * y
            two[s] = b2 * x - a2 * y
            samples[s] = y


@compiled(fastmath=_FAST)
def _multiply(tile, products):
    ww = wy = wz = wx = yy = yz = yx = zz = zx = xx = 0.0
    of_w, of_y, of_z, of_x = tile[0], tile[1], tile[2], tile[3]
    for i in range(STEPS * SEGMENTS):
        w, y, z, x = of_w[i], of_y[i], of_z[i], of_x[i]
        ww, wy, wz, wx = ww + w * w, wy + w * y, wz + w * z, wx + w * x
        yy, yz, yx = yy + y * y, yz + y * z, yx + y * x
        zz, zx, xx = zz + z * z, zx + z * x, xx + x * x
    rows = ((ww, wy, wz, wx), (wy, yy, yz, yx), (wz, yz, zz, zx), (wx, yx, zx, xx))
    for i in range(4):
        for k in range(4):
            products[i, k] += rows[i][k]
