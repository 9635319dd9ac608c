"""The arguments and options that commands share, and what they refuse before a file is opened."""

from math import isfinite
from pathlib import Path
from typing import Annotated

import tyro

from ambikit.errors import AmbikitError

__all__ = [
    "And",
    "As",
    "Channels",
    "In",
    "Out",
    "Overwrite",
    "Pattern",
    "To",
    "channel_numbers",
    "check_finite",
    "convention",
]

In = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="IN", help="sound or video file to read")]
And = Annotated[
    tuple[Path, ...],
    tyro.conf.UseAppendAction,
    tyro.conf.arg(name="and", metavar="FILE", help="file with the next channels of IN, where they were split in files"),
]
Out = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT", help="file to write: .wav .caf .flac .ogg")]
As = Annotated[
    str, tyro.conf.arg(name="as", metavar="ambix|n3d|fuma", help="convention of the channels in IN (sn3d is ambix)")
]
To = Annotated[str, tyro.conf.arg(metavar="ambix|n3d|fuma", help="convention of the channels in OUT")]
Channels = Annotated[
    str | None,
    tyro.conf.arg(
        metavar="0,1,2,3", help="channels of IN to take as W,Y,Z,X,... in one word, from 0 (for an unknown stream)"
    ),
]
Overwrite = Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="replace OUT if it is there")]
Pattern = Annotated[
    str,
    tyro.conf.arg(
        help="hypercardioid, cardioid (in-phase), supercardioid, max_re, max_re_approximate, omni; at first order also "
        "subcardioid, figure_eight"
    ),
]


def convention(word: str, option: str = "--as") -> str:
    """The convention that a word names, however it is spelt: people write FuMa, AmbiX and SN3D."""
    name = {"sn3d": "ambix"}.get(word.lower(), word.lower())
    if name not in ("ambix", "n3d", "fuma"):
        raise AmbikitError(
            f"got {option} {word}; expected ambix (also called sn3d), n3d or fuma; of other conventions write a "
            "program with ambikit.Convention"
        )
    return name


def channel_numbers(word: str | None) -> list[int] | str:
    """The numbers in ``0,1,2,3``; "auto" if none were given."""
    if word is None:
        return "auto"
    numbers = [part.strip() for part in word.split(",")]
    if not all(number.isascii() and number.isdigit() for number in numbers):
        raise AmbikitError(
            f"got --channels {word!r}; expected numbers from 0 with commas between, in one word; "
            "e.g. --channels 0,1,2,3"
        )
    return [int(number) for number in numbers]


def check_finite(**angles: float) -> None:
    """Refuse angles that no direction has: a file full of NaN would come out."""
    for name, angle in angles.items():
        if not isfinite(angle):
            raise AmbikitError(f"got --{name} {angle}; expected degrees, a finite number; e.g. --{name} 90")
