"""Audio-visual temporal synchronisation: which sound, heard when, belongs to which picture?"""

from dataclasses import dataclass

from torch import Tensor

from ambikit_models.alignment import AlignmentModel
from ambikit_models.batch import Batch
from ambikit_models.objectives.candidates import Candidates, match_views
from ambikit_models.objectives.infonce import Gather, gather_alone
from ambikit_models.objectives.objective import CORRESPONDENCE, ENCODERS, TRANSLATION, Objective

__all__ = ["AVTS"]


@dataclass(frozen=True)
class AVTS(Objective):
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

    @property
    def trains(self) -> tuple[str, ...]:
        """The encoders and two heads; the translation and its heads if it is used."""
        return (*ENCODERS, *CORRESPONDENCE, *(TRANSLATION if self.translated else ()))

    def embed(self, model: AlignmentModel, batch: Batch) -> tuple[Tensor, Tensor]:
        """Embed picture and sound of every moment."""
        return model.embed_video(batch.video), model.embed_audio(batch.audio)

    def compare(self, model: AlignmentModel, video: Tensor, audio: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss and the accuracy."""
        seen, heard = model.video_head(video), model.audio_head(audio)
        predicted_video, predicted_audio = heard, seen
        if self.translated:
            predicted_video = model.predicted_video_head(model.audio_to_video(audio))
            predicted_audio = model.predicted_audio_head(model.video_to_audio(video))
        video_loss, video_accuracy = self._direction(predicted_video, seen)
        audio_loss, audio_accuracy = self._direction(predicted_audio, heard)
        return (video_loss + audio_loss) / 2, {"accuracy": (video_accuracy + audio_accuracy) / 2}

    def _direction(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        return match_views(
            prediction, target, candidates=self.candidates, temperature=self.temperature, gather=self.gather
        )
