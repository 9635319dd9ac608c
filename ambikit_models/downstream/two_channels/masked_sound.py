"""Sound made by masking the spectrum of another sound: what upmixing and separation share."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Complex, Float
from torch import Tensor, nn
from torch.nn import functional

from ambikit_models.downstream.probing.embeddings import other_videos
from ambikit_models.downstream.probing.guides import Sight
from ambikit_models.downstream.probing.losses import Loss
from ambikit_models.downstream.two_channels.clips import TwoChannelClips
from ambikit_models.downstream.two_channels.spectrograms import SpectrogramConfig
from ambikit_models.downstream.two_channels.unet import UNet, UNetConfig
from ambikit_models.training.sampling import generator_for

__all__ = ["Given", "MaskNetwork", "MaskTask", "Riddle", "partners"]


@dataclass(frozen=True)
class Riddle:
    """What is shown, what is given to hear, and what is asked for."""

    video: Float[Tensor, "clips 3 frames height width"]
    given: Float[Tensor, "clips channels time"]
    target: Float[Tensor, "clips 2 time"]
    gain: Float[Tensor, "clips 1 1"] | None = None
    """By what the sound of the clip was multiplied; what guides hear has the level that it was recorded with."""


@dataclass(frozen=True)
class Given:
    """What a network works on: a spectrum, and what it is told."""

    spectrum: Complex[Tensor, "clips channels freq frames"]
    features: Float[Tensor, "clips width steps"] | None = None


class MaskTask(ABC):
    """What is given, what is asked for, what the mask does, and how the outcome is judged."""

    #: in tables
    name: ClassVar[str]
    #: of the figures
    units: ClassVar[dict[str, str]]
    #: what the guides may use
    senses: ClassVar[Sight]
    #: channels that go into the U-Net and come out of it
    inputs: int
    outputs: int = 2
    #: whose mean is made small
    loss: Loss
    #: the frames of the spectrum
    spectrogram: SpectrogramConfig

    @abstractmethod
    def riddles(self, clips: TwoChannelClips, rows: np.ndarray, generator: np.random.Generator | None) -> Riddle:
        """Ask for some clips; varied where there is a generator."""

    @abstractmethod
    def channels(
        self, spectrum: Complex[Tensor, "clips channels freq frames"]
    ) -> Float[Tensor, "clips inputs freq frames"]:
        """What the U-Net gets of the given spectrum."""

    @abstractmethod
    def masked(
        self, spectrum: Complex[Tensor, "clips channels freq frames"], raw: Float[Tensor, "clips outputs freq frames"]
    ) -> Complex[Tensor, "clips 2 freq frames"]:
        """The estimate, from the given spectrum and what the U-Net says."""

    @abstractmethod
    def scores(
        self, estimate: Complex[Tensor, "clips 2 freq frames"], riddle: Riddle
    ) -> dict[str, Float[np.ndarray, "clips"]]:
        """The figures of each clip."""

    @abstractmethod
    def bounds(self, riddle: Riddle) -> dict[str, Complex[Tensor, "clips 2 freq frames"]]:
        """What comes of doing nothing, and of the best mask that can be said."""

    def each(
        self, estimate: Complex[Tensor, "clips 2 freq frames"], target: Complex[Tensor, "clips 2 freq frames"]
    ) -> Float[np.ndarray, "clips"]:
        """The loss of each clip."""
        return np.array([float(self.loss(one, other)) for one, other in zip(estimate, target, strict=True)])


class MaskNetwork(nn.Module):
    """A U-Net whose outcome is taken as a mask; the mask of the highest bin is that of the one below it.

    Parameters
    ----------
    task
        Says what goes in, and what the mask does.
    width
        Of what it is told; 0 for nothing.
    config
        Size of the U-Net.
    """

    def __init__(self, task: MaskTask, width: int, config: UNetConfig | None = None):
        super().__init__()
        self.task = task
        self.unet = UNet(task.inputs, task.outputs, width, config)

    def forward(self, given: Given) -> Complex[Tensor, "clips 2 freq frames"]:
        """The estimated spectrum of two channels."""
        raw = self.unet(self.task.channels(given.spectrum)[..., :-1, :], given.features)
        return self.task.masked(given.spectrum, functional.pad(raw, (0, 0, 0, 1), mode="replicate"))


def partners(clips: TwoChannelClips, rows: np.ndarray, generator: np.random.Generator | None) -> np.ndarray:
    """A clip of another group for each of some clips; without a generator always the same."""
    return other_videos(clips.groups, generator or generator_for(0, 14))[rows]
