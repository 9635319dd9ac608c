"""Reading equirectangular frames between and across their pixels: each formula, and the compiled loop beside it."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from ambikit._arrays import Array, is_torch, kernel_view, namespace

__all__ = ["is_bytes", "reduce_by_formula", "reduce_frames", "sample_by_formula", "sample_frames"]

_FARTHEST = 2.0**52  # beyond, neighbouring pixels are no longer told apart by a float64


def is_bytes(frames: Array) -> bool:
    """Whether frames are uint8, of either library."""
    return str(frames.dtype).removeprefix("torch.") == "uint8"


def reduce_frames(frames: Shaped[Array, "n height width 3"], factor: int) -> Shaped[Array, "n h w 3"]:
    """Average blocks of ``factor`` × ``factor`` pixels; uint8 gives float32.

    ``factor`` is a power of two that divides height and width.
    """
    if factor == 1:
        return frames
    view = _compiled_view(frames)
    if view is None:
        return reduce_by_formula(frames, factor)
    from ambikit.kernels import crop

    count, height, width, _ = view.shape
    out = np.empty((count, height // factor, width // factor, 3), np.float32)
    # the sum of 16 x 16 bytes just fits into 16 bits
    sums = np.float32 if not is_bytes(frames) else np.uint16 if factor <= 16 else np.uint32
    crop.reduce_frames(view, factor, *np.empty((2, 3 * width), sums), out)
    return namespace(frames).from_numpy(out) if is_torch(frames) else out


def reduce_by_formula(frames: Shaped[Array, "n height width 3"], factor: int) -> Shaped[Array, "n h w 3"]:
    """The mean of each block, of either library and any device."""
    count, height, width, _ = frames.shape
    if is_bytes(frames):
        frames = _cast(frames, namespace(frames).float32)
    return frames.reshape(count, height // factor, factor, width // factor, factor, 3).mean((2, 4))


def sample_frames(
    frames: Shaped[Array, "n height width 3"],
    frame_of: Int[np.ndarray, "crops"],
    view_of: Int[np.ndarray, "crops"],
    column: Float[Array, "views side side"],
    row: Float[Array, "views side side"],
    size: int,
    dtype: Any,
) -> Shaped[Array, "crops size size 3"]:
    """Interpolate frames bilinearly at given positions and average blocks of samples.

    Crop p is cut from ``frames[frame_of[p]]`` at ``column[view_of[p]]``, ``row[view_of[p]]``; ``side`` is a multiple
    of ``size``. Columns wrap around; a row beyond a pole is the one behind it, half a turn away. Results of an
    integer ``dtype`` are rounded. Where a position is NaN or infinite the pixel is NaN, and 0 in an integer ``dtype``.
    """
    view = None if _needs_gradient(column, row) else _compiled_view(frames)
    if view is None:
        crops = sample_by_formula(frames, frame_of, view_of, column, row, size)
        rounds = str(dtype).removeprefix("torch.") == "uint8"
        xp = namespace(frames)
        return _cast(xp.floor(xp.where(xp.isnan(crops), 0.0, crops) + 0.5) if rounds else crops, dtype)
    from ambikit.kernels import crop

    name = np.dtype(str(dtype).removeprefix("torch."))
    out = np.empty((len(view_of), size, size, 3), name)
    column, row = (np.ascontiguousarray(_numpy(x), dtype=np.float64) for x in (column, row))
    crop.sample_frames(view, frame_of, view_of, column, row, out, np.float32(0.5 if name == np.uint8 else 0.0))
    return namespace(frames).from_numpy(out) if is_torch(frames) else out


def sample_by_formula(
    frames: Shaped[Array, "n height width 3"],
    frame_of: Int[np.ndarray, "crops"],
    view_of: Int[np.ndarray, "crops"],
    column: Float[Array, "views side side"],
    row: Float[Array, "views side side"],
    size: int,
) -> Float[Array, "crops size size 3"]:
    """The same, of either library and any device; uint8 gives float32, not rounded."""
    xp = namespace(frames)
    height, width = frames.shape[1:3]
    dtype = xp.float32 if is_bytes(frames) else frames.dtype
    known = (xp.abs(column) < _FARTHEST) & (xp.abs(row) < _FARTHEST)
    column, row = xp.where(known, column, 0.0), xp.where(known, row, 0.0)
    left, top = xp.floor(column), xp.floor(row)
    to_right, to_bottom = (_cast(x, dtype)[..., None] for x in (column - left, row - top))
    left, top = _cast(left, xp.int64), _cast(top, xp.int64)
    pixels = frames.reshape(-1, 3)
    start = xp.asarray(frame_of * (height * width))
    if is_torch(frames):
        start = start.to(frames.device)
    crops = 0.0
    for down in (0, 1):
        beyond = (top + down < 0) | (top + down >= height)
        line = xp.clip(top + down, 0, height - 1) * width
        across = left + xp.where(beyond, width // 2, 0)
        for right in (0, 1):
            weight = (to_right if right else 1 - to_right) * (to_bottom if down else 1 - to_bottom)
            corner = pixels[start[:, None, None] + (line + (across + right) % width)[view_of]]
            crops = crops + weight[view_of] * _cast(corner, dtype)
    crops = xp.where(known[view_of][..., None], crops, xp.nan)
    samples = column.shape[-1] // size
    return crops if samples == 1 else crops.reshape(-1, size, samples, size, samples, 3).mean((2, 4))


def _cast(x: Array, dtype: Any) -> Array:
    return x.to(dtype) if is_torch(x) else x.astype(dtype, copy=False)


def _numpy(x: Array) -> np.ndarray:
    return x.detach().numpy() if is_torch(x) else x


def _needs_gradient(*positions: Array) -> bool:
    return any(is_torch(x) and kernel_view(x.contiguous()) is None for x in positions)


def _compiled_view(frames: Array) -> np.ndarray | None:
    """The frames as the compiled loops take them, or None: they compute in float32."""
    view = kernel_view(frames, bytes_allowed=True)
    return view if view is not None and view.dtype in (np.uint8, np.float32) else None
