"""WebM and MKV: the Projection element of a picture track, the Opus header of a sound track, and tags of V1.

Matroska Media Container Format (RFC 9559), whose elements are those of the Spherical Video V2 RFC.
The two contradict each other about two of the three angles of a pose: RFC 9559 has yaw clockwise and roll
counter-clockwise, the older V2 RFC, from which the element comes, the reverse, as in MP4. FFmpeg copies the angles
between the containers as they are. Neither is guessed: a pose with a yaw or a roll is marked as uncertain.
"""

import struct
from collections.abc import Callable

from ambikit.files.metadata.bounds import BoundedFile
from ambikit.files.metadata.facts import SpatialMetadata, joined
from ambikit.files.metadata.opus import parse_opus_head, spatial_of_opus
from ambikit.files.metadata.projection import bounds_of, pose_of
from ambikit.files.metadata.spherical_xml import parse_spherical_xml
from ambikit.files.metadata.walking import walk_ebml

__all__ = ["parse_matroska"]

_SEGMENT, _TRACKS, _TAGS, _CLUSTER = 0x18538067, 0x1654AE6B, 0x1254C367, 0x1F43B675
_TRACK, _TYPE, _CODEC, _PRIVATE, _VIDEO, _AUDIO, _CHANNELS = 0xAE, 0x83, 0x86, 0x63A2, 0xE0, 0xE1, 0x9F
_PROJECTION, _PROJECTION_TYPE, _PROJECTION_PRIVATE, _STEREO_MODE = 0x7670, 0x7671, 0x7672, 0x53B8
_ANGLES = (0x7673, 0x7674, 0x7675)
_TAG, _SIMPLE_TAG, _TAG_NAME, _TAG_STRING = 0x7373, 0x67C8, 0x45A3, 0x4487

_STEREO = {0: "mono", 1: "left-right", 2: "bottom-top", 3: "top-bottom", 11: "right-left", 15: "custom"}
_PROJECTIONS = {0: "rectangular", 1: "equirectangular", 2: "cubemap", 3: "mesh"}
_LARGEST_VALUE = 2**18


def parse_matroska(file: BoundedFile) -> SpatialMetadata:
    """What stands before the first cluster of sound and pictures."""
    sounds: list[tuple[int, SpatialMetadata]] = []
    pictures: list[SpatialMetadata] = []
    tagged: list[SpatialMetadata] = []
    segment = next((e for e in walk_ebml(file, 0, file.size) if e[0] == _SEGMENT), None)
    for number, content, stop in walk_ebml(file, *segment[1:]) if segment else ():
        if number == _CLUSTER:
            break
        if number == _TRACKS:
            for inner, first, last in walk_ebml(file, content, stop):
                if inner == _TRACK:
                    _track(file, first, last, sounds, pictures)
        elif number == _TAGS:
            tagged += _tags(file, content, stop)
    richest = max(sounds, key=lambda sound: sound[0], default=(0, SpatialMetadata()))[1]
    return joined(richest, *pictures[:1], *tagged[:1])


def _track(
    file: BoundedFile,
    start: int,
    stop: int,
    sounds: list[tuple[int, SpatialMetadata]],
    pictures: list[SpatialMetadata],
) -> None:
    kind = channels = 0
    codec = private = b""
    picture = SpatialMetadata()
    for number, content, end in walk_ebml(file, start, stop):
        if number == _TYPE:
            kind = _whole(file, content, end)
        elif number in (_CODEC, _PRIVATE):
            data = file.read(content, min(end - content, _LARGEST_VALUE))
            codec, private = (data, private) if number == _CODEC else (codec, data)
        elif number == _VIDEO:
            picture = _picture(file, content, end)
        elif number == _AUDIO:
            channels = max(
                (_whole(file, *e[1:]) for e in walk_ebml(file, content, end) if e[0] == _CHANNELS), default=1
            )
    if kind == 1:
        pictures.append(picture)
    elif kind == 2:
        is_opus = codec.rstrip(b"\0") == b"A_OPUS"
        sounds.append((channels, spatial_of_opus(parse_opus_head(private)) if is_opus else SpatialMetadata()))


def _picture(file: BoundedFile, start: int, stop: int) -> SpatialMetadata:
    stereo = projection = bounds = pose = None
    certain = True
    notes: tuple[str, ...] = ()
    for number, content, end in walk_ebml(file, start, stop):
        if number == _STEREO_MODE:
            stereo = _STEREO.get(_whole(file, content, end))
        elif number == _PROJECTION:
            angles = [0.0, 0.0, 0.0]
            kind, private = 0, None
            for inner, first, last in walk_ebml(file, content, end):
                if inner == _PROJECTION_TYPE:
                    kind = _whole(file, first, last)
                elif inner == _PROJECTION_PRIVATE:
                    private = file.read(first, min(last - first, 32))
                elif inner in _ANGLES:
                    angles[_ANGLES.index(inner)] = _real(file, first, last)
            projection = _PROJECTIONS.get(kind)
            if projection == "equirectangular":
                bounds, notes = bounds_of(private) if private else ((0.0, 0.0, 0.0, 0.0), ())
            pose, said = pose_of(*angles)
            notes += said
            if angles[0] or angles[2]:
                certain = False
                notes += (
                    f"the pose yaw {angles[0]:g}°, pitch {angles[1]:g}°, roll {angles[2]:g}° is uncertain: two "
                    "specifications give yaw and roll opposite signs",
                )
    origin = ("Projection",) if projection else ("StereoMode",) if stereo else ()
    return SpatialMetadata(
        projection=projection,
        bounds=bounds,
        stereo=stereo,
        pose=pose,
        pose_certain=certain,
        origin=origin,
        notes=tuple(f"Projection: {note}" for note in notes),
    )


def _tags(file: BoundedFile, start: int, stop: int) -> list[SpatialMetadata]:
    found = []
    for _, first, last in _named(file, start, stop, _TAG):
        for _, inner, end in _named(file, first, last, _SIMPLE_TAG):
            values = {n: (a, b) for n, a, b in walk_ebml(file, inner, end)}
            if _TAG_NAME in values and _TAG_STRING in values:
                name = file.read(values[_TAG_NAME][0], min(values[_TAG_NAME][1] - values[_TAG_NAME][0], 64))
                if name.rstrip(b"\0").lower() == b"spherical-video":
                    place, finish = values[_TAG_STRING]
                    found.append(parse_spherical_xml(file.read(place, min(finish - place, _LARGEST_VALUE))))
    return found


def _named(file: BoundedFile, start: int, stop: int, name: int) -> list[tuple[int, int, int]]:
    return [element for element in walk_ebml(file, start, stop) if element[0] == name]


def _whole(file: BoundedFile, start: int, stop: int) -> int:
    return int.from_bytes(file.read(start, min(stop - start, 8)), "big")


_REALS: dict[int, Callable[[bytes], tuple[float, ...]]] = {
    4: struct.Struct(">f").unpack,
    8: struct.Struct(">d").unpack,
}


def _real(file: BoundedFile, start: int, stop: int) -> float:
    data = file.read(start, min(stop - start, 8))
    return _REALS[len(data)](data)[0] if len(data) in _REALS else 0.0
