"""A source of clips made of a few numbers: an object of some class in some direction, seen and heard there."""

from typing import Any

import numpy as np
import torch

from ambikit_models.batch import Batch
from ambikit_models.panorama.viewpoints import RandomViewpoints, Viewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.config import ModelConfig, Phase, TrainingConfig

SOUND = SoundFeatures("foa_intensity", sample_rate=16000, bands=8, window=0.032, hop=0.02)


class ToyClips:
    """Each crop is brighter, in the colour of its class, the nearer its centre is to the object."""

    def __init__(self, count: int = 64, size: int = 12, seed: int = 0):
        rng = np.random.default_rng(seed)
        self.azimuth = torch.from_numpy(rng.uniform(-np.pi, np.pi, count))
        self.colour = torch.from_numpy(rng.uniform(0.2, 1.0, (count, 3)))
        self.size = size

    def __len__(self) -> int:
        return len(self.azimuth)

    def seconds(self, indices: np.ndarray) -> np.ndarray:
        return np.full(len(indices), 4.0)

    def batch(
        self,
        indices: np.ndarray,
        viewpoints: Viewpoints,
        *,
        sound_indices: np.ndarray | None = None,
        yaw: Any = None,
        moments: Any = None,
    ) -> Batch:
        rows = torch.as_tensor(indices)
        heard = rows if sound_indices is None else torch.as_tensor(sound_indices)
        seen = torch.cos(self.azimuth[rows][:, None] - viewpoints.azimuth)
        ramp = torch.linspace(0, 1, self.size, dtype=torch.float64)
        video = (self.colour[rows][:, None, :, None] * (1 + seen[..., None, None]))[..., None, None] * ramp
        video = video.expand(*seen.shape, 3, 1, self.size, self.size) / 2
        source = self.azimuth[heard] + (0 if yaw is None else torch.as_tensor(yaw))
        relative = source[:, None] - viewpoints.azimuth
        level = self.colour[heard].repeat(1, 3)[:, :8]
        audio = torch.zeros(*seen.shape, 7, 8, 5, dtype=torch.float64)
        audio[..., :4, :, :] = level[:, None, None, :, None]
        audio[..., 4, :, :] = torch.cos(relative)[..., None, None]
        audio[..., 5, :, :] = torch.sin(relative)[..., None, None]
        if moments is not None:  # everything glows and hums as time goes by
            glow = torch.as_tensor(moments)
            video = video * (0.5 + glow[..., None, None, None, None] / 2)
            audio[..., :4, :, :] *= 0.5 + glow[..., None, None, None] / 2
        return Batch(video.float(), audio.float(), rows, None if yaw is None else torch.as_tensor(yaw).float())


def toy_config(**changes: Any) -> TrainingConfig:
    phases = (
        Phase("avc", steps=6, clips=16, views=1, learning_rate=2e-3, warm_up=2),
        Phase("avsa", steps=6, clips=8, views=2, learning_rate=2e-3, final_learning_rate=0.1),
    )
    values = {
        "phases": phases,
        "sound": SOUND,
        "model": ModelConfig(width=16, projection=8, translation_depth=1),
        "viewpoints": RandomViewpoints(spacing="even"),
        "checkpoint_every": 4,
        "log_every": 2,
    }
    return TrainingConfig(**{**values, **changes})
