"""Spectrograms on the linear frequency axis: the bins themselves, and above a limit several of them together."""

from collections.abc import Callable
from math import ceil, floor
from typing import Any

import numpy as np

from ambikit._arrays import Array, cached_design, namespace
from ambikit._checks import check_sample_rate
from ambikit.analysis.filterbank import bank_like
from ambikit.analysis.interaural import ipd
from ambikit.analysis.mel import MelGrid
from ambikit.analysis.spectra import check_length, feature_grid
from ambikit.errors import AmbikitError

__all__ = ["bins_below", "bins_up_to", "linear_grid", "path_differences", "up_to"]

_TOGETHER = 8


def linear_grid(
    signal: Array, sample_rate: float, window: float, hop: float, limit: float | None, *, keep_rest: bool
) -> MelGrid:
    """Lay a grid over a signal whose bank takes the bins above 0 Hz one by one (``limit`` None: all of them).

    With ``keep_rest`` those above ``limit`` Hz are averaged by eights; else those from ``limit`` on are left away.
    """
    frame_length, hop_length, frames = feature_grid(signal.shape[-1], sample_rate, window, hop)
    check_length(signal, frame_length)
    one_by_one = bins_up_to if keep_rest else bins_below
    last = frame_length // 2 if limit is None else one_by_one(limit, sample_rate, frame_length)
    bank = _bank(frame_length // 2 + 1, last, keep_rest)
    return MelGrid(frame_length, hop_length, frames, bank_like(bank, signal))


def bins_up_to(frequency: Any, sample_rate: float, frame_length: int) -> int:
    """How many bins lie above 0 Hz and up to ``frequency``; at least one has to."""
    return _counted(floor, frequency, sample_rate, frame_length)


def bins_below(frequency: Any, sample_rate: float, frame_length: int) -> int:
    """How many bins lie above 0 Hz and below ``frequency``; at least one has to."""
    return _counted(lambda place: ceil(place) - 1, frequency, sample_rate, frame_length)


def _counted(count: Callable[[float], int], frequency: Any, sample_rate: float, frame_length: int) -> int:
    sample_rate = check_sample_rate(sample_rate)
    sensible = isinstance(frequency, int | float | np.number) and frequency > 0
    # the quotient to nine digits: a bin lies on its frequency also where that has been rounded
    bins = count(round(min(frequency, sample_rate) * frame_length / sample_rate, 9)) if sensible else 0
    if bins < 1:
        raise AmbikitError(
            f"got {frequency!r} as the highest frequency for frames of {frame_length} samples at {sample_rate:g} Hz; "
            f"expected at least that of one bin, {sample_rate / frame_length:g} Hz; give it in Hz, e.g. 9000"
        )
    return min(bins, frame_length // 2)


@cached_design
def _bank(freq: int, last: int, keep_rest: bool) -> np.ndarray:
    rest = -(-(freq - 1 - last) // _TOGETHER) if keep_rest else 0
    bank = np.zeros((last + rest, freq))
    bank[np.arange(last), np.arange(1, last + 1)] = 1.0
    for row in range(rest):
        start = last + 1 + row * _TOGETHER
        bank[last + row, start : start + _TOGETHER] = 1 / len(bank[0, start : start + _TOGETHER])
    return bank


def up_to(values: Array, rows: int) -> Array:
    """Fill ``(..., freq, time)`` up with zeros to ``rows`` frequencies."""
    xp = namespace(values)
    missing = rows - values.shape[-2]
    nothing = xp.broadcast_to(xp.zeros_like(values[..., :1, :]), (*values.shape[:-2], missing, values.shape[-1]))
    return xp.concat([values, nothing], -2)


def path_differences(spectrum: Array, metres_per_radian: Array) -> Array:
    """How much further the sound travels to each channel than to the first one, ``(..., channels - 1, freq, time)``."""
    xp = namespace(spectrum)
    others = spectrum[..., 1:, :, :]
    first = xp.broadcast_to(spectrum[..., :1, :, :], tuple(others.shape))
    return ipd(xp.stack([first, others], -3)) * metres_per_radian
