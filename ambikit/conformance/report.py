"""A report to look at."""

from typing import Any

from ambikit.conformance.adapter import FUNCTIONS
from ambikit.conformance.runner import Report, Result

__all__ = ["as_lines", "as_table"]

_COLOURS = {"pass": "green", "fail": "bold red", "error": "bold magenta", "not offered": "dim"}


def as_table(report: Report) -> Any:
    """A :class:`rich.table.Table` with one row per function: how many cases pass, and the one nearest to its limit."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=report.name, title_justify="left")
    for heading in ("function", "pass", "fail", "not offered", "largest error", "allowed"):
        table.add_column(heading, justify="left" if heading == "function" else "right")
    for function in FUNCTIONS:
        results = [result for result in report.results if result.case.function == function]
        if not results:
            continue
        count = {verdict: sum(result.verdict == verdict for result in results) for verdict in _COLOURS}
        failed = count["fail"] + count["error"]
        compared = [result for result in results if result.verdict in ("pass", "fail")]
        worst = max(compared, key=lambda result: result.error / result.tolerance, default=None)
        table.add_row(
            function,
            Text(str(count["pass"] or ""), style=_COLOURS["pass"]),
            Text(str(failed or ""), style=_COLOURS["fail"]),
            Text(str(count["not offered"] or ""), style=_COLOURS["not offered"]),
            *([f"{worst.error:.1e}", f"{worst.tolerance:.0e}"] if worst else ["", ""]),
        )
    return table


def as_lines(report: Report, *, every_case: bool = False) -> list[Any]:
    """One :class:`rich.text.Text` per case that failed, or per case: its name, what it asks, and what came out."""
    shown = [r for r in report.results if every_case or r.verdict in ("fail", "error")]
    return [_line(result) for result in shown]


def _line(result: Result) -> Any:
    from rich.text import Text

    said = f"; {result.detail}" if result.detail else ""
    if result.verdict in ("pass", "fail") and not result.detail:
        said = f"; error {result.error:.1e}, allowed {result.tolerance:.0e}"
    return Text.assemble(
        (f"{result.verdict:<12}", _COLOURS[result.verdict]), (result.case.name, "bold"), f": {result.case.about}{said}"
    )
