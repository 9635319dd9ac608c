"""Which of two clips is more clearly heard on one side: a beginning for networks that are to tell left from right."""

import dataclasses

import torch
from jaxtyping import Float
from torch import Tensor

from ambikit_models.batch import Batch

__all__ = ["level_difference", "more_one_sided"]


def level_difference(
    audio: Float[Tensor, "clips views channels rows time"],
) -> Float[Tensor, "clips"]:
    r"""By how many dB one of the two channels is louder than the other, whichever it is; the mean over the views.

    .. math:: \left| 10 \log_{10} \frac{\sum_{b, t} 10^{R_{bt} / 10}}{\sum_{b, t} 10^{L_{bt} / 10}} \right|

    Parameters
    ----------
    audio
        Features that begin with the levels of a left and a right channel in dB.

    Examples
    --------
    >>> left, right = torch.zeros(2, 1, 4, 3), torch.tensor([-20.0, 6.0])[:, None, None, None].expand(2, 1, 4, 3)
    >>> level_difference(torch.stack([left, right], 2))
    tensor([20.,  6.])
    """
    levels = audio[:, :, :2].double()
    highest = levels.amax((2, 3, 4), keepdim=True)
    power = (10 ** ((levels - highest) / 10)).sum((3, 4))
    return (10 * (power[..., 1] / power[..., 0]).log10()).abs().mean(1).to(audio.dtype)


def more_one_sided(first: Batch, second: Batch) -> Batch:
    """Of the clips of two batches, one by one, the one whose channels differ more in level; of equal ones the first.

    Which of two sounds is exchanged makes no difference.
    """
    better = level_difference(second.audio) > level_difference(first.audio)

    def chosen(one: Tensor | None, other: Tensor | None) -> Tensor | None:
        if one is None or other is None:
            return one
        return torch.where(better.view(-1, *[1] * (one.ndim - 1)), other, one)

    pairs = {f.name: (getattr(first, f.name), getattr(second, f.name)) for f in dataclasses.fields(Batch)}
    return Batch(**{name: chosen(*pair) for name, pair in pairs.items()})  # pyright: ignore[reportArgumentType]
