"""Normalised intensity and its mean over mel bands in one pass: complex element-wise work, where the loop wins.

Serial, nogil, without checks; the formula beside it is ``ambikit.analysis.features.mel_intensity``.
"""

import numpy as np
from numba import njit

__all__ = ["mel_intensity"]


@njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "reassoc"})
def mel_intensity(spectrum, bank, out):
    """Average the normalised intensity of ``spectrum`` (clips, 4, frames, freq; W, Y, Z, X; complex).

    ``bank`` is (bands, freq), ``out`` (clips, 3, bands, frames) for x, y, z, both real in the precision of the
    spectrum. A band without weight gives 0, a bin without energy counts as 0.
    """
    clips, _, frames, freq = spectrum.shape
    bands = bank.shape[0]
    # Bands are narrow: of each, only the bins from the first to the last weight are visited.
    first, last = np.zeros(bands, np.int64), np.zeros(bands, np.int64)
    weights = np.zeros_like(bank)
    for b in range(bands):
        total = bank[b].sum()
        if total == 0:
            continue
        while bank[b, first[b]] == 0:
            first[b] += 1
        last[b] = freq
        while bank[b, last[b] - 1] == 0:
            last[b] -= 1
        weights[b] = bank[b] / total
    one = bank.dtype.type(1)
    least = np.finfo(bank.dtype).tiny
    x_of, y_of, z_of = np.empty(freq, bank.dtype), np.empty(freq, bank.dtype), np.empty(freq, bank.dtype)
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
            for b in range(bands):
                x, y, z = 0 * one, 0 * one, 0 * one
                for f in range(first[b], last[b]):
                    x += weights[b, f] * x_of[f]
                    y += weights[b, f] * y_of[f]
                    z += weights[b, f] * z_of[f]
                out[n, 0, b, t], out[n, 1, b, t], out[n, 2, b, t] = x, y, z
