"""What is written when the world becomes files: the settings, and what a seed decides beyond the scenes."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, get_args

from ambikit.errors import AmbikitError
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.defects import DEFECTS
from ambikit_models.world.randomness import random_generator

__all__ = ["Stored", "WorldFiles", "choices", "video_id"]

_CHOICES_STREAM = 3 * 2**16  # beside those that scenes draw from

Stored = Literal["flac", "aac", "youtube"]


@dataclass(frozen=True)
class WorldFiles:
    """What the files of a written world hold.

    A video is one scene, which goes on through all its clips; it has one uploader and so one defect, or none.
    """

    world: WorldConfig = field(default_factory=lambda: WorldConfig(speed_degrees=(-3.0, 3.0)))
    """The scenes; their duration follows from the clips. Objects are slow, as they move for a long time."""
    clips: tuple[int, int] = (1, 3)
    """Fewest and most clips of a video."""
    seconds: int = 10
    """Duration of a clip; names say where it starts in whole seconds."""
    height: int = 96
    """Pixels of the equirectangular pictures, even; the width is twice that."""
    frame_rate: float = 16.0
    """Pictures per second."""
    sound: str = "flac"
    """flac; aac, with four channels; youtube, with six, two of them silent, in YouTube's order."""
    broken: float = 0.0
    """Share of the videos whose sound has a defect."""
    defects: tuple[str, ...] = tuple(DEFECTS)
    """Those that a broken video draws from, all alike likely: see ``ambikit_models.world.defects``."""
    maps_rate: float = 4.0
    """Segmentation maps per second; 0 writes none."""

    def __post_init__(self) -> None:
        if not 1 <= self.clips[0] <= self.clips[1] or self.seconds < 1:
            raise AmbikitError(
                f"got clips={self.clips}, seconds={self.seconds}; expected at least one clip, of at least 1 s"
            )
        if self.height < 16 or self.height % 2 or not self.frame_rate > 0 or not self.maps_rate >= 0:
            raise AmbikitError(
                f"got height={self.height}, frame_rate={self.frame_rate}, maps_rate={self.maps_rate}; expected an even "
                "height of at least 16 and rates that are not negative"
            )
        if not 0 <= self.broken <= 1 or not self.defects or not set(self.defects) <= set(DEFECTS):
            raise AmbikitError(
                f"got broken={self.broken} and defects={self.defects}; expected a share between 0 and 1 and some of "
                f"{', '.join(DEFECTS)}"
            )
        if self.sound not in get_args(Stored):
            raise AmbikitError(f"got sound={self.sound!r}; expected one of {', '.join(get_args(Stored))}")


def video_id(seed: int, index: int) -> str:
    """Eleven characters as YouTube's names have them, dashes and underscores among them.

    Examples
    --------
    >>> len(video_id(0, 3)), video_id(0, 3) == video_id(0, 4)
    (11, False)
    """
    return urlsafe_b64encode(sha256(f"{seed} {index}".encode()).digest())[:11].decode()


def choices(files: WorldFiles, seed: int, index: int) -> tuple[int, str | None]:
    """How many clips a video has, and its defect."""
    generator = random_generator(seed, index, _CHOICES_STREAM)
    clips = int(generator.integers(files.clips[0], files.clips[1] + 1))
    broken, which = generator.random(), int(generator.integers(len(files.defects)))
    return clips, files.defects[which] if broken < files.broken else None
