"""Bars of what the documentation says in numbers: times against the limit, ours and the fastest other."""

from pathlib import Path
from typing import Any

from benchmarks.judging import Outcome, evaluate, figure, load
from benchmarks.targets import OPERATIONS

__all__ = ["times_of_the_limit"]

OURS, TENSORS, OTHERS = "#1f77b4", "#7fb3dc", "#b8b8b8"


def times_of_the_limit(path: Path, results: dict[str, dict[str, Any]] | None = None) -> None:
    """Draw, for each operation that was measured on the CPU, NumPy, torch and the fastest other, on a log axis."""
    from matplotlib import pyplot

    groups: dict[str, dict[str, Outcome]] = {}
    for outcome in evaluate(OPERATIONS, load() if results is None else results):
        if outcome.limit is not None and outcome.operation.library != "CUDA":
            groups.setdefault(outcome.operation.name, {})[outcome.operation.library] = outcome
    height = max(1.6, 0.62 * len(groups) + 1.0)
    canvas, axes = pyplot.subplots(figsize=(9.6, height), layout="constrained")
    for place, outcomes in enumerate(groups.values()):
        first = next(iter(outcomes.values()))
        bars = [(outcomes[k].limit, c, k) for k, c in (("NumPy", OURS), ("torch", TENSORS)) if k in outcomes]
        if peer := first.best_peer:
            bars.append((first.limit * peer["median_ms"] / first.row["median_ms"], OTHERS, peer["name"]))
        for number, (length, colour, name) in enumerate(bars):
            y = place + 0.26 * (number - (len(bars) - 1) / 2)
            axes.barh(y, length, 0.24, color=colour)
            words = f"{figure(length)}  {name}" if colour == OTHERS else figure(length)
            axes.text(length * 1.06, y, words, va="center", fontsize=7.5, color="0.25")
    axes.set_yticks(range(len(groups)), [name.replace("`", "") for name in groups], fontsize=8.5)
    axes.set_ylim(max(1, len(groups)) - 0.4, -0.6)
    axes.set_xscale("log")
    left, right = axes.get_xlim()
    axes.set_xlim(min(0.5, left), right * 30)  # room for the names
    axes.axvline(1, color="0.3", linewidth=1)
    axes.set_xlabel("time / time of the limit (a copy of the same bytes); shorter is faster")
    for colour, name in ((OURS, "ambikit, NumPy"), (TENSORS, "ambikit, torch"), (OTHERS, "fastest other")):
        axes.barh(0, 0, color=colour, label=name)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    canvas.savefig(path, dpi=110, bbox_inches="tight")
    pyplot.close(canvas)
