"""Files that say something about space, put together byte by byte from the specifications, without the package."""

import struct
import uuid

import numpy as np


def box(name: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I", 8 + len(content)) + name + content


def sa3d(order=1, channel_map=(0, 1, 2, 3), *, stereo=False, version=0, ordering=0, normalization=0) -> bytes:
    numbers = struct.pack(">BBIBBI", version, 128 * stereo, order, ordering, normalization, len(channel_map))
    return box(b"SA3D", numbers, struct.pack(f">{len(channel_map)}I", *channel_map))


def sv3d(yaw=0.0, pitch=0.0, roll=0.0, bounds=(0, 0, 0, 0), projection=b"equi") -> bytes:
    """Angles in degrees, as the file has them; bounds as shares."""
    pose = box(b"prhd", bytes(4), struct.pack(">3i", *(round(65536 * a) for a in (yaw, pitch, roll))))
    shape = {
        b"equi": struct.pack(">4I", *(round(2**32 * b) for b in bounds)),
        b"cbmp": struct.pack(">2I", 0, 0),
        b"mshp": b"crc_raw " + bytes(40),
    }[projection]
    return box(b"sv3d", box(b"svhd", bytes(4), b"a camera\0"), box(b"proj", pose, box(projection, bytes(4), shape)))


def st3d(mode: int) -> bytes:
    return box(b"st3d", bytes(4), bytes([mode]))


V1 = b"""<?xml version="1.0"?>
<rdf:SphericalVideo xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
                    xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/">
  <GSpherical:Spherical>true</GSpherical:Spherical>
  <GSpherical:Stitched>true</GSpherical:Stitched>
  <GSpherical:StitchingSoftware>a program</GSpherical:StitchingSoftware>
  <GSpherical:ProjectionType>equirectangular</GSpherical:ProjectionType>%s
</rdf:SphericalVideo>"""
CROP = b"".join(
    b"<GSpherical:%s>%d</GSpherical:%s>" % (name, value, name)
    for name, value in [
        (b"FullPanoWidthPixels", 1000),
        (b"FullPanoHeightPixels", 500),
        (b"CroppedAreaImageWidthPixels", 750),
        (b"CroppedAreaImageHeightPixels", 400),
        (b"CroppedAreaLeftPixels", 250),
        (b"CroppedAreaTopPixels", 50),
    ]
)


def v1_box(xml: bytes = V1 % b"") -> bytes:
    return box(b"uuid", uuid.UUID("ffcc8263-f855-4a93-8814-587a02521fdd").bytes, xml)


def track(kind: bytes, entry: bytes, *beside: bytes) -> bytes:
    described = box(b"stbl", box(b"stsd", struct.pack(">II", 0, 1), entry))
    handler = box(b"hdlr", bytes(8), kind, bytes(13))
    return box(b"trak", box(b"tkhd", bytes(84)), box(b"mdia", handler, box(b"minf", described)), *beside)


def sound_entry(*inside: bytes, channels=4, version=0, name=b"mp4a") -> bytes:
    more = {0: b"", 1: bytes(16), 2: struct.pack(">IdI", 72, 48000.0, channels) + bytes(20)}[version]
    shown = 3 if version == 2 else channels
    head = bytes(6) + struct.pack(">HHHIHHHHI", 1, version, 0, 0, shown, 16, 0, 0, 48000 << 16)
    return box(name, head, more, *inside)


def picture_entry(*inside: bytes) -> bytes:
    return box(b"avc1", bytes(78), box(b"avcC", bytes(7)), *inside)


def mp4(*tracks: bytes) -> bytes:
    return box(b"ftyp", b"isom" + bytes(4)) + box(b"mdat", bytes(16)) + box(b"moov", box(b"mvhd", bytes(100)), *tracks)


def opus_table(channels: int, family: int, *, streams=None, coupled=0, mapping=None, matrix=None) -> bytes:
    streams = channels if streams is None else streams
    if matrix is not None:
        table = np.round(np.asarray(matrix).T * 32768).clip(-32768, 32767).astype("<i2").tobytes()
    else:
        table = bytes(range(channels) if mapping is None else mapping)
    return bytes([streams, coupled]) + table


def opus_head(channels: int, family: int, **table) -> bytes:
    more = b"" if family == 0 else opus_table(channels, family, **table)
    return b"OpusHead" + struct.pack("<BBHIhB", 1, channels, 312, 48000, 0, family) + more


def dops(channels: int, family: int, **table) -> bytes:
    return box(
        b"dOps", struct.pack(">BBHIhB", 0, channels, 312, 48000, 0, family), opus_table(channels, family, **table)
    )


def slow_ogg_checksum(page: bytes) -> int:
    """By the definition of RFC 3533, one bit after another."""
    register = 0
    for byte in page:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1) ^ (0x04C11DB7 if register & 0x80000000 else 0)
            register &= 0xFFFFFFFF
    return register


