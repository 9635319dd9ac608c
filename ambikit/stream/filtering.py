"""Matrices of filters as sound plays; two ears are one."""

from math import prod
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, namespace
from ambikit._checks import check_floating, check_order
from ambikit.errors import ShapeError
from ambikit.operators.binaural import BinauralFilters, binaural_decoder
from ambikit.operators.block_convolution import filter_next
from ambikit.stream.partitions import PartitionedFilter
from ambikit.stream.processor import Form
from ambikit.stream.sampled import Sampled

__all__ = ["BinauralDecoder", "FilterMatrix"]


class FilterMatrix(Sampled):
    """Filter each channel and add up, block by block: ``out_r(t) = Σ_c Σ_k filters_rc(k) block_c(t − k)``.

    For rooms, microphone arrays, equalisers and ears. The results of a block come with the block, whatever its length.

    Parameters
    ----------
    filters
        ``(rows, channels, taps)``, real.
    delay
        Samples that the filters are late by design: the ``latency``, which :meth:`flush` makes up for.

    Raises
    ------
    ShapeError
        If the filters do not have three axes, or are empty.
    AmbikitError
        If the delay is not within the filters.

    Notes
    -----
    A sample that is not finite makes the ``taps`` results NaN that depend on it, and no others; after them the
    stream is as if it had been 0. :meth:`reset` forgets it at once.

    Examples
    --------
    The sum of each sample and the one before it, over the border of two blocks:

    >>> import numpy as np
    >>> both = FilterMatrix(np.array([[[1.0, 1.0]]]))
    >>> both.process(np.array([[1.0, 2.0]])).tolist(), both.process(np.array([[3.0]])).tolist()
    ([[1.0, 3.0]], [[5.0]])
    """

    _state: Any = None
    _before: Any = None

    def __init__(self, filters: Any, *, delay: int = 0) -> None:
        check_floating(filters, "filters")
        filters = np.asarray(filters.detach().cpu() if hasattr(filters, "detach") else filters, dtype=np.float64)
        if filters.ndim != 3 or 0 in filters.shape:
            raise ShapeError(f"got filters of shape {filters.shape}; expected (rows, channels, taps), none of them 0")
        self._filters = filters
        self._delay = check_order(delay, maximum=filters.shape[2] - 1, name="delay")

    @property
    def latency(self) -> int:
        """Samples by which the results are late: the delay of the filters."""
        return self._delay

    def flush(self, *, tail: bool = False) -> Float[Array, "..."]:
        """End the stream; see :meth:`Processor.flush`.

        Parameters
        ----------
        tail
            Whether to go on until the last echo has died out: ``taps − 1`` samples instead of ``latency``.
        """
        rest = self.process(self._silence(self._filters.shape[2] - 1 if tail else self._delay))
        self.reset()
        return rest

    def reset(self) -> None:
        """Forget the sound, and with it what is not finite."""
        super().reset()
        self._state = self._before = None

    def _rows(self, channels: int, shape: tuple[int, ...]) -> int:
        if channels != self._filters.shape[1]:
            raise ShapeError(
                f"got {channels} channels in a block of shape {shape}; expected {self._filters.shape[1]}, one per "
                "column of the filters; make filters for the channels that you have"
            )
        return self._filters.shape[0]

    def _begin(self, form: Form, like: Array) -> None:
        if form.compiled:
            dtype = str(like.dtype).removeprefix("torch.")
            self._state = PartitionedFilter(self._filters, prod(form.leading[:-1]), dtype)
            return
        shape = (*form.leading, self._filters.shape[2] - 1)
        place = {} if form.device is None else {"device": form.device}
        self._before = namespace(like).zeros(shape, dtype=like.dtype, **place)

    def _loop(self, sound: np.ndarray, out: np.ndarray) -> None:
        self._state(sound, out)

    def _formula(self, block: Array) -> Array:
        if block.shape[-1] == 0:
            return namespace(block).concatenate([block[..., :1, :]] * self._filters.shape[0], -2)
        result, self._before = filter_next(self._before, block, self._filters)
        return result


class BinauralDecoder(FilterMatrix):
    """Hear a sound field through two ears while it plays: see :func:`ambikit.decode_binaural`.

    Parameters
    ----------
    decoder
        The filters of :func:`ambikit.binaural_decoder`, a set of ears, or by default a rigid sphere.
    order
        Ambisonic order of the blocks, where ``decoder`` is not designed already.
    sample_rate
        In Hz, likewise: by default that of the ears, 48000 for the sphere.
    **design
        Keywords of :func:`ambikit.binaural_decoder`, likewise.

    Raises
    ------
    AmbikitError
        If the design fails.

    Notes
    -----
    The results of a block come with the block. They are late by the delay of the design, ``latency``: 0 for least
    squares without a constraint; with magnitude least squares what rings before its cause needs it (5 ms for 256 taps).

    Examples
    --------
    >>> import numpy as np, ambikit
    >>> ears = BinauralDecoder(order=1, method="least_squares")
    >>> click = ambikit.encode(np.eye(1, 512)[0], 90, 0, degrees=True)  # on the left
    >>> left, right = np.concatenate([ears.process(click[:, :100]), ears.process(click[:, 100:])], axis=-1)
    >>> ears.latency, bool((left**2).sum() > (right**2).sum())
    (0, True)
    """

    def __init__(self, decoder: Any = None, *, order: int = 1, sample_rate: float | None = None, **design: Any) -> None:
        if not isinstance(decoder, BinauralFilters):
            decoder = binaural_decoder(decoder, order, sample_rate=sample_rate, **design)
        self.decoder = decoder
        super().__init__(decoder.filters, delay=decoder.delay)
