"""A second reading of MP4 and MOV files, slow and by the tables of ISO/IEC 14496-12, for the tests of those that change
them: the whole file in memory, every sample of every track by its bytes."""

import struct

CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"mfra", b"sv3d", b"proj", b"wave")
PICTURES = (b"avc1", b"mp4v")
#: length of the fields of a sound entry by QuickTime's version
SOUND = {0: 28, 1: 44, 2: 64}


def boxes(data: bytes, start: int = 0, stop: int | None = None, path: tuple[bytes, ...] = ()) -> list:
    """Path of names, start, start of the content and end of every box, the outer ones first."""
    stop, found = len(data) if stop is None else stop, []
    while start + 8 <= stop:
        size, name = struct.unpack(">I4s", data[start : start + 8])
        content = start + 8
        if size == 1:
            size, content = struct.unpack(">Q", data[start + 8 : start + 16])[0], start + 16
        end = stop if size == 0 else start + size
        assert content <= end <= stop, (path, name, start, size)
        found.append(((*path, name), start, content, end))
        if name in CONTAINERS:
            found += boxes(data, content, end, (*path, name))
        elif name == b"stsd":
            found += boxes(data, content + 8, end, (*path, name))
        elif path[-1:] == (b"stsd",):  # a sample entry
            length = 78 if name in PICTURES else SOUND[data[content + 9] if data[8:12] == b"qt  " else 0]
            found += boxes(data, content + length, end, (*path, name))
        start = end
    return found


def of_name(data: bytes, *path: bytes) -> list[bytes]:
    """The content of every box of that path, or of a path that ends so."""
    return [data[content:stop] for names, _, content, stop in boxes(data) if names[-len(path) :] == path]


def others(data: bytes, left_out: tuple[bytes, ...]) -> list[tuple[tuple[bytes, ...], bytes]]:
    """Every box that holds no others, but those of some names and their insides, and the tables of positions."""
    found = boxes(data)
    holders = {names[:k] for names, *_ in found for k in range(len(names))}
    skipped = {*left_out, b"stco", b"co64", b"tfra", b"tfhd", b"saio"}
    return [
        (names, data[content:stop])
        for names, _, content, stop in found
        if names not in holders and not skipped & set(names)
    ]


def samples(data: bytes) -> list[list[bytes]]:
    """The bytes of every sample of every track that is not in fragments."""
    tracks = []
    for names, _, content, stop in boxes(data):
        if names[-1] == b"stbl":
            tables = {names[-1]: data[a:b] for names, _, a, b in boxes(data, content, stop)}
            tracks.append(_samples_of(data, tables))
    return tracks


def _samples_of(data: bytes, tables: dict[bytes, bytes]) -> list[bytes]:
    if b"stco" in tables:
        positions = struct.unpack(f">{len(tables[b'stco']) // 4 - 2}I", tables[b"stco"][8:])
    else:
        positions = struct.unpack(f">{len(tables[b'co64']) // 8 - 1}Q", tables[b"co64"][8:])
    runs = list(struct.iter_unpack(">3I", tables[b"stsc"][8:]))
    size, count = struct.unpack(">4xII", tables[b"stsz"][:12])
    sizes = [size] * count if size else list(struct.unpack(f">{count}I", tables[b"stsz"][12:]))
    found = []
    for chunk, place in enumerate(positions, start=1):
        many = [run[1] for run in runs if run[0] <= chunk][-1]
        for _ in range(many):
            length = sizes[len(found)]
            assert 0 < place <= len(data) - length
            found.append(data[place : place + length])
            place += length
    assert len(found) == count
    return found
