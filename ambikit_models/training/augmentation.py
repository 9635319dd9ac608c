"""Changes that keep picture and sound together."""

import dataclasses

import torch
from jaxtyping import Bool
from torch import Tensor

from ambikit.errors import AmbikitError
from ambikit_models.batch import Batch
from ambikit_models.sound import SoundFeatures

__all__ = ["flip_jointly"]


def flip_jointly(batch: Batch, flipped: Bool[Tensor, "clips"], sound: SoundFeatures) -> Batch:
    """Exchange left and right of picture and sound in the clips where ``flipped`` is true.

    The features are those heard from the viewpoint, so the mirror is the vertical plane through the line of
    sight: the powers of W, X, Y, Z stay, the intensity to the left changes sign, stereo channels change places, and a
    turn of the scene to the left becomes one to the right.

    Raises
    ------
    AmbikitError
        If the features do not have the channels of ``sound``.
    """
    audio = batch.audio.clone()
    video = batch.video.clone()
    if audio.shape[2] != sound.channels:
        raise AmbikitError(
            f"got features with {audio.shape[2]} channels; expected the {sound.channels} channels of {sound.format!r}"
        )
    video[flipped] = video[flipped].flip(-1)
    if sound.format == "foa_intensity":
        audio[flipped, :, 5] = -audio[flipped, :, 5]  # log-mel W, Y, Z, X; intensity x, y, z
    elif sound.format == "stereo":
        audio[flipped] = audio[flipped].flip(2)
    yaw = None if batch.yaw is None else torch.where(flipped.to(batch.yaw.device), -batch.yaw, batch.yaw)
    return dataclasses.replace(batch, video=video, audio=audio, yaw=yaw)
