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
    camera, lie :math:`\arcsin(\sin\rho / h)` to both sides of it; those through horizontal lines likewise. A box holds
    what is seen: where a plane touches the ball above or below the picture, the ball ends on the picture's upper or
    lower line. A ball that is out of the picture has a box of NaN.

    Parameters
    ----------
    azimuth, elevation, radius
        Of the balls, radians; radii below π/2.
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
    left_edge, right_edge = (_edge(forward, -y, -up, radius, half, side) for side in (-1, 1))
    upper_edge, lower_edge = (_edge(forward, -up, -y, radius, half, side) for side in (-1, 1))
    box = np.stack(
        [
            (left_edge + right_edge) / 2,
            (upper_edge + lower_edge) / 2,
            right_edge - left_edge,
            lower_edge - upper_edge,
        ],
        -1,
    )
    inside = (right_edge > left_edge) & (lower_edge > upper_edge)  # false where an edge is NaN
    return np.where(np.asarray(inside)[..., None], box, np.nan)


def _edge(
    forward: np.ndarray, across: np.ndarray, other: np.ndarray, radius: np.ndarray, half: np.ndarray, side: int
) -> np.ndarray:
    """Where what is seen of a ball begins (side −1) or ends (1) along one axis of the picture, in parts of it.

    ``across`` and ``other`` are the ball's components along this axis and the other one.
    """
    # the plane that touches the ball, and where along the other axis it does so
    flat = np.hypot(forward, across)
    touching = np.arctan2(across, forward) + side * np.arcsin(np.minimum(np.sin(radius) / flat, 1.0))
    depth = np.sqrt(np.maximum(flat**2 - np.sin(radius) ** 2, 0.0)) * np.cos(touching)
    seen = depth > 0  # else the outline runs on for ever
    place = np.where(seen, other / np.where(seen, depth, 1.0), np.sign(other) * half)
    # the nearest line of the picture: on it the ball fills the angles around its middle whose cosine is large enough
    line = np.clip(place, -half, half)
    length = np.hypot(1.0, line)
    ahead = (forward + line * other) / length
    cosine = np.cos(radius) / np.hypot(ahead, across)
    reach = np.arccos(np.where(cosine <= 1, cosine, np.nan))
    limit = np.arctan(half / length)
    angle = np.clip(np.arctan2(across, ahead) + side * reach, -limit, limit)
    return 0.5 + length * np.tan(angle) / (2 * half)
