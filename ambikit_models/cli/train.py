"""Training of one recipe on clips."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console

from ambikit.errors import AmbikitError
from ambikit_models.preparation.selection import Selection

if TYPE_CHECKING:
    from ambikit_models.datasets.paired_clips import PairedClips
    from ambikit_models.training.config import TrainingConfig
    from ambikit_models.world.clips import WorldClips

__all__ = ["Train"]


@dataclass(frozen=True)
class Train:
    """Train a published recipe, or one's own, on prepared clips, on shards of them, on a data set, or on the world."""

    data: Annotated[Path | None, tyro.conf.Positional] = None
    """Folder that was prepared, one of shards, one with video/*.mp4 and audio/*.m4a, FAIR-Play or YouTube-ASMR. With
    few clips: examples/train_avsa.py --data DIR."""
    world: int | None = None
    """In place of a folder: that many scenes of the synthetic world."""
    world_set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Change a field of the world, e.g. reverberation=0.0 or sounding=[1,1]; repeatable. It is noted in world.yaml."""
    recipe: Annotated[str, tyro.conf.arg(aliases=("--preset",))] = "morgado2020"
    """ambikit, morgado2020, morgado2020_code, wang2022, wang2022_stereo, yang2020, yang2020_foa, yang2020_small,
    yang2020_small_sides, or a YAML file of a training configuration."""
    row: str | None = None
    """In place of a recipe the row of a published table, e.g. morgado2020-s3d-hard; the documentation lists them."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Change a field of the recipe, e.g. phases.-1.views=8 or sound.format=stereo; values as in YAML; repeatable."""
    output: Path = Path("runs/train")
    """Folder for checkpoints and metrics; an interrupted run there goes on."""
    split: str | None = None
    """Name of a list of ids in the folder, e.g. train for train.txt; all clips by default; of FAIR-Play and
    YouTube-ASMR those of train."""
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
    workers: int = 2
    """Processes that render scenes of the world."""

    def run(self) -> None:
        """Run the command."""
        from lightning_fabric import Fabric

        from ambikit_models.datasets.paired_clips import PairedClips
        from ambikit_models.presets import preset_path
        from ambikit_models.study.progress import notes
        from ambikit_models.study.videos import train_with_progress
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
        if (self.data is None) == (self.world is None):
            raise AmbikitError(
                f"got the folder {self.data} and world={self.world}; expected one of them: train DIR, or train --world "
                "SCENES"
            )
        console = Console()
        local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        with notes(console):
            clips = self._clips(config, console)
            fabric = Fabric(
                accelerator=self.accelerator,
                devices=self.devices or local,
                num_nodes=self.num_nodes or int(os.environ.get("WORLD_SIZE", "1")) // local,
                precision=self.precision,
            )
            if self.views_on_device and isinstance(clips, PairedClips):
                clips.device = fabric.device
            train_with_progress(config, clips, self.output, fabric=fabric, console=console)

    def _clips(self, config: "TrainingConfig", console: Console) -> "PairedClips | WorldClips":
        from ambikit_models.study.progress import live_progress
        from ambikit_models.study.videos import open_videos
        from ambikit_models.study.worlds import render_world, save_world, world_for

        if self.data is not None:
            return open_videos(self.data, config, split=self.split, yolo_weights=self.yolo_weights, audited=self.audit)
        assert self.world is not None
        world = world_for(config, self.world_set)
        save_world(world, self.output)
        with live_progress(console) as tell:
            return render_world(
                config, world, range(self.world), workers=self.workers, progress=lambda d, n: tell("scenes", d, n, "")
            )
