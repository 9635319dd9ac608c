"""Sound to complex spectrograms and back, and these as real channels for a network."""

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

import ambikit

__all__ = ["SpectrogramConfig", "complex_mask", "leveled", "leveling_gain", "real_and_imaginary"]


@dataclass(frozen=True)
class SpectrogramConfig:
    """The frames of a spectrogram; at 16 kHz the default has those of 2.5D Visual Sound: 32 ms, every 10 ms."""

    frame_length: int = 512
    """Samples per frame."""
    hop_length: int = 160
    """Samples from one frame to the next."""

    def analyse(self, sound: Float[Tensor, "*channels time"]) -> Complex[Tensor, "*channels freq frames"]:
        """The short-time spectrum."""
        return ambikit.stft(sound, frame_length=self.frame_length, hop_length=self.hop_length)

    def synthesise(
        self, spectrum: Complex[Tensor, "*channels freq frames"], length: int
    ) -> Float[Tensor, "*channels time"]:
        """The sound of a spectrum, so many samples of it."""
        return ambikit.istft(spectrum, frame_length=self.frame_length, hop_length=self.hop_length, length=length)


def real_and_imaginary(
    spectrum: Complex[Tensor, "clips channels freq frames"],
) -> Float[Tensor, "clips twice freq frames"]:
    """First the real parts of all channels, then the imaginary parts."""
    return torch.cat([spectrum.real, spectrum.imag], 1)


def complex_mask(channels: Float[Tensor, "clips twice freq frames"]) -> Complex[Tensor, "clips channels freq frames"]:
    """The way back from :func:`real_and_imaginary`.

    Examples
    --------
    >>> complex_mask(torch.tensor([1.0, 2.0]).reshape(1, 2, 1, 1)).item()
    (1+2j)
    """
    real, imaginary = channels.float().chunk(2, 1)
    return torch.complex(real.contiguous(), imaginary.contiguous())


def leveling_gain(sound: Float[Tensor, "clips channels time"], level: float = 0.1) -> Float[Tensor, "clips 1 1"]:
    """What brings every clip to one level: the root of the mean square of all its channels together. 1 for silence.

    Examples
    --------
    >>> gain = leveling_gain(torch.tensor([[[3.0, 3.0], [0.0, 0.0]]]), 1.0)  # the mean square is 9 / 2
    >>> round(1 / gain.item() ** 2, 4)
    4.5
    """
    peak = sound.abs().amax((1, 2), keepdim=True)
    silent = peak == 0
    shape = sound / torch.where(silent, 1.0, peak)  # squares of very soft sounds would vanish
    root = shape.square().mean((1, 2), keepdim=True).sqrt()
    return torch.where(silent, 1.0, level / torch.where(silent, 1.0, root * peak))


def leveled(sound: Float[Tensor, "clips channels time"], level: float = 0.1) -> Float[Tensor, "clips channels time"]:
    """Every clip at the same level. Silence stays silent."""
    return sound * leveling_gain(sound, level)
