"""Reading equirectangular frames between and across their pixels: each formula, and the compiled loop beside it."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from ambikit import angles_to_pixels, crop_rays, vectors_to_angles
from ambikit._arrays import Array, is_torch, kernel_view, namespace

__all__ = [
    "is_bytes",
    "locate_by_formula",
    "locate_views",
    "reduce_by_formula",
    "reduce_frames",
    "sample_by_formula",
    "sample_frames",
    "words_of",
]

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


def locate_views(
    azimuth: Float[Array, "views"],
    elevation: Float[Array, "views"],
    field_of_view: Float[Array, "views"],
    size: int,
    height: int,
    width: int,
) -> tuple[Float[Array, "views size size"], Float[Array, "views size size"]]:
    """The (column, row) in an equirectangular frame of each pixel of flat views; all angles are in radians."""
    angles = [kernel_view(angle) for angle in (azimuth, elevation, field_of_view)]
    if any(angle is None for angle in angles):
        return locate_by_formula(azimuth, elevation, field_of_view, size, height, width)
    from ambikit.kernels import view_positions

    column, row = np.empty((2, len(azimuth), size, size))
    view_positions.locate_views(*(np.asarray(angle, np.float64) for angle in angles), height, width, column, row)
    return (
        (namespace(azimuth).from_numpy(column), namespace(azimuth).from_numpy(row))
        if is_torch(azimuth)
        else (column, row)
    )


def locate_by_formula(
    azimuth: Float[Array, "views"],
    elevation: Float[Array, "views"],
    field_of_view: Float[Array, "views"],
    size: int,
    height: int,
    width: int,
) -> tuple[Float[Array, "views size size"], Float[Array, "views size size"]]:
    """The same, of either library and any device, with gradients."""
    rays = crop_rays(azimuth, elevation, field_of_view, size)
    return angles_to_pixels(*vectors_to_angles(rays), width, height)


def sample_frames(
    frames: Shaped[Array, "n height width 3"],
    frame_of: Int[np.ndarray, "crops"],
    view_of: Int[np.ndarray, "crops"],
    column: Float[Array, "views side side"],
    row: Float[Array, "views side side"],
    size: int,
    dtype: Any,
    *,
    scale: float = 1.0,
    channels_first: bool = False,
) -> Shaped[Array, "crops _ _ _"]:
    """Interpolate frames bilinearly at given positions and average blocks of samples.

    Crop p is cut from ``frames[frame_of[p]]`` at ``column[view_of[p]]``, ``row[view_of[p]]``; ``side`` is a multiple
    of ``size``. Columns wrap around; a row beyond a pole is the one behind it, half a turn away. Values are multiplied
    by ``scale``, and those of an integer ``dtype`` rounded; with ``channels_first`` the result is ``(crops, 3, size,
    size)``. Where a position is NaN or infinite the pixel is NaN, and 0 in an integer ``dtype``.
    """
    view = None if _needs_gradient(column, row) else _compiled_view(frames)
    if view is None:
        crops = sample_by_formula(frames, frame_of, view_of, column, row, size) * scale
        crops = namespace(crops).moveaxis(crops, -1, -3) if channels_first else crops
        rounds = str(dtype).removeprefix("torch.") == "uint8"
        xp = namespace(frames)
        return _cast(xp.floor(xp.where(xp.isnan(crops), 0.0, crops) + 0.5) if rounds else crops, dtype)
    from ambikit.kernels import crop

    name = np.dtype(str(dtype).removeprefix("torch.") if is_torch(frames) else dtype)
    out = np.empty((len(view_of), *((3, size, size) if channels_first else (size, size, 3))), name)
    pixels = out.transpose(0, 2, 3, 1) if channels_first else out
    column, row = (np.ascontiguousarray(_numpy(x), dtype=np.float64) for x in (column, row))
    where = (frame_of, view_of, column, row, pixels, scale, 0.5 if name == np.uint8 else 0.0)
    if is_bytes(frames):
        crop.sample_bytes(view, words_of(view), *where)
    else:
        crop.sample_frames(view, *where)
    return namespace(frames).from_numpy(out) if is_torch(frames) else out


def words_of(frames: Shaped[np.ndarray, "n height width 3"]) -> Shaped[np.ndarray, "words"]:
    """Each four bytes in a row as one number, from every byte on: a view of the same memory."""
    return np.ndarray(max(0, frames.size - 3), "<u4", frames.reshape(-1).data, strides=1)


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
