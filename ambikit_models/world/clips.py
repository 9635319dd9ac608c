"""The world as a source of clips: pictures shaded for every viewpoint, sound turned to it."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ambikit.errors import AmbikitError, ShapeError
from ambikit_models.batch import Batch
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.world.acoustics import render_sound
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.excerpts import cut_excerpts
from ambikit_models.world.pool import load_pool, prepare_pool, render_pool, save_pool
from ambikit_models.world.seen import SeenScenes

__all__ = ["WorldClips"]


class WorldClips(SeenScenes):
    """Scenes of the world to train and test on; implements :class:`ambikit_models.batch.ClipSource`.

    The sound of every scene is rendered once and kept as its features need it (most as a mel covariance, which turns
    to any viewpoint exactly); the pictures are shaded afresh for each viewpoint. Make one with :meth:`render` or
    :meth:`load`.

    Attributes
    ----------
    config, seed, indices, scenes, sound, size, frames, duration
        As in :class:`~ambikit_models.world.seen.SeenScenes`.
    prepared
        The rendered sound as :meth:`SoundFeatures.prepare` leaves it: ``(clips, 13, rows, time)`` or, for features
        that need the signal, ``(clips, 4, time)``.

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
        super().__init__(config, seed, indices, sound, size=size, frames=frames, duration=duration, device=device)
        if len(indices) != len(prepared):
            raise ShapeError(f"got {len(indices)} indices and {len(prepared)} sounds; expected one sound per scene")
        self.prepared = prepared.to(self.device)
        self._rendered = self  # the clips whose sound was rendered, if these are a variant of them

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
        rows, first = self.rows(indices), self.first_frames(indices, viewpoints, moments)
        audio = self._heard(rows if sound_indices is None else self.rows(sound_indices), viewpoints, yaw, first)
        video = self.pictures(rows, viewpoints, first)
        turned = None if yaw is None else torch.as_tensor(yaw, device=self.device).float()
        return Batch(video, audio, rows, turned)

    def listen(
        self, indices: np.ndarray, viewpoints: Viewpoints, *, yaw: Any = None, moments: Any = None
    ) -> Float[Tensor, "clips views channels rows time"]:
        """The sound of :meth:`batch` without the pictures."""
        return self._heard(self.rows(indices), viewpoints, yaw, self.first_frames(indices, viewpoints, moments))

    def _heard(self, rows: Tensor, viewpoints: Viewpoints, yaw: Any, first: Tensor | None) -> Tensor:
        azimuth = viewpoints.azimuth.to(self.device)
        if yaw is not None:
            # to turn the scene left and then look somewhere is to look as much farther right in the scene as it was
            azimuth = azimuth - torch.as_tensor(yaw, device=self.device)[:, None]
        prepared = self.prepared[rows]
        if first is None:
            prepared = prepared[:, None]
        else:
            prepared = cut_excerpts(prepared, self.sound, first, duration=self.duration)
        return self.sound.view(prepared, azimuth, viewpoints.elevation.to(self.device))

    def signals(self, indices: np.ndarray) -> Float[Tensor, "clips 4 time"]:
        """The sound itself, rendered again: first-order AmbiX."""
        return render_sound(self.config, self.seed, self.scenes[np.asarray(indices)], device=self.device)

    def soundtrack(self, index: int) -> Float[np.ndarray, "4 time"]:
        """The sound of one clip, for viewpoints that seek it."""
        return self.signals(np.array([index]))[0].numpy(force=True)

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
