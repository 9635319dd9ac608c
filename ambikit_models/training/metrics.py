"""The metrics of a run: means over the last steps and over all processes, one JSON record per line.

``metrics.jsonl`` is a function of the recipe and the clips: an interrupted run has the same bytes in the end. What the
clock says stands in ``journal.jsonl``: each start, on what, and the seconds of every record.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from ambikit.files.replacing import replacing
from ambikit_models.training.divergence import Plateau, refuse_divergence
from ambikit_models.training.phases import Phase

__all__ = ["Metrics", "Report", "read_metrics"]

#: Told about every record: step, steps, phase, loss, accuracy, learning_rate, seconds; and warning where there is one.
Report = Callable[[dict[str, Any]], None]


class Metrics:
    """Collects what is logged at every step and writes its mean now and then.

    Where ``tensorboard`` is installed, its event files are written beside.

    Parameters
    ----------
    output
        The folder of the run.
    fabric
        The processes; only the first one writes and reports.
    report
        Told about every record that is written.
    done
        Steps whose records stand. Later ones come from a run that was interrupted after its last checkpoint; they
        are dropped, since those steps will be made again.
    skips
        Whether the precision is one (float16) that skips steps whose numbers overflow.
    """

    def __init__(self, output: Path, fabric: Fabric, report: Report | None, done: int, *, skips: bool = False) -> None:
        self._output, self._fabric, self._report, self._skips = output, fabric, report, skips
        self._path, self._recent = output / "metrics.jsonl", list[dict[str, Tensor]]()
        self._plateau: Plateau | None = None
        self._begin = 0
        if not fabric.is_global_zero:
            return
        if self._path.exists():
            lines = self._path.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= done]
            if kept != lines:
                with replacing(self._path) as temporary:
                    temporary.write_text("".join(kept), encoding="utf-8")
        for left in output.glob(".metrics.jsonl.*.part"):  # by a run that was killed while it wrote
            left.unlink()
        self._boards = _tensorboard(output / "tensorboard", done)
        device, precision = str(fabric.device), str(fabric.strategy.precision.precision)
        self._note({"begun_after": done, "processes": fabric.world_size, "device": device, "precision": precision})

    def begin(self, phase: Phase, first: int, plateau_after: int) -> None:
        """A phase begins, or goes on, whose first step is ``first``."""
        self._begin = first
        if self._fabric.is_global_zero:
            before = read_metrics(self._path) if self._path.exists() else []
            self._plateau = Plateau(phase, plateau_after, [record for record in before if record["step"] > first])

    def add(self, values: dict[str, Tensor]) -> None:
        """Remember the values of one step, without waiting for them to be computed."""
        self._recent.append({name: value.detach() for name, value in values.items()})

    def write(self, *, step: int, seconds: float, **facts: Any) -> None:
        """Write one record: the given facts, and the mean of what was added since the last one.

        Raises
        ------
        AmbikitError
            If a loss is not finite.
        """
        steps = {name: torch.stack([values[name] for values in self._recent]) for name in self._recent[0]}
        steps = {name: self._fabric.all_reduce(values, reduce_op="mean").cpu() for name, values in steps.items()}
        self._recent.clear()
        finite = refuse_divergence(steps["loss"], step, self._output, skips=self._skips)
        means = {name: values[finite].mean().item() for name, values in steps.items()}
        if not self._fabric.is_global_zero:
            return
        record = {"step": step, **facts, **means}
        warning = self._plateau.warning(step - self._begin, means["loss"]) if self._plateau else None
        if warning:
            record["warning"] = warning
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
            file.flush()
            os.fsync(file.fileno())  # before a checkpoint is, which would stand for it
        self._note({"step": step, "seconds": seconds})
        if self._boards:
            for name in (*means, "learning_rate"):
                self._boards.add_scalar(name, record[name], step)
        if self._report:
            self._report({**record, "seconds": seconds})

    def close(self) -> None:
        """Nothing more comes."""
        if self._fabric.is_global_zero and self._boards:
            self._boards.close()

    def _note(self, entry: dict[str, Any]) -> None:
        with (self._output / "journal.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The records of a metrics file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _tensorboard(folder: Path, done: int) -> Any:
    """A writer of TensorBoard's event files that hides what comes after ``done``; None where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=done + 1)
