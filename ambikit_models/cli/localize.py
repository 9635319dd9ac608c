"""Where a trained model sees what it hears, as a picture and a video."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console

from ambikit.errors import AmbikitError
from ambikit_models.cli.places import check_source

if TYPE_CHECKING:
    import numpy as np

    from ambikit_models.batch import ClipSource
    from ambikit_models.downstream.probing.subjects import System

__all__ = ["Localize"]

_WORLD_HEIGHT = 192


@dataclass(frozen=True)
class Localize:
    """Show where on the panorama of a clip a trained model sees what it hears: map.png and map.mp4."""

    checkpoint: Annotated[Path, tyro.conf.Positional]
    """Output of a training, or one of its checkpoints."""
    data: Path | None = None
    """Folder that was prepared, in the YT-360 layout, or of videos."""
    clip: int = 0
    """Number of the clip in the folder."""
    world: int | None = None
    """Number of a scene of the synthetic world, in place of a clip."""
    seconds: float = 4.0
    """Duration of the scene."""
    output: Path = Path("runs/localize")
    """Folder for the picture and the video."""
    frame_rate: float = 8.0
    """Pictures per second of the video."""
    maps_per_second: float = 2.0
    """Maps per second; between them the video interpolates."""
    direct: bool = False
    """Compare picture and sound directly: for a model that was trained on correspondence alone."""

    def run(self) -> None:
        """Run the command."""
        from ambikit_models.downstream.probing.subjects import System
        from ambikit_models.study.localization import draw_maps, maps_over_time, write_overlay
        from ambikit_models.study.progress import notes
        from ambikit_models.training.checkpoints import make_folder

        check_source(self.data, self.world)
        if min(self.seconds, self.frame_rate, self.maps_per_second) <= 0:
            raise AmbikitError(f"got {self}; expected seconds and rates above 0")
        console = Console()
        system = System.load(self.checkpoint)
        make_folder(self.output)
        with notes(console):
            source, pictures, seconds = self._scene(system) if self.data is None else self._clip(system, self.data)
            moments = 1 if seconds <= system.duration else max(2, round(seconds * self.maps_per_second))
            maps = maps_over_time(system, source, self.clip if self.data else 0, moments, translated=not self.direct)
        middle = maps[len(maps) // 2]
        draw_maps(pictures[len(pictures) // 2], middle, self.output / "map.png")
        write_overlay(pictures, maps, self.output / "map.mp4", self.frame_rate)
        console.print(f"picture: {self.output / 'map.png'}\nvideo:   {self.output / 'map.mp4'}", highlight=False)

    def _clip(self, system: "System", data: Path) -> "tuple[ClipSource, np.ndarray, float]":
        import numpy as np

        from ambikit_models.media import read_frames
        from ambikit_models.panorama.viewpoints import RandomViewpoints
        from ambikit_models.study.videos import open_videos

        # whatever the recipe looked at, here everything is looked at, and no detector is needed
        clips = open_videos(data, replace(system.recipe, viewpoints=RandomViewpoints()))
        if not 0 <= self.clip < len(clips):
            raise AmbikitError(f"got clip {self.clip}; expected one of the {len(clips)} in {data}, counted from 0")
        seconds = float(clips.seconds(np.array([self.clip]))[0])
        if not np.isfinite(seconds):
            raise AmbikitError(f"got clip {self.clip} of {data}, which cannot be read; the note above says why")
        times = (np.arange(max(1, int(seconds * self.frame_rate))) + 0.5) / self.frame_rate
        return clips, read_frames(clips.clips[self.clip].pictures, times), seconds

    def _scene(self, system: "System") -> "tuple[ClipSource, np.ndarray, float]":
        import numpy as np

        from ambikit_models.world.clips import WorldClips
        from ambikit_models.world.config import WorldConfig
        from ambikit_models.world.panoramas import render_panoramas

        seconds = max(self.seconds, system.duration)
        world = WorldConfig(sample_rate=system.sample_rate, duration=seconds)
        clips = WorldClips.render(
            world,
            0,
            [self.world],
            system.recipe.sound,
            size=system.size,
            frames=system.frames,
            duration=system.duration,
            workers=1,
        )
        times = (np.arange(max(1, int(seconds * self.frame_rate))) + 0.5) / self.frame_rate
        return clips, render_panoramas(world, clips.scenes, _WORLD_HEIGHT, times=times.tolist())[0], seconds
