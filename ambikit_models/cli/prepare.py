"""Clips cut from a collection."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from ambikit.errors import AmbikitError
from ambikit_models.preparation.executors import Executor
from ambikit_models.preparation.recording import PrepareConfig
from ambikit_models.preparation.selection import Selection

__all__ = ["Prepare"]


@dataclass(frozen=True)
class Prepare:
    """Cut a collection into clips that a training reads quickly, with a manifest of where each came from."""

    folder: Annotated[Path, tyro.conf.Positional]
    """The collection; folders in it are searched too."""
    config: PrepareConfig
    output: Path | None = None
    """Folder for the clips; runs/prepared/<name> by default. An interrupted run there goes on."""
    audit: Path | None = None
    """An audit.jsonl of the same folder: take only what --select chooses from it."""
    select: Selection = "all"
    """With --audit: all that could be judged, passing (the energy test), as many failing, or valid."""
    seed: int = 0
    """Decides which files fail in the selection of as many that fail."""
    yolo_weights: str | None = None
    """Weights of a YOLO detector, to find the objects of each clip now (needs the extra yolo)."""
    workers: int = 2
    """Processes side by side."""
    executor: Executor = "local"
    """local, or a cluster of ray or dask."""
    address: str | None = None
    """Of a running cluster; by default one is started on this machine."""

    def run(self) -> None:
        """Run the command."""
        from ambikit_models.panorama.detection import YoloDetector
        from ambikit_models.preparation.prepare import MANIFEST, prepare
        from ambikit_models.preparation.records import read_records
        from ambikit_models.preparation.selection import select
        from ambikit_models.study.progress import live_progress, notes

        if self.select != "all" and self.audit is None:
            raise AmbikitError(f"got --select {self.select} without --audit; expected the audit.jsonl to select from")
        output, console = self.output or Path("runs/prepared") / self.folder.resolve().name, Console()
        with notes(console), live_progress(console) as tell:
            only = None
            if self.audit is not None:
                only = {r["path"] for r in select(read_records(self.audit), self.select, seed=self.seed)}
            prepared = prepare(
                self.folder,
                output,
                self.config,
                only=only,
                detector=None if self.yolo_weights is None else YoloDetector(self.yolo_weights),
                workers=self.workers,
                executor=self.executor,
                address=self.address,
                progress=tell,
            )
        minutes = sum(clip["duration"] for clip in prepared.clips) / 60
        words = f"clips: {len(prepared.clips)}, {minutes:.1f} minutes: {output / MANIFEST}"
        console.print(words, highlight=False, soft_wrap=True)
        for record in prepared.set_aside[:20]:
            console.print(
                f"set aside: {record['name']}: {record['reason']}", highlight=False, markup=False, soft_wrap=True
            )
        if len(prepared.set_aside) > 20:
            console.print(f"and {len(prepared.set_aside) - 20} more in {output / 'set_aside.jsonl'}", highlight=False)
