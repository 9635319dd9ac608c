"""Where in the pictures the network that tells left from right looks, and whether the sound comes from there."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ambikit_models.correspondence import CorrespondenceNetwork
from ambikit_models.downstream.localization.sound_components import correlation
from ambikit_models.downstream.probing.engine import Figure
from ambikit_models.downstream.probing.statistics import bootstrap

__all__ = ["attention_figures", "attention_maps", "horizontal_centroids"]


def attention_maps(
    network: CorrespondenceNetwork,
    video: Float[Tensor, "clips 3 frames height width"],
    audio: Float[Tensor, "clips channels mel time"],
    *,
    pooled: bool = True,
) -> Float[Tensor, "clips frames rows columns"]:
    r"""Which places of each picture speak for the answer that the sound is right (GradCAM [1]_).

    .. math:: L_t(i, j) = \max\left(0, \sum_k \alpha_k A_k(t, i, j)\right), \quad
        \alpha_k = -\frac{1}{N} \sum_{i, j} \frac{\partial \text{logit}}{\partial A_k(t, i, j)}

    with the features :math:`A_k` of picture :math:`t` at :math:`N` places, before they are flattened. This network
    weighs every place by itself, so the mean slope tells which features matter, not where; with ``pooled=False`` every
    place has its own slope (HiResCAM [2]_). The recipe of yang2020 is in a supplement that is not known here.

    Parameters
    ----------
    network
        In evaluation mode.
    video, audio
        What it is asked about: aligned pairs.
    pooled
        Whether slopes are averaged over place.

    References
    ----------
    .. [1] R. R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization",
       ICCV 2017, equations 1 and 2.
    .. [2] R. L. Draelos, L. Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural
       networks", 2020.
    """
    with torch.no_grad():
        maps = network.video_encoder.maps(video)
        heard = network.hear(audio, video.shape[2])
    maps = maps.detach().requires_grad_()
    with torch.enable_grad():
        logit = network.answer(network.fuse(network.video_encoder.flattened(maps), heard))
        (slope,) = torch.autograd.grad(-logit.sum(), maps)
    weights = slope.mean((-2, -1), keepdim=True) if pooled else slope
    return (weights * maps.detach()).sum(1).clamp(min=0)


def horizontal_centroids(maps: Float[Tensor, "*pictures rows columns"]) -> Float[np.ndarray, "*pictures"]:
    """Where the middle of a map lies, from −1 at the left edge to 1 at the right one; NaN for an empty map.

    Examples
    --------
    >>> horizontal_centroids(torch.tensor([[[0.0, 0.0, 3.0, 0.0]], [[0.0, 0.0, 0.0, 0.0]]])).tolist()
    [0.25, nan]
    """
    columns = maps.detach().double().cpu().sum(-2)
    place = (torch.arange(columns.shape[-1]).double() + 0.5) * 2 / columns.shape[-1] - 1
    total = columns.sum(-1)
    centre = (columns * place).sum(-1) / torch.where(total > 0, total, 1.0)
    return torch.where(total > 0, centre, torch.nan).numpy()


def attention_figures(
    name: str,
    centroids: Float[np.ndarray, "clips frames"],
    louder: Float[np.ndarray, "clips frames"],
    way: str = "GradCAM",
    *,
    reference: str = "difference of log-energy",
    draws: int = 200,
) -> list[Figure]:
    """R of the middle of the maps with where the sound comes from, and the share of empty maps.

    Parameters
    ----------
    name
        Of the system.
    centroids
        From :func:`horizontal_centroids`; empty maps are left out of R.
    louder
        The dB by which the right channel is louder, or another number that is higher to the right; NaN is left out.
    way
        How the maps were made.
    reference
        What ``louder`` is, in words.
    draws
        Of the bootstrap over clips.
    """

    def statistic(rows: np.ndarray) -> float:
        seen, heard = centroids[rows].ravel(), louder[rows].ravel()
        there = np.isfinite(seen) & np.isfinite(heard)
        return correlation(seen[there], heard[there]) if there.sum() > 1 else float("nan")

    empty = np.isnan(centroids).mean(-1)
    everything = len(centroids)
    found = bootstrap(statistic, everything, draws=draws)
    none = bootstrap(lambda rows: float(empty[rows].mean()), everything, draws=draws)
    return [
        Figure(name, "both", way, f"R, {reference}", "1", (found.value,), found),
        Figure(name, "both", way, "empty maps", "%", (none.value,), none),
    ]
