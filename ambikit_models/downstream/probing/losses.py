"""What a head is taught by: small, comparable functions of its outputs and the targets.

The outputs of a head lie on the last axis, also those of a dense head, so that one loss serves a clip, a frame or a
pixel: ``(..., outputs)``.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from ambikit_models.seld.adpit import adpit_loss

__all__ = ["Classes", "Directions", "EventVectors", "Loss", "YesNo"]


@runtime_checkable
class Loss(Protocol):
    """The mean over everything that is asked, a number that may be differentiated."""

    def __call__(self, outputs: Tensor, targets: Tensor, /) -> Tensor:
        """Compare outputs with targets."""
        ...


@dataclass(frozen=True)
class YesNo:
    """Independent questions that are answered with yes (1) or no (0): binary cross-entropy of logits."""

    def __call__(
        self, outputs: Float[Tensor, "*examples outputs"], targets: Float[Tensor, "*examples outputs"], /
    ) -> Tensor:
        """Compare logits with ones and zeros."""
        return functional.binary_cross_entropy_with_logits(outputs, targets)


@dataclass(frozen=True)
class Classes:
    """One of several classes: cross-entropy of logits.

    Examples
    --------
    >>> import torch
    >>> logits, truth = torch.tensor([[0.0, 0.0], [9.0, -9.0]]), torch.tensor([1, -1])
    >>> round(Classes()(logits, truth).item(), 4)  # log 2; the second is not asked
    0.6931
    """

    label_smoothing: float = 0.0
    """Share of the target that is spread evenly over all classes."""
    ignore: int = -1
    """Target that is not asked: a pixel or a frame whose class is not known."""

    def __call__(self, outputs: Float[Tensor, "*examples classes"], targets: Int[Tensor, "*examples"], /) -> Tensor:
        """Compare logits with numbers of classes; 0 where nothing is asked."""
        targets = targets.flatten()
        total = functional.cross_entropy(
            outputs.flatten(0, -2),
            targets,
            ignore_index=self.ignore,
            label_smoothing=self.label_smoothing,
            reduction="sum",
        )
        return total / (targets != self.ignore).sum().clamp(min=1)


@dataclass(frozen=True)
class Directions:
    """Unit vectors, of two components (azimuth) or three: mean squared error.

    Regressing the components instead of the angle has no jump at ±180° (adavanne2018, section III-A).
    """

    def __call__(
        self, outputs: Float[Tensor, "*examples outputs"], targets: Float[Tensor, "*examples outputs"], /
    ) -> Tensor:
        """Compare vectors with unit vectors."""
        return functional.mse_loss(outputs, targets)


@dataclass(frozen=True)
class EventVectors:
    """What sounds where, for several sources of each class: the ADPIT loss of :mod:`ambikit_models.seld.adpit`."""

    classes: int
    """Number of classes."""
    tracks: int = 3
    """Sources of one class that may sound at once."""

    def __call__(
        self, outputs: Float[Tensor, "*examples outputs"], targets: Float[Tensor, "*examples outputs"], /
    ) -> Tensor:
        """Compare vectors ``(..., tracks · classes · 3)``, of one label frame each."""
        shape = (self.tracks, self.classes, 3, 1)
        return adpit_loss(outputs.flatten(0, -2).unflatten(-1, shape), targets.flatten(0, -2).unflatten(-1, shape))
