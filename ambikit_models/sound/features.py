"""The declaration of what a network hears: format, time and frequency axes, beams, and kind of level."""

from dataclasses import dataclass
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor

from ambikit.errors import AmbikitError
from ambikit_models.sound.covariances import TurnedCovariance, TurnedSalsa, linear_rows
from ambikit_models.sound.formats import LAYOUTS, Layout, Pattern, SoundFormat
from ambikit_models.sound.signals import SIGNAL_FORMATS, TurnedSignal

__all__ = ["SoundFeatures"]


@dataclass(frozen=True)
class SoundFeatures:
    """How a sound becomes the input of an audio encoder.

    What does not depend on the viewpoint is done once per clip, in :meth:`prepare`, and the rest per viewpoint, in
    :meth:`view`. How much that is, the format decides: powers and intensities turn as a covariance, while magnitudes
    and differences of beams need the signal itself.

    Examples
    --------
    >>> import torch
    >>> sound = SoundFeatures("foa_intensity", sample_rate=16000, bands=32, window=0.064, hop=0.04)
    >>> covariance = sound.prepare(torch.zeros(4, 8000))
    >>> sound.view(covariance, torch.tensor(0.0), torch.tensor(0.0)).shape
    torch.Size([7, 32, 13])
    """

    format: SoundFormat = "foa_intensity"
    """Which channels: see :data:`SoundFormat`."""
    sample_rate: int = 24000
    """Hz."""
    bands: int = 128
    """Number of mel bands; ``salsa`` has as many frequencies as the window gives, see :attr:`rows`."""
    window: float = 0.021
    """Length of the analysis window in seconds."""
    hop: float = 0.010
    """Step between windows in seconds."""
    pattern: Pattern = "hypercardioid"
    """The beams of ``mono`` and of the formats of stereo. Wang2022 writes hyper-cardioid, but its equations (5) and
    (9), and the code of morgado2020, are cardioids (times 2, and times 2 or 1: 6 dB that standardisation removes)."""
    spectrum: Literal["power", "magnitude"] = "power"
    """What the mel bands sum; the published code of morgado2020 sums magnitudes. Not for SALSA."""
    dynamic_range_db: float = 100.0
    """Floor of the levels below the loudest of the clip. The published code has 100 on a scale of 10 log₁₀ of the
    magnitude, which are 200 dB."""

    def __post_init__(self) -> None:
        if self.spectrum == "magnitude" and self.format in ("salsa", "salsa_mel"):
            raise AmbikitError(f"got the magnitude spectrum for {self.format!r}; expected the power spectrum")
        if not self.dynamic_range_db > 0:
            raise AmbikitError(f"got dynamic_range_db={self.dynamic_range_db!r}; expected decibels above 0, e.g. 100.0")

    @property
    def layout(self) -> Layout:
        """Which channels are levels, and how the channels change in a mirror."""
        return LAYOUTS[self.format]

    @property
    def channels(self) -> int:
        """Number of feature channels."""
        return len(self.layout.order)

    @property
    def rows(self) -> int:
        """Number of frequencies: the mel bands, or for ``salsa`` the bins up to 9 kHz and the averages above."""
        return linear_rows(self.sample_rate, self.window, self.hop) if self.format == "salsa" else self.bands

    @property
    def keeps(self) -> Literal["covariance", "salsa", "salsa_mel", "signal"]:
        """What :meth:`prepare` keeps of a sound; ``"signal"`` is the signal itself and serves every format."""
        if self.format in SIGNAL_FORMATS or self.spectrum == "magnitude":
            return "signal"
        return self.format if self.format in ("salsa", "salsa_mel") else "covariance"

    def keeps_the_same_as(self, other: "SoundFeatures") -> bool:
        """Whether what the other features keep of a sound serves these too."""
        if self.keeps != other.keeps or self.sample_rate != other.sample_rate:
            return False
        return self.keeps == "signal" or self._grid == other._grid

    def prepare(self, signal: Float[Tensor, "*batch 4 time"]) -> Float[Tensor, "..."]:
        """Reduce first-order AmbiX signals to what :meth:`view` needs.

        Either ``(..., 13, rows, frames)``, a covariance in bands with three vectors, or ``(..., 4, time)``.
        """
        return self._turned.prepare(signal)

    def view(
        self, prepared: Float[Tensor, "..."], azimuth: Any, elevation: Any
    ) -> Float[Tensor, "*aligned channels rows frames"]:
        """Turn to the viewpoints and compute the features: ``(..., channels, rows, frames)``.

        The angles (radians) broadcast with the batch axes of what was prepared.
        """
        return self._turned.view(prepared, azimuth, elevation)

    @property
    def _grid(self) -> dict[str, Any]:
        return {"bands": self.bands, "window": self.window, "hop": self.hop}

    @property
    def _turned(self) -> TurnedCovariance | TurnedSignal:
        recipe = (self.format, self.sample_rate, self._grid, self.pattern)
        if self.keeps == "signal":
            return TurnedSignal(*recipe, {"power": 2.0, "magnitude": 1.0}[self.spectrum], self.dynamic_range_db)
        kind = TurnedCovariance if self.keeps == "covariance" else TurnedSalsa
        return kind(*recipe, self.dynamic_range_db)
