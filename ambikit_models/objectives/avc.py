"""Audio-visual correspondence: which sound belongs to which clip?"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ambikit_models.alignment import AlignmentModel
from ambikit_models.batch import Batch
from ambikit_models.objectives.infonce import Gather, gather_alone, infonce
from ambikit_models.objectives.objective import CORRESPONDENCE, ENCODERS, TRANSLATION, Objective

__all__ = ["AVC"]


@dataclass(frozen=True)
class AVC(Objective):
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

    @property
    def trains(self) -> tuple[str, ...]:
        """The encoders and two heads; the translation and its heads if it is used."""
        return (*ENCODERS, *CORRESPONDENCE, *(TRANSLATION if self.translated else ()))

    def embed(self, model: AlignmentModel, batch: Batch) -> tuple[Tensor, Tensor]:
        """Embed picture and sound of every view."""
        return model.embed_video(batch.video), model.embed_audio(batch.audio)

    def compare(self, model: AlignmentModel, video: Tensor, audio: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss and the accuracy."""
        seen, heard = model.video_head(video.amax(1)), model.audio_head(audio.amax(1))
        if self.translated:
            predicted_video = model.predicted_video_head(model.audio_to_video(audio).amax(1))
            predicted_audio = model.predicted_audio_head(model.video_to_audio(video).amax(1))
        else:
            predicted_video, predicted_audio = heard, seen
        audio_loss, audio_accuracy = self._direction(predicted_audio, heard)
        video_loss, video_accuracy = self._direction(predicted_video, seen)
        return (audio_loss + video_loss) / 2, {"accuracy": (audio_accuracy + video_accuracy) / 2}

    def _direction(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        everyone, first = self.gather(target)
        positive = first + torch.arange(len(prediction), device=prediction.device)
        return infonce(prediction, everyone, positive, temperature=self.temperature)
