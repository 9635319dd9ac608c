"""Where the command line begins: which commands there are, and what becomes of their errors."""

import sys
import warnings
from collections.abc import Sequence
from typing import Any

import tyro

import ambikit
from ambikit.cli.analysis import analyse
from ambikit.cli.conversion import convert
from ambikit.cli.decoding import decode
from ambikit.cli.designs import KINDS
from ambikit.cli.judgement import check, info
from ambikit.cli.tagging import tag
from ambikit.cli.terminal import say
from ambikit.cli.turning import beamform, rotate
from ambikit.errors import AmbikitError

__all__ = ["main"]


def plot() -> int:
    """Draw a recording, a beam or loudspeakers; which pictures there are: ambikit plot --help."""
    return main(["plot", "--help"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    commands: dict[str, Any] = {
        "info": info,
        "check": check,
        "analyse": analyse,
        "convert": convert,
        "rotate": rotate,
        "beamform": beamform,
        "decode": decode,
        "tag": tag,
        "plot": plot,
    }
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    prog, description = (
        "ambikit",
        (
            "Ambisonics files: what they are, what sounds in them, turned, decoded, tagged. Angles are degrees. See "
            "also: ambikit COMMAND --help, ambikit --version."
        ),
    )
    if arguments[:1] == ["plot"]:
        commands, arguments, prog, description = KINDS, arguments[1:], "ambikit plot", plot.__doc__ or ""
    if arguments == ["--version"]:
        print(f"ambikit {ambikit.__version__}")
        return 0
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_: say("note", message)
        try:
            return tyro.extras.subcommand_cli_from_dict(
                commands,
                prog=prog,
                description=description,
                args=arguments,
                config=(tyro.conf.HelptextFromCommentsOff,),
            )
        except AmbikitError as error:
            say("error", error)
            return 2
