"""What each channel of a recording of any length holds, block by block: its level in third-octave bands."""

from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from ambikit.errors import AmbikitError
from ambikit.operators.channel_axis import COLUMNS_AT_ONCE

__all__ = ["BandPowers", "band_powers"]

_FRAME = 8192  # samples of a transform: two bins in the lowest band at 48 kHz
_LOWEST = 49.0  # Hz: the band that is called 50 Hz


class BandPowers(NamedTuple):
    """Mean squares."""

    frequencies: Float64[np.ndarray, "bands"]
    """Centres of the bands in Hz."""
    bands: Float64[np.ndarray, "channels bands"]
    total: Float64[np.ndarray, "channels"]
    """At all frequencies, those below the lowest band too."""


def band_powers(blocks: Iterable[Float[np.ndarray, "channels _"]], sample_rate: float) -> BandPowers:
    """Mean squares in third-octave bands up to half the rate, by Welch's method: windows that overlap by a half.

    A sound that is shorter than a window has one of its own.

    Raises
    ------
    AmbikitError
        If the sample rate is so low that there is no band.

    Examples
    --------
    >>> sine = np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000)[None]
    >>> found = band_powers(np.split(sine, [7, 30000], axis=1), 48000)
    >>> float(found.frequencies[found.bands[0].argmax()]), found.total.round(3)
    (1000.0, array([0.5]))
    """
    frequency = np.arange(_FRAME // 2 + 1) * sample_rate / _FRAME
    number = np.round(3 * np.log2(np.maximum(frequency, 1e-9) / 1000)).astype(int)
    lowest = int(np.ceil(3 * np.log2(max(_LOWEST, 4 * sample_rate / _FRAME) / 1000)))
    bands = np.arange(lowest, int(np.floor(3 * np.log2(sample_rate / 2 / 1000))) + 1)
    if not len(bands):
        raise AmbikitError(
            f"got sample_rate={sample_rate:g}; expected one with third octaves in it, above 200 Hz; give it in Hz"
        )
    power, squares, time = _powers(blocks)
    power = np.stack([power[:, number == band].sum(axis=-1) for band in bands], axis=-1)
    return BandPowers(1000 * 2.0 ** (bands / 3), power, squares / time)


def _powers(blocks: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray, int]:
    """The power of each channel at each frequency, the sum of its squares, and the number of samples."""
    window, blocks = np.hanning(_FRAME + 2)[1:-1], iter(blocks)
    head = next(blocks)
    kept = head[:, :0]  # from the first sample of the next window on
    power, energy = np.zeros((len(head), _FRAME // 2 + 1)), 0.0
    squares, time = np.zeros(len(head)), 0
    for block in chain([head], blocks):
        for start in range(0, block.shape[-1], COLUMNS_AT_ONCE):
            piece = block[:, start : start + COLUMNS_AT_ONCE]
            squares += np.square(piece, dtype=np.float64).sum(-1)
            time += piece.shape[-1]
            kept = np.concatenate([kept, piece], axis=-1)
            while kept.shape[-1] >= _FRAME:
                power += _power(kept[:, :_FRAME], window)
                energy += np.sum(window**2)
                kept = kept[:, _FRAME // 2 :]
    length = min(_FRAME, time)
    window = np.hanning(length + 2)[1:-1]
    for start in range(0, kept.shape[-1] - length // 2, max(1, length // 2)):
        part = kept[:, start : start + length]
        shape = window[: part.shape[-1]]
        power += _power(part, shape)
        energy += np.sum(shape**2)
    return power * (2 / _FRAME / energy), squares, time  # both sides of the spectrum, and what the windows let through


def _power(part: np.ndarray, shape: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft(part * shape, _FRAME)) ** 2
