"""Clips read from shards, by many processes at once, in an order that can be taken up anywhere."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from ambikit.errors import AmbikitError, FileError
from ambikit_models.datasets.paired_clips import ClipFiles
from ambikit_models.preparation.records import read_records
from ambikit_models.preparation.shards import INDEX

__all__ = ["Position", "ShardReader", "ShardSample", "read_from_shard"]


def read_from_shard(shard: Path, places: dict[str, Any], *endings: str) -> list[bytes]:
    """Some of the files of a clip, by its places in the index of the shards, without reading anything else.

    Raises
    ------
    FileError
        If the shard cannot be read or is cut off.
    """
    content = []
    try:
        with shard.open("rb") as file:
            for offset, size in (places[ending] for ending in endings):
                file.seek(offset)
                content.append(file.read(size))
                if len(content[-1]) != size:
                    raise OSError("it is cut off")
    except OSError as error:
        raise FileError(
            f"got {shard}, which cannot be read ({error}); expected a whole shard; copy it again"
        ) from error
    return content


@dataclass(frozen=True)
class Position:
    """Where in the data a sample stood: the reader (of ``readers``), the epoch, and its number in both."""

    reader: int
    readers: int
    epoch: int
    number: int
    count: int


@dataclass(frozen=True)
class ShardSample:
    """One clip from a shard, still encoded.

    Attributes
    ----------
    record
        Its line of the manifest.
    pictures, sound
        The bytes of its MP4 and of its FLAC file.
    position
        Where it stood, for :meth:`ShardReader.note`.
    """

    record: dict[str, Any]
    pictures: bytes
    sound: bytes
    position: Position

    @contextmanager
    def unpacked(self) -> Iterator[ClipFiles]:
        """The clip as files, while the block runs: for :class:`ambikit_models.datasets.paired_clips.PairedClips`."""
        with TemporaryDirectory(prefix="ambikit-") as folder:
            pictures, sound = Path(folder, "clip.mp4"), Path(folder, "clip.flac")
            pictures.write_bytes(self.pictures)
            sound.write_bytes(self.sound)
            yield ClipFiles(self.record["name"], self.record["video"], pictures, sound)


class ShardReader(IterableDataset):
    """The clips of a folder of shards, each read by one worker of one process: one epoch per iteration.

    The order is a function of the seed and the epoch alone. Shards are shuffled and dealt out in turn to all readers
    (processes × workers); a reader then goes through its shards a few at a time, whose clips it shuffles together. So a
    position is a small thing, and to go on from it takes no time: nothing is read twice.

    In a ``DataLoader`` with workers the reading goes on elsewhere: tell this object of each sample that arrived
    (:meth:`note`, or :meth:`note_all` for a list), and :meth:`state_dict` knows where to go on. Without workers it
    notes them itself.

    Parameters
    ----------
    folder
        Shards and their index, see :func:`ambikit_models.preparation.shards.write_shards`.
    seed
        Decides the order.
    shuffle
        False reads shards and clips as they lie.
    together
        How many shards are shuffled together.
    even
        Give every reader as many clips as the one with the fewest, as distributed training needs it; other clips are
        left out, in every epoch others.
    rank, world_size
        Which process of how many this is; by default what ``torch.distributed`` says.
    worker, workers
        Which worker of how many per process; by default what the ``DataLoader`` says.

    Raises
    ------
    FileError
        If there is no index.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        seed: int = 0,
        shuffle: bool = True,
        together: int = 4,
        even: bool = False,
        rank: int | None = None,
        world_size: int | None = None,
        worker: int | None = None,
        workers: int | None = None,
    ) -> None:
        super().__init__()
        if together < 1 or seed < 0:
            raise AmbikitError(f"got together={together} and seed={seed}; expected at least 1 shard, and 0 or more")
        if (rank is None) != (world_size is None) or (worker is None) != (workers is None):
            raise AmbikitError("got one of rank and world_size, or of worker and workers; expected both or neither")
        self.folder, self.seed, self.shuffle, self.together, self.even = Path(folder), seed, shuffle, together, even
        self._process, self._worker = (rank, world_size), (worker, workers)
        self.shards = read_records(self.folder / INDEX)
        self._positions: dict[int, tuple[int, int]] = {}
        self._readers: int | None = None
        self._epoch = 0

    def __len__(self) -> int:
        """The number of clips of an epoch, over all readers (``even`` may leave some out)."""
        return sum(shard["clips"] for shard in self.shards)

    def set_epoch(self, epoch: int) -> None:
        """Begin an epoch from its start."""
        self._epoch, self._positions = epoch, {}

    def note(self, sample: ShardSample) -> None:
        """Remember that a sample has arrived."""
        at = sample.position
        self._readers = at.readers
        done = at.number + 1 == at.count
        self._positions[at.reader] = (at.epoch + 1, 0) if done else (at.epoch, at.number + 1)

    def note_all(self, samples: list[ShardSample]) -> None:
        """Remember that some samples have arrived."""
        for sample in samples:
            self.note(sample)

    def state_dict(self) -> dict[str, Any]:
        """Where the readers of this process are, as plain numbers and words for a checkpoint."""
        positions = {str(reader): list(position) for reader, position in sorted(self._positions.items())}
        return {**self._identity(), "readers": self._readers, "epoch": self._epoch, "positions": positions}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where another reader of the same shards was.

        Raises
        ------
        AmbikitError
            If the state is that of other shards, or was made with another seed or other settings.
        """
        ours = self._identity()
        other = [name for name, value in ours.items() if state.get(name) != value]
        if other:
            raise AmbikitError(
                f"got a state whose {', '.join(other)} differ from those of this reader; expected the state of "
                "the same shards with the same settings; open them as before, or begin anew"
            )
        self._epoch, self._readers = state["epoch"], state["readers"]
        self._positions = {int(reader): (epoch, given) for reader, (epoch, given) in state["positions"].items()}

    def __iter__(self) -> Iterator[ShardSample]:
        reader, readers = self._place()
        if self._readers is not None and self._positions and readers != self._readers:
            raise AmbikitError(
                f"got a position of {self._readers} readers, and {readers} now; expected as many processes and workers "
                "as before; or begin an epoch with set_epoch"
            )
        epoch, given = self._positions.get(reader, (self._epoch, 0))
        order, count = self._order(epoch, reader, readers)
        for number in range(given, count):
            shard, place = order[number]
            sample = self._read(shard, place, Position(reader, readers, epoch, number, count))
            self.note(sample)
            yield sample
        self._positions[reader] = (epoch + 1, 0)

    def _place(self) -> tuple[int, int]:
        """Which reader of how many this is."""
        rank, world_size = self._process
        if rank is None or world_size is None:
            both = torch.distributed.is_available() and torch.distributed.is_initialized()
            rank, world_size = (torch.distributed.get_rank(), torch.distributed.get_world_size()) if both else (0, 1)
        worker, workers = self._worker
        info = get_worker_info()
        if worker is not None and workers is not None:
            reader = rank * workers + worker
        elif info is not None:
            # the loader asks its workers in turn, beginning with the first: that one must be who is next
            workers = info.num_workers
            ours = range(rank * workers, (rank + 1) * workers)
            reader = sorted(ours, key=lambda r: self._positions.get(r, (self._epoch, 0)))[info.id]
        else:
            reader, workers = rank, 1
        readers = world_size * workers
        if readers > len(self.shards):
            raise AmbikitError(
                f"got {len(self.shards)} shards for {readers} readers ({world_size} processes of {workers} workers); "
                "expected at least one shard each; pack fewer clips into a shard, or take fewer workers"
            )
        return reader, readers

    def _order(self, epoch: int, reader: int, readers: int) -> tuple[list[tuple[int, int]], int]:
        """Which clips a reader gives in an epoch, as numbers of shard and place, and how many of them."""
        every = np.arange(len(self.shards))
        shards = (self._generator(epoch, 0).permutation(every) if self.shuffle else every).tolist()
        shares = [shards[r::readers] for r in range(readers)]
        counts = [sum(self.shards[s]["clips"] for s in share) for share in shares]
        order: list[tuple[int, int]] = []
        ours = shares[reader]
        for start in range(0, len(ours), self.together):
            members = ours[start : start + self.together]
            group = [(s, place) for s in members for place in range(self.shards[s]["clips"])]
            if self.shuffle:
                group = [group[i] for i in self._generator(epoch, 1, ours[start]).permutation(len(group))]
            order += group
        return order, min(counts) if self.even else counts[reader]

    def _generator(self, *counters: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(np.random.SeedSequence([self.seed, *counters])))

    def _read(self, shard: int, place: int, position: Position) -> ShardSample:
        path, places = self.folder / self.shards[shard]["shard"], self.shards[shard]["places"][place]
        line, pictures, sound = read_from_shard(path, places, "json", "mp4", "flac")
        return ShardSample(json.loads(line), pictures, sound, position)

    def _identity(self) -> dict[str, Any]:
        """What a position is worth something for."""
        content = sha256("".join(shard["checksum"] for shard in self.shards).encode()).hexdigest()[:16]
        settings = {"seed": self.seed, "shuffle": self.shuffle, "together": self.together, "even": self.even}
        return {"shards": content, **settings}
