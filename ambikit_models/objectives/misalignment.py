"""Spatial correspondence as a question with two answers: is something wrong with this sound?"""

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor
from torch.nn import functional

from ambikit.errors import AmbikitError
from ambikit_models.batch import Batch
from ambikit_models.correspondence import CorrespondenceNetwork
from ambikit_models.objectives.objective import ENCODERS, Objective

__all__ = ["PRETEXTS", "Misalignment", "Pretext"]

#: ``flip``: left and right of what is heard change places. ``rotation``: the scene's sound is turned about the vertical
#: axis. ``mismatch``: another clip is heard. ``shift``: another moment of the clip is heard.
Pretext = Literal["flip", "rotation", "mismatch", "shift"]

PRETEXTS: tuple[str, ...] = get_args(Pretext)


@dataclass(frozen=True)
class Misalignment(Objective):
    r"""Tell clips whose sound was changed from those whose sound is their own (yang2020, equation 1).

    .. math:: -\sum_{(v, a, y)} y \log f_w(v, a) + (1 - y) \log(1 - f_w(v, a))

    a mean over the clips, where :math:`y` is 1 for the sounds that were changed: by exchanging left and right, by a
    turn, for another clip's sound, or for that of another moment. What was done the loss need not know. A model that
    knows nothing loses :math:`\ln 2`. Where a clip is seen from several viewpoints the mean of their logits answers.
    """

    @property
    def trains(self) -> tuple[str, ...]:
        """Everything."""
        return (*ENCODERS, "mono_encoder", "fusion", "classifier")

    def embed(self, model: CorrespondenceNetwork, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Embed picture and sound of every view, and pass on which sounds were changed."""
        if batch.misaligned is None:
            raise AmbikitError(
                "got a batch whose sounds are all their own; expected one with batch.misaligned, (clips,); load it "
                "with ambikit_models.training.pretexts"
            )
        video, audio = batch.video.flatten(0, 1), batch.audio.flatten(0, 1)
        views = (batch.clips, batch.views)
        heard = model.hear(audio, video.shape[2])
        return model.see(video).unflatten(0, views), heard.unflatten(0, views), batch.misaligned

    def compare(
        self, model: CorrespondenceNetwork, seen: Tensor, heard: Tensor, misaligned: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss and the share of right answers."""
        answers = model.answer(model.fuse(seen.flatten(0, 1), heard.flatten(0, 1)))
        logits = answers.unflatten(0, seen.shape[:2]).mean(1)
        logits = logits.double() if seen.dtype.itemsize == 8 else logits.float()
        loss = functional.binary_cross_entropy_with_logits(logits, misaligned.to(logits))
        return loss, {"accuracy": ((logits.detach() > 0) == misaligned).float().mean()}
