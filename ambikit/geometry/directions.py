"""Directions: azimuth and elevation, unit vectors, and the angle between two of them.

x points to the front, y to the left, z up; azimuth counts counter-clockwise from the front (left is positive),
elevation upwards from the horizon.
"""

from math import pi
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, as_float_array, as_numbers, is_torch, namespace
from ambikit.errors import ArrayTypeError, ShapeError

__all__ = ["angles_in_radians", "angles_to_vectors", "angular_distance", "broadcast_shape", "vectors_to_angles"]


def broadcast_shape(*shapes: tuple[int, ...], names: str = "the angles") -> tuple[int, ...]:
    """The common shape of arrays that broadcast, or a :class:`ShapeError` that says which shapes do not."""
    # Written out, because torch.compile cannot trace numpy.broadcast_shapes.
    dimensions = max(len(shape) for shape in shapes)
    result = []
    for axis in range(-dimensions, 0):
        sizes = {shape[axis] for shape in shapes if len(shape) >= -axis} - {1}
        if len(sizes) > 1:
            raise ShapeError(
                f"got {names} of shapes {', '.join(str(tuple(shape)) for shape in shapes)}; expected shapes that "
                "broadcast; insert axes of length 1 where one of them has none"
            )
        result.append(sizes.pop() if sizes else 1)
    return tuple(result)


def angles_in_radians(*angles: Any, degrees: bool = False) -> tuple[Array, ...]:
    """Bring angles to one library, in radians: float64 NumPy, or tensors if there is a tensor among them.

    Numbers and lists beside a tensor take its dtype and device, so that they never promote it.
    """
    xp = namespace(*angles)
    if xp is np:
        converted = tuple(as_numbers(angle) for angle in angles)
    else:
        like = next(as_float_array(angle) for angle in angles if is_torch(angle))
        converted = tuple(
            as_float_array(angle)
            if is_torch(angle)
            else xp.as_tensor(as_numbers(angle), dtype=like.dtype, device=like.device)
            for angle in angles
        )
    broadcast_shape(*(tuple(angle.shape) for angle in converted))
    return tuple(angle * (pi / 180) for angle in converted) if degrees else converted


def angles_to_vectors(azimuth: Any, elevation: Any, *, degrees: bool = False) -> Float[Array, "*batch 3"]:
    """The point on the unit sphere that lies in a direction.

    ``(x, y, z) = (cos azimuth cos elevation, sin azimuth cos elevation, sin elevation)``

    Parameters
    ----------
    azimuth
        Azimuth, counter-clockwise from the front (left is positive): a number, list, array or tensor, in
        radians, any range.
    elevation
        Elevation, up is positive, in radians; broadcasts with ``azimuth``.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    array
        Unit vectors ``(..., 3)`` with x front, y left, z up: float64 NumPy, or a tensor (with gradients) if an
        angle is a tensor. Tensors of half precision come back in float32.

    Raises
    ------
    ShapeError
        If the angles do not broadcast.
    ArrayTypeError
        If one angle is a NumPy array and the other a tensor.

    Examples
    --------
    The left ear points along +y:

    >>> angles_to_vectors(90, 0, degrees=True).round(12).tolist()
    [0.0, 1.0, 0.0]
    """
    xp = namespace(azimuth, elevation)
    azimuth, elevation = angles_in_radians(azimuth, elevation, degrees=degrees)
    horizontal = xp.cos(elevation)
    x = xp.cos(azimuth) * horizontal
    y = xp.sin(azimuth) * horizontal
    z = xp.broadcast_to(xp.sin(elevation), x.shape)
    return xp.stack([x, y, z], -1)


