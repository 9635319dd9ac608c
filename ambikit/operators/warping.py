"""Warping: sources drawn towards a direction, or towards the plane at right angles to it, each by its own angle."""

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
)

__all__ = ["warp", "warp_transform"]

# The gain of a plane wave is this power of the factor by which the sphere around it is stretched.
_POWERS = {"amplitude": 0.0, "energy": 0.5, "density": 1.0}
_TOWARDS = ("direction", "plane")
_NODES = 128  # besides the orders: errors of 1e-12 for amounts up to 0.9 at order 7


def warp(
    signal: Inexact[Array, "..."],
    azimuth: Any,
    elevation: Any,
    amount: Any,
    *,
    towards: str = "direction",
    keep: str = "energy",
    output_order: int | None = None,
    degrees: bool = False,
    axis: int = -2,
    out: Any = None,
) -> Inexact[Array, "..."]:
    r"""Draw all sources towards a direction, or towards the plane at right angles to it; the axis itself stays.

    With the cosine μ of the angle between a source and the axis d, it goes to

    .. math:: \tilde\mu = \frac{\mu + \alpha}{1 + \alpha\mu} \;\text{(towards the direction)}, \qquad
        \tilde\mu = \frac{(1 - \alpha)\,\mu}{1 - \alpha\,\mu^2} \;\text{(towards the plane, α > 0)};

    negative amounts α do the reverse of positive ones. Both are smooth, one to one, and keep the angle around the axis.
    Towards the direction it is the zoom, with d to the left and the plane it is the width of a stage.

    ===============  ==================================================================================
    ``keep``         gain of a plane wave, where the sphere around it is stretched by J
    ===============  ==================================================================================
    ``"energy"``     √J: diffuse sound stays diffuse and as loud, the energy over all directions stays
    ``"amplitude"``  1: every source keeps its amplitude in W; where it gets crowded it gets loud
    ``"density"``    J: the picture is stretched as rubber is; what is spread out gets loud
    ===============  ==================================================================================

    Parameters
    ----------
    signal
        ``(..., channels, time)`` of order 1 or more in AmbiX, or a spectrum with ``axis=-3``.
    azimuth, elevation
        The axis in radians, e.g. elevation π/2 for the vertical one: numbers, lists, arrays or tensors, which
        broadcast with ``amount`` and with the axes of ``signal`` before the channels: a signal ``(N, 1, C, T)`` with
        angles ``(N, K)`` gives ``(N, K, C, T)``.
    amount
        α, between −1 and 1, both excluded; 0 changes nothing. Sensible to ±0.9; what a source at right angles to
        the direction moves is arcsin α.
    towards
        ``"direction"`` or ``"plane"``.
    keep
        ``"energy"``, ``"amplitude"`` or ``"density"``.
    output_order
        Order of the result, that of the input by default. Stretching needs no more orders, compressing does;
        :func:`transform_report` tells how many.
    degrees
        Whether the angles are in degrees.
    axis
        The channel axis, negative.
    out
        Where to write the result, as in :func:`apply_transform`.

    Returns
    -------
    array
        The warped signal, in the library, dtype and device of ``signal``, with gradients to it and to parameters that
        are tensors.

    Raises
    ------
    AmbikitError
        If a word is unknown, an amount that is a plain number reaches ±1, or ``out`` is given where a gradient is
        needed.
    ShapeError
        If the channels are not those of a full order, time is empty, or the parameters do not broadcast.
    ArrayTypeError
        If the signal holds integers, or NumPy arrays and tensors are mixed.

    See Also
    --------
    dominance : moves plane waves without any error, but changes their levels.

    References
    ----------
    Zotter and Pomberger, Warping of the recording angle in Ambisonics, ICSA 2011; Kronlachner and Zotter, Spatial
    transformations for the enhancement of Ambisonic recordings, ICSA 2014.

    Examples
    --------
    Drawn to the front by sin 30°, the left comes to 60°, as far as the order can tell:

    >>> import ambikit
    >>> for order in (3, 5, 15):
    ...     left = ambikit.encode(np.ones(1), 90, 0, order, degrees=True)
    ...     beams = ambikit.beamform(warp(left, 0, 0, 0.5, degrees=True), np.arange(181), 0, "max_re", degrees=True)
    ...     print(abs(beams[:, 0]).argmax())
    66
    62
    60
    """
    order = check_signal(signal, axis=axis, minimum_order=1)
    output_order = order if output_order is None else check_order(output_order, name="output_order")
    _check(amount, towards, keep)
    parameters = parameters_for(signal, azimuth, elevation, amount, degrees=degrees)
    matrix = _warp_matrix(*parameters, order, output_order, towards, keep)
    return transform_channels(signal, matrix, axis, out)


