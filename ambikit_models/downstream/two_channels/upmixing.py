"""One channel to two: who is seen on the left shall be heard on the left (section 5.2 of yang2020)."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from ambikit.errors import AmbikitError
from ambikit_models.downstream.probing.losses import Loss
from ambikit_models.downstream.two_channels.clips import TwoChannelClips
from ambikit_models.downstream.two_channels.masked_sound import MaskTask, Riddle
from ambikit_models.downstream.two_channels.sound_distances import ComplexL1, envelope_distance, louder_side
from ambikit_models.downstream.two_channels.spectrograms import (
    SpectrogramConfig,
    complex_mask,
    leveling_gain,
    real_and_imaginary,
)

__all__ = ["Activation", "Upmixing", "two_channels"]

#: ``tanh``: yang2020. ``sigmoid``: 2.5D Visual Sound, whose masks have real parts above 0; the left channel is then the
#: louder one in every bin, whatever is seen, since ``|L|² − |R|² = Re(conj(L + R) (L − R))``.
Activation = Literal["tanh", "sigmoid"]


def two_channels(
    mono: Complex[Tensor, "*clips 1 freq frames"], difference: Complex[Tensor, "*clips 1 freq frames"]
) -> Complex[Tensor, "*clips 2 freq frames"]:
    """Left and right from their sum and their difference.

    Examples
    --------
    >>> left, right = torch.tensor([[[[3 + 1j]]], [[[1j]]]])
    >>> two_channels(left + right, left - right).flatten()
    tensor([3.+1.j, 0.+1.j])
    """
    return torch.cat([mono + difference, mono - difference], -3) / 2


@dataclass
class Upmixing(MaskTask):
    """The difference of two channels is a complex mask times their sum; L1 of the complex spectra of both.

    Clips are brought to one level first. Figures: ``L1`` of both spectra, mean over bins; ``ENV``, the distance of the
    envelopes; ``side``, the share of clips whose louder channel is the one that should be.

    References
    ----------
    yang2020, section 5.2 and table 4.

    Examples
    --------
    >>> task, sum_, raw = Upmixing(), torch.ones(1, 1, 3, 2, dtype=torch.complex64), torch.zeros(1, 2, 3, 2)
    >>> task.masked(sum_, raw)[0, :, 0, 0]  # no difference: half of the sum at each ear
    tensor([0.5000+0.j, 0.5000+0.j])
    """

    name: ClassVar[str] = "upmixing"
    units: ClassVar[dict[str, str]] = {"L1": "L1", "ENV": "L1", "side": "%"}
    senses: ClassVar[Literal["video"]] = "video"
    activation: Activation = "tanh"
    spectrogram: SpectrogramConfig = field(default_factory=SpectrogramConfig)
    inputs: int = field(default=2, init=False)
    loss: Loss = field(default=ComplexL1(), init=False)

    def __post_init__(self) -> None:
        if self.activation not in ("tanh", "sigmoid"):
            raise AmbikitError(f"got activation={self.activation!r}; expected 'tanh' or 'sigmoid'")

    def riddles(self, clips: TwoChannelClips, rows: np.ndarray, generator: np.random.Generator | None) -> Riddle:
        """The sum of the channels is given."""
        video, sound = clips.read(rows, generator)
        gain = leveling_gain(sound.cpu())
        target = gain * sound.cpu()
        return Riddle(video, target.sum(1, keepdim=True), target, gain)

    def channels(self, spectrum: Complex[Tensor, "clips 1 freq frames"]) -> Float[Tensor, "clips 2 freq frames"]:
        """Real and imaginary part."""
        return real_and_imaginary(spectrum)

    def masked(
        self, spectrum: Complex[Tensor, "clips 1 freq frames"], raw: Float[Tensor, "clips 2 freq frames"]
    ) -> Complex[Tensor, "clips 2 freq frames"]:
        """Left and right."""
        mask = torch.tanh(raw) if self.activation == "tanh" else torch.sigmoid(raw)
        return two_channels(spectrum, complex_mask(mask) * spectrum)

    def scores(
        self, estimate: Complex[Tensor, "clips 2 freq frames"], riddle: Riddle
    ) -> dict[str, Float[np.ndarray, "clips"]]:
        """The three figures of each clip."""
        sound = self.spectrogram.synthesise(estimate, riddle.target.shape[-1])
        return {
            "L1": self.each(estimate, self.spectrogram.analyse(riddle.target)),
            "ENV": envelope_distance(sound, riddle.target).numpy(),
            "side": louder_side(sound, riddle.target).numpy(),
        }

    def bounds(self, riddle: Riddle) -> dict[str, Complex[Tensor, "clips 2 freq frames"]]:
        """No difference, and the best mask within the reach of tanh."""
        left, right = self.spectrogram.analyse(riddle.target).split(1, 1)
        mono = left + right
        silent = mono == 0
        mask = torch.where(silent, 0, (left - right) / torch.where(silent, 1, mono))
        reach = torch.complex(mask.real.clamp(-1, 1), mask.imag.clamp(-1, 1))
        return {"mono": two_channels(mono, torch.zeros_like(mono)), "ideal mask": two_channels(mono, reach * mono)}
