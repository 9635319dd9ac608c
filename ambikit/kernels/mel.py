"""Spectra reduced to mel bands in one pass, without a plane of a whole clip in memory: where the loop wins.

Serial, nogil, without checks. The formulas beside them are ``mel_products`` and ``mel_magnitudes`` in
``ambikit.analysis.mel_bands``, and ``mel_intensity`` and ``mel_cues`` in ``ambikit.analysis.features``.

All take a complex spectrum (clips, channels, frames, freq), a real ``bank`` (bands, freq) and a real ``out``
(clips, quantities, bands, frames), both in the precision of the spectrum. ``out`` may hold more quantities: products
are its first ones, intensity and cues its last three.

A bin is computed beside its neighbours, a band is summed for many frames side by side; between the two lies a tile
(freq, frames) that stays in the second-level cache.
"""

from math import log, sqrt

import numpy as np

from ambikit.kernels.compiling import compiled

__all__ = ["mel_cues", "mel_intensity", "mel_magnitudes", "mel_products"]

_FAST = {"contract", "reassoc"}  # NaN and infinity keep their meaning
_TILE = 112  # frames; an odd number of cache lines, so that a column of the tile does not fall into few sets


@compiled(fastmath=_FAST)
def mel_products(spectrum, left, right, bank, out):
    """Sum ``Re(conj(X_left) X_right)`` over bands, for pairs of channels ``left``, ``right`` (pairs,)."""
    clips, _, frames, freq = spectrum.shape
    first, last = _limits(bank)
    product, tile = np.empty(freq, bank.dtype), np.empty((freq, _TILE), bank.dtype)
    for n in range(clips):
        for start in range(0, frames, _TILE):
            count = min(_TILE, frames - start)
            for p in range(len(left)):
                for t in range(count):
                    one, other = spectrum[n, left[p], start + t], spectrum[n, right[p], start + t]
                    for f in range(freq):
                        product[f] = one[f].real * other[f].real + one[f].imag * other[f].imag
                    _put(product, tile, t)
                _sum(tile, bank, first, last, out[n, p], start, count)


@compiled(fastmath=_FAST)
def mel_magnitudes(spectrum, bank, out):
    """Sum ``|X|`` over bands, for all channels."""
    clips, channels, frames, freq = spectrum.shape
    first, last = _limits(bank)
    size, tile = np.empty(freq, bank.dtype), np.empty((freq, _TILE), bank.dtype)
    for n in range(clips):
        for start in range(0, frames, _TILE):
            count = min(_TILE, frames - start)
            for c in range(channels):
                for t in range(count):
                    bins = spectrum[n, c, start + t]
                    for f in range(freq):
                        size[f] = sqrt(bins[f].real * bins[f].real + bins[f].imag * bins[f].imag)
                    _put(size, tile, t)
                _sum(tile, bank, first, last, out[n, c], start, count)


@compiled(fastmath=_FAST)
def mel_intensity(spectrum, bank, out):
    """Average the normalised intensity x, y, z of W, Y, Z, X over bands.

    A band without weight gives 0, a bin without energy counts as 0.
    """
    clips, _, frames, freq = spectrum.shape
    first, last = _limits(bank)
    weights = _normalized(bank, first, last)
    one, least = bank.dtype.type(1), np.finfo(bank.dtype).tiny
    x_of, y_of, z_of = np.empty(freq, bank.dtype), np.empty(freq, bank.dtype), np.empty(freq, bank.dtype)
    tiles = np.empty((3, freq, _TILE), bank.dtype)
    for n in range(clips):
        for t in range(frames):
            w_row, y_row, z_row, x_row = spectrum[n, 0, t], spectrum[n, 1, t], spectrum[n, 2, t], spectrum[n, 3, t]
            for f in range(freq):
                wr, wi, yr, yi = w_row[f].real, w_row[f].imag, y_row[f].real, y_row[f].imag
                zr, zi, xr, xi = z_row[f].real, z_row[f].imag, x_row[f].real, x_row[f].imag
                # Each bin by its own largest part: squares of faint bins would underflow.
                largest = max(max(abs(wr), abs(wi)), max(abs(yr), abs(yi)))
                largest = max(largest, max(max(abs(zr), abs(zi)), max(abs(xr), abs(xi))))
                scale = one / max(largest, least)
                wr, wi, yr, yi = wr * scale, wi * scale, yr * scale, yi * scale
                zr, zi, xr, xi = zr * scale, zi * scale, xr * scale, xi * scale
                energy = wr * wr + wi * wi + yr * yr + yi * yi + zr * zr + zi * zi + xr * xr + xi * xi
                if energy == 0:
                    energy = one
                share = (one + one) / energy
                x_of[f] = (wr * xr + wi * xi) * share
                y_of[f] = (wr * yr + wi * yi) * share
                z_of[f] = (wr * zr + wi * zi) * share
            _average(x_of, y_of, z_of, t, tiles, weights, first, last, out[n])


