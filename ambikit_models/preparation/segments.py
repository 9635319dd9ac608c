"""Which stretches of a recording become clips: those in which something sounds and something moves."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, UInt8

from ambikit.errors import AmbikitError
from ambikit_models.preparation.judgement import BLOCK

__all__ = ["Cutting", "Segment", "cut", "moving_share"]

#: pictures are compared in a grid of this many cells: noise of coding averages out, small objects stay
_ROWS, _COLUMNS = 32, 64
#: percentile of the changes of all cells: four of them have to change
_CHANGED = 99.8
#: seconds between the pictures that are compared
_APART = 0.5
#: seconds by which the search goes on where a stretch is not wanted
_STEP = 1.0


@dataclass(frozen=True)
class Cutting:
    """How a recording is cut into clips."""

    duration: float = 10.0
    """Seconds of a clip."""
    shortest: float = 5.0
    """Seconds that the rest at the end must last to become a clip."""
    audible: float = 0.5
    """Share of a clip, at least, in which something sounds; 0 keeps silence."""
    moving: float = 0.1
    """Share of a clip, at least, in which something moves; 0 keeps still pictures."""
    difference: float = 2.0
    """Something moves where the grey of 0.2 % of the picture changes by more than this, of 255, in half a second."""

    def __post_init__(self) -> None:
        if not 0 < self.shortest <= self.duration:
            raise AmbikitError(f"got {self}; expected 0 < shortest <= duration, in seconds")
        if not (0 <= self.audible <= 1 and 0 <= self.moving <= 1 and self.difference >= 0):
            raise AmbikitError(f"got {self}; expected shares between 0 and 1, and a difference of at least 0")


@dataclass(frozen=True)
class Segment:
    """A stretch that becomes a clip: where it starts in the recording, seconds, and its pictures."""

    start: float
    pictures: UInt8[np.ndarray, "frames height width 3"]


def cut(
    pictures: Iterable[UInt8[np.ndarray, "height width 3"]],
    rate: float,
    silent: Bool[np.ndarray, "blocks"],
    cutting: Cutting,
    left_out: dict[str, float] | None = None,
) -> Iterator[Segment]:
    """Walk through a recording once, and give the clips in it, none of which overlap.

    Where the next stretch is silent or still, the search goes on a second later.

    Parameters
    ----------
    pictures
        All pictures of the recording at an even rate.
    rate
        Pictures per second.
    silent
        Which tenths of a second of its sound are silent; clips end with the sound.
    cutting
        How to cut.
    left_out
        Is told how many seconds were left out as ``silent``, as ``still`` and as the ``rest`` at the end.

    Examples
    --------
    Two seconds of silence, then six of sound:

    >>> silent = np.arange(80) < 20
    >>> noise = np.random.default_rng(0).integers(0, 255, (32, 32, 64, 3)).astype(np.uint8)
    >>> [clip.start for clip in cut(noise, 4.0, silent, Cutting(duration=3.0, shortest=2.0, audible=0.9))]
    [2.0, 5.0]
    """
    left_out = {} if left_out is None else left_out
    whole, step = round(cutting.duration * rate), max(1, round(_STEP * rate))
    end = int(len(silent) * BLOCK * rate + 1e-6)
    buffer: list[Any] = []
    first = 0
    for number, picture in enumerate(pictures):
        if number >= end:
            break
        buffer.append(picture)
        if len(buffer) == whole:
            why = _unwanted(buffer, first / rate, rate, silent, cutting)
            if why is None:
                yield Segment(first / rate, np.stack(buffer))
            taken = whole if why is None else step
            if why is not None:
                left_out[why] = left_out.get(why, 0.0) + taken / rate
            del buffer[:taken]
            first += taken
    if len(buffer) >= cutting.shortest * rate:
        why = _unwanted(buffer, first / rate, rate, silent, cutting)
        if why is None:
            yield Segment(first / rate, np.stack(buffer))
            return
        left_out[why] = left_out.get(why, 0.0) + len(buffer) / rate
    elif buffer:
        left_out["rest"] = left_out.get("rest", 0.0) + len(buffer) / rate


def moving_share(pictures: UInt8[np.ndarray, "frames height width 3"], rate: float, difference: float = 2.0) -> float:
    """Share of the pictures, compared with those half a second before, in which something moves.

    Examples
    --------
    >>> still = np.full((16, 32, 64, 3), 100, np.uint8)
    >>> moved = still.copy()
    >>> moved[8:, 8:24, 8:24] = 200
    >>> moving_share(still, 16.0), moving_share(moved, 16.0)
    (0.0, 1.0)
    """
    apart = max(1, round(_APART * rate))
    cells = np.stack([_cells(picture) for picture in pictures[::apart]])
    changes = np.percentile(np.abs(np.diff(cells, axis=0)), _CHANGED, axis=(1, 2)) if len(cells) > 1 else np.zeros(1)
    return float(np.mean(changes > difference))


def _unwanted(
    buffer: list[Any], start: float, rate: float, silent: Bool[np.ndarray, "blocks"], cutting: Cutting
) -> str | None:
    begin, end = round(start / BLOCK), round((start + len(buffer) / rate) / BLOCK)
    if 1.0 - float(np.mean(silent[begin:end])) < cutting.audible:
        return "silent"
    if cutting.moving > 0 and moving_share(np.stack(buffer), rate, cutting.difference) < cutting.moving:
        return "still"
    return None


def _cells(picture: UInt8[np.ndarray, "height width 3"]) -> np.ndarray:
    """The mean grey of each cell of a grid; small pictures have smaller grids."""
    height, width = picture.shape[:2]
    high, wide = max(1, height // _ROWS), max(1, width // _COLUMNS)
    grey = picture[: height // high * high, : width // wide * wide].mean(axis=-1)
    return grey.reshape(height // high, high, width // wide, wide).mean(axis=(1, 3))
