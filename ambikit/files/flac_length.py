"""How long a FLAC is that was written into a pipe: its header says 0, its last frame knows better.

RFC 9639: every frame begins with its number and its length, and ends with a checksum; the last one must end with the
file, or the file was cut off.
"""

import struct
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import UInt16

from ambikit.errors import FileError

__all__ = ["length_patch"]

#: where STREAMINFO has the total number of samples: the last 36 of the 40 bits from here
_TOTAL = 21
#: bytes from the end in which the last frame is looked for: twice 4608 samples of eight channels in 24 bits
_LARGEST_FRAME = 2**18
_MOST_CANDIDATES = 1024
_COLUMNS = 256


def length_patch(path: Path) -> dict[int, bytes]:
    """The bytes of the header that would name the length, by their place; none if the header does."""
    with path.open("rb") as file:
        head = file.read(42)
        if len(head) < 42 or head[:4] != b"fLaC" or head[4] & 0x7F:
            return {}
        total = int.from_bytes(head[_TOTAL : _TOTAL + 5], "big")
        if total & (2**36 - 1):
            return {}
        size = path.stat().st_size
        file.seek(max(42, size - _LARGEST_FRAME))
        tail = file.read(_LARGEST_FRAME)
    end = _end_of_last_frame(tail, struct.unpack_from(">H", head, 8)[0])
    if end is None:
        raise FileError(
            f"got {path}, which does not say how long it is and does not end with a whole frame; expected one; it was "
            "cut off: copy or download it again"
        )
    return {_TOTAL: (total | end).to_bytes(5, "big")} if end < 2**36 else {}


def _end_of_last_frame(tail: bytes, block_size: int) -> int | None:
    """The number of the sample after the last one; None if no frame ends where the file does."""
    place, budget = len(tail), _LARGEST_FRAME
    for _ in range(_MOST_CANDIDATES):
        place = tail.rfind(b"\xff", 0, place)
        if place < 0:
            return None
        end = _end_of_frame(tail[place : place + 16], block_size)
        if end is None:
            continue
        budget -= len(tail) - place
        if budget < 0:
            return None
        if _checksum_of_frame(tail[place:]) == 0:
            return end
    return None


def _end_of_frame(header: bytes, block_size: int) -> int | None:
    """The number of the sample after a frame, if its header is one, as its own checksum tells."""
    if len(header) < 6 or header[1] not in (0xF8, 0xF9):
        return None
    code, rate = header[2] >> 4, header[2] & 15
    first = header[4]
    length = 1 if first < 0x80 else 8 - (first ^ 0xFF).bit_length()
    if (length == 1 and first >= 0x80) or length > 7 or not code or rate == 15:
        return None
    sizes = {6: 1, 7: 2}.get(code, 0)
    stop = 4 + length + sizes + {12: 1, 13: 2, 14: 2}.get(rate, 0)
    if stop >= len(header) or _checksum_of_header(header[: stop + 1]) != 0:
        return None
    number = first if length == 1 else first & ((1 << (7 - length)) - 1)
    for byte in header[5 : 4 + length]:
        number = number << 6 | byte & 0x3F
    if sizes:
        samples = int.from_bytes(header[4 + length : 4 + length + sizes], "big") + 1
    else:
        samples = 192 if code == 1 else 576 << (code - 2) if code < 6 else 256 << (code - 8)
    return (number if header[1] == 0xF9 else number * block_size) + samples


def _checksum_of_header(data: bytes) -> int:
    """The check of eight bits, which begins at 0; over data that ends with its own it is 0."""
    register = 0
    for byte in data:
        register = _TABLES[8][register ^ byte]
    return register


def _checksum_of_frame(data: bytes) -> int:
    """The same of sixteen bits, in rows: a hostile file has us check 2^18 bytes."""
    rows = np.frombuffer(bytes(-len(data) % _COLUMNS) + data, np.uint8).reshape(-1, _COLUMNS)  # zeros before: no change
    parts = _parts()
    register = 0
    for part in np.bitwise_xor.reduce(parts[np.arange(_COLUMNS), rows], axis=1).tolist():
        register = part ^ int(parts[0, register >> 8] ^ parts[1, register & 255])
    return register


@lru_cache
def _parts() -> UInt16[np.ndarray, "columns 256"]:
    """What each byte in each column of a row adds to the check of the row, as the check is linear."""
    table = np.array(_TABLES[16], np.uint16)
    parts = [table]
    for _ in range(_COLUMNS - 1):
        parts.append(parts[-1] << 8 ^ table[parts[-1] >> 8])
    return np.stack(parts[::-1])


def _of_byte(byte: int, bits: int, polynomial: int) -> int:
    register = byte << (bits - 8)
    for _ in range(8):
        register = (register << 1) ^ (polynomial if register >> (bits - 1) else 0)
        register &= (1 << bits) - 1
    return register


_TABLES = {bits: [_of_byte(k, bits, way) for k in range(256)] for bits, way in ((8, 0x07), (16, 0x8005))}
