"""Spatial alignment by regression: how far has the sound been turned against the picture?"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ambikit.errors import AmbikitError
from ambikit_models.alignment import AlignmentModel
from ambikit_models.batch import Batch
from ambikit_models.objectives.objective import ENCODERS, Objective

__all__ = ["Regression"]


@dataclass(frozen=True)
class Regression(Objective):
    r"""Predict the rotation of the sound (morgado2020, equation 1: described there, and rejected).

    .. math:: \min_{f_v, f_a, g} \mathbb{E}_{v, a, R}\, d\left[g(f_v(v), f_a(R(a))), R\right]

    Here :math:`R` is a turn about the vertical axis by an angle that is uniform on the circle, as in the binary task of
    section 5.2; the viewpoints of a clip stand for the whole picture :math:`v`, and the head :math:`g` answers at each
    of them with a vector in the plane, of which the mean is taken. The distance :math:`d` is the squared length of the
    difference to :math:`(\cos\psi, \sin\psi)`, which has no jump at ±180°. A model that knows nothing answers with 0
    and loses 1; a perfect one loses 0.
    """

    @property
    def trains(self) -> tuple[str, ...]:
        """The encoders and the head that regresses."""
        return (*ENCODERS, "rotation_head")

    def embed(self, model: AlignmentModel, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Embed picture and turned sound of every view, and pass on by how much each clip was turned."""
        if batch.yaw is None:
            raise AmbikitError(
                "got a batch whose sound was not turned; expected one with batch.yaw, radians (clips,); make it with "
                "source.batch(..., yaw=...)"
            )
        return model.embed_video(batch.video), model.embed_audio(batch.audio), batch.yaw

    def compare(
        self, model: AlignmentModel, video: Tensor, audio: Tensor, yaw: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss and the mean angle, in degrees, between the predicted and the true turn."""
        if model.rotation_head is None:
            raise AmbikitError(
                "got a model without a head for rotations; expected one; set model.regression: true in the recipe"
            )
        answer = model.rotation_head(torch.cat([video, audio], dim=-1)).mean(1)
        answer = answer if answer.dtype == torch.float64 else answer.float()
        truth = torch.stack([yaw.cos(), yaw.sin()], dim=-1).to(answer)
        loss = (answer - truth).square().sum(-1).mean()
        found = answer.detach()
        across = found[:, 0] * truth[:, 1] - found[:, 1] * truth[:, 0]
        error = torch.atan2(across, (found * truth).sum(-1)).abs().mean()
        return loss, {"error_degrees": torch.rad2deg(error)}
