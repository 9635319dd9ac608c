"""Contrastive prediction: find the right candidate among many (InfoNCE, van den Oord et al. 2018)."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

__all__ = ["Gather", "gather_alone", "infonce"]

#: Collects a tensor from all processes along its first axis, with gradients, and says where ours begins.
Gather = Callable[[Tensor], tuple[Tensor, int]]


def gather_alone(x: Tensor) -> tuple[Tensor, int]:
    """The trivial gathering of a single process."""
    return x, 0


def infonce(
    prediction: Float[Tensor, "queries width"],
    candidates: Float[Tensor, "candidates width"],
    positive: Int[Tensor, "queries"],
    *,
    temperature: float,
    allowed: Bool[Tensor, "queries candidates"] | None = None,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Cross-entropy of recognising each query's positive by cosine similarity (morgado2020, equation 8).

    Parameters
    ----------
    prediction, candidates
        Projected vectors; their lengths do not matter.
    positive
        For each query the index of its right candidate.
    temperature
        Divides the cosine similarities; 0.07 in the papers.
    allowed
        Which candidates each query is compared with; all of them if None.

    Returns
    -------
    loss, accuracy
        Means over the queries. Chance is ``log(candidates)`` and ``1 / candidates``.
    """
    # differences of cosines over a small temperature: half precision is not enough, whatever the networks run in
    with torch.autocast(prediction.device.type, enabled=False):
        logits = _unit(prediction) @ _unit(candidates).mT / temperature
    if allowed is not None:
        logits = logits.masked_fill(~allowed, -torch.inf)
    accuracy = (logits.detach().argmax(-1) == positive).float().mean()
    return functional.cross_entropy(logits, positive), accuracy


def _unit(x: Tensor) -> Tensor:
    return functional.normalize(x if x.dtype == torch.float64 else x.float(), dim=-1)
