"""Covariances of parts of a recording that comes block by block."""

import numpy as np
import pytest

from ambikit.analysis import block_covariances
from ambikit.analysis.block_covariances import mean_covariances
from tests.closeness import assert_close


@pytest.mark.parametrize("lengths", [[5000], [1009], [7, 3000, 1], [1]])
@pytest.mark.parametrize("edges", [[0, 5000], [0, 1, 1009, 1010, 4000, 5000]])
def test_parts_against_their_definition(monkeypatch, rng, dtype, lengths, edges):
    monkeypatch.setattr(block_covariances, "COLUMNS_AT_ONCE", 1500)
    signal = rng.normal(size=(4, 5000)).astype(dtype)
    blocks = np.split(signal, np.cumsum(lengths * (5000 // sum(lengths)))[:-1], axis=-1)
    found = mean_covariances(blocks, edges)
    expected = [
        np.einsum("it,jt->ij", part, part) / part.shape[-1] for part in np.split(signal.astype(float), edges[1:-1], -1)
    ]
    assert found.dtype == np.float64
    assert_close(found, np.stack(expected))


def test_all_there_is(rng):
    signal = rng.normal(size=(9, 5000))
    (found,) = mean_covariances(np.split(signal, [100, 101], axis=-1))
    assert_close(found, np.cov(signal, bias=True) + np.outer(signal.mean(-1), signal.mean(-1)))
