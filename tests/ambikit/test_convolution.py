"""The loop that multiplies spectra is the formula, and both are the sum written out."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ambikit.operators import convolution
from ambikit.operators.convolution import filter_channels
from tests.closeness import assert_close


def written_out(signal, filters, advance, length):
    rows, channels, _ = filters.shape
    sums = [sum(np.convolve(signal[c], filters[r, c]) for c in range(channels)) for r in range(rows)]
    padded = np.pad(np.array(sums), ((0, 0), (0, length)))
    return padded[:, advance : advance + length]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("advance", [0, 5])
@pytest.mark.parametrize(("clips", "time", "taps"), [(1, 9000, 7), (40, 200, 30), (3, 4096 * 2, 1), (2, 700, 600)])
def test_the_loop_and_the_formula_are_the_sum_written_out(library, dtype, advance, clips, time, taps, rng):
    """Many blocks, many clips side by side with some left over, filters of one tap and of nearly all of the clip."""
    advance = min(advance, taps - 1)
    signal, filters = rng.standard_normal((clips, 3, time)), rng.standard_normal((2, 3, taps))
    tail = time + taps - 1 - advance
    for length in (time, tail):
        expected = np.stack([written_out(clip, filters, advance, length) for clip in signal])
        arrays = library.array(signal, dtype), library.array(filters, dtype)
        for way in (convolution._filtered_by_loop, convolution._filtered_by_formula):
            got = way(*arrays, advance, length)
            if got is None:
                assert library.name != "numpy"
                assert str(arrays[0].device) != "cpu"
                continue
            assert_close(library.numpy(got), expected, dtype, factor=10)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_loop_leaves_what_is_not_finite_to_the_formula(library, value, rng):
    signal = rng.standard_normal((2, 3, 9000))
    signal[1, 2, 8000] = value
    got = library.numpy(filter_channels(library.array(signal), rng.standard_normal((2, 3, 10)), advance=4))
    assert_array_equal(np.argwhere(np.isnan(got[1, 0]))[:, 0], np.arange(7996, 8006))
    assert np.isfinite(got[0]).all()


def test_memory_of_any_layout(rng):
    signal, filters = rng.standard_normal((300, 4)), rng.standard_normal((2, 4, 9))
    assert_close(filter_channels(signal.T, filters), written_out(signal.T, filters, 0, 300), "float64", factor=10)
