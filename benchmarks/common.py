"""How a benchmark is measured, written down and shown.

The contract: one thread; every candidate warmed up, then timed in interleaved rounds, so that a busy moment of the
machine hits all alike; median, quartiles and best; and in the same row the error against an oracle in double precision,
because a fast wrong answer is no answer. A limit (a copy of the memory involved) says what no formula can beat.

A row whose name begins with "ambikit" is ours, one that begins with "limit" is a limit and has no error, one that
begins with "formula" is the plain formula beside a compiled loop ("the same, …": a variant of ours); all others are
peers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.machine import one_thread, quick
from benchmarks.writing import Figures, Row, Table, conditions, kind_of, markdown, missing, record, report, show

__all__ = [
    "Candidate",
    "Figures",
    "Row",
    "Table",
    "conditions",
    "kind_of",
    "largest_error",
    "markdown",
    "measure",
    "optional",
    "quick",
    "record",
    "report",
    "scaled",
    "show",
    "with_another",
]

_SLOW = 10.0  # seconds after which a slow candidate takes part in no more than three rounds


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


def optional(package: str) -> Any:
    """A peer, or None where it is not installed, which the result then says."""
    try:
        return import_module(package)
    except ImportError:
        missing.add(package)
        return None


def with_another(owner: Any, name: str, another: Any, function: Callable[[], Any]) -> Callable[[], Any]:
    """The same call while ``another`` stands for ``owner.name``: the plain formula beside its compiled loop."""

    def run() -> Any:
        kept = getattr(owner, name)
        setattr(owner, name, another)
        try:
            return function()
        finally:
            setattr(owner, name, kept)

    return run


def measure(
    title: str,
    candidates: Sequence[Candidate | None],
    *,
    error: str = "largest absolute error",
    rounds: int = 15,
    least_seconds: float = 0.005,
    device: str = "cpu",
) -> Table:
    """Time all candidates in interleaved rounds. A round repeats short calls until ``least_seconds`` have passed.

    A candidate that is None (a peer that is not installed) is left out. With ``device="cuda"`` the time is the
    device's, between two events around the calls.
    """
    one_thread()
    present = [candidate for candidate in candidates if candidate is not None]
    clock = _cuda_seconds if device == "cuda" else _seconds
    if quick():
        rounds, least_seconds = 1, 0.0
    repeats, errors = [], []
    for candidate in present:
        result = candidate.run()  # compiles what has to be compiled
        errors.append(None if candidate.error is None else float(candidate.error(result)))
        del result
        seconds = clock(candidate.run, 1)
        if seconds < 1:
            seconds = min(seconds, clock(candidate.run, 1))
        repeats.append(max(1, int(least_seconds / max(seconds, 1e-7)) + 1) if seconds < least_seconds else 1)
    times: list[list[float]] = [[] for _ in present]
    for turn in range(rounds):
        # Each round starts with another candidate: nobody always runs into a cache that the same one left behind.
        for k in range(len(present)):
            index = (turn + k) % len(present)
            if len(times[index]) < 3 or sum(times[index]) * repeats[index] < _SLOW:
                times[index].append(clock(present[index].run, repeats[index]))
    rows = []
    for candidate, measured, repeat, deviation in zip(present, times, repeats, errors, strict=True):
        best, low, middle, high = (float(1e3 * np.quantile(measured, q)) for q in (0, 0.25, 0.5, 0.75))
        rows.append(Row(candidate.name, middle, low, high, best, repeat * len(measured), deviation))
    return Table(title, error, tuple(rows), device)


def scaled(table: Table, names: str, factor: float) -> Table:
    """The table with the times of rows whose name holds ``names`` as if a part of the work had been all of it."""
    times = ("median_ms", "lower_quartile_ms", "upper_quartile_ms", "best_ms")
    rows = (
        replace(row, **{name: factor * getattr(row, name) for name in times}) if names in row.name else row
        for row in table.rows
    )
    return replace(table, rows=tuple(rows))


def largest_error(oracle: Any) -> Callable[[Any], float]:
    """The largest absolute difference to ``oracle``, for NumPy arrays and tensors."""
    expected = _numpy(oracle)
    return lambda result: float(np.max(np.abs(_numpy(result) - expected)))


def _seconds(run: Callable[[], Any], repeat: int) -> float:
    start = perf_counter()
    for _ in range(repeat):
        run()
    return (perf_counter() - start) / repeat


def _cuda_seconds(run: Callable[[], Any], repeat: int) -> float:
    import torch

    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    begin.record()
    for _ in range(repeat):
        run()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) / 1e3 / repeat


def _numpy(x: Any) -> np.ndarray:
    return x.detach().cpu().double().numpy() if hasattr(x, "detach") else np.asarray(x, dtype=np.float64)
