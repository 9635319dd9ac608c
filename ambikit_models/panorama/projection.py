"""From the panorama to what a camera sees: gnomonic views of equirectangular frames."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Shaped

from ambikit._arrays import Array, is_torch, namespace, narrow, to_library_of, widen
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.geometry.directions import angles_in_radians, broadcast_shape
from ambikit_models.panorama.sampling import is_bytes, locate_views, reduce_frames, sample_frames

__all__ = ["crop"]


def crop(
    frames: Shaped[Array, "n height width 3"],
    azimuth: Any,
    elevation: Any,
    *,
    field_of_view: Any,
    size: int,
    degrees: bool = False,
    antialias: bool = True,
    normalized: bool = False,
) -> Shaped[Array, "..."]:
    r"""Look into a panorama: the picture that a camera in its centre takes in the given direction.

    The projection is gnomonic: the pixel in the middle of a view lies in the given direction, straight lines stay
    straight, and the angle between the left and the right edge is ``field_of_view``. Pixel :math:`(i, j)` lies along
    :math:`c + \tan(\varphi/2) (a_j\, l + b_i\, u)` with the directions c of the centre, l to its left and u to its
    top, and :math:`a_j = 1 - (2j + 1)/size`, :math:`b_i = 1 - (2i + 1)/size`. Frames are interpolated bilinearly;
    they wrap around at the left and right rim, and go on across the poles.

    Parameters
    ----------
    frames
        Equirectangular, ``(n, height, width, 3)``, uint8 or floating point; front in the middle, left (azimuth 90°)
        in the middle of the left half, up at the top.
    azimuth, elevation
        The direction of the centre of the view, radians: a number, ``(n,)`` (one view per frame) or ``(n, views)``.
        The first axis may be 1: the same views of all frames, computed once.
    field_of_view
        The angle from edge to edge in (0, π), radians; broadcasts with the angles. Its values decide how finely to
        sample, so that a tensor on a GPU is copied to the host.
    size
        The side of the views in pixels.
    degrees
        Whether all angles are given in degrees.
    antialias
        Where a view shows the frame made smaller, average all that falls into a pixel: the frame is reduced by the
        largest power of two that leaves it no coarser than the view (averages of whole blocks; only factors that
        divide its height and width), and each pixel is the mean of s × s samples, where s is the smallest number
        that leaves samples no farther apart than pixels of the reduced frame. False takes one sample per pixel.
    normalized
        Whether to give the pictures as networks take them: channels first, and bytes as float32 in [0, 1], which are
        not rounded.

    Returns
    -------
    views
        ``(n, size, size, 3)``, or ``(n, views, size, size, 3)`` for angles of two axes; ``(…, 3, size, size)`` if
        ``normalized``. Of the library, device and dtype of ``frames``; uint8 is rounded. For floating-point tensors
        differentiable in the frames, and in angles that are tensors.

    Raises
    ------
    ShapeError
        If the frames or angles have another shape.
    ArrayTypeError
        If the frames are neither uint8 nor floating point.

    Notes
    -----
    NumPy arrays and CPU tensors of uint8 or float32 that need no gradient are sampled by a compiled loop.

    Examples
    --------
    A frame that is red at the left and black elsewhere, looked at to the left and to the front:

    >>> frame = np.zeros((1, 90, 180, 3), np.uint8)
    >>> frame[:, :, 30:60, 0] = 255
    >>> crop(frame, [[90, 0]], 0, field_of_view=20, size=2, degrees=True)[0, :, :, :, 0].tolist()
    [[[255, 255], [255, 255]], [[0, 0], [0, 0]]]
    """
    _check_frames(frames)
    if not isinstance(size, int | np.integer) or size < 1:
        raise AmbikitError(f"got size={size!r}; expected the side of the views in pixels, a whole number above 0")
    plan = _Plan.of(frames, azimuth, elevation, field_of_view, degrees)
    wide, half_type = (frames, None) if is_bytes(frames) else widen(frames)
    height, width = frames.shape[1:3]
    dtype, scale = (namespace(frames).float32, 1 / 255) if normalized and is_bytes(frames) else (wide.dtype, 1.0)
    pieces, order = [], []
    for factor, samples, views in _ways_to_sample(plan.field_of_view, int(size), height, width, antialias):
        chosen = (angle[views] for angle in (plan.azimuth, plan.elevation, plan.field_of_view))
        column, row = locate_views(*chosen, int(size) * samples, height // factor, width // factor)
        crops, view_of = plan.crops_of(views)
        source = reduce_frames(wide, factor)
        where = (plan.frame_of[crops], view_of, column, row, int(size))
        pieces.append(sample_frames(source, *where, dtype, scale=scale, channels_first=normalized))
        order.append(crops)
    result = pieces[0]
    if len(pieces) > 1:
        result = namespace(frames).concatenate(pieces)[np.argsort(np.concatenate(order))]
    return narrow(result, half_type).reshape(*plan.batch, *result.shape[1:])


@dataclass(frozen=True)
class _Plan:
    """Which views are cut from which frames: a view is a direction and an angle, a crop a view of a frame."""

    azimuth: Array  # (views,) radians, as the next two
    elevation: Array
    field_of_view: Array
    frame_of: np.ndarray  # (crops,)
    view_of: np.ndarray  # (crops,)
    batch: tuple[int, ...]  # the axes of the result before its pictures

    @staticmethod
    def of(frames: Array, azimuth: Any, elevation: Any, field_of_view: Any, degrees: bool) -> "_Plan":
        angles = [to_library_of(angle, frames) for angle in (azimuth, elevation, field_of_view)]
        angles = angles_in_radians(*angles, degrees=degrees)
        shape = broadcast_shape(*(tuple(angle.shape) for angle in angles))
        count, rows, views = frames.shape[0], (*shape, 1)[0], (*shape, 1, 1)[1]
        crops = count if rows == 1 else rows
        if len(shape) > 2 or (count != crops and count != 1):
            raise ShapeError(
                f"got {count} frames and angles of shape {shape}; expected angles that are numbers, ({count},) or "
                f"({count}, views); one row of angles serves all frames and one frame all rows"
            )
        which = np.arange(crops)[:, None]
        xp = namespace(*angles)
        return _Plan(
            *(xp.broadcast_to(angle, shape).reshape(-1) for angle in angles),
            frame_of=np.repeat(which if count > 1 else 0 * which, views),
            view_of=((which if rows > 1 else 0 * which) * views + np.arange(views)).reshape(-1),
            batch=(crops, views) if len(shape) == 2 else (crops,),
        )

    def crops_of(self, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The crops that show some of the views, and for each its view as an index into these."""
        place = np.full(len(self.azimuth), -1)
        place[views] = np.arange(len(views))
        crops = np.flatnonzero(place[self.view_of] >= 0)
        return crops, place[self.view_of[crops]]


