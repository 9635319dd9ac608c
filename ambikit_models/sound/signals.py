"""Formats that are no function of a covariance in bands: the signal itself is turned to every viewpoint."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

import ambikit
from ambikit_models.sound.correlations import correlations
from ambikit_models.sound.formats import Pattern, SoundFormat, beams_of

__all__ = ["SIGNAL_FORMATS", "TurnedSignal"]

#: the formats that are always made from the signal
SIGNAL_FORMATS = ("stereo_icf", "stereo_gcc", "binaural", "binaural_gcc")


@dataclass(frozen=True)
class TurnedSignal:
    """Sums of magnitudes, ears, and level, phase and time differences: what is nonlinear in every bin.

    What is kept of a clip is its signal, ``(4, time)``, which takes less memory than its spectrum.
    """

    format: SoundFormat
    sample_rate: int
    grid: dict[str, Any]
    pattern: Pattern
    power: float
    dynamic_range_db: float

    def prepare(self, signal: Float[Tensor, "*batch channels time"]) -> Float[Tensor, "*batch 4 time"]:
        """Keep first-order signals as they are."""
        return signal[..., :4, :]

    def view(
        self, signal: Float[Tensor, "*batch 4 time"], azimuth: Any, elevation: Any
    ) -> Float[Tensor, "*aligned channels rows frames"]:
        """Turn to the viewpoints, form the beams or hear with two ears, and analyse them."""
        heard = ambikit.align(signal, azimuth, elevation)
        if self.format.startswith("binaural"):
            heard = ambikit.decode_binaural(heard, self.sample_rate)
        elif not self.format.startswith("foa"):
            beams = [(w, y, 0.0, x) for w, x, y in beams_of(self.format, self.pattern)]
            heard = torch.as_tensor(beams, dtype=heard.dtype, device=heard.device) @ heard
        kind = {"foa_intensity": ambikit.foa_features, "stereo_icf": ambikit.stereo_features}
        analyse = kind.get(self.format, ambikit.log_mel)
        options = {**self.grid, "power": self.power, "dynamic_range_db": self.dynamic_range_db}
        features = analyse(heard, self.sample_rate, **options)
        if not self.format.endswith("_gcc"):
            return features
        return torch.cat([features, correlations(heard, self.sample_rate, **self.grid)], -3)
