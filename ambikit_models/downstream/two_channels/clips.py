"""Clips that are looked at and heard with two ears: scenes of the world, and recordings of two microphones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

import ambikit
from ambikit.errors import AmbikitError
from ambikit_models.datasets.squares import squared
from ambikit_models.datasets.stereo_clips import StereoClip
from ambikit_models.datasets.stereo_reader import StereoReader
from ambikit_models.downstream.probing.examples import read_each
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.world.clips import WorldClips
from ambikit_models.world.config import WorldConfig

__all__ = ["Ears", "FilmedClips", "PictureConfig", "TwoChannelClips", "WorldViews"]

#: ``beams``: two coincident cardioids to the left and the right, which differ in level; of a single source their
#: difference is the sine of its azimuth times their sum, and never more, as it would be with hypercardioids. ``head``:
#: the ears of a rigid sphere, which differ in time as well.
Ears = Literal["beams", "head"]


@dataclass(frozen=True)
class PictureConfig:
    """What of a clip is seen and heard at once."""

    size: int = 256
    """Width and height in pixels."""
    frames: int = 18
    """Pictures of a clip."""
    frame_rate: float = 6.0
    """Pictures per second."""
    duration: float = 3.0
    """Seconds of sound; the pictures lie in the middle of it."""
    sample_rate: int = 16000
    """Hz."""

    def __post_init__(self) -> None:
        if min(self.size, self.frames, self.sample_rate) < 1 or not min(self.frame_rate, self.duration) > 0:
            raise AmbikitError(f"got {self}; expected positive sizes, rates and durations")

    @property
    def samples(self) -> int:
        """Length of the sound."""
        return round(self.duration * self.sample_rate)


@runtime_checkable
class TwoChannelClips(Protocol):
    """Pictures with the sound of a left and a right channel.

    Attributes
    ----------
    pictures
        What of each clip is seen and heard.
    groups
        Which video, recording or scene each clip is of, ``(clips,)``.
    """

    pictures: PictureConfig
    groups: np.ndarray

    def __len__(self) -> int:
        """The number of clips."""
        ...

    def read(
        self, rows: np.ndarray, generator: np.random.Generator | None = None
    ) -> tuple[Float[Tensor, "clips 3 frames height width"], Float[Tensor, "clips 2 time"]]:
        """Pictures and sound of some clips: always the same, or varied where a generator is given.

        Half of those that vary are mirrored: the pictures, and the channels with them.
        """
        ...


class WorldViews:
    """Scenes of the world, looked at so that an object that sounds is in the picture: somewhere.

    Where it is follows from the seed and the scene, or from the generator: anywhere within 80 % of the field of view.

    Parameters
    ----------
    world
        The world; its sample rate and duration are those of ``pictures``.
    seed, indices
        Which of its scenes.
    pictures
        What is seen and heard.
    ears
        How the scene becomes two channels.
    field_of_view
        Of the pictures, radians.
    workers
        Processes that render.

    Examples
    --------
    >>> few = PictureConfig(size=8, frames=2, duration=0.5)
    >>> views = WorldViews(WorldConfig(), 0, range(3), few, workers=1)
    >>> pictures, sound = views.read(np.array([2, 0]))
    >>> pictures.shape, sound.shape
    (torch.Size([2, 3, 2, 8, 8]), torch.Size([2, 2, 8000]))
    """

    def __init__(
        self,
        world: WorldConfig,
        seed: int,
        indices: Sequence[int],
        pictures: PictureConfig,
        *,
        ears: Ears = "beams",
        field_of_view: float = np.pi / 2,
        workers: int = 2,
    ):
        if world.sounding[0] < 1:
            raise AmbikitError(f"got a world with sounding={world.sounding}; expected one object or more that sounds")
        world = replace(world, sample_rate=pictures.sample_rate, duration=pictures.duration)
        # features that keep the signal itself
        kept = SoundFeatures("stereo_icf", sample_rate=pictures.sample_rate)
        shown = {"size": pictures.size, "frames": pictures.frames, "workers": workers}
        self.clips = WorldClips.render(world, seed, indices, kept, **shown)
        self.pictures, self.ears, self.field_of_view = pictures, ears, field_of_view
        self.groups = np.asarray(indices)

    def __len__(self) -> int:
        return len(self.clips)

    def viewpoints(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Viewpoints:
        """Where some clips are looked at, ``(clips, 1)``."""
        objects = self.clips.scenes.objects
        if generator is None:
            numbers = [(self.clips.seed, int(self.clips.indices[row]), 17) for row in rows]
            place = np.array([np.random.default_rng(number).uniform(-0.4, 0.4) for number in numbers])
        else:
            place = generator.uniform(-0.4, 0.4, len(rows))
        azimuth = torch.from_numpy(objects.azimuth[rows, 0] + place * self.field_of_view)[:, None]
        return Viewpoints(azimuth, torch.zeros_like(azimuth), torch.full_like(azimuth, self.field_of_view))

    def read(
        self, rows: np.ndarray, generator: np.random.Generator | None = None
    ) -> tuple[Float[Tensor, "clips 3 frames height width"], Float[Tensor, "clips 2 time"]]:
        """Look and listen."""
        looked = self.viewpoints(rows, generator)
        scene = self.clips.prepared[torch.as_tensor(rows)]
        heard = ambikit.align(scene, looked.azimuth[:, 0].to(scene), looked.elevation[:, 0].to(scene))
        if self.ears == "head":
            sound = ambikit.decode_binaural(heard, self.pictures.sample_rate)
        else:
            sound = ambikit.decode_stereo(heard, pattern="cardioid")
        return _mirrored(self.clips.batch(rows, looked).video[:, 0], sound, generator)


class FilmedClips:
    """Recorded clips, a data set of :class:`~ambikit_models.datasets.stereo_clips.StereoClip`.

    A stretch is taken from the middle of a clip, or from anywhere with a generator; the pictures lie in the middle of
    its sound. They are scaled to squares as a whole: what is cut off at the sides would still be heard.

    Parameters
    ----------
    clips
        The clips.
    pictures
        What is seen and heard.
    """

    def __init__(self, clips: Sequence[StereoClip], pictures: PictureConfig):
        files, self.pictures = [clip.files for clip in clips], pictures
        self.groups = np.array([file.video for file in files])
        self._reader = StereoReader(
            files,
            SoundFeatures("stereo", sample_rate=pictures.sample_rate),
            short=True,
            frames=pictures.frames,
            frame_rate=pictures.frame_rate,
            sound_duration=pictures.duration,
            moments=1,
            seed=0,
            source="ambix",
            channel_map=None,
            cache_bytes=0,
        )

    def __len__(self) -> int:
        return len(self.groups)

    def read(
        self, rows: np.ndarray, generator: np.random.Generator | None = None
    ) -> tuple[Float[Tensor, "clips 3 frames height width"], Float[Tensor, "clips 2 time"]]:
        """Read files, several side by side."""
        pairs = read_each(self._stretch, rows, generator)
        video, sound = (torch.stack(side) for side in zip(*pairs, strict=True))
        return _mirrored(video, sound, generator)

    def _stretch(self, row: int, generator: np.random.Generator | None) -> tuple[Tensor, Tensor]:
        moment = 0.5 if generator is None else float(generator.uniform())
        _, start, _ = self._reader.moment(row, moment)
        video = squared(self._reader.pictures(row, moment), self.pictures.size)
        return video.transpose(0, 1), self._reader.cut(row, start)


def _mirrored(video: Tensor, sound: Tensor, generator: np.random.Generator | None) -> tuple[Tensor, Tensor]:
    """Mirror half of the clips, what is seen and what is heard, where there is a generator."""
    if generator is None:
        return video, sound
    turned = torch.from_numpy(generator.random(len(video)) < 0.5)
    return (
        torch.where(turned[:, None, None, None, None].to(video.device), video.flip(-1), video),
        torch.where(turned[:, None, None].to(sound.device), sound.flip(-2), sound),
    )
