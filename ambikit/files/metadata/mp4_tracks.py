"""The tracks of an MP4 or MOV file, as far as they are changed: where their sample entries stand, and in what."""

from dataclasses import dataclass

from ambikit.errors import FileError
from ambikit.files.metadata.bounds import BoundedFile
from ambikit.files.metadata.box_tree import Box, boxes_in, row_of_boxes
from ambikit.files.metadata.mp4 import SOUND_ENTRY, VISUAL_ENTRY

__all__ = ["Entry", "Track", "movie_of", "tracks_of"]

_MOST_TRACKS = 64
_TO_ENTRIES = (b"minf", b"stbl", b"stsd")


@dataclass(frozen=True)
class Entry:
    """A sample entry: its box, the boxes in it, and where the last of them ends."""

    box: Box
    inside: tuple[Box, ...]
    end: int


@dataclass(frozen=True)
class Track:
    """A track: what it is, the boxes around its sample entries from the ``trak`` inwards, and what stands in it."""

    kind: bytes
    around: tuple[Box, ...]
    inside: tuple[Box, ...]
    entries: tuple[Entry, ...]


def movie_of(top: list[Box]) -> Box:
    """The one ``moov`` box."""
    movies = [box for box in top if box.name == b"moov"]
    if len(movies) != 1:
        raise FileError(
            f"got a file with {len(movies)} indices (moov boxes) where one was expected; it was interrupted while it "
            "was recorded, or put together wrongly: repair or remux it first"
        )
    return movies[0]


def tracks_of(file: BoundedFile, movie: Box) -> list[Track]:
    """The tracks that have a kind and sample entries."""
    tracks = [box for box in boxes_in(file, movie) if box.name == b"trak"]
    if len(tracks) > _MOST_TRACKS:
        raise FileError(
            f"got a file of {len(tracks)} tracks; expected at most {_MOST_TRACKS}, as real files have; is it damaged?"
        )
    return [found for track in tracks if (found := _track(file, track)) is not None]


def _track(file: BoundedFile, track: Box) -> Track | None:
    inside = tuple(boxes_in(file, track))
    around = [track]
    media = next((box for box in inside if box.name == b"mdia"), None)
    if media is None:
        return None
    around.append(media)
    within = boxes_in(file, media)
    kinds = [file.read(box.content + 8, 4) for box in within if box.name == b"hdlr"]
    for name in _TO_ENTRIES:
        found = next((box for box in within if box.name == name), None)
        if found is None:
            return None
        around.append(found)
        within = boxes_in(file, found, skipped=8 * (name == b"stsd"))
    if not kinds or kinds[-1] not in (b"soun", b"vide") or not within:
        return None
    read = _sound_entry if kinds[-1] == b"soun" else _picture_entry
    return Track(kinds[-1], tuple(around), inside, tuple(read(file, box) for box in within))


def _sound_entry(file: BoundedFile, box: Box) -> Entry:
    version = int.from_bytes(file.read(box.content + 8, 2), "big")
    # MP4 knows no versions: the length is the one after which boxes fill the entry best
    tried = [
        _entry(file, box, length)
        for length in dict.fromkeys((SOUND_ENTRY.get(version, 28), 28))
        if box.content + length <= box.stop
    ]
    if not tried:
        raise FileError(_too_short(box))
    return max(tried, key=lambda entry: entry.end if entry.inside else 0)


def _picture_entry(file: BoundedFile, box: Box) -> Entry:
    if box.content + VISUAL_ENTRY > box.stop:
        raise FileError(_too_short(box))
    return _entry(file, box, VISUAL_ENTRY)


def _entry(file: BoundedFile, box: Box, length: int) -> Entry:
    """An entry whose boxes begin after so many bytes; what is behind them (zeros, often) stays behind them."""
    inside, end = row_of_boxes(file, box.content + length, box.stop)
    return Entry(box, tuple(inside), end)


def _too_short(box: Box) -> str:
    return (
        f"got a file whose sample entry {box.name.decode('latin-1')!r} at byte {box.start} has {box.stop - box.start} "
        "bytes; expected all of its fields; the file is damaged: copy or download it again"
    )
