"""Sounding objects of the world in perspective views, where the boxes are exact."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float

import ambikit
from ambikit.errors import AmbikitError
from ambikit_models.datasets.sounding_faces import moves_with
from ambikit_models.downstream.localization.heard_places import as_two_channels, level_differences
from ambikit_models.downstream.probing.examples import Inputs
from ambikit_models.downstream.tracking.tracked_objects import Mirrored
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.sampling import generator_for
from ambikit_models.world.clips import WorldClips
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.excerpts import first_frames
from ambikit_models.world.view_boxes import view_boxes

__all__ = ["WorldTracks"]


class WorldTracks(Mirrored):
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
