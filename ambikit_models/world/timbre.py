"""The voices of the classes: what an object sounds like close by."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ambikit_models.world.config import WorldConfig

__all__ = ["LEVEL", "dry_signals", "pulse", "pulse_rates"]

#: mean power of a dry signal of 0 dB when its pulse is at its height
LEVEL = 0.01
_GOLDEN = 0.6180339887498949


def _spread(classes: int, step: float, limits: tuple[float, float]) -> np.ndarray:
    """One value per class, spread over a range so that neighbouring classes differ."""
    low, high = limits
    return low + (high - low) * ((np.arange(classes) * step + 0.5 / classes) % 1.0)


def pulse_rates(config: WorldConfig) -> np.ndarray:
    """The pulse rate of each class in Hz, ``(classes,)``.

    Examples
    --------
    >>> pulse_rates(WorldConfig(classes=3)).round(1)
    array([3.3, 8.3, 5.2])
    """
    return _spread(config.classes, _GOLDEN, config.pulse_rate)


def pulse(phase: Tensor, depth: float) -> Tensor:
    """How strong a pulsing thing is at a phase (radians): between 1 − depth and 1, highest at phase 0.

    Examples
    --------
    >>> pulse(torch.tensor([0.0, torch.pi]), 0.9).round(decimals=3)
    tensor([1.0000, 0.1000])
    """
    return 1.0 - depth * (0.5 - 0.5 * torch.cos(phase))


def dry_signals(
    config: WorldConfig,
    kind: Tensor,
    fundamental: Tensor,
    harmonic_phases: Tensor,
    pulse_rate: Tensor,
    pulse_phase: Tensor,
    noise: Float[Tensor, "scenes sources time"],
) -> Float[Tensor, "scenes sources time"]:
    """The sound of sources without any room, beginning ``lead_in`` seconds before the clip.

    A stack of harmonics whose slope belongs to the class, a share of white noise that belongs to the class, and a
    pulse in amplitude at the rate of the class.

    Parameters
    ----------
    config
        The ranges of the world.
    kind, fundamental, pulse_rate, pulse_phase
        Class, Hz, Hz and radians, ``(scenes, sources)``; tensors of float64 where they are real.
    harmonic_phases
        Radians, ``(scenes, sources, harmonics)``.
    noise
        White noise of variance 1; its last axis decides the length.
    """
    device, real = noise.device, torch.float64
    slope = torch.as_tensor(_spread(config.classes, _GOLDEN**2 * 2, (0.3, 1.5)), device=device)[kind]
    share = torch.as_tensor(_spread(config.classes, _GOLDEN**3 * 3, (0.05, 0.4)), device=device)[kind]
    time = torch.arange(noise.shape[-1], device=device, dtype=real) / config.sample_rate - config.lead_in
    number = torch.arange(1, config.harmonics + 1, device=device, dtype=real)
    frequency = fundamental[..., None] * number
    amplitude = number ** -slope[..., None]
    amplitude = torch.where(frequency < 0.5 * config.sample_rate, amplitude, 0.0)
    # half the sum of the squares is the power of the stack
    amplitude = amplitude * torch.sqrt(2.0 * (1.0 - share[..., None]) / (amplitude**2).sum(-1, keepdim=True))
    signal = (torch.sqrt(share)[..., None] * noise).float()
    for h in range(config.harmonics):
        # turns are taken modulo 1 in double precision: single precision is too coarse for the phase of a long sound
        turns = frequency[..., h, None] * time
        phase = (2.0 * torch.pi * (turns - torch.floor(turns)) + harmonic_phases[..., h, None]).float()
        signal += amplitude[..., h, None].float() * torch.sin(phase)
    beat = 2.0 * torch.pi * pulse_rate[..., None] * time + pulse_phase[..., None]
    return LEVEL**0.5 * signal * pulse(beat.float(), config.sound_depth)
