"""A study before the user's eyes: live progress, then the table, the checkpoint and the pictures."""

import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ambikit_models.study.config import StudyConfig, load_study
from ambikit_models.study.pictures import draw_learning_curves, draw_localization
from ambikit_models.study.pools import load_pool
from ambikit_models.study.progress import live_progress
from ambikit_models.study.run import is_finished, run_folder, run_study
from ambikit_models.study.table import COLUMNS, controls, differences, markdown, rows
from ambikit_models.training.checkpoints import load_model

__all__ = ["show_study"]


def show_study(preset: str, output: Path, *, workers: int = 2) -> list[dict[str, Any]]:
    """Run a study with live progress and show its table, checkpoints and pictures.

    Parameters
    ----------
    preset
        Name of a preset or path of a YAML file.
    output
        Folder for everything.
    workers
        Processes side by side.
    """
    study, console = load_study(preset), Console()
    if is_finished(study, output):
        console.print(
            f"{output} holds this study, finished; these are its results. To run it again choose another folder."
        )
    begun = time.perf_counter()
    with live_progress(console) as tell:
        results = run_study(study, output, workers=workers, event=tell)
    _print(console, results)
    (output / "table.md").write_text(markdown(results), encoding="utf-8")
    _draw(study, output, console)
    console.print(f"[bold]{(time.perf_counter() - begun) / 60:.1f} minutes[/bold] with {workers} processes")
    return results


def _print(console: Console, results: list[dict[str, Any]]) -> None:
    table = Table(*COLUMNS, title="Percent ± half of the 95 % interval over test scenes; 1 and 4 viewpoints")
    for row in rows(results):
        table.add_row(*row, end_section="untrained" in row[0])
    console.print(table)
    table = Table("control, on AVSA-Bin", "expected", "measured", "exact test", title="Controls")
    for row in controls(results):
        table.add_row(*row)
    console.print(table)
    for words, difference in differences(results):
        console.print(f"{words}: {difference} points on AVSA-Bin")


def _draw(study: StudyConfig, output: Path, console: Console) -> None:
    seed = study.seeds[0]
    folders = {variant.name: run_folder(output, variant.name, seed) for variant in study.variants}
    curves = output / "learning_curves.png"
    draw_learning_curves(folders, curves)
    # the picture is drawn by loading the checkpoint as anybody would
    best = study.variants[-1]
    model, config = load_model(folders[best.name])
    test = load_pool(output / "pools", "test", config)
    pictures = [curves]
    for index in range(min(3, len(test))):
        pictures.append(output / f"localization_{index}.png")
        draw_localization(model, test, index, pictures[-1])
    console.print(f"checkpoint: {folders[best.name] / 'checkpoints'}  (ambikit_models.training.checkpoints.load_model)")
    console.print(f"pictures:   {', '.join(str(p) for p in pictures)}")
    console.print(f"table:      {output / 'table.md'}")
