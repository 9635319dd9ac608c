"""360° pictures: which direction a pixel shows, and how the picture turns with the sound.

The middle of an equirectangular picture is the front, its left and right edges meet at the back; azimuth falls
by 360 degrees from left to right, elevation by 180 degrees from top to bottom. Pixel indices are continuous, with
the centres of pixels at whole numbers, so that the picture reaches from column −1/2 to column width − 1/2.
"""

from math import floor, pi
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from ambikit._arrays import Array, as_float_array, constant_like, is_array, is_torch, namespace, narrow, widen
from ambikit._checks import check_order
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.geometry.directions import angles_in_radians

__all__ = ["angles_to_pixels", "crop_rays", "flip_equirectangular", "pixels_to_angles", "roll_equirectangular"]


def pixels_to_angles(
    column: Any, row: Any, width: int, height: int, *, degrees: bool = False
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """The direction that a pixel of an equirectangular picture shows.

    ``azimuth = (1/2 − (column + 1/2) / width) · 2π``, ``elevation = (1/2 − (row + 1/2) / height) · π``

    Parameters
    ----------
    column, row
        Continuous pixel indices, whole numbers at the centres of pixels: numbers, lists, arrays or tensors.
    width, height
        Size of the picture in pixels.
    degrees
        Whether to return degrees.

    Returns
    -------
    azimuth, elevation
        In radians: float64 NumPy, or tensors if an index is a tensor. Within the picture azimuth is in [−π, π].

    Raises
    ------
    AmbikitError
        If ``width`` or ``height`` is not a whole number of at least 1.

    Examples
    --------
    The edge between columns 0 and 1 of a picture 4 pixels wide lies a quarter from the left, that is to the left:

    >>> azimuth, elevation = pixels_to_angles(0.5, 0.5, 4, 2, degrees=True)
    >>> float(azimuth), float(elevation)
    (90.0, 0.0)
    """
    width, height = check_order(width, minimum=1, name="width"), check_order(height, minimum=1, name="height")
    column, row = angles_in_radians(column, row)  # for the library alone; they are pixels
    azimuth = (0.5 - (column + 0.5) / width) * (360 if degrees else 2 * pi)
    elevation = (0.5 - (row + 0.5) / height) * (180 if degrees else pi)
    return azimuth, elevation


def angles_to_pixels(
    azimuth: Any, elevation: Any, width: int, height: int, *, degrees: bool = False
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Where a direction lies in an equirectangular picture.

    ``column = (1/2 − azimuth / 2π) · width − 1/2`` (modulo the width), ``row = (1/2 − elevation / π) · height − 1/2``

    Parameters
    ----------
    azimuth
        Azimuth in radians, left is positive, any range: a number, list, array or tensor.
    elevation
        Elevation in radians, up is positive.
    width, height
        Size of the picture in pixels.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    column
        Continuous column, whole numbers at the centres of pixels, in [−1/2, width − 1/2].
    row
        Continuous row; in [−1/2, height − 1/2] for elevations in ±π/2.

    Raises
    ------
    AmbikitError
        If ``width`` or ``height`` is not a whole number of at least 1.
    ArrayTypeError
        If one angle is a NumPy array and the other a tensor.

    Examples
    --------
    >>> column, row = angles_to_pixels(90, 0, 4, 2, degrees=True)
    >>> float(column), float(row)
    (0.5, 0.5)
    """
    width, height = check_order(width, minimum=1, name="width"), check_order(height, minimum=1, name="height")
    xp = namespace(azimuth, elevation)
    azimuth, elevation = angles_in_radians(azimuth, elevation, degrees=degrees)
    column = xp.remainder((0.5 - azimuth / (2 * pi)) * width, width) - 0.5
    return column, (0.5 - elevation / pi) * height - 0.5


def _width_axis(image: Any, axis: int) -> int:
    """The width axis counted from the front, for a picture that is an array."""
    if not is_array(image):
        raise ArrayTypeError(
            f"got an image of type {type(image).__name__}; expected a numpy.ndarray or a torch.Tensor; "
            "convert it with numpy.asarray(image)"
        )
    dimensions = len(image.shape)
    if not -dimensions <= axis < dimensions:
        raise ShapeError(
            f"got axis={axis} for an image of shape {tuple(image.shape)}; expected its width axis: "
            "-2 for (..., height, width, colours), -1 for (..., height, width)"
        )
    return axis % dimensions


def _whole_and_fraction(shift: Any) -> tuple[Any, Any]:
    """Split a shift in pixels into a whole number and a fraction (None if there is none to interpolate).

    Numbers stay Python numbers, which ``torch.compile`` takes as constants.
    """
    if is_torch(shift):
        whole = namespace(shift).floor(shift.detach())
        return whole.long(), shift - whole
    # A billionth of a pixel is rounding: whole shifts copy pixels and blend nothing.
    if isinstance(shift, float):
        shift = float(round(shift)) if abs(shift - round(shift)) < 1e-9 else shift
        return floor(shift), (shift - floor(shift)) or None
    shift = np.where(np.abs(shift - np.rint(shift)) < 1e-9, np.rint(shift), shift)
    whole = np.floor(shift)
    return whole.astype(np.int64), (shift - whole) if np.any(shift != whole) else None


def _move_left(image: Array, whole: Any, axis: int) -> Array:
    """Move columns left by ``whole`` pixels, one number for all or one for each entry of the first axes."""
    xp = namespace(image)
    if isinstance(whole, int):
        return xp.roll(image, -whole, axis)
    width, shape = image.shape[axis], [1] * len(image.shape)
    shape[: len(whole.shape)], shape[axis] = whole.shape, width
    if is_torch(image):
        whole = xp.as_tensor(whole, device=image.device)
        columns = (xp.arange(width, device=image.device) + whole[..., None]) % width
        return xp.take_along_dim(image, columns.reshape(shape), axis)
    return np.take_along_axis(image, ((np.arange(width) + whole[..., None]) % width).reshape(shape), axis)


def roll_equirectangular(
    image: Shaped[Array, "..."], yaw: Any, *, degrees: bool = False, axis: int = -2
) -> Shaped[Array, "..."]:
    """Turn a 360° picture about the vertical axis, as ``rotate(signal, yaw)`` turns its sound.

    What was seen at azimuth a is afterwards seen at a + yaw: a positive yaw turns to the left, the columns move left
    by yaw / 2π of the width, and what leaves at the left comes back at the right. Between whole pixels the picture is
    interpolated linearly.

    Parameters
    ----------
    image
        Picture ``(..., height, width, colours)``, or of any layout with its width on ``axis``: floating point, or
        integers (interpolated values are rounded to the nearest).
    yaw
        Angle in radians, left is positive. A number, or an array or tensor ``(clips, ...)`` with one angle for each
        entry of the first axes of ``image``.
    degrees
        Whether ``yaw`` is in degrees.
    axis
        The width axis.

    Returns
    -------
    array
        A new picture of the same shape, dtype, library and device. Floating tensors carry gradients, also to a
        tensor ``yaw``.

    Raises
    ------
    ArrayTypeError
        If ``image`` is no array or boolean, or it and ``yaw`` are of different libraries.
    ShapeError
        If ``axis`` is not an axis of the image, or the shape of ``yaw`` is not that of its first axes.

    Examples
    --------
    A quarter turn to the left brings what was in front (between the columns 1 and 2 of 4) to the left:

    >>> roll_equirectangular(np.array([[1.0, 2.0, 3.0, 4.0]]), 90, degrees=True, axis=-1)
    array([[2., 3., 4., 1.]])
    """
    axis = _width_axis(image, axis)
    xp = namespace(image, yaw)
    if image.dtype == xp.bool:
        raise ArrayTypeError(
            "got a boolean image; expected numbers, as pixels are interpolated; turn image.astype('float32') "
            "(in torch: image.float()) and compare the result with 0.5"
        )
    yaw = float(yaw) if isinstance(yaw, int | float | np.number) else as_float_array(yaw)
    batch = () if isinstance(yaw, float) else tuple(yaw.shape)
    if len(batch) > axis or batch != tuple(image.shape[: len(batch)]):
        raise ShapeError(
            f"got yaw of shape {batch} for an image of shape {tuple(image.shape)} with its width on axis {axis}; "
            "expected a number, or one angle for each entry of the first axes, before the width"
        )
    whole, fraction = _whole_and_fraction(yaw * (image.shape[axis] / (360 if degrees else 2 * pi)))
    near = _move_left(image, whole, axis)
    if fraction is None:
        return near
    is_float = image.is_floating_point() if is_torch(image) else np.issubdtype(image.dtype, np.floating)
    # Integers are interpolated in a precision that holds them.
    near, dtype = widen(near) if is_float else (narrow(near, xp.float32 if near.itemsize == 1 else xp.float64), None)
    far = _move_left(near, 1, axis)
    fraction = fraction.to(near.dtype) if is_torch(fraction) else constant_like(fraction, near)
    turned = near + fraction.reshape(batch + (1,) * (len(image.shape) - len(batch))) * (far - near)
    return narrow(turned, dtype) if is_float else narrow(xp.round(turned), image.dtype)


def flip_equirectangular(image: Shaped[Array, "..."], axis: int = -2) -> Shaped[Array, "..."]:
    """Exchange left and right in a 360° picture, as ``mirror(signal, "left_right")`` does in its sound.

    What was seen at azimuth a is afterwards seen at −a.

    Parameters
    ----------
    image
        Picture ``(..., height, width, colours)``, or of any layout with its width on ``axis``, of any dtype.
    axis
        The width axis.

    Returns
    -------
    array
        The mirrored picture (in NumPy a view of the given one).

    Raises
    ------
    ArrayTypeError
        If ``image`` is no array.
    ShapeError
        If ``axis`` is not an axis of the image.

    Examples
    --------
    >>> flip_equirectangular(np.array([[1, 2, 3, 4]]), axis=-1)
    array([[4, 3, 2, 1]])
    """
    return namespace(image).flip(image, (_width_axis(image, axis),))


def crop_rays(
    azimuth: Any, elevation: Any, field_of_view: Any, size: int, *, roll: Any = 0.0, degrees: bool = False
) -> Float[Array, "*batch size size 3"]:
    """The directions that the pixels of a flat picture show, taken by a camera in the middle of the sphere.

    The picture is a square of the plane that touches the sphere at (azimuth, elevation): a gnomonic projection, in
    which straight lines stay straight. With t = tan(field_of_view / 2), the centre of the pixel (row j, column i)
    lies in that plane at t (1 − (2 i + 1) / size) to the left and at t (1 − (2 j + 1) / size) upwards.

    Parameters
    ----------
    azimuth, elevation
        Where the camera looks, in radians; numbers, lists, arrays or tensors.
    field_of_view
        Angle between the outer edges of the left and the right column (not between their centres), in radians,
        greater than 0 and less than π.
    size
        Number of rows and of columns.
    roll
        Angle by which the camera is turned about its viewing direction, in radians: its left side goes up, so that
        the picture turns the other way round (counter-clockwise as it is looked at). All four angles broadcast.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    array
        Unit vectors ``(..., size, size, 3)`` with x front, y left, z up; row 0 is the top, column 0 the left. A tensor
        with gradients if an angle is a tensor, else float64 NumPy.

    Raises
    ------
    AmbikitError
        If ``size`` is not a whole number of at least 1, or a number (not a tensor) given as field of view is not
        between 0 and 180 degrees.
    ShapeError
        If the angles do not broadcast.
    ArrayTypeError
        If NumPy arrays and tensors are mixed.

    References
    ----------
    Snyder: Map Projections, A Working Manual, USGS Professional Paper 1395 (1987), chapter 22.

    Examples
    --------
    Two pixels across 90 degrees look half-way between the middle and the edges: half a unit left and right at
    distance 1 (times √(1 + 1/4 + 1/4), the length of the ray):

    >>> rays = crop_rays(0, 0, 90, 2, degrees=True)
    >>> (rays[0, 0] * np.sqrt(1.5)).round(12).tolist()
    [1.0, 0.5, 0.5]
    """
    size = check_order(size, minimum=1, name="size")
    xp = namespace(azimuth, elevation, field_of_view, roll)
    half_turn = 180 if degrees else pi
    if isinstance(field_of_view, int | float):
        flat = 0 < field_of_view < half_turn
    else:  # the values of a tensor are not looked at
        flat = is_torch(field_of_view) or np.all(
            (np.asarray(field_of_view) > 0) & (np.asarray(field_of_view) < half_turn)
        )
    if not flat:
        raise AmbikitError(
            f"got field_of_view={field_of_view!r}; expected an angle above 0 and below "
            f"{'180 degrees' if degrees else 'π'}, as a flat picture cannot show a hemisphere; check degrees= and take "
            "several crops for wider views"
        )
    azimuth, elevation, field_of_view, roll = (
        angle[..., None, None] for angle in angles_in_radians(azimuth, elevation, field_of_view, roll, degrees=degrees)
    )
    centres = constant_like(1 - (2 * np.arange(size) + 1) / size, azimuth)
    extent = xp.tan(field_of_view / 2)
    left, up = extent * centres, extent * centres[:, None]
    # Roll turns the picture's axes in its plane; pitch and yaw then bring (1, left, up) to the sphere.
    left, up = left * xp.cos(roll) - up * xp.sin(roll), left * xp.sin(roll) + up * xp.cos(roll)
    ahead = xp.cos(elevation) - up * xp.sin(elevation)
    x = ahead * xp.cos(azimuth) - left * xp.sin(azimuth)
    y = ahead * xp.sin(azimuth) + left * xp.cos(azimuth)
    z = xp.sin(elevation) + up * xp.cos(elevation)
    length = xp.sqrt(1 + left * left + up * up)
    x, y, z = (xp.broadcast_to(part / length, x.shape) for part in (x, y, z))
    return xp.stack([x, y, z], -1)
