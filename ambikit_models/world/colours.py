"""Colours by hue, saturation and value."""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["hsv_to_rgb"]


def hsv_to_rgb(hsv: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
    """Red, green and blue in [0, 1] of a hue (in turns), a saturation and a value.

    Examples
    --------
    >>> hsv_to_rgb(torch.tensor([[0.0, 1.0, 1.0], [1 / 3, 1.0, 0.5], [0.7, 0.0, 0.4]])).round(decimals=3)
    tensor([[1.0000, 0.0000, 0.0000],
            [0.0000, 0.5000, 0.0000],
            [0.4000, 0.4000, 0.4000]])
    """
    hue, saturation, value = hsv.unsqueeze(-2).unbind(-1)
    # each primary fades in and out over a third of the circle around its own hue: red 0, green 1/3, blue 2/3
    place = (6.0 * hue + torch.tensor([5.0, 3.0, 1.0], device=hsv.device, dtype=hsv.dtype)) % 6.0
    away = torch.minimum(place, 4.0 - place).clamp(0.0, 1.0)
    return value * (1.0 - saturation * away)
