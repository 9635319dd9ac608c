"""Where MP4 and MOV files hold positions that count from their start, and so move when bytes are put in before.

ISO/IEC 14496-12: ``stco`` and ``co64`` (the chunks of a track), ``saio`` beside them (encryption), ``tfhd`` of
fragments that name their base, and ``tfra`` (an index of fragments). All else counts from its own place. Two that would
move and are not understood here are refused: ``iloc`` (still pictures) and a ``sidx`` before the ``moov`` that it
reaches over.
"""

from collections.abc import Iterator

from ambikit.errors import FileError
from ambikit.files.metadata.bounds import BoundedFile
from ambikit.files.metadata.box_edits import PositionTable
from ambikit.files.metadata.box_tree import Box, boxes_in, row_of_boxes

__all__ = ["position_tables"]

_WIDTHS = {b"stco": 4, b"co64": 8}
_TO_TABLES = (b"mdia", b"minf", b"stbl")


def position_tables(file: BoundedFile, top: list[Box], movie: Box) -> list[PositionTable]:
    """Every table of positions of a file, of which ``movie`` is the box to be changed.

    Raises
    ------
    FileError
        If a table is longer than its box, or of a kind that is not moved here.
    """
    tables: list[PositionTable] = []
    for box in top:
        if box.name == b"moof":
            tables += _of_fragment(file, box)
        elif box.name == b"mfra":
            tables += [_of_index(file, inner) for inner in boxes_in(file, box) if inner.name == b"tfra"]
        elif box.name == b"meta":
            _refuse_items(file, box)
        elif box.name == b"sidx" and box.start < movie.start:
            raise FileError(_refused("its sidx stands before its moov and reaches over it"))
    for box in boxes_in(file, movie):
        if box.name == b"meta":
            _refuse_items(file, box)
        elif box.name == b"trak":
            tables += _of_track(file, box)
    return [table for table in tables if table.count]


def _of_track(file: BoundedFile, track: Box) -> Iterator[PositionTable]:
    inside = boxes_in(file, track)
    for box in inside:
        if box.name == b"meta":
            _refuse_items(file, box)
    for name in _TO_TABLES:
        inside = [inner for box in inside if box.name == name for inner in boxes_in(file, box)]
    for box in inside:
        head = _head(file, box, 20) if box.name in (*_WIDTHS, b"saio") else b""
        if box.name in _WIDTHS:
            yield _table(box, 8, int.from_bytes(head[4:8], "big"), _WIDTHS[box.name])
        elif box.name == b"saio":
            typed = 8 * (head[3] & 1)  # the kind of information, if its flag says so
            yield _table(box, 8 + typed, int.from_bytes(head[4 + typed : 8 + typed], "big"), 8 if head[0] == 1 else 4)


def _of_fragment(file: BoundedFile, fragment: Box) -> Iterator[PositionTable]:
    for track in boxes_in(file, fragment):
        for box in boxes_in(file, track)[:1] if track.name == b"traf" else ():
            # the first flag: it names the byte from which its samples count; without it that is its own
            if box.name == b"tfhd" and _head(file, box, 4)[3] & 1:
                yield _table(box, 8, 1, 8)


def _of_index(file: BoundedFile, box: Box) -> PositionTable:
    head = _head(file, box, 16)
    width = 8 if head[0] == 1 else 4  # of a time and of a position
    numbers = sum((head[11] >> shift & 3) + 1 for shift in (0, 2, 4))
    count = int.from_bytes(head[12:], "big")
    return _table(box, 16 + width, count, width, 2 * width + numbers)


def _head(file: BoundedFile, box: Box, length: int) -> bytes:
    """The first bytes of a box's content; zeros where it ends earlier."""
    return file.read(box.content, min(length, box.stop - box.content)).ljust(length, b"\0")


def _table(box: Box, offset: int, count: int, width: int, stride: int | None = None) -> PositionTable:
    table = PositionTable(box.content + offset, count, width, stride or width)
    if count and table.start + (count - 1) * table.stride + width > box.stop:
        name = box.name.decode("latin-1")
        raise FileError(
            f"got a file whose table {name!r} says {count} positions, more than its box holds; expected all of them; "
            "the file is damaged: copy or download it again"
        )
    return table


def _refuse_items(file: BoundedFile, box: Box) -> None:
    for skipped in (4, 0):  # QuickTime's has no version
        if any(inner.name == b"iloc" for inner in row_of_boxes(file, box.content + skipped, box.stop)[0]):
            raise FileError(_refused("it holds items (an iloc box), as files of still pictures do"))


def _refused(why: str) -> str:
    return (
        f"got a file whose positions would break when its index grows: {why}; expected one without, or with its index "
        "(moov) at the end; remux it first"
    )
