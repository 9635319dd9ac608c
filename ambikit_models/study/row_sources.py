"""Where the rows of the papers' tables are made: on the synthetic world in small form, or on the data sets in full."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol, runtime_checkable

from ambikit.errors import AmbikitError
from ambikit_models.batch import ClipSource
from ambikit_models.downstream.probing.engine import Tell
from ambikit_models.downstream.probing.fine_tuning import PAPER, TuningConfig
from ambikit_models.downstream.probing.scenes import WorldScenes
from ambikit_models.downstream.segmentation.training import PAPER_SEGMENTATION, WORLD_SEGMENTATION, SegmentationConfig
from ambikit_models.study.examinations import Place
from ambikit_models.study.videos import open_videos
from ambikit_models.training.config import TrainingConfig
from ambikit_models.training.rows import Row
from ambikit_models.training.small_form import SmallForm, small_form
from ambikit_models.world.clips import WorldClips
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.selection import select_scenes

__all__ = ["RowsOnData", "RowsOnWorld", "RowsSource"]


@runtime_checkable
class RowsSource(Protocol):
    """What a row is trained on, in which form, and where its tasks are asked."""

    seed: int
    tuning: TuningConfig
    segmentation: SegmentationConfig

    def recipe(self, row: Row) -> TrainingConfig:
        """The configuration of its training here."""
        ...

    def words(self, row: Row) -> str:
        """What it is trained on: with the recipe this decides the outcome."""
        ...

    def clips(self, row: Row, tell: Tell) -> ClipSource:
        """The clips of its training."""
        ...

    def places(self, row: Row, task: str) -> dict[str, Place]:
        """Where a task is asked, by what its figures are called; empty where that is not there."""
        ...


@dataclass
class RowsOnWorld:
    """Small forms on scenes of the world, whose sounds are rendered once into a folder."""

    scenes: int
    folder: Path
    seed: int = 0
    workers: int = 2
    form: SmallForm = field(default_factory=small_form)
    _opened: tuple[Path, WorldClips] | None = field(default=None, repr=False)
    _held_out: dict[WorldConfig, WorldScenes] = field(default_factory=dict, repr=False)

    @property
    def tuning(self) -> TuningConfig:
        """How encoders are tuned."""
        return dataclasses.replace(TuningConfig(), epochs=self.form.tuned_epochs)

    @property
    def segmentation(self) -> SegmentationConfig:
        """How segmentation is learned."""
        return WORLD_SEGMENTATION.lasting(self.form.segmentation_epochs)

    def recipe(self, row: Row) -> TrainingConfig:
        """The small form."""
        return dataclasses.replace(self.form.recipe_of(row.training()), seed=self.seed)

    def words(self, row: Row) -> str:
        """World and number of scenes."""
        return f"{self.scenes} scenes of {self._world(row)}"

    def clips(self, row: Row, tell: Tell) -> WorldClips:
        """Scenes from the first one on, those that the recipe selects."""
        config, world = self.recipe(row), self._world(row)
        kept = f"{world} {self.scenes} {config.sound.keeps}"
        path = self.folder / f"{sha256(kept.encode()).hexdigest()[:12]}.safetensors"
        shown = {"size": config.clip.size, "frames": config.clip.frames, "duration": config.clip.duration}
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            WorldClips.render(
                world,
                0,
                range(self.scenes),
                config.sound,
                workers=self.workers,
                progress=lambda done, total: tell("scenes", done, total, ""),
            ).save(path)
        if self._opened is None or self._opened[0] != path:
            self._opened = None  # two pools at once would take twice the memory
            self._opened = (path, WorldClips.load(path))
        clips = self._opened[1].variant(sound=config.sound, **shown)
        return select_scenes(clips, config.clip.selection, seed=config.seed)

    def places(self, row: Row, task: str) -> dict[str, Place]:
        """Scenes that no training has seen."""
        world = self._world(row)
        count = self.form.held_out_scenes(self.scenes)
        return {"": Place(self._held_out.setdefault(world, WorldScenes(count, workers=self.workers, world=world)))}

    def _world(self, row: Row) -> WorldConfig:
        rate = 16000 if row.recipe is None else self.recipe(row).sound.sample_rate
        return self.form.world_of(row.world, rate)


@dataclass
class RowsOnData:
    """Full recipes on a folder of clips, and tasks on the folders of their data sets.

    Where the folder has lists ``train.txt`` and ``test.txt``, training takes the first one, and alignment is asked of
    both; else all clips are trained on, and the task's own folders decide.
    """

    train: Path
    tasks: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    seed: int = 0
    yolo_weights: str = "yolo11n.pt"
    audit: Path | None = None
    tuning: TuningConfig = PAPER
    segmentation: SegmentationConfig = PAPER_SEGMENTATION

    def __post_init__(self) -> None:
        for folder in (self.train, *(folder for folders in self.tasks.values() for folder in folders)):
            if not folder.is_dir():
                raise AmbikitError(f"got {folder}, which is no folder; expected one of data; check --data, --task-data")

    def recipe(self, row: Row) -> TrainingConfig:
        """As published."""
        return dataclasses.replace(row.training(), seed=self.seed)

    def words(self, row: Row) -> str:
        """The folder."""
        return f"{self.train.resolve()}"

    def clips(self, row: Row, tell: Tell) -> ClipSource:
        """The list train, or everything."""
        split = "train" if _lists(self.train) else None
        how = {"yolo_weights": self.yolo_weights, "audited": self.audit}
        return open_videos(self.train, self.recipe(row), split=split, **how)

    def places(self, row: Row, task: str) -> dict[str, Place]:
        """The folders of the task; that of alignment may be that of the training."""
        own = (self.train,) if task == "alignment" and _lists(self.train) else ()
        places = {}
        for folder in self.tasks.get(task, own):
            name = ("UCF101 " if (folder / "ucfTrainTestlist").is_dir() else "HMDB51 ") if task == "actions" else ""
            places[name] = Place(folder, _lists(folder) if task == "alignment" else ())
        return places


def _lists(folder: Path) -> tuple[str, ...]:
    """The lists to learn from and to be tested on, if a folder has them."""
    names = ("train", "test")
    return names if all((folder / f"{name}.txt").is_file() for name in names) else ()
