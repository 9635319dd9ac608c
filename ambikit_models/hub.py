"""Trained models with the recipe of their features: from signals and pictures to embeddings."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ambikit.errors import AmbikitError
from ambikit_models.alignment import AlignmentModel
from ambikit_models.panorama import crop
from ambikit_models.training.checkpoints import load_model
from ambikit_models.training.config import TrainingConfig

__all__ = ["Pretrained", "load"]


@dataclass(frozen=True)
class Pretrained:
    """A trained model that knows how its inputs are made."""

    model: AlignmentModel
    """In evaluation mode."""
    recipe: TrainingConfig
    """Everything that it was trained with; ``recipe.sound`` and ``recipe.clip`` describe its inputs."""

    @torch.no_grad()
    def embed_audio(
        self, signal: Any, sample_rate: float, azimuth: Any = 0.0, elevation: Any = 0.0, *, degrees: bool = False
    ) -> Float[Tensor, "*views embedding"]:
        """Embed a first-order sound as heard when looking in some directions.

        Parameters
        ----------
        signal
            AmbiX ``(4, time)``, NumPy or tensor; any length, though it was trained on ``recipe.clip.duration`` s.
        sample_rate
            In Hz; it must be that of the recipe.
        azimuth, elevation
            Directions in radians, of any common shape ``views``.
        degrees
            Whether the angles are in degrees.

        Raises
        ------
        AmbikitError
            If the sample rate is another one.
        """
        azimuth, elevation = _directions(azimuth, elevation, degrees)
        features = self._heard(signal, sample_rate, azimuth.flatten(), elevation.flatten())
        return self.model.embed_audio(features)[0].reshape(*azimuth.shape, -1)

    @torch.no_grad()
    def embed_audio_frames(
        self, signal: Any, sample_rate: float, azimuth: Any = 0.0, elevation: Any = 0.0, *, degrees: bool = False
    ) -> tuple[Float[Tensor, "*views steps embedding"], Float[Tensor, "steps"]]:
        """Embed every step of a first-order sound, several per second; the parameters are those of :meth:`embed_audio`.

        Returns
        -------
        embeddings, times
            The embedding of each step, ``(..., steps, embedding)``, and the seconds on which each is centred. How much
            of the sound around it a step hears, and how it is related to the embedding of the whole, the audio encoder
            says.
        """
        azimuth, elevation = _directions(azimuth, elevation, degrees)
        features = self._heard(signal, sample_rate, azimuth.flatten(), elevation.flatten())
        frames = self.model.embed_audio_frames(features)[0]
        hop = round(self.recipe.sound.hop * sample_rate) / sample_rate
        seconds = torch.arange(frames.shape[-2]) * hop * self.model.audio_encoder.STEP
        return frames.reshape(*azimuth.shape, *frames.shape[-2:]), seconds

    @torch.no_grad()
    def embed_video(
        self, frames: Any, azimuth: Any, elevation: Any, *, field_of_view: Any, degrees: bool = False
    ) -> Float[Tensor, "*views embedding"]:
        """Embed what is seen in some directions of a panoramic clip.

        Parameters
        ----------
        frames
            Equirectangular pictures ``(frames, height, width, 3)``, uint8, or floats in [0, 1].
        azimuth, elevation
            Directions in radians, of any common shape ``views``.
        field_of_view
            Full angle of the square views, radians.
        degrees
            Whether the angles are in degrees.
        """
        azimuth, elevation = _directions(azimuth, elevation, degrees)
        width = np.radians(field_of_view) if degrees else field_of_view
        pictures = np.asarray(frames)
        angles = (azimuth.flatten().numpy()[None], elevation.flatten().numpy()[None])
        views = crop(pictures, *angles, field_of_view=width, size=self.recipe.clip.size, normalized=True)
        video = torch.as_tensor(views).float().permute(1, 2, 0, 3, 4)
        device = next(self.model.parameters()).device
        return self.model.embed_video(video[None].to(device))[0].reshape(*azimuth.shape, -1)

    @torch.no_grad()
    def alignment_score(
        self,
        frames: Any,
        signal: Any,
        sample_rate: float,
        azimuth: Any = (0.0, np.pi / 2, np.pi, -np.pi / 2),
        elevation: Any = 0.0,
        *,
        field_of_view: Any = 5 * np.pi / 12,
        degrees: bool = False,
    ) -> Float[Tensor, "*views"]:
        """How well the sound from each direction fits what is seen there: a cosine, 1 at best.

        A model that was trained to align compares what it predicts from all the views together; so give several, by
        default the four of the horizon, 75° wide. Only differences mean something: between views, or between the sound
        as it is and the sound turned.

        Parameters
        ----------
        frames
            Equirectangular pictures, see :meth:`embed_video`.
        signal, sample_rate
            The sound of the same moment, see :meth:`embed_audio`.
        azimuth, elevation
            Directions in radians, of any common shape ``views``.
        field_of_view
            Full angle of the square views, radians.
        degrees
            Whether the angles are in degrees.
        """
        where = (azimuth, elevation)
        video = self.embed_video(frames, *where, field_of_view=field_of_view, degrees=degrees)
        audio = self.embed_audio(signal, sample_rate, *where, degrees=degrees)
        translated = any(phase.predicts for phase in self.recipe.phases)
        width = video.shape[-1]
        score = self.model.match(video.reshape(1, -1, width), audio.reshape(1, -1, width), translated=translated)
        return score.reshape(video.shape[:-1])

    def _heard(
        self, signal: Any, sample_rate: float, azimuth: Tensor, elevation: Tensor
    ) -> Float[Tensor, "1 views channels rows time"]:
        expected = self.recipe.sound.sample_rate
        if sample_rate != expected:
            raise AmbikitError(
                f"got a sample rate of {sample_rate} Hz; this model hears {expected} Hz; "
                f"read the file with ambikit.read(path, sample_rate={expected})"
            )
        prepared = self.recipe.sound.prepare(torch.as_tensor(signal, dtype=torch.float32))
        features = self.recipe.sound.view(prepared, azimuth, elevation)
        return features[None].to(next(self.model.parameters()).device)


def load(name_or_path: str | Path) -> Pretrained:
    """Load a trained model: one that comes with the package by its name, or the output folder of a run.

    Nothing is unpickled: the weights are safetensors, the recipe is JSON.

    Parameters
    ----------
    name_or_path
        ``"world-foaiv"`` (learned on the synthetic world from four log-mel spectrograms and intensity vectors), or the
        folder of a run or of one of its checkpoints.

    Raises
    ------
    FileError
        If there is no checkpoint, or it is incomplete.

    Examples
    --------
    >>> trained = load("world-foaiv")
    >>> trained.embed_audio(np.zeros((4, 8000)), 16000, [0, 90], 0, degrees=True).shape
    torch.Size([2, 128])
    """
    return Pretrained(*load_model(name_or_path))


def _directions(azimuth: Any, elevation: Any, degrees: bool) -> tuple[Tensor, Tensor]:
    angles = [torch.as_tensor(np.asarray(angle, dtype=np.float64)) for angle in (azimuth, elevation)]
    azimuth, elevation = torch.broadcast_tensors(*angles)
    return (torch.deg2rad(azimuth), torch.deg2rad(elevation)) if degrees else (azimuth, elevation)
