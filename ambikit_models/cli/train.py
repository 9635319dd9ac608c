"""Training of one recipe on clips."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from ambikit_models.preparation.selection import Selection

__all__ = ["Train"]


@dataclass(frozen=True)
class Train:
    """Train a published recipe, or one's own, on prepared clips, on shards of them, or on the YT-360 layout."""

    data: Annotated[Path, tyro.conf.Positional]
    """Folder that was prepared, one of shards, or one with video/*.mp4 and audio/*.m4a. With few clips:
    examples/train_avsa.py --data DIR."""
    recipe: str = "morgado2020"
    """ambikit, morgado2020, morgado2020_code, wang2022, wang2022_stereo, or a YAML file of a training configuration."""
    row: str | None = None
    """In place of a recipe the row of a published table, e.g. morgado2020-s3d-hard; the documentation lists them."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Change a field of the recipe, e.g. phases.-1.views=8 or sound.format=stereo; values as in YAML; repeatable."""
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
    views_on_device: bool = False
    """Cut views and analyse sounds on the device that trains; by default compiled loops do it on the CPU."""
    yolo_weights: str = "yolo11n.pt"
    """Weights of the detector, for recipes that look at objects (needs the extra yolo)."""

    def run(self) -> None:
        """Run the command."""
        from lightning_fabric import Fabric

        from ambikit_models.presets import preset_path
        from ambikit_models.study.progress import notes
        from ambikit_models.study.videos import open_videos, train_with_progress
        from ambikit_models.training.config import TrainingConfig, load_yaml
        from ambikit_models.training.overrides import override
        from ambikit_models.training.rows import published_row

        if self.row is not None:
            config = published_row(self.row).training()
        else:
            config = load_yaml(TrainingConfig, preset_path("recipes", self.recipe))
        config = override(config, self.set)
        if self.select is not None:
            config = replace(config, clip=replace(config.clip, selection=self.select))
        console = Console()
        local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        with notes(console):
            clips = open_videos(self.data, config, split=self.split, yolo_weights=self.yolo_weights, audited=self.audit)
            fabric = Fabric(
                accelerator=self.accelerator,
                devices=self.devices or local,
                num_nodes=self.num_nodes or int(os.environ.get("WORLD_SIZE", "1")) // local,
                precision=self.precision,
            )
            if self.views_on_device:
                clips.device = fabric.device
            train_with_progress(config, clips, self.output, fabric=fabric, console=console)