@compiled(fastmath=_FAST)
def mel_cues(spectrum, bank, limit_db, out):
    """Average level difference (dB, within ±limit_db), cosine and sine of the phase difference of left and right.

    All are 0 where both are silent; cosine and sine also where one is.
    """
    clips, _, frames, freq = spectrum.shape
    first, last = _limits(bank)
    weights = _normalized(bank, first, last)
    one, least = bank.dtype.type(1), np.finfo(bank.dtype).tiny
    faintest, decibels = bank.dtype.type(10 ** (-limit_db / 10)), bank.dtype.type(10 / log(10))
    limit = bank.dtype.type(limit_db)
    level, cosine, sine = np.empty(freq, bank.dtype), np.empty(freq, bank.dtype), np.empty(freq, bank.dtype)
    tiles = np.empty((3, freq, _TILE), bank.dtype)
    for n in range(clips):
        for t in range(frames):
            left_row, right_row = spectrum[n, 0, t], spectrum[n, 1, t]
            for f in range(freq):
                lr, li, rr, ri = left_row[f].real, left_row[f].imag, right_row[f].real, right_row[f].imag
                # Each channel by its own largest part: squares and products of faint bins would underflow.
                of_left, of_right = max(max(abs(lr), abs(li)), least), max(max(abs(rr), abs(ri)), least)
                scale = one / of_left
                lr, li = lr * scale, li * scale
                scale = one / of_right
                rr, ri = rr * scale, ri * scale
                c, s = lr * rr + li * ri, li * rr - lr * ri
                squared = c * c + s * s
                if squared == 0:
                    squared = one
                scale = one / sqrt(squared)
                cosine[f], sine[f] = c * scale, s * scale
                scale = one / max(of_left, of_right)
                of_left, of_right = of_left * scale, of_right * scale
                power_left = (lr * lr + li * li) * of_left * of_left
                power_right = (rr * rr + ri * ri) * of_right * of_right
                lifted_left = max(power_left, faintest * power_right)
                lifted_right = max(power_right, faintest * power_left)
                if lifted_left == 0:
                    lifted_left, lifted_right = one, one
                level[f] = lifted_left / lifted_right
            for f in range(freq):
                level[f] = min(max(decibels * log(level[f]), -limit), limit)
            _average(level, cosine, sine, t, tiles, weights, first, last, out[n])


@compiled()
def _limits(bank):
    """Where the weights of each band start and end: bands are narrow, and only their bins are visited."""
    bands, freq = bank.shape
    first, last = np.zeros(bands, np.int64), np.zeros(bands, np.int64)
    for b in range(bands):
        row = bank[b]
        begin, end = np.int32(freq), np.int32(0)
        for f in range(freq):  # without a way out, so that many bins are looked at together
            held = row[f] != 0
            begin = min(begin, np.int32(f) if held else np.int32(freq))
            end = max(end, np.int32(f + 1) if held else np.int32(0))
        first[b], last[b] = begin, end
    return first, last


@compiled()
def _normalized(bank, first, last):
    """The bank with bands that add up to 1; a band without weight stays so."""
    weights = np.zeros_like(bank)
    for b in range(len(bank)):
        total = bank[b].sum()
        if total != 0:
            for f in range(first[b], last[b]):
                weights[b, f] = bank[b, f] / total
    return weights


@compiled()
def _put(row, tile, t):
    """Write a row of bins as column ``t`` of a tile (freq, frames)."""
    for f in range(len(row)):
        tile[f, t] = row[f]


@compiled(fastmath=_FAST)
def _sum(tile, bank, first, last, out, start, count):
    """Weigh the bins of ``count`` frames into ``out`` (bands, frames) from ``start``, two bins at a time."""
    for b in range(len(bank)):
        band = out[b, start : start + count]
        band[:] = 0
        for f in range(first[b], last[b] - 1, 2):
            weight, next_weight, bins, next_bins = bank[b, f], bank[b, f + 1], tile[f], tile[f + 1]
            for t in range(count):
                band[t] += weight * bins[t] + next_weight * next_bins[t]
        if (last[b] - first[b]) % 2:
            weight, bins = bank[b, last[b] - 1], tile[last[b] - 1]
            for t in range(count):
                band[t] += weight * bins[t]


@compiled(fastmath=_FAST)
def _average(one, two, three, t, tiles, weights, first, last, out):
    """Collect three rows of bins of frame ``t``; when the tiles are full, weigh them into the end of ``out``."""
    frames, column = out.shape[-1], t % _TILE
    _put(one, tiles[0], column)
    _put(two, tiles[1], column)
    _put(three, tiles[2], column)
    if column == _TILE - 1 or t == frames - 1:
        for k in range(3):
            _sum(tiles[k], weights, first, last, out[len(out) - 3 + k], t - column, column + 1)
