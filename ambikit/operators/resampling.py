"""Another sample rate: the same sound with more or fewer samples per second."""

from functools import lru_cache
from math import ceil, gcd, prod
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, cached_design, constant_like, is_torch, loaded_torch, narrow, widen
from ambikit._checks import check_floating, check_sample_rate
from ambikit.errors import AmbikitError, ShapeError

__all__ = ["check_whole_rate", "reach_of", "resample", "resample_by"]

# Samples of input that one row of the matrix product holds at least: shorter rows copy each sample more often.
_ROW = 128
# Largest matrix of filters; ratios of larger numbers are met sample by sample.
_LARGEST = 2**22


def resample(
    signal: Float[Array, "*batch time"], source_rate: float, target_rate: float
) -> Float[Array, "*batch new_time"]:
    r"""Bring a sound to another sample rate; what the new rate cannot hold is filtered out, nothing is delayed.

    .. math:: y(m) = \sum_k h(m D - k U)\, x(k), \qquad \frac{U}{D} = \frac{f_\text{target}}{f_\text{source}}

    with the low-pass :math:`h` of :func:`scipy.signal.resample_poly`: a sinc that ends after ten zero crossings on
    each side, under a Kaiser window of β = 5. Tensors are filtered by the same numbers, on their device and with
    gradients.

    Parameters
    ----------
    signal
        Samples ``(..., time)``: any channels, any batch.
    source_rate, target_rate
        Whole numbers in Hz.

    Returns
    -------
    Samples ``(..., new_time)`` with ``new_time = ceil(time * target_rate / source_rate)``. The level of what both rates
    hold stays, within 0.06 dB up to 85 % of half the lower rate. At half the lower rate the filter is 6 dB down, from
    116 % of it on more than 50 dB: so much is left of what would be heard at a wrong pitch. Beyond its ends the signal
    is taken as silent.

    Raises
    ------
    AmbikitError
        If a rate is not a positive whole number.
    ShapeError
        If there is no sample.

    References
    ----------
    R. E. Crochiere and L. R. Rabiner, "Multirate Digital Signal Processing", Prentice-Hall, 1983, chapter 2.

    Examples
    --------
    A sine of 100 Hz keeps its level and its phase:

    >>> import numpy as np
    >>> at_48, at_32 = (np.sin(2 * np.pi * 100 * np.arange(rate) / rate) for rate in (48000, 32000))
    >>> bool(np.abs(resample(at_48, 48000, 32000) - at_32)[100:-100].max() < 1e-3)
    True
    """
    check_floating(signal)
    source, target = check_whole_rate(source_rate, "source_rate"), check_whole_rate(target_rate, "target_rate")
    if signal.ndim == 0 or signal.shape[-1] == 0:
        raise ShapeError(
            f"got an empty signal of shape {tuple(signal.shape)}; expected (..., time) with at least one sample; "
            "check the file or the slice"
        )
    return resample_by(signal, target // gcd(source, target), source // gcd(source, target))


def resample_by(signal: Array, up: int, down: int) -> Array:
    """Bring a signal to ``up / down`` times its rate; the numbers have no common divisor."""
    if up == down:
        return signal.clone() if is_torch(signal) else signal.copy()
    signal, dtype = widen(signal)
    if is_torch(signal):
        return narrow(_resample_tensor(signal, up, down), dtype)
    if 0 in signal.shape:
        return np.empty((*signal.shape[:-1], -(-signal.shape[-1] * up // down)), dtype or signal.dtype)
    from scipy.signal import resample_poly

    window = _sinc(up, down).astype(signal.dtype)  # designed once: SciPy would do so in each call
    return narrow(resample_poly(signal, up, down, axis=-1, window=window), dtype)


def reach_of(up: int, down: int) -> int:
    """How many samples before and behind its place a new sample depends on."""
    return -(-10 * max(up, down) // up)


def check_whole_rate(rate: Any, name: str) -> int:
    """Check a sample rate that has to be a whole number of Hz."""
    value = check_sample_rate(rate)
    if value != int(value):
        raise AmbikitError(
            f"got {name}={rate!r}; expected a whole number in Hz, e.g. 48000 or 44100; round it, or give the pair of "
            "whole numbers that has the same ratio"
        )
    return int(value)


def _resample_tensor(signal: Any, up: int, down: int) -> Any:
    torch = loaded_torch()
    samples, reach = signal.shape[-1], reach_of(up, down)
    length = -(-samples * up // down)
    # One row of the product makes `rows * up` output samples of `rows * down` new input samples and their surroundings.
    rows = -(-_ROW // down)
    if rows * up * (rows * down + 2 * reach + 1) > _LARGEST:
        return _sample_by_sample(signal, up, down, length, reach)
    filters = constant_like(_filters(up, down, rows), signal)
    count = ceil(length / (rows * up))
    after = (count - 1) * rows * down + filters.shape[-2] - reach - samples
    padded = torch.nn.functional.pad(signal, (reach, max(after, 0)))
    cut = padded.unfold(-1, filters.shape[-2], rows * down)[..., :count, :]
    return torch.matmul(cut, filters).reshape(*signal.shape[:-1], prod((count, rows * up)))[..., :length]


def _sample_by_sample(signal: Any, up: int, down: int, length: int, reach: int) -> Any:
    """Every output sample from its own neighbours by its own filter: where those are too many, as for 44100/48001."""
    torch = loaded_torch()
    low_pass = constant_like(_low_pass(up, down), signal)
    middle = (len(low_pass) - 1) // 2
    place = torch.arange(length, device=signal.device)[:, None] * down
    neighbours = place // up + torch.arange(-reach, reach + 1, device=signal.device)
    taps = place - neighbours * up + middle
    weights = torch.where((taps >= 0) & (taps < len(low_pass)), low_pass[taps.clip(0, len(low_pass) - 1)], 0.0)
    padded = torch.nn.functional.pad(signal, (reach, reach + 1))
    return (padded[..., (neighbours + reach).clip(0, padded.shape[-1] - 1)] * weights).sum(-1)


@cached_design
def _low_pass(up: int, down: int) -> np.ndarray:
    """What new samples are made with, on the grid that both rates share."""
    return up * _sinc(up, down)


@lru_cache(maxsize=8)
def _sinc(up: int, down: int) -> np.ndarray:
    """The low-pass of :func:`scipy.signal.resample_poly`, which passes direct current at a gain of 1."""
    from scipy.signal import firwin

    widest = max(up, down)
    return firwin(20 * widest + 1, 1 / widest, window=("kaiser", 5.0))


@cached_design
def _filters(up: int, down: int, rows: int) -> np.ndarray:
    """The filters of ``rows * up`` output samples, as columns over the input samples around them."""
    low_pass = _low_pass(up, down)
    middle, reach = (len(low_pass) - 1) // 2, reach_of(up, down)
    inputs = np.arange(-reach, rows * down + reach + 1)[:, None]
    taps = np.arange(rows * up) * down - inputs * up + middle
    inside = (taps >= 0) & (taps < len(low_pass))
    return np.where(inside, low_pass[np.clip(taps, 0, len(low_pass) - 1)], 0.0)
