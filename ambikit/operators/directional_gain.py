"""Directional loudness: louder, softer or silent inside a window of directions."""

from math import log, pi, sqrt
from typing import Any

import numpy as np
from jaxtyping import Float, Inexact

from ambikit._arrays import Array, constant_like, namespace
from ambikit._checks import check_choice, check_order, check_signal
from ambikit.geometry.directions import angles_to_vectors
from ambikit.operators.directional_transform import DirectionalTransform, transform_channels
from ambikit.operators.meridian_transform import (
    along_axis,
    check_between,
    gauss_nodes,
    in_numpy,
    meridian_matrix,
    parameters_for,
    unit_matrix,
)

__all__ = ["directional_gain", "directional_gain_transform"]

_WINDOWS = ("cap", "cosine", "gaussian")
_NODES = 64  # besides the orders


def directional_gain(
    signal: Inexact[Array, "..."],
    azimuth: Any,
    elevation: Any,
    width: Any,
    gain_db: Any = 0.0,
    *,
    outside_db: Any = 0.0,
    window: str = "cosine",
    output_order: int | None = None,
    degrees: bool = False,
    axis: int = -2,
    out: Any = None,
) -> Inexact[Array, "..."]:
    r"""Turn the sound from some directions up or down, and leave it where it is.

    .. math:: g(d) = g_\text{out} + (g_\text{in} - g_\text{out})\, w(\theta)

    with the angle θ between a source and the axis. ``gain_db=-20`` softens what lies in the window;
    ``outside_db=-np.inf`` keeps nothing but that: a spatial mask.

    ==============  ======================================================================================
    ``window``      w(θ)
    ==============  ======================================================================================
    ``"cap"``       1 for θ < width / 2, 0 beyond: the sharpest, and the one that needs the highest order
    ``"cosine"``    (1 + cos(π θ / width)) / 2 for θ < width, 0 beyond
    ``"gaussian"``  exp(−κ (1 − cos θ)), 1/2 at θ = width / 2: of the three the one with the least ripple
    ==============  ======================================================================================

    Parameters
    ----------
    signal
        ``(..., channels, time)`` of any order in AmbiX, or a spectrum with ``axis=-3``.
    azimuth, elevation
        The middle of the window in radians: numbers, lists, arrays or tensors, which broadcast with ``width`` and the
        gains, and with the axes of ``signal`` before the channels: a signal ``(N, 1, C, T)`` with angles ``(N, K)``
        gives ``(N, K, C, T)``.
    width
        From one side to the other, where w is 1/2, in the unit of the angles: above 0, to π, for a cap to 2 π.
    gain_db
        Gain in the middle of the window, in dB; −∞ is silence.
    outside_db
        Gain outside of it, in dB; −∞ is silence.
    window
        ``"cap"``, ``"cosine"`` or ``"gaussian"``. Any other function of direction: :func:`directional_transform`.
    output_order
        Order of the result, that of the input by default; the product of both functions on the sphere has more degrees
        than the signal, and those above are cut away. :func:`transform_report` says what that costs.
    degrees
        Whether the angles, and the width, are in degrees.
    axis
        The channel axis, negative.
    out
        Where to write the result, as in :func:`apply_transform`.

    Returns
    -------
    array
        The edited signal, in the library, dtype and device of ``signal``, with gradients to it and to parameters that
        are tensors.

    Raises
    ------
    AmbikitError
        If the window is unknown, a width that is a plain number is not in its range, or ``out`` is given where a
        gradient is needed.
    ShapeError
        If the channels are not those of a full order, time is empty, or the parameters do not broadcast.
    ArrayTypeError
        If the signal holds integers, or NumPy arrays and tensors are mixed.

    References
    ----------
    Kronlachner and Zotter, Spatial transformations for the enhancement of Ambisonic recordings, ICSA 2014:
    directional loudness modification.

    Examples
    --------
    Only the left half of W, as a mask of 180°: half of its energy, and a dipole to the left.

    >>> omni = np.array([[1.0], [0.0], [0.0], [0.0]])
    >>> mask = directional_gain(omni, 90, 0, 180, outside_db=-np.inf, window="cap", degrees=True)
    >>> mask[:, 0].round(12) + 0.0
    array([0.5 , 0.25, 0.  , 0.  ])
    """
    order = check_signal(signal, axis=axis)
    output_order = order if output_order is None else check_order(output_order, name="output_order")
    parameters = _parameters(signal, azimuth, elevation, width, gain_db, outside_db, window, degrees)
    return transform_channels(signal, _gain_matrix(*parameters, window, order, output_order), axis, out)


