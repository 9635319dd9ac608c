"""Which bytes of an MP4 or MOV file have to change for it to say something else about the space in it."""

from collections.abc import Iterator

from ambikit.errors import ConventionError, FileError
from ambikit.files.metadata.bounds import LARGEST_PIECE, BoundedFile
from ambikit.files.metadata.box_edits import Edit, PositionTable, new_size
from ambikit.files.metadata.box_tree import Box, top_boxes
from ambikit.files.metadata.facts import SpatialMetadata, joined
from ambikit.files.metadata.file_positions import position_tables
from ambikit.files.metadata.mp4 import parse_picture_entry, parse_sound_entry
from ambikit.files.metadata.mp4_statements import (
    PICTURE_FIELDS,
    channels_needed,
    completed,
    projection_statement,
    sound_statement,
    stereo_statement,
)
from ambikit.files.metadata.mp4_tracks import Track, movie_of, tracks_of
from ambikit.files.metadata.sa3d import parse_sa3d
from ambikit.files.metadata.spherical_xml import SPHERICAL_UUID, parse_spherical_xml, spherical_box

__all__ = ["planned_changes"]

#: an edit, and the boxes within the moov in which it is
_Change = tuple[tuple[Box, ...], Edit]
_SOUND_FIELDS = ("order", "head_locked_stereo", "channel_map")
_SIZE = 24  # of the pictures: where in the content of their entry


def planned_changes(
    file: BoundedFile, metadata: SpatialMetadata, *, keep: bool = True, version_1: bool = False
) -> tuple[list[Edit], list[PositionTable]]:
    """The edits that make a file say it, and the tables of positions that have to follow them."""
    of_pictures = version_1 or any(getattr(metadata, name) is not None for name in PICTURE_FIELDS)
    if keep and not of_pictures and not metadata.of_sound_field:
        raise ConventionError(
            "got metadata that say nothing of a sound field or of pictures; expected an order or a projection; say "
            "ambikit.SpatialMetadata(order=1, ordering='acn', normalization='sn3d'), or keep=False to take out what is "
            "there"
        )
    top = top_boxes(file)
    movie = movie_of(top)
    tracks = tracks_of(file, movie)
    changes: list[_Change] = []
    if metadata.of_sound_field or not keep:
        changes += _of_sound(file, [track for track in tracks if track.kind == b"soun"], metadata, keep)
    if of_pictures or not keep:
        changes += _of_pictures(file, [track for track in tracks if track.kind == b"vide"], metadata, keep, version_1)
    growth: dict[Box, int] = {}
    for around, edit in changes:
        for box in (movie, *around):
            growth[box] = growth.get(box, 0) + edit.growth
    sizes = [new_size(box, by) for box, by in growth.items() if by]
    edits = [edit for _, edit in changes] + [edit for edit in sizes if edit is not None]
    moves = growth.get(movie, 0) != 0 and movie.stop < file.size
    return edits, position_tables(file, top, movie) if moves else []


def _of_sound(file: BoundedFile, tracks: list[Track], metadata: SpatialMetadata, keep: bool) -> Iterator[_Change]:
    """SA3D into every entry of the track that a reader takes, the first with the most channels."""
    box = sound_statement(metadata) if metadata.of_sound_field else b""
    if box and not tracks:
        raise FileError("got a file without sound; expected a sound track; name the file that has it")
    richness = []
    for track in tracks:
        (count, said), *_ = _parsed(file, track, first=True)
        richness.append(max(count, said.channels or 0) if count < 256 else 0)
    richest = richness.index(max(richness)) if box else None
    for number, track in enumerate(tracks):
        if number != richest:
            yield from () if keep else _in_entries(track, {b"SA3D": b""})
            continue
        needed, counts = channels_needed(metadata), sorted({count for count, _ in _parsed(file, track)})
        if counts != [needed]:
            raise ConventionError(
                f"got order {metadata.order}{' and a stereo pair' * metadata.head_locked_stereo}, {needed} channels, "
                f"for a sound track of {' and '.join(map(str, counts))}; expected as many; give the order of this "
                "sound, or the file of that order"
            )
        if not _has_said(file, track, box):
            yield from _in_entries(track, {b"SA3D": box})


def _parsed(file: BoundedFile, track: Track, *, first: bool = False) -> list[tuple[int, SpatialMetadata]]:
    """The channels of each entry of a sound track, or of the first, and what it says of them."""
    entries = track.entries[:1] if first else track.entries
    return [parse_sound_entry(file, each.box.content, each.box.stop) for each in entries]


def _has_said(file: BoundedFile, track: Track, box: bytes) -> bool:
    """Whether each entry says it already, in one box."""
    meant = parse_sa3d(box[8:])
    for entry in track.entries:
        older = [file.read(each.content, each.stop - each.content) for each in entry.inside if each.name == b"SA3D"]
        if len(older) != 1 or any(getattr(parse_sa3d(older[0]), n) != getattr(meant, n) for n in _SOUND_FIELDS):
            return False
    return True


def _of_pictures(
    file: BoundedFile, tracks: list[Track], metadata: SpatialMetadata, keep: bool, version_1: bool
) -> Iterator[_Change]:
    """``st3d`` and ``sv3d`` into every entry of the first track, the XML beside them; older XML goes."""
    says = version_1 or any(getattr(metadata, name) is not None for name in PICTURE_FIELDS)
    if says and not tracks:
        raise FileError("got a file without pictures; expected a video track; name the file that has it")
    for number, track in enumerate(tracks):
        older_xml = [
            box for box in track.inside if box.name == b"uuid" and file.read(box.content, 16) == SPHERICAL_UUID
        ]
        wanted, xml = {b"st3d": b"", b"sv3d": b""}, b""
        if number == 0 and says:
            entry = track.entries[0].box
            (in_boxes,) = parse_picture_entry(file, entry.content, entry.stop)
            texts = [file.read(box.content + 16, min(box.stop - box.content - 16, LARGEST_PIECE)) for box in older_xml]
            older = joined(in_boxes, *map(parse_spherical_xml, texts)) if keep else SpatialMetadata()
            said = completed(metadata, older)
            wanted[b"st3d"] = stereo_statement(said)
            if in_boxes.projection and all(
                getattr(said, n) == getattr(in_boxes, n) for n in PICTURE_FIELDS if n != "stereo"
            ):
                del wanted[b"sv3d"]  # as it was, of a kind that is not written here perhaps
            else:
                wanted[b"sv3d"] = projection_statement(said)
            if version_1:
                width, height = (int.from_bytes(file.read(entry.content + _SIZE + k, 2), "big") for k in (0, 2))
                xml = spherical_box(said, width, height)
        elif keep:
            continue
        yield from _in_entries(track, wanted)
        yield from (((track.around[0],), Edit(box.start, box.stop, b"")) for box in older_xml)
        end = track.inside[-1].stop
        if xml:
            yield (track.around[0],), Edit(end, end, xml)


def _in_entries(track: Track, wanted: dict[bytes, bytes]) -> Iterator[_Change]:
    """The boxes of these names out of every entry of a track, and the new ones behind the others."""
    new = b"".join(wanted.values())
    for entry in track.entries:
        around = (*track.around, entry.box)
        yield from ((around, Edit(box.start, box.stop, b"")) for box in entry.inside if box.name in wanted)
        if new:
            yield around, Edit(entry.end, entry.end, new)
