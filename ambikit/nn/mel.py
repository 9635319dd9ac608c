"""Spectra and mel features as ``torch.nn`` modules."""

from typing import Any

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from ambikit._checks import check_choice, check_order
from ambikit.analysis.features import WEIGHTINGS, foa_features, stereo_features
from ambikit.analysis.filterbank import mel_filterbank
from ambikit.analysis.levels import check_levels
from ambikit.analysis.mel import log_mel
from ambikit.analysis.spectra import feature_grid, stft

__all__ = ["FoaFeatures", "LogMel", "StereoFeatures", "Stft", "no_autocast"]


class Stft(nn.Module):
    """The spectrum of short, overlapping frames, as a layer: see :func:`ambikit.stft`.

    Parameters
    ----------
    frame_length, hop_length
        In samples.

    Raises
    ------
    AmbikitError
        If a length is not a whole number in its range.

    Examples
    --------
    >>> import torch
    >>> Stft(frame_length=512, hop_length=240)(torch.zeros(2, 4, 24000)).shape
    torch.Size([2, 4, 257, 101])
    """

    def __init__(self, *, frame_length: int, hop_length: int) -> None:
        super().__init__()
        self.frame_length = check_order(frame_length, minimum=2, name="frame_length")
        self.hop_length = check_order(hop_length, minimum=1, name="hop_length")

    def forward(self, signal: Float[Tensor, "*batch time"]) -> Complex[Tensor, "*batch freq frames"]:
        """Transform ``(..., time)`` to ``(..., freq, frames)``."""
        return stft(signal, frame_length=self.frame_length, hop_length=self.hop_length)

    def extra_repr(self) -> str:
        """Show the parameters."""
        return f"frame_length={self.frame_length}, hop_length={self.hop_length}"


def no_autocast(signal: Tensor) -> torch.autocast:
    """Features span 100 dB and more; mixed precision belongs to the networks behind them."""
    return torch.autocast(signal.device.type, enabled=False)


class _MelModule(nn.Module):
    """What the mel features have in common: their parameters, and a bank that lives on the module's device."""

    def __init__(self, sample_rate: float, bands: int, **parameters: Any) -> None:
        super().__init__()
        frame_length, hop_length, _ = feature_grid(1, sample_rate, parameters["window"], parameters["hop"])
        check_levels(parameters["power"], parameters["dynamic_range_db"])
        check_choice(parameters.get("weighting", "mean"), WEIGHTINGS, "weighting")
        self.sample_rate, self.bands, self.parameters_of_features = sample_rate, bands, parameters
        self.frame_length, self.hop_length = frame_length, hop_length
        self._design = mel_filterbank(sample_rate, frame_length, bands)
        self.register_buffer("filterbank", torch.as_tensor(self._design, dtype=torch.float32), persistent=False)

    def _apply(self, fn: Any, recurse: bool = True) -> "_MelModule":
        """Follow ``.to(...)``, but never round the bank to half precision: features are computed in float32."""
        super()._apply(fn, recurse)
        dtype = torch.float64 if self.filterbank.dtype == torch.float64 else torch.float32
        self.filterbank = torch.as_tensor(self._design, dtype=dtype, device=self.filterbank.device)
        return self

    def _keywords(self, signal: Tensor) -> dict[str, Any]:
        # A signal in double precision at a module in single: the design, not its rounded copy.
        double = signal.dtype == torch.float64 and self.filterbank.dtype != torch.float64
        return {**self.parameters_of_features, "filterbank": self._design if double else self.filterbank}

    def extra_repr(self) -> str:
        """Show the parameters, and the frame and hop in samples that they lead to."""
        shown = {"sample_rate": self.sample_rate, "bands": self.bands, **self.parameters_of_features}
        shown |= {"frame_length": self.frame_length, "hop_length": self.hop_length}
        return ", ".join(f"{name}={value!r}" for name, value in shown.items())


class LogMel(_MelModule):
    """The level in mel bands over time, as a layer: see :func:`ambikit.log_mel`.

    Parameters
    ----------
    sample_rate
        In Hz.
    bands, window, hop, power, dynamic_range_db
        As in :func:`ambikit.log_mel`.

    Raises
    ------
    AmbikitError
        If a parameter is out of its range.

    Examples
    --------
    >>> import torch
    >>> LogMel(24000)(torch.randn(2, 4, 24000)).shape
    torch.Size([2, 4, 128, 100])
    """

    def __init__(
        self,
        sample_rate: float,
        *,
        bands: int = 128,
        window: float = 0.021,
        hop: float = 0.010,
        power: float = 2.0,
        dynamic_range_db: float = 100.0,
    ) -> None:
        super().__init__(sample_rate, bands, window=window, hop=hop, power=power, dynamic_range_db=dynamic_range_db)

    def forward(self, signal: Float[Tensor, "*batch time"]) -> Float[Tensor, "*batch mel frames"]:
        """Turn ``(..., channels, time)`` into levels in dB, ``(..., channels, mel, frames)``."""
        with no_autocast(signal):
            return log_mel(signal, self.sample_rate, **self._keywords(signal))


class FoaFeatures(_MelModule):
    """Levels and intensity vector of an Ambisonic signal, as a layer: see :func:`ambikit.foa_features`.

    Parameters
    ----------
    sample_rate
        In Hz.
    bands, window, hop, power, weighting, dynamic_range_db
        As in :func:`ambikit.foa_features`.

    Raises
    ------
    AmbikitError
        If a parameter is out of its range.

    Examples
    --------
    >>> import torch
    >>> FoaFeatures(24000)(torch.randn(2, 4, 24000)).shape
    torch.Size([2, 7, 128, 100])
    """

    def __init__(
        self,
        sample_rate: float,
        *,
        bands: int = 128,
        window: float = 0.021,
        hop: float = 0.010,
        power: float = 2.0,
        weighting: str = "mean",
        dynamic_range_db: float = 100.0,
    ) -> None:
        super().__init__(
            sample_rate,
            bands,
            window=window,
            hop=hop,
            power=power,
            weighting=weighting,
            dynamic_range_db=dynamic_range_db,
        )

    def forward(self, signal: Float[Tensor, "*batch channels time"]) -> Float[Tensor, "*batch 7 mel frames"]:
        """Turn ``(..., channels, time)`` into ``(..., 7, mel, frames)``."""
        with no_autocast(signal):
            return foa_features(signal, self.sample_rate, **self._keywords(signal))


class StereoFeatures(FoaFeatures):
    """Levels and interaural cues of a stereo signal, as a layer: see :func:`ambikit.stereo_features`.

    Parameters
    ----------
    sample_rate
        In Hz.
    bands, window, hop, power, weighting, dynamic_range_db
        As in :func:`ambikit.stereo_features`.

    Raises
    ------
    AmbikitError
        If a parameter is out of its range.

    Examples
    --------
    >>> import torch
    >>> StereoFeatures(24000)(torch.randn(3, 2, 24000)).shape
    torch.Size([3, 5, 128, 100])
    """

    def forward(self, signal: Float[Tensor, "*batch 2 time"]) -> Float[Tensor, "*batch 5 mel frames"]:
        """Turn ``(..., 2, time)`` into ``(..., 5, mel, frames)``."""
        with no_autocast(signal):
            return stereo_features(signal, self.sample_rate, **self._keywords(signal))
