"""Audio-visual correspondence: which sound belongs to which clip?"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ambikit_models.objectives.infonce import Gather, gather_alone, infonce
from ambikit_models.objectives.matching import Matching

__all__ = ["AVC"]


@dataclass(frozen=True)
class AVC(Matching):
    """Match every clip with its sound, against the other clips (morgado2020, equation 7).

    The loss is the mean of the two directions and over the clips; its chance value is log N for N clips. With several
    viewpoints per clip their features are combined by the maximum before they are projected, so that there is one
    prediction per clip (morgado2020, section 5.1).

    Parameters
    ----------
    temperature
        Temperature of the cosine similarities.
    translated
        Compare the encoders' features with those that the translation predicts from the other modality, through heads
        of their own ("AVC transf."), in place of comparing picture and sound directly.
    gather
        Collects the negatives of all processes.
    """

    temperature: float = 0.07
    translated: bool = False
    gather: Gather = gather_alone

    def _compared(self, features: Tensor) -> Tensor:
        return features.amax(1)

    def _direction(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        everyone, first = self.gather(target)
        positive = first + torch.arange(len(prediction), device=prediction.device)
        return infonce(prediction, everyone, positive, temperature=self.temperature)
