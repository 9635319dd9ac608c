"""Mel bands: the frequency axis as hearing divides it."""

import warnings
from functools import lru_cache
from math import exp, floor, log
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, constant_like, is_compiling, is_torch, namespace, narrow, real_dtype, widen
from ambikit._checks import check_floating, check_order, check_sample_rate
from ambikit.errors import AmbikitError, ShapeError

__all__ = ["band_sums", "bank_like", "detached", "mel_average", "mel_filterbank"]


def mel_filterbank(
    sample_rate: float,
    frame_length: int,
    bands: int = 128,
    *,
    minimum_frequency: float = 0.0,
    maximum_frequency: float | None = None,
) -> np.ndarray:
    r"""Triangular filters, evenly spaced as hearing spaces pitch: what each mel band collects from a spectrum.

    The Slaney scale: linear below 1 kHz (200/3 Hz per mel), logarithmic above (27 mel per factor of 6.4). Each
    triangle has area 1 over frequency in Hz, so white noise has the same level in every band.

    Parameters
    ----------
    sample_rate
        In Hz.
    frame_length
        Samples per frame of the spectrum; there are ``frame_length // 2 + 1`` bins.
    bands
        Number of bands.
    minimum_frequency, maximum_frequency
        Where the first triangle starts and the last one ends, in Hz; default 0 and half the sample rate.

    Returns
    -------
    Weights ``(bands, freq)``, float64, not negative. For torch, pass them to ``torch.as_tensor``; the functions
    here do so themselves.

    Raises
    ------
    AmbikitError
        If the frequencies are not 0 ≤ minimum < maximum ≤ sample_rate / 2.

    Warns
    -----
    UserWarning
        If a triangle falls between two bins: such a band would be a constant. The warning names the bands.

    References
    ----------
    M. Slaney, "Auditory Toolbox, version 2", Interval Research Corporation TR 1998-010.

    Examples
    --------
    At 24 kHz, frames of 512 samples have something for each of 128 bands.

    >>> bank = mel_filterbank(24000, 512, bands=128)
    >>> bank.shape
    (128, 257)
    >>> bool((bank.sum(axis=1) > 0).all())
    True
    """
    maximum_frequency = check_sample_rate(sample_rate) / 2 if maximum_frequency is None else maximum_frequency
    check_order(bands, minimum=1, name="bands")
    check_order(frame_length, minimum=2, name="frame_length")
    if not 0 <= minimum_frequency < maximum_frequency <= sample_rate / 2:
        raise AmbikitError(
            f"got minimum_frequency={minimum_frequency!r} and maximum_frequency={maximum_frequency!r} at "
            f"sample_rate={sample_rate!r}; expected 0 ≤ minimum < maximum ≤ {sample_rate / 2}; "
            "choose frequencies in Hz below half the sample rate"
        )
    edges = _edges(float(minimum_frequency), float(maximum_frequency), bands + 2)
    width = sample_rate / frame_length
    # A triangle holds a bin if one lies between its feet, not on them.
    empty = [k for k in range(bands) if (floor(edges[k] / width) + 1) * width >= edges[k + 2]]
    if empty:
        warnings.warn(
            f"mel bands {', '.join(map(str, empty))} of {bands} are empty: no bin of a {frame_length}-sample frame at "
            f"{sample_rate:g} Hz falls into them; take fewer bands or a longer window",
            UserWarning,
            stacklevel=2,
        )
    design = _triangles if is_compiling() else _remembered_triangles
    return design(float(sample_rate), frame_length, edges).copy()


