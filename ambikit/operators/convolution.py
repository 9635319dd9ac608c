"""Matrices of filters on a signal: fast convolution by overlap-save, block by block."""

from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, constant_like, empty_like_signal, kernel_view, namespace, narrow, widen
from ambikit.operators.channel_axis import is_plain

__all__ = ["filter_channels"]

# Samples of a transform for long signals. The formula goes many times through each block and calls less often for
# longer ones; the loop goes once, and is fastest where the spectra of all channels stay in the second-level cache.
_BLOCK = 2**16
_BLOCK_OF_LOOP = 2**12


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
    filters = constant_like(filters, wide)
    rows, _, taps = (int(size) for size in filters.shape)
    batch, time = tuple(wide.shape)[:-2], int(wide.shape[-1])  # a trace of torch.jit is for one length
    length = time + taps - 1 - advance if tail else time
    if 0 in batch:  # which not all transforms accept
        return narrow(_zeros(wide, (*batch, rows, length)), half)
    output = _filtered_by_loop(wide, filters, advance, length)
    if output is None:
        output = _filtered_by_formula(wide, filters, advance, length)
    return narrow(output, half)


def _filtered_by_loop(signal: Array, filters: Array, advance: int, length: int) -> Array | None:
    """The filtered signal, where memory and gradients allow a compiled loop to multiply spectra and add them up.

    None also where something is not finite, which takes more care: a spectrum tells at once, as its sum of all
    samples is not finite either.
    """
    if isinstance(signal, np.ndarray):
        signal = np.ascontiguousarray(signal)
    if kernel_view(signal) is None or kernel_view(filters) is None:
        return None
    from ambikit.kernels.block_filter import multiply_spectra

    rows, channels, taps = filters.shape
    time = signal.shape[-1]
    whole = length + taps - 1
    longest = max(_BLOCK_OF_LOOP, _power_of_two(8 * taps))
    size = _fast_length(whole) if whole <= longest else longest
    step, bins = size - taps + 1, size // 2 + 1
    xp = namespace(signal)
    fourier = _fourier(xp)
    response = np.asarray(fourier.rfft(filters, size))
    planes = np.ascontiguousarray(np.stack([response.real, response.imag], -2)[None])
    clips = signal.reshape(-1, channels, time)
    # transforms of several rows are faster than those of one: blocks and short clips stand side by side
    blocks = min(-(-length // step), max(1, 2**17 // (channels * size)))
    together = max(1, 2**17 // (channels * size * blocks))
    past = np.empty((together * blocks, 1, channels, 2, bins), planes.dtype)
    total = np.empty((2, bins), planes.dtype)
    sums = np.empty((together * blocks, rows, bins), response.dtype)
    results = empty_like_signal((len(clips), rows, length), signal)
    for first in range(0, len(clips), together):
        for start in range(0, length, step * blocks):
            count = min(blocks, -(-(length - start) // step))
            begin = start + advance - taps + 1
            piece = _cut(clips[first : first + together], begin, begin + (count - 1) * step + size)
            spectrum = np.ascontiguousarray(fourier.rfft(_windows(piece, size, step), size))
            if not np.isfinite(spectrum[..., 0]).all():
                return None
            out = sums[: len(piece) * count]
            multiply_spectra(spectrum.reshape(-1, channels, bins), past, 0, planes, total, out)
            filtered = fourier.irfft(out if xp is np else xp.from_numpy(out), size)[..., taps - 1 :]
            filtered = filtered.reshape(-1, count, rows, step).swapaxes(1, 2).reshape(-1, rows, count * step)
            results[first : first + together, :, start : start + count * step] = filtered[..., : length - start]
    return results.reshape(*signal.shape[:-2], rows, length)


def _cut(clips: Array, begin: int, end: int) -> Array:
    """The samples from ``begin`` to ``end``, with silence where there are none."""
    time = int(clips.shape[-1])
    piece = clips[..., max(begin, 0) : max(min(end, time), 0)]
    if begin >= 0 and end <= time:
        return piece
    cut = _zeros(clips, (*clips.shape[:-1], end - begin))
    cut[..., max(-begin, 0) : max(-begin, 0) + piece.shape[-1]] = piece
    return cut


def _windows(piece: Array, size: int, step: int) -> Array:
    """See ``(clips, channels, time)`` as blocks that overlap, ``(clips, blocks, channels, size)``, without a copy."""
    if isinstance(piece, np.ndarray):
        return np.lib.stride_tricks.sliding_window_view(piece, size, -1)[..., ::step, :].swapaxes(1, 2)
    return piece.unfold(-1, size, step).swapaxes(1, 2)


def _filtered_by_formula(signal: Array, filters: Array, advance: int, length: int) -> Array:
    """The same in steps that keep gradients."""
    xp = namespace(signal)
    channels, taps = int(filters.shape[1]), int(filters.shape[2])
    batch, time = tuple(signal.shape)[:-2], int(signal.shape[-1])
    finite = xp.isfinite(signal)
    good = finite.all(-2)
    signal = xp.where(finite, signal, xp.zeros_like(signal))
    whole = length + taps - 1
    size = _fast_length(whole) if whole <= _BLOCK else max(_BLOCK, _power_of_two(4 * taps))
    step = size - taps + 1
    fourier = _fourier(xp)
    response = fourier.rfft(filters, size)
    parts = []
    target = empty_like_signal((*batch, int(filters.shape[0]), length), signal) if is_plain(signal, filters) else None
    for start in range(0, length, step):
        begin = start + advance - taps + 1
        block = signal[..., max(begin, 0) : max(min(begin + size, time), 0)]
        if begin < 0:
            block = xp.concatenate([_zeros(signal, (*batch, channels, -begin)), block], -1)
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
    return xp.where(unharmed, output, float("nan"))


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
