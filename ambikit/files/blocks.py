"""Long recordings piece by piece, in memory that does not grow with their length."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

from ambikit.files.reading import read
from ambikit.files.sources import open_source
from ambikit.operators.channel_axis import COLUMNS_AT_ONCE

__all__ = ["LENGTH", "SoundBlocks", "read_in_blocks"]

#: samples per block: 8 MiB of sixteen channels, long beside the filters of a binaural decoder, and such that products
#: of matrices with the blocks are those with the whole
LENGTH = COLUMNS_AT_ONCE


@dataclass(frozen=True, eq=False)
class SoundBlocks:
    """A recording that is decoded while it is walked through, and again each time: blocks (channels, time) of AmbiX."""

    channels: int
    frames: int
    sample_rate: Any
    _blocks: Callable[[], Iterator[Float32[np.ndarray, "channels time"]]]

    def __iter__(self) -> Iterator[Float32[np.ndarray, "channels time"]]:
        return self._blocks()


def read_in_blocks(
    path: Any, *, source: Any = "ambix", sample_rate: Any = None, channel_map: Any = "auto", length: int = LENGTH
) -> SoundBlocks:
    """Read what :func:`ambikit.read` reads, ``length`` samples at a time: put together, the blocks are its signal.

    Only sound that is resampled is decoded as a whole and then cut; all other takes the same memory however long it
    is. The sound of videos is gone through once to count its samples, and six channels without a map to see which are
    silent.

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
        signal, rate = read(path, source=source, sample_rate=sample_rate, channel_map=channel_map)
        return SoundBlocks(*signal.shape, rate, lambda: _cut(signal, length))
    found = open_source(path, source=source, channel_map=channel_map)
    return SoundBlocks(found.channels, found.frames(), found.sample_rate, lambda: found.blocks(length))


def _cut(signal: Float32[np.ndarray, "channels time"], length: int) -> Iterator[Float32[np.ndarray, "channels time"]]:
    for start in range(0, signal.shape[1], length):
        yield signal[:, start : start + length]
