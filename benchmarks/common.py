"""How a benchmark is measured, written down and shown.

The contract: one thread; every candidate warmed up, then timed in interleaved rounds, so that a busy moment of the
machine hits all alike; median and quartiles; and in the same row the error against an oracle in double precision,
because a fast wrong answer is no answer. A limit (a copy of the memory involved) says what no formula can beat.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

__all__ = ["Candidate", "Row", "Table", "largest_error", "markdown", "measure", "report"]

RESULTS = Path(__file__).parent / "results"
_PACKAGES = (
    "numpy",
    "scipy",
    "numba",
    "torch",
    "torchaudio",
    "torchvision",
    "librosa",
    "opencv-python",
    "py360convert",
)


@dataclass(frozen=True)
class Candidate:
    """One way to do the work.

    Attributes
    ----------
    name
        What stands in the table.
    run
        Does the work once and returns the result; everything that may be prepared is prepared outside.
    error
        The error of that result against the oracle, or None for a limit, which computes nothing.
    """

    name: str
    run: Callable[[], Any]
    error: Callable[[Any], float] | None = None


@dataclass(frozen=True)
class Row:
    """What was measured for one candidate: milliseconds per call, and the error of its result."""

    name: str
    median_ms: float
    lower_quartile_ms: float
    upper_quartile_ms: float
    calls: int
    error: float | None


@dataclass(frozen=True)
class Table:
    """The rows of one piece of work; ``error`` says what the error column is."""

    title: str
    error: str
    rows: tuple[Row, ...]


def measure(
    title: str,
    candidates: Sequence[Candidate],
    *,
    error: str = "largest absolute error",
    rounds: int = 15,
    least_seconds: float = 0.005,
) -> Table:
    """Time all candidates in interleaved rounds. A round repeats short calls until ``least_seconds`` have passed."""
    repeats, errors = [], []
    for candidate in candidates:
        result = candidate.run()  # compiles what has to be compiled
        errors.append(None if candidate.error is None else float(candidate.error(result)))
        seconds = min(_time(candidate.run, 1) for _ in range(2))
        repeats.append(max(1, int(least_seconds / max(seconds, 1e-7)) + 1) if seconds < least_seconds else 1)
    times: list[list[float]] = [[] for _ in candidates]
    for turn in range(rounds):
        # Each round starts with another candidate: nobody always runs into a cache that the same one left behind.
        for k in range(len(candidates)):
            index = (turn + k) % len(candidates)
            times[index].append(_time(candidates[index].run, repeats[index]))
    rows = []
    for candidate, measured, repeat, deviation in zip(candidates, times, repeats, errors, strict=True):
        low, middle, high = 1e3 * np.quantile(measured, [0.25, 0.5, 0.75])
        rows.append(Row(candidate.name, float(middle), float(low), float(high), repeat * rounds, deviation))
    return Table(title, error, tuple(rows))


def largest_error(oracle: Any) -> Callable[[Any], float]:
    """The largest absolute difference to ``oracle``, for NumPy arrays and tensors."""
    expected = _numpy(oracle)
    return lambda result: float(np.max(np.abs(_numpy(result) - expected)))


def report(name: str, tables: Sequence[Table], *, folder: Path = RESULTS) -> dict[str, Any]:
    """Write the tables to ``results/<name>.json`` with machine, versions and commit, and print them."""
    from rich.console import Console
    from rich.markdown import Markdown

    result = {
        "benchmark": name,
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "machine": _machine(),
        "threads": 1,
        "versions": {"python": platform.python_version(), **_versions()},
        "tables": [asdict(table) for table in tables],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    text = markdown(result)
    Console(width=None if sys.stdout.isatty() else 160).print(Markdown(text))
    return result


def markdown(result: dict[str, Any]) -> str:
    """The tables of a result as Markdown, with the conditions they were measured under."""
    machine, versions = result["machine"], result["versions"]
    lines = [
        f"Measured on {machine['processor']} ({machine['cores']} cores), {result['threads']} thread, "
        f"{result['date']}, commit {result['commit']}; "
        + ", ".join(f"{name} {number}" for name, number in versions.items())
        + "."
    ]
    for table in result["tables"]:
        fastest = min(row["median_ms"] for row in table["rows"] if row["error"] is not None)
        lines += [
            "",
            f"**{table['title']}**",
            "",
            f"| | median, ms | quartiles, ms | × fastest | {table['error']} |",
            "|---|---:|---:|---:|---:|",
        ]
        for row in table["rows"]:
            quartiles = f"{row['lower_quartile_ms']:.3g} to {row['upper_quartile_ms']:.3g}"
            deviation = "(limit)" if row["error"] is None else f"{row['error']:.1e}"
            lines.append(
                f"| {row['name']} | {row['median_ms']:.3g} | {quartiles} | {row['median_ms'] / fastest:.2f} "
                f"| {deviation} |"
            )
    return "\n".join(lines) + "\n"


def _time(run: Callable[[], Any], repeat: int) -> float:
    start = perf_counter()
    for _ in range(repeat):
        run()
    return (perf_counter() - start) / repeat


def _numpy(x: Any) -> np.ndarray:
    return x.detach().cpu().double().numpy() if hasattr(x, "detach") else np.asarray(x, dtype=np.float64)


def _commit() -> str:
    """The commit the working tree is at, with a plus if the code has changes that are not committed."""
    root = Path(__file__).parents[1]
    code = ["ambikit", "ambikit_models", "benchmarks", ":!benchmarks/results"]
    try:
        commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=root, capture_output=True, check=True)
        status = ["git", "status", "--porcelain", "--untracked-files=no", "--", *code]
        changes = subprocess.run(status, cwd=root, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit.stdout.decode().strip() + ("+" if changes.stdout.strip() else "")


def _machine() -> dict[str, Any]:
    """What the machine is, not what it is called."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    return {"processor": processor, "cores": os.cpu_count(), "system": platform.system()}


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
