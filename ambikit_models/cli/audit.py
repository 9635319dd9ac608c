"""What the files of a collection are."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from ambikit_models.preparation.executors import Executor
from ambikit_models.preparation.judgement import Reading

__all__ = ["Audit"]


@dataclass(frozen=True)
class Audit:
    """Say of every sound and video file of a collection whether it is first-order AmbiX, and why not."""

    folder: Annotated[Path, tyro.conf.Positional]
    """The collection; folders in it are searched too."""
    reading: Reading
    output: Path | None = None
    """Folder for audit.jsonl and audit.html; runs/audit/<name> by default. An interrupted audit there goes on."""
    workers: int = 2
    """Processes side by side."""
    executor: Executor = "local"
    """local, or a cluster of ray or dask."""
    address: str | None = None
    """Of a running cluster; by default one is started on this machine."""

    def run(self) -> None:
        """Run the command."""
        from ambikit_models.preparation.audit import audit
        from ambikit_models.preparation.report import write_report
        from ambikit_models.study.progress import live_progress

        name = self.folder.resolve().name
        output, console = self.output or Path("runs/audit") / name, Console()
        with live_progress(console) as tell:
            records = audit(
                self.folder,
                output,
                reading=self.reading,
                workers=self.workers,
                executor=self.executor,
                address=self.address,
                progress=lambda done, total, path: tell("audit", done, total, Path(path).name),
            )
        write_report(output / "audit.html", records, name, reading=self.reading)
        counted = Counter(record["verdict"] for record in records)
        console.print(", ".join(f"{count} {verdict}" for verdict, count in counted.most_common()), highlight=False)
        console.print(
            f"table:  {output / 'audit.jsonl'}\nreport: {output / 'audit.html'}", highlight=False, soft_wrap=True
        )
