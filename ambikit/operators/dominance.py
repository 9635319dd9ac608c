"""Dominance: the Lorentz transform of a sound field, which takes plane waves to plane waves without any error."""

from math import log
from typing import Any

import numpy as np
from jaxtyping import Float, Inexact

from ambikit._arrays import Array, constant_like, namespace
from ambikit._checks import check_order, check_signal
from ambikit.geometry.directions import angles_to_vectors
from ambikit.operators.directional_transform import DirectionalTransform, transform_channels
from ambikit.operators.meridian_transform import along_axis, gauss_nodes, in_numpy, meridian_matrix, parameters_for

__all__ = ["dominance", "dominance_transform"]


def dominance(
    signal: Inexact[Array, "..."],
    azimuth: Any,
    elevation: Any,
    gain_db: Any,
    *,
    degrees: bool = False,
    axis: int = -2,
    out: Any = None,
) -> Inexact[Array, "..."]:
    r"""Make one direction dominant: louder by a gain, the opposite one softer by it, all others drawn towards it.

    A plane wave stays a plane wave, exactly and at every order N. One whose direction has the cosine μ to the axis gets

    .. math:: g = (\cosh\zeta + \mu \sinh\zeta)^N, \qquad
        \tilde\mu = \frac{\mu\cosh\zeta + \sinh\zeta}{\cosh\zeta + \mu\sinh\zeta}, \qquad
        \zeta = \frac{\ln 10}{20 N}\, \text{gain}

    and keeps its angle around the axis. At first order that is Gerzon's dominance, with W' = W cosh ζ + X sinh ζ and
    X' = X cosh ζ + W sinh ζ to the front. One after the other, two along the same axis add up their gains, and the
    negative gain undoes it.

    Parameters
    ----------
    signal
        ``(..., channels, time)`` of order 1 or more in AmbiX, or a spectrum with ``axis=-3``.
    azimuth, elevation
        The direction in radians: numbers, lists, arrays or tensors, which broadcast with ``gain_db`` and with the
        axes of ``signal`` before the channels.
    gain_db
        Gain of a source in that direction, in dB; the same is taken from one in the opposite direction. The movement
        goes with it, and is less at higher order: sources at right angles to the axis come tanh ζ nearer in μ.
    degrees
        Whether the angles are in degrees.
    axis
        The channel axis, negative.
    out
        Where to write the result, as in :func:`apply_transform`.

    Returns
    -------
    array
        The signal of the same order, in the library, dtype and device of ``signal``, with gradients to it and to
        parameters that are tensors.

    Raises
    ------
    ShapeError
        If the channels are not those of a full order, time is empty, or the parameters do not broadcast.
    ArrayTypeError
        If the signal holds integers, or NumPy arrays and tensors are mixed.
    AmbikitError
        If ``out`` is given where a gradient is needed.

    See Also
    --------
    warp : moves as far as asked at any order, with levels that stay, at the price of errors.

    References
    ----------
    Gerzon and Barton, Ambisonic decoders for HDTV, 92nd AES Convention (1992), for first order; higher orders follow
    from the numerator of the moved harmonics, which is a polynomial of degree N in the direction.

    Examples
    --------
    6.02 dB to the front: a source ahead doubles, one behind is halved, one on the left comes to cos⁻¹ 0.6 = 53°.

    >>> sources = np.array([[1.0, 1, 1], [0, 0, 1], [0, 0, 0], [1, -1, 0]])  # ahead, behind, left
    >>> dominance(sources, 0, 0, 20 * np.log10(2)).T.round(12) + 0.0
    array([[ 2.  ,  0.  ,  0.  ,  2.  ],
           [ 0.5 ,  0.  ,  0.  , -0.5 ],
           [ 1.25,  1.  ,  0.  ,  0.75]])
    """
    order = check_signal(signal, axis=axis, minimum_order=1)
    parameters = parameters_for(signal, azimuth, elevation, gain_db, degrees=degrees)
    return transform_channels(signal, _dominance_matrix(*parameters, order), axis, out)


def dominance_transform(
    order: int, azimuth: Any, elevation: Any, gain_db: Any, *, degrees: bool = False
) -> DirectionalTransform:
    """Design what :func:`dominance` applies: to examine it with :func:`transform_report`, or to use it many times.

    Parameters
    ----------
    order
        Ambisonic order of the signals, 1 or more.
    azimuth, elevation, gain_db, degrees
        As :func:`dominance` has them.

    Returns
    -------
    DirectionalTransform
        ``.matrix`` is ``(..., channels, channels)``, float64 NumPy, or a tensor if a parameter is one.

    Raises
    ------
    AmbikitError, ShapeError, ArrayTypeError
        As :func:`dominance`.

    Examples
    --------
    >>> dominance_transform(1, 0, 0, 20 * np.log10(2)).matrix[0].round(12).tolist()
    [1.25, 0.0, 0.0, 0.75]
    """
    order = check_order(order, minimum=1)
    azimuth, elevation, gain_db = parameters_for(None, azimuth, elevation, gain_db, degrees=degrees)
    along = angles_to_vectors(azimuth, elevation)

    def parts(vectors: np.ndarray) -> Any:
        height, rapidity = (vectors * in_numpy(along)).sum(-1), in_numpy(gain_db) * (log(10) / 20 / order)
        return height, np.cosh(rapidity), np.sinh(rapidity), np.cosh(rapidity) + height * np.sinh(rapidity)

    def move(vectors: np.ndarray) -> Any:
        height, cosh, sinh, factor = parts(vectors)
        across = vectors - height[..., None] * in_numpy(along)
        return (across + (height * cosh + sinh)[..., None] * in_numpy(along)) / factor[..., None]

    def gain(vectors: np.ndarray) -> Any:
        return parts(vectors)[-1] ** order

    return DirectionalTransform(_dominance_matrix(azimuth, elevation, gain_db, order), move, gain)


def _dominance_matrix(
    azimuth: Array, elevation: Array, gain_db: Array, order: int
) -> Float[Array, "*batch channels channels"]:
    xp = namespace(gain_db)
    rapidity = (gain_db * (log(10) / 20 / order))[..., None]
    cosh, sinh = xp.cosh(rapidity), xp.sinh(rapidity)
    # With the gain all functions are polynomials of degree N before and after the move: N + 1 nodes are exact.
    heights, weights = (constant_like(part, rapidity) + 0 * rapidity for part in gauss_nodes(order + 1))
    sines, factor = xp.sqrt((1 - heights) * (1 + heights)), cosh + heights * sinh
    moved = (heights * cosh + sinh) / factor, sines / factor
    matrix = meridian_matrix(heights, sines, *moved, weights * factor**order, order, order)
    return along_axis(matrix, azimuth, elevation, order, order)
