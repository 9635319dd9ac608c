"""What a tracker of sounding objects learns from: a second of sound, a picture of another moment, and where to look."""

from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from ambikit_models.downstream.probing.examples import Inputs
from ambikit_models.sound import SoundFeatures

__all__ = ["Mirrored", "TrackedObjects"]


@runtime_checkable
class TrackedObjects(Protocol):
    """Sounds with pictures of another moment, and the boxes that belong to the sounds.

    Attributes
    ----------
    targets
        Boxes, ``(examples, boxes, 4)``: centre x, y, width and height in parts of the picture; NaN for none.
    groups
        Which video or scene each example is of.
    moving
        Whether the object moves far to the left or right in it, and the sound with it.
    """

    targets: Tensor
    groups: np.ndarray
    moving: np.ndarray

    def __len__(self) -> int:
        """The number of examples."""
        ...

    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        """Read some examples."""
        ...

    def pairs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> tuple[Inputs, Tensor]:
        """Read some examples and their boxes; half of them mirrored where a generator is given."""
        ...


class Mirrored(ABC):
    """Pairs of inputs and boxes, half of them mirrored."""

    targets: Tensor
    sound: SoundFeatures

    @abstractmethod
    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        """Read some examples."""

    def pairs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> tuple[Inputs, Tensor]:
        """Read some examples and their boxes."""
        given, boxes = self.inputs(rows, generator), self.targets[torch.as_tensor(rows)]
        if generator is None:
            return given, boxes
        assert given.video is not None
        assert given.audio is not None
        turned = torch.from_numpy(generator.random(len(rows)) < 0.5).to(given.video.device)

        def choose(mirrored: Tensor, plain: Tensor) -> Tensor:
            return torch.where(turned.reshape(-1, *[1] * (plain.ndim - 1)).to(plain.device), mirrored, plain)

        exchanged = torch.cat([1 - boxes[..., :1], boxes[..., 1:]], -1)
        audio = choose(self.sound.layout.mirror(given.audio), given.audio)
        return Inputs(choose(given.video.flip(-1), given.video), audio), choose(exchanged, boxes)
