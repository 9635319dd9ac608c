"""Formats that are a function of a covariance in bands: the scene is analysed once, and its analysis turned."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

import ambikit
from ambikit.analysis.filterbank import mel_average
from ambikit.analysis.levels import levels
from ambikit.analysis.linear_bands import linear_grid
from ambikit.analysis.mel import mel_grid
from ambikit.analysis.spectra import feature_grid
from ambikit_models.sound.formats import Pattern, SoundFormat, beams_of

__all__ = ["TurnedCovariance", "TurnedSalsa", "linear_rows"]

#: Hz; above it the linear frequency axis of SALSA goes in steps of eight bins, and bins have no direction
_SALSA_LIMIT = 9000.0


@dataclass(frozen=True)
class TurnedCovariance:
    """Powers are quadratic in the signal and the intensity is a vector: both turn with one small matrix product.

    What is kept of a clip is its mel covariance, ``(13, mel, frames)``.
    """

    format: SoundFormat
    sample_rate: int
    grid: dict[str, Any]
    pattern: Pattern
    dynamic_range_db: float

    def prepare(self, signal: Float[Tensor, "*batch 4 time"]) -> Float[Tensor, "*batch 13 rows frames"]:
        """Reduce first-order signals to their mel covariance; the same for every format."""
        return ambikit.mel_covariance(signal, self.sample_rate, **self.grid)

    def view(
        self, covariance: Float[Tensor, "*batch 13 rows frames"], azimuth: Any, elevation: Any
    ) -> Float[Tensor, "*aligned channels rows frames"]:
        """Turn to the viewpoints and read the features off."""
        aligned = ambikit.align_mel_covariance(covariance, azimuth, elevation)
        if self.format not in ("omni", "mono", "stereo"):
            features = ambikit.mel_covariance_features(aligned, dynamic_range_db=self.dynamic_range_db)
            return features[..., :4, :, :] if self.format == "foa_log_mel" else features
        beams = [_power_of_beam(*weights) for weights in beams_of(self.format, self.pattern)]
        weights = torch.as_tensor(beams, dtype=aligned.dtype, device=aligned.device)
        # the power of a·W + b·X + c·Y is quadratic in the covariance; rounding may leave a silent beam below zero
        power = torch.einsum("bc,...cmt->...bmt", weights, aligned[..., :10, :, :]).clamp(min=0)
        return levels(power, 2.0, self.dynamic_range_db)


class TurnedSalsa(TurnedCovariance):
    """SALSA turns like the intensity does: its tests ask W and ratios of eigenvalues, which no turn changes.

    Its directions take the place of the intensities in the covariance, so that the eigenvectors are sought once per
    clip and not once per viewpoint. On the linear axis they stand as published, bin by bin; in mel bands they are
    averaged, and the vector is short where few bins of a band have a direction.
    """

    def prepare(self, signal: Float[Tensor, "*batch 4 time"]) -> Float[Tensor, "*batch 13 rows frames"]:
        """Reduce first-order signals to their covariance in bands and the directions of dominating sources."""
        window, hop = self.grid["window"], self.grid["hop"]
        if self.format == "salsa":
            bank = linear_grid(signal, self.sample_rate, window, hop, _SALSA_LIMIT, keep_rest=True).bank
            directions = ambikit.salsa(signal, self.sample_rate, window=window, hop=hop)[..., 4:, :, :]
        else:
            bank = mel_grid(signal, self.sample_rate, **self.grid, filterbank=None).bank
            cues = ambikit.salsa(signal, self.sample_rate, window=window, hop=hop, compressed_above=None)
            directions = mel_average(torch.nn.functional.pad(cues[..., 4:, :, :], (0, 0, 1, 0)), bank)  # 0 Hz has none
        covariance = ambikit.mel_covariance(signal, self.sample_rate, window=window, hop=hop, filterbank=bank)
        return torch.cat([covariance[..., :10, :, :], directions], -3)


def linear_rows(sample_rate: float, window: float, hop: float) -> int:
    """The number of frequencies on the linear axis of SALSA."""
    frame_length, _, _ = feature_grid(1, sample_rate, window, hop)
    silence = torch.zeros(1, frame_length)
    return linear_grid(silence, sample_rate, window, hop, _SALSA_LIMIT, keep_rest=True).bank.shape[0]


def _power_of_beam(w: float, x: float, y: float) -> list[float]:
    """The weights of the products ww, wx, wy, wz, xx, yy, zz, xy, xz, yz in the power of w·W + x·X + y·Y."""
    return [w * w, 2 * w * x, 2 * w * y, 0.0, x * x, y * y, 0.0, 2 * x * y, 0.0, 0.0]
