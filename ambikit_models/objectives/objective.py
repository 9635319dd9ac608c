"""What every objective is: each clip embedded by itself, then all embeddings compared."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor

from ambikit_models.batch import Batch

__all__ = ["CORRESPONDENCE", "ENCODERS", "TRANSLATION", "Objective"]

#: parts of a model: the encoders; what compares their embeddings directly; what predicts one from the other
ENCODERS = ("video_encoder", "audio_encoder")
CORRESPONDENCE = ("video_head", "audio_head")
TRANSLATION = ("audio_to_video", "video_to_audio", "predicted_video_head", "predicted_audio_head")


class Objective(ABC):
    """A loss in two halves, so that a batch larger than the memory can go through the first half in chunks.

    ``objective(model, batch)`` is a pure step: it returns the loss, a mean over the clips, and what is worth logging.
    """

    @property
    @abstractmethod
    def trains(self) -> tuple[str, ...]:
        """The parts of the model that this objective trains."""

    @abstractmethod
    def embed(self, model: Any, batch: Batch) -> tuple[Tensor, ...]:
        """Run the encoders: tensors with the clips as their first axis, in which each row comes from one clip alone.

        (But for batch normalisation, whose statistics are those of the clips that are embedded together.)
        """

    @abstractmethod
    def compare(self, model: Any, *embeddings: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """From the embeddings of all clips of this process to the loss: translations, heads, and gathering."""

    def __call__(self, model: Any, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss and what is worth logging."""
        return self.compare(model, *self.embed(model, batch))
