"""What a command that examines systems leaves: a table on the screen, table.md and figures.json."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from ambikit_models.downstream.probing.engine import Figure

__all__ = ["show_outcome"]


def show_outcome(
    console: Console, output: Path, task: str, where: str, figures: "Sequence[Figure]", seeds: Sequence[int]
) -> None:
    """Write and print the figures, and the comparisons of the first subject with every other.

    Parameters
    ----------
    console
        Where to print.
    output
        A folder that is there.
    task, where
        What was asked, and of what; the title.
    figures
        Rows by subject.
    seeds
        That they are means over.
    """
    from ambikit.files.replacing import replacing
    from ambikit_models.downstream.probing.comparison import comparisons
    from ambikit_models.downstream.probing.report import columns, difference_rows, markdown, plain, rows

    found, title = comparisons(figures), f"{task} on {where}"
    with replacing(output / "table.md") as partial:
        Path(partial).write_text(markdown(title, figures, found), encoding="utf-8")
    with replacing(output / "figures.json") as partial:
        record = {"task": task, "on": where, "seeds": tuple(seeds), **plain(figures, found)}
        Path(partial).write_text(json.dumps(record, indent=1), encoding="utf-8")
    table = Table(*columns(figures), title=title)
    for row in rows(figures):
        table.add_row(*row)
    console.print(table)
    for words in difference_rows(found):
        console.print(", ".join(words), highlight=False)
    console.print(f"table: {output / 'table.md'}\nnumbers: {output / 'figures.json'}", highlight=False)
