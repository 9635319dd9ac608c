"""Whether a target is met: goals for rows of the results, and the table that says where they stand."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.writing import RESULTS, kind_of

__all__ = ["Goal", "Operation", "Outcome", "evaluate", "figure", "load", "summary", "time_words"]

_WANTED = {
    "ms": "≤ {:.3g} ms",
    "share": "≤ {:g} % of the step",
    "beyond": "≤ {:.3g} ms beyond {}",
    "error": "error ≤ {:.0e}",
    "times": "≤ {:g} × {}",
    "speed": "≥ {:g} × as fast as {}",
}
_REACHED = {"share": "{} %", "ms": "{} ms", "beyond": "{} ms", "times": "{} ×", "speed": "{} ×"}
_FIGURES = ("name", "median_ms", "quartiles", "share")


@dataclass(frozen=True)
class Goal:
    """One thing to reach.

    Attributes
    ----------
    kind
        "times": the time of the row is at most ``bound`` times that of ``against``; "speed": the row is at least
        ``bound`` times as fast; "ms": it takes at most so many milliseconds; "beyond": so many more than the row of its
        name in the table that ``against`` fits; "error": its error is at most that; "share": its share of the whole, in
        a table of figures whose columns are names, milliseconds, quartiles and shares in per cent.
    bound
        The number.
    against
        What the names of the rows look like that it is compared with (the fastest of them), a regular expression.
    named
        What they are called on the page.
    """

    kind: str
    bound: float
    against: str = ""
    named: str = ""

    def value(self, row: dict[str, Any], table: dict[str, Any], tables: Sequence[dict[str, Any]]) -> float | None:
        """What was reached, or None where the other row was not measured."""
        if self.kind == "beyond":
            found = (r for t in tables if re.search(self.against, t["title"]) for r in t["rows"])
            base = next((r["median_ms"] for r in found if r["name"] == row["name"]), None)
            return None if base is None else row["median_ms"] - base
        if self.kind in ("ms", "error", "share"):
            return row["median_ms" if self.kind == "ms" else self.kind]
        others = [r["median_ms"] for r in table["rows"] if re.search(self.against, r["name"]) and r is not row]
        if not others:
            return None
        return row["median_ms"] / min(others) if self.kind == "times" else min(others) / row["median_ms"]

    def met(self, value: float) -> bool:
        """Whether this value is good enough."""
        return value >= self.bound if self.kind == "speed" else value <= self.bound

    def words(self) -> str:
        """The goal, for the page."""
        return _WANTED[self.kind].format(self.bound, self.named)

    def reached(self, value: float | None) -> str:
        """What was reached, for the page."""
        if value is None:
            return "not measured"
        return f"{value:.0e}" if self.kind == "error" else _REACHED[self.kind].format(figure(value))


@dataclass(frozen=True)
class Operation:
    """One line of the page: which row of which table of which case, and its goals.

    ``others`` is what the names of peers look like that do the same work, where not all of the table do.
    """

    name: str
    library: str
    case: str
    table: str
    row: str
    goals: tuple[Goal, ...]
    others: str = ""


@dataclass(frozen=True)
class Outcome:
    """An operation with what was measured of it; ``row`` is None where nothing was."""

    operation: Operation
    row: dict[str, Any] | None
    table: dict[str, Any] | None
    tables: Sequence[dict[str, Any]] = ()

    @property
    def limit(self) -> float | None:
        """How many times the limit it takes."""
        rows = self.table["rows"] if self.table and "columns" not in self.table else []
        limits = [r["median_ms"] for r in rows if kind_of(r) == "limit"]
        return self.row["median_ms"] / limits[0] if limits and self.row else None

    @property
    def best_peer(self) -> dict[str, Any] | None:
        """The fastest row of others that does the same work: whose error is not a thousand times ours and more."""
        if self.table is None or self.row is None or self.row["error"] is None:
            return None
        worst = 1000 * max(self.row["error"], 1e-7)
        peers = [r for r in self.table["rows"] if kind_of(r) == "peer" and r["error"] <= worst]
        peers = [r for r in peers if re.search(self.operation.others, r["name"])]
        return min(peers, key=lambda r: r["median_ms"]) if peers else None

    @property
    def values(self) -> list[float | None]:
        """What was reached of each goal."""
        if self.row is None or self.table is None:
            return [None for _ in self.operation.goals]
        return [goal.value(self.row, self.table, self.tables) for goal in self.operation.goals]

    @property
    def verdict(self) -> str:
        """Met, not met or not measured; one goal that is missed is enough."""
        judged = [g.met(v) for g, v in zip(self.operation.goals, self.values, strict=True) if v is not None]
        if not judged:
            return "not measured"
        return "met" if all(judged) else "**not met**"


def load(folder: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """All results, by the name of their case."""
    found = (json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json")))
    return {result["benchmark"]: result for result in found}


def evaluate(operations: Sequence[Operation], results: dict[str, dict[str, Any]]) -> list[Outcome]:
    """Find the row of each operation; the first table and the first row that fit."""
    return [Outcome(operation, *_find(operation, results)) for operation in operations]


def _find(operation: Operation, results: dict[str, dict[str, Any]]) -> tuple[Any, ...]:
    tables = results.get(operation.case, {}).get("tables", [])
    for table in tables:
        if re.search(operation.table, table["title"]):
            if "columns" in table:
                table = {**table, "rows": [dict(zip(_FIGURES, row, strict=True), error=None) for row in table["rows"]]}
            for row in table["rows"]:
                if re.search(operation.row, row["name"]):
                    return row, table, tables
    return None, None


def summary(outcomes: list[Outcome]) -> str:
    """The table of the page, as Markdown."""
    lines = [
        "| operation | | time | × limit | fastest other | error | target | reached | |",
        "|---|---|---:|---:|---|---:|---|---|---|",
    ]
    for outcome in outcomes:
        operation, row = outcome.operation, outcome.row
        goals = "<br>".join(goal.words() for goal in operation.goals)
        if row is None:
            lines.append(f"| {operation.name} | {operation.library} | | | | | {goals} | | not measured |")
            continue
        reached = "<br>".join(g.reached(v) for g, v in zip(operation.goals, outcome.values, strict=True))
        limit = "" if outcome.limit is None else f"{outcome.limit:.2f}"
        error = "" if row["error"] is None else f"{row['error']:.0e}"
        lines.append(
            f"| {operation.name} | {operation.library} | {time_words(row['median_ms'])} | {limit} | {_peer(outcome)} "
            f"| {error} | {goals} | {reached} | {outcome.verdict} |"
        )
    return "\n".join(lines) + "\n"


def figure(value: float) -> str:
    """Three digits, and no powers of ten where there are more before the point."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}".replace(",", " ")


def time_words(milliseconds: float) -> str:
    """A time in a unit that suits it."""
    if milliseconds >= 1000:
        return f"{figure(milliseconds / 1000)} s"
    return f"{1e3 * milliseconds:.3g} µs" if milliseconds < 0.1 else f"{milliseconds:.3g} ms"


def _peer(outcome: Outcome) -> str:
    """The fastest other, how many times as long it takes, and its error where that is another one altogether."""
    peer, row = outcome.best_peer, outcome.row
    if peer is None:
        return ""
    worse = f", error {peer['error']:.0e}" if peer["error"] > 10 * max(row["error"], 1e-12) else ""
    return f"{peer['name']}: {figure(peer['median_ms'] / row['median_ms'])} ×{worse}"
