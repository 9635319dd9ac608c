"""Clips packed into shards."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

__all__ = ["Shards"]


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

    def run(self) -> None:
        """Run the command."""
        from ambikit_models.preparation.shards import write_shards

        index = write_shards(self.prepared, self.output, clips=self.clips, seed=self.seed)
        clips = sum(shard["clips"] for shard in index)
        print(f"clips: {clips}, shards: {len(index)}: {self.output}")
