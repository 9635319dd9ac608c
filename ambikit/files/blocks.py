"""Long recordings piece by piece, in memory that does not grow with their length."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from ambikit._checks import check_sample_rate
from ambikit.files.resampling import blocks_at_ratio, exact_ratio
from ambikit.files.soundfiles import check_size
from ambikit.files.sources import open_source, regrouped
from ambikit.operators.channel_axis import COLUMNS_AT_ONCE

__all__ = ["LENGTH", "SoundBlocks", "read_in_blocks"]

#: samples per block: 8 MiB of sixteen channels, long beside the filters of a binaural decoder, and such that products
#: of matrices with the blocks are those with the whole
LENGTH = COLUMNS_AT_ONCE


@dataclass(frozen=True, eq=False)
class SoundBlocks:
    """A recording that is decoded while it is walked through, and again each time: blocks (channels, time) of AmbiX."""

    channels: int
    sample_rate: Any
    _blocks: Callable[[], Iterator[Float32[np.ndarray, "channels time"]]]
    _count: Callable[[], int]

    @cached_property
    def frames(self) -> int:
        """How many samples there are; the sound of a video is gone through once to count them."""
        return self._count()

    def __iter__(self) -> Iterator[Float32[np.ndarray, "channels time"]]:
        return self._blocks()


def read_in_blocks(
    path: Any, *, source: Any = "ambix", sample_rate: Any = None, channel_map: Any = "auto", length: int = LENGTH
) -> SoundBlocks:
    """Read what :func:`ambikit.read` reads, ``length`` samples at a time: put together, the blocks are its signal.

    It takes the same memory however long it is, resampled or not, and is decoded again each time it is walked through.
    The sound of videos is gone through once more where its samples have to be counted, and six channels without a map
    to see which are silent.

    Parameters
    ----------
    path, source, sample_rate, channel_map
        As in :func:`ambikit.read`.
    length : int
        Samples per block; the last one may be shorter.

    Raises
    ------
    FileError, ShapeError, MissingExtraError
        As :func:`ambikit.read`; damage beyond the header is found when the walk comes to it.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib, ambikit
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "front.wav")
    ...     ambikit.write(file, np.ones((4, 480), np.float32), 48000)
    ...     sound = read_in_blocks(file, length=200)
    ...     sound.channels, sound.frames, sound.sample_rate, [block.shape for block in sound]
    (4, 480, 48000, [(4, 200), (4, 200), (4, 80)])
    """
    if sample_rate is not None:
        check_sample_rate(sample_rate)
    found = open_source(path, source=source, channel_map=channel_map)
    ratio = 1 if sample_rate is None else exact_ratio(found.sample_rate, sample_rate, found.name)
    if ratio == 1:
        rate = found.sample_rate if sample_rate is None else sample_rate
        return SoundBlocks(found.channels, rate, lambda: found.blocks(length), found.frames)
    held = LENGTH if found.stated_frames is None else min(found.stated_frames, LENGTH)
    check_size(Path(found.name), found.channels, int(held * ratio))

    def blocks() -> Iterator[Float32[np.ndarray, "channels time"]]:
        return regrouped(blocks_at_ratio(found.blocks(LENGTH), ratio), length)

    return SoundBlocks(found.channels, sample_rate, blocks, lambda: ceil(found.frames() * ratio))
