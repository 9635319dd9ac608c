"""The world as a source of clips: pictures shaded for every viewpoint, sound turned to it."""

import dataclasses
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

import ambikit
from ambikit.errors import AmbikitError, ShapeError
from ambikit_models.batch import Batch
from ambikit_models.panorama.detection import Detections
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.world.acoustics import render_sound
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.panoramas import detections, render_panoramas
from ambikit_models.world.pool import load_pool, prepare_pool, render_pool, save_pool
from ambikit_models.world.scenes import scenes
from ambikit_models.world.shading import object_map, shade

__all__ = ["WorldClips"]


class WorldClips:
    """Scenes of the world to train and test on; implements :class:`ambikit_models.batch.ClipSource`.

    The sound of every scene is rendered once and kept as its features need it (most as a mel covariance, which turns
    to any viewpoint exactly); the pictures are shaded afresh for each viewpoint. Make one with :meth:`render` or
    :meth:`load`.

    Attributes
    ----------
    config, seed, indices
        The world and which of its scenes these are; clip ``i`` is scene ``indices[i]``.
    scenes
        Everything about the scenes, as NumPy arrays: where the objects are, which class they have, which sound.
    sound
        The recipe of the features.
    prepared
        The rendered sound as :meth:`SoundFeatures.prepare` leaves it: ``(clips, 13, rows, time)`` or, for features
        that need the signal, ``(clips, 4, time)``.
    size, frames
        Pixels along the side of a view, and pictures per clip (one is taken in the middle).

    Examples
    --------
    >>> sound = SoundFeatures("foa_intensity", sample_rate=16000, bands=16, window=0.064, hop=0.04)
    >>> clips = WorldClips.render(WorldConfig(), 0, range(2), sound, size=8)
    >>> front = Viewpoints(*(torch.full((2, 3), angle) for angle in (0.0, 0.0, 1.2)))
    >>> batch = clips.batch(np.array([0, 1]), front)
    >>> batch.video.shape, batch.audio.shape
    (torch.Size([2, 3, 3, 1, 8, 8]), torch.Size([2, 3, 7, 16, 13]))
    """

    def __init__(
        self,
        config: WorldConfig,
        seed: int,
        indices: Sequence[int] | np.ndarray,
        sound: SoundFeatures,
        prepared: Float[Tensor, "clips ..."],
        *,
        size: int = 24,
        frames: int = 1,
        device: str | torch.device = "cpu",
    ):
        if sound.sample_rate != config.sample_rate:
            raise AmbikitError(
                f"got features at {sound.sample_rate} Hz for a world at {config.sample_rate} Hz; expected the same rate"
            )
        if len(indices) != len(prepared):
            raise ShapeError(f"got {len(indices)} indices and {len(prepared)} sounds; expected one sound per scene")
        self.config, self.seed, self.indices = config, seed, np.asarray(indices, dtype=np.int64)
        self.sound, self.size, self.frames, self.device = sound, size, frames, torch.device(device)
        self.prepared = prepared.to(self.device)
        self._rendered = self  # the clips whose sound was rendered, if these are a variant of them
        self.scenes = scenes(config, seed, self.indices)
        self._seen = self.scenes.to(self.device)

    @classmethod
    def render(
        cls,
        config: WorldConfig,
        seed: int,
        indices: Sequence[int] | np.ndarray,
        sound: SoundFeatures,
        *,
        size: int = 24,
        frames: int = 1,
        workers: int = 2,
        device: str | torch.device = "cpu",
        progress: Callable[[int, int], Any] | None = None,
    ) -> "WorldClips":
        """Render the sound of scenes, on the CPU in ``workers`` processes; ``progress(done, total)`` is told."""
        indices = np.asarray(indices, dtype=np.int64)
        prepared = render_pool(config, seed, indices, sound, workers=workers, device=device, progress=progress)
        return cls(config, seed, indices, sound, prepared, size=size, frames=frames, device=device)

    def save(self, path: str | Path) -> None:
        """Write the rendered sounds and the recipe of the world to a safetensors file."""
        save_pool(path, self.config, self.seed, self.indices, self.sound, self.prepared)

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        sound: SoundFeatures | None = None,
        size: int = 24,
        frames: int = 1,
        device: str | torch.device = "cpu",
    ) -> "WorldClips":
        """Read a file of :meth:`save`, without rendering, for its own features or others (see :meth:`variant`)."""
        config, seed, indices, kept_for, prepared = load_pool(path)
        clips = cls(config, seed, indices, kept_for, prepared, size=size, frames=frames, device=device)
        return clips.variant(sound=sound)

    def variant(
        self,
        *,
        sound: SoundFeatures | None = None,
        room_strength: float | None = None,
        size: int | None = None,
        frames: int | None = None,
    ) -> "WorldClips":
        """The same sounds with other features, other pictures, or another tie between the two.

        The sound does not depend on the strength of the room factor, so that one pool serves every strength. Clips
        that keep signals serve all features; others only features that keep the same (see
        :attr:`SoundFeatures.keeps`).

        Raises
        ------
        AmbikitError
            If the features need what these clips have not kept.
        """
        sound = sound or self.sound
        variant = WorldClips(
            self.config if room_strength is None else dataclasses.replace(self.config, room_strength=room_strength),
            self.seed,
            self.indices,
            sound,
            self._prepared_for(sound),
            size=self.size if size is None else size,
            frames=self.frames if frames is None else frames,
            device=self.device,
        )
        variant._rendered = self._rendered
        return variant

    @property
    def identity(self) -> str:
        """A word for this set of clips: training refuses to go on with other clips than it began with."""
        scenes = sha256(f"{self.config} {self.seed} ".encode() + self.indices.tobytes())
        return scenes.hexdigest()[:16]

    def __len__(self) -> int:
        """The number of clips."""
        return len(self.indices)

    def batch(
        self,
        indices: np.ndarray,
        viewpoints: Viewpoints,
        *,
        sound_indices: np.ndarray | None = None,
        yaw: Any = None,
    ) -> Batch:
        """Show and play some clips from some viewpoints: see :meth:`ambikit_models.batch.ClipSource.batch`."""
        rows = self._rows(indices)
        heard = rows if sound_indices is None else self._rows(sound_indices)
        azimuth = viewpoints.azimuth.to(self.device)
        if yaw is not None:
            # to turn the scene left and then look somewhere is to look as much farther right in the scene as it was
            azimuth = azimuth - torch.as_tensor(yaw, device=self.device)[:, None]
        audio = self.sound.view(self.prepared[heard][:, None], azimuth, viewpoints.elevation.to(self.device))
        times, rays, angle = self._camera(viewpoints)
        video = shade(self.config, self._seen[rows], rays, times, angle)
        return Batch(video, audio, rows)

    def object_map(self, indices: np.ndarray, viewpoints: Viewpoints) -> Int[Tensor, "clips views frames height width"]:
        """Which object slot each pixel of the views shows, or −1 for the room: the exact masks of :meth:`batch`."""
        times, rays, _ = self._camera(viewpoints)
        return object_map(self.config, self._seen[self._rows(indices)], rays, times)

    def class_map(self, indices: np.ndarray, viewpoints: Viewpoints) -> Int[Tensor, "clips views frames height width"]:
        """Which class each pixel of the views shows, or −1 for the room."""
        slot = self.object_map(indices, viewpoints)
        kind = self._seen[self._rows(indices)].objects.kind
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
        objects = self._seen[self._rows(indices)].objects
        known = torch.arange(self.config.classes, device=self.device)
        return ((objects.kind[..., None] == known) & objects.sounding[..., None]).any(dim=1).float()

    def rooms_heard(self, indices: np.ndarray) -> Int[Tensor, "clips"]:
        """The type of the room in which the sound of each clip was made."""
        return self._seen[self._rows(indices)].room_heard.kind

    def rooms_seen(self, indices: np.ndarray) -> Int[Tensor, "clips"]:
        """The type of the room in the picture of each clip."""
        return self._seen[self._rows(indices)].room_seen.kind

    def detections(self, index: int) -> Detections:
        """The true boxes of all objects of a clip, in the middle of it."""
        return detections(self.config, self.scenes, int(index))

    def signals(self, indices: np.ndarray) -> Float[Tensor, "clips 4 time"]:
        """The sound itself, rendered again: first-order AmbiX."""
        return render_sound(self.config, self.seed, self.scenes[np.asarray(indices)], device=self.device)

    def soundtrack(self, index: int) -> Float[np.ndarray, "4 time"]:
        """The sound of one clip, for viewpoints that seek it."""
        return self.signals(np.array([index]))[0].numpy(force=True)

    def panoramas(self, index: int) -> UInt8[np.ndarray, "frames height width 3"]:
        """Four small panoramas of one clip, over all of it, for viewpoints that seek motion."""
        times = self.config.frame_times(4)
        return render_panoramas(self.config, self.scenes[np.array([index])], 48, times=times, oversampling=1)[0]

    def _prepared_for(self, sound: SoundFeatures) -> Tensor:
        rendered = self._rendered
        for clips in (self, rendered):
            if clips.sound.keeps_the_same_as(sound):
                return clips.prepared
        if rendered.sound.keeps != "signal":
            raise AmbikitError(
                f"got {sound} for clips that keep the {rendered.sound.keeps} of {rendered.sound}; expected features "
                "that keep the same; render clips for these features, or for all: with features that keep the signal"
            )
        return prepare_pool(rendered.prepared, sound)

    def _rows(self, indices: Any) -> Tensor:
        return torch.as_tensor(np.asarray(indices), dtype=torch.int64, device=self.device)

    def _camera(self, viewpoints: Viewpoints) -> tuple[Tensor, Tensor, Tensor]:
        """The times of the frames, the rays through the pixels and the mean angle between them."""
        seen = viewpoints.to(self.device, torch.float32)
        rays = ambikit.crop_rays(seen.azimuth, seen.elevation, seen.field_of_view, self.size)
        times = torch.tensor(self.config.frame_times(self.frames), device=self.device, dtype=torch.float32)
        return times, rays, seen.field_of_view / self.size