def warp_transform(
    order: int,
    azimuth: Any,
    elevation: Any,
    amount: Any,
    *,
    towards: str = "direction",
    keep: str = "energy",
    output_order: int | None = None,
    degrees: bool = False,
) -> DirectionalTransform:
    """Design what :func:`warp` applies: to examine it with :func:`transform_report`, or to use it many times.

    Parameters
    ----------
    order
        Ambisonic order of the signals, 1 or more.
    azimuth, elevation, amount, towards, keep, output_order, degrees
        As :func:`warp` has them.

    Returns
    -------
    DirectionalTransform
        ``.matrix`` is ``(..., output channels, channels)``, float64 NumPy, or a tensor if a parameter is one.

    Raises
    ------
    AmbikitError, ShapeError, ArrayTypeError
        As :func:`warp`.

    Examples
    --------
    >>> warp_transform(1, 0, 0, 0.0).matrix.round(12).tolist() == np.eye(4).tolist()
    True
    """
    order = check_order(order, minimum=1)
    output_order = order if output_order is None else check_order(output_order, name="output_order")
    _check(amount, towards, keep)
    azimuth, elevation, amount = parameters_for(None, azimuth, elevation, amount, degrees=degrees)
    matrix = _warp_matrix(azimuth, elevation, amount, order, output_order, towards, keep)
    along = angles_to_vectors(azimuth, elevation)

    def heights(vectors: np.ndarray) -> Any:
        height = (vectors * in_numpy(along)).sum(-1)
        rule = _towards_direction if towards == "direction" else _to_or_from_plane
        return height, *rule(height, in_numpy(amount))

    def move(vectors: np.ndarray) -> Any:
        height, moved, shrink, _ = heights(vectors)
        across = vectors - height[..., None] * in_numpy(along)
        return moved[..., None] * in_numpy(along) + shrink[..., None] * across

    def gain(vectors: np.ndarray) -> Any:
        return heights(vectors)[-1] ** _POWERS[keep]

    return DirectionalTransform(matrix, move, gain)


def _check(amount: Any, towards: str, keep: str) -> None:
    check_choice(towards, _TOWARDS, "towards")
    check_choice(keep, _POWERS, "keep")
    check_between(amount, -1.0, 1.0, "amount", "±1 would put the whole sphere into one place", ends=False)


def _towards_direction(height: Array, amount: Array) -> tuple[Array, Array, Array]:
    """Where a height goes, by what the distance from the axis is multiplied, and how much the sphere is stretched."""
    xp = namespace(height, amount)
    shrink = xp.sqrt((1 - amount) * (1 + amount)) / (1 + amount * height)
    return (height + amount) / (1 + amount * height), shrink, shrink * shrink


def _towards_plane(height: Array, amount: Array) -> tuple[Array, Array, Array]:
    """The same towards the plane, for amounts from 0; by it sin² becomes sin² (1 − α² μ²) / (1 − α μ²)²."""
    xp = namespace(height, amount)
    below = 1 - amount * height**2
    shrink = xp.sqrt((1 - amount * height) * (1 + amount * height)) / below
    return (1 - amount) * height / below, shrink, (1 - amount) * (1 + amount * height**2) / below**2


def _to_or_from_plane(height: Any, amount: Any) -> tuple[Any, ...]:
    """Towards the plane, or for a negative amount by the inverse of it away from the plane."""
    a = np.abs(amount)
    source = 2 * height / (1 - a + np.sqrt((1 - a) ** 2 + 4 * a * height**2))  # what the plane's rule takes to height
    inward, outward = _towards_plane(height, a), _towards_plane(source, a)
    outward = (source, 1 / outward[1], 1 / outward[2])
    return tuple(np.where(amount > 0, i, o) for i, o in zip(inward, outward))


def _warp_matrix(
    azimuth: Array, elevation: Array, amount: Array, order: int, output_order: int, towards: str, keep: str
) -> Float[Array, "*batch out channels"]:
    xp = namespace(amount)
    nodes, weights = (constant_like(part, amount) for part in gauss_nodes(_NODES + order + output_order))
    sines = xp.sqrt((1 - nodes) * (1 + nodes))
    amount = amount[..., None]
    nodes, sines = nodes + 0 * amount, sines + 0 * amount
    power = _POWERS[keep]
    if towards == "direction":
        moved, shrink, stretch = _towards_direction(nodes, amount)
        matrix = meridian_matrix(nodes, sines, moved, sines * shrink, weights * stretch**power, order, output_order)
    else:
        # Away from the plane: the integral runs over the places after the move, where all functions are smooth.
        inward = amount > 0
        moved, shrink, stretch = _towards_plane(nodes, xp.where(inward, amount, -amount))
        before, after = (nodes, sines), (moved, sines * shrink)
        start = [xp.where(inward, b, a) for b, a in zip(before, after)]
        goal = [xp.where(inward, a, b) for b, a in zip(before, after)]
        gains = xp.where(inward, stretch**power, stretch ** (1 - power))
        matrix = meridian_matrix(*start, *goal, weights * gains, order, output_order)
    return along_axis(matrix, azimuth, elevation, order, output_order)
