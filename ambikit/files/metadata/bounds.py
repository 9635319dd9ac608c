"""A file seen through a narrow window: no parser reads past its end, and none reads or walks without a limit.

Sizes that a file claims are never believed: what is read is cut at the end of the file, and nothing is allocated from
a claim. A walk counts its steps, so that loops of empty pieces end.
"""

from io import BytesIO
from typing import BinaryIO

from ambikit.errors import FileError

__all__ = ["LARGEST_PIECE", "BoundedFile"]

#: bytes of one piece of metadata: the largest known (the axml of a long programme) stays below
LARGEST_PIECE = 2**22
_MOST_BYTES = 2**24
_MOST_STEPS = 4096
_BYTES_OF_A_PIECE = 32


class BoundedFile:
    """Random access to a file, with a budget of bytes and of steps for all parsers together."""

    def __init__(self, file: BinaryIO | BytesIO, size: int, *, of_all_pieces: bool = False) -> None:
        """``of_all_pieces``: the budget grows with the file, for a walk through each of its fragments, say."""
        self.size = size
        self._file = file
        self._most_bytes, self._most_steps = _MOST_BYTES, _MOST_STEPS
        if of_all_pieces:
            self._most_bytes, self._most_steps = _MOST_BYTES + size, _MOST_STEPS + size // _BYTES_OF_A_PIECE
        self._bytes, self._steps = self._most_bytes, self._most_steps

    @classmethod
    def of(cls, data: bytes) -> "BoundedFile":
        """The same in memory."""
        return cls(BytesIO(data), len(data))

    def read(self, start: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``start``, fewer where the file ends; a piece of metadata at most."""
        length = min(length, self.size - start)
        if start < 0 or length <= 0:
            return b""
        self.step()
        self._bytes -= length
        if length > LARGEST_PIECE or self._bytes < 0:
            raise FileError(
                f"got a piece of metadata of {length} bytes at byte {start}; expected at most {LARGEST_PIECE} bytes, "
                f"and {self._most_bytes} altogether, as real files have; the file is damaged or hostile: copy it again"
            )
        self._file.seek(start)
        return self._file.read(length)

    def step(self) -> None:
        """Count one step of a walk."""
        self._steps -= 1
        if self._steps < 0:
            raise FileError(
                f"got a file whose headers are in more than {self._most_steps} pieces; expected fewer, as in real "
                "files; the file is damaged or hostile: copy it again"
            )
