"""The command line: audit and prepare collections, train on 360° videos, and the synthetic world: studies, files."""

import os
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console

from ambikit.errors import AmbikitError
from ambikit_models.preparation.executors import Executor
from ambikit_models.preparation.judgement import Reading
from ambikit_models.preparation.recording import PrepareConfig
from ambikit_models.preparation.selection import Selection

__all__ = ["main"]


@dataclass(frozen=True)
class Study:
    """Train and evaluate the systems of a study on the synthetic world, and print its table."""

    preset: Annotated[str, tyro.conf.Positional] = "demo"
    """demo, effects, smoke, table, or a YAML file."""
    output: Path | None = None
    """Folder for everything; runs/<preset> by default. An interrupted study there goes on."""
    workers: int = 2
    """Processes side by side, one thread each."""


@dataclass(frozen=True)
class Train:
    """Train a published recipe, or one's own, on prepared clips, or on a folder in the YT-360 layout."""

    data: Annotated[Path, tyro.conf.Positional]
    """Folder that was prepared, or one with video/*.mp4 and audio/*.m4a. With few clips: examples/train_avsa.py --data
    DIR."""
    recipe: str = "morgado2020"
    """morgado2020, wang2022, or a YAML file of a training configuration."""
    output: Path = Path("runs/train")
    """Folder for checkpoints and metrics; an interrupted run there goes on."""
    split: str | None = None
    """Name of a list of ids in the folder, e.g. train for train.txt; all clips by default."""
    select: Selection | None = None
    """Take other clips than the recipe says: all, passing (the energy test), as many failing, or valid."""
    audit: Path | None = None
    """The audit.jsonl that a selection goes by in a folder that was not prepared."""
    accelerator: str = "auto"
    """cpu, cuda or auto. For several processes start this under torchrun."""
    devices: int | None = None
    """Devices per node; by default what torchrun started, or 1."""
    num_nodes: int | None = None
    """Machines; by default what torchrun started, or 1."""
    precision: str = "32-true"
    """32-true, bf16-mixed or 16-mixed."""
    yolo_weights: str = "yolo11n.pt"
    """Weights of the detector, for recipes that look at objects (needs the extra yolo)."""


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


@dataclass(frozen=True)
class Shards:
    """Pack prepared clips into WebDataset shards (needs the extra shards)."""

    prepared: Annotated[Path, tyro.conf.Positional]
    """Folder that was prepared."""
    output: Path
    """Folder for the shards."""
    clips: int = 256
    """Clips per shard."""
    seed: int = 0
    """Decides the order of the clips."""


