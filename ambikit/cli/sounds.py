"""The sound that a command reads and the one it writes."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.text import Text

from ambikit._checks import order_if_complete
from ambikit.cli.options import channel_numbers, convention
from ambikit.cli.terminal import console, progress
from ambikit.errors import FileError, ShapeError
from ambikit.files.blocks import SoundBlocks

__all__ = ["blocks_of", "check_may_write", "open_field", "write_sound"]


def open_field(
    file: Path,
    more: tuple[Path, ...] = (),
    *,
    source: str = "ambix",
    channels: str | None = None,
    sample_rate: float | None = None,
    minimum_order: int = 0,
    length: int | None = None,
) -> SoundBlocks:
    """A sound field of a complete order, block by block; or say what is missing."""
    from ambikit.files.blocks import LENGTH, read_in_blocks

    field = read_in_blocks(
        [file, *more],
        source=convention(source),
        channel_map=channel_numbers(channels),
        sample_rate=sample_rate,
        length=length or LENGTH,
    )
    _check_order(field.channels, (file, *more), minimum_order)
    return field


def _check_order(channels: int, files: tuple[Path, ...], minimum_order: int) -> None:
    name = " + ".join(map(str, files))
    order = order_if_complete(channels)
    if order is None:
        raise ShapeError(
            f"got {channels} channels of {name}; expected (order + 1)² of them: 1, 4, 9, 16, ...; name as many, in "
            "the order W,Y,Z,X,...: --channels 0,1,2,3"
        )
    if order < minimum_order:
        raise ShapeError(
            f"got {name} with one channel; expected a sound field, at least four channels W,Y,Z,X; mono has no "
            "direction: place it first, with ambikit.encode in Python"
        )


def check_may_write(file: Path | None, out: Path, overwrite: bool) -> None:
    """Refuse to touch what is there, before any work is done, unless asked."""
    if out.is_dir():
        raise FileError(f"got {out} to write to, which is a folder; expected the name of a file; add one to it")
    if overwrite or not os.path.lexists(out):
        return
    is_input = file is not None and file.exists() and out.exists() and out.samefile(file)
    what = "is the input itself" if is_input else "exists already"
    raise FileError(f"got {out} to write to, which {what}; expected a new name; choose one, or pass --overwrite")


def write_sound(
    out: Path,
    field: SoundBlocks,
    operation: Callable[[Iterator[np.ndarray]], Iterable[Any]] = iter,
    target: str = "ambix",
) -> int:
    """Write what an operation makes of the blocks of a field, as it makes them, and say what the file is."""
    from ambikit.files.writing import write_in_blocks

    rate = int(field.sample_rate) if float(field.sample_rate).is_integer() else field.sample_rate
    with blocks_of(field, out.name) as blocks:
        channels = write_in_blocks(out, operation(blocks), field.frames, rate, target=target)
    said = f"{channels} channel{'s' if channels > 1 else ''}, {rate} Hz, {field.frames / rate:.3f} s"
    console().print(Text(f"wrote {out}: {said}"), soft_wrap=True)
    return 0


@contextmanager
def blocks_of(field: SoundBlocks, name: str) -> Iterator[Iterator[np.ndarray]]:
    """The blocks of a field, and a bar that shows how many have been taken."""
    with progress(name, field) as advance:

        def counted() -> Iterator[np.ndarray]:
            for block in field:
                yield block
                advance(block.shape[-1])

        yield counted()
