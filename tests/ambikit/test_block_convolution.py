"""Filters over blocks are the filters over the whole."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ambikit.operators.block_convolution import filter_blocks


@pytest.mark.parametrize("advance", [0, 3, 6])
@pytest.mark.parametrize("cuts", [[], [50], [1, 2, 3, 5, 9], [40, 80], [97]])
def test_against_the_sum_written_out(advance, cuts):
    """Blocks shorter and longer than the seven taps, and than the advance."""
    random = np.random.default_rng(0)
    signal, filters = random.standard_normal((4, 100)), random.standard_normal((2, 4, 7))
    blocks = list(filter_blocks(np.split(signal, cuts, axis=1), filters, advance=advance))
    expected = np.array([sum(np.convolve(signal[c], row[c]) for c in range(4)) for row in filters])
    assert_allclose(np.concatenate(blocks, axis=-1), expected[:, advance : advance + 100], atol=1e-12)


def test_what_is_not_finite_stays_where_it_matters():
    signal = np.ones((1, 20))
    signal[0, 9] = np.nan
    (result,) = np.concatenate(list(filter_blocks(np.split(signal, [10], axis=1), np.ones((1, 1, 4)), advance=1)), -1)
    assert_array_equal(np.flatnonzero(np.isnan(result)), [8, 9, 10, 11])


def test_the_precision_is_that_of_the_signal():
    blocks = filter_blocks([np.ones((1, 8), np.float32)], np.ones((1, 1, 3)), advance=2)
    assert {block.dtype for block in blocks} == {np.dtype("float32")}


def test_no_blocks_give_none():
    assert list(filter_blocks([], np.ones((1, 1, 3)), advance=1)) == []
