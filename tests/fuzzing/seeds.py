"""Files to begin with: for each parser, at least one that says each thing it can be told."""

import struct

import numpy as np

from tests import spatial_files as made

SILENCE = np.zeros((4, 3), np.float32)
PARSERS = ("wav", "caf", "mp4", "matroska", "ogg", "tag")


def seeds() -> dict[str, list[bytes]]:
    """Small whole files by the name of their parser."""
    field = [(0, 0), (1, -1), (1, 0), (1, 1)]
    tracks, xml = made.adm_of(field, "N3D", per_channel=True)
    common = made.chna(*[(k, f"ATU_0000000{k}", f"AT_0004000{k}_01", "AP_00040001") for k in range(1, 5)])
    heads = [
        made.opus_head(2, 0),
        made.opus_head(6, 2),
        made.opus_head(4, 3, streams=2, coupled=2, matrix=np.eye(4)),
        made.opus_head(227, 2),
    ]
    cropped = made.v1_box(made.V1 % made.CROP)
    every = made.picture_entry(made.st3d(1), made.sv3d(10, 20, 30, (0.1, 0.1, 0, 0)))
    projection = made.mkv_projection(private=bytes(20), yaw=10.0, pitch=20.0, roll=30.0)
    return {
        "wav": [
            made.wave(SILENCE, guid=made.AMB),
            made.wave(SILENCE, mask=0x33),
            made.wave(SILENCE, guid=made.AMB, form=b"RIFX", order=">"),
            made.wave(SILENCE, tracks, xml, form=b"BW64"),
            made.wave(SILENCE, common, form=b"RF64"),
        ],
        "caf": [
            made.caf(SILENCE, made.ambix_uuid(np.eye(4))),
            made.caf(SILENCE, after=(made.ambix_uuid(np.eye(9)[:, :4], "<", early=True),)),
            made.caf(SILENCE, (b"chan", struct.pack(">III", 191 << 16 | 4, 0, 0))),
            made.caf(SILENCE, (b"chan", struct.pack(">III", 1 << 16, 0x33, 0))),
        ],
        "mp4": [
            made.mp4(made.track(b"soun", made.sound_entry(made.sa3d())), made.track(b"vide", every, cropped)),
            made.mp4(made.track(b"soun", made.sound_entry(made.sa3d(1, range(6), stereo=True), channels=6, version=1))),
            made.mp4(made.track(b"soun", made.sound_entry(made.dops(6, 2), channels=6, version=2, name=b"Opus"))),
            made.mp4(made.track(b"vide", made.picture_entry(made.sv3d(projection=b"cbmp")))),
            made.mp4(made.track(b"vide", made.picture_entry(made.sv3d(projection=b"mshp")))),
        ],
        "tag": _with_positions(every, cropped),
        "matroska": [
            made.matroska(made.mkv_picture(made.ebml(0x53B8, b"\x03"), projection), made.mkv_sound(heads[1], 6)),
            made.matroska(made.mkv_picture(), tags=made.mkv_tag(made.V1 % made.CROP)),
        ],
        "ogg": [made.ogg_page(head, flags=2) for head in heads],
    }


def _with_positions(picture: bytes, xml: bytes) -> list[bytes]:
    """Videos to be changed, whose samples lie behind their index: in chunks, and in fragments with an index."""
    chunks = made.box(b"stco", struct.pack(">4I", 0, 2, 700, 900)), made.box(b"co64", struct.pack(">2IQ", 0, 1, 800))
    beside = made.box(b"saio", struct.pack(">3I", 0, 1, 750))
    sound = made.track(b"soun", made.sound_entry(made.box(b"esds", bytes(20)), made.sa3d()))
    sound = _with(_with(sound, b"stbl", *chunks), b"stbl", beside)
    videos = made.track(b"vide", picture, xml), made.track(b"vide", made.picture_entry())
    whole = [made.box(b"moov", made.box(b"mvhd", bytes(20)), sound, video) for video in videos]
    based = made.box(b"traf", made.box(b"tfhd", struct.pack(">IIQ", 1, 1, 2000)), made.box(b"trun", bytes(12)))
    fragment = made.box(b"moof", made.box(b"mfhd", bytes(8)), based)
    index = made.box(b"tfra", struct.pack(">4I", 0, 1, 0, 1), struct.pack(">2I3B", 0, 2000, 1, 1, 1))
    wide = made.box(b"tfra", struct.pack(">4I", 1 << 24, 1, 0x3F, 1), struct.pack(">2Q3I", 0, 2000, 1, 1, 1))
    start, samples = made.box(b"ftyp", b"isom" + bytes(4)), made.box(b"mdat", bytes(40))
    long = struct.pack(">I4sQ", 1, b"mdat", 56) + bytes(40)
    return [
        start + whole[0] + samples,
        start + samples + whole[0],
        start + struct.pack(">I4sQ", 1, b"moov", len(whole[1]) + 8) + whole[1][8:] + long,
        start + whole[1] + fragment + samples + made.box(b"mfra", index, wide, made.box(b"mfro", bytes(8))),
        start + made.box(b"meta", bytes(4), made.box(b"hdlr", bytes(20))) + whole[1] + struct.pack(">I4s", 0, b"mdat"),
    ]


def _with(data: bytes, name: bytes, *inside: bytes) -> bytes:
    """A nest of boxes with more in the innermost ones of its first chain to a box of that name, and right sizes."""
    more = b"".join(inside)
    place = data.index(name) - 4
    stop = place + struct.unpack_from(">I", data, place)[0]
    changed = bytearray(data[:stop] + more + data[stop:])
    for outer in (b"trak", b"mdia", b"minf", name):
        start = data.index(outer) - 4
        struct.pack_into(">I", changed, start, struct.unpack_from(">I", data, start)[0] + len(more))
    return bytes(changed)
