"""The sound of what is seen out of the sum of two sounds, with two ears (section 5.3 of yang2020)."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

import ambikit
from ambikit_models.downstream.probing.losses import Loss
from ambikit_models.downstream.two_channels.clips import TwoChannelClips
from ambikit_models.downstream.two_channels.masked_sound import MaskTask, Riddle, partners
from ambikit_models.downstream.two_channels.sound_distances import MagnitudeL1, si_sdr
from ambikit_models.downstream.two_channels.spectrograms import SpectrogramConfig, leveled, leveling_gain

__all__ = ["Separation"]


@dataclass
class Separation(MaskTask):
    """Mix and separate: two clips of the same level are added, and the sound of the one that is shown is asked for.

    The mask, between 0 and 1 for each channel, multiplies the magnitudes of the mixture, whose phase stays. Figures:
    ``L1`` of the magnitudes, mean over bins; ``SI-SDR`` of the sound, mean over both channels, in dB.

    References
    ----------
    yang2020, section 5.3 and table 5; mix and separate: H. Zhao et al., "The Sound of Pixels", ECCV 2018.

    Examples
    --------
    >>> task, mixture = Separation(), torch.full((1, 2, 3, 2), 4j)
    >>> task.masked(mixture, torch.zeros(1, 2, 3, 2))[0, :, 0, 0]  # a mask of one half
    tensor([0.+2.j, 0.+2.j])
    """

    name: ClassVar[str] = "separation"
    units: ClassVar[dict[str, str]] = {"L1": "L1", "SI-SDR": "dB"}
    senses: ClassVar[Literal["both"]] = "both"
    phases: bool = True
    """Whether the U-Net gets cosine and sine of the phase between the channels beside both magnitudes."""
    spectrogram: SpectrogramConfig = field(default_factory=SpectrogramConfig)
    inputs: int = field(default=4, init=False)
    loss: Loss = field(default=MagnitudeL1(), init=False)

    def __post_init__(self) -> None:
        self.inputs = 4 if self.phases else 2

    def riddles(self, clips: TwoChannelClips, rows: np.ndarray, generator: np.random.Generator | None) -> Riddle:
        """A mixture with a clip of another group is given."""
        video, sound = clips.read(rows, generator)
        _, other = clips.read(partners(clips, rows, generator), generator)
        gain = leveling_gain(sound.cpu())
        target = gain * sound.cpu()
        return Riddle(video, target + leveled(other.cpu()), target, gain)

    def channels(self, spectrum: Complex[Tensor, "clips 2 freq frames"]) -> Float[Tensor, "clips inputs freq frames"]:
        """log(1 + magnitude) of both channels, and the phase between them."""
        levels = torch.log1p(spectrum.abs())
        if not self.phases:
            return levels
        phase = ambikit.ipd(spectrum)[:, None]
        heard = (spectrum.abs().amin(1, keepdim=True) > 0).to(levels)  # silence has no phase
        return torch.cat([levels, heard * torch.cos(phase), heard * torch.sin(phase)], 1)

    def masked(
        self, spectrum: Complex[Tensor, "clips 2 freq frames"], raw: Float[Tensor, "clips 2 freq frames"]
    ) -> Complex[Tensor, "clips 2 freq frames"]:
        """Each channel with less of what does not belong."""
        return torch.sigmoid(raw).float() * spectrum

    def scores(
        self, estimate: Complex[Tensor, "clips 2 freq frames"], riddle: Riddle
    ) -> dict[str, Float[np.ndarray, "clips"]]:
        """The two figures of each clip."""
        sound = self.spectrogram.synthesise(estimate, riddle.target.shape[-1])
        return {
            "L1": self.each(estimate, self.spectrogram.analyse(riddle.target)),
            "SI-SDR": si_sdr(sound, riddle.target).mean(-1).numpy(),
        }

    def bounds(self, riddle: Riddle) -> dict[str, Complex[Tensor, "clips 2 freq frames"]]:
        """The mixture as it is, and the ratio of magnitudes as far as a mask can say it."""
        mixture, target = (self.spectrogram.analyse(sound) for sound in (riddle.given, riddle.target))
        silent = mixture == 0
        ratio = torch.where(silent, 0, target.abs() / torch.where(silent, 1, mixture).abs())
        return {"mixture": mixture, "ideal mask": ratio.clamp(max=1) * mixture}
