"""GCC-PHAT of two channels as feature maps: lags on the axis on which log-mel has its bands."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

import ambikit
from ambikit.analysis.spectra import feature_grid

__all__ = ["AVERAGED", "correlations", "lags_of"]

#: frames over which the cross-spectrum is averaged, one map each. Yang2020 has three additional channels and does not
#: say what they are; these three are ours.
AVERAGED = (1, 5, 25)

#: seconds; more than sound takes around a head
_REACH = 1e-3


def lags_of(sample_rate: float, rows: int) -> Float[Tensor, "rows"]:
    """The lags of the rows in samples, positive where left is ahead, as many on either side.

    They reach to about 1 ms, or less where there are too few rows: neighbours are at most one sample apart.

    Examples
    --------
    >>> lags_of(16000, 32)[:3], lags_of(16000, 64)[-2:]
    (tensor([-15.5000, -14.5000, -13.5000]), tensor([15.2500, 15.7500]))
    """
    return (torch.arange(rows) - (rows - 1) / 2) / _per_sample(sample_rate, rows)


def correlations(
    signal: Float[Tensor, "*batch 2 time"], sample_rate: float, *, bands: int, window: float, hop: float
) -> Float[Tensor, "*batch 3 bands frames"]:
    """GCC-PHAT of left and right for each of :data:`AVERAGED`, with as many lags as there are bands.

    Parameters
    ----------
    signal
        Left and right.
    sample_rate
        In Hz.
    bands, window, hop
        As for log-mel; frames are the same.

    Notes
    -----
    The peak is the delay between two microphones. It is not the interaural time difference where the two ears are made
    from a first-order scene (``binaural_gcc``): above about 0.7 kHz first order holds no delay, and these bins, which
    are most, agree on a lag near 0. What is left is the side: the ear that is nearer has more of the correlation on its
    side. Of noise at 90°, heard through a rigid sphere, the peak of all frequencies lies at 0.01 ms, of those below
    1.5 kHz at 0.39 ms, below 0.7 kHz at 0.61 ms; of the sphere itself at 0.67, 0.70 and 0.75 ms.
    """
    frame_length, hop_length, frames = feature_grid(signal.shape[-1], sample_rate, window, hop)
    spectrum = ambikit.stft(signal, frame_length=frame_length, hop_length=hop_length)[..., :frames]
    per_sample = _per_sample(sample_rate, bands)
    reach = min(frame_length // 2, math.ceil((bands - 1) / 2 / per_sample))
    # in halves of a step, so that an even number of lags lies evenly around 0
    fine = [ambikit.gcc_phat(spectrum, max_lag=reach, interpolation=2 * per_sample, frames=n) for n in AVERAGED]
    middle = reach * 2 * per_sample
    chosen = middle + 2 * torch.arange(bands) - (bands - 1)
    inside = (chosen >= 0) & (chosen <= 2 * middle)
    maps = torch.stack(fine, -3)[..., chosen.clamp(0, 2 * middle).to(signal.device), :]
    return maps * inside.to(maps)[:, None]


def _per_sample(sample_rate: float, rows: int) -> int:
    """How many lags there are per sample."""
    return max(1, round(rows / (2 * _REACH * sample_rate)))
