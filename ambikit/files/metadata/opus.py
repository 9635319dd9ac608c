"""The identification header of Opus: its channel mapping family, 2 and 3 for Ambisonics.

RFC 7845 (the header), RFC 8486 (families 2 and 3: ACN, SN3D, orders to 14, perhaps a stereo pair at the end) and the
encapsulation of Opus in ISOBMFF (``dOps``: the same fields, big-endian, without the first eight bytes).
"""

from dataclasses import dataclass
from math import isqrt

import numpy as np

from ambikit.files.metadata.facts import SpatialMetadata

__all__ = ["OpusHead", "parse_dops", "parse_opus_head", "spatial_of_opus"]

_HIGHEST_ORDER = 14
_AMBISONIC = 2
_PROJECTED = 3


@dataclass(frozen=True)
class OpusHead:
    """The fields that say what the channels are.

    ``mapping`` tells for each output channel which decoded one it is (255: silence); of family 3 it is the demixing
    ``matrix``, channels × decoded channels.
    """

    channels: int
    family: int
    streams: int = 1
    coupled: int = 0
    mapping: tuple[int, ...] = ()
    matrix: tuple[tuple[float, ...], ...] | None = None


def parse_opus_head(data: bytes) -> OpusHead | None:
    """An ``OpusHead`` packet, as Ogg and Matroska have it; None if it is damaged.

    Examples
    --------
    >>> head = b"OpusHead" + bytes([1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 1, 2, 3])
    >>> parse_opus_head(head)
    OpusHead(channels=4, family=2, streams=4, coupled=0, mapping=(0, 1, 2, 3), matrix=None)
    """
    if data[:8] != b"OpusHead" or len(data) < 19 or data[8] >> 4:
        return None
    return _head(data[9], data[18], data[19:])


def parse_dops(data: bytes) -> OpusHead | None:
    """The content of a ``dOps`` box; None if it is damaged."""
    if len(data) < 11 or data[0]:
        return None
    return _head(data[1], data[10], data[11:])


def _head(channels: int, family: int, table: bytes) -> OpusHead | None:
    if not channels:
        return None
    if family == 0:
        return OpusHead(channels, 0, coupled=channels - 1) if channels <= 2 else None
    if len(table) < 2:
        return None
    streams, coupled = table[0], table[1]
    decoded = streams + coupled
    if not streams or coupled > streams or decoded > 255:
        return None
    if family != _PROJECTED:
        mapping = tuple(table[2 : 2 + channels])
        fits = len(mapping) == channels and all(k < decoded or k == 255 for k in mapping)
        return OpusHead(channels, family, streams, coupled, mapping) if fits else None
    size = 2 * channels * decoded
    if len(table) < 2 + size:
        return None
    columns = np.frombuffer(table, "<i2", channels * decoded, offset=2).reshape(decoded, channels) / 2**15
    return OpusHead(channels, family, streams, coupled, matrix=tuple(map(tuple, columns.T.tolist())))


def spatial_of_opus(head: OpusHead | None) -> SpatialMetadata:
    """What the header says about the space.

    Examples
    --------
    >>> spatial_of_opus(OpusHead(6, 2, 6, 0, (0, 1, 2, 3, 4, 5))).channel_map
    (0, 1, 2, 3, None, None)
    """
    if head is None:
        return SpatialMetadata(origin=("Opus",), notes=("Opus: its header is damaged; it is not used",))
    if head.family not in (_AMBISONIC, _PROJECTED):
        return SpatialMetadata()
    name = f"Opus family {head.family}"
    order = isqrt(head.channels) - 1
    rest = head.channels - (order + 1) ** 2
    if rest not in (0, 2) or order > _HIGHEST_ORDER:
        said = f"{name}: {head.channels} channels are no sound field, with or without a stereo pair; it is not used"
        return SpatialMetadata(origin=(name,), notes=(said,))
    field = head.channels - rest
    silent = [k for k in range(field) if head.mapping and head.mapping[k] == 255]
    if head.matrix is not None:
        silent = [k for k in range(field) if not any(head.matrix[k])]
    notes = (f"{name}: the components {silent} are left out: a sound field of mixed orders",) if silent else ()
    return SpatialMetadata(
        order=order,
        ordering="acn",
        normalization="sn3d",
        channels=head.channels,
        channel_map=(*range(field), *[None] * rest),
        head_locked_stereo=rest == 2,
        origin=(name,),
        notes=notes,
    )