def mel_average(
    values: Float[Array, "*batch freq time"], filterbank: Any, *, weights: Any = None
) -> Float[Array, "*batch bands time"]:
    r"""Average a quantity over the bins of each mel band, so that a constant stays what it is.

    .. math:: \bar v(m, t) = \frac{\sum_f b(m, f)\, e(f, t)\, v(f, t)}{\sum_f b(m, f)\, e(f, t)}

    Parameters
    ----------
    values
        Real values per bin ``(..., freq, time)``: intensities, level differences, phasors.
    filterbank
        Weights ``(bands, freq)``, as :func:`mel_filterbank` makes them.
    weights
        Optional weight e of each bin, not negative, ``(..., freq, time)`` or broadcastable to the values: its
        energy, say. Default: all bins of a band count alike.

    Returns
    -------
    Averages ``(..., bands, time)``; 0 in a band without any weight.

    References
    ----------
    Y. Cao et al., "Polyphonic sound event detection and localization using a two-stage strategy", DCASE 2019 (the
    aggregation of intensity over mel bands; the division, which keeps a unit vector a unit vector, is ours).

    Examples
    --------
    >>> import numpy as np
    >>> mel_average(np.full((5, 1), 0.7), np.array([[0, 1, 3, 1, 0], [0, 0, 1, 2, 1]]))[:, 0]
    array([0.7, 0.7])
    """
    xp = namespace(values, weights)
    check_floating(values, "values")
    values, dtype = widen(values)
    bank = bank_like(filterbank, values)
    if values.ndim < 2 or values.shape[-2] != bank.shape[-1]:
        raise ShapeError(
            f"got values of shape {tuple(values.shape)} for a filterbank of shape {tuple(bank.shape)}; expected "
            f"(..., {bank.shape[-1]}, time); make the filterbank with the frame_length of the spectrum"
        )
    if weights is None:
        total = bank.sum(-1)[:, None]
        bank = bank / xp.where(total == 0, 1.0, total)
        return narrow(band_sums(bank, values), dtype)
    # Only ratios of weights count: taken to the largest of each frame, the faintest frame does not underflow.
    weights = weights.astype(values.dtype) if not is_torch(values) else weights.to(values.dtype)
    fixed = detached(weights)
    largest = xp.amax(xp.where(xp.isfinite(fixed), fixed, 0.0), -2, keepdims=True)
    weights = weights / xp.where(largest == 0, 1.0, largest)
    total = band_sums(bank, weights)
    return narrow(band_sums(bank, weights * values) / xp.where(total == 0, 1.0, total), dtype)


def band_sums(bank: Array, values: Array) -> Array:
    """The product ``(bands, freq)`` by ``(..., freq, time)``, in which NaN stays in the bands that hold its bin.

    In a plain product the zeros of all other bands would make NaN of it too. Infinity becomes NaN there.
    """
    xp = namespace(values)
    known = xp.isfinite(values)
    if xp is np and known.all():
        return xp.matmul(bank, values)
    total = xp.matmul(bank, xp.where(known, values, 0.0))
    # A band holds its bins from the first to the last that has a weight.
    held = xp.where(bank != 0, 1.0, 0.0)
    freq = bank.shape[-1]
    end = xp.where(xp.amax(held, -1) > 0, freq - xp.argmax(xp.flip(held, (-1,)), -1), 0)
    begin = xp.where(end > 0, xp.argmax(held, -1), 0)
    count = xp.cumsum(xp.where(known, 0.0, 1.0), -2)
    count = xp.concat([xp.zeros_like(count[..., :1, :]), count], -2)
    return xp.where(count[..., end, :] > count[..., begin, :], np.nan, total)


def bank_like(filterbank: Any, values: Array) -> Array:
    """A filterbank, designed or a buffer, in the library, device and real dtype of ``values``."""
    if is_torch(filterbank):
        namespace(filterbank, values)
        return filterbank.to(real_dtype(values))
    return constant_like(filterbank, values)


def detached(x: Array) -> Array:
    """Without gradient: a scale that cancels out of the result needs none."""
    return x.detach() if is_torch(x) else x


def _triangles(sample_rate: float, frame_length: int, edges: tuple[float, ...]) -> np.ndarray:
    bins = np.arange(frame_length // 2 + 1) * (sample_rate / frame_length)
    corners = np.asarray(edges)[:, None]
    low, centre, high = corners[:-2], corners[1:-1], corners[2:]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    return np.clip(np.minimum(rising, falling), 0.0, None) * (2 / (high - low))


_remembered_triangles = lru_cache(maxsize=64)(_triangles)


def _edges(lowest: float, highest: float, count: int) -> tuple[float, ...]:
    """Frequencies in Hz, evenly spaced in mel. In plain numbers: torch.compile looks at what depends on them."""
    start, stop = _hertz_to_mel(lowest), _hertz_to_mel(highest)
    return tuple(_mel_to_hertz(start + (stop - start) * k / (count - 1)) for k in range(count))


def _hertz_to_mel(frequency: float) -> float:
    return 3 * frequency / 200 if frequency < 1000 else 15 + 27 * log(frequency / 1000) / log(6.4)


def _mel_to_hertz(mel: float) -> float:
    return 200 * mel / 3 if mel < 15 else 1000 * exp((mel - 15) * log(6.4) / 27)