def vectors_to_angles(vectors: Any, *, degrees: bool = False) -> tuple[Float[Array, "*batch"], Float[Array, "*batch"]]:
    """The direction in which a vector of any length points.

    ``azimuth = atan2(y, x)``, ``elevation = atan2(z, √(x² + y²))``

    Parameters
    ----------
    vectors
        Vectors ``(..., 3)`` with x front, y left, z up: a list, array or tensor; their length does not matter.
    degrees
        Whether to return degrees.

    Returns
    -------
    azimuth
        In [−π, π] (±180 degrees); 0 straight up and straight down, where every azimuth is right.
    elevation
        In [−π/2, π/2] (±90 degrees); a vector of length 0 has both angles 0. Gradients are finite everywhere
        and 0 where an angle is not defined.

    Raises
    ------
    ShapeError
        If the last axis does not have length 3.

    Examples
    --------
    >>> azimuth, elevation = vectors_to_angles([0.0, 2.0, 0.0], degrees=True)
    >>> float(azimuth), float(elevation)
    (90.0, 0.0)
    """
    xp = namespace(vectors)
    vectors = as_float_array(vectors)
    if len(vectors.shape) == 0 or vectors.shape[-1] != 3:
        raise ShapeError(
            f"got vectors of shape {tuple(vectors.shape)}; expected (..., 3) with x, y, z on the last axis; "
            "transpose them or stack their coordinates"
        )
    if not is_torch(vectors) and np.iscomplexobj(vectors):
        raise ArrayTypeError(f"got vectors of dtype {vectors.dtype}; expected real numbers; take the real part")
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    # Where an angle is undefined, the arguments of hypot and atan2 are replaced before their gradients divide by 0.
    vertical = (x == 0) & (y == 0)
    one, zero = xp.ones_like(x), xp.zeros_like(x)
    x = xp.where(vertical, one, x)
    azimuth = xp.where(vertical, zero, _arctan2(y, x))
    horizontal = xp.where(vertical, xp.where(z == 0, one, zero), xp.hypot(x, y))
    elevation = _arctan2(z, horizontal)
    return (azimuth * (180 / pi), elevation * (180 / pi)) if degrees else (azimuth, elevation)


def _arctan2(y: Array, x: Array) -> Array:
    """The arc tangent, whose gradient divides by x² + y²: with the larger of the two as unit that is never 0 or ∞."""
    xp = namespace(x)
    unit = xp.maximum(abs(y), abs(x))
    unit = xp.where(xp.isfinite(unit), unit, 1.0)
    unit = unit.detach() if is_torch(unit) else unit  # the angle does not depend on it
    return xp.arctan2(y / unit, x / unit)


def angular_distance(
    azimuth1: Any, elevation1: Any, azimuth2: Any, elevation2: Any, *, degrees: bool = False
) -> Float[Array, "*batch"]:
    """The angle between two directions, as seen from the listener.

    The arc tangent of the lengths of cross and dot product (not the arc cosine, which loses half the digits of
    small angles). Both products are written in differences of the angles, so that also the distance of two
    directions a millionth of a degree apart keeps all its digits.

    Parameters
    ----------
    azimuth1, elevation1
        The first direction: numbers, lists, arrays or tensors, in radians.
    azimuth2, elevation2
        The second direction; all four broadcast.
    degrees
        Whether all angles, also the result, are in degrees.

    Returns
    -------
    array
        The distance in [0, π] (0 to 180 degrees). Its gradient is finite everywhere; for equal and for opposite
        directions, where the distance has a kink, it is 0.

    Raises
    ------
    ShapeError
        If the angles do not broadcast.
    ArrayTypeError
        If NumPy arrays and tensors are mixed.

    References
    ----------
    Vincenty, Direct and inverse solutions of geodesics on the ellipsoid, Survey Review 23 (1975), on the sphere.

    Examples
    --------
    From the front to straight up, and from left to right:

    >>> angular_distance(0, 0, 45, 90, degrees=True).round(9).item()
    90.0
    >>> angular_distance(90, 0, -90, 0, degrees=True).item()
    180.0
    """
    xp = namespace(azimuth1, elevation1, azimuth2, elevation2)
    azimuth1, elevation1, azimuth2, elevation2 = angles_in_radians(
        azimuth1, elevation1, azimuth2, elevation2, degrees=degrees
    )
    along, across = elevation2 - elevation1, azimuth2 - azimuth1
    # 2 sin²(across / 2) is 1 − cos(across) without its cancellation.
    bend = 2 * xp.sin(across / 2) ** 2
    sideways = xp.cos(elevation2) * xp.sin(across)
    upwards = xp.sin(along) + xp.sin(elevation1) * xp.cos(elevation2) * bend
    dot = xp.cos(along) - xp.cos(elevation1) * xp.cos(elevation2) * bend
    parallel = (sideways == 0) & (upwards == 0)
    one, zero = xp.ones_like(dot), xp.zeros_like(dot)
    cross = xp.where(parallel, zero, xp.hypot(xp.where(parallel, one, sideways), upwards))
    distance = xp.arctan2(cross, dot)
    return distance * (180 / pi) if degrees else distance