def _ways_to_sample(
    field_of_view: Array, size: int, height: int, width: int, antialias: bool
) -> list[tuple[int, int, np.ndarray]]:
    """Sort the views by how they are sampled: (factor to reduce frames by, samples per pixel and axis, views)."""
    angle = field_of_view.detach().cpu().numpy() if is_torch(field_of_view) else field_of_view
    if not np.all((angle > 0) & (angle < np.pi)):
        raise AmbikitError(
            f"got field_of_view from {angle.min():.6g} to {angle.max():.6g} rad; expected angles above 0 and below π; "
            "give radians, or degrees=True"
        )
    if not antialias or not len(angle):
        return [(1, 1, np.arange(len(angle)))]
    # the pixels of a view are largest in its middle; those of a frame are measured on the equator
    shrink = 2 * np.tan(angle / 2) / size / min(math.pi / height, 2 * math.pi / width)
    factor = np.ones(len(angle), int)
    for doubled in (2**k for k in range(1, 16)):
        if height % doubled == 0 and width % doubled == 0:
            factor = np.where(doubled <= shrink * (1 + 1e-9), doubled, factor)
    samples = np.maximum(np.ceil(shrink / factor - 1e-9), 1).astype(int)
    ways = sorted(set(zip(factor.tolist(), samples.tolist(), strict=True)))
    return [(f, s, np.flatnonzero((factor == f) & (samples == s))) for f, s in ways]


def _check_frames(frames: Any) -> None:
    shape = tuple(getattr(frames, "shape", ()))
    if len(shape) != 4 or shape[-1] != 3 or 0 in shape[1:3]:
        raise ShapeError(
            f"got frames of shape {shape}; expected (n, height, width, 3); a single frame is frame[None], and "
            "channels come last (for a tensor with channels first: .permute(0, 2, 3, 1))"
        )
    floating = frames.is_floating_point() if is_torch(frames) else np.issubdtype(frames.dtype, np.floating)
    if not (floating or is_bytes(frames)):
        raise ArrayTypeError(
            f"got frames of dtype {frames.dtype}; expected uint8 (0 to 255) or floating point; convert them first"
        )
