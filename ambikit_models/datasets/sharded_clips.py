"""Prepared clips in shards as a data set for training: drawn as from the folder that was packed."""

import json
import os
from collections import OrderedDict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ambikit_models.datasets.paired_clips import ClipFiles
from ambikit_models.datasets.prepared import PreparedClips
from ambikit_models.datasets.shards import read_from_shard
from ambikit_models.preparation.records import read_records
from ambikit_models.preparation.shards import INDEX

__all__ = ["ShardedClips"]

#: clips that lie unpacked at the same time, at most
_UNPACKED = 64


class ShardedClips(PreparedClips):
    """The clips of a folder of shards, see :func:`ambikit_models.preparation.shards.write_shards`.

    It is the data set that the prepared folder is, clip by clip: the same draws, batches and checkpoints, so that a
    training that began on the one goes on with the other. A step reads the clips of its own process, each at its place
    in its shard, and keeps them unpacked as long as they are among the last 64; nothing else of a shard is read. When
    it is opened, it reads the line of the manifest of each clip.

    The parameters are those of :class:`PreparedClips`, with the folder that holds ``shards.jsonl``.

    Raises
    ------
    FileError
        If the index, the split or a shard are missing or hold no clip.
    """

    def _every_record(self) -> list[dict[str, Any]]:
        self._places: dict[str, tuple[Path, dict[str, Any]]] = {}
        records = []
        for shard in read_records(self.root / INDEX):
            path = self.root / shard["shard"]
            for places in shard["places"]:
                (line,) = read_from_shard(path, places, "json")
                records.append(json.loads(line))
                self._places[records[-1]["name"]] = path, places
        return sorted(records, key=lambda record: record["name"])

    def _files_of(self, record: dict[str, Any]) -> ClipFiles:
        return _PackedClip(record["name"], record["video"], *self._places[record["name"]])

    def _boxes_of(self, index: int) -> Path:
        return _unpack(*self._places[self.clips[index].name], "boxes.json")


class _PackedClip(ClipFiles):
    """A clip whose files are unpacked when they are asked for."""

    def __init__(self, name: str, video: str, shard: Path, places: dict[str, Any]) -> None:
        for field, value in {"name": name, "video": video, "_shard": shard, "_places": places}.items():
            object.__setattr__(self, field, value)

    @property
    def pictures(self) -> Path:  # pyright: ignore[reportIncompatibleVariableOverride]
        return _unpack(self._shard, self._places, "mp4")

    @property
    def sound(self) -> Path:  # pyright: ignore[reportIncompatibleVariableOverride]
        return _unpack(self._shard, self._places, "flac")


#: what lies unpacked, by place and in the order of the last use, and where; of this process alone
_FILES: OrderedDict[tuple[Path, int], Path] = OrderedDict()
_FOLDERS: dict[int, TemporaryDirectory] = {}


def _unpack(shard: Path, places: dict[str, Any], ending: str) -> Path:
    """A file of a clip, unpacked until 64 other clips have been used."""
    process = os.getpid()
    if process not in _FOLDERS:  # the first time, or in a process that was forked
        _FILES.clear()
        _FOLDERS[process] = TemporaryDirectory(prefix="ambikit-")
    key = shard, places[ending][0]
    if key not in _FILES:
        (content,) = read_from_shard(shard, places, ending)
        path = Path(_FOLDERS[process].name, f"{len(content)}-{places[ending][0]}-{abs(hash(shard))}.{ending}")
        path.write_bytes(content)
        _FILES[key] = path
    _FILES.move_to_end(key)
    while len(_FILES) > 2 * _UNPACKED:
        _FILES.popitem(last=False)[1].unlink(missing_ok=True)
    return _FILES[key]
