"""The ambience of a room: coloured noise from everywhere."""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["ambience_spectrum", "diffuse_noise"]

#: standard deviation of the peak in octaves
_PEAK_WIDTH = 0.5
#: the tilt turns around 1 kHz and goes no lower than 50 Hz
_CENTRE, _LOWEST = 1000.0, 50.0


def ambience_spectrum(
    frequency: Float[Tensor, "bins"],
    tilt_db: Float[Tensor, "scenes"],
    peak: Float[Tensor, "scenes"],
    peak_db: Float[Tensor, "scenes"],
) -> Float[Tensor, "scenes bins"]:
    """The amplitude spectrum of an ambience: a tilt in dB per octave and a broad peak.

    Examples
    --------
    >>> frequency, peak = torch.tensor([1000.0, 2000.0]), torch.tensor([1e6])
    >>> 20 * ambience_spectrum(frequency, torch.tensor([-3.0]), peak, torch.tensor([10.0])).log10().round(decimals=3)
    tensor([[ 0., -3.]])
    """
    octave = torch.log2(frequency.clamp(min=_LOWEST) / _CENTRE)
    from_peak = octave - torch.log2(peak / _CENTRE)[:, None]
    level = tilt_db[:, None] * octave + peak_db[:, None] * torch.exp(-0.5 * (from_peak / _PEAK_WIDTH) ** 2)
    return 10.0 ** (level / 20.0)


def diffuse_noise(
    spectrum: Float[Tensor, "scenes 4 bins 2"], amplitude: Float[Tensor, "scenes bins"], samples: int
) -> Float[Tensor, "scenes 4 time"]:
    """A diffuse field with a given amplitude spectrum, scaled so that W has mean power 1.

    ``spectrum`` holds independent normal numbers, the real and imaginary parts of every bin. The dipoles have 1/√3 of
    the amplitude of W, as sound from all sides has in SN3D.
    """
    share = torch.tensor([1.0, 3**-0.5, 3**-0.5, 3**-0.5], device=spectrum.device, dtype=spectrum.dtype)
    shaped = torch.view_as_complex(spectrum) * amplitude[:, None]
    # a constant pressure is no sound
    shaped = torch.cat([torch.zeros_like(shaped[..., :1]), shaped[..., 1:]], dim=-1)
    noise = torch.fft.irfft(shaped, n=samples)
    power = noise[:, :1].square().mean(-1, keepdim=True)
    return noise / torch.sqrt(power) * share[:, None]
