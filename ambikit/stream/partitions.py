"""Filters without delay on blocks of any length: the first taps directly, the others part by part as spectra."""

import numpy as np
from jaxtyping import Float

__all__ = ["PartitionedFilter"]

#: samples of a part: shorter ones need more transforms, longer ones more direct taps (measured: 64 to 256 are alike)
PART = 128


class PartitionedFilter:
    r"""A matrix of filters on ``(items, channels, time)`` that come in blocks, with all room made beforehand.

    The signal is cut into parts of P samples wherever its blocks end. What the taps from P on make of the parts that
    are complete is known when the next one begins, as a product of spectra of 2 P samples (overlap-save); only the
    first P taps need the present part, and filter it directly. So nothing is late.

    References
    ----------
    Gardner, Efficient convolution without input-output delay, J. Audio Eng. Soc. 43 (1995) 127, with parts of one
    length.
    """

    def __init__(self, filters: Float[np.ndarray, "rows channels taps"], items: int, dtype: str) -> None:
        rows, channels, self._taps = filters.shape
        kind = np.result_type(dtype, np.complex64)
        direct = -(-min(self._taps, PART) // 4) * 4
        self._head = np.zeros((rows, channels, direct), dtype)
        self._head[..., : min(self._taps, direct)] = filters[..., :direct]
        parts = max(0, -(-(self._taps - PART) // PART))
        later = np.zeros((rows, channels, parts * PART))
        later[..., : max(0, self._taps - PART)] = filters[..., PART:]
        spectra = np.fft.rfft(later.reshape(rows, channels, parts, PART).transpose(2, 0, 1, 3), 2 * PART)
        self._responses = np.ascontiguousarray(np.stack([spectra.real, spectra.imag], -2), dtype)
        self._past = np.zeros((items, parts, channels, 2, PART + 1), dtype)
        self._frame = np.zeros((items, channels, 2 * PART), dtype)
        self._tail = np.zeros((items, rows, PART), dtype)
        self._sums = np.empty((items, rows, PART + 1), kind)
        self._total = np.empty((2, PART + 1), dtype)
        self._room = np.empty(PART, dtype)
        self._harmed = np.zeros(items, np.int64)
        self._filled = self._newest = 0

    def __call__(
        self, sound: Float[np.ndarray, "items channels time"], out: Float[np.ndarray, "items rows time"]
    ) -> None:
        """Filter the next block into ``out``."""
        from ambikit.kernels.block_filter import filter_directly

        start, time = 0, sound.shape[-1]
        while start < time:
            if self._filled == PART:
                self._next_part()
            count = min(PART - self._filled, time - start)
            state = (self._frame, self._filled, self._head, self._tail, self._harmed, self._taps, self._room)
            filter_directly(sound, start, count, *state, out)
            self._filled += count
            start += count

    def _next_part(self) -> None:
        """Begin another part, and find out what the complete ones give to it."""
        if len(self._responses):
            from scipy import fft

            from ambikit.kernels.block_filter import multiply_spectra

            self._newest = (self._newest + 1) % len(self._responses)
            spectrum = fft.rfft(self._frame)
            multiply_spectra(spectrum, self._past, self._newest, self._responses, self._total, self._sums)
            self._tail[...] = fft.irfft(self._sums, 2 * PART)[..., PART:]
        self._frame[..., :PART] = self._frame[..., PART:]
        self._filled = 0
