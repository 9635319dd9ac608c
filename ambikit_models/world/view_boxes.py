"""The exact boxes of objects in perspective views."""

import numpy as np
from jaxtyping import Float

__all__ = ["view_boxes"]


def view_boxes(
    azimuth: Float[np.ndarray, "*batch"],
    elevation: Float[np.ndarray, "*batch"],
    radius: Float[np.ndarray, "*batch"],
    view_azimuth: Float[np.ndarray, "*batch"],
    view_elevation: Float[np.ndarray, "*batch"],
    field_of_view: Float[np.ndarray, "*batch"],
) -> Float[np.ndarray, "*batch 4"]:
    r"""The boxes of balls in square gnomonic views: centre x, y, width and height in parts of the picture.

    x runs from the left edge, y from the upper one. The planes through the eye and a vertical line of the picture that
    touch a ball of angular radius :math:`\rho`, whose direction has the part :math:`h` in the horizontal plane of the
    camera, lie :math:`\arcsin(\sin\rho / h)` to both sides of it; those through horizontal lines likewise. Boxes end
    at the edges of the picture (of a ball that is cut, less may be seen than the box holds: its other extent is that of
    the whole); a ball that is out of it has a box of NaN.

    Parameters
    ----------
    azimuth, elevation, radius
        Of the balls, radians.
    view_azimuth, view_elevation, field_of_view
        Of the views.

    Examples
    --------
    A ball of 15° straight ahead in a view of 90° fills tan 15° of it, as tan 45° is half of the picture:

    >>> view_boxes(*np.radians([[20.0], [10.0], [15.0], [20.0], [10.0], [90.0]])).round(3).tolist()
    [[0.5, 0.5, 0.268, 0.268]]
    """
    a = azimuth - view_azimuth
    x, y, z = np.cos(elevation) * np.cos(a), np.cos(elevation) * np.sin(a), np.sin(elevation)
    forward = x * np.cos(view_elevation) + z * np.sin(view_elevation)
    up = z * np.cos(view_elevation) - x * np.sin(view_elevation)
    half = np.tan(field_of_view / 2)
    left_edge, right_edge = _extent(forward, -y, radius, half)
    upper_edge, lower_edge = _extent(forward, -up, radius, half)
    box = np.stack(
        [
            (left_edge + right_edge) / 2,
            (upper_edge + lower_edge) / 2,
            right_edge - left_edge,
            lower_edge - upper_edge,
        ],
        -1,
    )
    inside = (forward > 0) & (right_edge > left_edge) & (lower_edge > upper_edge)
    return np.where(np.asarray(inside)[..., None], box, np.nan)


def _extent(
    forward: np.ndarray, across: np.ndarray, radius: np.ndarray, half: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where a ball begins and ends along one axis of the picture, in parts of it."""
    middle = np.arctan2(across, forward)
    reach = np.arcsin(np.minimum(np.sin(radius) / np.hypot(forward, across), 1.0))
    limit = np.arctan(half)
    begin, end = (np.clip(middle + sign * reach, -limit, limit) for sign in (-1, 1))
    return 0.5 + np.tan(begin) / (2 * half), 0.5 + np.tan(end) / (2 * half)
