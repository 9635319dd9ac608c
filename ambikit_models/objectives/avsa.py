"""Audio-visual spatial alignment: which sound, heard from where, belongs to which view?"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ambikit_models.alignment import AlignmentModel
from ambikit_models.batch import Batch
from ambikit_models.objectives.infonce import Gather, gather_alone, infonce
from ambikit_models.objectives.objective import Objective

__all__ = ["AVSA", "Candidates"]

#: ``all_views``: every view of every clip, N × K (equation 9). ``same_view_of_others``: the K views of the own
#: clip and the view of the same number of each other clip, K + N − 1 (the published code).
Candidates = Literal["all_views", "same_view_of_others"]


@dataclass(frozen=True)
class AVSA(Objective):
    """Predict the features of each view from the other modality, among all views (morgado2020, equation 9).

    The loss is the mean of the two directions and over clips and views.

    Parameters
    ----------
    temperature
        Temperature of the cosine similarities.
    candidates
        The set that the right view is sought in.
    within_clip
        Weight of an additional term whose candidates are the views of the own clip alone. Not part of the
        papers' objective (there, "hard negatives only" is an ablation); 0 leaves it out.
    """

    temperature: float = 0.07
    candidates: Candidates = "all_views"
    within_clip: float = 0.0
    gather: Gather = gather_alone

    #: the parts of the model that this objective trains
    trains: ClassVar[tuple[str, ...]] = (
        "video_encoder",
        "audio_encoder",
        "audio_to_video",
        "video_to_audio",
        "video_head",
        "audio_head",
        "predicted_video_head",
        "predicted_audio_head",
    )

    def embed(self, model: AlignmentModel, batch: Batch) -> tuple[Tensor, Tensor]:
        """Embed picture and sound of every view."""
        return model.embed_video(batch.video), model.embed_audio(batch.audio)

    def compare(self, model: AlignmentModel, video: Tensor, audio: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss and the accuracy."""
        predicted_video = model.predicted_video_head(model.audio_to_video(audio))
        predicted_audio = model.predicted_audio_head(model.video_to_audio(video))
        video_loss, video_accuracy = self._direction(predicted_video, model.video_head(video))
        audio_loss, audio_accuracy = self._direction(predicted_audio, model.audio_head(audio))
        return (video_loss + audio_loss) / 2, {"accuracy": (video_accuracy + audio_accuracy) / 2}

    def _direction(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        clips, views = prediction.shape[:2]
        everyone, first = self.gather(target)
        device = prediction.device
        clip = torch.arange(len(everyone), device=device).repeat_interleave(views)
        view = torch.arange(views, device=device).repeat(len(everyone))
        positive = first * views + torch.arange(clips * views, device=device)
        same_clip = clip[positive][:, None] == clip
        allowed = None
        if self.candidates == "same_view_of_others":
            allowed = same_clip | (view[positive][:, None] == view)
        queries, pool = prediction.flatten(0, 1), everyone.flatten(0, 1)
        loss, accuracy = infonce(queries, pool, positive, temperature=self.temperature, allowed=allowed)
        if self.within_clip:
            spatial, _ = infonce(queries, pool, positive, temperature=self.temperature, allowed=same_clip)
            loss = loss + self.within_clip * spatial
        return loss, accuracy
