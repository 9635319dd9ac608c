"""Stretches of a scene's sound that begin when they are asked to."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ambikit.analysis.spectra import feature_grid
from ambikit_models.sound import SoundFeatures

__all__ = ["cut_excerpts", "first_frames"]


def first_frames(
    sound: SoundFeatures, moments: Float[Tensor, "clips views"], *, duration: float, whole: float
) -> Int[Tensor, "clips views"]:
    """On which frame of the features each excerpt begins.

    Parameters
    ----------
    sound
        The features.
    moments
        Where to begin, from 0, as early, to 1, as late as possible.
    duration, whole
        Seconds of an excerpt and of the clips.
    """
    wanted, available = (round(seconds * sound.sample_rate) for seconds in (duration, whole))
    _, hop, _ = feature_grid(wanted, sound.sample_rate, sound.window, sound.hop)
    return torch.round(moments * ((available - wanted) // hop)).long()


def cut_excerpts(
    prepared: Float[Tensor, "clips ..."], sound: SoundFeatures, first: Int[Tensor, "clips views"], *, duration: float
) -> Float[Tensor, "clips views ..."]:
    """Cut one excerpt per view out of the prepared sound of each clip.

    Excerpts begin on frames of the features, so that those of a covariance are a slice of it: at the edges of an
    excerpt the window still hears what came before and comes after, as it would in a longer recording.

    Parameters
    ----------
    prepared
        As :meth:`SoundFeatures.prepare` leaves it.
    sound
        The features that it was prepared for.
    first
        The frame on which each excerpt begins, of :func:`first_frames`.
    duration
        Seconds of an excerpt.
    """
    wanted = round(duration * sound.sample_rate)
    _, hop, frames = feature_grid(wanted, sound.sample_rate, sound.window, sound.hop)
    step, count = (hop, wanted) if sound.keeps == "signal" else (1, frames)
    places = first[..., None] * step + torch.arange(count, device=first.device)
    places = places.reshape(*first.shape, *[1] * (prepared.ndim - 2), count)
    return torch.take_along_dim(prepared[:, None], places, dim=-1)
