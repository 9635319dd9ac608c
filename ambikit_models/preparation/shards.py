"""Prepared clips packed into WebDataset shards: few large files instead of many small ones."""

import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from ambikit.errors import AmbikitError, FileError, MissingExtraError
from ambikit.files.replacing import replacing
from ambikit_models.preparation.prepare import MANIFEST
from ambikit_models.preparation.records import as_line, checksum, read_records, write_records

__all__ = ["INDEX", "write_shards"]

INDEX = "shards.jsonl"


def write_shards(prepared: str | Path, output: str | Path, *, clips: int = 256, seed: int = 0) -> list[dict[str, Any]]:
    """Pack the clips of a manifest into shards, in an order drawn by the seed.

    A shard is a tar file as WebDataset reads it: of each clip ``NAME.mp4``, ``NAME.flac`` and ``NAME.json``, the line
    of the manifest, and ``NAME.boxes.json`` where there are boxes. The index ``shards.jsonl`` has the checksum of each
    shard and where its clips lie in it; it is written last. The same manifest and seed give the same bytes.

    Parameters
    ----------
    prepared
        Folder with a manifest, see :func:`ambikit_models.preparation.prepare.prepare`.
    output
        Folder for the shards.
    clips
        Clips per shard; the last one may have fewer. A training with R processes of N workers each needs at least
        R · N shards.
    seed
        Decides the order.

    Returns
    -------
    The index.

    Raises
    ------
    MissingExtraError
        Without the package webdataset.
    FileError
        If a clip is missing, or is not the one that the manifest speaks of.
    """
    if clips < 1:
        raise AmbikitError(f"got clips={clips} per shard; expected at least 1")
    root, output = Path(prepared), Path(output)
    records = read_records(root / MANIFEST)
    if not records:
        raise FileError(f"got {root / MANIFEST}, which has no clip; expected at least one; prepare a collection first")
    output.mkdir(parents=True, exist_ok=True)
    (output / INDEX).unlink(missing_ok=True)
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, 1])))
    order = generator.permutation(len(records))
    index = []
    for number, start in enumerate(range(0, len(order), clips)):
        path = output / f"clips-{number:06d}.tar"
        with replacing(path) as temporary:
            _write_shard(temporary, root, [records[i] for i in order[start : start + clips]])
        places = _places(path)
        index.append({"shard": path.name, "clips": len(places), "checksum": checksum(path), "places": places})
    write_records(output / INDEX, index)
    return index


def _write_shard(path: Path, root: Path, records: list[dict[str, Any]]) -> None:
    try:
        from webdataset import TarWriter
    except ImportError as error:
        raise MissingExtraError(
            "packing shards needs the package webdataset, which is not installed; install it with: "
            "pip install 'ambikit[shards]'"
        ) from error
    with TarWriter(str(path), encoder=False, mtime=0, user="ambikit", group="ambikit", mode=0o644) as shard:
        for record in records:
            sample: dict[str, Any] = {"__key__": record["name"], "json": as_line(record).encode()}
            for ending, part in (("mp4", "pictures"), ("flac", "sound")):
                sample[ending] = _content(root / record[part], record["bytes"][part])
            if "boxes" in record:
                sample["boxes.json"] = (root / record["boxes"]["path"]).read_bytes()
            shard.write(sample)


def _content(path: Path, size: int) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileError(f"got a manifest that names {path}, which cannot be read ({error}); prepare again") from error
    if len(content) != size:
        raise FileError(f"got {path} with {len(content)} bytes; expected {size}, as the manifest says; prepare again")
    return content


def _places(path: Path) -> list[dict[str, Any]]:
    """Where in a shard the files of each clip lie: offset and size in bytes."""
    found: dict[str, dict[str, Any]] = {}
    with tarfile.open(path) as shard:
        for member in shard:
            name, ending = member.name.split(".", 1)
            found.setdefault(name, {"name": name})[ending] = [member.offset_data, member.size]
    return list(found.values())
