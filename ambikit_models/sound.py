"""What the audio encoder hears: the sound of a clip, as heard when looking in some direction.

All formats are quadratic in the signal (log-mel power) or linear in the intensity, so the sound of a clip is
reduced once to its mel covariance, and looking elsewhere turns that small array instead of the signal.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

import ambikit
from ambikit.analysis.levels import levels

__all__ = ["SoundFeatures", "SoundFormat"]

#: ``omni``: log-mel of W. ``mono``: log-mel of the hypercardioid beam at the viewpoint. ``stereo``: log-mel of
#: two beams at ±90° of the viewpoint. ``foa_log_mel``: log-mel of W, Y, Z, X. ``foa_intensity``: the same and
#: the normalised intensity x, y, z.
SoundFormat = Literal["omni", "mono", "stereo", "foa_log_mel", "foa_intensity"]

_CHANNELS = {"omni": 1, "mono": 1, "stereo": 2, "foa_log_mel": 4, "foa_intensity": 7}


@dataclass(frozen=True)
class SoundFeatures:
    """How a sound becomes the input of an audio encoder.

    Examples
    --------
    >>> sound = SoundFeatures("foa_intensity", sample_rate=16000, bands=32, window=0.064, hop=0.04)
    >>> covariance = sound.prepare(torch.zeros(4, 8000))
    >>> sound.view(covariance, torch.tensor(0.0), torch.tensor(0.0)).shape
    torch.Size([7, 32, 13])
    """

    format: SoundFormat = "foa_intensity"
    """Which channels."""
    sample_rate: int = 24000
    """Hz."""
    bands: int = 128
    """Number of mel bands."""
    window: float = 0.021
    """Length of the analysis window in seconds."""
    hop: float = 0.010
    """Step between windows in seconds."""

    @property
    def channels(self) -> int:
        """Number of feature channels."""
        return _CHANNELS[self.format]

    def prepare(self, signal: Float[Tensor, "*batch 4 time"]) -> Float[Tensor, "*batch 13 mel frames"]:
        """Reduce first-order AmbiX signals to their mel covariance; the same for every format."""
        return ambikit.mel_covariance(signal, self.sample_rate, bands=self.bands, window=self.window, hop=self.hop)

    def view(
        self, covariance: Float[Tensor, "*batch 13 mel frames"], azimuth: Any, elevation: Any
    ) -> Float[Tensor, "*aligned channels mel frames"]:
        """Turn to the viewpoints and compute the features: ``(..., channels, mel, frames)``.

        The angles (radians) broadcast with the axes before the 13 channels.
        """
        aligned = ambikit.align_mel_covariance(covariance, azimuth, elevation)
        if self.format == "foa_intensity":
            return ambikit.mel_covariance_features(aligned)
        if self.format == "foa_log_mel":
            return ambikit.mel_covariance_features(aligned)[..., :4, :, :]
        beams = torch.as_tensor(_BEAMS[self.format], dtype=aligned.dtype, device=aligned.device)
        # the power of a·W + b·X + c·Y is quadratic in the covariance; rounding may leave a silent beam below zero
        power = torch.einsum("bc,...cmt->...bmt", beams, aligned[..., :10, :, :]).clamp(min=0)
        return levels(power, 2.0, 100.0)


def _power_of_beam(w: float, x: float, y: float) -> list[float]:
    """The weights of the products ww, wx, wy, wz, xx, yy, zz, xy, xz, yz in the power of w·W + x·X + y·Y."""
    return [w * w, 2 * w * x, 2 * w * y, 0.0, x * x, y * y, 0.0, 2 * x * y, 0.0, 0.0]


# hypercardioid beams to the front, and to the left and right
_BEAMS = {
    "omni": [_power_of_beam(1.0, 0.0, 0.0)],
    "mono": [_power_of_beam(0.25, 0.75, 0.0)],
    "stereo": [_power_of_beam(0.25, 0.0, 0.75), _power_of_beam(0.25, 0.0, -0.75)],
}
