"""How the learning rate of a head falls."""

from dataclasses import dataclass

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, MultiStepLR

from ambikit.errors import AmbikitError

__all__ = ["Cosine", "MultiStep"]


@dataclass(frozen=True)
class Cosine:
    """From the peak to zero along half a cosine."""

    def attach(self, optimizer: Optimizer, epochs: int, steps_per_epoch: int) -> LRScheduler:
        """Make the schedule, which is stepped after every step of the optimiser."""
        return CosineAnnealingLR(optimizer, epochs * steps_per_epoch)


@dataclass(frozen=True)
class MultiStep:
    """Multiplied by a factor after some of the epochs; without milestones it stays as it is."""

    milestones: tuple[int, ...] = ()
    """Epochs that have passed when the rate falls."""
    factor: float = 0.1
    """What it is multiplied by."""

    def __post_init__(self) -> None:
        if list(self.milestones) != sorted(self.milestones) or not self.factor > 0:
            raise AmbikitError(
                f"got milestones={self.milestones} and factor={self.factor}; expected rising numbers of epochs and a "
                "positive factor"
            )

    def attach(self, optimizer: Optimizer, epochs: int, steps_per_epoch: int) -> LRScheduler:
        """Make the schedule, which is stepped after every step of the optimiser."""
        return MultiStepLR(optimizer, [epoch * steps_per_epoch for epoch in self.milestones], self.factor)
