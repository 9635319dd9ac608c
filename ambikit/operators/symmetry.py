"""Mirror images of a sound field."""

import numpy as np
from jaxtyping import Inexact

from ambikit._arrays import Array, cached_design, constant_like, narrow, widen
from ambikit._checks import check_choice, check_signal
from ambikit.geometry.channels import degrees_of

__all__ = ["mirror"]

_PLANES = ("left_right", "front_back", "up_down")


def mirror(signal: Inexact[Array, "..."], plane: str, *, axis: int = -2) -> Inexact[Array, "..."]:
    """Exchange left and right, front and back, or up and down.

    A mirror image changes the signs of some channels and nothing else, at every order. It is no rotation: a picture
    that belongs to the sound has to be mirrored too (:func:`flip_equirectangular` for left and right).

    ====================  ==============================  ==========================
    plane                 a source goes to                channels (n, m) that flip
    ====================  ==============================  ==========================
    ``"left_right"``      −azimuth (y → −y)               m < 0
    ``"front_back"``      180° − azimuth (x → −x)         m > 0 odd, m < 0 even
    ``"up_down"``         −elevation (z → −z)             n + m odd
    ====================  ==============================  ==========================

    Parameters
    ----------
    signal
        ``(..., channels, time)`` of any order in AmbiX, or a spectrum with ``axis=-3``.
    plane
        ``"left_right"``, ``"front_back"`` or ``"up_down"``: which two sides change places.
    axis
        The channel axis, negative.

    Returns
    -------
    array
        The mirrored signal, of the shape, library, dtype and device of ``signal``.

    Raises
    ------
    AmbikitError
        If the plane is unknown.
    ShapeError
        If the channels are not those of a full order, or time is empty.
    ArrayTypeError
        If the signal holds integers.

    References
    ----------
    Kronlachner and Zotter, Spatial transformations for the enhancement of Ambisonic recordings, ICSA 2014.

    Examples
    --------
    Only Y, the left-right dipole, changes its sign:

    >>> mirror(np.ones((4, 1)), "left_right")[:, 0].tolist()
    [1.0, -1.0, 1.0, 1.0]
    """
    check_choice(plane, _PLANES, "plane")
    order = check_signal(signal, axis=axis)
    wide, half = widen(signal)
    signs = constant_like(_signs(plane, order), wide)
    return narrow(wide * signs.reshape(-1, *[1] * (-axis - 1)), half)


@cached_design
def _signs(plane: str, order: int) -> np.ndarray:
    """One sign per channel."""
    n, m = degrees_of(order)
    flipped = {
        "left_right": m < 0,
        "front_back": np.where(m < 0, m % 2 == 0, m % 2 == 1),
        "up_down": (n + m) % 2 == 1,
    }[plane]
    return np.where(flipped, -1.0, 1.0)
