"""CAF: the ambiX ``uuid`` chunk with its matrix, and the ``chan`` chunk with Apple's names for layouts.

Nachbar, Zotter, Deleflie, Sontacchi: AmbiX, a suggested Ambisonics format (2011): basic files hold a full set of ACN,
SN3D and say no more; extended ones hold a matrix that makes the full set out of the first channels, and perhaps
further channels. The identifier is the UUID of version 5 of the URL of the format; early files have ASCII letters.
"""

import struct
from math import isqrt
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from ambikit.files.metadata.bounds import BoundedFile
from ambikit.files.metadata.facts import SpatialMetadata, joined
from ambikit.files.metadata.walking import walk_caf

__all__ = ["AMBIX_UUID", "ambix_chunk", "parse_caf"]

AMBIX_UUID = uuid5(NAMESPACE_URL, "http://ambisonics.iem.at/xchange/format/1.0").bytes
_EARLY_UUID = b"IEM.AT/AMBIX/XML"
_MOST_CHANNELS = 256

_DESCRIBED, _BITMAP = 0, 1 << 16
_B_FORMAT = 107 << 16 | 4
_ACN = {190: "sn3d", 191: "n3d"}
_LAYOUTS = {100: "mono", 101: "stereo", 108: "quad", 115: "4.0", 116: "4.0", 121: "5.1", 122: "5.1", 123: "5.1"}


def parse_caf(file: BoundedFile) -> SpatialMetadata:
    """What a CAF file says."""
    channels = 0
    ambix = layout = SpatialMetadata()
    for name, content, stop in walk_caf(file):
        if name == b"desc" and stop - content >= 32:
            channels = struct.unpack(">I", file.read(content + 24, 4))[0]
        elif name == b"uuid" and file.read(content, 16) in (AMBIX_UUID, _EARLY_UUID):
            ambix = _ambix(file.read(content + 16, min(stop - content - 16, 8 + 4 * _MOST_CHANNELS**2)), channels)
        elif name == b"chan" and stop - content >= 12:
            layout = _layout(*struct.unpack(">2I", file.read(content, 8)), channels)
    return joined(ambix, layout)


def ambix_chunk(matrix: np.ndarray) -> bytes:
    """The ``uuid`` chunk of an extended ambiX file whose full set is ``matrix`` times its first channels.

    Examples
    --------
    >>> chunk = ambix_chunk(np.eye(4))
    >>> chunk[:4], len(chunk)
    (b'uuid', 100)
    """
    content = AMBIX_UUID + struct.pack(">2I", *matrix.shape) + np.asarray(matrix, dtype=">f4").tobytes()
    return struct.pack(">4sq", b"uuid", len(content)) + content


def _ambix(data: bytes, channels: int) -> SpatialMetadata:
    for order in "><":  # the file's own byte order; some writers used their machine's
        if len(data) < 8:
            break
        rows, columns = struct.unpack_from(order + "2I", data)
        if 0 < rows <= _MOST_CHANNELS and 0 < columns <= _MOST_CHANNELS and len(data) >= 8 + 4 * rows * columns:
            matrix = np.frombuffer(data, order + "f4", rows * columns, offset=8).reshape(rows, columns)
            if not np.isfinite(matrix).all():
                return _useless("its matrix is not of numbers")
            return _extended(matrix.astype(np.float64), channels)
    return _useless("its matrix is cut off or of an impossible size")


def _extended(matrix: np.ndarray, channels: int) -> SpatialMetadata:
    rows, columns = matrix.shape
    field = isqrt(rows) - 1
    if (field + 1) ** 2 != rows or columns > rows:
        return _useless(f"a matrix of {rows} x {columns} makes no full sound field")
    if columns > channels:
        return _useless(f"a matrix for {columns} channels in a file of {channels}")
    if not matrix.any():
        return _useless("its matrix is empty")
    return SpatialMetadata(
        order=field,
        ordering="acn",
        normalization="sn3d",
        channels=channels,
        matrix=tuple(map(tuple, matrix.tolist())),
        origin=("ambiX",),
    )


def _useless(why: str) -> SpatialMetadata:
    return SpatialMetadata(origin=("ambiX",), notes=(f"ambiX: {why}; the chunk is not used",))


def _layout(tag: int, bitmap: int, channels: int) -> SpatialMetadata:
    said, count = tag >> 16, tag & 0xFFFF
    if said in _ACN:
        order = isqrt(count) - 1
        if order < 0 or (order + 1) ** 2 != count or count != channels:
            note = f"chan: the {count} channels of its sound field are not the file's {channels}; it is not used"
            return SpatialMetadata(origin=("chan",), notes=(note,))
        return SpatialMetadata(order=order, ordering="acn", normalization=_ACN[said], channels=count, origin=("chan",))
    if tag == _B_FORMAT:
        note = "chan: B-format, W X Y Z, whose scale it does not say (W is often 3 dB down, as in FuMa)"
        return SpatialMetadata(order=1, ordering="fuma", channels=channels, origin=("chan",), notes=(note,))
    if tag == _BITMAP:
        return SpatialMetadata(loudspeakers=f"mask {bitmap:#x}" if bitmap else None, origin=("chan",))
    if tag == _DESCRIBED or said == 147:  # channels described one by one, or in no particular order
        return SpatialMetadata()
    return SpatialMetadata(loudspeakers=_LAYOUTS.get(said, f"layout {said}"), origin=("chan",))
