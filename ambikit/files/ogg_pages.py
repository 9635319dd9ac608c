"""Whether an Ogg file is whole: its pages are numbered, each has a checksum, and the last one is marked.

RFC 3533. Decoders skip what is damaged and go on, so that a page that is missing shortens the sound without a word.
"""

import struct
import warnings
import zlib
from pathlib import Path
from typing import BinaryIO

from ambikit.errors import FileError

__all__ = ["check_ogg", "page_checksum"]

_CONTINUED, _FIRST, _LAST = 1, 2, 4
_LARGEST_PAGE = 27 + 255 + 255 * 255
_BLOCK = 2**20
_MIRRORED = bytes(int(f"{k:08b}"[::-1], 2) for k in range(256))


def page_checksum(page: bytes) -> int:
    """The checksum of a page whose own four bytes of it are 0.

    Its polynomial is that of ``zlib.crc32`` with the bits the other way round, begun at 0 and not inverted.
    """
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def check_ogg(path: Path) -> None:
    """Raise FileError if a page is missing, damaged or cut, or if several recordings follow one another.

    A file that ends with a whole page that is not marked as the last one was cut there, or is a live stream that was
    recorded: nothing can tell, and a warning says so.
    """
    with path.open("rb") as file:
        open_streams = _walk(file, path, path.stat().st_size)
    if open_streams:
        warnings.warn(
            f"{path} ends without the mark of a last page: it was cut off there, or is a live stream that was "
            "recorded; what is there is read",
            UserWarning,
            stacklevel=4,
        )


def _walk(file: BinaryIO, path: Path, size: int) -> set[bytes]:
    """Go from page to page; give the streams that do not end."""
    buffer, at, start = b"", 0, 0
    numbers: dict[bytes, int] = {}
    open_streams: set[bytes] = set()
    beginning = True
    while start < size:
        if len(buffer) - at < _LARGEST_PAGE:
            buffer, at = buffer[at:] + file.read(_BLOCK), 0
        head = buffer[at : at + 27 + 255]
        if head[:4] != b"OggS":
            if open_streams or not numbers:
                raise _damaged(path, start, "bytes that belong to no page")
            return open_streams  # a tag that something put at the end
        length = 27 + head[26] + sum(head[27 : 27 + head[26]]) if len(head) > 26 else 27
        page = buffer[at : at + length]
        if len(page) < length or len(page) < 27 + page[26]:
            raise FileError(
                f"got {path} of {size} bytes; expected {start + length} bytes by its own header: it was cut off or its "
                "header is damaged; copy or download it again"
            )
        at += length
        flags, serial = page[5], page[14:18]
        number, checksum = struct.unpack_from("<2I", page, 18)
        if page_checksum(page[:22] + bytes(4) + page[26:]) != checksum:
            raise _damaged(path, start, "a page whose checksum is wrong")
        if flags & _FIRST:
            if not beginning:
                raise FileError(
                    f"got {path}, in which another recording begins at byte {start}; expected one recording; split "
                    "the chain first, e.g. with oggz-chop or ffmpeg"
                )
            open_streams.add(serial)
        elif serial not in numbers:
            raise _damaged(path, start, "a page of a stream that never began")
        elif number != (numbers[serial] + 1) % 2**32:
            raise _damaged(path, start, f"page {number} after page {numbers[serial]}")
        beginning = beginning and bool(flags & _FIRST)
        numbers[serial] = number
        if flags & _LAST:
            open_streams.discard(serial)
        start += length
    return open_streams


def _damaged(path: Path, start: int, what: str) -> FileError:
    return FileError(
        f"got {path} with {what} at byte {start}; expected all its pages, one after another: a part of it is missing "
        "or damaged; copy or download it again"
    )
