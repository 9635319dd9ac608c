"""What each compiled loop brings: its row beside that of the plain formula, measured in one round.

A loop stays only while its row wins.
"""

import re
from dataclasses import dataclass
from typing import Any

from benchmarks.judging import figure, time_words

__all__ = ["GAINS", "Gain", "rows_of", "table_of_gains"]


@dataclass(frozen=True)
class Gain:
    """A module of ``ambikit/kernels``, and the two rows of a table that tell what it brings; patterns."""

    kernel: str
    case: str
    table: str
    loop: str = "^ambikit, loop, NumPy"
    formula: str = "^formula, NumPy"


GAINS = [
    Gain("block_filter", "binaural", "^Two ears .*order 3"),
    *(
        Gain("block_rotation", "rotate", f"^Rotate.*order {order}", "^ambikit, out=, NumPy", "^formula, out=, NumPy")
        for order in (1, 3, 7)
    ),
    Gain("crop", "crop", "1920 × 960.*one bilinear", "the loop alone"),
    *(
        Gain(name, "features", "^Features of 16", "^ambikit.salsa, NumPy", "^formula for salsa, NumPy")
        for name in ("eigenvector", "noise_floor")
    ),
    Gain("frames", "loops", "^Frames", "^ambikit, loop"),
    Gain("harmonics", "harmonics", "^Order 3, .*unit vectors", "^ambikit, loop, NumPy, float32"),
    Gain("harmonics", "harmonics", "^Order 20, .*unit vectors", "^ambikit, loop, NumPy, float32"),
    Gain("levels", "loops", "^Decibels", "^ambikit, loop"),
    Gain("low_pass", "validity", "float32", "^ambikit check_foa, NumPy", "^ambikit check_foa, SciPy's filter"),
    *(Gain("mel", "intensity", begin) for begin in ("^Normalised", "^Level and phase", "^Powers", "^The 10 products")),
    *(
        Gain("rotation_blocks", "rotation_matrices", rf"^Rotation matrices of 10.000 poses, order {order}\b",
             "^ambikit, angles, NumPy")
        for order in (1, 3, 7)
    ),
    *(Gain("rotation_track", "rotation_track", f"order {order}, .* s at", "^ambikit, loop.*NumPy") for order in (1, 3)),
    Gain("rotation_track", "rotation_track", "order 7", "^ambikit, loop.*NumPy"),
    Gain("view_positions", "loops", "^Positions", "^ambikit, loop"),
]  # fmt: skip


def rows_of(gain: Gain, results: dict[str, dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any], str] | None:
    """The row of the loop, that of the formula, and the title of their table; None where they were not measured."""
    for table in results.get(gain.case, {}).get("tables", []):
        if "columns" in table or not re.search(gain.table, table["title"]):
            continue
        found = [next((r for r in table["rows"] if re.search(p, r["name"])), None) for p in (gain.loop, gain.formula)]
        if found[0] is not None and found[1] is not None:
            return found[0], found[1], table["title"]
    return None


def table_of_gains(results: dict[str, dict[str, Any]]) -> str:
    """The table of the page, as Markdown."""
    lines = ["| loop | work | loop | formula | gain |", "|---|---|---:|---:|---:|"]
    for gain in GAINS:
        rows = rows_of(gain, results)
        if rows is None:
            lines.append(f"| `{gain.kernel}` | not measured: `python -m benchmarks {gain.case}` | | | |")
            continue
        loop, formula, title = rows
        times = f"{time_words(loop['median_ms'])} | {time_words(formula['median_ms'])}"
        lines.append(f"| `{gain.kernel}` | {title} | {times} | {figure(formula['median_ms'] / loop['median_ms'])} × |")
    return "\n".join(lines) + "\n"
