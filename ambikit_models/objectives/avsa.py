"""Audio-visual spatial alignment: which sound, heard from where, belongs to which view?"""

from dataclasses import dataclass

from torch import Tensor

from ambikit_models.objectives.candidates import Candidates, match_views
from ambikit_models.objectives.infonce import Gather, gather_alone
from ambikit_models.objectives.matching import Matching

__all__ = ["AVSA"]


@dataclass(frozen=True)
class AVSA(Matching):
    """Predict the features of each view from the other modality, among all views (morgado2020, equation 9).

    The loss is the mean of the two directions and over clips and views. Its chance value is the logarithm of the
    number of candidates (:func:`~ambikit_models.objectives.candidates.candidate_count`), plus ``within_clip`` times
    that of the number of views. Views may differ in their direction, in their moment, or in both (supplementary
    table 3c): the loss is the same.

    Parameters
    ----------
    temperature
        Temperature of the cosine similarities.
    candidates
        The set that the right view is sought in.
    within_clip
        Weight of an additional term whose candidates are the views of the own clip alone. Not part of the
        papers' objective (there, "hard negatives only" is an ablation); 0 leaves it out.
    gather
        Collects the negatives of all processes.
    """

    temperature: float = 0.07
    candidates: Candidates = "all_views"
    within_clip: float = 0.0
    gather: Gather = gather_alone

    def _direction(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        return match_views(
            prediction,
            target,
            candidates=self.candidates,
            temperature=self.temperature,
            gather=self.gather,
            within_clip=self.within_clip,
        )
