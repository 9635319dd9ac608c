"""Edit lists of MP4 and MOV that play several stretches of a track, or the same one twice, or nothing in between.

ISO/IEC 14496-12, 8.6.6. FFmpeg follows them to the packet; here the sound is taken to the sample.
"""

import struct
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from ambikit.errors import FileError
from ambikit.files.metadata.bounds import BoundedFile
from ambikit.files.metadata.walking import walk_boxes

__all__ = ["Stretch", "is_cut", "stretches_of"]

_MOST_EDITS = 256
_NORMAL_SPEED = 1 << 16
_NOTHING = -1


class Stretch(NamedTuple):
    """So many samples: the stored ones from ``first`` on, silence if that is None."""

    first: int | None
    samples: int


def is_cut(path: Path) -> bool:
    """Whether an edit list of any track plays several stretches, or has 64-bit times: a quick look."""
    with path.open("rb") as raw:
        file = BoundedFile(raw, path.stat().st_size)
        places = [
            next(((start, stop) for name, start, stop in walk_boxes(file, 0, file.size) if name == b"moov"), (0, 0))
        ]
        for name in (b"trak", b"edts", b"elst"):
            places = [
                (start, stop) for place in places for found, start, stop in walk_boxes(file, *place) if found == name
            ]
        for first, last in places:
            head = file.read(first, min(last - first, 20))
            if len(head) < 20 or head[0]:
                return True
            count, media_time = struct.unpack_from(">I", head, 4)[0], struct.unpack_from(">i", head, 12)[0]
            if count > 1 + (media_time == -1):
                return True
    return False


def stretches_of(path: Path, track: int, sample_rate: int) -> list[Stretch]:
    """What the edit list of a track plays, if it is more than one stretch, perhaps with a pause before; else nothing.

    Raises
    ------
    FileError
        If it plays something at another speed, or more stretches than real files have.
    """
    with path.open("rb") as raw:
        file = BoundedFile(raw, path.stat().st_size)
        movie = _inside(file, (0, file.size), b"moov")
        head = _inside(file, movie, b"mvhd") if movie else None
        for name, *place in walk_boxes(file, *movie) if movie else ():
            if name == b"trak" and _track_number(file, (place[0], place[1])) == track:
                edits, clock = _edits(file, (place[0], place[1]), path)
                played = [media for _, media in edits if media != _NOTHING]
                if len(edits) > 2 or len(played) > 1 or (len(edits) == 2 and edits[1][1] == _NOTHING):
                    return _in_samples(edits, _clock(file, head), clock, sample_rate)
    return []


def _in_samples(edits: list[tuple[int, int]], movie: int, media: int, sample_rate: int) -> list[Stretch]:
    """Each edge to the nearest sample, so that roundings do not add up."""
    found, end, edge = [], Fraction(0), 0
    for duration, first in edits:
        end += Fraction(duration * sample_rate, movie)
        samples, edge = round(end) - edge, round(end)
        found.append(Stretch(None if first == _NOTHING else round(Fraction(first * sample_rate, media)), samples))
    return found


def _edits(file: BoundedFile, track: tuple[int, int], path: Path) -> tuple[list[tuple[int, int]], int]:
    """Duration, by the clock of the movie, and start, by that of the track, of each edit; and the latter clock."""
    holder, media = _inside(file, track, b"edts"), _inside(file, track, b"mdia")
    table = _inside(file, holder, b"elst") if holder else None
    clock = _clock(file, _inside(file, media, b"mdhd") if media else None)
    if table is None:
        return [], clock
    data = file.read(table[0], min(table[1] - table[0], 8 + 20 * _MOST_EDITS))
    width = 8 if data[:1] == b"\1" else 4
    count = int.from_bytes(data[4:8], "big")
    if count > _MOST_EDITS or len(data) < 8 + (2 * width + 4) * count:
        raise FileError(
            f"got {path}, whose edit list says {count} edits; expected at most {_MOST_EDITS}, and all of them there; "
            "export the recording as it is played, without edits"
        )
    edits = []
    for place in range(8, 8 + (2 * width + 4) * count, 2 * width + 4):
        duration = int.from_bytes(data[place : place + width], "big")
        first = int.from_bytes(data[place + width : place + 2 * width], "big", signed=True)
        speed = int.from_bytes(data[place + 2 * width : place + 2 * width + 4], "big", signed=True)
        if (speed != _NORMAL_SPEED and first != _NOTHING and count > 1) or first < _NOTHING:
            raise FileError(
                f"got {path}, whose edit list plays from {first} at a speed of {speed / _NORMAL_SPEED:g}; expected "
                "stretches at normal speed; export the recording as it is played, without edits"
            )
        edits.append((duration, first))
    return edits, clock


def _track_number(file: BoundedFile, track: tuple[int, int]) -> int:
    head = _inside(file, track, b"tkhd")
    data = file.read(head[0], min(head[1] - head[0], 24)) if head else b""
    return int.from_bytes(data[20:24] if data[:1] == b"\1" else data[12:16], "big")


def _clock(file: BoundedFile, head: tuple[int, int] | None) -> int:
    """Ticks per second by an mvhd or mdhd box; 1 where it is missing."""
    data = file.read(head[0], min(head[1] - head[0], 24)) if head else b""
    return int.from_bytes(data[20:24] if data[:1] == b"\1" else data[12:16], "big") or 1


def _inside(file: BoundedFile, place: tuple[int, int], name: bytes) -> tuple[int, int] | None:
    return next(((first, last) for inner, first, last in walk_boxes(file, *place) if inner == name), None)
