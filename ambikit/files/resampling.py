"""Another sample rate for a decoded file, at once or block by block."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import ceil
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from ambikit._checks import check_sample_rate
from ambikit.errors import AmbikitError
from ambikit.files.soundfiles import check_size
from ambikit.operators.block_resampling import resample_blocks
from ambikit.operators.channel_axis import COLUMNS_AT_ONCE
from ambikit.operators.resampling import resample_by

__all__ = ["blocks_at_ratio", "exact_ratio", "to_sample_rate"]

#: bound on the ratio's denominator: exact for whole rates up to 50 kHz, and the filter stays short
_FINEST = 50_000


def to_sample_rate(
    signal: Float32[np.ndarray, "channels time"], sample_rate: float, target: float, name: str | Path
) -> Float32[np.ndarray, "channels new_time"]:
    """Bring ``signal`` from ``sample_rate`` to ``target`` Hz, as :func:`ambikit.resample` does.

    The rate of a file may be any number: a ratio that needs larger numbers is met to a few parts in a thousand million.
    """
    ratio = exact_ratio(sample_rate, target, name)
    if ratio == 1:
        return signal
    check_size(Path(name), signal.shape[0], int(signal.shape[1] * ratio))
    return resample_by(signal, ratio.numerator, ratio.denominator)


def blocks_at_ratio(
    blocks: Iterable[Float32[np.ndarray, "channels _"]], ratio: Fraction
) -> Iterator[Float32[np.ndarray, "channels _"]]:
    """What :func:`to_sample_rate` gives, in blocks, bit for bit; none much longer than those that come."""
    step = ceil(COLUMNS_AT_ONCE / max(ratio, 1))
    pieces = (block[:, start : start + step] for block in blocks for start in range(0, block.shape[1], step))
    return resample_blocks(pieces, ratio.numerator, ratio.denominator)


def exact_ratio(sample_rate: float, target: float, name: str | Path) -> Fraction:
    """The ratio of two rates by which a sound is resampled."""
    ratio = Fraction(check_sample_rate(target)) / Fraction(check_sample_rate(sample_rate))
    ratio = ratio.limit_denominator(_FINEST)
    if ratio == 0:
        raise AmbikitError(
            f"got sample_rate={target} for {name}, which has {sample_rate} Hz; expected at least "
            f"{sample_rate / _FINEST} Hz; give the rate in Hz, e.g. 48000"
        )
    return ratio