@dataclass(frozen=True)
class WriteWorld:
    """Write scenes of the synthetic world as files in the layout of YT-360, some of them broken if asked for."""

    folder: Annotated[Path, tyro.conf.Positional]
    """Where to write. What an interrupted run has written there is kept; more videos are added."""
    videos: int
    """How many; each is one scene."""
    seed: int = 0
    """Decides the scenes and the defects."""
    clips: tuple[int, int] = (1, 3)
    """Fewest and most clips of a video."""
    seconds: int = 10
    """Duration of a clip."""
    height: int = 96
    """Pixels of the equirectangular pictures; the width is twice that."""
    sound: Literal["flac", "aac", "youtube"] = "flac"
    """flac, aac of four channels, or youtube: aac of six, two of them silent."""
    broken: float = 0.0
    """Share of the videos whose sound has a defect; world.jsonl says which."""
    defects: tuple[str, ...] = ()
    """Those to draw from, e.g. silent_y mono; all by default."""
    workers: int = 2
    """Processes side by side."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    command = tyro.cli(
        Study | Train | Audit | Prepare | Shards | WriteWorld,
        args=arguments,
        prog="ambikit-models",
        description=__doc__,
        config=(tyro.conf.OmitArgPrefixes,),
    )
    try:
        match command:
            case Study():
                from ambikit_models.study.show import show_study

                output = command.output or Path("runs") / Path(command.preset).stem
                show_study(command.preset, output, workers=command.workers)
            case Train():
                _train(command)
            case Audit():
                _audit(command)
            case Prepare():
                _prepare(command)
            case Shards():
                _shards(command)
            case WriteWorld():
                _write_world(command)
    except AmbikitError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on from the last checkpoint")


def _train(command: Train) -> None:
    from lightning_fabric import Fabric

    from ambikit_models.presets import preset_path
    from ambikit_models.study.progress import notes
    from ambikit_models.study.videos import open_videos, train_with_progress
    from ambikit_models.training.config import TrainingConfig, load_yaml

    config = load_yaml(TrainingConfig, preset_path("recipes", command.recipe))
    if command.select is not None:
        config = replace(config, clip=replace(config.clip, selection=command.select))
    console = Console()
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    with notes(console):
        clips = open_videos(
            command.data, config, split=command.split, yolo_weights=command.yolo_weights, audited=command.audit
        )
        fabric = Fabric(
            accelerator=command.accelerator,
            devices=command.devices or local,
            num_nodes=command.num_nodes or int(os.environ.get("WORLD_SIZE", "1")) // local,
            precision=command.precision,
        )
        train_with_progress(config, clips, command.output, fabric=fabric, console=console)


def _audit(command: Audit) -> None:
    from ambikit_models.preparation.audit import audit
    from ambikit_models.preparation.report import write_report
    from ambikit_models.study.progress import live_progress

    name = command.folder.resolve().name
    output, console = command.output or Path("runs/audit") / name, Console()
    with live_progress(console) as tell:
        records = audit(
            command.folder,
            output,
            reading=command.reading,
            workers=command.workers,
            executor=command.executor,
            address=command.address,
            progress=lambda done, total, path: tell("audit", done, total, Path(path).name),
        )
    write_report(output / "audit.html", records, name, reading=command.reading)
    counted = Counter(record["verdict"] for record in records)
    console.print(", ".join(f"{count} {verdict}" for verdict, count in counted.most_common()), highlight=False)
    console.print(f"table:  {output / 'audit.jsonl'}\nreport: {output / 'audit.html'}", highlight=False, soft_wrap=True)


def _prepare(command: Prepare) -> None:
    from ambikit_models.panorama.detection import YoloDetector
    from ambikit_models.preparation.prepare import MANIFEST, prepare
    from ambikit_models.preparation.records import read_records
    from ambikit_models.preparation.selection import select
    from ambikit_models.study.progress import live_progress, notes

    if command.select != "all" and command.audit is None:
        raise AmbikitError(f"got --select {command.select} without --audit; expected the audit.jsonl to select from")
    output, console = command.output or Path("runs/prepared") / command.folder.resolve().name, Console()
    with notes(console), live_progress(console) as tell:
        only = None
        if command.audit is not None:
            only = {r["path"] for r in select(read_records(command.audit), command.select, seed=command.seed)}
        prepared = prepare(
            command.folder,
            output,
            command.config,
            only=only,
            detector=None if command.yolo_weights is None else YoloDetector(command.yolo_weights),
            workers=command.workers,
            executor=command.executor,
            address=command.address,
            progress=tell,
        )
    minutes = sum(clip["duration"] for clip in prepared.clips) / 60
    words = f"clips: {len(prepared.clips)}, {minutes:.1f} minutes: {output / MANIFEST}"
    console.print(words, highlight=False, soft_wrap=True)
    for record in prepared.set_aside[:20]:
        console.print(f"set aside: {record['name']}: {record['reason']}", highlight=False, markup=False, soft_wrap=True)
    if len(prepared.set_aside) > 20:
        console.print(f"and {len(prepared.set_aside) - 20} more in {output / 'set_aside.jsonl'}", highlight=False)


def _shards(command: Shards) -> None:
    from ambikit_models.preparation.shards import write_shards

    index = write_shards(command.prepared, command.output, clips=command.clips, seed=command.seed)
    clips = sum(shard["clips"] for shard in index)
    print(f"clips: {clips}, shards: {len(index)}: {command.output}")


def _write_world(command: WriteWorld) -> None:
    from ambikit_models.study.progress import live_progress
    from ambikit_models.world import WorldFiles, write_world

    names = ("clips", "seconds", "height", "sound", "broken", *(("defects",) if command.defects else ()))
    files = WorldFiles(**{name: getattr(command, name) for name in names})
    with live_progress(Console()) as tell:
        records = write_world(
            command.folder,
            command.videos,
            command.seed,
            files,
            workers=command.workers,
            progress=lambda done, total, video: tell("videos", done, total, video),
        )
    broken = Counter(record["defect"] for record in records if record["defect"])
    words = "".join(f"; {count} with {defect}" for defect, count in sorted(broken.items()))
    print(f"{len(records)} clips: {command.folder}{words}")


if __name__ == "__main__":
    main()
