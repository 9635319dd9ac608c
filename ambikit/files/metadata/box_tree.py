"""The boxes of MP4 and MOV files as they are stored, for those who change them: no end is cut, no size is guessed."""

from dataclasses import dataclass

from ambikit.errors import FileError
from ambikit.files.metadata.bounds import BoundedFile

__all__ = ["Box", "boxes_in", "row_of_boxes", "top_boxes"]


@dataclass(frozen=True)
class Box:
    """A box by the bytes from ``start``, where its size stands, over the start of its content, to ``stop``."""

    name: bytes
    start: int
    content: int
    stop: int
    #: its size is 0: it is the last of the file and goes to its end
    is_open: bool = False


def row_of_boxes(file: BoundedFile, start: int, stop: int, *, last_may_be_open: bool = False) -> tuple[list[Box], int]:
    """Boxes one after another, and where the last ends; what follows there, if anything does, is no box that fits."""
    found = []
    while start + 8 <= stop:
        header = file.read(start, min(16, stop - start))
        size, content = int.from_bytes(header[:4], "big"), start + 8
        is_open = size == 0 and last_may_be_open
        if size == 1 and len(header) == 16:
            size, content = int.from_bytes(header[8:], "big"), start + 16
        end = stop if is_open else start + size
        if not content <= end <= stop:
            break
        found.append(Box(header[4:8], start, content, end, is_open))
        start = end
    return found, start


def top_boxes(file: BoundedFile) -> list[Box]:
    """The boxes that stand in no other, up to a trailer that a camera may have appended."""
    return row_of_boxes(file, 0, file.size, last_may_be_open=True)[0]


def boxes_in(file: BoundedFile, box: Box, *, skipped: int = 0) -> list[Box]:
    """The boxes that make up a box, after so many bytes of its own.

    Raises
    ------
    FileError
        If they do not make it up: what cannot be understood is not changed.
    """
    found, end = row_of_boxes(file, box.content + skipped, box.stop)
    if box.stop - end >= 8:
        raise FileError(
            f"got a file whose box {box.name.decode('latin-1')!r} at byte {box.start} holds, at byte {end}, what is no "
            "box that fits into it; expected one; the file is damaged: copy or download it again, or remux it"
        )
    return found
