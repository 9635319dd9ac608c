"""What directions are read from, of a recording of any length, block by block: the covariance of each part of it."""

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
from jaxtyping import Float, Float64

from ambikit.operators.channel_axis import COLUMNS_AT_ONCE

__all__ = ["mean_covariances"]


def mean_covariances(
    blocks: Iterable[Float[np.ndarray, "channels _"]], edges: Sequence[int] | np.ndarray | None = None
) -> Float64[np.ndarray, "parts channels channels"]:
    r"""The mean of :math:`x(t)\, x(t)^T` over each part of the time, in double precision.

    Parameters
    ----------
    blocks
        A signal ``(channels, time)``, piece by piece.
    edges
        The samples at which parts begin, in order, and behind them where the last one ends; None: one part, all there
        is.

    Examples
    --------
    >>> signal = np.array([[1.0, 1.0, 2.0, 2.0, 2.0], [0.0, 0.0, 0.0, 2.0, -2.0]])
    >>> mean_covariances([signal[:, :3], signal[:, 3:]], [0, 2, 5]).round(3).tolist()
    [[[1.0, 0.0], [0.0, 0.0]], [[4.0, 0.0], [0.0, 2.667]]]
    """
    edges = np.asarray([0, np.iinfo(np.int64).max] if edges is None else edges)
    blocks, parts, first = iter(blocks), len(edges) - 1, 0
    head = next(blocks)
    sums, counts = np.zeros((parts, len(head), len(head))), np.zeros(parts)
    for block in chain([head], blocks):
        for start in range(0, block.shape[-1], COLUMNS_AT_ONCE):
            piece = block[:, start : start + COLUMNS_AT_ONCE].astype(np.float64)
            inside = (edges > first) & (edges < first + piece.shape[-1])
            number = int(np.searchsorted(edges, first, side="right")) - 1
            for part, samples in enumerate(np.split(piece, edges[inside] - first, axis=-1), number):
                sums[part] += samples @ samples.T
                counts[part] += samples.shape[-1]
            first += piece.shape[-1]
    return sums / np.maximum(counts, 1)[:, None, None]
