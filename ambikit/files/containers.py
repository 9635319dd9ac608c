"""What wraps the sound: a file told by its first bytes, never by its name, and whether all of it is there.

A file that was cut off (a stopped download, a full card) often still opens, and gives a shorter signal without
a word. Containers say how long they are, so the walk below compares that with the length of the file. It reads
headers only, except that every page of an Ogg file has a checksum to be compared.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ambikit.errors import FileError
from ambikit.files.boxes import boxes
from ambikit.files.ogg_pages import check_ogg

__all__ = ["check_complete", "container_of", "regular_file", "riff_chunks", "speaker_mask"]

KNOWN = "WAV, RF64, BW64, AIFF, CAF, FLAC, Ogg, MP4/M4A/MOV and WebM/MKV"

#: the first box of an ISO base media file (MP4, M4A, MOV); old MOV files start without ``ftyp``
_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp")
#: every box that may stand outside all others
_BOXES = (*_FIRST_BOXES, b"moof", b"uuid", b"meta", b"sidx", b"ssix", b"mfra", b"emsg", b"prft")
#: what stands for a length in a WAV that was written into a pipe
_UNKNOWN_LENGTHS = (0xFFFFFFFF, 0x7FFFFFFF)
_MOST_CHUNKS = 1_000_000  # a bound for hostile files made of empty chunks


def regular_file(path: str | Path) -> Path:
    """``path`` as a Path, if an ordinary file lies there; a folder, a pipe or a device is refused."""
    path = Path(path)
    try:
        exists, ordinary = path.exists(), path.is_file()
    except (OSError, ValueError) as error:  # a name too long, or with a NUL character
        raise FileError(f"got the path {str(path)!r}: {error}; expected the name of a sound file") from error
    if not exists:
        raise FileError(f"got {path}; expected a file, but nothing is there; check the name and the folder")
    if not ordinary:
        kind = "a folder" if path.is_dir() else "not an ordinary file"
        raise FileError(f"got {path}, which is {kind}; expected a sound file ({KNOWN}); name one file")
    return path


def container_of(path: Path) -> str:
    """The container's family: wav, rf64, aiff, caf, flac, ogg, mp4 or matroska."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise FileError(f"got {path}, which cannot be opened ({error}); check its permissions") from error
    if not head:
        raise FileError(f"got {path}, which is empty (0 bytes); expected a sound file; copy or download it again")
    form, kind = head[:4], head[8:12]
    if form in (b"RIFF", b"RIFX") and kind == b"WAVE":
        return "wav"
    if form in (b"RF64", b"BW64") and kind == b"WAVE":
        return "rf64"
    if form == b"FORM" and kind in (b"AIFF", b"AIFC"):
        return "aiff"
    starts = {b"caff": "caf", b"fLaC": "flac", b"OggS": "ogg", b"\x1a\x45\xdf\xa3": "matroska"}
    if form in starts:
        return starts[form]
    if head[4:8] in _FIRST_BOXES:
        return "mp4"
    raise FileError(
        f"got {path}, which starts with the bytes {head.hex(' ')}; expected one of {KNOWN}; "
        "convert the file to one of them, e.g. with ffmpeg"
    )


def check_complete(path: Path, container: str) -> None:
    """Raise FileError if the file is shorter than its own headers say, or an Ogg file is damaged."""
    walks = {"wav": _riff_end, "rf64": _riff_end, "aiff": _aiff_end, "caf": _caf_end}
    walks |= {"mp4": _boxes_end, "matroska": _matroska_end}
    if container == "ogg":
        check_ogg(path)
    if container not in walks:
        return  # FLAC counts its samples instead; the reader compares them
    size = path.stat().st_size
    with path.open("rb") as file:
        end = walks[container](file, size)
    if end > size:
        raise FileError(
            f"got {path} of {size} bytes; expected {end} bytes by its own header: it was cut off or its header is "
            "damaged; copy or download it again"
        )


def speaker_mask(path: Path, container: str) -> int:
    """The loudspeakers a WAV or RF64 file says its channels are (dwChannelMask); 0 says nothing, as it should."""
    if container not in ("wav", "rf64"):
        return 0
    with path.open("rb") as file:
        order = _byte_order(file)
        for name, start, size in riff_chunks(file, order):
            if name == b"fmt " and size >= 24:
                file.seek(start)
                form = file.read(24)
                extensible = len(form) == 24 and struct.unpack(order + "H", form[:2])[0] == 0xFFFE
                return struct.unpack(order + "I", form[20:24])[0] if extensible else 0
    return 0


def _byte_order(file: BinaryIO) -> str:
    file.seek(0)
    return ">" if file.read(4) == b"RIFX" else "<"


def riff_chunks(file: BinaryIO, order: str, start: int = 12) -> Iterator[tuple[bytes, int, int]]:
    """Name, start of content and size of each chunk of a RIFF or IFF file, up to the end of the file."""
    for _ in range(_MOST_CHUNKS):
        file.seek(start)
        header = file.read(8)
        if len(header) < 8:
            return
        name, size = header[:4], struct.unpack(order + "I", header[4:])[0]
        yield name, start + 8, size
        start += 8 + size + size % 2


def _riff_end(file: BinaryIO, size: int) -> int:
    order = _byte_order(file)
    long_size = None
    for name, start, length in riff_chunks(file, order):
        if name == b"ds64":
            file.seek(start)
            sizes = file.read(16)
            long_size = struct.unpack("<QQ", sizes)[1] if len(sizes) == 16 else None
        if name == b"data":
            if length in _UNKNOWN_LENGTHS:  # or RF64 with its length in ds64
                return start if long_size is None else start + long_size
            return start + length
    return size


def _aiff_end(file: BinaryIO, size: int) -> int:
    for name, start, length in riff_chunks(file, ">"):
        if name == b"SSND":
            return start + length
    return size


def _caf_end(file: BinaryIO, size: int) -> int:
    start = 8
    for _ in range(_MOST_CHUNKS):
        file.seek(start)
        header = file.read(12)
        if len(header) < 12:
            return size
        length = struct.unpack(">q", header[4:])[0]
        if header[:4] == b"data" or length < 0:
            return start + 12 + max(length, 0)  # −1: to the end of the file
        start += 12 + length
        if start > size:
            return start
    return size


def _boxes_end(file: BinaryIO, size: int) -> int:
    for name, _, stop in boxes(file, 0, size):
        if name not in _BOXES:  # a trailer that a camera appended
            return size
        if stop > size:
            return stop
    return size


def _ebml_number(file: BinaryIO, *, keep_marker: bool) -> int | None:
    """One EBML variable-length number; None if there is none or its value is "unknown" (all ones)."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    length = 9 - first[0].bit_length()
    value = first[0] if keep_marker else first[0] & ((1 << (8 - length)) - 1)
    rest = file.read(length - 1)
    if len(rest) < length - 1:
        return None
    value = int.from_bytes(bytes([value]) + rest, "big")
    return None if not keep_marker and value == (1 << 7 * length) - 1 else value


def _matroska_end(file: BinaryIO, size: int) -> int:
    for _ in range(_MOST_CHUNKS):
        name = _ebml_number(file, keep_marker=True)
        length = _ebml_number(file, keep_marker=False)
        if name is None or length is None:  # a live stream: its length is unknown
            return size
        start = file.tell()
        if name == 0x18538067 or start + length > size:  # Segment: all the rest
            return start + length
        file.seek(start + length)
    return size