def ogg_page(content: bytes, number=0, *, flags=0, serial=1, position=0) -> bytes:
    lacing = bytes([255] * (len(content) // 255) + [len(content) % 255])
    head = b"OggS" + struct.pack("<BBqIII", 0, flags, position, serial, number, 0) + bytes([len(lacing)]) + lacing
    checksum = slow_ogg_checksum(head + content)
    return head[:22] + struct.pack("<I", checksum) + head[26:] + content


def ebml(number: int, *contents: bytes, size: int | None = None) -> bytes:
    content = b"".join(contents)
    length = len(content) if size is None else size
    return number.to_bytes((number.bit_length() + 7) // 8, "big") + (length | 1 << 56).to_bytes(8, "big") + content


def matroska(*tracks: bytes, tags: bytes = b"") -> bytes:
    head = ebml(0x1A45DFA3, ebml(0x4282, b"webm"))
    return head + ebml(0x18538067, ebml(0xEC, bytes(9)), tags, ebml(0x1654AE6B, *tracks), ebml(0x1F43B675, bytes(30)))


def mkv_picture(*inside: bytes) -> bytes:
    return ebml(0xAE, ebml(0x83, b"\x01"), ebml(0xE0, ebml(0xB0, b"\x40"), *inside))


def mkv_projection(kind=1, private=b"", **angles) -> bytes:
    numbers = {"yaw": 0x7673, "pitch": 0x7674, "roll": 0x7675}
    values = [ebml(numbers[name], struct.pack(">d", value)) for name, value in angles.items()]
    data = [ebml(0x7672, private)] if private else []
    return ebml(0x7670, ebml(0x7671, bytes([kind])), *data, *values)


def mkv_sound(head: bytes, channels: int) -> bytes:
    audio = ebml(0xE1, ebml(0x9F, bytes([channels])))
    return ebml(0xAE, ebml(0x83, b"\x02"), ebml(0x86, b"A_OPUS"), ebml(0x63A2, head), audio)


def mkv_tag(xml: bytes) -> bytes:
    return ebml(0x1254C367, ebml(0x7373, ebml(0x67C8, ebml(0x45A3, b"SPHERICAL-VIDEO"), ebml(0x4487, xml))))


def chunk(name: bytes, content: bytes, order="<", size: int | None = None) -> bytes:
    size = len(content) if size is None else size
    return name + struct.pack(order + "I", size) + content + b"\0" * (len(content) % 2)


def wave(samples: np.ndarray, *chunks: bytes, form=b"RIFF", mask=None, guid=None, order="<", rate=48000) -> bytes:
    """16-bit samples (channels, time); with a mask or a GUID as WAVE_FORMAT_EXTENSIBLE."""
    channels = len(samples)
    data = np.round(samples.T * 32767).astype(order + "i2").tobytes()
    described = struct.pack(order + "HHIIHH", 1, channels, rate, 2 * channels * rate, 2 * channels, 16)
    if mask is not None or guid is not None:
        name = uuid.UUID(guid or "00000001-0000-0010-8000-00aa00389b71")
        kind = name.bytes if order == ">" else name.bytes_le  # as libsndfile has it
        described = (
            struct.pack(order + "H", 0xFFFE) + described[2:] + struct.pack(order + "HHI", 22, 16, mask or 0) + kind
        )
    body = [chunk(b"fmt ", described, order), *chunks]
    if form == b"RIFF" or form == b"RIFX":
        body.append(chunk(b"data", data, order))
        content = b"WAVE" + b"".join(body)
        return form + struct.pack(order + "I", len(content)) + content
    content = b"".join([*body, chunk(b"data", data, size=0xFFFFFFFF)])
    sizes = struct.pack("<QQQI", len(content) + 4 + 36, len(data), samples.shape[1], 0)
    return form + struct.pack("<I", 0xFFFFFFFF) + b"WAVE" + chunk(b"ds64", sizes) + content


AMB = "00000001-0721-11d3-8644-c8c1ca000000"


def chna(*lines: tuple[int, str, str, str]) -> bytes:
    records = [
        struct.pack("<H12s14s11sx", index, uid.encode(), reference.encode(), pack.encode())
        for index, uid, reference, pack in lines
    ]
    return chunk(b"chna", struct.pack("<HH", len({line[0] for line in lines}), len(lines)) + b"".join(records))


def adm_of(components: list[tuple[int, int]], normalization: str | None, pack="AP_00041001", *, per_channel=False):
    """chna and axml of one field: (order, degree) of each track, in custom definitions."""
    scale = f"<normalization>{normalization}</normalization>" if normalization else ""
    channels = "".join(
        f'<audioChannelFormat audioChannelFormatID="AC_0004{k + 0x1001:04x}" typeLabel="0004" typeDefinition="HOA">'
        f'<audioBlockFormat audioBlockFormatID="AB_0004{k + 0x1001:04x}_00000001"><order>{n}</order>'
        f"<degree>{m}</degree>{scale if per_channel else ''}</audioBlockFormat></audioChannelFormat>"
        f'<audioStreamFormat audioStreamFormatID="AS_0004{k + 0x1001:04x}"><audioChannelFormatIDRef>'
        f"AC_0004{k + 0x1001:04x}</audioChannelFormatIDRef><audioTrackFormatIDRef>AT_0004{k + 0x1001:04x}_01"
        "</audioTrackFormatIDRef></audioStreamFormat>"
        for k, (n, m) in enumerate(components)
    )
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?><ebuCoreMain xmlns="urn:ebu"><coreMetadata>'
        f'<format><audioFormatExtended><audioPackFormat audioPackFormatID="{pack}" typeLabel="0004" '
        f'typeDefinition="HOA">{"" if per_channel else scale}</audioPackFormat>{channels}</audioFormatExtended>'
        "</format></coreMetadata></ebuCoreMain>"
    )
    lines = [(k + 1, f"ATU_{k + 1:08d}", f"AT_0004{k + 0x1001:04x}_01", pack) for k in range(len(components))]
    return chna(*lines), chunk(b"axml", xml.encode())


def caf(samples: np.ndarray, *chunks: tuple[bytes, bytes], after: tuple[tuple[bytes, bytes], ...] = ()) -> bytes:
    """32-bit floats, big-endian (channels, time)."""
    channels = len(samples)
    described = struct.pack(">d4sIIIII", 48000.0, b"lpcm", 1, 4 * channels, 1, channels, 32)
    data = (b"data", bytes(4) + samples.T.astype(">f4").tobytes())
    parts = [(b"desc", described), *chunks, data, *after]
    return b"caff\0\1\0\0" + b"".join(name + struct.pack(">q", len(content)) + content for name, content in parts)


def ambix_uuid(matrix: np.ndarray, order=">", *, early=False) -> tuple[bytes, bytes]:
    name = b"IEM.AT/AMBIX/XML" if early else uuid.UUID("1ad318c3-00e5-5576-be2d-0dca2460bc89").bytes
    return b"uuid", name + struct.pack(order + "II", *matrix.shape) + matrix.astype(order + "f4").tobytes()
