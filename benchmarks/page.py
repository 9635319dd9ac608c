"""What the documentation shows of the results: the targets, where others are faster, and every table.

``python -m benchmarks.page FOLDER`` writes the pieces of ``docs/performance.md`` and its picture; the build of the
documentation does so by itself, from the results that are there.
"""

import sys
from pathlib import Path
from typing import Any

from benchmarks.gains import table_of_gains
from benchmarks.judging import Outcome, evaluate, load, summary, time_words
from benchmarks.picture import times_of_the_limit
from benchmarks.targets import OPERATIONS
from benchmarks.writing import conditions, kind_of, markdown

__all__ = ["losses", "pieces", "write"]


def pieces(results: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The generated parts of the page, by name."""
    outcomes = evaluate(OPERATIONS, results)
    return {
        "targets": count(outcomes) + "\n" + summary(outcomes),
        "losses": losses(results),
        "loops": table_of_gains(results),
        "first_call": _of(results, "first_call"),
        "memory": _of(results, "memory"),
        "training_step": "\n".join(_of(results, name) for name in ("training_step", "training_files", "cuda")),
        "sound_formats": _of(results, "sound_formats"),
        "files": _of(results, "files"),
        "tables": tables(results),
    }


def write(folder: Path, results: dict[str, dict[str, Any]] | None = None) -> None:
    """Write the parts into a folder, each as a file of Markdown (not .md, so that none is taken for a page)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pieces(load() if results is None else results).items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")


def count(outcomes: list[Outcome]) -> str:
    """How many targets are met."""
    verdicts = [outcome.verdict for outcome in outcomes]
    met, missed, absent = (verdicts.count(v) for v in ("met", "**not met**", "not measured"))
    return f"Of {len(verdicts)} targets {met} are met, {missed} are not, {absent} are not measured.\n"


def losses(results: dict[str, dict[str, Any]]) -> str:
    """Every piece of work that somebody else does faster than the fastest of ours, with both errors."""
    lines = []
    for table in timings(results):
        ours = [row for row in table["rows"] if kind_of(row) == "ours"]
        if not ours:
            continue
        best = min(ours, key=lambda row: row["median_ms"])
        for row in table["rows"]:
            if kind_of(row) == "peer" and row["median_ms"] < best["median_ms"]:
                lines.append(
                    f"| {table['title']} | {row['name']} | {time_words(row['median_ms'])} | {row['error']:.0e} "
                    f"| {time_words(best['median_ms'])} | {best['error']:.0e} |"
                )
    if not lines:
        return "Nowhere, in what was measured.\n"
    return "\n".join(["| work | who | time | error | ours | error |", "|---|---|---:|---:|---:|---:|", *lines]) + "\n"


def timings(results: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """All tables of times."""
    return [table for result in results.values() for table in result["tables"] if _is_timing(table)]


def tables(results: dict[str, dict[str, Any]]) -> str:
    """All tables of times, case by case, with the conditions of each."""
    parts = []
    for name, result in results.items():
        chosen = [table for table in result["tables"] if _is_timing(table)]
        if chosen:
            parts.append(f"### `{name}`\n\n{markdown({**result, 'tables': chosen})}")
    return "\n".join(parts)


def _is_timing(table: dict[str, Any]) -> bool:
    return "columns" not in table and all("median_ms" in row for row in table["rows"])


def _of(results: dict[str, dict[str, Any]], name: str) -> str:
    """The figures of a case that are no times of candidates, or the word that there are none."""
    if name not in results:
        return f"Not measured yet: `python -m benchmarks {name}` does it.\n"
    figures = [table for table in results[name]["tables"] if "columns" in table]
    text = markdown({**results[name], "tables": figures})
    # the conditions at the end: here the figures come first
    return text.removeprefix(conditions(results[name])).strip() + "\n\n" + conditions(results[name]) + "\n"


def main(folder: Path) -> None:
    write(folder / "performance")
    (folder / "pictures").mkdir(exist_ok=True)
    times_of_the_limit(folder / "pictures" / "performance.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
