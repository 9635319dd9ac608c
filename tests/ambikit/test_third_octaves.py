"""Levels in third-octave bands of a recording that comes block by block."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import welch

from ambikit.analysis.third_octaves import band_powers
from ambikit.errors import AmbikitError
from tests.closeness import assert_close

RATE = 48000


def pink(channels, time, seed=0):
    return np.cumsum(np.random.default_rng(seed).normal(size=(channels, time)), axis=-1) * 1e-2


def test_against_scipy_where_windows_fill_the_time(dtype):
    signal = pink(4, 11 * 4096).astype(dtype)
    found = band_powers(np.split(signal, [5, 9000, 9001], axis=-1), RATE)
    window = np.sin(np.pi * np.arange(1, 8193) / 8193) ** 2
    frequencies, density = welch(signal.astype(float), RATE, window, 8192, 4096, detrend=False)
    for k, centre in enumerate(found.frequencies):
        inside = (frequencies >= centre * 2 ** (-1 / 6)) & (frequencies < centre * 2 ** (1 / 6))
        assert_close(found.bands[:, k], density[:, inside].sum(-1) * RATE / 8192)
    assert_close(found.total, np.einsum("ct,ct->c", *[signal.astype(float)] * 2) / signal.shape[-1])


@given(
    time=st.one_of(st.integers(1, 40), st.integers(4000, 30000), st.sampled_from([4096, 8191, 8192, 8193, 12288])),
    lengths=st.lists(st.integers(1, 9000), min_size=1, max_size=4),
)
def test_the_whole_is_its_blocks(time, lengths):
    signal = pink(2, time, seed=time)
    whole = band_powers([signal], RATE)
    parts = band_powers(np.split(signal, [n for n in np.cumsum(lengths) if n < time], axis=-1), RATE)
    assert_close(parts.bands, whole.bands)
    assert_close(parts.total, whole.total)


@pytest.mark.parametrize("time", [1, 4096, 8192, 8193, 12288, 12289, 20000])
def test_windows_that_the_end_cuts_off_count_by_what_is_left_of_them(time):
    """Window by window, with the sums over a whole circle of frequencies."""
    signal = pink(1, time)
    length = min(time, 8192)
    window = np.sin(np.pi * np.arange(1, length + 1) / (length + 1)) ** 2
    power, weight = np.zeros(8192), 0.0
    for start in range(0, time, max(length // 2, 1)):
        part = signal[0, start : start + length]
        if len(part) > length / 2:  # or the window before has all of it
            power += np.abs(np.fft.fft(part * window[: len(part)], 8192)) ** 2
            weight += (window[: len(part)] ** 2).sum()
    found = band_powers([signal], RATE)
    frequencies = np.abs(np.fft.fftfreq(8192, 1 / RATE))
    for k, centre in enumerate(found.frequencies):
        inside = (frequencies >= centre * 2 ** (-1 / 6)) & (frequencies < centre * 2 ** (1 / 6))
        assert_close(found.bands[:, k], power[inside].sum()[None] / weight / 8192)


def test_no_band():
    with pytest.raises(AmbikitError, match="third octaves"):
        band_powers([np.ones((1, 100))], 1.0)
