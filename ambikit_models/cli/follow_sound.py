"""Where a network that tells left from right hears a sound, and where it looks: figures, a picture and a video."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console

from ambikit.errors import AmbikitError
from ambikit_models.cli.places import check_source, device_of

if TYPE_CHECKING:
    import numpy as np

    from ambikit_models.study.following import Followed
    from ambikit_models.training.config import TrainingConfig

__all__ = ["FollowSound"]

_HEIGHT = 192


@dataclass(frozen=True)
class FollowSound:
    """Compare what a network embeds of sounds, and where it looks, with where they come from; draw bars over a clip."""

    checkpoint: Annotated[Path, tyro.conf.Positional]
    """Output of a training on flip, rotation, mismatch or shift."""
    data: Path | None = None
    """Folder of FAIR-Play or YouTube-ASMR, for networks that hear two channels."""
    world: int | None = None
    """Scenes of the synthetic world."""
    clip: int = 0
    """Number of the clip or the scene to draw."""
    bins: int = 16
    """Places where a bar may stand."""
    output: Path = Path("runs/evaluate/follow-sound")
    """Folder for figures.json, table.md, bars.png and bars.mp4."""
    split: int = 1
    """Of FAIR-Play."""
    device: str = "auto"
    """cpu, cuda or auto."""
    workers: int = 2
    """Processes that render scenes."""

    def run(self) -> None:
        """Run the command."""
        from ambikit_models.cli.outcome import show_outcome
        from ambikit_models.correspondence import CorrespondenceNetwork
        from ambikit_models.downstream.probing.subjects import System
        from ambikit_models.study.following import follow
        from ambikit_models.study.progress import notes
        from ambikit_models.study.sound_bars import bar_places, draw_bars, write_bars
        from ambikit_models.training.checkpoints import load_correspondence, make_folder

        check_source(self.data, self.world)
        network, recipe = load_correspondence(self.checkpoint)
        network.to(device_of(self.device))
        fresh = System("", network, recipe).untrained().model
        assert isinstance(fresh, CorrespondenceNetwork)
        make_folder(self.output)
        console = Console()
        with notes(console):
            followed, pictures, looked = self._clips(recipe)
            name = self.checkpoint.resolve().name
            figures, places = follow(name, network, followed)
            figures += follow(f"{name}, untrained", fresh, followed)[0]
        if places.around:  # bars over the whole panorama, not over the view
            places.found[self.clip] += looked
        bars = bar_places(places, self.bins)[self.clip]
        rate = followed.heard.shape[1] / (recipe.clip.duration * followed.video.shape[1])
        draw_bars(pictures, bars, self.output / "bars.png")
        write_bars(pictures, bars, self.output / "bars.mp4", rate)
        where = f"the world, {self.world} scenes" if self.data is None else self.data.resolve().name
        show_outcome(console, self.output, "follow-sound", where, figures, (0,))
        console.print(f"picture: {self.output / 'bars.png'}\nvideo:   {self.output / 'bars.mp4'}", highlight=False)

    def _clips(self, recipe: "TrainingConfig") -> "tuple[Followed, np.ndarray, float]":
        """What is followed, the pictures of the clip that is drawn, and where they look."""
        import numpy as np
        import torch

        from ambikit_models.downstream.two_channels.splits import filmed_split, pictures_of
        from ambikit_models.panorama.viewpoints import Viewpoints
        from ambikit_models.study.following import filmed_to_follow, scenes_to_follow
        from ambikit_models.world.panoramas import render_panoramas

        count = self.world
        if self.data is not None:
            if recipe.sound.format.startswith(("foa", "salsa")):
                raise AmbikitError(f"got a network that hears {recipe.sound.format}; expected one of two channels")
            _, clips = filmed_split(self.data, pictures_of(recipe.clip, recipe.sound.sample_rate), split=self.split)
            count = len(clips)
        assert count is not None
        if not 0 <= self.clip < count:
            raise AmbikitError(f"got clip {self.clip}; expected one of {count}, counted from 0")
        if self.data is not None:
            followed = filmed_to_follow(recipe, clips)  # pyright: ignore[reportPossiblyUnboundVariable]
            return followed, _as_bytes(followed.video[self.clip]), 0.0
        followed, scenes, looked = scenes_to_follow(recipe, count, workers=self.workers)
        chosen, angle = np.array([self.clip]), float(looked[self.clip])
        moments = followed.heard.shape[1]
        if followed.around:
            times = (np.arange(moments) + 0.5) * scenes.config.duration / moments
            drawn = render_panoramas(scenes.config, scenes.scenes[chosen], _HEIGHT, times=times.tolist())
            return followed, drawn[0], angle
        pieces = followed.video.shape[1]
        azimuth = torch.full((1, pieces), angle, dtype=torch.float64)
        views = Viewpoints(azimuth, torch.zeros_like(azimuth), torch.full_like(azimuth, np.pi / 2))
        when = torch.linspace(0, 1, pieces).double()[None] if pieces > 1 else None
        large = scenes.variant(size=_HEIGHT).batch(chosen, views, moments=when)
        return followed, _as_bytes(large.video[0]), angle


def _as_bytes(video: "np.ndarray") -> "np.ndarray":
    """Pieces of pictures, ``(pieces, 3, frames, height, width)``, one after another."""
    pictures = video.permute(0, 2, 3, 4, 1).flatten(0, 1)  # pyright: ignore[reportAttributeAccessIssue]
    side = (pictures.shape[1] // 2 * 2, pictures.shape[2] // 2 * 2)
    return (255 * pictures[:, : side[0], : side[1]]).round().byte().cpu().numpy()
