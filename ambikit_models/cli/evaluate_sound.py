"""What trained systems are good for when sound is to be made: upmixing and separation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from rich.console import Console

from ambikit.errors import AmbikitError
from ambikit_models.cli.places import check_source, device_of

if TYPE_CHECKING:
    from ambikit_models.downstream.two_channels.clips import PictureConfig, TwoChannelClips
    from ambikit_models.downstream.two_channels.masked_sound import MaskNetwork, MaskTask

__all__ = ["EvaluateSound"]

_ON_DATA: dict[str, Any] = {
    "widths": (64, 128, 256, 512, 512),
    "features": 512,
    "frames": (512, 160),
    "epochs": 50,
    "batch": 32,
}
_ON_THE_WORLD: dict[str, Any] = {
    "widths": (16, 32, 64),
    "features": 64,
    "frames": (256, 128),
    "epochs": 30,
    "batch": 16,
}


@dataclass(frozen=True)
class EvaluateSound:
    """Train U-Nets that make sound from sound and from what frozen systems see and hear; a table, and sounds.

    One U-Net for each system, and one that is told nothing. The first system is compared with every other row.
    """

    task: Annotated[Literal["upmixing", "separation"], tyro.conf.Positional]
    """upmixing (one channel to two, told what is seen) or separation (the sound of what is seen out of a mixture, told
    what is seen and heard)."""
    checkpoints: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Outputs of trainings, or their checkpoints; all see and hear as much at once."""
    data: Path | None = None
    """Folder of FAIR-Play or YouTube-ASMR."""
    world: int | None = None
    """Scenes of the synthetic world to learn from, and as many to be tested on."""
    output: Path | None = None
    """Folder for figures.json, table.md and the sounds; runs/evaluate/TASK by default."""
    seeds: tuple[int, ...] = (0,)
    """Of the U-Nets."""
    split: int = 1
    """Of FAIR-Play."""
    ears: Literal["beams", "head"] = "beams"
    """How scenes of the world are heard: two coincident beams, or the ears of a rigid sphere."""
    mask: Literal["tanh", "sigmoid"] = "tanh"
    """Of upmixing; a sigmoid makes the left channel the louder one, whatever is seen."""
    widths: tuple[int, ...] = ()
    """Channels of the U-Net after each step down; 64 128 256 512 512 on data, 16 32 64 on the world."""
    features: int | None = None
    """Channels that what it is told is brought to; 512 on data, 64 on the world."""
    frames: tuple[int, int] | None = None
    """Samples per frame of the spectrogram, and from one to the next; 512 160 on data, 256 128 on the world."""
    epochs: int | None = None
    """50 on data, 30 on the world."""
    batch: int | None = None
    """Clips per step; 32 on data, 16 on the world."""
    learning_rate: float = 3e-3
    """Of Adam, along a cosine to 0."""
    untrained: bool = False
    """Also the networks of the first system with random weights."""
    imagenet: bool = False
    """Also ResNet-18 supervised on ImageNet, alone and beside the first system; torchvision's file must be there."""
    sounds: int = 3
    """Clips of the test to write as sound files."""
    device: str = "auto"
    """cpu, cuda or auto."""
    workers: int = 2
    """Processes that render scenes."""

    def run(self) -> None:
        """Run the command."""
        from ambikit_models.cli.outcome import show_outcome
        from ambikit_models.downstream.probing.fitting import FitConfig
        from ambikit_models.downstream.two_channels.mask_training import mask_figures, write_sounds
        from ambikit_models.downstream.two_channels.separation import Separation
        from ambikit_models.downstream.two_channels.spectrograms import SpectrogramConfig
        from ambikit_models.downstream.two_channels.unet import UNetConfig
        from ambikit_models.downstream.two_channels.upmixing import Upmixing
        from ambikit_models.study.progress import live_progress, notes
        from ambikit_models.training.checkpoints import make_folder

        check_source(self.data, self.world)
        if not self.checkpoints:
            raise AmbikitError("got no checkpoint; expected at least one: the output of a training, or its checkpoint")
        console, place = Console(), device_of(self.device)
        output = self.output or Path("runs/evaluate") / self.task
        make_folder(output)
        usual = _ON_DATA if self.world is None else _ON_THE_WORLD
        asked = {name: getattr(self, name) for name in usual}
        chosen = {name: value if asked[name] in (None, ()) else asked[name] for name, value in usual.items()}
        frames = SpectrogramConfig(*chosen["frames"])
        task = Upmixing(self.mask, frames) if self.task == "upmixing" else Separation(spectrogram=frames)
        config = FitConfig(chosen["epochs"], chosen["batch"], self.learning_rate, weight_decay=0.0, optimizer="adam")
        kept: dict[str, MaskNetwork] = {}
        with notes(console), live_progress(console) as tell:
            guides, pictures = self._guides(task, place)
            train, test = self._clips(pictures)
            figures = mask_figures(
                task,
                guides,
                train,
                test,
                config,
                network=UNetConfig(chosen["widths"], chosen["features"]),
                seeds=self.seeds,
                device=place,
                tell=tell,
                keep=lambda name, seed, network: kept.setdefault(name, network),
            )
            if self.sounds > 0:
                first, rows = next(iter(guides)), range(min(self.sounds, len(test)))
                write_sounds(output / "sounds", task, kept[first], guides[first], test, rows)
        where = f"the world, {self.world} scenes" if self.data is None else self.data.resolve().name
        show_outcome(console, output, self.task, where, figures, self.seeds)
        if self.sounds > 0:
            console.print(f"sounds: {output / 'sounds'}", highlight=False)

    def _clips(self, pictures: "PictureConfig") -> "tuple[TwoChannelClips, TwoChannelClips]":
        from ambikit_models.downstream.two_channels.splits import filmed_split, world_split

        if self.data is not None:
            return filmed_split(self.data, pictures, split=self.split)
        assert self.world is not None
        return world_split(self.world, pictures, ears=self.ears, workers=self.workers)

    def _guides(self, task: "MaskTask", place: str) -> "tuple[Mapping[str, Any], PictureConfig]":
        from ambikit_models.downstream.probing.guides import ImageNetGuide, SideBySide, guide_of
        from ambikit_models.downstream.probing.subjects import System
        from ambikit_models.downstream.two_channels.splits import pictures_of

        systems = [System.embedding(path) for path in self.checkpoints]
        if len({system.name for system in systems}) < len(systems):
            systems = [replace(s, name=str(path)) for s, path in zip(systems, self.checkpoints, strict=True)]
        seen = [pictures_of(system.recipe.clip, system.sample_rate) for system in systems]
        for system, pictures in zip(systems, seen, strict=True):
            if pictures != seen[0]:
                raise AmbikitError(
                    f"got {system.name}, which sees and hears {pictures}, beside {systems[0].name} with {seen[0]}; "
                    "expected the same for all rows of a table; examine them one by one"
                )
        systems += [systems[0].untrained()] if self.untrained else []
        rows: dict[str, Any] = {system.name: guide_of(system, task.senses) for system in systems}
        if self.imagenet:
            rows["ResNet-18, ImageNet"] = ImageNetGuide()
            rows[f"{systems[0].name} and ImageNet"] = SideBySide(rows[systems[0].name], rows["ResNet-18, ImageNet"])
        for guide in rows.values():
            guide.to(place)
        return {**rows, "no features": None}, seen[0]
