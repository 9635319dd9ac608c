"""How well a network that tells left from right helps to track what sounds."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console

from ambikit_models.cli.places import check_source, device_of

if TYPE_CHECKING:
    from ambikit_models.downstream.probing.engine import Tell
    from ambikit_models.downstream.tracking.tracked_objects import TrackedObjects
    from ambikit_models.training.config import TrainingConfig

__all__ = ["Track"]


@dataclass(frozen=True)
class Track:
    """Train trackers of sounding objects from a second of sound and a picture of another moment, and print a table.

    On the world the boxes are exact. On YouTube-ASMR a detector looks for faces in pictures twice a second.
    """

    checkpoint: Annotated[Path, tyro.conf.Positional]
    """Output of a training on flip, mismatch or shift."""
    data: Path | None = None
    """Folder of YouTube-ASMR."""
    world: int | None = None
    """Scenes of the synthetic world to learn from, and a half of that to be tested on."""
    yolo_weights: str = "yolov8n-face.pt"
    """Weights of a detector of faces, for YouTube-ASMR (needs the extra yolo). The paper's was RetinaFace."""
    label: str = "face"
    """What the detector calls a face."""
    output: Path = Path("runs/evaluate/tracking")
    """Folder for figures.json and table.md."""
    seeds: tuple[int, ...] = (0,)
    """Of the trackers."""
    epochs: int = 20
    """Of every tracker."""
    batch: int = 32
    """Examples per step."""
    learning_rate: float = 1e-3
    """Peak learning rate."""
    grid: int = 8
    """Rows and columns of cells."""
    width: int = 64
    """Channels of the deconvolutions at the end."""
    shift: float = 0.2
    """How far what moves goes to the left or right, in parts of the picture."""
    correlation: float = 0.5
    """Least correlation with the difference of log-energy of what moves."""
    device: str = "auto"
    """cpu, cuda or auto."""
    workers: int = 2
    """Processes that render scenes."""

    def run(self) -> None:
        """Run the command."""
        from ambikit_models.cli.outcome import show_outcome
        from ambikit_models.downstream.tracking.sounding_tracker import TrackerConfig
        from ambikit_models.study.progress import live_progress, notes
        from ambikit_models.study.tracking import tracking_figures
        from ambikit_models.training.checkpoints import load_correspondence, make_folder

        check_source(self.data, self.world)
        network, recipe = load_correspondence(self.checkpoint)
        place = device_of(self.device)
        network.to(place)
        config = TrackerConfig(grid=self.grid, width=self.width)
        tuning = replace(config.training, epochs=self.epochs, batch=self.batch, learning_rate=self.learning_rate)
        make_folder(self.output)
        console = Console()
        with notes(console), live_progress(console) as tell:
            train, test = self._examples(recipe, tell)
            figures = tracking_figures(
                network, recipe, train, test, replace(config, training=tuning), seeds=self.seeds, tell=tell
            )
        where = f"the world, {self.world} scenes" if self.data is None else self.data.resolve().name
        show_outcome(console, self.output, "tracking", where, figures, self.seeds)
        console.print(f"{len(test)} examples to test, {int(test.moving.sum())} of what moves", highlight=False)

    def _examples(self, recipe: "TrainingConfig", tell: "Tell") -> "tuple[TrackedObjects, TrackedObjects]":
        import numpy as np

        from ambikit_models.datasets.sounding_faces import track_faces
        from ambikit_models.datasets.youtube_asmr import YouTubeASMR
        from ambikit_models.downstream.tracking.filmed_tracks import FilmedTracks
        from ambikit_models.downstream.tracking.world_tracks import WorldTracks
        from ambikit_models.media import media_duration

        how = {"size": recipe.clip.size, "shift": self.shift, "correlation": self.correlation}
        if self.world is not None:
            first, count = 30_000_000, (self.world, max(2, self.world // 2))
            ranges = (range(first, first + count[0]), range(2 * first, 2 * first + count[1]))
            train, test = (WorldTracks(recipe.sound, 0, part, workers=self.workers, **how) for part in ranges)
            return train, test
        from ambikit_models.panorama.detection import YoloDetector

        assert self.data is not None
        detector, sides = YoloDetector(self.yolo_weights), []
        for part in ("train", "test"):
            clips = list(YouTubeASMR(self.data, part, allow_missing=True))
            tracks = []
            for number, clip in enumerate(clips):
                tell(f"faces: {part}", number, len(clips), clip.name)
                times = np.arange(0.5, media_duration(clip.video_path), 0.5)
                tracks.append(track_faces(clip, detector, times, label=self.label))
            tell(f"faces: {part}", len(clips), len(clips), "")
            sides.append(FilmedTracks(clips, tracks, recipe.sound, **how))
        return sides[0], sides[1]
