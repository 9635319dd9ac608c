"""Boxes, chunks and elements, one after another, within the bounds of the file and of what holds them."""

import struct
from collections.abc import Iterator

from ambikit.files.metadata.bounds import BoundedFile

__all__ = ["walk_boxes", "walk_caf", "walk_ebml", "walk_riff"]

_MOST_BYTES_OF_EBML = 8


def walk_boxes(file: BoundedFile, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start of the content and end of each MP4 box, the end cut at ``stop`` and at the end of the file."""
    stop = min(stop, file.size)
    while start + 8 <= stop:
        header = file.read(start, min(16, stop - start))
        size, content = struct.unpack_from(">I", header)[0], start + 8
        if size == 1 and len(header) == 16:
            size, content = struct.unpack_from(">Q", header, 8)[0], start + 16
        end = stop if size == 0 else start + size
        if end < content:
            return
        yield header[4:8], content, min(end, stop)
        start = end


def walk_riff(file: BoundedFile, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, start of the content and end of each chunk of a WAV, RF64 or BW64 file."""
    start, long_size = 12, None
    while start + 8 <= file.size:
        header = file.read(start, 8)
        size = struct.unpack_from(order + "I", header, 4)[0]
        if header[:4] == b"ds64":
            sizes = file.read(start + 8, 16)
            long_size = struct.unpack_from("<8xQ", sizes)[0] if len(sizes) == 16 else None
        if header[:4] == b"data" and size == 0xFFFFFFFF:
            if long_size is None:
                return
            size = long_size
        yield header[:4], start + 8, min(start + 8 + size, file.size)
        start += 8 + size + size % 2


def walk_caf(file: BoundedFile) -> Iterator[tuple[bytes, int, int]]:
    """Name, start of the content and end of each chunk of a CAF file."""
    start = 8
    while start + 12 <= file.size:
        header = file.read(start, 12)
        size = struct.unpack_from(">q", header, 4)[0]
        end = file.size if size < 0 else start + 12 + size
        yield header[:4], start + 12, min(end, file.size)
        start = end


def walk_ebml(file: BoundedFile, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Number, start of the content and end of each Matroska element; one of unknown size goes to the end."""
    stop = min(stop, file.size)
    while start + 2 <= stop:
        header = file.read(start, min(2 * _MOST_BYTES_OF_EBML, stop - start))
        length = _length_of_number(header, 0)
        size_length = _length_of_number(header, length) if length else 0
        if not size_length or length > 4:
            return
        number = int.from_bytes(header[:length], "big")
        raw = int.from_bytes(header[length : length + size_length], "big")
        size = raw & ((1 << 7 * size_length) - 1)
        content = start + length + size_length
        end = stop if size == (1 << 7 * size_length) - 1 else content + size
        yield number, content, min(end, stop)
        start = end


def _length_of_number(header: bytes, at: int) -> int:
    """Bytes of the variable-length number there; 0 if there is none."""
    if at >= len(header) or not header[at]:
        return 0
    length = 9 - header[at].bit_length()
    return length if at + length <= len(header) else 0
