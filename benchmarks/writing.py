"""What a benchmark leaves: tables in JSON with machine, versions and commit, and the same as Markdown."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import commit, load_average, machine, versions

__all__ = [
    "RESULTS",
    "Figures",
    "Row",
    "Table",
    "conditions",
    "kind_of",
    "markdown",
    "missing",
    "record",
    "report",
    "show",
]

#: Where the results lie; ``python -m benchmarks --quick`` writes its own elsewhere.
RESULTS = Path(os.environ.get("AMBIKIT_BENCHMARK_RESULTS") or Path(__file__).parent / "results")
#: Peers that were asked for and are not installed.
missing: set[str] = set()

_LOAD = load_average()  # before we add to it


@dataclass(frozen=True)
class Row:
    """What was measured for one candidate: milliseconds per call, and the error of its result."""

    name: str
    median_ms: float
    lower_quartile_ms: float
    upper_quartile_ms: float
    best_ms: float
    calls: int
    error: float | None


@dataclass(frozen=True)
class Table:
    """The rows of one piece of work; ``error`` says what the error column is, ``device`` where it ran."""

    title: str
    error: str
    rows: tuple[Row, ...]
    device: str = "cpu"


@dataclass(frozen=True)
class Figures:
    """A table of anything else: the names of its columns, and rows that begin with a name."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""


def report(name: str, tables: Sequence[Table | Figures], *, folder: Path | None = None) -> dict[str, Any]:
    """Write the tables to ``results/<name>.json`` with machine, versions and commit, and print them."""
    result = record(name, [asdict(table) for table in tables], folder=folder)
    show(markdown(result))
    return result


def record(name: str, tables: Sequence[dict[str, Any]], *, folder: Path | None = None) -> dict[str, Any]:
    """Write tables of any kind to ``results/<name>.json`` with machine, versions and commit."""
    folder = folder or RESULTS
    result = {
        "benchmark": name,
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "machine": machine(),
        "load_average": _LOAD,
        "threads": 1,
        "versions": versions(),
        "not_installed": sorted(missing),
        "tables": list(tables),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return result


def show(text: str) -> None:
    """Print Markdown as a terminal can."""
    from rich.console import Console
    from rich.markdown import Markdown

    Console(width=None if sys.stdout.isatty() else 160).print(Markdown(text))


def kind_of(row: dict[str, Any]) -> str:
    """Whose a row is, by its name: "ours", "limit", "formula" or "peer"."""
    if row["error"] is None:
        return "limit"
    beginnings = {"ambikit": "ours", "formula": "formula", "the ": "formula", "limit": "limit"}
    return next((kind for start, kind in beginnings.items() if row["name"].startswith(start)), "peer")


def conditions(result: dict[str, Any]) -> str:
    """The machine, the versions and the commit that a result was measured with, as a sentence."""
    found = result["machine"]
    where = f"{found['processor']} ({found['cores']} cores{_cache_words(found)})"
    if "gpu" in found:
        where = f"{found['gpu']}, {where}"
    load = "" if result.get("load_average") is None else f", load average {result['load_average']:g} at the start"
    return (
        f"Measured on {where}, {result['threads']} thread{load}, {result['date']}, commit {result['commit']}; "
        + ", ".join(f"{name} {number}" for name, number in result["versions"].items())
        + "."
        + (f" Not installed: {', '.join(absent)}." if (absent := result.get("not_installed")) else "")
    )


def markdown(result: dict[str, Any]) -> str:
    """The tables of a result as Markdown, with the conditions they were measured under."""
    lines = [conditions(result)]
    for table in result["tables"]:
        lines += ["", f"**{table['title']}**", "", *(_figures(table) if "columns" in table else _times(table))]
    return "\n".join(lines) + "\n"


def _times(table: dict[str, Any]) -> list[str]:
    fastest = min(row["median_ms"] for row in table["rows"] if row["error"] is not None)
    limits = [row["median_ms"] for row in table["rows"] if row["error"] is None]
    lines = [
        f"| | median, ms | quartiles, ms | best, ms | × limit | × fastest | {table['error']} |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in table["rows"]:
        quartiles = f"{row['lower_quartile_ms']:.3g} to {row['upper_quartile_ms']:.3g}"
        best = f"{row['best_ms']:.3g}" if "best_ms" in row else ""
        limit = f"{row['median_ms'] / limits[0]:.3g}" if limits else ""
        deviation = "(limit)" if row["error"] is None else f"{row['error']:.1e}"
        times = f"{row['median_ms']:.3g} | {quartiles} | {best}"
        lines.append(f"| {row['name']} | {times} | {limit} | {row['median_ms'] / fastest:.2f} | {deviation} |")
    return lines


def _figures(table: dict[str, Any]) -> list[str]:
    lines = [f"| {' | '.join(table['columns'])} |", "|---|" + "---:|" * (len(table["columns"]) - 1)]
    for row in table["rows"]:
        cells = ("" if cell is None else f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row)
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", table["note"]] if table.get("note") else lines


def _cache_words(found: dict[str, Any]) -> str:
    return "".join(f", {level} {size}" for level, size in found.get("caches", {}).items())
