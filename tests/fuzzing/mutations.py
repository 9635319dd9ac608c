"""What may be wrong with a file: bytes, lengths that lie, pieces that are missing, doubled, or from elsewhere."""

import random
import struct

_NUMBERS = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    9,
    12,
    16,
    31,
    127,
    128,
    255,
    256,
    0x7FFF,
    0xFFFF,
    0x10000,
    2**31 - 1,
    2**31,
    2**32 - 1,
)
_LONG = (2**32, 2**63 - 1, 2**63, 2**64 - 1, 2**40)
_WORDS = (
    b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"soun", b"vide", b"mp4a", b"avc1", b"SA3D", b"sv3d", b"st3d",
    b"proj", b"prhd", b"equi", b"cbmp", b"mshp", b"dOps", b"uuid", b"OpusHead", b"OggS", b"RIFF", b"RF64", b"BW64",
    b"ds64", b"fmt ", b"data", b"chna", b"axml", b"desc", b"chan", b"IEM.AT/AMBIX/XML", b"<a>", b"</a>", b"&a;",
    b"<!DOCTYPE a [<!ENTITY a 'b'>]>", b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff",
    b"\x16\x54\xae\x6b", b"\x76\x70",
)  # fmt: skip


def mutate(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """A file near to ``data``; ``other`` lends pieces."""
    changed = bytearray(data)
    for _ in range(1 + int(rng.expovariate(0.5))):
        if not changed:
            return bytes(changed)
        place = rng.randrange(len(changed))
        kind = rng.randrange(9)
        if kind == 0:
            changed[place] = rng.randrange(256)
        elif kind == 1:
            changed[place] ^= 1 << rng.randrange(8)
        elif kind == 2:
            order = rng.choice("<>")
            changed[place : place + 4] = struct.pack(order + "I", rng.choice(_NUMBERS))
        elif kind == 3:
            changed[place : place + 8] = struct.pack(rng.choice("<>") + "Q", rng.choice(_LONG))
        elif kind == 4:
            word = rng.choice(_WORDS)
            changed[place : place + len(word) * rng.randrange(2)] = word
        elif kind == 5:
            del changed[place : place + rng.choice((1, 2, 4, 8, 64, 1024))]
        elif kind == 6:
            piece = changed[place : place + rng.choice((4, 8, 16, 64, 512))]
            changed[place:place] = piece * rng.choice((1, 2, 8))
        elif kind == 7:
            del changed[place:]
        else:
            start = rng.randrange(len(other)) if other else 0
            changed[place:place] = other[start : start + rng.choice((8, 32, 128, 512))]
    return bytes(changed[: 2**16])