def directional_gain_transform(
    order: int,
    azimuth: Any,
    elevation: Any,
    width: Any,
    gain_db: Any = 0.0,
    *,
    outside_db: Any = 0.0,
    window: str = "cosine",
    output_order: int | None = None,
    degrees: bool = False,
) -> DirectionalTransform:
    """Design what :func:`directional_gain` applies: to examine it with :func:`transform_report`, or to use it often.

    Parameters
    ----------
    order
        Ambisonic order of the signals.
    azimuth, elevation, width, gain_db, outside_db, window, output_order, degrees
        As :func:`directional_gain` has them.

    Returns
    -------
    DirectionalTransform
        ``.matrix`` is ``(..., output channels, channels)``, float64 NumPy, or a tensor if a parameter is one.

    Raises
    ------
    AmbikitError, ShapeError, ArrayTypeError
        As :func:`directional_gain`.

    Examples
    --------
    >>> directional_gain_transform(0, 0, 0, 180, outside_db=-np.inf, window="cap", degrees=True).matrix.round(12)
    array([[0.5]])
    """
    order = check_order(order)
    output_order = order if output_order is None else check_order(output_order, name="output_order")
    parameters = _parameters(None, azimuth, elevation, width, gain_db, outside_db, window, degrees)
    azimuth, elevation, *others = parameters
    along = angles_to_vectors(azimuth, elevation)

    def gain(vectors: np.ndarray) -> Any:
        width, inside_db, outside_db = (in_numpy(value) for value in others)
        angle = 2 * np.arcsin(np.clip(np.linalg.norm(vectors - in_numpy(along), axis=-1) / 2, 0, 1))
        inside, outside = 10 ** (inside_db / 20), 10 ** (outside_db / 20)
        return outside + (inside - outside) * _window_at(angle, width, window)

    return DirectionalTransform(_gain_matrix(*parameters, window, order, output_order), gain=gain)


def _parameters(
    signal: Array | None,
    azimuth: Any,
    elevation: Any,
    width: Any,
    gain_db: Any,
    outside_db: Any,
    window: str,
    degrees: bool,
) -> tuple[Array, ...]:
    check_choice(window, _WINDOWS, "window")
    limit = (2 if window == "cap" else 1) * (180.0 if degrees else pi)
    check_between(width, 1e-6 * limit, limit, "width", "wider ones belong to the gain outside")
    values = parameters_for(signal, azimuth, elevation, width, gain_db, outside_db, degrees=degrees)
    azimuth, elevation, width, *gains = values
    return azimuth, elevation, width * (pi / 180 if degrees else 1.0), *gains


def _window_at(angle: Array, width: Array, window: str) -> Array:
    """The window at an angle to its middle."""
    xp = namespace(angle, width)
    if window == "cap":
        return xp.where(angle < width / 2, 1.0, 0.0)
    if window == "cosine":
        return xp.where(angle < width, (1 + xp.cos(pi * angle / width)) / 2, 0.0)
    return xp.exp(-log(2) * (xp.sin(angle / 2) / xp.sin(width / 4)) ** 2)


def _gain_matrix(
    azimuth: Array,
    elevation: Array,
    width: Array,
    gain_db: Array,
    outside_db: Array,
    window: str,
    order: int,
    output_order: int,
) -> Float[Array, "*batch out channels"]:
    xp = namespace(width)
    wide = width[..., None]
    # The integral runs over the window alone, where it is smooth: over cos θ = 1 − reach² (1 − x), x from −1 to 1.
    if window == "cap":
        reach = xp.sin(wide / 4)
    elif window == "cosine":
        reach = xp.sin(xp.minimum(wide, xp.full_like(wide, pi)) / 2)
    else:  # e⁻⁴⁰ at its end
        reach = xp.minimum(xp.ones_like(wide), xp.sin(wide / 4) * sqrt(40 / log(2)))
    nodes, weights = (constant_like(part, wide) for part in gauss_nodes(_NODES + order + output_order))
    heights = 1 - reach**2 * (1 - nodes)
    sines = reach * xp.sqrt((1 - nodes) * (1 + heights))
    weights = weights * reach**2
    if window != "cap":
        angles = 2 * xp.arcsin(reach * xp.sqrt((1 - nodes) / 2))
        weights = weights * _window_at(angles, wide, window)
    matrix = meridian_matrix(heights, sines, heights, sines, weights, order, output_order)
    matrix = along_axis(matrix, azimuth, elevation, order, output_order)
    inside, outside = (10 ** (gain[..., None, None] / 20) for gain in (gain_db, outside_db))
    return outside * unit_matrix(wide, order, output_order) + (inside - outside) * matrix
