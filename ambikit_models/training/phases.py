"""The stages of a curriculum: what each one optimises, on how many clips, seen from where and when."""

import math
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import nn

from ambikit.errors import AmbikitError
from ambikit_models.alignment import AlignmentModel
from ambikit_models.objectives.avc import AVC
from ambikit_models.objectives.avsa import AVSA
from ambikit_models.objectives.avts import AVTS
from ambikit_models.objectives.candidates import Candidates, candidate_count
from ambikit_models.objectives.infonce import Gather, gather_alone
from ambikit_models.objectives.misalignment import PRETEXTS, Misalignment, Pretext
from ambikit_models.objectives.objective import Objective
from ambikit_models.objectives.regression import Regression

__all__ = ["Phase"]


@dataclass(frozen=True)
class Phase:
    """One stage of the curriculum."""

    objective: Literal["avc", "avts", "avsa", "regression", "flip", "rotation", "mismatch", "shift"]
    """Correspondence of clips, synchronisation of moments, spatial alignment of views, or its regression; or to tell
    sounds whose sides were exchanged, that were turned, that are another clip's, or of another moment."""
    steps: int
    """Number of optimisation steps."""
    clips: int
    """Clips per step, over all processes."""
    views: int
    """Viewpoints per clip."""
    moments: int = 1
    """Moments of each clip: every viewpoint is seen and heard at each of them, as views of their own."""
    minimum_separation: float | None = None
    """Least seconds between the beginnings of two moments, as far as a clip is long enough; by default the length of an
    excerpt, so that excerpts do not overlap. For shift those of picture and sound."""
    turn: float | None = None
    """Rotation only: radians by which sounds are turned; by default any, uniform on the circle."""
    one_sided: int = 1
    """Flip only: draw this many clips for each one of the batch, and take the one whose two channels differ most in
    level. A phase of clips that are clearly heard on one side, before one of all clips, which 1 takes."""
    learning_rate: float = 1e-4
    """Peak learning rate."""
    warm_up: int = 0
    """Steps over which the learning rate rises from 0."""
    final_learning_rate: float = 1.0
    """Fraction of the peak that a cosine decay ends at; 1 keeps it constant."""
    temperature: float = 0.07
    """Temperature of the contrastive loss."""
    candidates: Candidates = "all_views"
    """AVSA and AVTS: all_views, N · K as in equation 9; same_view_of_others, K + N − 1 as in the published code;
    own_views, K, hard negatives only; other_clips, (N − 1) · K + 1, easy negatives only."""
    within_clip: float = 0.0
    """AVSA only: weight of an extra term among the views of one clip. Not part of the papers' objective."""
    translated: bool = False
    """AVC and AVTS: compare translated features ("transf." in the tables) instead of picture and sound directly. AVSA
    always does; with a translation of depth 0 the features themselves go through the heads for predictions."""
    carry_over: Literal["all", "encoders"] = "all"
    """What of the phases before goes on: all, with heads for predictions beginning as copies of those that they stand
    for; or the encoders only, everything else beginning anew as in the published code."""

    def __post_init__(self) -> None:
        if min(self.steps, self.clips, self.views, self.moments) < 1:
            raise AmbikitError(
                f"got steps={self.steps}, clips={self.clips}, views={self.views}, moments={self.moments}; expected at "
                "least 1 of each"
            )
        if not self.temperature > 0:
            raise AmbikitError(f"got temperature={self.temperature}; expected a positive number, 0.07 in the papers")
        if self.objective == "avts" and self.moments < 2:
            raise AmbikitError(
                "got an objective avts with one moment per clip; expected at least 2: its negatives are other moments; "
                "set moments, or use avc"
            )
        if self.candidates == "own_views" and self.rows < 2:
            raise AmbikitError(
                "got candidates own_views with one view per clip; expected at least 2, or there is nothing to choose "
                "from; raise views or moments"
            )

        if self.pretext and self.moments > 1:
            raise AmbikitError(f"got moments={self.moments} for {self.objective}; expected 1: every clip is asked once")
        if self.one_sided < 1 or (self.one_sided > 1 and self.objective != "flip"):
            raise AmbikitError(
                f"got one_sided={self.one_sided} for {self.objective}; expected 1, or more for flip alone"
            )
        if self.objective == "mismatch" and self.clips < 2:
            raise AmbikitError("got mismatch with one clip per step; expected at least 2; raise clips")

    @property
    def pretext(self) -> Pretext | None:
        """What is done to the sounds of half of the clips, if that is the question."""
        return cast(Pretext, self.objective) if self.objective in PRETEXTS else None

    @property
    def rows(self) -> int:
        """The views that a batch holds of each clip: viewpoints times moments."""
        return self.views * self.moments

    @property
    def predicts(self) -> bool:
        """Whether the translations and the heads for predictions are used."""
        return self.objective == "avsa" or (self.objective in ("avc", "avts") and self.translated)

    @property
    def turns(self) -> bool:
        """Whether the sound of every clip is turned about the vertical axis."""
        return self.objective == "regression"

    @property
    def chance_loss(self) -> float:
        """The loss of a model that knows nothing."""
        if self.objective == "regression":
            return 1.0
        if self.pretext:
            return math.log(2)
        if self.objective == "avc":
            return math.log(self.clips)
        chance = math.log(candidate_count(self.candidates, self.clips, self.rows))
        return chance + (self.within_clip * math.log(self.rows) if self.objective == "avsa" else 0.0)

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, counted from 0 within the phase."""
        if step < self.warm_up:
            return self.learning_rate * (step + 1) / self.warm_up
        progress = (step - self.warm_up) / max(1, self.steps - self.warm_up)
        low = self.final_learning_rate
        return self.learning_rate * (low + (1 - low) * (1 + math.cos(math.pi * progress)) / 2)

    def build(self, gather: Gather = gather_alone) -> Objective:
        """Make the objective; ``gather`` collects the negatives of all processes."""
        if self.objective == "avc":
            return AVC(temperature=self.temperature, translated=self.translated, gather=gather)
        if self.objective == "avts":
            return AVTS(
                temperature=self.temperature, candidates=self.candidates, translated=self.translated, gather=gather
            )
        if self.objective == "avsa":
            return AVSA(
                temperature=self.temperature, candidates=self.candidates, within_clip=self.within_clip, gather=gather
            )
        return Misalignment() if self.pretext else Regression()

    def begin(self, model: nn.Module, before: "Phase | None", seed: int) -> None:
        """Bring a model from the end of the phase ``before`` (None: the first one) to the beginning of this one."""
        if self.carry_over == "encoders":
            if before is not None:
                _renew(model, seed)
        elif isinstance(model, AlignmentModel) and self.predicts and (before is None or not before.predicts):
            model.start_alignment()


def _renew(model: nn.Module, seed: int) -> None:
    """Draw everything but the encoders, and the statistics of the features, anew."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, part in model.named_children():
            if not name.endswith("_encoder"):
                part.apply(_reset)


def _reset(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.LayerNorm | nn.Conv1d | nn.BatchNorm1d):
        module.reset_parameters()
