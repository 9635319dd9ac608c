"""Weights of the published code, written as a training of ours would have left them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

__all__ = ["ImportPublished"]


@dataclass(frozen=True)
class ImportPublished:
    """Bring a checkpoint of the published code of morgado2020 into our networks, executing nothing in it."""

    checkpoint: Annotated[Path, tyro.conf.Positional]
    """The file, checkpoint.pth.tar."""
    output: Path = Path("runs/published")
    """Folder to write to; evaluate takes it."""
    statistics: Path | None = None
    """The .npz with mean and std of its levels, which the checkpoint does not hold. Without it sounds are embedded as
    they are, which is not what the network was trained on."""

    def run(self) -> None:
        """Run the command."""
        from ambikit_models.published import import_published

        found = import_published(self.checkpoint, statistics=self.statistics, output=self.output)
        recipe = found.recipe
        print(f"{recipe.sound.format}, translation of depth {recipe.model.translation_depth}: {self.output}")
        if self.statistics is None:
            print("without the statistics of its levels its embeddings of sounds are not to be used")
