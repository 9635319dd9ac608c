"""Opus of mapping family 3 in Ogg, which decoders refuse: shown to them as plain channels, demixed afterwards.

RFC 8486, section 3.2: the decoded channels, in the order of the streams, times the matrix in the header are the sound
field. Family 255 gives just these channels, so the header is shown with that family in the place of its own.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from ambikit.files.metadata.bounds import BoundedFile
from ambikit.files.metadata.ogg import opus_head_of_ogg
from ambikit.files.ogg_pages import page_checksum

__all__ = ["Projection", "projection_of"]

_PROJECTED, _DISCRETE = 3, 255


class _Spliced:
    """A file, read as if its first ``length`` bytes were others, perhaps fewer."""

    def __init__(self, file: Any, head: bytes, length: int) -> None:
        self._file, self._head, self._length = file, head, length
        self._place = 0

    def read(self, size: int = -1) -> bytes:
        """Read from both, one after the other."""
        stop = len(self._head) if size < 0 else self._place + size
        data = self._head[self._place : stop]
        if size < 0 or len(data) < size:
            self._file.seek(max(self._place - len(self._head), 0) + self._length)
            data += self._file.read(size if size < 0 else size - len(data))
        self._place += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move, as in any file."""
        end = self._file.seek(0, 2) - self._length + len(self._head) if whence == 2 else 0
        self._place = max(0, (0, self._place, end)[whence] + offset)
        return self._place

    def tell(self) -> int:
        """Where the next byte will be read."""
        return self._place


@dataclass(frozen=True, eq=False)
class Projection:
    """The page to show instead of the file's first ``length`` bytes, and the matrix (channels, decoded)."""

    page: bytes
    length: int
    matrix: Float32[np.ndarray, "channels decoded"]

    def shown(self, file: Any) -> Any:
        """The file as decoders can read it."""
        return _Spliced(file, self.page, self.length)


def projection_of(path: Path) -> Projection | None:
    """What an Ogg file of family 3 needs; None for every other file."""
    with path.open("rb") as file:
        start = file.read(4)
        if start != b"OggS":
            return None
        _, head = opus_head_of_ogg(BoundedFile(file, path.stat().st_size))
        if head is None or head.family != _PROJECTED or head.matrix is None:
            return None
        file.seek(0)
        page = bytearray(file.read(27 + 255 + 255 * 255))
    content = 27 + page[26]
    end = content + sum(page[27:content])
    if page[content : content + 8] != b"OpusHead":  # not the first of several streams
        return None
    decoded = head.streams + head.coupled
    shown = bytes(page[content : content + 9]) + bytes([decoded]) + bytes(page[content + 10 : content + 18])
    shown += bytes([_DISCRETE, head.streams, head.coupled]) + bytes(range(decoded))
    lacing = bytes([255] * (len(shown) // 255) + [len(shown) % 255])
    start = bytes(page[:22]) + bytes(4) + bytes([len(lacing)]) + lacing
    checksum = struct.pack("<I", page_checksum(start + shown))
    matrix = np.array(head.matrix, dtype=np.float32)
    return Projection(start[:22] + checksum + start[26:] + shown, end, matrix)
