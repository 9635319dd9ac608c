"""One run of fuzzing: every input ends in a result or a FileError, within the time, and the same each time."""

import random
import sys
import time
from types import FrameType
from typing import Any

from ambikit.errors import FileError
from ambikit.files.metadata.bounds import BoundedFile
from ambikit.files.metadata.facts import SpatialMetadata
from ambikit.files.metadata.reading import PARSERS as READERS
from ambikit.files.stated_channels import matrix_to_ambix
from tests.fuzzing.mutations import mutate
from tests.fuzzing.on_disk import length_of_flac, tag
from tests.fuzzing.seeds import seeds

#: seconds an answer may take
LIMIT = 0.05
_KEPT = 2000
#: what needs a file on disk
ON_DISK = {"tag": tag, "flac": length_of_flac}


def answer(name: str, data: bytes) -> SpatialMetadata | None:
    """What the parser or writer says of a file; None if it refuses it. What is said must make sense."""
    if name in ON_DISK:
        return ON_DISK[name](data)
    try:
        said = READERS[name](BoundedFile.of(data))
    except FileError:
        return None
    check_sense(said)
    return said


def check_sense(said: SpatialMetadata) -> None:
    """What must hold of every answer."""
    assert isinstance(said, SpatialMetadata)
    assert sum(map(len, said.notes)) < 100_000
    if said.channel_map is not None:
        assert said.order is not None
        assert len(said.channel_map) == said.channels
        found = [component for component in said.channel_map if component is not None]
        assert len(set(found)) == len(found)
        assert all(0 <= component < (said.order + 1) ** 2 for component in found)
    if said.of_sound_field and said.channels is not None and said.channels <= 64:
        matrix = matrix_to_ambix(said)
        assert matrix is None or matrix.shape == ((said.order + 1) ** 2, said.channels)
    if said.bounds is not None:
        assert all(0 <= share < 1 for share in said.bounds)
    if said.pose is not None:
        assert all(abs(angle) < 3.2 for angle in (said.pose.yaw, said.pose.pitch, said.pose.roll))


def fuzz(
    name: str, *, count: int | None = None, seconds: float | None = None, seed: int = 0, guided: bool = False
) -> dict[str, Any]:
    """Try mutations of the seeds; report how many, what went wrong, and the slowest answer."""
    rng = random.Random(f"{name} {seed}")
    own = seeds()[name]
    corpus, strange = list(own), [data for files in seeds().values() for data in files]
    lines = _Lines() if guided else None
    tried = refused = kept = slow = 0
    slowest = spent = 0.0
    failures: list[str] = []
    begin = time.perf_counter()
    while (count is None or tried < count) and (seconds is None or time.perf_counter() - begin < seconds):
        data = mutate(rng.choice(corpus), rng.choice(strange), rng)
        start = time.thread_time()
        try:
            said = lines.run(name, data) if lines else answer(name, data)
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error} by {data.hex()}")
            if len(failures) > 10:
                break
        else:
            refused += said is None
        took = time.thread_time() - start
        spent += took
        if took > slowest:  # once more: the garbage collector, say, is no fault of the input
            start = time.thread_time()
            answer(name, data)
            took = min(took, time.thread_time() - start)
            slowest = max(slowest, took)
            slow += took > LIMIT
        tried += 1
        if lines and lines.new and len(corpus) < _KEPT:
            corpus.append(data)
            kept += 1
    return {
        "parser": name,
        "inputs": tried,
        "refused": refused,
        "kept": kept,
        "slowest_ms": round(slowest * 1000, 3),
        "mean_us": round(spent / max(tried, 1) * 1e6, 1),
        "too_slow": slow,
        "seconds": round(time.perf_counter() - begin, 1),
        "failures": failures,
    }


class _Lines:
    """Which steps from line to line of the parsers have been taken so far."""

    def __init__(self) -> None:
        self.seen: set[tuple[int, int, int]] = set()
        self.new = False

    def run(self, name: str, data: bytes) -> SpatialMetadata | None:
        self.new = False
        sys.settrace(self._enter)
        try:
            return answer(name, data)
        finally:
            sys.settrace(None)

    def _enter(self, frame: FrameType, event: str, _: Any) -> Any:
        if "metadata" not in frame.f_code.co_filename:
            return None
        code, previous = id(frame.f_code), 0

        def line(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal previous
            step = (code, previous, frame.f_lineno)
            previous = frame.f_lineno
            if step not in self.seen:
                self.seen.add(step)
                self.new = True
            return line

        return line
