"""Turning 360° pictures as their sound is turned: by any rotation, and by the symmetries of the axes."""

from math import prod
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from ambikit._arrays import Array, constant_like, is_array, is_torch, namespace, narrow, to_library_of, widen
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.geometry.directions import angles_in_radians, angles_to_vectors, vectors_to_angles
from ambikit.geometry.equirectangular import angles_to_pixels, pixels_to_angles, roll_equirectangular
from ambikit.geometry.poses import euler_to_matrix, rotation_to_matrix
from ambikit.geometry.symmetries import Symmetry

__all__ = ["move_picture", "turn_equirectangular"]


def turn_equirectangular(
    image: Shaped[Array, "..."],
    yaw: Any = 0.0,
    pitch: Any = 0.0,
    roll: Any = 0.0,
    *,
    rotation: Any = None,
    degrees: bool = False,
    axis: int = -2,
) -> Shaped[Array, "..."]:
    """Turn a 360° picture as ``rotate(signal, yaw, pitch, roll)`` turns its sound.

    What was seen in direction d is afterwards seen in direction ``Rz(yaw) Ry(pitch) Rx(roll) d``. The picture is
    interpolated bilinearly; it goes on behind its left and right edge and across the poles. A turn about the vertical
    axis alone is :func:`roll_equirectangular`, which keeps pixels where it can.

    Parameters
    ----------
    image
        Picture ``(..., height, width, colours)``, or of any layout with its width on ``axis`` and its height on the
        axis before it: floating point, or integers (interpolated values are rounded to the nearest).
    yaw, pitch, roll
        Angles in radians, with the signs of :func:`rotate`: numbers, or arrays or tensors with one angle for each
        entry of the first axes of ``image``.
    rotation
        Instead of angles: a SciPy ``Rotation`` or quaternions ``(..., 4)``, scalar last.
    degrees
        Whether the angles are in degrees.
    axis
        The width axis.

    Returns
    -------
    array
        A new picture of the same shape, dtype, library and device. Floating tensors carry gradients, also to angles
        and quaternions that are tensors.

    Raises
    ------
    ArrayTypeError
        If ``image`` is no array or boolean, or NumPy arrays and tensors are mixed.
    ShapeError
        If ``image`` has no height and width, or the shape of the angles is not that of its first axes.
    AmbikitError
        If both angles and ``rotation`` are given.

    Examples
    --------
    Half a turn to the left by roll: up and down change places, and left and right:

    >>> turn_equirectangular(np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]]), roll=180, degrees=True, axis=-1).round(9)
    array([[8., 7., 6., 5.],
           [4., 3., 2., 1.]])
    """
    height_axis = _height_axis(image, axis)
    if rotation is None:
        namespace(image, yaw, pitch, roll)
        matrix = euler_to_matrix(*angles_in_radians(yaw, pitch, roll, degrees=degrees))
    else:
        if any(not isinstance(angle, int | float | np.number) or angle != 0 for angle in (yaw, pitch, roll)):
            raise AmbikitError("got both angles and rotation; expected one or the other; compose them first")
        namespace(image, rotation)
        matrix = rotation_to_matrix(rotation)
    batch = tuple(matrix.shape)[:-2]
    if len(batch) > height_axis or batch != tuple(image.shape[: len(batch)]):
        raise ShapeError(
            f"got poses of shape {batch} for an image of shape {tuple(image.shape)} with its height on axis "
            f"{height_axis}; expected one pose, or one for each entry of the first axes, before the height"
        )
    if not batch:
        return _resampled(image, matrix, height_axis)
    if 0 in batch:
        return image[...] * 1
    flat = image.reshape(prod(batch), *image.shape[len(batch) :])
    turned = [
        _resampled(picture, one, height_axis - len(batch))
        for picture, one in zip(flat, matrix.reshape(-1, 3, 3), strict=True)
    ]
    return namespace(image).stack(turned).reshape(image.shape)


