"""Among what the right view is sought: every view, those of one clip, those of the others."""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ambikit_models.objectives.infonce import Gather, infonce

__all__ = ["Candidates", "candidate_count", "match_views"]

#: The set in which the right one of K views of N clips is sought. ``all_views``: every view of every clip, N·K
#: (equation 9 of morgado2020). ``same_view_of_others``: the K views of the own clip and the view of the same number of
#: each other clip, K + N − 1 (the published code). ``own_views``: the K views of the own clip (hard negatives only).
#: ``other_clips``: the view itself and all views of the other clips, (N − 1)·K + 1 (easy negatives only).
Candidates = Literal["all_views", "same_view_of_others", "own_views", "other_clips"]


def candidate_count(candidates: Candidates, clips: int, views: int) -> int:
    """The number of candidates of each query, the right one among them.

    Examples
    --------
    >>> [candidate_count(kind, 28, 4) for kind in ("all_views", "same_view_of_others", "own_views", "other_clips")]
    [112, 31, 4, 109]
    """
    return {
        "all_views": clips * views,
        "same_view_of_others": views + clips - 1,
        "own_views": views,
        "other_clips": (clips - 1) * views + 1,
    }[candidates]


def match_views(
    prediction: Float[Tensor, "clips views width"],
    target: Float[Tensor, "clips views width"],
    *,
    candidates: Candidates,
    temperature: float,
    gather: Gather,
    within_clip: float = 0.0,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Recognise the target of every view by its prediction among the candidates.

    Parameters
    ----------
    prediction, target
        Projected vectors of the clips of this process.
    candidates
        Which targets a prediction is compared with.
    temperature
        Divides the cosine similarities.
    gather
        Collects the targets of all processes.
    within_clip
        Weight of an additional term whose candidates are the views of the own clip alone.

    Returns
    -------
    loss, accuracy
        Means over clips and views; the accuracy is that among the candidates.
    """
    clips, views = prediction.shape[:2]
    everyone, first = gather(target)
    device = prediction.device
    clip = torch.arange(len(everyone), device=device).repeat_interleave(views)
    view = torch.arange(views, device=device).repeat(len(everyone))
    positive = first * views + torch.arange(clips * views, device=device)
    same_clip = clip[positive][:, None] == clip
    queries, pool = prediction.flatten(0, 1), everyone.flatten(0, 1)
    allowed = _allowed(candidates, same_clip, view[positive][:, None] == view)
    loss, accuracy = infonce(queries, pool, positive, temperature=temperature, allowed=allowed)
    if within_clip:
        spatial, _ = infonce(queries, pool, positive, temperature=temperature, allowed=same_clip)
        loss = loss + within_clip * spatial
    return loss, accuracy


def _allowed(
    candidates: Candidates, same_clip: Bool[Tensor, "queries pool"], same_view: Bool[Tensor, "queries pool"]
) -> Bool[Tensor, "queries pool"] | None:
    if candidates == "all_views":
        return None
    if candidates == "same_view_of_others":
        return same_clip | same_view
    return same_clip if candidates == "own_views" else ~same_clip | (same_clip & same_view)
