"""Stretches of a scene's sound that begin when they are asked to."""

import torch
from jaxtyping import Float
from torch import Tensor

from ambikit.analysis.spectra import feature_grid
from ambikit_models.sound import SoundFeatures

__all__ = ["cut_excerpts"]


def cut_excerpts(
    prepared: Float[Tensor, "clips ..."],
    sound: SoundFeatures,
    moments: Float[Tensor, "clips views"],
    *,
    duration: float,
    whole: float,
) -> tuple[Float[Tensor, "clips views ..."], Float[Tensor, "clips views"]]:
    """Cut one excerpt per view out of the prepared sound of each clip.

    Excerpts begin on frames of the features, so that those of a covariance are a slice of it: at the edges of an
    excerpt the window still hears what came before and comes after, as it would in a longer recording.

    Parameters
    ----------
    prepared
        As :meth:`SoundFeatures.prepare` leaves it.
    sound
        The features that it was prepared for.
    moments
        Where to begin, from 0, as early, to 1, as late as possible.
    duration, whole
        Seconds of an excerpt and of the clips.

    Returns
    -------
    prepared, begin
        The excerpts, and the seconds at which they begin.
    """
    wanted, available = (round(seconds * sound.sample_rate) for seconds in (duration, whole))
    _, hop, frames = feature_grid(wanted, sound.sample_rate, sound.window, sound.hop)
    start = torch.round(moments.to(prepared.device) * ((available - wanted) // hop)).long()
    step, count = (hop, wanted) if sound.keeps == "signal" else (1, frames)
    places = start[..., None] * step + torch.arange(count, device=prepared.device)
    places = places.reshape(*start.shape, *[1] * (prepared.ndim - 2), count)
    return torch.take_along_dim(prepared[:, None], places, dim=-1), start * (hop / sound.sample_rate)
