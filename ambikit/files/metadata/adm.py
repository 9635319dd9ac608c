"""The Audio Definition Model in BW64 files, as far as it says that channels are a sound field.

ITU-R BS.2088 (the ``chna`` chunk: which track is which channel), BS.2076 (``axml``: type 0004 is HOA; order, degree and
normalization, SN3D unless said) and BS.2094 (common definitions that need no axml: AP_0004000N is a full field of
order N in SN3D, with the channels AC_0004000k for ACN k − 1).
"""

import struct
from dataclasses import dataclass
from math import isqrt

from ambikit.files.metadata.facts import SpatialMetadata
from ambikit.files.metadata.safe_xml import Element, parse_xml

__all__ = ["Track", "parse_adm", "parse_chna"]

_RECORD = struct.Struct("<H12s14s11sx")
_MOST_TRACKS = 1024
_HIGHEST_ORDER = 14
_HOA = "0004"
# AP_00040001 to 6: full fields in SN3D; the channels of the other common packs have numbers not known here
_COMMON_PACKS = tuple(f"AP_0004000{order}" for order in range(1, 7))
_NORMALIZATIONS = {"SN3D": "sn3d", "N3D": "n3d", "FUMA": "fuma"}


@dataclass(frozen=True)
class Track:
    """One line of ``chna``: a track, counted from 1, and the identifiers of what is on it."""

    index: int
    uid: str
    reference: str
    pack: str


def parse_chna(data: bytes) -> list[Track]:
    r"""The lines of a ``chna`` chunk, as many as are really there.

    Examples
    --------
    >>> data = bytes.fromhex("01000100 0100") + b"ATU_00000001AT_00031001_01AP_00031001\0"
    >>> parse_chna(data)
    [Track(index=1, uid='ATU_00000001', reference='AT_00031001_01', pack='AP_00031001')]
    """
    count = (
        min(struct.unpack_from("<2H", data)[1], (len(data) - 4) // _RECORD.size, _MOST_TRACKS) if len(data) > 3 else 0
    )
    lines = [_RECORD.unpack_from(data, 4 + _RECORD.size * k) for k in range(count)]
    return [Track(index, *(_text(word) for word in words)) for index, *words in lines if index]


def parse_adm(tracks: list[Track], xml: bytes, channels: int) -> SpatialMetadata:
    """What ``chna`` and ``axml`` say together of a file with so many channels."""
    packs = {track.pack.upper() for track in tracks}
    fields = sorted(pack for pack in packs if pack[3:7] == _HOA)
    if not fields:
        return SpatialMetadata(origin=("ADM",)) if tracks else SpatialMetadata()
    if len(fields) > 1:
        return _useless(f"it holds {len(fields)} sound fields; which one is meant is not guessed")
    root = parse_xml(xml) if xml else Element("", {})
    if root is None:
        return _useless("its axml is no XML that can be trusted")
    formats = {_identifier(e, "audioChannelFormatID"): e for e in root.find_all("audioChannelFormat")}
    streams = _channels_of_tracks(root)
    pack = next((e for e in root.find_all("audioPackFormat") if _identifier(e, "audioPackFormatID") == fields[0]), None)
    scale_of_pack = _word(pack, "normalization") or "SN3D"
    components: list[int | None] = [None] * channels
    known: dict[str, tuple[int | None, str | None]] = {}
    scales = set()
    for track in tracks:
        if track.pack.upper() != fields[0] or track.index > channels:
            continue
        reference = track.reference.upper()
        channel = streams.get(reference, "AC_" + reference[3:11])
        if channel not in known:
            known[channel] = _component(formats.get(channel), channel, fields[0], scale_of_pack)
        component, scale = known[channel]
        if component is None:
            return _useless(f"which component {channel[:11]} is, it does not say")
        components[track.index - 1] = component
        scales.add(scale)
    found = sorted(component for component in components if component is not None)
    order = isqrt(len(found)) - 1
    if found != list(range((order + 1) ** 2)) or not found:
        return _useless(f"its components {found[:20]} are no full sound field")
    if len(scales) > 1 or None in scales:
        return _useless("its channels have different normalisations, or one that is unknown")
    return SpatialMetadata(
        order=order,
        ordering="acn",
        normalization=scales.pop(),
        channels=channels,
        channel_map=tuple(components),
        origin=("ADM",),
    )


def _component(element: Element | None, channel: str, pack: str, scale: str) -> tuple[int | None, str | None]:
    """ACN number and normalisation of a channel; None for what is not said."""
    if element is None:  # a common definition
        number = int(channel[7:11], 16) if len(channel) == 11 and set(channel[7:]) <= set("0123456789ABCDEF") else 0
        known = pack in _COMMON_PACKS and channel[3:7] == _HOA and 0 < number <= (int(pack[-1]) + 1) ** 2
        return (number - 1 if known else None), "sn3d"
    order, degree = _word(element, "order"), _word(element, "degree")
    scale = (_word(element, "normalization") or scale).upper()
    if not _is_number(order) or not _is_number(degree.removeprefix("-")):
        return None, None
    n, m = int(order), int(degree)
    return (n * (n + 1) + m if abs(m) <= n <= _HIGHEST_ORDER else None), _NORMALIZATIONS.get(scale)


def _channels_of_tracks(root: Element) -> dict[str, str]:
    """The channel behind each track format: directly, or by the stream format between the two."""
    found = {}
    for element in root.find_all("audioStreamFormat"):
        channel = _word(element, "audioChannelFormatIDRef").upper()
        for reference in element.find_all("audioTrackFormatIDRef"):
            found[reference.text.upper()] = channel
    return found


def _identifier(element: Element, name: str) -> str:
    return element.attributes.get(name, "").upper()


def _word(element: Element | None, name: str) -> str:
    found = element.find_all(name) if element is not None else []
    return found[0].text if found else ""


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 4


def _text(word: bytes) -> str:
    return word.split(b"\0")[0].decode("ascii", "replace")


def _useless(why: str) -> SpatialMetadata:
    return SpatialMetadata(origin=("ADM",), notes=(f"ADM: {why}; it is not used",))
