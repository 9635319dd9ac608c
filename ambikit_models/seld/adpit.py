"""The loss for several tracks of one class, which does not ask which track answers for which source."""

from itertools import product

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ambikit._arrays import cached_design
from ambikit.errors import ShapeError

__all__ = ["adpit_loss", "assignments"]


@cached_design
def assignments(tracks: int) -> tuple[tuple[int, ...], ...]:
    """All ways in which tracks may answer for sources: each track for one, and no source left without a track.

    With three tracks one source can only have all of them (A0 A0 A0), two sources have them in 6 ways (B0 B0 B1,
    B0 B1 B0, …) and three sources in 6 (C0 C1 C2, …): the 13 of the paper.

    Examples
    --------
    >>> len(assignments(3)), assignments(2)
    (13, ((0, 0), (0, 1), (1, 0)))
    """
    return tuple(way for way in product(range(tracks), repeat=tracks) if set(way) == set(range(max(way) + 1)))


def adpit_loss(
    predictions: Float[Tensor, "*batch tracks classes 3 frames"],
    targets: Float[Tensor, "*batch tracks classes 3 frames"],
) -> Float[Tensor, ""]:
    r"""Auxiliary duplicating permutation invariant training: the mean squared error of the best assignment.

    .. math::

        L = \frac{1}{C T} \sum_{c, t} \min_{\alpha} \frac{1}{3 N} \sum_n \lVert p_{nct} - a_{\alpha(n) ct} \rVert^2

    over the assignments α of the N tracks to the sources that sound (all of them have a track; tracks that are left
    answer for a source twice instead of being silent). For each class and frame alone.

    Parameters
    ----------
    predictions
        The answer of the network.
    targets
        Of :func:`ambikit_models.seld.targets.multi_accdoa_targets`: the sources that sound come first, the tracks
        after them hold 0.

    Raises
    ------
    ShapeError
        If the shapes differ.

    References
    ----------
    Shimada et al., "Multi-ACCDOA", ICASSP 2022, eq. (3) to (5).

    Examples
    --------
    One source in front: all tracks shall say so, and one that is silent costs (1² + 0 + 0) / 9:

    >>> targets = torch.zeros(3, 1, 3, 1)
    >>> targets[0, 0, 0, 0] = 1.0
    >>> answer = torch.zeros(3, 1, 3, 1)
    >>> answer[1:, 0, 0, 0] = 1.0
    >>> round(adpit_loss(answer, targets).item() * 9, 6)
    1.0
    """
    if predictions.shape != targets.shape or targets.ndim < 4 or targets.shape[-2] != 3:
        raise ShapeError(
            f"got predictions of shape {tuple(predictions.shape)} and targets of shape {tuple(targets.shape)}; "
            "expected (..., tracks, classes, 3, frames) for both; make targets with multi_accdoa_targets"
        )
    tracks = len(targets.unbind(-4))  # a number also where torch.compile has the shape as a symbol
    ways = torch.tensor(assignments(tracks), device=targets.device)
    # (..., N predictions, N sources, classes, frames)
    errors = (predictions.unsqueeze(-4) - targets.unsqueeze(-5)).square().mean(-2)
    sources = (targets != 0).any(-2).sum(-3)  # (..., classes, frames)
    return _best(errors, ways, sources).mean()


def _best(
    errors: Float[Tensor, "*batch tracks sources classes frames"],
    ways: Int[Tensor, "ways tracks"],
    sources: Int[Tensor, "*batch classes frames"],
) -> Float[Tensor, "*batch classes frames"]:
    """The smallest mean error over the ways that are for this number of sources."""
    tracks = torch.arange(ways.shape[1], device=ways.device)
    costs = errors[..., tracks, ways, :, :].mean(-3)  # (..., ways, classes, frames)
    # silence is one source whose vector is 0
    fits = (ways.amax(-1) + 1)[:, None, None] == sources.clamp(min=1).unsqueeze(-3)
    return costs.masked_fill(~fits, float("inf")).amin(-3)
