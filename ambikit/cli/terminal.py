"""What is said on the terminal: results on the standard output, notes and errors in one line beside it."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

__all__ = ["console", "in_words_of_the_command_line", "progress", "say"]

#: seconds; what is shorter is done before a bar could be read
_LONG = 30


def console() -> Console:
    """The standard output, as it is now."""
    return Console(highlight=False)


def say(kind: str, message: Any) -> None:
    """One line on the standard error."""
    line = in_words_of_the_command_line(" ".join(str(message).split()))
    print(f"ambikit: {kind}: {line}", file=sys.stderr)


@contextmanager
def progress(name: str, sound: Any) -> Iterator[Callable[[int], None]]:
    """Give what is called with the number of samples done; for long sounds on a terminal it moves a bar.

    The bar is on the standard error, and gone at the end. Elsewhere the samples of the sound need not be counted.
    """
    terminal = Console(stderr=True)
    if not terminal.is_terminal or sound.frames <= _LONG * sound.sample_rate:
        yield lambda samples: None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=terminal, transient=True) as bar:
        task = bar.add_task(name, total=sound.frames)
        yield lambda samples: bar.advance(task, samples)


def in_words_of_the_command_line(message: str) -> str:
    """A message of the library, with options where it names arguments in Python.

    >>> in_words_of_the_command_line("say which they are: channel_map=[0, 1, 2, 3], or channel_map=None for all")
    'say which they are: --channels 0,1,2,3'
    """
    message = re.sub(r"[,;] (or|pass|read it with) channel_map=None[^.;]*", "", message)
    message = re.sub(r"channel_map=\[([\d, ]*)\]", lambda m: f"--channels {m[1].replace(' ', '')}", message)
    message = re.sub(r"source='?(\w+)'?", r"--as \1", message)
    return message.replace("read([first, second])", "IN --and SECOND")
