"""Long recordings piece by piece, in memory that does not grow with their length."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from ambikit.errors import FileError
from ambikit.files.channel_maps import chosen_channels, mean_squares
from ambikit.files.containers import check_complete, container_of, regular_file
from ambikit.files.reading import check_alike, read, statement
from ambikit.files.soundfiles import StoredSound, describe_sound_file, sound_blocks
from ambikit.files.stated_channels import stated_matrix, to_ambix
from ambikit.geometry.conventions import convert
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

    The sound of video files, and sound that is resampled, is decoded as a whole and then cut; only the others take
    the same memory however long they are. Six channels without a map are gone through once to see which are silent.

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
    paths = [regular_file(each) for each in (path if isinstance(path, list | tuple) else [path])]
    containers = [container_of(each) for each in paths]
    if not paths or sample_rate is not None or {"mp4", "matroska"} & set(containers):
        signal, rate = read(path, source=source, sample_rate=sample_rate, channel_map=channel_map)
        return SoundBlocks(*signal.shape, rate, lambda: _cut(signal, length))
    stored = [_described(*each) for each in zip(paths, containers)]
    name = " + ".join(map(str, paths))
    check_alike([(each.sample_rate, each.frames or 0) for each in stored], name)

    def decoded() -> Iterator[Float32[np.ndarray, "stored time"]]:
        parts = [sound_blocks(*each, length) for each in zip(paths, containers)]
        return (blocks[0] if len(blocks) == 1 else np.concatenate(blocks) for blocks in zip(*parts, strict=True))

    layout = stored[0].layout if len(stored) == 1 else None
    matrix = stated_matrix(statement(paths, channel_map), stored[0].channels, source, name)
    if matrix is not None:
        return SoundBlocks(
            len(matrix),
            stored[0].frames or 0,
            stored[0].sample_rate,
            lambda: (np.ascontiguousarray(to_ambix(block, matrix)) for block in decoded()),
        )
    indices = chosen_channels(
        sum(each.channels for each in stored), lambda: mean_squares(decoded()), channel_map, layout, name
    )

    def ambix() -> Iterator[Float32[np.ndarray, "channels time"]]:
        for block in decoded():
            chosen = block if indices is None else block[indices]
            yield np.ascontiguousarray(chosen if source == "ambix" else convert(chosen, source, "ambix"))

    channels = sum(each.channels for each in stored) if indices is None else len(indices)
    return SoundBlocks(channels, stored[0].frames or 0, stored[0].sample_rate, ambix)


def _described(path: Path, container: str) -> StoredSound:
    check_complete(path, container)
    stored = describe_sound_file(path, container)
    if not stored.frames:
        raise FileError(f"got {path}, which holds no samples; expected sound; was the recording interrupted?")
    return stored


def _cut(signal: Float32[np.ndarray, "channels time"], length: int) -> Iterator[Float32[np.ndarray, "channels time"]]:
    for start in range(0, signal.shape[1], length):
        yield signal[:, start : start + length]
