"""What a tracker of sounding objects learns from: a second of sound, a picture of another moment, and where to look.

Scenes of the world in perspective views, where the boxes are exact, and recorded clips whose faces a detector found.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

import ambikit
from ambikit.errors import AmbikitError
from ambikit_models.datasets.sounding_faces import FaceTrack, follows_sound, moves_with
from ambikit_models.datasets.stereo_clips import StereoClip
from ambikit_models.downstream.localization.heard_places import as_two_channels, level_differences
from ambikit_models.downstream.probing.examples import Inputs, read_each
from ambikit_models.downstream.probing.guides import features_of_ears
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.sampling import generator_for
from ambikit_models.world.clips import WorldClips
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.excerpts import first_frames
from ambikit_models.world.view_boxes import view_boxes

__all__ = ["FilmedTracks", "TrackedObjects", "WorldTracks"]


@runtime_checkable
class TrackedObjects(Protocol):
    """Sounds with pictures of another moment, and the boxes that belong to the sounds.

    Attributes
    ----------
    targets
        Boxes, ``(examples, boxes, 4)``: centre x, y, width and height in parts of the picture; NaN for none.
    groups
        Which video or scene each example is of.
    moving
        Whether the object moves far to the left or right in it, and the sound with it.
    """

    targets: Tensor
    groups: np.ndarray
    moving: np.ndarray

    def __len__(self) -> int:
        """The number of examples."""
        ...

    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        """Read some examples."""
        ...

    def pairs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> tuple[Inputs, Tensor]:
        """Read some examples and their boxes; half of them mirrored where a generator is given."""
        ...


class _Mirrored(ABC):
    """Pairs of inputs and boxes, half of them mirrored."""

    targets: Tensor
    sound: SoundFeatures

    @abstractmethod
    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        """Read some examples."""

    def pairs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> tuple[Inputs, Tensor]:
        """Read some examples and their boxes."""
        given, boxes = self.inputs(rows, generator), self.targets[torch.as_tensor(rows)]
        if generator is None:
            return given, boxes
        assert given.video is not None
        assert given.audio is not None
        turned = torch.from_numpy(generator.random(len(rows)) < 0.5).to(given.video.device)

        def choose(mirrored: Tensor, plain: Tensor) -> Tensor:
            return torch.where(turned.reshape(-1, *[1] * (plain.ndim - 1)).to(plain.device), mirrored, plain)

        exchanged = torch.cat([1 - boxes[..., :1], boxes[..., 1:]], -1)
        audio = choose(self.sound.layout.mirror(given.audio), given.audio)
        return Inputs(choose(given.video.flip(-1), given.video), audio), choose(exchanged, boxes)


class WorldTracks(_Mirrored):
    """One sounding object of each scene, which passes a view that stands still.

    The view is as wide as to hold it all the time; at ``moments`` of the scene it is to be found by a stretch of sound
    and the picture of the moment half of them later.

    Parameters
    ----------
    sound
        What is heard.
    seed, indices
        Which scenes of the world.
    size
        Of the pictures.
    moments
        Per scene, an even number.
    seconds
        Of sound, with the moment in the middle.
    whole
        Seconds of a scene.
    field_of_view
        Of the pictures, radians.
    world
        The world; its duration and rate are replaced. By default one silent look-alike, objects near the horizon, and
        up to 15° per second.
    shift, correlation
        From where on a scene is of the moving ones, see :func:`~ambikit_models.datasets.sounding_faces.moves_with`.
    workers
        Processes that render.

    Examples
    --------
    >>> few = SoundFeatures("stereo", 16000, 8, 0.064, 0.04)
    >>> tracks = WorldTracks(few, 0, range(3), size=8, moments=2, whole=2.0, workers=1)
    >>> given = tracks.inputs(np.array([0, 5]))
    >>> given.video.shape, given.audio.shape, tracks.targets.shape
    (torch.Size([2, 1, 3, 1, 8, 8]), torch.Size([2, 1, 2, 8, 25]), torch.Size([6, 1, 4]))
    """

    def __init__(
        self,
        sound: SoundFeatures,
        seed: int,
        indices: Sequence[int],
        *,
        size: int = 64,
        moments: int = 4,
        seconds: float = 1.0,
        whole: float = 4.0,
        field_of_view: float = 1.4,
        world: WorldConfig | None = None,
        shift: float = 0.2,
        correlation: float = 0.5,
        workers: int = 2,
    ):
        if moments < 2 or moments % 2 or not 0 < seconds < whole:
            raise AmbikitError(
                f"got moments={moments}, seconds={seconds} and whole={whole}; expected an even number of moments, and "
                "scenes longer than the sound"
            )
        default = WorldConfig(
            sounding=(1, 1), silent=(1, 1), radius_degrees=(8.0, 14.0), elevation_degrees=15.0, speed_degrees=(-15, 15)
        )
        config = replace(world or default, sample_rate=sound.sample_rate, duration=whole)
        self.sound, self.moments, self.field_of_view = sound, moments, field_of_view
        shown = {"size": size, "frames": 1, "duration": seconds}
        self.clips = WorldClips.render(config, seed, indices, sound, workers=workers, **shown)
        objects, everything = self.clips.scenes.objects, np.arange(len(self.clips))
        slot = objects.sounding.argmax(-1)
        azimuth, elevation, radius, speed = (
            getattr(objects, name)[everything, slot] for name in ("azimuth", "elevation", "radius", "speed")
        )
        travel = np.abs(speed) * (whole - seconds) / 2
        room = np.maximum(field_of_view / 2 - 1.2 * radius - travel, 0.0)
        drawn = np.array([generator_for(seed, 19, int(index)).uniform(-1, 1) for index in self.clips.indices])
        self.view = azimuth + drawn * room
        places = torch.linspace(0, 1, moments).double()[None].expand(len(self.clips), -1)
        first = first_frames(sound, places, duration=seconds, whole=whole).numpy()
        hop = round(sound.hop * sound.sample_rate) / sound.sample_rate
        #: seconds from the start of each scene, ``(scenes, moments)``
        self.times = first * hop + seconds / 2
        there = azimuth[:, None] + speed[:, None] * (self.times - whole / 2)
        angles = np.broadcast_arrays(there, elevation[:, None], radius[:, None], self.view[:, None], 0.0, field_of_view)
        boxes = view_boxes(*(np.asarray(angle, np.float64) for angle in angles))
        self.targets = torch.from_numpy(boxes).float().flatten(0, 1)[:, None]
        self.groups = np.repeat(self.clips.indices, moments)
        self.moving = np.repeat(self._moving(boxes[..., 0], seconds, shift, correlation), moments)

    def __len__(self) -> int:
        return len(self.groups)

    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        """Read some examples; with a generator the pictures are of any other moments."""
        scene, moment = np.divmod(np.asarray(rows), self.moments)
        later = self.moments // 2 if generator is None else generator.integers(1, self.moments, len(rows))
        both = np.stack([moment, (moment + later) % self.moments], -1) / (self.moments - 1)
        azimuth = torch.from_numpy(self.view[scene])[:, None].expand(-1, 2)
        views = Viewpoints(azimuth, torch.zeros_like(azimuth), torch.full_like(azimuth, self.field_of_view))
        batch = self.clips.batch(scene, views, moments=torch.from_numpy(both))
        return Inputs(batch.video[:, 1:], batch.audio[:, :1])

    def _moving(
        self, x: Float[np.ndarray, "scenes moments"], seconds: float, shift: float, correlation: float
    ) -> Bool[np.ndarray, "scenes"]:
        """Which scenes are of the moving ones: judged by the two channels around each moment."""
        moving = np.zeros(len(x), bool)
        candidates = np.flatnonzero(np.ptp(x, axis=-1) >= shift)
        for block in np.array_split(candidates, max(1, len(candidates) // 8)):
            if not len(block):
                continue
            turned = ambikit.align(self.clips.signals(block), torch.from_numpy(self.view[block]).float(), 0.0)
            two = as_two_channels(self.sound, turned).cpu()
            for row, sound in zip(block, two, strict=True):
                starts = np.round((self.times[row] - seconds / 2) * self.sound.sample_rate).astype(int)
                length = round(seconds * self.sound.sample_rate)
                heard = torch.stack([sound[:, start : start + length] for start in starts])
                louder = level_differences(heard, self.sound.sample_rate, 1)[:, 0]
                moving[row] = moves_with(x[row], louder, shift=shift, correlation=correlation)
        return moving


@dataclass(frozen=True)
class _Moment:
    clip: int
    time: float
    others: np.ndarray


class FilmedTracks(_Mirrored):
    """Faces of recorded clips, as a detector found them: see :mod:`ambikit_models.datasets.sounding_faces`.

    Parameters
    ----------
    clips, tracks
        The clips, and the face of each at some times.
    sound
        What is heard.
    size
        Of the pictures, which are scaled to squares as a whole.
    seconds
        Of sound, with the face in the middle.
    apart
        Least time between the face and the picture that is shown, in seconds.
    shift, correlation
        From where on a clip is of the moving ones.
    """

    def __init__(
        self,
        clips: Sequence[StereoClip],
        tracks: Sequence[FaceTrack],
        sound: SoundFeatures,
        *,
        size: int = 256,
        seconds: float = 1.0,
        apart: float = 2.0,
        shift: float = 0.2,
        correlation: float = 0.5,
    ):
        self.clips, self.sound, self.size, self.seconds = list(clips), sound, size, seconds
        self.examples: list[_Moment] = []
        boxes, moving = [], []
        for number, (clip, track) in enumerate(zip(clips, tracks, strict=True)):
            rule = {"shift": shift, "correlation": correlation, "window_seconds": seconds}
            goes = follows_sound(track, clip, **rule)
            for row in np.flatnonzero(track.found):
                others = track.times_seconds[np.abs(track.times_seconds - track.times_seconds[row]) >= apart]
                if len(others):
                    self.examples.append(_Moment(number, float(track.times_seconds[row]), others))
                    boxes.append([track.x[row], track.y[row], track.width[row], track.height[row]])
                    moving.append(goes)
        if not boxes:
            raise AmbikitError(
                f"got {len(self.clips)} clips without a face that has a picture {apart} s before or after it; expected "
                "one or more; lower apart, or the score that the detector must reach"
            )
        self.targets = torch.tensor(np.array(boxes), dtype=torch.float32)[:, None]
        self.groups = np.array([getattr(c, "video", c.name) for c in (self.clips[e.clip] for e in self.examples)])
        self.moving = np.array(moving)

    def __len__(self) -> int:
        return len(self.examples)

    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        """Read files, several side by side; the picture is the farthest, or with a generator any."""
        pairs = read_each(self._read, np.asarray(rows), generator)
        video, signals = (torch.stack(side) for side in zip(*pairs, strict=True))
        return Inputs(video[:, None], features_of_ears(self.sound, signals)[:, None])

    def _read(self, row: int, generator: np.random.Generator | None) -> tuple[Any, Any]:
        moment = self.examples[row]
        clip = self.clips[moment.clip]
        farthest = moment.others[np.abs(moment.others - moment.time).argmax()]
        shown = farthest if generator is None else generator.choice(moment.others)
        picture = torch.from_numpy(clip.frames([shown])).permute(0, 3, 1, 2).float() / 255
        side = (self.size, self.size)
        scaled = functional.interpolate(picture, side, mode="bilinear", antialias=True, align_corners=False)
        begin = moment.time - self.seconds / 2
        heard, rate = clip.sound(max(begin, 0.0), self.seconds + min(begin, 0.0), sample_rate=self.sound.sample_rate)
        signal = np.zeros((2, round(self.seconds * rate)), np.float32)
        first = round(max(-begin, 0.0) * rate)  # a face at the very start has silence before it
        heard = heard[:, : signal.shape[1] - first]
        signal[:, first : first + heard.shape[1]] = heard
        return scaled.clamp(0, 1).transpose(0, 1), torch.from_numpy(signal)
