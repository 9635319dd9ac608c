"""Scenes of the world as they are seen, and what is known of them."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

import ambikit
from ambikit.errors import AmbikitError
from ambikit_models.panorama.detection import Detections
from ambikit_models.panorama.motion import INTERVAL
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.excerpts import first_frames
from ambikit_models.world.panoramas import detections, render_panoramas
from ambikit_models.world.scenes import Scenes, scenes
from ambikit_models.world.shading import object_map, shade

__all__ = ["SeenScenes"]


class SeenScenes:
    """Some scenes of the world: their pictures from any viewpoint, and the truth about them.

    Attributes
    ----------
    config, seed, indices
        The world and which of its scenes these are; clip ``i`` is scene ``indices[i]``.
    scenes
        Everything about the scenes, as NumPy arrays: where the objects are, which class they have, which sound.
    sound
        The recipe of the features; excerpts begin on a frame of theirs.
    size, frames
        Pixels along the side of a view, and pictures per clip (one is taken in the middle).
    duration
        Seconds that are seen and heard at once. In a world of longer clips an excerpt begins where the call says, or
        else where the viewpoints decide, so that new viewpoints bring new moments.
    """

    def __init__(
        self,
        config: WorldConfig,
        seed: int,
        indices: Sequence[int] | np.ndarray,
        sound: SoundFeatures,
        *,
        size: int,
        frames: int,
        duration: float | None,
        device: str | torch.device,
    ):
        if sound.sample_rate != config.sample_rate:
            raise AmbikitError(
                f"got features at {sound.sample_rate} Hz for a world at {config.sample_rate} Hz; expected the same rate"
            )
        self.duration = config.duration if duration is None else duration
        if not 0 < self.duration <= config.duration:
            raise AmbikitError(
                f"got excerpts of {duration} s of clips of {config.duration} s; expected no more than a clip lasts; "
                "give the world a longer duration"
            )
        self.config, self.seed, self.indices = config, seed, np.asarray(indices, dtype=np.int64)
        self.sound, self.size, self.frames, self.device = sound, size, frames, torch.device(device)
        self.scenes = scenes(config, seed, self.indices)
        self._seen = self.scenes.to(self.device)

    @property
    def identity(self) -> str:
        """A word for this set of clips: training refuses to go on with other clips than it began with."""
        scenes = sha256(f"{self.config} {self.seed} ".encode() + self.indices.tobytes())
        return scenes.hexdigest()[:16]

    def __len__(self) -> int:
        """The number of clips."""
        return len(self.indices)

    def seconds(self, indices: np.ndarray) -> Float[np.ndarray, "clips"]:
        """How long the clips last."""
        return np.full(len(indices), self.config.duration)

    def pictures(
        self, rows: Tensor, viewpoints: Viewpoints, first: Tensor | None
    ) -> Float[Tensor, "clips views 3 frames height width"]:
        """Shade the views of some clips, given by :meth:`rows` and :meth:`first_frames`."""
        scenes, times, rays, angle = self._camera(rows, viewpoints, first)
        return shade(self.config, scenes, rays, times, angle).reshape(*viewpoints.azimuth.shape, 3, *self._picture)

    def object_map(
        self, indices: np.ndarray, viewpoints: Viewpoints, moments: Any = None
    ) -> Int[Tensor, "clips views frames height width"]:
        """Which object slot each pixel of the views shows, or −1 for the room: the exact masks of :meth:`batch`."""
        rows = self.rows(indices)
        first = self.first_frames(indices, viewpoints, moments)
        scenes, times, rays, _ = self._camera(rows, viewpoints, first)
        return object_map(self.config, scenes, rays, times).reshape(*viewpoints.azimuth.shape, *self._picture)

    def class_map(
        self, indices: np.ndarray, viewpoints: Viewpoints, moments: Any = None
    ) -> Int[Tensor, "clips views frames height width"]:
        """Which class each pixel of the views shows, or −1 for the room."""
        slot = self.object_map(indices, viewpoints, moments)
        kind = self._seen[self.rows(indices)].objects.kind
        found = kind.gather(1, slot.clamp(min=0).flatten(1)).view_as(slot)
        return torch.where(slot >= 0, found, -1)

    def visible_classes(
        self, indices: np.ndarray, viewpoints: Viewpoints, *, minimum_share: float = 0.02
    ) -> Float[Tensor, "clips views classes"]:
        """1 for each class that fills at least ``minimum_share`` of the first picture of a view, else 0."""
        kind = self.class_map(indices, viewpoints)[:, :, 0].flatten(2)
        known = torch.arange(self.config.appearances, device=kind.device)
        share = (kind[..., None] == known).float().mean(dim=2)
        return (share >= minimum_share).float()

    def sounding_classes(self, indices: np.ndarray) -> Float[Tensor, "clips classes"]:
        """1 for each class that sounds in a clip, else 0."""
        objects = self._seen[self.rows(indices)].objects
        known = torch.arange(self.config.classes, device=self.device)
        return ((objects.kind[..., None] == known) & objects.sounding[..., None]).any(dim=1).float()

    def rooms_heard(self, indices: np.ndarray) -> Int[Tensor, "clips"]:
        """The type of the room in which the sound of each clip was made."""
        return self._seen[self.rows(indices)].room_heard.kind

    def rooms_seen(self, indices: np.ndarray) -> Int[Tensor, "clips"]:
        """The type of the room in the picture of each clip."""
        return self._seen[self.rows(indices)].room_seen.kind

    def detections(self, index: int) -> Detections:
        """The true boxes of all objects of a clip, in the middle of it."""
        return detections(self.config, self.scenes, int(index))

    def panoramas(self, index: int) -> UInt8[np.ndarray, "frames height width 3"]:
        """Four small panoramas from the middle of one clip, for viewpoints that look at the pictures."""
        times = self.config.duration / 2 + (np.arange(4) - 1.5) * INTERVAL
        scene = self.scenes[np.array([index])]
        return render_panoramas(self.config, scene, 96, times=times.tolist(), oversampling=1)[0]

    def rows(self, indices: Any) -> Int[Tensor, "clips"]:
        """Numbers of clips as a tensor, on the device of the scenes."""
        return torch.as_tensor(np.asarray(indices), dtype=torch.int64, device=self.device)

    @property
    def _picture(self) -> tuple[int, int, int]:
        return self.frames, self.size, self.size

    def first_frames(self, indices: np.ndarray, viewpoints: Viewpoints, moments: Any) -> Tensor | None:
        """On which frame of the features each excerpt begins; None where clips are no longer than excerpts."""
        if self.duration == self.config.duration:
            return None
        if moments is None:
            numbers = zip(self.indices[np.asarray(indices)], viewpoints.fingerprints(), strict=True)
            drawn = [np.random.default_rng((self.seed, int(scene), number)).random() for scene, number in numbers]
            moments = torch.tensor(drawn)[:, None].expand(*viewpoints.azimuth.shape)
        moments = torch.as_tensor(moments, device=self.device)
        return first_frames(self.sound, moments, duration=self.duration, whole=self.config.duration)

    def _camera(
        self, rows: Tensor, viewpoints: Viewpoints, first: Tensor | None
    ) -> tuple[Scenes, Tensor, Tensor, Tensor]:
        """Scenes, the times of the frames, the rays through the pixels and the mean angle between them.

        Where views begin at times of their own each of them is a scene of its own.
        """
        seen = viewpoints.to(self.device, torch.float32)
        rays = ambikit.crop_rays(seen.azimuth, seen.elevation, seen.field_of_view, self.size)
        angle = seen.field_of_view / self.size
        times = (torch.arange(self.frames, dtype=torch.float64) + 0.5) * self.duration / self.frames
        times = times.to(self.device, torch.float32)
        if first is None:
            return self._seen[rows], times, rays, angle
        hop = round(self.sound.hop * self.sound.sample_rate) / self.sound.sample_rate
        times = (first.float()[..., None] * hop + times).flatten(0, 1)
        return (
            self._seen[rows.repeat_interleave(viewpoints.views)],
            times,
            rays.flatten(0, 1)[:, None],
            angle.reshape(-1, 1),
        )
