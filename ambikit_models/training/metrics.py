"""The metrics of a run: means over the last steps and over all processes, one JSON record per line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from ambikit.files.replacing import replacing

__all__ = ["Metrics", "Report", "read_metrics"]

#: Told about every record: step, steps, phase, loss, accuracy, learning_rate, seconds.
Report = Callable[[dict[str, Any]], None]


class Metrics:
    """Collects what is logged at every step and writes its mean now and then.

    Parameters
    ----------
    path
        The file, one JSON object per line.
    fabric
        The processes; only the first one writes and reports.
    report
        Told about every record that is written.
    done
        Steps whose records stand. Later ones come from a run that was interrupted after its last checkpoint; they
        are dropped, since those steps will be made again.
    """

    def __init__(self, path: Path, fabric: Fabric, report: Report | None, done: int) -> None:
        self._path, self._fabric, self._report = path, fabric, report
        self._recent: list[dict[str, Tensor]] = []
        if fabric.is_global_zero and path.exists():
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= done]
            with replacing(path) as temporary:
                temporary.write_text("".join(kept), encoding="utf-8")

    def add(self, values: dict[str, Tensor]) -> None:
        """Remember the values of one step, without waiting for them to be computed."""
        self._recent.append({name: value.detach() for name, value in values.items()})

    def write(self, **facts: Any) -> None:
        """Write one record: the given facts, and the mean of what was added since the last one."""
        means = {name: torch.stack([v[name] for v in self._recent]).mean() for name in self._recent[0]}
        self._recent.clear()
        record = {**facts, **{k: self._fabric.all_reduce(v, reduce_op="mean").item() for k, v in means.items()}}
        if self._fabric.is_global_zero:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
            if self._report:
                self._report(record)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The records of a metrics file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
