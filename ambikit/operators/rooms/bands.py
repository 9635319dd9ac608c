"""Bands of frequency that add up to the whole: filters of linear phase between given centre frequencies."""

from math import ceil, pi
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, as_numbers, cached_design
from ambikit._checks import check_floating, check_sample_rate
from ambikit.errors import AmbikitError, ShapeError
from ambikit.operators.convolution import filter_channels

__all__ = ["octave_band_filters", "split_octave_bands"]

# Half the length of the filters in periods of the lowest band.
_PERIODS = 2


def octave_band_filters(bands: Any, sample_rate: float) -> Float[np.ndarray, "bands taps"]:
    """Filters that split a sound into bands and add up to nothing but a delay.

    The gain of each band falls from 1 at its centre frequency to 0 at those of its neighbours as a squared cosine over
    the logarithm of the frequency; below the first and above the last centre it stays 1. So a sound of a centre
    frequency is in one band alone, and the sum of all bands is the sound.

    Parameters
    ----------
    bands
        Centre frequencies in Hz, increasing, below half the sample rate; octaves, or what you have coefficients for.
    sample_rate
        In Hz.

    Returns
    -------
    array
        ``(bands, taps)`` float64, symmetric about the middle tap: an odd number, four periods of the lowest band.

    Raises
    ------
    AmbikitError
        If the frequencies are not positive, increasing and below half the sample rate.

    Examples
    --------
    >>> filters = octave_band_filters([250, 500, 1000, 2000], 16000)
    >>> filters.shape, filters.sum(0).round(12).nonzero()[0].tolist()  # a single one in the middle
    ((4, 257), [128])
    >>> gain = filters @ np.cos(2 * np.pi * 500 * np.arange(-128, 129) / 16000)  # of a tone of 500 Hz
    >>> abs(gain).round(2).tolist()
    [0.0, 1.0, 0.0, 0.0]
    """
    sample_rate = check_sample_rate(sample_rate)
    return _filters(tuple(as_numbers(bands).ravel().tolist()), sample_rate).copy()


def split_octave_bands(
    signal: Float[Array, "*batch time"], bands: Any, sample_rate: float
) -> Float[Array, "*batch bands time"]:
    """A signal in bands, which add up to it: filtered by :func:`octave_band_filters`, without their delay.

    Parameters
    ----------
    signal
        ``(..., time)``.
    bands
        Centre frequencies in Hz, increasing, below half the sample rate.
    sample_rate
        In Hz.

    Returns
    -------
    array
        ``(..., bands, time)`` in the library, dtype and device of ``signal``, with gradients.

    Raises
    ------
    AmbikitError
        If the frequencies are not positive, increasing and below half the sample rate.
    ArrayTypeError
        If the signal holds integers.
    ShapeError
        If the time axis is empty.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal(1000)
    >>> split = split_octave_bands(noise, [500, 1000, 2000], 8000)
    >>> split.shape, np.allclose(split.sum(0), noise)
    ((3, 1000), True)
    """
    check_floating(signal)
    if len(signal.shape) == 0 or signal.shape[-1] == 0:
        raise ShapeError(f"got a signal of shape {tuple(signal.shape)}; expected (..., time); give at least one sample")
    filters = octave_band_filters(bands, sample_rate)
    return filter_channels(signal[..., None, :], filters[:, None], advance=filters.shape[-1] // 2)


@cached_design
def _filters(bands: tuple[float, ...], sample_rate: float) -> np.ndarray:
    centres = np.array(bands)
    if not (len(centres) and np.isfinite(centres).all() and centres[0] > 0 and (np.diff(centres) > 0).all()) or not (
        centres[-1] < sample_rate / 2
    ):
        raise AmbikitError(
            f"got bands={list(bands)} at {sample_rate:g} Hz; expected positive, increasing centre frequencies in Hz "
            f"below {sample_rate / 2:g}; sort them and leave out those above"
        )
    half = ceil(_PERIODS * sample_rate / centres[0])
    taps = 2 * half + 1
    frequency = np.fft.rfftfreq(taps, 1 / sample_rate)
    frequency[0] = frequency[1] / 2
    place = np.interp(np.log(frequency), np.log(centres), np.arange(len(centres)))
    away = np.clip(abs(place - np.arange(len(centres))[:, None]), 0, 1)
    return np.roll(np.fft.irfft(np.cos(pi / 2 * away) ** 2, taps), half, -1)
