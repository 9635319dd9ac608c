"""The command line: train a recipe on 360° videos, or run a study on the synthetic world."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ambikit.errors import AmbikitError

__all__ = ["main"]


@dataclass(frozen=True)
class Study:
    """Train and evaluate the systems of a study on the synthetic world, and print its table."""

    preset: Annotated[str, tyro.conf.Positional] = "demo"
    """demo, smoke, table, or a YAML file."""
    output: Path | None = None
    """Folder for everything; runs/<preset> by default. An interrupted study there goes on."""
    workers: int = 2
    """Processes side by side, one thread each."""


@dataclass(frozen=True)
class Train:
    """Train a published recipe, or one's own, on a folder of 360° videos in the YT-360 layout."""

    data: Annotated[Path, tyro.conf.Positional]
    """Folder with video/*.mp4 and audio/*.m4a. With few clips: examples/train_avsa.py --data DIR."""
    recipe: str = "morgado2020"
    """morgado2020, wang2022, or a YAML file of a training configuration."""
    output: Path = Path("runs/train")
    """Folder for checkpoints and metrics; an interrupted run there goes on."""
    split: str | None = None
    """Name of a list of ids in the folder, e.g. train for train.txt; all clips by default."""
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


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    command = tyro.cli(Study | Train, args=arguments, prog="ambikit-models", description=__doc__)
    try:
        if isinstance(command, Study):
            from ambikit_models.study.show import show_study

            output = command.output or Path("runs") / Path(command.preset).stem
            show_study(command.preset, output, workers=command.workers)
        else:
            _train(command)
    except AmbikitError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on from the last checkpoint")


def _train(command: Train) -> None:
    from lightning_fabric import Fabric
    from rich.console import Console

    from ambikit_models.presets import preset_path
    from ambikit_models.study.progress import notes
    from ambikit_models.study.videos import open_videos, train_with_progress
    from ambikit_models.training.config import TrainingConfig, load_yaml

    config = load_yaml(TrainingConfig, preset_path("recipes", command.recipe))
    console = Console()
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    with notes(console):
        clips = open_videos(command.data, config, split=command.split, yolo_weights=command.yolo_weights)
        fabric = Fabric(
            accelerator=command.accelerator,
            devices=command.devices or local,
            num_nodes=command.num_nodes or int(os.environ.get("WORLD_SIZE", "1")) // local,
            precision=command.precision,
        )
        train_with_progress(config, clips, command.output, fabric=fabric, console=console)


if __name__ == "__main__":
    main()
