"""Audio-visual temporal synchronisation: which sound, heard when, belongs to which picture?"""

from dataclasses import dataclass

from torch import Tensor

from ambikit_models.objectives.candidates import Candidates, match_views
from ambikit_models.objectives.infonce import Gather, gather_alone
from ambikit_models.objectives.matching import Matching

__all__ = ["AVTS"]


@dataclass(frozen=True)
class AVTS(Matching):
    """Match picture and sound of the same moment, among other clips and other moments of the clip (morgado2020, 5.1).

    The views of a clip are one viewpoint at several moments: the candidates of correspondence, augmented with clips
    from different moments in time. The loss is the mean of the two directions, over clips and moments; its chance value
    is the logarithm of the number of candidates.

    Parameters
    ----------
    temperature
        Temperature of the cosine similarities.
    candidates
        The set that the right moment is sought in.
    translated
        Compare the encoders' features with those that the translation predicts from the other modality, through heads
        of their own ("AVTS transf."), in place of comparing picture and sound directly.
    gather
        Collects the negatives of all processes.
    """

    temperature: float = 0.07
    candidates: Candidates = "all_views"
    translated: bool = False
    gather: Gather = gather_alone

    def _direction(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        return match_views(
            prediction, target, candidates=self.candidates, temperature=self.temperature, gather=self.gather
        )
