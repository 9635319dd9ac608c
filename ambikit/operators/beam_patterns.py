"""Beams made to measure: a level for the side lobes, a width for the main lobe, or any pattern one can draw."""

from collections.abc import Callable
from math import acosh, cos, cosh, pi, radians
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.polynomial import legendre

from ambikit._arrays import is_torch
from ambikit._checks import check_order
from ambikit.errors import AmbikitError, ShapeError

__all__ = ["dolph_chebyshev_weights", "fitted_beam_weights"]

#: Nodes on which a function is sampled. A jump (a spotlight) is then off by 1/1000 of the sphere at most.
_NODES = 1024


def dolph_chebyshev_weights(
    order: int,
    *,
    side_lobe_db: float | None = None,
    main_lobe_width: float | None = None,
    degrees: bool = False,
) -> Float[np.ndarray, "degrees"]:
    r"""The narrowest main lobe for a level of the side lobes, and the lowest side lobes for a width of the main lobe.

    .. math:: g(x) = T_N\!\left(x_0^2 (1 + x) - 1\right) / T_N\!\left(2 x_0^2 - 1\right)

    with the Chebyshev polynomial T of degree N = order, the cosine x of the angle to the axis, and x_0 from the one
    parameter that is given. Outside the main lobe all side lobes are equally high. Without side lobes
    (``side_lobe_db`` towards −∞) it becomes the cardioid ((1 + x)/2)^N.

    Parameters
    ----------
    order
        Ambisonic order of the beam, 1 or more.
    side_lobe_db
        The level of the side lobes against that of the axis in dB, from −300 to less than 0; −30 is usual.
    main_lobe_width
        The angle from the zero on one side of the main lobe to that on the other, in radians, between π / order (where
        the side lobes reach 0 dB) and 2 π (where there are none).
    degrees
        Whether ``main_lobe_width`` is in degrees.

    Returns
    -------
    array
        ``(order + 1,)`` weights, one per degree, float64, with sum 1: a pattern for :func:`beamform` and wherever one
        is asked for.

    Raises
    ------
    AmbikitError
        If not exactly one of the two parameters is given, or it is out of its range.

    See Also
    --------
    beam_weights : the patterns that have names.

    References
    ----------
    Koretz, Rafaely, Dolph-Chebyshev beampattern design for spherical arrays, IEEE Trans. Signal Process. 57 (2009); in
    the paper the pattern is T_{2N}(x_0 cos(angle / 2)), which is the same.

    Examples
    --------
    At first order a rear lobe of half the amplitude is the hypercardioid, and zeros 180° apart are the dipole:

    >>> (dolph_chebyshev_weights(1, side_lobe_db=20 * np.log10(0.5)) + 0.0).round(12).tolist()
    [0.25, 0.75]
    >>> (dolph_chebyshev_weights(1, main_lobe_width=180.000001, degrees=True) + 0.0).round(6).tolist()
    [0.0, 1.0]
    """
    order = check_order(order, minimum=1)
    if (side_lobe_db is None) == (main_lobe_width is None):
        raise AmbikitError(
            f"got side_lobe_db={side_lobe_db!r} and main_lobe_width={main_lobe_width!r}; expected exactly one of them, "
            "since each determines the other; leave one out"
        )
    if side_lobe_db is not None:
        if not -300 <= side_lobe_db < 0:
            raise AmbikitError(
                f"got side_lobe_db={side_lobe_db!r}; expected the level of the side lobes against the main lobe in dB, "
                'from -300 to less than 0; for no side lobes take the pattern "cardioid"'
            )
        largest = cosh(acosh(10 ** (-side_lobe_db / 20)) / order)
    elif main_lobe_width is not None:
        width = radians(main_lobe_width) if degrees else main_lobe_width
        if not pi / order < width < 2 * pi:
            given = f"{main_lobe_width!r}" + (" degrees" if degrees else " radians")
            raise AmbikitError(
                f"got main_lobe_width={given}; expected more than {pi / order:.6g} radians ({180 / order:.6g} "
                f"degrees), the narrowest at order {order}, and less than a full turn; widen it or raise the order"
            )
        largest = 2 * (cos(pi / (4 * order)) / cos(width / 4)) ** 2 - 1
    # T_N on [−1, largest] is the pattern on [−1, 1]. Its zeros give it without large numbers; the N + 1 nodes make
    # its products with P_n exact.
    nodes, steps = legendre.leggauss(order + 1)
    zeros = np.cos((np.arange(order) + 0.5) * pi / order)
    gain = np.prod(((largest + 1) / 2 * (1 + nodes[:, None]) - 1 - zeros) / (largest - zeros), axis=-1)
    weights = (2 * np.arange(order + 1) + 1) * ((steps * gain) @ legendre.legvander(nodes, order))
    return weights / weights.sum()


