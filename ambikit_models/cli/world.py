"""The synthetic world as files."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console

__all__ = ["WriteWorld"]


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

    def run(self) -> None:
        """Run the command."""
        from ambikit_models.study.progress import live_progress
        from ambikit_models.world import WorldFiles, write_world

        names = ("clips", "seconds", "height", "sound", "broken", *(("defects",) if self.defects else ()))
        files = WorldFiles(**{name: getattr(self, name) for name in names})
        with live_progress(Console()) as tell:
            records = write_world(
                self.folder,
                self.videos,
                self.seed,
                files,
                workers=self.workers,
                progress=lambda done, total, video: tell("videos", done, total, video),
            )
        broken = Counter(record["defect"] for record in records if record["defect"])
        words = "".join(f"; {count} with {defect}" for defect, count in sorted(broken.items()))
        print(f"{len(records)} clips: {self.folder}{words}")
