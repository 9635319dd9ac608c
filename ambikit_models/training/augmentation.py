"""Random changes of what is seen and heard: flips, colours, loudness. Drawn by the step, so that resuming is exact."""

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ambikit.errors import AmbikitError
from ambikit_models.batch import Batch
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.colours import ColourJitter, change_colours

__all__ = ["Changes", "HorizontalFlip", "flip_jointly"]

#: ``none``; ``visual``: half of the crops are mirrored, each by itself and without its sound, as in the papers' code,
#: so that left and right mean nothing; ``joint``: picture and sound of half of the clips are mirrored together.
HorizontalFlip = Literal["none", "visual", "joint"]


@dataclass(frozen=True)
class Changes:
    """What is changed in the clips of a batch."""

    mirrored: Bool[np.ndarray, "clips"]
    """Clips whose pictures and sound are mirrored together."""
    flipped: Bool[np.ndarray, "clips views"]
    """Crops whose pictures alone are mirrored."""
    colours: Float[np.ndarray, "clips views 4"]
    """Factors of brightness, contrast and saturation, and turn of the hue."""
    order: Int[np.ndarray, "clips views 4"]
    """In which order the colours are changed."""
    gain: Float[np.ndarray, "clips"]
    """Factor of the sound."""

    @classmethod
    def draw(
        cls,
        generator: np.random.Generator,
        clips: int,
        views: int,
        *,
        flip: HorizontalFlip = "none",
        colours: ColourJitter | None = None,
        volume: float = 0.0,
    ) -> "Changes":
        """Draw the changes of a whole batch; what is switched off draws nothing."""
        half = generator.random(clips) < 0.5 if flip == "joint" else np.zeros(clips, bool)
        halves = generator.random((clips, views)) < 0.5 if flip == "visual" else np.zeros((clips, views), bool)
        amounts = np.broadcast_to([1.0, 1.0, 1.0, 0.0], (clips, views, 4))
        order = np.broadcast_to(np.arange(4), (clips, views, 4))
        if colours is not None and any(colours.strengths):
            amounts = amounts + colours.strengths * generator.uniform(-1, 1, (clips, views, 4))
            order = generator.random((clips, views, 4)).argsort(-1)
        gain = generator.uniform(1 - volume, 1 + volume, clips) if volume else np.ones(clips)
        return cls(half, halves, amounts, order, gain)

    def __getitem__(self, rows: slice) -> "Changes":
        """The changes of some of the clips."""
        return Changes(*(getattr(self, f.name)[rows] for f in dataclasses.fields(self)))

    def apply(self, batch: Batch, sound: SoundFeatures) -> Batch:
        """Change a batch, on its device; without changes it is returned as it is."""
        if self.mirrored.any():
            batch = flip_jointly(batch, torch.from_numpy(self.mirrored), sound)
        if self.flipped.any():
            video = batch.video.clone()
            where = torch.from_numpy(self.flipped)
            video[where] = video[where].flip(-1)
            batch = dataclasses.replace(batch, video=video)
        if (self.colours != [1.0, 1.0, 1.0, 0.0]).any():
            crops = batch.video.flatten(0, 1)
            changed = change_colours(crops, self.colours.reshape(-1, 4), self.order.reshape(-1, 4))
            batch = dataclasses.replace(batch, video=changed.reshape(batch.video.shape))
        if (self.gain != 1).any():
            audio = batch.audio.clone()
            raised = torch.as_tensor(20 * np.log10(self.gain), dtype=audio.dtype, device=audio.device)
            audio[:, :, : sound.layout.levels] += raised[:, None, None, None, None]
            batch = dataclasses.replace(batch, audio=audio)
        return batch


def flip_jointly(batch: Batch, flipped: Bool[Tensor, "clips"], sound: SoundFeatures) -> Batch:
    """Exchange left and right of picture and sound in the clips where ``flipped`` is true.

    The features are those heard from the viewpoint, so the mirror is the vertical plane through the line of
    sight: the powers of W, X, Y, Z stay, what points to the left changes sign, stereo channels change places, and a
    turn of the scene to the left becomes one to the right.

    Raises
    ------
    AmbikitError
        If the features do not have the channels of ``sound``.
    """
    if batch.audio.shape[2] != sound.channels:
        raise AmbikitError(
            f"got features with {batch.audio.shape[2]} channels; expected the {sound.channels} channels of "
            f"{sound.format!r}"
        )
    video, audio = batch.video.clone(), batch.audio.clone()
    video[flipped] = video[flipped].flip(-1)
    audio[flipped] = sound.layout.mirror(audio[flipped])
    yaw = None if batch.yaw is None else torch.where(flipped.to(batch.yaw.device), -batch.yaw, batch.yaw)
    return dataclasses.replace(batch, video=video, audio=audio, yaw=yaw)
