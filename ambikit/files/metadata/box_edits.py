"""A file copied with changes: bytes put in, left out or replaced, and what points behind them moved along.

The file goes through in pieces, so that its length costs no memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import accumulate
from typing import BinaryIO

import numpy as np

from ambikit.errors import FileError
from ambikit.files.metadata.box_tree import Box

__all__ = ["Edit", "PositionTable", "copy_edited", "new_size"]

_PIECE = 2**20
_File = BinaryIO | BytesIO


@dataclass(frozen=True)
class Edit:
    """The bytes from ``start`` to ``stop`` become ``new``."""

    start: int
    stop: int
    new: bytes

    @property
    def growth(self) -> int:
        """How many bytes there are more afterwards."""
        return len(self.new) - (self.stop - self.start)


@dataclass(frozen=True)
class PositionTable:
    """Numbers of ``width`` bytes, every ``stride`` bytes, that count from the start of the file."""

    start: int
    count: int
    width: int
    stride: int


def new_size(box: Box, growth: int) -> Edit | None:
    """The size of a box that has grown, in its own field; None for a box that goes to the end of the file."""
    if box.is_open:
        return None
    size, is_long = box.stop - box.start + growth, box.content - box.start == 16
    if size >= 2**32 and not is_long:
        raise FileError(
            f"got a file whose box {box.name.decode('latin-1')!r} would take {size} bytes; expected fewer than 2^32, "
            "as its size is stored in 32 bits; remux the file first"
        )
    place, width = (box.start + 8, 8) if is_long else (box.start, 4)
    return Edit(place, place + width, size.to_bytes(width, "big"))


def copy_edited(source: _File, target: _File, size: int, edits: list[Edit], tables: list[PositionTable]) -> None:
    r"""Copy ``size`` bytes with edits that do not overlap, and with the positions in tables pointing where they did.

    Examples
    --------
    >>> from io import BytesIO
    >>> file, copy = BytesIO(bytes([0, 5]) + b"abc!"), BytesIO()
    >>> copy_edited(file, copy, 6, [Edit(2, 3, b"AAA")], [PositionTable(0, 1, 2, 2)])
    >>> copy.getvalue()
    b'\x00\x07AAAbc!'
    """
    done = 0
    for piece in sorted([*edits, *tables], key=lambda piece: (piece.start, isinstance(piece, PositionTable))):
        for data in _pieces(source, done, piece.start):
            target.write(data)
        if isinstance(piece, Edit):
            target.write(piece.new)
            done = piece.stop
        else:
            done = piece.start + (piece.count - 1) * piece.stride + piece.width
            _copy_table(source, target, piece, size, edits)
    for data in _pieces(source, done, size):
        target.write(data)


def _pieces(source: _File, start: int, stop: int, length: int = _PIECE) -> Iterator[bytes]:
    source.seek(start)
    while start < stop:
        data = source.read(min(length, stop - start))
        if not data:
            raise FileError(f"got a file that ends at byte {start} while it is read; expected {stop}; is it in use?")
        yield data
        start += len(data)


def _copy_table(source: _File, target: _File, table: PositionTable, size: int, edits: list[Edit]) -> None:
    moving = sorted((edit for edit in edits if edit.growth), key=lambda edit: edit.stop)
    ends = np.array([edit.stop for edit in moving], np.uint64)
    shifts = np.array([0, *accumulate(edit.growth for edit in moving)], np.int64)
    stop = table.start + (table.count - 1) * table.stride + table.width
    for data in _pieces(source, table.start, stop, _PIECE // table.stride * table.stride):
        padded = bytearray(data + bytes(-len(data) % table.stride))
        numbers = np.ndarray(len(padded) // table.stride, f">u{table.width}", padded, strides=(table.stride,))
        old = numbers.astype(np.uint64)
        inside = old <= size  # what points nowhere stays
        new = np.where(inside, old, 0).astype(np.int64) + shifts[np.searchsorted(ends, old, side="right")]
        if table.width == 4 and np.any(new >= 2**32):
            raise FileError(
                "got a file whose sound or pictures would lie beyond byte 2^32, which its table of 32-bit positions "
                "cannot say; expected a shorter file, or 64-bit positions; remux it with its index at the end first"
            )
        numbers[inside] = new[inside]
        target.write(padded[: len(data)])
