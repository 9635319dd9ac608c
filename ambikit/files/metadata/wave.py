"""WAV, RF64 and BW64: B-format by its GUID (``.amb``), loudspeaker masks, and the Audio Definition Model."""

import struct
from uuid import UUID

from ambikit.files.metadata.adm import parse_adm, parse_chna
from ambikit.files.metadata.bounds import LARGEST_PIECE, BoundedFile
from ambikit.files.metadata.facts import SpatialMetadata, joined
from ambikit.files.metadata.walking import walk_riff

__all__ = ["B_FORMAT_GUIDS", "SPEAKERS", "parse_wave"]

#: SUBTYPE_AMBISONIC_B_FORMAT_PCM and _IEEE_FLOAT (R. Dobson, 2000), and as a big-endian file (RIFX) has them
_GUIDS = [UUID(f"0000000{k}-0721-11d3-8644-c8c1ca000000") for k in (1, 3)]
B_FORMAT_GUIDS = (*(guid.bytes_le for guid in _GUIDS), *(guid.bytes for guid in _GUIDS))
SPEAKERS = {0x3F: "5.1", 0x60F: "5.1", 0x33: "quad", 0x603: "quad", 0x107: "4.0", 0x3: "stereo", 0x4: "mono"}

# Places in W X Y Z R S T U V K L M N O P Q by the number of channels, and the order (M. Leese's page on .amb).
_SETS = {
    3: (1, (0, 1, 2)),
    4: (1, (0, 1, 2, 3)),
    5: (2, (0, 1, 2, 7, 8)),
    6: (2, (0, 1, 2, 3, 7, 8)),
    7: (3, (0, 1, 2, 7, 8, 14, 15)),
    8: (3, (0, 1, 2, 3, 7, 8, 14, 15)),
    9: (2, tuple(range(9))),
    11: (3, (*range(9), 14, 15)),
    16: (3, tuple(range(16))),
}
_EXTENSIBLE = 0xFFFE


def parse_wave(file: BoundedFile) -> SpatialMetadata:
    """What a file of the WAV family says."""
    order = ">" if file.read(0, 4) == b"RIFX" else "<"
    form = SpatialMetadata()
    channels = 0
    tracks, xml, notes = b"", b"", ()
    for name, content, stop in walk_riff(file, order):
        if name == b"fmt " and not channels:
            channels, form = _format(file.read(content, min(stop - content, 40)), order)
        elif name == b"chna":
            tracks = file.read(content, min(stop - content, 4 + 40 * 1024))
        elif name == b"axml" and stop - content > LARGEST_PIECE:
            notes = (f"ADM: its axml is longer than {LARGEST_PIECE} bytes; it is not read",)
        elif name == b"axml":
            xml = file.read(content, stop - content)
    adm = SpatialMetadata(origin=("ADM",), notes=notes) if notes else parse_adm(parse_chna(tracks), xml, channels)
    return joined(form, adm)


def _format(data: bytes, order: str) -> tuple[int, SpatialMetadata]:
    if len(data) < 16:
        return 0, SpatialMetadata()
    tag, channels = struct.unpack_from(order + "2H", data)
    if tag != _EXTENSIBLE or len(data) < 40:
        return channels, SpatialMetadata()
    mask = struct.unpack_from(order + "I", data, 20)[0]
    loudspeakers = SPEAKERS.get(mask, f"mask {mask:#x}") if mask else None
    if data[24:40] not in B_FORMAT_GUIDS:
        return channels, SpatialMetadata(loudspeakers=loudspeakers, origin=("speaker mask",) if mask else ())
    if channels not in _SETS:
        note = f".amb: {channels} channels are no set that it defines; it is not used"
        return channels, SpatialMetadata(loudspeakers=loudspeakers, origin=(".amb",), notes=(note,))
    field, places = _SETS[channels]
    return channels, SpatialMetadata(
        order=field,
        ordering="fuma",
        normalization="fuma",
        channels=channels,
        channel_map=places,
        loudspeakers=loudspeakers,
        origin=(".amb",),
    )
