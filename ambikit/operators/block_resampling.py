"""Another sample rate for a signal that comes block by block: each block is joined to the end of what came before."""

from collections.abc import Iterable, Iterator

from jaxtyping import Float

from ambikit._arrays import Array, namespace
from ambikit.operators.resampling import reach_of, resample_by

__all__ = ["resample_blocks"]


def resample_blocks(
    blocks: Iterable[Float[Array, "*batch _"]], up: int, down: int
) -> Iterator[Float[Array, "*batch _"]]:
    """Resample as :func:`resample_by` does, which gives these blocks put together: in NumPy the same bits.

    New samples come as soon as all that they depend on is there. What later ones depend on is kept, and as many samples
    before it as lead back to one with which a new one coincides: there the filters begin anew.

    Parameters
    ----------
    blocks
        ``(..., time)``, each of any length; best much longer than ``down`` and than the filters.
    up, down
        The rate grows by ``up / down``; without a common divisor.

    Yields
    ------
    array
        ``(..., time)``; together ``ceil(time * up / down)`` samples.

    Examples
    --------
    >>> import numpy as np
    >>> signal = np.random.default_rng(0).standard_normal((4, 1000))
    >>> parts = list(resample_blocks([signal[:, :101], signal[:, 101:]], 3, 2))
    >>> [part.shape[1] for part in parts], np.array_equal(np.concatenate(parts, axis=1), resample_by(signal, 3, 2))
    ([137, 1348, 15], True)
    """
    span, reach = 10 * max(up, down), reach_of(up, down)
    kept, first, end, done = None, 0, 0, 0  # the samples from ``first`` to ``end``, and how many new ones were given
    for block in blocks:
        kept = block if kept is None else namespace(kept, block).concatenate([kept, block], -1)
        end += block.shape[-1]
        ready = max(-((span - end * up) // down), 0)
        if ready > done:
            begin = first // down * up
            yield resample_by(kept, up, down)[..., done - begin : ready - begin]
            done = ready
        needed = max((done * down // up - reach) // down * down, first)
        kept, first = kept[..., needed - first :], needed
    total = -(-end * up // down)
    if kept is not None and total > done:
        begin = first // down * up
        yield resample_by(kept, up, down)[..., done - begin : total - begin]
