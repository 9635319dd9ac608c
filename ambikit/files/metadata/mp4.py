"""MP4 and MOV: the boxes SA3D, dOps, st3d, sv3d and the V1 ``uuid``, where they belong and nowhere else."""

import struct
from dataclasses import replace

from ambikit.files.metadata.aac import channels_of_esds
from ambikit.files.metadata.bounds import BoundedFile
from ambikit.files.metadata.facts import SpatialMetadata, joined
from ambikit.files.metadata.opus import parse_dops, spatial_of_opus
from ambikit.files.metadata.projection import parse_st3d, parse_sv3d
from ambikit.files.metadata.sa3d import parse_sa3d
from ambikit.files.metadata.spherical_xml import SPHERICAL_UUID, parse_spherical_xml
from ambikit.files.metadata.walking import walk_boxes

__all__ = ["SOUND_ENTRY", "VISUAL_ENTRY", "parse_mp4", "parse_picture_entry", "parse_sound_entry"]

_MOST_TRACKS = 64
#: one SA3D or dOps box: 255 channels and a matrix at most
_LARGEST_BOX = 2**18
VISUAL_ENTRY = 78
#: length of a sound entry by QuickTime's version, and where version 2 has its channels
SOUND_ENTRY = {0: 28, 1: 44, 2: 64}


def parse_mp4(file: BoundedFile) -> SpatialMetadata:
    """What an MP4 or MOV file says: of the first picture track, and of the sound track with the most channels."""
    sounds: list[tuple[int, SpatialMetadata]] = []
    pictures: list[SpatialMetadata] = []
    index = next((box for box in walk_boxes(file, 0, file.size) if box[0] == b"moov"), None)
    for name, content, stop in walk_boxes(file, *index[1:]) if index else ():
        if name == b"trak" and len(sounds) + len(pictures) < _MOST_TRACKS:
            _track(file, content, stop, sounds, pictures)
    richest = max(sounds, key=lambda sound: sound[0], default=(0, SpatialMetadata()))[1]
    others = [said for _, said in sounds if said.of_sound_field and said is not richest]
    if others:
        note = f"{len(others)} other sound track{'s say' if len(others) > 1 else ' says'} something about space too"
        richest = replace(richest, notes=(*richest.notes, note))
    return joined(richest, *pictures[:1])


def _track(
    file: BoundedFile,
    start: int,
    stop: int,
    sounds: list[tuple[int, SpatialMetadata]],
    pictures: list[SpatialMetadata],
) -> None:
    version_1 = []
    tables = None
    kind = b""
    for name, content, end in walk_boxes(file, start, stop):
        if name == b"uuid" and file.read(content, 16) == SPHERICAL_UUID:
            version_1.append(parse_spherical_xml(file.read(content + 16, min(end - content - 16, _LARGEST_BOX))))
        elif name == b"mdia":
            for inner, first, last in walk_boxes(file, content, end):
                if inner == b"hdlr":
                    kind = file.read(first + 8, 4)
                elif inner == b"minf":
                    tables = _inside(file, (first, last), b"stbl")
    description = _inside(file, tables, b"stsd") if tables else None
    entry = next(walk_boxes(file, description[0] + 8, description[1]), None) if description else None
    if kind == b"vide":
        said = parse_picture_entry(file, *entry[1:]) if entry else []
        pictures.append(joined(*said, *version_1))
    elif kind == b"soun" and entry:
        channels, said_of_sound = parse_sound_entry(file, *entry[1:])
        sounds.append((max(channels, said_of_sound.channels or 0) if channels < 256 else 0, said_of_sound))


def _inside(file: BoundedFile, place: tuple[int, int], name: bytes) -> tuple[int, int] | None:
    return next(((first, last) for inner, first, last in walk_boxes(file, *place) if inner == name), None)


def parse_picture_entry(file: BoundedFile, start: int, stop: int) -> list[SpatialMetadata]:
    """What the content of a visual sample entry says."""
    stereo, projections = SpatialMetadata(), []
    for name, content, end in walk_boxes(file, start + VISUAL_ENTRY, stop):
        if name == b"st3d":
            stereo = parse_st3d(file.read(content, min(end - content, 8)))
        elif name == b"sv3d":
            projections.append(parse_sv3d(file, content, end))
    if not projections:
        return [stereo]
    first = projections[0]  # the two boxes are one statement
    return [
        replace(first, stereo=stereo.stereo, origin=(*stereo.origin, *first.origin), notes=stereo.notes + first.notes)
    ]


def parse_sound_entry(file: BoundedFile, start: int, stop: int) -> tuple[int, SpatialMetadata]:
    """How many channels the content of a sound sample entry has, and what it says of them."""
    head = file.read(start, min(stop - start, max(SOUND_ENTRY.values())))
    if len(head) < 28:
        return 0, SpatialMetadata()
    version, channels = struct.unpack_from(">8xH6xH", head)
    if version == 2 and len(head) >= 44:
        channels = struct.unpack_from(">I", head, 40)[0]
    found = []
    # MP4 knows no versions: some writers set one without the fields that QuickTime then has, so both are tried
    for length in dict.fromkeys((SOUND_ENTRY.get(version, 28), 28)):
        for name, content, end in walk_boxes(file, start + length, stop):
            if name == b"SA3D":
                found.append(parse_sa3d(file.read(content, min(end - content, _LARGEST_BOX))))
            elif name == b"dOps":
                found.append(spatial_of_opus(parse_dops(file.read(content, min(end - content, _LARGEST_BOX)))))
            elif name in (b"esds", b"wave"):  # in QuickTime the one in the other
                inner = _inside(file, (content, end), b"esds") if name == b"wave" else (content, end)
                if inner is not None:
                    channels = channels_of_esds(file.read(inner[0], min(inner[1] - inner[0], 128))) or channels
        if found:
            break
    return channels, joined(*found)
