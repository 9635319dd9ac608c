"""Where blocks of a recording come from: one decoder for every container, which can begin anywhere."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from ambikit.errors import FileError
from ambikit.files.channel_maps import chosen_channels, mean_squares
from ambikit.files.containers import check_complete, container_of, regular_file
from ambikit.files.media import describe_media_sound, media_blocks
from ambikit.files.reading import check_alike, statement, warn_of_streams
from ambikit.files.soundfiles import StoredSound, describe_sound_file, sound_blocks
from ambikit.files.stated_channels import stated_matrix, to_ambix
from ambikit.geometry.conventions import convert

__all__ = ["SoundSource", "open_source", "regrouped"]

#: samples at a time where a recording is only gone through
_STRIDE = 2**14


@dataclass(frozen=True, eq=False)
class SoundSource:
    """A recording that can be decoded as AmbiX from any sample on, in blocks of a length; nothing is kept."""

    name: str
    channels: int
    sample_rate: Any
    _stored: Callable[[int, int, int | None], Iterator[Float32[np.ndarray, "stored time"]]]
    _to_ambix: Callable[[Float32[np.ndarray, "stored time"]], Float32[np.ndarray, "channels time"]]
    stated_frames: int | None

    def blocks(
        self, length: int, start: int = 0, stop: int | None = None
    ) -> Iterator[Float32[np.ndarray, "channels time"]]:
        """The samples from ``start`` on, ``length`` at a time; those from ``stop`` on will not be asked for."""
        for block in self._stored(length, start, stop):
            yield np.ascontiguousarray(self._to_ambix(block))

    def frames(self) -> int:
        """How many samples there are: of a video's sound all are decoded to count them."""
        if self.stated_frames is not None:
            return self.stated_frames
        return sum(block.shape[1] for block in self._stored(_STRIDE, 0, None))


def open_source(path: Any, *, source: Any, channel_map: Any) -> SoundSource:
    """Look at the header of what :func:`ambikit.read` would read; parameters and errors are its own.

    Six channels without a map are gone through once to see which are silent.
    """
    paths = [regular_file(each) for each in (path if isinstance(path, list | tuple) else [path])]
    if not paths:
        raise FileError("got an empty list of files; expected at least one; name the files to read")
    files = [(each, container_of(each)) for each in paths]
    stored = [_described(*each) for each in files]
    name = " + ".join(map(str, paths))
    if len(files) > 1:
        lengths = [s.frames or sum(b.shape[1] for b in _decoded(*each, _STRIDE, 0)) for each, s in zip(files, stored)]
        check_alike([(s.sample_rate, length) for s, length in zip(stored, lengths)], name)

    def decoded(length: int, start: int, stop: int | None = None) -> Iterator[Float32[np.ndarray, "stored time"]]:
        parts = [_decoded(*each, length, start, stop) for each in files]
        return (blocks[0] if len(blocks) == 1 else np.concatenate(blocks) for blocks in zip(*parts, strict=True))

    total = sum(each.channels for each in stored)
    rate, frames = stored[0].sample_rate, stored[0].frames
    matrix = stated_matrix(statement(paths, channel_map), total, source, name)
    if matrix is not None:
        return SoundSource(name, len(matrix), rate, decoded, lambda block: to_ambix(block, matrix), frames)
    layout = stored[0].layout if len(stored) == 1 else None
    indices = chosen_channels(total, lambda: mean_squares(decoded(_STRIDE, 0)), channel_map, layout, name)

    def ambix(block: Float32[np.ndarray, "stored time"]) -> Float32[np.ndarray, "channels time"]:
        chosen = block if indices is None else block[indices]
        return chosen if source == "ambix" else convert(chosen, source, "ambix")

    return SoundSource(name, total if indices is None else len(indices), rate, decoded, ambix, frames)


def _described(path: Path, container: str) -> StoredSound:
    check_complete(path, container)
    if container in ("mp4", "matroska"):
        stored, streams = describe_media_sound(path, container)
        warn_of_streams(path, stored, streams)
        return stored
    stored = describe_sound_file(path, container)
    if not stored.frames:
        raise FileError(f"got {path}, which holds no samples; expected sound; was the recording interrupted?")
    return stored


def _decoded(
    path: Path, container: str, length: int, start: int, stop: int | None = None
) -> Iterator[Float32[np.ndarray, "stored time"]]:
    if container in ("mp4", "matroska"):
        return regrouped(media_blocks(path, container, start, stop), length)
    return sound_blocks(path, container, length, start)


def regrouped(
    pieces: Iterator[Float32[np.ndarray, "stored time"]], length: int
) -> Iterator[Float32[np.ndarray, "stored time"]]:
    """The same samples in blocks of ``length``, fewer at the end."""
    waiting: list[np.ndarray] = []
    count = 0
    for piece in pieces:
        waiting.append(piece)
        count += piece.shape[1]
        if count >= length:
            joined = np.concatenate(waiting, axis=1)
            whole = count - count % length
            for begin, end in pairwise(range(0, whole + 1, length)):
                yield joined[:, begin:end]
            waiting, count = [joined[:, whole:].copy()], count - whole
    if count:
        yield np.concatenate(waiting, axis=1)
