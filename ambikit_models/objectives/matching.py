"""What the contrastive objectives share: picture and sound embedded, and each recognised by the other."""

from abc import abstractmethod

from torch import Tensor

from ambikit_models.alignment import AlignmentModel
from ambikit_models.batch import Batch
from ambikit_models.objectives.objective import CORRESPONDENCE, ENCODERS, TRANSLATION, Objective

__all__ = ["Matching"]


class Matching(Objective):
    """Recognise the picture by the sound and the sound by the picture; the loss is the mean of the two directions.

    Attributes
    ----------
    translated
        Whether the encoders' features are compared with those that the translation predicts from the other modality,
        through heads of their own, and not picture and sound directly.
    """

    translated: bool = True

    @property
    def trains(self) -> tuple[str, ...]:
        """The encoders and two heads; the translation and its heads if it is used."""
        return (*ENCODERS, *CORRESPONDENCE, *(TRANSLATION if self.translated else ()))

    def embed(self, model: AlignmentModel, batch: Batch) -> tuple[Tensor, Tensor]:
        """Embed picture and sound of every view."""
        return model.embed_video(batch.video), model.embed_audio(batch.audio)

    def compare(self, model: AlignmentModel, video: Tensor, audio: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss and the accuracy."""
        predicted_video = predicted_audio = None
        if self.translated:
            predicted_video = model.predicted_video_head(self._compared(model.audio_to_video(audio)))
            predicted_audio = model.predicted_audio_head(self._compared(model.video_to_audio(video)))
        seen, heard = model.video_head(self._compared(video)), model.audio_head(self._compared(audio))
        if predicted_video is None or predicted_audio is None:
            predicted_video, predicted_audio = heard, seen
        audio_loss, audio_accuracy = self._direction(predicted_audio, heard)
        video_loss, video_accuracy = self._direction(predicted_video, seen)
        return (audio_loss + video_loss) / 2, {"accuracy": (audio_accuracy + video_accuracy) / 2}

    def _compared(self, features: Tensor) -> Tensor:
        """What of the features ``(clips, views, width)`` is projected: those of each view."""
        return features

    @abstractmethod
    def _direction(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and accuracy of recognising the targets by the predictions."""
