"""Live progress in the terminal: one bar per part, with a few words beside it."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

__all__ = ["live_progress", "notes", "training_words"]


@contextmanager
def live_progress(console: Console) -> Iterator[Callable[[str, int, int, str], None]]:
    """Show bars while the block runs; it yields a function that is told part, done, total and words."""
    bars = Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<22}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[words]}"),
        TimeElapsedColumn(),
        console=console,
        refresh_per_second=4,
    )
    tasks: dict[str, Any] = {}

    def tell(part: str, done: int, total: int, words: str) -> None:
        if part not in tasks:
            tasks[part] = bars.add_task(part, total=total, words="")
        bars.update(tasks[part], completed=done, total=total, words=words)

    with bars:
        yield tell


@contextmanager
def notes(console: Console) -> Iterator[None]:
    """Print warnings as notes, without the place in the code that they come from."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_, **__: console.print(f"note: {message}", highlight=False)
        yield


def training_words(record: dict[str, Any]) -> str:
    """What is said of a training step: the phase and its loss."""
    return f"{record['phase'].upper()} loss {record['loss']:.2f}"
