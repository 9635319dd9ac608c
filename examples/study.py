"""Which effects of the papers does the synthetic 360° world show? Train the systems, and write a report.

    python examples/study.py                     # 12 systems with 3 seeds: hours on two CPU cores
    python examples/study.py --preset my.yaml    # a study of your own

The report (Markdown, CSV, PNG) judges each claim of the study by paired differences over seeds and test scenes. An
interrupted study goes on where it stopped; one that is finished is only reported anew.
"""

import os

# one thread per process; must be set before NumPy and torch are loaded
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from ambikit.errors import AmbikitError


@dataclass(frozen=True)
class Arguments:
    """Run a study on the synthetic world and write its report."""

    preset: str = "effects"
    """A study of the package (effects, table, demo, smoke), or a YAML file of your own."""
    output: Path | None = None
    """Folder for pools, runs and results; runs/NAME by default."""
    report: Path | None = None
    """Folder for the report; OUTPUT/report by default."""
    workers: int = 2
    """Processes side by side."""
    finished_only: bool = False
    """Run nothing: report the runs that are finished."""


def main(arguments: Arguments) -> None:
    """Run what is missing, then report."""
    from rich.console import Console

    from ambikit_models.study.config import load_study
    from ambikit_models.study.progress import live_progress
    from ambikit_models.study.report import write_report
    from ambikit_models.study.run import finished_runs, run_study

    study, console = load_study(arguments.preset), Console()
    output = arguments.output or Path("runs") / Path(arguments.preset).stem
    folder = arguments.report or output / "report"
    if arguments.finished_only:
        results = finished_runs(study, output)
    else:
        with live_progress(console) as tell:
            results = run_study(study, output, workers=arguments.workers, event=tell)
    for found in write_report(study, results, output, folder):
        half = 100 * (found.high - found.low) / 2
        words = f"{found.verdict:>10}  {100 * found.value:+5.1f} ±{half:4.1f}  {found.effect.claim}"
        console.print(words, highlight=False)
    console.print(f"report: {folder / 'report.md'}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    try:
        main(tyro.cli(Arguments))
    except AmbikitError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on from the last checkpoint")
