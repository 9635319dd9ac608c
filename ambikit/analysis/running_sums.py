"""Expectations over time: what is added up over the frames around each frame, or over all of them."""

from typing import Any

from ambikit._arrays import Array, namespace
from ambikit._checks import check_order

__all__ = ["check_frames", "moving_sum"]


def check_frames(frames: Any) -> None:
    """Refuse a number of frames that is neither None nor a whole number of at least 1."""
    if frames is not None:
        check_order(frames, minimum=1, name="frames")


def moving_sum(x: Array, frames: int | None) -> Array:
    """Sums over ``frames`` frames of the last axis around each, of what there is; None: one sum over all frames.

    Sums of 1, 2, 4, … frames add up to any length: exact, local (a running total would carry rounding errors and
    NaN along), in log₂(frames) passes.
    """
    if frames is None:
        return x.sum(-1)[..., None]
    if frames == 1:
        return x
    xp = namespace(x)
    time = x.shape[-1]
    frames = min(frames, 2 * time - 1)
    nothing = xp.broadcast_to(xp.zeros_like(x[..., :1]), (*x.shape[:-1], frames))
    block = xp.concat([nothing[..., : (frames - 1) // 2], x, nothing[..., : frames // 2]], -1)
    total, start, length = 0, 0, 1
    while length <= frames:
        if frames & length:
            total = total + block[..., start : start + time]
            start += length
        block = block[..., :-length] + block[..., length:]
        length *= 2
    return total
