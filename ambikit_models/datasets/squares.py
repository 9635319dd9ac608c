"""Ordinary pictures, no panoramas, as the squares that a network sees."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

__all__ = ["squared"]


def squared(
    frames: UInt8[np.ndarray, "frames height width 3"], size: int, *, device: Any = "cpu"
) -> Float[Tensor, "frames 3 size size"]:
    """Scale whole pictures to squares, red, green, blue in [0, 1]; what is not square is squeezed, not cut.

    Examples
    --------
    >>> pictures = squared(np.full((2, 48, 64, 3), 255, np.uint8), 8)
    >>> pictures.shape, round(pictures.min().item(), 4)  # white stays white, to rounding
    (torch.Size([2, 3, 8, 8]), 1.0)
    """
    pixels = torch.from_numpy(np.ascontiguousarray(frames)).to(device).permute(0, 3, 1, 2).float() / 255
    scaled = functional.interpolate(pixels, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return scaled.clamp(0, 1)
