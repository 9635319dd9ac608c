"""360° pictures on the faces of a cube: where a direction lies in the layouts that videos use.

Each layout is a grid of three columns and two rows of square faces. A face is named by the direction of its middle and
the direction of its upper edge; its right edge follows, as it is seen from the middle of the cube.
"""

from math import pi
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, constant_like, namespace
from ambikit._checks import check_order
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.directions import angles_in_radians, angles_to_vectors

__all__ = ["CUBE_LAYOUTS", "angles_to_cube_pixels"]

_DIRECTIONS = {
    "front": (1, 0, 0),
    "back": (-1, 0, 0),
    "left": (0, 1, 0),
    "right": (0, -1, 0),
    "up": (0, 0, 1),
    "down": (0, 0, -1),
}

#: for each layout its faces, row by row from the upper left: the direction of the middle, then that of the upper edge
CUBE_LAYOUTS = {
    "cbmp": ("right up", "left up", "up front", "down back", "front up", "back up"),
    "3x2": ("right up", "left up", "up back", "down front", "front up", "back up"),
    "eac": ("left up", "front up", "right up", "down right", "back right", "up right"),
}


def angles_to_cube_pixels(
    azimuth: Any,
    elevation: Any,
    width: int,
    height: int,
    *,
    layout: str = "3x2",
    padding: int = 0,
    degrees: bool = False,
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    r"""Where a direction lies in a picture of the six faces of a cube.

    With the face's middle c, upper edge t and right edge :math:`r = c \times t`, the direction d is at
    :math:`a = \langle d, r\rangle / \langle d, c\rangle` and :math:`b = \langle d, t\rangle / \langle d, c\rangle`,
    from −1 to 1 across the face; in the equi-angular layout at :math:`\frac{4}{\pi} \arctan a` and likewise for b.

    Parameters
    ----------
    azimuth, elevation
        The direction in radians: numbers, lists, arrays or tensors.
    width, height
        Size of the picture in pixels, three faces by two: 3 : 2.
    layout
        ``"cbmp"``: layout 0 of the Spherical Video V2 RFC: right, left, up; down, front, back; the upper edge of "up"
        is to the front, that of "down" to the back. ``"3x2"``: the same faces, "up" and "down" the other way round, as
        FFmpeg's filter v360 has them (``c3x2``). ``"eac"``: equi-angular, left, front, right; down, back, up, the lower
        three lying on their sides, as YouTube serves cube maps and FFmpeg reads them.
    padding
        Pixels at each edge of each face that lie beyond it.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    column, row
        Continuous pixel indices, whole numbers at the centres of pixels, within the pixels of one face: between the
        last centre and the edge of a face they stay at the centre, so that no two faces are mixed.

    Raises
    ------
    AmbikitError
        If the layout is not known.
    ShapeError
        If the picture is not of three by two squares, or the padding leaves nothing of them.

    Notes
    -----
    "3x2" and "eac" were held against FFmpeg's v360, direction by direction. The RFC's words on "up" and "down" in
    "cbmp" were not checked against any player's file: look at a frame before relying on them.

    References
    ----------
    Spherical Video V2 RFC of the spatial-media project, section "Cubemap Projection Box".

    Examples
    --------
    The front is in the middle of the lower row, or of the upper row in the equi-angular layout:

    >>> column, row = angles_to_cube_pixels([0, 90], 0, 300, 200)
    >>> column.tolist()[0], row.tolist()[0]
    (149.5, 149.5)
    >>> column, row = angles_to_cube_pixels(0, 0, 300, 200, layout="eac")
    >>> float(column), float(row)
    (149.5, 49.5)
    """
    if layout not in CUBE_LAYOUTS:
        raise AmbikitError(f"got layout={layout!r}; expected one of {', '.join(CUBE_LAYOUTS)}; look at a frame")
    width, height = check_order(width, minimum=1, name="width"), check_order(height, minimum=1, name="height")
    padding = check_order(padding, minimum=0, name="padding")
    side = height // 2
    if (width, height) != (3 * side, 2 * side) or side <= 2 * padding:
        raise ShapeError(
            f"got a picture of {width} x {height} pixels with padding {padding}; expected three by two square faces, "
            "larger than their padding; scale the picture to 3 : 2"
        )
    xp = namespace(azimuth, elevation)
    rays = angles_to_vectors(*angles_in_radians(azimuth, elevation, degrees=degrees))
    names = [name.split() for name in CUBE_LAYOUTS[layout]]
    middles, tops = (np.array([_DIRECTIONS[name[k]] for name in names], dtype=float) for k in (0, 1))
    ahead, above, aside = (rays @ constant_like(axes.T, rays) for axes in (middles, tops, np.cross(middles, tops)))
    face = xp.argmax(ahead, -1)[..., None]
    depth, above, aside = (
        xp.take_along_dim(part, face, -1)[..., 0] if xp is not np else np.take_along_axis(part, face, -1)[..., 0]
        for part in (ahead, above, aside)
    )
    face = face[..., 0]
    across, down = aside / depth, -above / depth
    if layout == "eac":
        across, down = (xp.arctan(part) * (4 / pi) for part in (across, down))
    place = []
    for part, first in ((across, face % 3 * side), (down, face // 3 * side)):
        within = padding + (part + 1) / 2 * (side - 2 * padding) - 0.5
        place.append(first + xp.clip(within, 0, side - 1))
    return place[0], place[1]
