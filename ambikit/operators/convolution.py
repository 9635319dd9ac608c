"""Matrices of filters on a signal: fast convolution by overlap-save, block by block."""

from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, constant_like, empty_like_signal, namespace, narrow, widen
from ambikit.operators.channel_axis import is_plain

__all__ = ["filter_channels"]

# Samples of a transform for long signals: the spectra of a few channels stay in the second-level cache.
_BLOCK = 2**16


def filter_channels(
    signal: Float[Array, "*batch channels time"],
    filters: Float[Array, "rows channels taps"],
    *,
    advance: int = 0,
    tail: bool = False,
) -> Float[Array, "*batch rows out_time"]:
    """Filter each channel and add up: ``out_r(t) = Σ_c Σ_k filters_rc(k) signal_c(t + advance − k)``.

    A sample that is not finite makes the results that depend on it NaN, and no other.

    Parameters
    ----------
    signal
        ``(..., channels, time)``.
    filters
        ``(rows, channels, taps)``: NumPy for any signal, or a tensor for tensors.
    advance
        Samples by which the result is early: the delay of the filters that is to be taken back, below ``taps``.
    tail
        Whether the result goes on to the last sample that depends on the signal (``taps − 1 − advance`` more).

    Returns
    -------
    array
        ``(..., rows, time)`` in the library, dtype and device of ``signal``, with gradients.
    """
    wide, half = widen(signal)
    xp = namespace(wide)
    filters = constant_like(filters, wide)
    rows, channels, taps = (int(size) for size in filters.shape)
    batch, time = tuple(wide.shape)[:-2], int(wide.shape[-1])  # a trace of torch.jit is for one length
    length = time + taps - 1 - advance if tail else time
    if 0 in batch:  # which not all transforms accept
        return narrow(_zeros(wide, (*batch, rows, length)), half)
    finite = xp.isfinite(wide)
    good = finite.all(-2)
    wide = xp.where(finite, wide, xp.zeros_like(wide))
    whole = length + taps - 1
    size = _fast_length(whole) if whole <= _BLOCK else max(_BLOCK, _power_of_two(4 * taps))
    step = size - taps + 1
    fourier = _fourier(xp)
    response = fourier.rfft(filters, size)
    parts = []
    target = empty_like_signal((*batch, rows, length), wide) if is_plain(wide, filters) else None
    for start in range(0, length, step):
        begin = start + advance - taps + 1
        block = wide[..., max(begin, 0) : max(min(begin + size, time), 0)]
        if begin < 0:
            block = xp.concatenate([_zeros(wide, (*batch, channels, -begin)), block], -1)
        spectrum = fourier.rfft(block, size)
        product = spectrum[..., :1, :] * response[:, 0]
        for channel in range(1, channels):
            product = product + spectrum[..., channel : channel + 1, :] * response[:, channel]
        result = fourier.irfft(product, size)[..., taps - 1 : taps - 1 + min(step, length - start)]
        if target is None:
            parts.append(result)
        else:
            target[..., start : start + step] = result
    output = xp.concatenate(parts, -1) if target is None else target
    unharmed = _unharmed(good, taps, advance, length)[..., None, :]
    return narrow(xp.where(unharmed, output, float("nan")), half)


def _unharmed(good: Array, taps: int, advance: int, length: int) -> Array:
    """Which results depend on good samples only: those whose window of ``taps`` samples holds no other."""
    xp = namespace(good)
    time = int(good.shape[-1])
    bad = xp.cumsum(xp.where(good, 0, 1), -1)
    bad = xp.concatenate([xp.zeros_like(bad[..., :1]), bad], -1)  # how many among the first t samples
    last = xp.clip(_steps(bad, length) + (advance + 1), 0, time)
    first = xp.clip(_steps(bad, length) + (advance + 1 - taps), 0, time)
    return bad[..., last] == bad[..., first]


def _steps(like: Array, count: int) -> Array:
    """0, 1, …, count − 1 beside ``like``."""
    return namespace(like).arange(count, device=like.device)


def _zeros(like: Array, shape: tuple[int, ...]) -> Array:
    """Silence of a shape, in the library, dtype and device of ``like``."""
    return namespace(like).zeros(shape, dtype=like.dtype, device=like.device)


def _fourier(xp: Any) -> Any:
    """SciPy's transforms for NumPy, which are twice as fast in single precision; torch's own for tensors."""
    if xp is not np:
        return xp.fft
    from scipy import fft

    return fft


def _power_of_two(length: int) -> int:
    return 1 << (length - 1).bit_length()


def _fast_length(length: int) -> int:
    """The smallest of 2^k, 3 · 2^k and 5 · 2^k that is not below ``length``."""
    return min(factor * _power_of_two(-(-length // factor)) for factor in (1, 3, 5))
