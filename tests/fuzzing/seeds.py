"""Files to begin with: for each parser, at least one that says each thing it can be told."""

import struct

import numpy as np

from tests import spatial_files as made

SILENCE = np.zeros((4, 3), np.float32)
PARSERS = ("wav", "caf", "mp4", "matroska", "ogg")


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
        "matroska": [
            made.matroska(made.mkv_picture(made.ebml(0x53B8, b"\x03"), projection), made.mkv_sound(heads[1], 6)),
            made.matroska(made.mkv_picture(), tags=made.mkv_tag(made.V1 % made.CROP)),
        ],
        "ogg": [made.ogg_page(head, flags=2) for head in heads],
    }
