"""Products of spectra summed over mel bands: powers and cross powers, without a plane of them in memory.

Serial, nogil, without checks; the formulas beside it are in ``ambikit.analysis.mel`` (``mel_power``) and
``ambikit.analysis.mel_covariance``.
"""

import numpy as np
from numba import njit

__all__ = ["mel_products"]


@njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "reassoc"})
def mel_products(spectrum, left, right, bank, out):
    """Sum ``Re(conj(X_left) X_right)`` over bands, for pairs of channels.

    ``spectrum`` is (clips, channels, frames, freq), complex; ``left`` and ``right`` (pairs,) are channels; ``bank``
    (bands, freq) and ``out`` (clips, pairs, bands, frames) are real in the precision of the spectrum.
    """
    clips, _, frames, freq = spectrum.shape
    bands = bank.shape[0]
    first, last = np.zeros(bands, np.int64), np.zeros(bands, np.int64)
    for b in range(bands):
        last[b] = freq
        while last[b] > 0 and bank[b, last[b] - 1] == 0:
            last[b] -= 1
        while first[b] < last[b] and bank[b, first[b]] == 0:
            first[b] += 1
    product = np.empty(freq, bank.dtype)
    for n in range(clips):
        for p in range(len(left)):
            for t in range(frames):
                one, other = spectrum[n, left[p], t], spectrum[n, right[p], t]
                for f in range(freq):
                    product[f] = one[f].real * other[f].real + one[f].imag * other[f].imag
                for b in range(bands):
                    total = 0 * bank[b, 0]
                    for f in range(first[b], last[b]):
                        total += bank[b, f] * product[f]
                    out[n, p, b, t] = total
