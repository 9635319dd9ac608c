"""What trained systems are good for: one task on a data set or on the synthetic world."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from rich.console import Console

from ambikit.errors import AmbikitError
from ambikit_models.cli.places import check_source, device_of

if TYPE_CHECKING:
    from ambikit_models.downstream.probing.engine import Figure, Tell, Way
    from ambikit_models.downstream.probing.subjects import Subject, System
    from ambikit_models.study.examinations import Place

__all__ = ["Evaluate"]

TaskName = Literal[
    "alignment",
    "pretext",
    "localization",
    "segmentation",
    "actions",
    "acoustic-scenes",
    "audio-visual-scenes",
    "directions",
    "sound-events",
]


#: tasks of which single folds may be asked, and whether on the world
_FOLDED = {("directions", True), ("directions", False), ("acoustic-scenes", False)}


@dataclass(frozen=True)
class Evaluate:
    """Examine trained systems on a task, on its data set or on the synthetic world, and print a table."""

    task: Annotated[TaskName, tyro.conf.Positional]
    """alignment (AVC-Bin, AVSA-Bin), pretext (flip, rotation, mismatch or shift, of networks trained on it),
    localization (maps; on the world only), segmentation (YT-360 with maps), actions (UCF101, HMDB51), acoustic-scenes
    (EigenScape), audio-visual-scenes (TAU 2021), directions (TAU Spatial Sound Events 2019), sound-events (STARSS23);
    each has an analogue on the world."""
    checkpoints: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Outputs of trainings, or their checkpoints. Every other one is compared with the first."""
    data: Path | None = None
    """Folder of the data set, as it lies on disk; for alignment clips to train heads on and to test."""
    world: int | None = None
    """Scenes of the synthetic world to learn from, and as many to be tested on (sound-events: a quarter)."""
    world_set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """For pretext: in place of the world that each network was trained in the usual one, changed in this field, e.g.
    reverberation=0.0 or sounding=[1,1]; repeatable."""
    output: Path | None = None
    """Folder for figures.json and table.md; runs/evaluate/TASK by default."""
    seeds: tuple[int, ...] = (0,)
    """Of heads and tuning."""
    folds: tuple[int, ...] = ()
    """Test these folds only, where the data set has four. For directions on the world: of four folds of its scenes,
    each learned from the others, in place of as many scenes to be tested on."""
    lists: tuple[str, ...] = ()
    """For alignment and segmentation: lists of ids to train heads on and to test, such as train test; by default two
    folds of videos (segmentation: train and test where they are). For pretext: the list to test, by default test."""
    frozen: bool = True
    """A linear layer on frozen embeddings."""
    mlp: bool = False
    """A head with a hidden layer on frozen embeddings."""
    tuned: bool = False
    """The encoder tuned with a linear layer."""
    epochs: int | None = None
    """Of tuning: 100 on data sets as in morgado2020 (decays at 40, 60 and 80 % of them), 10 on the world. For
    segmentation of all ways: 10 (decays at 50 and 80 %), 20 on the world."""
    head: Path | None = None
    """YAML file of a HeadConfig, in place of the linear layer."""
    tuning: Path | None = None
    """YAML file of a TuningConfig; for segmentation of a SegmentationConfig, for all ways."""
    label_smoothing: float = 0.0
    """Share of the target that is spread over all classes, for tasks with classes."""
    one_shot: int = 0
    """For directions: also a linear support vector machine that has seen one example of each azimuth (every 10°), with
    that many draws of the examples (needs the extra svm)."""
    untrained: bool = False
    """Also examine the networks of the first system with random weights."""
    kinetics: bool = False
    """Also R(2+1)D-18 with torchvision's weights, for actions and segmentation."""
    openl3: bool = False
    """Also OpenL3, frozen, for scenes (needs the package openl3)."""
    device: str = "auto"
    """cpu, cuda or auto."""
    workers: int = 2
    """Processes that render scenes."""

    def run(self) -> None:
        """Run the command."""
        from ambikit_models.cli.outcome import show_outcome
        from ambikit_models.downstream.alignment.pretext import left_chance
        from ambikit_models.study.progress import live_progress, notes

        check_source(self.data, self.world)
        if self.folds and (self.task, self.data is None) not in _FOLDED:
            where = "on the world" if self.data is None else "on a data set"
            raise AmbikitError(
                f"got --folds {' '.join(map(str, self.folds))} for {self.task} {where}, which has no folds to choose; "
                "expected them for directions, or for acoustic-scenes on a data set; leave --folds out"
            )
        if not self.checkpoints:
            raise AmbikitError("got no checkpoint; expected at least one: the output of a training, or its checkpoint")
        if self.world_set and (self.task != "pretext" or self.world is None):
            raise AmbikitError(
                f"got --world-set {self.world_set[0]} for {self.task}; expected it for pretext with --world SCENES; "
                "leave it out"
            )
        console = Console()
        output = self.output or Path("runs/evaluate") / self.task
        output.mkdir(parents=True, exist_ok=True)
        with notes(console), live_progress(console) as tell:
            figures = self._figures(tell)
        where = f"the world, {self.world} scenes" if self.data is None else self.data.resolve().name
        show_outcome(console, output, self.task, where, figures, self.seeds)
        if self.task == "pretext":
            console.print(left_chance(figures), highlight=False)

    def _figures(self, tell: "Tell") -> "list[Figure]":
        from ambikit_models.downstream.directions.one_shot import one_shot_figures
        from ambikit_models.downstream.probing.engine import evaluate
        from ambikit_models.downstream.probing.losses import Classes
        from ambikit_models.study.examinations import alignment_at, task_at

        if self.task == "pretext":
            return self._pretexts(tell)
        place, systems = self._where(), self._systems()
        if self.task == "alignment":
            return [f for system in systems for f in alignment_at(system, place, seeds=self.seeds, tell=tell)]
        if self.task == "segmentation":
            return self._segmentation(systems, place, tell)
        if self.task == "localization":
            first = systems[0]
            return [f for system in systems for f in self._pointing(system, place, first=system is first, tell=tell)]
        task, ways = task_at(self.task, place), self._ways()
        if isinstance(task.loss, Classes):
            task.loss = Classes(self.label_smoothing)
        figures: list[Figure] = []
        for subject in systems:
            known = {(figure.subject, figure.way) for figure in figures}
            found = evaluate(task, subject, ways, seeds=self.seeds, tell=tell)
            if self.one_shot and self.task == "directions":
                found += one_shot_figures(task, subject, draws=self.one_shot, tell=tell)
            figures += [f for f in found if (f.subject, f.way) not in known]  # what learns nothing is the same for all
        for subject in self._others():
            still = {name: way for name, way in ways.items() if name != "tuned"}
            figures += evaluate(task, subject, still, seeds=self.seeds, tell=tell)
        return figures

    def _pretexts(self, tell: "Tell") -> "list[Figure]":
        from ambikit_models.study.pretexts import examine_pretexts

        part, seed = next(iter(self.lists), None), self.seeds[0]
        how: dict[str, Any] = {"scenes": self.world or 0, "world_set": self.world_set, "seed": seed, "tell": tell}
        how |= {"workers": self.workers, "device": self._place}
        return examine_pretexts(self.checkpoints, data=self.data, part=part, **how)

    @property
    def _place(self) -> str:
        return device_of(self.device)

    def _where(self) -> "Place":
        from ambikit_models.downstream.probing.scenes import WorldScenes
        from ambikit_models.study.examinations import Place

        if self.data is not None:
            return Place(self.data, self.lists, self.folds)
        assert self.world is not None
        return Place(WorldScenes(self.world, workers=self.workers), folds=self.folds)

    def _systems(self) -> "list[System]":
        from ambikit_models.downstream.probing.subjects import System

        place = self._place
        pairs = self.task in ("alignment", "localization", "segmentation")  # more than embeddings
        systems = [(System.load if pairs else System.embedding)(path) for path in self.checkpoints]
        if len({system.name for system in systems}) < len(systems):
            systems = [replace(s, name=str(path)) for s, path in zip(systems, self.checkpoints, strict=True)]
        systems += [systems[0].untrained()] if self.untrained else []
        systems += [systems[0].kinetics()] if self.kinetics and self.task in ("actions", "segmentation") else []
        for system in systems:
            system.model.to(place)
        return systems

    def _others(self) -> "list[Subject]":
        from ambikit_models.downstream.probing.embedders import openl3_embedder

        if not self.openl3:
            return []
        if "scenes" not in self.task or (self.task == "acoustic-scenes" and self.data is None):
            raise AmbikitError(
                f"got --openl3 for {self.task}; expected acoustic-scenes on data, or audio-visual-scenes"
            )
        return [openl3_embedder()]

    def _ways(self) -> "dict[str, Way]":
        from ambikit_models.downstream.probing.fine_tuning import PAPER, TuningConfig
        from ambikit_models.downstream.probing.heads import PROBE, HeadConfig
        from ambikit_models.downstream.probing.schedules import MultiStep
        from ambikit_models.training.config import load_yaml

        tuning = TuningConfig() if self.data is None else PAPER
        if self.tuning is not None:
            tuning = load_yaml(TuningConfig, self.tuning)
        probe = PROBE if self.head is None else load_yaml(HeadConfig, self.head)
        if self.epochs is not None:
            tuning = replace(tuning, epochs=self.epochs)
            if isinstance(tuning.schedule, MultiStep):
                decays = tuple(max(1, round(share * self.epochs)) for share in (0.4, 0.6, 0.8))
                tuning = replace(tuning, schedule=MultiStep(decays))
        ways: dict[str, Any] = {"frozen": probe, "frozen, hidden layer": HeadConfig(), "tuned": tuning}
        wanted = (self.frozen, self.mlp, self.tuned)
        chosen = {name: way for (name, way), asked in zip(ways.items(), wanted, strict=True) if asked}
        if not chosen:
            raise AmbikitError("got no way to learn; expected at least one of --frozen, --mlp and --tuned")
        return chosen

    def _segmentation(self, systems: "list[System]", place: "Place", tell: "Tell") -> "list[Figure]":
        from ambikit_models.downstream.segmentation.task import segmentation_figures
        from ambikit_models.downstream.segmentation.training import (
            PAPER_SEGMENTATION,
            WORLD_SEGMENTATION,
            SegmentationConfig,
        )
        from ambikit_models.study.examinations import segmentation_at
        from ambikit_models.training.config import load_yaml

        if self.mlp or self.head is not None or not (self.frozen or self.tuned):
            raise AmbikitError(
                "got --mlp, --head or no way to learn for segmentation, whose head is a pyramid of its own; expected "
                "--frozen or --tuned; give details as a SegmentationConfig with --tuning"
            )
        config = WORLD_SEGMENTATION if self.data is None else PAPER_SEGMENTATION
        if self.tuning is not None:
            config = load_yaml(SegmentationConfig, self.tuning)
        config = config if self.epochs is None else config.lasting(self.epochs)
        ways = {name: replace(config, tuned=name == "tuned") for name in ("frozen", "tuned") if getattr(self, name)}
        figures: list[Figure] = []
        for system in systems:
            splits = segmentation_at(system, place, config.views)
            how = {"seeds": self.seeds, "tell": tell, "baseline": system is systems[0]}
            beside = ("video",) if "Kinetics" in system.name else None  # its features were never heard with sound
            figures += segmentation_figures(system, splits, ways, beside=beside, **how)
        return figures

    def _pointing(self, system: "System", place: "Place", *, first: bool, tell: "Tell") -> "list[Figure]":
        from ambikit_models.downstream.localization.pointing import pointing_figures
        from ambikit_models.downstream.probing.scenes import WorldScenes

        if not isinstance(place.source, WorldScenes):
            raise AmbikitError(
                "got localization on a folder, where nobody knows what sounds; expected --world SCENES; maps of a "
                "folder's clips are shown by ambikit-models localize"
            )
        translated = any(phase.predicts for phase in system.recipe.phases)
        clips = place.source.clips(system, "test")
        return pointing_figures(system, clips, priors=first, translated=translated, tell=tell)
