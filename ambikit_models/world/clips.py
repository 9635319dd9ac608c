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
from ambikit_models.panorama.motion import INTERVAL
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.world.acoustics import render_sound
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.excerpts import cut_excerpts, first_frames
from ambikit_models.world.panoramas import detections, render_panoramas
from ambikit_models.world.pool import load_pool, prepare_pool, render_pool, save_pool
from ambikit_models.world.scenes import Scenes, scenes
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
    duration
        Seconds that are seen and heard at once. In a world of longer clips an excerpt begins where the call says, or
        else where the viewpoints decide, so that new viewpoints bring new moments.

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
        duration: float | None = None,
        device: str | torch.device = "cpu",
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
        duration: float | None = None,
        workers: int = 2,
        device: str | torch.device = "cpu",
        progress: Callable[[int, int], Any] | None = None,
    ) -> "WorldClips":
        """Render the sound of scenes, on the CPU in ``workers`` processes; ``progress(done, total)`` is told."""
        indices = np.asarray(indices, dtype=np.int64)
        prepared = render_pool(config, seed, indices, sound, workers=workers, device=device, progress=progress)
        shown = {"size": size, "frames": frames, "duration": duration}
        return cls(config, seed, indices, sound, prepared, **shown, device=device)

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
        duration: float | None = None,
        device: str | torch.device = "cpu",
    ) -> "WorldClips":
        """Read a file of :meth:`save`, without rendering, for its own features or others (see :meth:`variant`)."""
        config, seed, indices, kept_for, prepared = load_pool(path)
        shown = {"size": size, "frames": frames, "duration": duration}
        clips = cls(config, seed, indices, kept_for, prepared, **shown, device=device)
        return clips.variant(sound=sound)

    def variant(
        self,
        *,
        sound: SoundFeatures | None = None,
        room_strength: float | None = None,
        size: int | None = None,
        frames: int | None = None,
        duration: float | None = None,
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
            duration=self.duration if duration is None else duration,
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
        moments: Any = None,
    ) -> Batch:
        """Show and play some clips from some viewpoints: see :meth:`ambikit_models.batch.ClipSource.batch`."""
        rows = self._rows(indices)
        heard = rows if sound_indices is None else self._rows(sound_indices)
        azimuth = viewpoints.azimuth.to(self.device)
        if yaw is not None:
            # to turn the scene left and then look somewhere is to look as much farther right in the scene as it was
            azimuth = azimuth - torch.as_tensor(yaw, device=self.device)[:, None]
        first = self._first_frames(indices, viewpoints, moments)
        prepared = self.prepared[heard]
        if first is None:
            prepared = prepared[:, None]
        else:
            prepared = cut_excerpts(prepared, self.sound, first, duration=self.duration)
        audio = self.sound.view(prepared, azimuth, viewpoints.elevation.to(self.device))
        scenes, times, rays, angle = self._camera(rows, viewpoints, first)
        video = shade(self.config, scenes, rays, times, angle).reshape(*viewpoints.azimuth.shape, 3, *self._picture)
        turned = None if yaw is None else torch.as_tensor(yaw, device=self.device).float()
        return Batch(video, audio, rows, turned)

    def seconds(self, indices: np.ndarray) -> Float[np.ndarray, "clips"]:
        """How long the clips last."""
        return np.full(len(indices), self.config.duration)

    def object_map(
        self, indices: np.ndarray, viewpoints: Viewpoints, moments: Any = None
    ) -> Int[Tensor, "clips views frames height width"]:
        """Which object slot each pixel of the views shows, or −1 for the room: the exact masks of :meth:`batch`."""
        rows = self._rows(indices)
        first = self._first_frames(indices, viewpoints, moments)
        scenes, times, rays, _ = self._camera(rows, viewpoints, first)
        return object_map(self.config, scenes, rays, times).reshape(*viewpoints.azimuth.shape, *self._picture)

    def class_map(
        self, indices: np.ndarray, viewpoints: Viewpoints, moments: Any = None
    ) -> Int[Tensor, "clips views frames height width"]:
        """Which class each pixel of the views shows, or −1 for the room."""
        slot = self.object_map(indices, viewpoints, moments)
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
        """Four small panoramas from the middle of one clip, for viewpoints that look at the pictures."""
        times = self.config.duration / 2 + (np.arange(4) - 1.5) * INTERVAL
        scene = self.scenes[np.array([index])]
        return render_panoramas(self.config, scene, 96, times=times.tolist(), oversampling=1)[0]

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

    @property
    def _picture(self) -> tuple[int, int, int]:
        return self.frames, self.size, self.size

    def _first_frames(self, indices: np.ndarray, viewpoints: Viewpoints, moments: Any) -> Tensor | None:
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
