"""Sound to complex spectrograms and back, and these as real channels for a network."""

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

import ambikit

__all__ = ["SpectrogramConfig", "complex_mask", "leveled", "real_and_imaginary"]


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


def leveled(sound: Float[Tensor, "clips channels time"], level: float = 0.1) -> Float[Tensor, "clips channels time"]:
    """Every clip at the same level: the root of the mean square of all its channels together. Silence stays silent.

    Examples
    --------
    >>> leveled(torch.tensor([[[3.0, 3.0], [0.0, 0.0]]]), 1.0)  # the mean square was 9 / 2
    tensor([[[1.4142, 1.4142],
             [0.0000, 0.0000]]])
    """
    peak = sound.abs().amax((1, 2), keepdim=True)
    shape = sound / torch.where(peak > 0, peak, 1.0)  # squares of very soft sounds would vanish
    root = shape.square().mean((1, 2), keepdim=True).sqrt()
    return shape * (level / torch.where(root > 0, root, 1.0))
