"""Rows of the papers' tables, made anew."""

import json
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import tyro
from rich.console import Console
from rich.table import Table

from ambikit.errors import AmbikitError
from ambikit_models.cli.evaluate import TaskName
from ambikit_models.cli.places import check_source

if TYPE_CHECKING:
    from ambikit_models.study.row_sources import RowsSource
    from ambikit_models.study.rows import RowOutcome
    from ambikit_models.training.rows import Row

__all__ = ["Reproduce"]


@dataclass(frozen=True)
class Reproduce:
    """Train and examine rows of the published tables, and print them beside what the paper reports.

    On the world in small form, on data sets in full. Rows that are trained alike share a training.
    """

    rows: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Names such as morgado2020-s3d-hard, or all; the documentation lists them."""
    world: int | None = None
    """Scenes of the synthetic world to train on; tasks learn from a third as many and are asked of as many again."""
    data: Path | None = None
    """Folder of clips to train on, as for train; with lists train.txt and test.txt alignment is asked of them too."""
    task_data: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """TASK=DIR: the data set of a task, e.g. actions=UCF101; repeatable, also for one task."""
    output: Path = Path("runs/rows")
    """Folder for trainings, figures and rows.json; what is finished there is not done again."""
    seed: int = 0
    """Of trainings, heads and tuning."""
    yolo_weights: str = "yolo11n.pt"
    """Weights of the detector on data, for rows that look at objects (needs the extra yolo)."""
    audit: Path | None = None
    """The audit.jsonl of a folder that was not prepared, for rows that select clips."""
    accelerator: str = "auto"
    """cpu, cuda or auto."""
    precision: str = "32-true"
    """32-true, bf16-mixed or 16-mixed."""
    workers: int = 2
    """Processes that render scenes."""

    def run(self) -> None:
        """Run the command."""
        from lightning_fabric import Fabric

        from ambikit.files.replacing import replacing
        from ambikit_models.study.progress import live_progress, notes
        from ambikit_models.study.rows import reproduce
        from ambikit_models.study.rows_report import record_of

        rows, source = self._rows(), self._source()
        fabric, console = Fabric(accelerator=self.accelerator, devices=1, precision=self.precision), Console()  # pyright: ignore
        outcomes: list[RowOutcome] = []
        with notes(console), live_progress(console) as tell:
            for number, row in enumerate(rows):
                tell("rows", number, len(rows), row.name)
                outcomes.append(reproduce(row, source, self.output, fabric=fabric, tell=tell))
                record = record_of(outcomes, **self._about(fabric))
                self.output.mkdir(parents=True, exist_ok=True)
                with replacing(self.output / "rows.json") as partial:
                    Path(partial).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
                _show(console, row, record)
            tell("rows", len(rows), len(rows), "done")
        if not any(outcome.figures for outcome in outcomes):
            why = next(iter(outcomes[0].not_run.values()))
            raise AmbikitError(
                f"got {' '.join(self.rows)}, of which nothing could be run; expected a row that can; {why}"
            )
        _compare(console, record)
        console.print(f"numbers: {self.output / 'rows.json'}", highlight=False)

    def _rows(self) -> "list[Row]":
        from ambikit_models.training.rows import published_row, published_rows

        check_source(self.data, self.world)
        if not self.rows:
            raise AmbikitError(
                "got no row; expected names of rows, or all; e.g. ambikit-models reproduce all --world 3000"
            )
        every = published_rows()
        wanted = {row.name for row in every} if "all" in self.rows else {published_row(name).name for name in self.rows}
        return [row for row in every if row.name in wanted]

    def _source(self) -> "RowsSource":
        from ambikit_models.study.row_sources import RowsOnData, RowsOnWorld

        if self.world is not None:
            if self.task_data:
                raise AmbikitError(f"got --task-data {self.task_data[0]} with --world; expected it with --data DIR")
            return RowsOnWorld(self.world, self.output / "scenes", self.seed, self.workers)
        tasks: dict[str, tuple[Path, ...]] = {}
        for entry in self.task_data:
            task, equals, folder = entry.partition("=")
            if not equals or task not in get_args(TaskName):
                raise AmbikitError(
                    f"got --task-data {entry}; expected TASK=DIR with one of {', '.join(get_args(TaskName))}"
                )
            tasks[task] = (*tasks.get(task, ()), Path(folder))
        assert self.data is not None
        return RowsOnData(self.data, tasks, self.seed, self.yolo_weights, self.audit)

    def _about(self, fabric: Any) -> dict[str, Any]:
        from ambikit_models.training.config import to_mapping
        from ambikit_models.training.small_form import small_form

        where: dict[str, Any] = {"data": str(self.data)}
        if self.world is not None:
            form = small_form()
            held_out = form.held_out_scenes(self.world)
            where = {"scenes": self.world, "held_out_scenes": held_out, "small_form": to_mapping(form)}
        machine = {"machine": f"{platform.system()} {platform.machine()}, {fabric.device.type}"}
        return {**where, "seed": self.seed, **machine, "processor_seconds": round(time.process_time())}


def _show(console: Console, row: "Row", record: dict[str, Any]) -> None:
    from ambikit_models.study.rows_report import row_lines

    table = Table("figure", "paper", "here, percent", title=f"{row.name}: {row.row}")
    for line in row_lines(row, record):
        table.add_row(*line)
    console.print(table)
    if training := record["rows"][row.name]["training"]:
        loss = f"loss {training['loss']:.2f} (chance {training['chance']:.2f})"
        console.print(f"training {training['folder']}: {training['steps']} steps, {loss}", highlight=False)


def _compare(console: Console, record: dict[str, Any]) -> None:
    from ambikit_models.study.rows_report import difference_lines

    table = Table("rows", "figure", "paper", "here", title="beside the first row of each table, paired by test units")
    for line in difference_lines(record):
        table.add_row(*line)
    if table.row_count:
        console.print(table)
