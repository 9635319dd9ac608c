"""Ordinary pictures, no panoramas, as the square crops that a video encoder takes."""

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

from ambikit_models.datasets.squares import squared

__all__ = ["square_crops"]

#: side of the square, as a share of the shorter side of the picture
_SHARE = 7 / 8


def square_crops(
    frames: UInt8[np.ndarray, "frames height width 3"], size: int, generator: np.random.Generator | None = None
) -> Float[Tensor, "3 frames size size"]:
    """Cut the same square from all pictures of a clip and scale it, red, green, blue in [0, 1].

    The square has 7/8 of the shorter side and lies in the middle; with a generator anywhere, and mirrored half of the
    time.

    Examples
    --------
    >>> square_crops(np.full((2, 48, 64, 3), 255, np.uint8), 8).shape
    torch.Size([3, 2, 8, 8])
    """
    height, width = frames.shape[1:3]
    side = max(1, round(_SHARE * min(height, width)))
    top, left = (height - side) // 2, (width - side) // 2
    if generator is not None:
        top, left = int(generator.integers(height - side + 1)), int(generator.integers(width - side + 1))
    square = frames[:, top : top + side, left : left + side]
    if generator is not None and generator.random() < 0.5:
        square = square[:, :, ::-1]
    return squared(square, size).transpose(0, 1)
