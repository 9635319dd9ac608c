"""How many channels AAC sound has, by the configuration in its ``esds`` box: the sample entry often says two.

ISO/IEC 14496-1 (descriptors) and 14496-3 (AudioSpecificConfig, program_config_element).
"""

__all__ = ["channels_of_esds"]

#: tags of the descriptors, one in the other, and the bytes of each before the next
_NESTED = ((3, 3), (4, 13), (5, 0))
#: kinds of streams that are AAC: of MPEG-4, and three of MPEG-2
_KINDS = (b"\x40", b"\x66", b"\x67", b"\x68")
_CHANNELS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8, 14: 8}
_SPECTRAL_REPLICATION = (5, 29)


def channels_of_esds(content: bytes) -> int | None:
    """The channels that an ``esds`` box (from its version on) configures; None if it does not say.

    Examples
    --------
    >>> channels_of_esds(bytes.fromhex("00000000 03 16 000000 04 11 40150000000000000000000000 05 02 11a0"))
    4
    """
    place = 4
    for tag, length in _NESTED:
        if content[place : place + 1] != bytes([tag]):
            return None
        place += 1
        while content[place : place + 1] >= b"\x80":  # a size in groups of seven bits
            place += 1
        place += 1
        if tag == 4 and content[place : place + 1] not in _KINDS:
            return None
        place += length
    return _channels(_Bits(content[place : place + 64]))


class _Bits:
    """Numbers of so many bits, one after another; zeros after the end."""

    def __init__(self, data: bytes) -> None:
        self._number, self._left = int.from_bytes(data, "big"), 8 * len(data)
        self.is_over = False

    def take(self, count: int) -> int:
        self._left -= count
        self.is_over = self._left < 0
        return 0 if self.is_over else self._number >> self._left & ((1 << count) - 1)


def _channels(bits: _Bits) -> int | None:
    kind = _kind(bits)
    _skip_rate(bits)
    configuration = bits.take(4)
    if kind in _SPECTRAL_REPLICATION:
        _skip_rate(bits)
        _kind(bits)
    if configuration == 0 and not bits.is_over:
        return _of_elements(bits)
    return None if bits.is_over else _CHANNELS.get(configuration)


def _kind(bits: _Bits) -> int:
    kind = bits.take(5)
    return 32 + bits.take(6) if kind == 31 else kind


def _skip_rate(bits: _Bits) -> None:
    if bits.take(4) == 15:
        bits.take(24)


def _of_elements(bits: _Bits) -> int | None:
    """The channels of a program_config_element: two for each pair among its front, side and back elements."""
    bits.take(1)
    if bits.take(1):
        bits.take(14)
    bits.take(1 + 4 + 2 + 4)
    front_side_back = [bits.take(4) for _ in range(3)]
    low = bits.take(2)
    bits.take(3 + 4)
    for length in (4, 4, 3):  # mixes to fewer channels
        if bits.take(1):
            bits.take(length)
    pairs = [bits.take(5) >> 4 for _ in range(sum(front_side_back))]
    return None if bits.is_over else len(pairs) + sum(pairs) + low
