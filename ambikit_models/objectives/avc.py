"""Audio-visual correspondence: which sound belongs to which clip?"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ambikit_models.alignment import AlignmentModel
from ambikit_models.batch import Batch
from ambikit_models.objectives.infonce import Gather, gather_alone, infonce
from ambikit_models.objectives.objective import Objective

__all__ = ["AVC"]


@dataclass(frozen=True)
class AVC(Objective):
    """Match one crop of every clip with its sound, against the other clips (morgado2020, equation 7).

    The loss is the mean of the two directions and over the clips; only the first viewpoint of a batch is used.
    """

    temperature: float = 0.07
    gather: Gather = gather_alone

    #: the parts of the model that this objective trains
    trains: ClassVar[tuple[str, ...]] = ("video_encoder", "audio_encoder", "video_head", "audio_head")

    def embed(self, model: AlignmentModel, batch: Batch) -> tuple[Tensor, Tensor]:
        """Embed picture and sound of the first viewpoint of every clip."""
        return model.embed_video(batch.video[:, :1])[:, 0], model.embed_audio(batch.audio[:, :1])[:, 0]

    def compare(self, model: AlignmentModel, video: Tensor, audio: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss and the accuracy."""
        video, audio = model.video_head(video), model.audio_head(audio)
        all_video, first = self.gather(video)
        all_audio, _ = self.gather(audio)
        positive = first + torch.arange(len(video), device=video.device)
        from_video, video_accuracy = infonce(video, all_audio, positive, temperature=self.temperature)
        from_audio, audio_accuracy = infonce(audio, all_video, positive, temperature=self.temperature)
        return (from_video + from_audio) / 2, {"accuracy": (video_accuracy + audio_accuracy) / 2}
