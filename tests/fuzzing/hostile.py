"""Files that mean harm, and what an answer to each of them costs: ``python -m tests.fuzzing.hostile``."""

import json
import struct
import time
import tracemalloc

import numpy as np

from tests import spatial_files as made
from tests.fuzzing.runs import answer
from tests.fuzzing.seeds import SILENCE

MEGABYTE = 2**20


def cost(call):
    """Seconds of this thread (the best of three) and the peak of memory in bytes."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    times = []
    for _ in range(3):
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return min(times), peak


def nested(name: bytes, depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = made.box(name, data)
    return data


def made_header() -> bytes:
    """Of a frame of 4096 samples in four channels, with its checksum by the definition, one bit after another."""
    header = bytes.fromhex("fff8ca3800")
    register = 0
    for bit in (byte >> k & 1 for byte in header for k in range(7, -1, -1)):
        register = (register << 1 & 255) ^ (7 if (register >> 7) ^ bit else 0)
    return header + bytes([register])


def flac(frames: bytes) -> bytes:
    """A FLAC that does not say its length."""
    numbers = (48000 << 44 | 3 << 41 | 15 << 36).to_bytes(8, "big")
    return b"fLaC\x80\0\0\x22" + struct.pack(">HH", 4096, 4096) + bytes(6) + numbers + bytes(16) + frames


def hostile() -> dict[str, tuple[str, bytes]]:
    """By name: the parser, and a file."""
    many_tracks = made.track(b"soun", made.sound_entry(made.sa3d()))
    ebml_empty = made.ebml(0xEC) * 20_000
    first_box = struct.pack(">I4sQ", 1, b"moov", 2**63)
    big_chna = made.chna(*[(k % 4 + 1, f"ATU_{k:08d}", "AT_00040001_01", "AP_00040001") for k in range(2000)])
    channel = '<audioChannelFormat audioChannelFormatID="AC_0004{:04x}">'
    deep_xml = "".join(channel.format(k) for k in range(14)) + "<order>0</order>" * 7000 + "</audioChannelFormat>" * 14
    axml = made.chunk(b"axml", f"<a>{deep_xml}</a>".encode())
    lying_table = bytes([0, 255]) + bytes(8) + b"\3\xff\0"
    spaces = made.chunk(b"axml", b"<a>" + b" " * (4 * MEGABYTE - 99))
    ambix = made.ambix_uuid(np.eye(1))[1][:16]
    entry = made.sound_entry(made.box(b"SA3D", struct.pack(">BBIBBI", 0, 0, 2**31, 0, 0, 2**32 - 1)), channels=65535)
    video = made.box(b"ftyp", b"isom") + made.box(b"moov", many_tracks, made.track(b"vide", made.picture_entry()))
    fragment = made.box(b"moof", made.box(b"traf", made.box(b"tfhd", struct.pack(">IIQ", 1, 1, 900))))
    table = made.box(b"stbl", made.box(b"stco", struct.pack(">3I", 0, 1, 9)) * 2000)
    tables = made.box(b"moov", many_tracks, *[made.box(b"trak", made.box(b"mdia", made.box(b"minf", table)))] * 5)
    entries = made.sound_entry(made.sa3d()) * 30
    many_entries = made.track(b"soun", entries).replace(struct.pack(">II", 0, 1), struct.pack(">II", 0, 30), 1)
    return {
        "20,000 empty boxes": ("mp4", made.mp4(made.box(b"free") * 20_000)),
        "20,000 empty boxes before": ("mp4", made.box(b"free") * 20_000 + made.mp4()),
        "a box of 2^63 bytes": ("mp4", first_box + bytes(1000)),
        "a box in a box, 2,000 times": ("mp4", made.box(b"ftyp", b"isom") + nested(b"moov", 2000)),
        "500 tracks": ("mp4", made.mp4(*[many_tracks] * 500)),
        "4 GiB of channels": ("mp4", made.mp4(made.track(b"soun", entry))),
        "an opus table of 255 x 255 that is not there": (
            "mp4",
            made.mp4(made.track(b"soun", made.sound_entry(made.box(b"dOps", lying_table)))),
        ),
        "20,000 empty elements": ("matroska", made.matroska(ebml_empty)),
        "an element of unknown size in itself": ("matroska", made.ebml(0x18538067, size=2**56 - 1) * 3000),
        "a tag of 2^40 bytes": ("matroska", made.ebml(0x18538067, made.ebml(0x1254C367, b"", size=2**40))),
        "20,000 empty chunks": ("wav", made.wave(SILENCE, made.chunk(b"junk", b"") * 20_000)),
        "2,000 lines of chna": ("wav", made.wave(SILENCE, big_chna, axml)),
        "65,535 channels": ("wav", made.wave(SILENCE, big_chna).replace(b"\1\0\4\0", b"\1\0\xff\xff", 1)),
        "4 MiB of spaces": (
            "wav",
            made.wave(SILENCE, big_chna, spaces),
        ),
        "4 MiB of elements": ("wav", made.wave(SILENCE, big_chna, made.chunk(b"axml", b"<a>" * (MEGABYTE + 9)))),
        "many attributes": (
            "wav",
            made.wave(SILENCE, big_chna, made.chunk(b"axml", b"<a>" + b"<b x='1' y='2' z='3'/>" * 100_000 + b"</a>")),
        ),
        "20,000 empty CAF chunks": ("caf", made.caf(SILENCE, *[(b"free", b"")] * 20_000)),
        "a CAF matrix of 2^32 x 2^32": (
            "caf",
            made.caf(SILENCE, (b"uuid", ambix + b"\xff" * 8)),
        ),
        "CAF chunks of negative size": ("caf", made.caf(SILENCE)[:8] + (b"free" + struct.pack(">q", -9)) * 100),
        "a tag into 8,000 empty boxes": ("tag", video + made.box(b"free") * 8000),
        "a tag before 2,000 fragments": ("tag", video + fragment * 2000),
        "a tag before 10,000 tables of positions": ("tag", made.box(b"ftyp", b"isom") + tables + made.box(b"mdat")),
        "a tag into 60 tracks of 30 entries": ("tag", made.mp4(*[many_entries] * 60)),
        "a tag into a box in a box, 2,000 times": ("tag", made.box(b"ftyp", b"isom") + nested(b"moov", 2000)),
        "a FLAC of frames that do not end": ("flac", flac(made_header() * 90_000)),
        "a FLAC of one long frame": ("flac", flac(bytes(290_000) + made_header() + bytes(250_000))),
        "100 Ogg streams": ("ogg", b"".join(made.ogg_page(b"x", flags=2, serial=k) for k in range(100))),
    }


if __name__ == "__main__":
    for name, (parser, data) in hostile().items():
        seconds, memory = cost(lambda: answer(parser, data))  # noqa: B023
        print(json.dumps({"file": name, "milliseconds": 1000 * seconds, "megabytes": memory / MEGABYTE}))
