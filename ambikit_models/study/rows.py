"""The rows of the papers' tables made anew: each is trained as its recipe says, unless it has been, and examined.

Rows of the same recipe share a training, and its examinations: a folder by a hash of what decides them.
"""

import dataclasses
import importlib.util
import json
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from ambikit.files.replacing import replacing
from ambikit_models.downstream.probing.engine import Figure, Tell, evaluate
from ambikit_models.downstream.probing.heads import PROBE
from ambikit_models.downstream.probing.statistics import Estimate
from ambikit_models.downstream.probing.subjects import Subject, System
from ambikit_models.downstream.segmentation.task import segmentation_figures
from ambikit_models.study.examinations import Place, alignment_at, segmentation_at, task_at
from ambikit_models.study.progress import training_words
from ambikit_models.study.row_figures import figure_name
from ambikit_models.study.row_sources import RowsSource
from ambikit_models.training.checkpoints import load_model
from ambikit_models.training.config import to_mapping
from ambikit_models.training.loop import initial_model, train
from ambikit_models.training.metrics import read_metrics
from ambikit_models.training.rows import Row

__all__ = ["RowOutcome", "needs", "reproduce", "training_folder"]


@dataclasses.dataclass(frozen=True)
class RowOutcome:
    """What came out of a row."""

    row: Row
    figures: dict[str, Figure]
    """By the names that the paper gives them."""
    not_run: dict[str, str]
    """Tasks that were not asked, and why."""
    training: dict[str, Any]
    """Folder, steps, loss at the end, that of chance, and processor time; empty where nothing was trained."""


def reproduce(
    row: Row, source: RowsSource, output: Path, *, fabric: Fabric | None = None, tell: Tell | None = None
) -> RowOutcome:
    """Train a row, or find it trained, and examine it on all its tasks.

    Parameters
    ----------
    row
        Of a table.
    source
        The world, or data sets.
    output
        Folder for trainings and figures; what an interrupted run left there is gone on with.
    fabric
        Devices of the training.
    tell
        Told about progress.
    """
    tell = tell or (lambda *_: None)
    missing = needs(row)
    places = {task: {} if missing else source.places(row, task) for task in row.tasks}
    why = missing or "no data: give the folder with --task-data {}=DIR"
    not_run = {task: why.format(task) for task, found in places.items() if not found}
    if len(not_run) == len(row.tasks):
        return RowOutcome(row, {}, not_run, {})
    if row.recipe is None:
        folder, subject, training = output / "others" / row.name, _foreign(), {}
    else:
        folder = training_folder(row, source, output)
        subject, training = _system(row, source, folder, fabric, tell)
    figures: dict[str, Figure] = {}
    for task, ways in row.tasks.items():
        for (name, place), way in ((item, way) for item in places[task].items() for way in ways):
            path = folder / "figures" / f"{name}{task}, {way}.json".replace(" ", "-").replace(",", "")
            if not path.exists():
                found = _ask(row, subject, source, task, place, way, tell)
                _write(path, [dataclasses.asdict(figure) for figure in found if figure.of_class is None])
            for figure in map(_figure, json.loads(path.read_text(encoding="utf-8"))):
                label = figure_name(figure, task, place=name, several_ways=len(ways) > 1)
                if label is not None:
                    figures[label] = figure
    return RowOutcome(row, figures, not_run, training)


def needs(row: Row) -> str | None:
    """What a row needs that is not here: weights of others; None where nothing is missing."""
    if row.recipe is None:
        there = importlib.util.find_spec("openl3") is not None
        return None if there else "needs the package openl3 and its weights, which are not ours"
    weights = getattr(row.training().model, "video_weights", None)
    if weights is None:
        return None
    from torchvision.models.video import R2Plus1D_18_Weights

    path = Path(torch.hub.get_dir()) / "checkpoints" / R2Plus1D_18_Weights[weights].url.rpartition("/")[2]
    return None if path.exists() else f"needs the weights {path.name} of torchvision in {path.parent.name} of torch.hub"


def training_folder(row: Row, source: RowsSource, output: Path) -> Path:
    """Where the training of a row lies: rows that are trained alike have the same."""
    decides = {"recipe": to_mapping(source.recipe(row)), "on": source.words(row), "trained": row.trained}
    return output / "trainings" / sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:12]


def _system(
    row: Row, source: RowsSource, folder: Path, fabric: Fabric | None, tell: Tell
) -> tuple[System, dict[str, Any]]:
    config, path = source.recipe(row), folder / "training.json"
    if not row.trained:
        fabric = fabric or Fabric(accelerator="cpu", devices=1)
        model = initial_model(config, source.clips(row, tell)).to(fabric.device).eval()
        return System(f"{row.name}, untrained", model, config), {}

    if not path.exists():
        begun = time.process_time()

        def report(record: dict[str, Any]) -> None:
            tell(f"training {folder.name}", record["step"], record["steps"], training_words(record))

        train(config, source.clips(row, tell), folder, fabric=fabric, report=report)
        last = [record["loss"] for record in read_metrics(folder / "metrics.jsonl")][-3:]
        found = {
            "steps": config.steps,
            "loss": round(sum(last) / len(last), 3),
            "chance": round(config.phases[-1].chance_loss, 3),
            "processor_seconds": round(time.process_time() - begun, 1),
        }
        _write(path, found)
    model, config = load_model(folder)
    if fabric is not None:
        model.to(fabric.device)
    training = {"folder": folder.name, **json.loads(path.read_text(encoding="utf-8"))}
    return System(row.name, model, config), training


def _foreign() -> Subject:
    from ambikit_models.downstream.probing.embedders import openl3_embedder

    return openl3_embedder()


def _ask(
    row: Row, subject: Subject, source: RowsSource, task: str, place: Place, way: str, tell: Tell
) -> Sequence[Figure]:
    how: dict[str, Any] = {"seeds": (source.seed,), "tell": tell}
    if task == "alignment":
        assert isinstance(subject, System)
        return [figure for figure in alignment_at(subject, place, **how) if figure.way == way]
    if task == "segmentation":
        assert isinstance(subject, System)
        config = dataclasses.replace(source.segmentation, tuned=way == "tuned")
        beside = ("video",) if subject.recipe.model.video_weights else None  # features that were never heard with sound
        splits = segmentation_at(subject, place, config.views)
        return segmentation_figures(subject, splits, {way: config}, beside=beside, **how)
    ways: dict[str, Callable[[], Any]] = {"frozen": lambda: PROBE, "tuned": lambda: source.tuning}
    return evaluate(task_at(task, place), subject, {way: ways[way]()}, **how)


def _figure(record: dict[str, Any]) -> Figure:
    record = {**record, "values": tuple(record["values"]), "interval": Estimate(**record["interval"])}
    return Figure(**{**record, "per_unit": None if record["per_unit"] is None else tuple(record["per_unit"])})


def _write(path: Path, record: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        Path(partial).write_text(json.dumps(record), encoding="utf-8")
