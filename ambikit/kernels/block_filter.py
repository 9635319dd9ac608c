"""Matrices of filters on short blocks, without delay: where the loop wins.

Serial, nogil, without checks. The formula beside it is ``filter_next`` in ``ambikit.operators.block_convolution``.
"""

import numpy as np

from ambikit.kernels.compiling import compiled

__all__ = ["filter_directly", "multiply_spectra"]

_FAST = {"contract", "reassoc"}  # NaN and infinity keep their meaning


@compiled(fastmath=_FAST)
def filter_directly(sound, start, count, frame, filled, head, tail, harmed, taps, room, out):
    """Take ``count`` samples of ``sound`` (items, channels, time) into a frame, and filter them into ``out``.

    ``frame`` (items, channels, 2 size) holds the ``size`` samples before the present part and, behind them, the
    ``filled`` that have come of it. ``head`` (rows, channels, a multiple of 4, at most ``size``) are the first taps;
    what the later ones make of earlier parts is in ``tail`` (items, rows, size). What is not finite is taken for 0,
    and the ``taps`` results that depend on it are NaN: ``harmed`` (items,) counts those that are still to come.
    """
    items, channels = sound.shape[0], sound.shape[1]
    rows, direct, size = head.shape[0], head.shape[2], frame.shape[2] // 2
    kind = sound.dtype.type
    zero = kind(0)
    nan = kind(np.nan)
    part = room[:count]
    begin = size + filled
    for n in range(items):
        probe = zero  # 0 times what is not finite is not 0
        for c in range(channels):
            new, kept = sound[n, c, start : start + count], frame[n, c, begin : begin + count]
            for i in range(count):
                kept[i] = new[i]
                probe += new[i] * zero
        finite = probe == 0
        if not finite:
            for c in range(channels):
                for i in range(count):
                    if not np.isfinite(frame[n, c, begin + i]):
                        frame[n, c, begin + i] = zero
        for row in range(rows):
            result, late = out[n, row, start : start + count], tail[n, row, filled : filled + count]
            for i in range(count):
                result[i] = late[i]
            for c in range(channels):  # one after the other: sums of fewer terms are rounded less
                past, weights = frame[n, c], head[row, c]
                for i in range(count):
                    part[i] = zero
                for k in range(0, direct, 4):
                    at = begin - k
                    x0, x1 = past[at : at + count], past[at - 1 : at - 1 + count]
                    x2, x3 = past[at - 2 : at - 2 + count], past[at - 3 : at - 3 + count]
                    w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
                    for i in range(count):
                        part[i] += (w0 * x0[i] + w1 * x1[i]) + (w2 * x2[i] + w3 * x3[i])
                for i in range(count):
                    result[i] += part[i]
        if finite and harmed[n] == 0:
            continue
        left = harmed[n]
        for i in range(count):
            if not finite:
                for c in range(channels):
                    if not np.isfinite(sound[n, c, start + i]):
                        left = taps
            if left > 0:
                left -= 1
                for row in range(rows):
                    out[n, row, start + i] = nan
        harmed[n] = left


@compiled(fastmath=_FAST)
def multiply_spectra(spectrum, past, newest, responses, total, out):
    """Put a spectrum (items, channels, bins) into ``past`` at ``newest``, and filter all that are there.

    ``past`` (items, parts, channels, 2, bins) is a ring of spectra, real and imaginary parts in planes of their own,
    ``responses`` (parts, rows, channels, 2, bins) are those of the parts of the filters, the first for the newest.
    ``total`` (2, bins) is room for one row; ``out`` (items, rows, bins) takes the sums.
    """
    items, channels, bins = spectrum.shape
    parts, rows = responses.shape[0], responses.shape[1]
    for n in range(items):
        for c in range(channels):
            source, real, imaginary = spectrum[n, c], past[n, newest, c, 0], past[n, newest, c, 1]
            for f in range(bins):
                real[f] = source[f].real
                imaginary[f] = source[f].imag
        for row in range(rows):
            a, b = total[0], total[1]
            a[:] = 0
            b[:] = 0
            for k in range(parts):
                at = newest - k
                if at < 0:
                    at += parts
                for c in range(channels):
                    xr, xi = past[n, at, c, 0], past[n, at, c, 1]
                    hr, hi = responses[k, row, c, 0], responses[k, row, c, 1]
                    for f in range(bins):
                        a[f] += xr[f] * hr[f] - xi[f] * hi[f]
                        b[f] += xr[f] * hi[f] + xi[f] * hr[f]
            target = out[n, row]
            for f in range(bins):
                target[f] = complex(a[f], b[f])
