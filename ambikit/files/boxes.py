"""The boxes of MP4 and MOV files that say what the sound's channels are, found, and hidden from FFmpeg.

PyAV from 17.1 on frees the memory of a custom channel layout twice and so ends the whole process. FFmpeg makes such
layouts from three boxes (``SA3D``, ``chan`` and ``chnl``) when their channels stand in no order it has a name for:
an SA3D box whose map is not the identity, or tracks that an editing program labelled "mono, mono". We take the
stored channels as they are and need none of the three.
"""

import struct
from collections.abc import Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["PatchedFile", "boxes", "layout_boxes"]

_COMPRESSED = b"cmov"  # a compressed index of the 1990s, in which boxes could hide from us
_LAYOUT_BOXES = (b"SA3D", b"chan", b"chnl", _COMPRESSED)
_TO_TABLES = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_MOST_BOXES = 1_000_000  # a bound for hostile files


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start of the content and end of each box between two positions, up to the first that makes no sense."""
    for _ in range(_MOST_BOXES):
        if start >= end:
            return
        file.seek(start)
        header = file.read(16)[: max(0, end - start)]
        if len(header) < 8:
            return
        size, content = struct.unpack(">I", header[:4])[0], start + 8
        if size == 1 and len(header) == 16:
            size, content = struct.unpack(">Q", header[8:])[0], start + 16
        stop = end if size == 0 else start + size
        if stop < content:
            return
        yield header[4:8], content, stop
        start = stop


def layout_boxes(path: Path) -> list[int]:
    """Where in the file the names of the boxes stand that would give the sound a channel layout.

    FFmpeg reads them at any depth and mends their sizes, so every byte outside the sound and picture data is looked
    through, except for the tables of chunk positions, in which a number may look like a name.
    """
    size = path.stat().st_size
    found = []
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        tables = list(_position_tables(file, 0, size))
        for outer, content, stop in boxes(file, 0, size):
            for name in () if outer == b"mdat" else _LAYOUT_BOXES:
                place = data.find(name, content + 4, stop)
                while place >= 0:
                    if not any(first <= place < last for first, last in tables):
                        found.append(place)
                    place = data.find(name, place + 4, stop)
    return sorted(found)


def _position_tables(file: BinaryIO, start: int, end: int, depth: int = 0) -> Iterator[tuple[int, int]]:
    """Start and end of the content of every table of chunk positions."""
    for name, content, stop in boxes(file, start, end):
        if depth == len(_TO_TABLES) and name in (b"stco", b"co64"):
            yield content, min(stop, end)
        elif depth < len(_TO_TABLES) and name == _TO_TABLES[depth]:
            yield from _position_tables(file, content, min(stop, end), depth + 1)


class PatchedFile:
    """A file, read as if other bytes stood at some places: ``{place: bytes}``.

    Examples
    --------
    >>> from io import BytesIO
    >>> file = PatchedFile(BytesIO(b"a loud box"), {2: b"free"})
    >>> file.read(4), file.read()
    (b'a fr', b'ee box')
    """

    def __init__(self, file: Any, patches: dict[int, bytes]) -> None:
        self._file, self._patches = file, patches
        self.name = ""

    def read(self, size: int = -1) -> bytes:
        """Read, with the bytes replaced."""
        start = self._file.tell()
        data = self._file.read(size)
        near = [(place - start, new) for place, new in self._patches.items() if -len(new) < place - start < len(data)]
        if not near:
            return data
        changed = bytearray(data)
        for place, new in near:
            for k, letter in enumerate(new, start=place):
                if 0 <= k < len(data):
                    changed[k] = letter
        return bytes(changed)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move, as in any file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Where the next byte will be read."""
        return self._file.tell()