def fitted_beam_weights(
    gain: Callable[[Float[np.ndarray, "nodes"]], Any] | Any, order: int, *, angle: Any = None, degrees: bool = False
) -> Float[np.ndarray, "degrees"]:
    """The beam of an order that comes nearest to any pattern around its axis: a function, or measured points.

    Nearest means the smallest mean square of the difference over the sphere,
    ``b_n = (2 n + 1)/2 ∫ gain(x) P_n(x) dx``. Measured points count as much as the part of the sphere around them.

    Parameters
    ----------
    gain
        A function of the cosine x of the angle to the axis, called once with an array of float64 in [−1, 1]; or
        samples ``(points,)`` of the pattern at the angles ``angle``.
    order
        Ambisonic order of the beam, 0 or more.
    angle
        The angles ``(points,)`` of the samples to the axis, in radians, from 0 to π, in any order, at least order + 1
        different ones.
    degrees
        Whether ``angle`` is in degrees.

    Returns
    -------
    array
        ``(order + 1,)`` weights, one per degree, float64: a pattern for :func:`beamform` and wherever one is asked
        for. Their sum is the gain on the axis, which is as drawn, not scaled to 1.

    Raises
    ------
    AmbikitError
        If there are too few different angles, angles out of range, or samples without angles.
    ShapeError
        If the function does not return one number per x, or there is not one sample per angle.

    See Also
    --------
    dolph_chebyshev_weights : beams whose side lobes have one level.

    References
    ----------
    Rafaely, Fundamentals of Spherical Array Processing, Springer (2015), ch. 5, axis-symmetric beams.

    Examples
    --------
    A cardioid from a function, and from five points of a drawing:

    >>> fitted_beam_weights(lambda x: 0.5 + 0.5 * x, 1).round(12).tolist()
    [0.5, 0.5]
    >>> fitted_beam_weights([1, 0.75, 0.5, 0.25, 0], 1, angle=[0, 60, 90, 120, 180], degrees=True).round(12).tolist()
    [0.5, 0.5]
    """
    order = check_order(order)
    if callable(gain) and not is_torch(gain):
        if angle is not None:
            raise AmbikitError("got a function and angles; expected angles only with samples; leave angle out")
        nodes, steps = legendre.leggauss(max(_NODES, 2 * (order + 1)))
        values = _real(gain(nodes), "what the function returned")
        if values.shape not in ((), nodes.shape):
            raise ShapeError(
                f"got values of shape {values.shape} from the function; expected {nodes.shape}, one per x; "
                "write it for arrays, e.g. with numpy.where instead of if"
            )
        return (np.arange(order + 1) + 0.5) * ((steps * values) @ legendre.legvander(nodes, order))
    return _fit_samples(_real(gain, "gain"), order, angle, degrees)


def _fit_samples(values: np.ndarray, order: int, angle: Any, degrees: bool) -> np.ndarray:
    if angle is None:
        raise AmbikitError("got samples without angles; expected the angle of each to the axis; pass angle")
    angle = np.radians(_real(angle, "angle")) if degrees else _real(angle, "angle")
    if values.ndim != 1 or values.shape != angle.shape:
        raise ShapeError(
            f"got samples of shape {values.shape} at angles of shape {angle.shape}; expected one axis of equal length"
        )
    if not ((angle >= -1e-9) & (angle <= pi + 1e-9)).all():
        raise AmbikitError(
            "got angles outside 0 to π (180 degrees); expected angles to the axis; the pattern is the same all around "
            "its axis, so pass one half of a full turn"
        )
    x = np.cos(angle)
    different, place = np.unique(x, return_inverse=True)
    if len(different) < order + 1:
        raise AmbikitError(
            f"got {len(different)} different angles; expected at least {order + 1} for order {order}; lower the order"
        )
    # Each angle stands for the band of the sphere up to the middles between it and its neighbours.
    edges = np.concatenate([[-1.0], (different[1:] + different[:-1]) / 2, [1.0]])
    share = np.sqrt(np.diff(edges)[place] / np.bincount(place)[place])
    return np.linalg.lstsq(share[:, None] * legendre.legvander(x, order), share * values, rcond=None)[0]


def _real(values: Any, name: str) -> np.ndarray:
    """A design is made in NumPy: numbers of any kind but complex ones, in float64."""
    array = np.asarray(values.detach().cpu() if is_torch(values) else values)
    if array.dtype.kind not in "fiub":
        raise AmbikitError(f"got {name} of dtype {array.dtype}; expected real numbers")
    return array.astype(np.float64)
