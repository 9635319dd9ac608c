"""Resampled block by block: the same bits as the whole, however the blocks are cut, and in memory that stays."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.signal import resample_poly

from ambikit.operators.block_resampling import resample_blocks
from ambikit.operators.resampling import resample_by
from tests.closeness import assert_close

#: up and down of 44.1 to 48 kHz and back, 48 to 24 and 16 kHz, 22.05 to 16 kHz, 44.1 to 8 and to 48.001 kHz
RATIOS = [(160, 147), (147, 160), (1, 2), (1, 3), (3, 1), (320, 441), (80, 441), (48001, 44100)]


def cut(signal, lengths):
    """Blocks of these lengths, again and again, to the end."""
    start, k = 0, 0
    while start < signal.shape[-1]:
        yield signal[..., start : start + lengths[k % len(lengths)]]
        start += lengths[k % len(lengths)]
        k += 1


@pytest.mark.parametrize(("up", "down"), RATIOS)
@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("lengths", [[9999], [1009, 1, 4096], [100000]])
def test_the_bits_of_the_whole(rng, dtype, up, down, channels, lengths):
    signal = rng.normal(size=(channels, 30011)).astype(dtype)
    blocks = list(resample_blocks(cut(signal, lengths), up, down))
    assert_array_equal(np.concatenate(blocks, axis=-1), resample_poly(signal, up, down, axis=-1))
    assert {block.dtype for block in blocks} == {signal.dtype}


@given(
    up=st.integers(1, 40),
    down=st.integers(1, 40),
    time=st.integers(1, 300),
    lengths=st.lists(st.integers(1, 90), min_size=1, max_size=4),
)
def test_any_ratio_any_length_any_blocks(up, down, time, lengths):
    up, down = up // np.gcd(up, down), down // np.gcd(up, down)
    signal = np.random.default_rng(time).normal(size=(2, time))
    blocks = list(resample_blocks(cut(signal, lengths), int(up), int(down)))
    assert_array_equal(np.concatenate(blocks, axis=-1), resample_poly(signal, up, down, axis=-1))
    assert all(block.shape[-1] for block in blocks)


def test_what_is_not_a_number_stays_where_the_whole_has_it(rng):
    signal = rng.normal(size=(1, 3000))
    signal[0, [0, 1500, 2999]] = np.nan, np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        parts = np.concatenate(list(resample_blocks(cut(signal, [101]), 160, 147)), axis=-1)
        assert_array_equal(np.isfinite(parts), np.isfinite(resample_by(signal, 160, 147)))


def test_every_library(library, rng):
    signal = library.array(rng.normal(size=(4, 5000)))
    blocks = [library.numpy(block) for block in resample_blocks(cut(signal, [777]), 160, 147)]
    assert_close(np.concatenate(blocks, axis=-1), library.numpy(resample_by(signal, 160, 147)), factor=10)


def test_no_blocks_no_samples():
    assert list(resample_blocks([], 3, 2)) == []


def test_samples_come_as_soon_as_they_can(rng):
    """A new sample depends on ten old ones before and behind it where the rate is doubled."""
    signal = rng.normal(size=(1, 100))
    first = next(resample_blocks(cut(signal, [50]), 2, 1))
    assert first.shape == (1, 2 * (50 - 10))


@pytest.mark.parametrize(("up", "down"), [(160, 147), (1, 3), (48001, 44100)])
def test_memory_does_not_grow(up, down):
    def peak(count):
        tracemalloc.start()
        for _ in resample_blocks((np.ones((1, 20000), np.float32) for _ in range(count)), up, down):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(4)  # the design of the filter
    assert peak(40) - peak(10) < 30 * 20000 * 4 / 10  # a tenth of the samples that come in addition
