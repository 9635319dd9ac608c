"""A stretch of a recording, in the memory that the stretch takes."""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from ambikit.errors import AmbikitError
from ambikit.files.blocks import LENGTH
from ambikit.files.resampling import blocks_at_ratio, exact_ratio
from ambikit.files.soundfiles import check_size
from ambikit.files.sources import SoundSource, open_source
from ambikit.operators.resampling import reach_of

__all__ = ["read_segment"]


def read_segment(
    path: Any,
    start_seconds: float,
    duration_seconds: float,
    *,
    source: Any = "ambix",
    sample_rate: Any = None,
    channel_map: Any = "auto",
) -> tuple[Float32[np.ndarray, "channels time"], Any]:
    """Read a stretch of a recording as AmbiX: the same samples as in :func:`read`, without loading the others.

    ``read_segment(path, t, d)`` is ``read(path)[:, round(t f) : round(t f) + round(d f)]`` with the sample rate f.
    Sound without loss (WAV, FLAC, CAF, AIFF; PCM, FLAC and ALAC in MP4 and MOV) is sought, and so is AAC in MP4 and
    MOV where the stretch turns out to need nothing older: where no band of it is stored as noise. Elsewhere, of Ogg
    and Opus, and in WebM and MKV, what comes before is decoded and dropped, since lossy decoders depend on it. Six
    channels without a ``channel_map`` are gone through as a whole to see which are silent.

    Parameters
    ----------
    path
        As in :func:`read`.
    start_seconds
        Where the stretch begins, on the clock of :func:`read`; at least 0.
    duration_seconds
        How long it is, more than 0; where the recording ends earlier there are fewer samples, perhaps none.
    source, sample_rate, channel_map
        As in :func:`read`. Resampled samples are those of the whole, but for rounding.

    Returns
    -------
    signal : float32 array (channels, time)
        The stretch.
    sample_rate : int or float
        In Hz.

    Raises
    ------
    AmbikitError
        If the times are not finite, the start is negative or the duration not positive.
    FileError, ShapeError, MissingExtraError
        As :func:`read`; damage behind the stretch is not seen.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib, ambikit
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "ramp.wav")
    ...     ambikit.write(file, np.outer([1, 0, 0, 1], np.arange(8) / 8).astype(np.float32), 4)
    ...     signal, sample_rate = ambikit.read_segment(file, 0.5, 0.75)
    >>> signal[0], sample_rate
    (array([0.25 , 0.375, 0.5  ], dtype=float32), 4)
    """
    if not (0 <= start_seconds < np.inf and 0 < duration_seconds < np.inf):
        raise AmbikitError(
            f"got start_seconds={start_seconds} and duration_seconds={duration_seconds}; expected seconds: a start of "
            "at least 0 and a duration above 0; read whole recordings with ambikit.read"
        )
    sound = open_source(path, source=source, channel_map=channel_map)
    rate = sound.sample_rate if sample_rate is None else sample_rate
    ratio = exact_ratio(sound.sample_rate, rate, sound.name)
    begin, samples = round(start_seconds * rate), round(duration_seconds * rate)
    if ratio == 1:
        return _joined(_stretch(sound, begin, samples), sound), sound.sample_rate
    # from a sample that a new one coincides with, and far enough before and behind for the filter
    reach = reach_of(ratio.numerator, ratio.denominator)
    first = max(int((begin / ratio - reach) // ratio.denominator) * ratio.denominator, 0)
    stored = _stretch(sound, first, ceil((begin + samples) / ratio) + reach - first)
    cut = begin - int(Fraction(first) * ratio)
    return _joined(_part(blocks_at_ratio(stored, ratio), cut, samples), sound), rate


def _stretch(sound: SoundSource, begin: int, samples: int) -> Iterator[Float32[np.ndarray, "channels _"]]:
    """So many stored samples from ``begin`` on, or as many as there are, in blocks."""
    return _part(sound.blocks(max(min(samples, LENGTH), 1), begin, begin + samples), 0, samples)


def _part(
    blocks: Iterator[Float32[np.ndarray, "channels _"]], before: int, samples: int
) -> Iterator[Float32[np.ndarray, "channels _"]]:
    """So many samples after those ``before``; no block is asked for when there are enough."""
    while samples > 0 and (block := next(blocks, None)) is not None:
        wanted = block[:, before : before + samples]
        before, samples = max(before - block.shape[1], 0), samples - wanted.shape[1]
        yield wanted


def _joined(
    blocks: Iterator[Float32[np.ndarray, "channels _"]], sound: SoundSource
) -> Float32[np.ndarray, "channels time"]:
    pieces, length = [np.zeros((sound.channels, 0), np.float32)], 0
    for block in blocks:
        pieces.append(block)
        length += block.shape[1]
        check_size(Path(sound.name), sound.channels, length)
    return np.concatenate(pieces, axis=1)
