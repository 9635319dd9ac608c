"""The level of a signal in mel bands, and what all mel features have in common."""

from math import prod
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, empty_like_signal, kernel_view, namespace, narrow, widen
from ambikit._checks import check_floating
from ambikit.analysis.filterbank import bank_like, detached, mel_filterbank
from ambikit.analysis.spectra import check_length, feature_grid, frame_spectrum
from ambikit.errors import AmbikitError, ShapeError

__all__ = [
    "check_levels",
    "clips_of",
    "levels",
    "log_mel",
    "mel_frames",
    "mel_magnitudes",
    "mel_products",
    "views_for_kernel",
]


def log_mel(
    signal: Float[Array, "*batch time"],
    sample_rate: float,
    *,
    bands: int = 128,
    window: float = 0.021,
    hop: float = 0.010,
    power: float = 2.0,
    dynamic_range_db: float = 100.0,
    filterbank: Any = None,
) -> Float[Array, "*batch mel frames"]:
    r"""How loud each mel band is over time, in decibels: the picture of a sound that networks look at.

    .. math:: L(m, t) = \tfrac{20}{p} \log_{10} \sum_f b(m, f)\, |X(f, t)|^p

    but nothing below the peak of the clip minus ``dynamic_range_db``.

    Parameters
    ----------
    signal
        Samples ``(..., channels, time)``; ``(time,)`` is welcome. A clip is the last two axes: a batch of mono
        clips is ``(clips, 1, time)``.
    sample_rate
        In Hz.
    bands
        Number of mel bands.
    window, hop
        Length and distance of the frames in seconds. The frame is the smallest power of two that holds the window:
        512 samples (21.3 ms) at 24 kHz.
    power
        2.0 collects power in the bands, 1.0 magnitude (the papers' published code; it writes 10 log₁₀ of it, half
        our figure).
    dynamic_range_db
        Floor of the level below the largest level of the clip (over its channels, bands and frames), in dB.
    filterbank
        A bank ``(mel, freq)`` to use instead of :func:`mel_filterbank` with ``bands``; a tensor that lies on the
        device already saves a copy per call.

    Returns
    -------
    Levels in dB ``(..., channels, bands, frames)`` with exactly ``ceil(time / hop)`` frames. Multiplying the signal
    by g adds 20 log₁₀ g and changes nothing else. A silent clip is ``-dynamic_range_db`` everywhere.

    Raises
    ------
    ShapeError
        If the signal is not longer than half a frame.
    AmbikitError
        If a parameter is out of its range.

    Warns
    -----
    UserWarning
        If a mel band is empty, see :func:`mel_filterbank`.

    References
    ----------
    P. Morgado, Y. Li and N. Vasconcelos, "Learning representations from audio-visual spatial alignment", NeurIPS
    2020, section 5.1; S. Wang et al., "Self-supervised learning of audio representations from audio-visual data
    using spatial alignment", IEEE JSTSP 16(6), 2022, section III-A.

    Examples
    --------
    One second gives 100 frames; half the amplitude is 6.02 dB less.

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(size=(1, 24000))
    >>> loud, soft = log_mel(noise, 24000), log_mel(noise / 2, 24000)
    >>> loud.shape
    (1, 128, 100)
    >>> (loud - soft)[0, 10, 50].round(2)
    np.float64(6.02)
    """
    check_floating(signal)
    check_levels(power, dynamic_range_db)
    signal, dtype = widen(signal)
    spectrum, bank, peak = mel_frames(signal, sample_rate, bands, window, hop, filterbank)
    return narrow(levels(mel_magnitudes(spectrum, bank, power), power, dynamic_range_db, peak), dtype)