def move_picture(symmetry: Symmetry, picture: Shaped[Array, "..."], axis: int = -2) -> Shaped[Array, "..."]:
    """Move a 360° picture by a symmetry of the axes: by exchanging pixels where the horizon is kept.

    Examples
    --------
    >>> move_picture(Symmetry.mirror("up_down"), np.array([[1, 2, 3, 4], [5, 6, 7, 8]]), axis=-1).tolist()
    [[5, 6, 7, 8], [1, 2, 3, 4]]
    """
    height_axis = _height_axis(picture, axis)
    if not symmetry.keeps_horizon:
        return _resampled(picture, symmetry.matrix, height_axis)
    xp = namespace(picture)
    width_axis, width = height_axis + 1, picture.shape[height_axis + 1]
    sense, quarters, upright = symmetry.horizontal_turn()
    flipped = [a for a, flips in ((height_axis, upright < 0), (width_axis, sense < 0)) if flips]
    picture = xp.flip(picture, tuple(flipped)) if flipped else picture[...]
    if quarters * width % 4 == 0:
        return xp.roll(picture, -(quarters * width // 4), width_axis)
    return roll_equirectangular(picture, quarters * 90, degrees=True, axis=width_axis)


def _height_axis(image: Any, axis: int) -> int:
    """The height axis counted from the front, for a picture that is an array; the width is on the next."""
    if not is_array(image):
        raise ArrayTypeError(
            f"got an image of type {type(image).__name__}; expected a numpy.ndarray or a torch.Tensor; "
            "convert it with numpy.asarray(image)"
        )
    dimensions = len(image.shape)
    if not -dimensions <= axis < dimensions or axis % dimensions == 0:
        raise ShapeError(
            f"got axis={axis} for an image of shape {tuple(image.shape)}; expected its width axis, with the height "
            "before it: -2 for (..., height, width, colours), -1 for (..., height, width)"
        )
    return axis % dimensions - 1


def _resampled(image: Array, matrix: Float[Array, "3 3"], height_axis: int) -> Array:
    """Look up for every pixel what was seen in the direction that came there."""
    xp = namespace(image)
    if image.dtype == xp.bool:
        raise ArrayTypeError(
            "got a boolean image; expected numbers, as pixels are interpolated; turn image.astype('float32') "
            "(in torch: image.float()) and compare the result with 0.5"
        )
    is_float = image.is_floating_point() if is_torch(image) else np.issubdtype(image.dtype, np.floating)
    wide, half = widen(image) if is_float else (narrow(image, xp.float32 if image.itemsize == 1 else xp.float64), None)
    height, width = image.shape[height_axis], image.shape[height_axis + 1]
    corners = _corners(to_library_of(matrix, matrix) if is_torch(matrix) else np.asarray(matrix), height, width)
    flat = wide.reshape(prod(image.shape[:height_axis]), height * width, -1)
    result = 0
    for pixel, weight in corners:
        if is_torch(flat):
            pixel = xp.as_tensor(pixel, device=flat.device)
        weight = constant_like(weight, flat).reshape(-1, 1)
        result = result + weight * flat[:, pixel.reshape(-1)]
    result = result.reshape(image.shape)
    return narrow(result, half) if is_float else narrow(xp.round(result), image.dtype)


def _corners(matrix: Float[Array, "3 3"], height: int, width: int) -> list[tuple[Array, Array]]:
    """The four pixels around the place that each pixel is taken from, as flat indices, with their weights."""
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    rays = constant_like(angles_to_vectors(*pixels_to_angles(columns, rows, width, height)), matrix)
    xp = namespace(matrix)
    # R^T d, written with d as rows
    column, row = angles_to_pixels(*vectors_to_angles(rays @ matrix), width, height)
    left, top = xp.floor(column), xp.floor(row)
    right_share, low_share = column - left, row - top
    left, top = (part.long() if is_torch(part) else part.astype(np.int64) for part in (left, top))
    corners = []
    for down, share_of_row in ((0, 1 - low_share), (1, low_share)):
        y = top + down
        beyond = (y < 0) | (y >= height)  # behind a pole the picture goes on, half a turn farther
        y = xp.clip(y, 0, height - 1)
        for along, share in ((0, 1 - right_share), (1, right_share)):
            x = (left + along + xp.where(beyond, width // 2, 0)) % width
            corners.append((y * width + x, share * share_of_row))
    return corners
