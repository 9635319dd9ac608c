"""The sound that a command reads and the one it writes."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from rich.text import Text

from ambikit._checks import order_if_complete
from ambikit.cli.options import channel_numbers, convention
from ambikit.cli.terminal import console
from ambikit.errors import FileError, ShapeError

__all__ = ["check_may_write", "read_field", "write_sound"]


def read_field(
    file: Path,
    more: tuple[Path, ...] = (),
    *,
    source: str = "ambix",
    channels: str | None = None,
    sample_rate: float | None = None,
    minimum_order: int = 0,
) -> tuple[np.ndarray, Any]:
    """Read a sound field of a complete order, or say what is missing."""
    from ambikit.files.reading import read

    chosen = channel_numbers(channels)
    signal, rate = read([file, *more], source=convention(source), channel_map=chosen, sample_rate=sample_rate)
    name = " + ".join(map(str, (file, *more)))
    order = order_if_complete(len(signal))
    if order is None:
        raise ShapeError(
            f"got {len(signal)} channels of {name}; expected (order + 1)² of them: 1, 4, 9, 16, ...; name as many, in "
            "the order W,Y,Z,X,...: --channels 0,1,2,3"
        )
    if order < minimum_order:
        raise ShapeError(
            f"got {name} with one channel; expected a sound field, at least four channels W,Y,Z,X; mono has no "
            "direction: place it first, with ambikit.encode in Python"
        )
    return signal, rate


def check_may_write(file: Path, out: Path, overwrite: bool) -> None:
    """Refuse to touch what is there, before any work is done, unless asked."""
    if out.is_dir():
        raise FileError(f"got {out} to write to, which is a folder; expected the name of a file; add one to it")
    if overwrite or not os.path.lexists(out):
        return
    what = "is the input itself" if file.exists() and out.exists() and out.samefile(file) else "exists already"
    raise FileError(f"got {out} to write to, which {what}; expected a new name; choose one, or pass --overwrite")


def write_sound(out: Path, signal: Any, sample_rate: Any, target: str = "ambix") -> int:
    """Write a file and say what it is."""
    from ambikit.files.writing import write

    rate = int(sample_rate) if float(sample_rate).is_integer() else sample_rate
    write(out, signal, rate, target=target)
    channels, frames = signal.shape
    said = f"{channels} channel{'s' if channels > 1 else ''}, {rate} Hz, {frames / rate:.3f} s"
    console().print(Text(f"wrote {out}: {said}"), soft_wrap=True)
    return 0
