"""What a training step receives, and what any source of clips must be able to give."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from ambikit_models.panorama.viewpoints import Viewpoints

__all__ = ["Batch", "ClipSource"]


@dataclass(frozen=True)
class Batch:
    """The pictures and the sound of a few clips, each seen and heard from a few viewpoints.

    Attributes
    ----------
    video
        The crops, shape ``(clips, views, 3, frames, height, width)``, red, green, blue in [0, 1].
    audio
        The features of the sound aligned to the same viewpoints, shape ``(clips, views, channels, mel, time)``.
    index
        Which clip of the source each row is, shape ``(clips,)``.
    yaw
        By how many radians the sound of each clip was turned to the left before it was aligned, shape ``(clips,)``;
        None where nothing was asked to be turned.
    misaligned
        Whether something was done to the sound of each clip so that it no longer fits, shape ``(clips,)``; None where
        that is not the question.

    Examples
    --------
    >>> batch = Batch(torch.zeros(2, 4, 3, 1, 8, 8), torch.zeros(2, 4, 7, 16, 10), torch.tensor([5, 9]))
    >>> batch.clips, batch.views
    (2, 4)
    """

    video: Float[torch.Tensor, "clips views 3 frames height width"]
    audio: Float[torch.Tensor, "clips views channels mel time"]
    index: Int[torch.Tensor, "clips"]
    yaw: Float[torch.Tensor, "clips"] | None = None
    misaligned: Bool[torch.Tensor, "clips"] | None = None

    @property
    def clips(self) -> int:
        """The number of clips."""
        return self.video.shape[0]

    @property
    def views(self) -> int:
        """The number of viewpoints per clip."""
        return self.video.shape[1]

    def to(self, device: Any, *, non_blocking: bool = False) -> "Batch":
        """Bring the batch to a device."""
        move = {"device": device, "non_blocking": non_blocking}
        yaw, misaligned = (None if x is None else x.to(**move) for x in (self.yaw, self.misaligned))
        return Batch(self.video.to(**move), self.audio.to(**move), self.index.to(**move), yaw, misaligned)


@runtime_checkable
class ClipSource(Protocol):
    """Anything that training and evaluation can draw batches from: a data set on disk or a rendered world."""

    def __len__(self) -> int:
        """The number of clips."""
        ...

    def batch(
        self,
        indices: np.ndarray,
        viewpoints: Viewpoints,
        *,
        sound_indices: np.ndarray | None = None,
        yaw: Any = None,
        moments: Any = None,
    ) -> Batch:
        """Show and play some clips from some viewpoints.

        Parameters
        ----------
        indices
            The clips whose pictures are shown, shape ``(clips,)``, integers in ``[0, len(self))``.
        viewpoints
            Where to look, ``(clips, views)``.
        sound_indices
            The clips whose sound is played, shape ``(clips,)``; by default that of the pictures. Another clip's
            sound makes a pair that does not correspond.
        yaw
            Radians, shape ``(clips,)``: the whole scene's sound is turned to the left by this angle *before* it is
            aligned to each viewpoint, which makes a pair that is spatially misaligned. None or 0: no turn.
        moments
            Where in its clip the excerpt of each view begins, ``(clips, views)``, from 0, as early, to 1, as late as
            possible. None: where the source likes, the same for all views of a clip.
        """
        ...
