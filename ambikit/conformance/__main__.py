"""``python -m ambikit.conformance``: test an implementation on the command line.

Exit status: 0 if every case that is offered passes, 1 if one fails, 2 if an adapter cannot be loaded.
"""

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import tyro
from rich.console import Console

from ambikit.conformance.adapter import load_adapter
from ambikit.conformance.report import as_lines, as_table
from ambikit.conformance.runner import run
from ambikit.errors import AmbikitError

__all__ = ["main"]


def conformance(
    adapter: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="MODULE:OBJECT", help="the implementations to test, one or more")
    ] = ("ambikit.conformance.adapters.ours:AmbikitNumPy",),
    every_case: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="show the cases that pass, too")
    ] = False,
    as_json: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(name="json", help="print JSON instead of tables")
    ] = False,
) -> int:
    """Test implementations of Ambisonics against known answers."""
    reports = [run(load_adapter(name)) for name in adapter]
    if as_json:
        print(json.dumps([report.as_dict() for report in reports], indent=1))
    else:
        console = Console()
        for report in reports:
            console.print(as_table(report))
            for line in as_lines(report, every_case=every_case):
                console.print(line, soft_wrap=True)
            counts = {verdict: len(report.names(verdict)) for verdict in ("pass", "fail", "error", "not offered")}
            console.print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()), end="\n\n")
    return 0 if all(report.conforms for report in reports) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    try:
        return tyro.cli(conformance, args=arguments, prog="python -m ambikit.conformance")
    except AmbikitError as error:
        Console(stderr=True).print(f"error: {error}", markup=False, soft_wrap=True)
        return 2


if __name__ == "__main__":
    sys.exit(main())
