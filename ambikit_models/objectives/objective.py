"""What every objective is: each clip embedded by itself, then all embeddings compared."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from ambikit_models.alignment import AlignmentModel
from ambikit_models.batch import Batch

__all__ = ["Objective"]


class Objective(ABC):
    """A loss in two halves, so that a batch larger than the memory can go through the first half in chunks.

    ``objective(model, batch)`` is a pure step: it returns the loss, a mean over the clips, and what is worth logging.
    """

    #: the parts of the model that this objective trains
    trains: ClassVar[tuple[str, ...]]

    @abstractmethod
    def embed(self, model: AlignmentModel, batch: Batch) -> tuple[Tensor, ...]:
        """Run the encoders: tensors with the clips as their first axis, in which each row comes from one clip alone.

        (But for batch normalisation, whose statistics are those of the clips that are embedded together.)
        """

    @abstractmethod
    def compare(self, model: AlignmentModel, *embeddings: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """From the embeddings of all clips of this process to the loss: translations, heads, and gathering."""

    def __call__(self, model: AlignmentModel, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss and what is worth logging."""
        return self.compare(model, *self.embed(model, batch))
