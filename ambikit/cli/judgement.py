"""``ambikit info`` and ``ambikit check``: what a file is, and whether it is what it should be."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.table import Table
from rich.text import Text

from ambikit.cli.metadata import evidence_against, metadata_in_words
from ambikit.cli.options import And, As, Channels, In, convention
from ambikit.cli.sounds import blocks_of, open_field
from ambikit.cli.terminal import console, say
from ambikit.errors import AmbikitError, ShapeError

__all__ = ["check", "info"]

#: exit status of ``check``; 2 is an error, as everywhere
STATUS = {"valid": 0, "invalid": 1, "doubtful": 3}
_FROM_BEST_TO_WORST = (0, 3, 1, 2)
_COLOURS = {"valid": "green", "doubtful": "yellow", "invalid": "red"}

Ins = Annotated[
    tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="IN ...", help="sound or video files to read")
]
Verbose = Annotated[
    bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="all figures, and of several files all reasons")
]


def info(file: In) -> int:
    """Show what a file is: container, codec, channels, rate, length, and what it says about the space in it.

    ambikit info concert.mp4
    """
    from ambikit.files.description import channels_in_words, describe_file

    found = describe_file(file)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("file", Text(str(file)))
    table.add_row("container", f"{found.container}, {found.size} bytes")
    for sound in found.sounds:
        length = "unknown" if sound.frames is None else f"{sound.frames / sound.sample_rate:.3f} s"
        table.add_row("sound", sound.codec)
        table.add_row("  channels", channels_in_words(sound.channels))
        table.add_row("  layout", Text(f"loudspeakers {sound.layout}" if sound.layout else "none said"))
        table.add_row("  rate", f"{sound.sample_rate} Hz")
        table.add_row("  length", length)
    for picture in found.pictures:
        table.add_row("pictures", picture)
    if not found.sounds:
        table.add_row("sound", "none")
    for name, said in metadata_in_words(found.metadata):
        table.add_row(name, Text(said))
    console().print(table)
    return 0


def check(
    files: Ins,
    *,
    source: As = "ambix",
    tolerance: float = 0.1,
    more: And = (),
    channels: Channels = None,
    verbose: Verbose = False,
) -> int:
    """Judge whether files are the first-order Ambisonics they should be, and say why.

    One file gets a verdict with its reasons, and what it says of itself is held against what its signal shows; several
    get one line each.

    Exit status: 0 valid, 1 invalid, 3 doubtful (the signal cannot decide), 2 the file cannot be judged; of several
    files the worst: 2, 1, 3, 0.

    ambikit check scene.wav --as fuma
    """
    if not files:
        raise AmbikitError("got no file to check; expected at least one; name it: ambikit check IN")
    if more and len(files) > 1:
        raise AmbikitError(f"got --and with {len(files)} files; expected one file IN; check them one at a time")
    source = convention(source)
    if len(files) == 1:
        return _check_one(files[0], more, source, tolerance, channels, reasons=True, figures=verbose)
    worst = 0
    for file in files:
        try:
            status = _check_one(file, (), source, tolerance, channels, reasons=verbose, figures=verbose)
        except AmbikitError as error:
            say("error", error)
            status = 2
        worst = max(worst, status, key=_FROM_BEST_TO_WORST.index)
    return worst


def _check_one(
    file: Path,
    more: tuple[Path, ...],
    source: str,
    tolerance: float,
    channels: str | None,
    *,
    reasons: bool,
    figures: bool,
) -> int:
    from ambikit.analysis.block_statistics import BLOCK
    from ambikit.analysis.validity import check_in_blocks
    from ambikit.files.metadata.reading import read_metadata

    field = open_field(file, more, source=source, channels=channels, length=BLOCK)
    if field.channels < 4:
        raise ShapeError(
            f"got {file} with one channel to judge; expected at least four, W,Y,Z,X; mono has no direction; of a file "
            "with more channels name four: --channels 0,1,2,3"
        )
    with blocks_of(field, "check") as blocks:
        report = check_in_blocks((block[:4] for block in blocks), field.sample_rate, tolerance=tolerance)
    _print_verdict(report, file, source, tolerance)
    if reasons:
        _print_reasons(report, file, source, field.channels)
        if not more and channels is None:
            for line in evidence_against(read_metadata(file), report):
                console().print(Text(f"- {line}"), soft_wrap=True)
    if figures:
        table = Table("figure", "value", box=None, pad_edge=False)
        for name, value in report.figures.items():
            table.add_row(Text(name), f"{value:.4g}")
        console().print(table)
    return STATUS[report.verdict]


def _print_verdict(report: Any, file: Path, source: str, tolerance: float) -> None:
    outcome = "passes" if report.passes_energy_test else "fails"
    said = (
        f"{file} read as {source}: energy ratio {report.energy_ratio:.3f} ({outcome}: 1 ± {tolerance:g}), "
        f"scale (guess) {report.normalization or 'none'}"
    )
    console().print(Text(report.verdict, style=f"bold {_COLOURS[report.verdict]}"), Text(said), soft_wrap=True)


def _print_reasons(report: Any, file: Path, source: str, channels: int) -> None:
    out = console()
    for reason in report.reasons:
        out.print(Text(f"- {reason}"), soft_wrap=True)
    if channels > 4:
        out.print(f"- Judged by the first four of its {channels} channels.", soft_wrap=True)
    if report.proposal is not None:
        out.print(Text(f"apply in Python: {report.proposal}"), soft_wrap=True)
    if report.normalization in ("n3d", "fuma") and source == "ambix":
        apply = f"ambikit convert {shlex.quote(str(file))} OUT.wav --as {report.normalization}"
        out.print(Text(f"apply here:      {apply}"), soft_wrap=True)