def mel_frames(
    signal: Array, sample_rate: float, bands: int, window: float, hop: float, filterbank: Any
) -> tuple[Array, Array, Array]:
    """What all features begin with.

    The spectrum ``(..., channels, freq, frames)`` of each clip, divided by the clip's largest sample; the mel bank
    that fits it; and these largest samples.
    """
    frame_length, hop_length, frames = feature_grid(signal.shape[-1], sample_rate, window, hop)
    if filterbank is None:
        filterbank = mel_filterbank(sample_rate, frame_length, bands)
    elif tuple(filterbank.shape[1:]) != (frame_length // 2 + 1,):
        raise ShapeError(
            f"got a filterbank of shape {tuple(filterbank.shape)}; expected (bands, {frame_length // 2 + 1}) for "
            f"frames of {frame_length} samples; make it with mel_filterbank(sample_rate, {frame_length}, bands)"
        )
    check_length(signal, frame_length)
    peak = _peak(signal)
    spectrum = frame_spectrum(signal / peak, frame_length, hop_length, frames).mT
    return spectrum, bank_like(filterbank, signal), peak


def mel_magnitudes(spectrum: Array, bank: Array, power: float) -> Array:
    """``|X|²`` for power 2, ``|X|`` for power 1 (with gradient 0 where X is 0), summed over each band."""
    if power == 2:
        channels = list(range(spectrum.shape[-3])) if spectrum.ndim > 2 else [0]
        mel = mel_products(spectrum if spectrum.ndim > 2 else spectrum[None], bank, channels, channels)
        return mel if spectrum.ndim > 2 else mel[0]
    xp = namespace(spectrum)
    squared = spectrum.real**2 + spectrum.imag**2
    silent = squared == 0
    return xp.matmul(bank, xp.where(silent, 0.0, xp.sqrt(xp.where(silent, 1.0, squared))))


def mel_products(spectrum: Array, bank: Array, left: list[int], right: list[int]) -> Array:
    """``Re(conj(X_left) X_right)`` for pairs of channels, summed over each band: ``(..., pairs, mel, frames)``."""
    views = views_for_kernel(spectrum, bank)
    if views is not None:
        from ambikit.kernels import mel as kernels

        out = empty_like_signal((*spectrum.shape[:-3], len(left), len(bank), spectrum.shape[-1]), bank)
        spectra, weights = views
        kernels.mel_products(spectra, np.array(left), np.array(right), weights, clips_of(out))
        return out
    real, imaginary = spectrum.real, spectrum.imag
    products = real[..., left, :, :] * real[..., right, :, :] + imaginary[..., left, :, :] * imaginary[..., right, :, :]
    return namespace(spectrum).matmul(bank, products)


def views_for_kernel(spectrum: Array, bank: Array) -> tuple[np.ndarray, np.ndarray] | None:
    """The spectrum as ``(clips, channels, frames, freq)``, the way it lies in memory, and the bank; or None."""
    view, bank_view = kernel_view(spectrum.mT), kernel_view(bank)
    return None if view is None or bank_view is None else (clips_of(view), bank_view)


def clips_of(x: Array) -> np.ndarray:
    """A view of ``(..., a, b, c)`` as ``(clips, a, b, c)``."""
    view = kernel_view(x)
    return view.reshape(prod(view.shape[:-3]), *view.shape[-3:])


def levels(mel: Array, power: float, dynamic_range_db: float, peak: Any = None) -> Array:
    """Decibels of band sums of ``|X / peak|**power``, floored below the largest of the last three axes."""
    xp = namespace(mel)
    silent = mel <= 0
    level = xp.where(silent, -np.inf, (20 / power) * xp.log10(xp.where(silent, 1.0, mel)))
    # A NaN stays where it is: it does not decide over the floor of the rest.
    known = xp.where(xp.isfinite(level), level, -np.inf)
    top = xp.amax(known, tuple(range(-min(3, level.ndim), 0)), keepdims=True)
    top = xp.where(top == -np.inf, 0.0, top)
    level = xp.maximum(level, top - dynamic_range_db)
    return level if peak is None else level + 20 * xp.log10(peak)[..., None]


def _peak(signal: Array) -> Array:
    """The largest sample of each clip (the last two axes), 1 for silence; without gradient, since it cancels out.

    Squares of float32 samples near 1e-30 would be 0: features are computed at peak 1.
    """
    xp = namespace(signal)
    fixed = detached(signal)
    # Infinity and NaN stay where they are: they do not decide over the level of the rest.
    size = xp.where(xp.isfinite(fixed), xp.abs(fixed), 0.0)
    peak = xp.amax(size, tuple(range(-min(2, signal.ndim), 0)), keepdims=True)
    return xp.where(peak == 0, 1.0, peak)


def check_levels(power: float, dynamic_range_db: float) -> None:
    """Refuse a power other than 1 or 2 and a dynamic range that is not positive."""
    if power not in (1, 2):
        raise AmbikitError(f"got power={power!r}; expected 2.0 (power spectrum) or 1.0 (magnitude spectrum)")
    if not dynamic_range_db > 0:
        raise AmbikitError(f"got dynamic_range_db={dynamic_range_db!r}; expected decibels above 0, e.g. 100.0")
