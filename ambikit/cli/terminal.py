"""What is said on the terminal: results on the standard output, notes and errors in one line beside it."""

import re
import sys
from typing import Any

from rich.console import Console

__all__ = ["console", "in_words_of_the_command_line", "say"]


def console() -> Console:
    """The standard output, as it is now."""
    return Console(highlight=False)


def say(kind: str, message: Any) -> None:
    """One line on the standard error."""
    line = in_words_of_the_command_line(" ".join(str(message).split()))
    print(f"ambikit: {kind}: {line}", file=sys.stderr)


def in_words_of_the_command_line(message: str) -> str:
    """A message of the library, with options where it names arguments in Python.

    >>> in_words_of_the_command_line("say which they are: channel_map=[0, 1, 2, 3], or channel_map=None for all")
    'say which they are: --channels 0,1,2,3'
    """
    message = re.sub(r"[,;] (or|read it with) channel_map=None[^.;]*", "", message)
    message = re.sub(r"channel_map=\[([\d, ]*)\]", lambda m: f"--channels {m[1].replace(' ', '')}", message)
    message = re.sub(r"source='?(\w+)'?", r"--as \1", message)
    return message.replace("read([first, second])", "IN --and SECOND")
