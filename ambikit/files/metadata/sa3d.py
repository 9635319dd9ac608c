"""The SA3D box of MP4 and MOV: a sound track that is an Ambisonic sound field, and which channel is which.

Layout and meaning: Spatial Audio RFC of the spatial-media project. The RFC's text has the map go from track channels
to components, and so does FFmpeg; its example of W, X, Y, Z goes the other way. Where the two disagree (a map that is
not its own inverse) the text is followed, and a note names the other reading.
"""

import struct

from ambikit.errors import ConventionError
from ambikit.files.metadata.facts import SpatialMetadata

__all__ = ["parse_sa3d", "sa3d_box"]

_HEAD = struct.Struct(">BBIBBI")
_HIGHEST_ORDER = 100
_STEREO_BIT = 0x80


def parse_sa3d(content: bytes) -> SpatialMetadata:
    """What an SA3D box says; ``content`` follows its name.

    Examples
    --------
    >>> parse_sa3d(sa3d_box(1)[8:]).channel_map
    (0, 1, 2, 3)
    """
    if len(content) < _HEAD.size:
        return _useless(f"it ends after {len(content)} bytes")
    version, kind, order, ordering, normalization, channels = _HEAD.unpack_from(content)
    stereo = bool(kind & _STEREO_BIT)
    if version or kind & ~_STEREO_BIT or ordering or normalization:
        return _useless(
            f"version {version}, type {kind & ~_STEREO_BIT}, ordering {ordering} and normalisation {normalization} are "
            "not all 0, the only values that have a meaning"
        )
    if order > _HIGHEST_ORDER or channels != (order + 1) ** 2 + 2 * stereo:
        return _useless(f"{channels} channels are not those of order {order}{' and a stereo pair' * stereo}")
    if len(content) < _HEAD.size + 4 * channels:
        return _useless("it ends within its channel map")
    stored = struct.unpack_from(f">{channels}I", content, _HEAD.size)
    if sorted(stored) != list(range(channels)):
        return _useless(f"the channel map {_shortened(stored)} is no order of {channels} channels")
    field = (order + 1) ** 2
    notes = ()
    inverse = [0] * channels
    for channel, component in enumerate(stored):
        inverse[component] = channel
    if tuple(inverse) != stored:
        notes = (
            f"SA3D: the channel map {_shortened(stored)} is read as the component of each channel, as the text of its "
            f"specification and FFmpeg have it, so that W, Y, Z, X, … are the channels {_shortened(inverse[:field])}; "
            f"by the example in the same specification they would be {_shortened(stored[:field])}",
        )
    mapped = tuple(component if component < field else None for component in stored)
    return SpatialMetadata(
        order=order,
        ordering="acn",
        normalization="sn3d",
        channels=channels,
        channel_map=mapped,
        head_locked_stereo=stereo,
        origin=("SA3D",),
        notes=notes,
    )


def sa3d_box(order: int, *, head_locked_stereo: bool = False) -> bytes:
    """The box, with its size and name, of an AmbiX sound field of full order, a stereo pair after it if there is one.

    Examples
    --------
    >>> sa3d_box(1).hex(" ", 4)
    '00000024 53413344 00000000 00010000 00000004 00000000 00000001 00000002 00000003'
    """
    if not 0 <= order <= _HIGHEST_ORDER:
        raise ConventionError(f"got order {order} for an SA3D box; expected 0 to {_HIGHEST_ORDER}; lower the order")
    channels = (order + 1) ** 2 + 2 * head_locked_stereo
    head = _HEAD.pack(0, _STEREO_BIT * head_locked_stereo, order, 0, 0, channels)
    content = head + struct.pack(f">{channels}I", *range(channels))
    return struct.pack(">I4s", 8 + len(content), b"SA3D") + content


def _useless(why: str) -> SpatialMetadata:
    return SpatialMetadata(origin=("SA3D",), notes=(f"SA3D: {why}; the box is not used",))


def _shortened(numbers: tuple[int, ...] | list[int]) -> str:
    said = ", ".join(map(str, numbers[:16]))
    return f"[{said}{', …' if len(numbers) > 16 else ''}]"
