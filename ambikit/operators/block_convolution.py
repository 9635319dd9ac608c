"""Filters on a signal that comes block by block: each one begins with the end of what came before."""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, namespace
from ambikit.operators.convolution import filter_channels

__all__ = ["filter_blocks", "filter_next"]


def filter_blocks(
    blocks: Iterable[Float[np.ndarray, "channels _"]],
    filters: Float[np.ndarray, "rows channels taps"],
    *,
    advance: int = 0,
) -> Iterator[Float[np.ndarray, "rows _"]]:
    """Filter and add up as :func:`filter_channels` does, which gives these blocks put together (to rounding).

    The results of a block need its samples and the ``taps − 1`` before them, which are kept. Those that are early by
    ``advance`` wait for the samples they need: the first block is shorter by it, and a last one makes up for it.

    Parameters
    ----------
    blocks
        NumPy arrays ``(channels, time)``, each of any length; best much longer than the filters.
    filters, advance
        As for :func:`filter_channels`.

    Yields
    ------
    array
        ``(rows, time)``; together as long as the signal.

    Examples
    --------
    The sum of each sample and the one before it:

    >>> signal = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
    >>> filtered = filter_blocks([signal[:, :2], signal[:, 2:]], np.array([[[1.0, 1.0]]]))
    >>> [block.round(12).tolist() for block in filtered]
    [[[1.0, 3.0]], [[5.0, 7.0, 9.0]]]
    """
    kept = filters.shape[-1] - 1
    before, skip = None, advance
    for block in blocks:
        before = np.zeros((block.shape[0], kept), block.dtype) if before is None else before
        result, before = filter_next(before, block, filters)
        if result.shape[-1] > skip:
            yield result[:, skip:]
        skip = max(0, skip - result.shape[-1])
    if before is not None and advance:
        silence = np.zeros((before.shape[0], advance), before.dtype)
        yield filter_next(before, silence, filters)[0][:, skip:]


def filter_next(
    before: Float[Array, "*batch channels kept"],
    block: Float[Array, "*batch channels time"],
    filters: Float[Array, "rows channels taps"],
) -> tuple[Float[Array, "*batch rows time"], Float[Array, "*batch channels kept"]]:
    """The results of a block after the ``taps − 1`` samples before it, and those that the next one must know."""
    kept = before.shape[-1]
    joined = namespace(before, block).concatenate([before, block], -1)
    return filter_channels(joined, filters)[..., kept:], joined[..., joined.shape[-1] - kept :]
