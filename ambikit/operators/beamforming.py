"""Listening in one direction: beams of the usual patterns, of any order."""

from math import comb, cos, radians
from typing import Any

import numpy as np
from jaxtyping import Float, Inexact
from numpy.polynomial import legendre

from ambikit._arrays import (
    Array,
    as_float_array,
    cached_design,
    constant_like,
    is_array,
    is_torch,
    namespace,
    narrow,
    widen,
)
from ambikit._checks import check_choice, check_floating, check_order, check_signal
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.geometry.channels import spread_over_channels
from ambikit.geometry.directions import broadcast_shape
from ambikit.geometry.harmonics import spherical_harmonics
from ambikit.operators.channel_axis import angles_for
from ambikit.operators.channel_weights import weighted_sum

__all__ = ["beam_weights", "beamform", "degree_weights", "steered_weights"]

_PATTERNS = (
    "cardioid",
    "figure_eight",
    "hypercardioid",
    "max_re",
    "max_re_approximate",
    "omni",
    "subcardioid",
    "supercardioid",
)

# At order 9 the front-to-back ratio is 125 dB; weights and signals in single precision hold no more.
_MAXIMUM_SUPERCARDIOID = 9


def beam_weights(pattern: str, order: int = 1) -> Float[np.ndarray, "degrees"]:
    """How much of each degree a beam takes: the weights b_0 … b_order of ``g(x) = Σ b_n P_n(x)``.

    g is the gain for a source at an angle with cosine x to the beam's axis, and ``g(1) = Σ b_n = 1``. On SN3D
    channels the beam towards d is ``Σ_n b_n Σ_m Y_n^m(d) x_n^m``.

    ========================  ================================================================================
    pattern                   what it is best at
    ========================  ================================================================================
    ``"hypercardioid"``       the narrowest: directivity factor (order + 1)²; first order 1/4 + 3/4 x
    ``"supercardioid"``       the largest ratio of front to back energy, to order 9; first order 0.366 + 0.634 x
    ``"max_re"``              the longest energy vector; b_n ∝ (2 n + 1) P_n(largest root of P_{order+1}), exact
    ``"max_re_approximate"``  the same with cos(137.9° / (order + 1.51)) for the root, as many decoders have it
    ``"cardioid"``            no side lobe and silence behind: ((1 + x)/2)^order, also called in-phase
    ``"subcardioid"``         first order only: 3/4 + 1/4 x
    ``"figure_eight"``        first order only: x
    ``"omni"``                any order: the same gain everywhere
    ========================  ================================================================================

    Patterns with parameters have functions of their own: :func:`dolph_chebyshev_weights` for a level of the side
    lobes, :func:`fitted_beam_weights` for any pattern that can be drawn.

    Parameters
    ----------
    pattern
        One of the names above.
    order
        Ambisonic order of the beam, 1 or more (0 or more for ``"omni"``).

    Returns
    -------
    array
        ``(order + 1,)`` weights, one per degree, float64, with sum 1.

    Raises
    ------
    AmbikitError
        If the pattern is unknown or does not exist at that order.

    References
    ----------
    Elko, Differential microphone arrays, in Audio Signal Processing (2004), first-order family; Daniel,
    Représentation de champs acoustiques (2000), max-rE and in-phase; Zotter, Frank, All-round Ambisonic panning and
    decoding, J. Audio Eng. Soc. 60 (2012), eq. (10), the approximation of max-rE.

    Examples
    --------
    >>> beam_weights("hypercardioid", 1).tolist(), beam_weights("cardioid", 1).tolist()
    ([0.25, 0.75], [0.5, 0.5])
    >>> beam_weights("cardioid", 2).round(12).tolist()
    [0.333333333333, 0.5, 0.166666666667]
    """
    check_choice(pattern, _PATTERNS, "pattern")
    order = check_order(order, minimum=0 if pattern == "omni" else 1)
    if pattern in ("subcardioid", "figure_eight") and order != 1:
        raise AmbikitError(
            f"got pattern={pattern!r} at order {order}; expected order 1, the only one at which it exists; "
            'take "cardioid" or the first four channels of the signal'
        )
    if pattern == "supercardioid" and order > _MAXIMUM_SUPERCARDIOID:
        raise AmbikitError(
            f"got pattern='supercardioid' at order {order}; expected at most order {_MAXIMUM_SUPERCARDIOID}, where "
            'the ratio of front to back reaches 125 dB; take "max_re" or fewer channels'
        )
    return _weights(pattern, order).copy()


@cached_design
def _weights(pattern: str, order: int) -> np.ndarray:
    n = np.arange(order + 1)
    if pattern == "omni":
        return (n == 0).astype(np.float64)
    if pattern in ("subcardioid", "figure_eight"):
        return np.array([0.75, 0.25] if pattern == "subcardioid" else [0.0, 1.0])
    if pattern == "hypercardioid":
        weights = 2.0 * n + 1
    elif pattern == "cardioid":
        # N! (N + 1)! / ((N + n + 1)! (N − n)!), in whole numbers: binomials of 2 N + 1
        weights = (2 * n + 1) * np.array([comb(2 * order + 1, order - k) / comb(2 * order + 1, order) for k in n])
    elif pattern in ("max_re", "max_re_approximate"):
        exact = pattern == "max_re"
        root = legendre.leggauss(order + 1)[0].max() if exact else cos(radians(137.9) / (order + 1.51))
        weights = (2 * n + 1) * legendre.legvander(root, order)[0]
    else:
        weights = _supercardioid(order)
    return weights / weights.sum()


def _supercardioid(order: int) -> np.ndarray:
    """The pattern of unit energy with the least energy behind, and so with the most in front of it.

    Of all g = Σ c_n P_n √((2 n + 1) / 2), whose energy is Σ c_n², the one with the least energy on [−1, 0] is the
    last right singular vector of the matrix that samples the polynomials at Gauss nodes behind. (The generalised
    eigenvalue problem of the two energies says the same, but squares the condition: it loses half the digits.)
    """
    nodes, weights = legendre.leggauss(order + 1)
    scale = np.sqrt((2 * np.arange(order + 1) + 1) / 2)
    behind = np.sqrt(weights / 2)[:, None] * legendre.legvander((nodes - 1) / 2, order) * scale
    return np.linalg.svd(behind)[2][-1] * scale


def degree_weights(pattern: Any, order: int | None = None) -> Float[Array, "*batch degrees"]:
    """The weights b_n of a pattern: those of a name, or the given ones, checked against the order.

    Parameters
    ----------
    pattern
        A name of :func:`beam_weights`, or weights ``(..., order + 1)``: a list, array or tensor.
    order
        Ambisonic order; None means 1 for a name, and the order that the weights have.

    Returns
    -------
    array
        ``(..., order + 1)``: float64 NumPy, or the tensor.

    Raises
    ------
    AmbikitError
        If the pattern is unknown, or neither a word nor numbers.
    ShapeError
        If there is not one weight per degree.

    Examples
    --------
    >>> degree_weights([0.5, 0.5]).tolist() == degree_weights("cardioid").tolist()
    True
    """
    if isinstance(pattern, str):
        return beam_weights(pattern, 1 if order is None else order)
    if is_array(pattern):
        check_floating(pattern, "pattern")
    elif not isinstance(pattern, list | tuple):
        raise ArrayTypeError(
            f"got pattern of type {type(pattern).__name__}; expected the name of a pattern or the weights of its "
            "degrees; fit a function with ambikit.fitted_beam_weights"
        )
    weights = as_float_array(pattern)
    degrees = weights.shape[-1] if len(weights.shape) else 0
    if degrees == 0 or (order is not None and degrees != order + 1):
        expected = "at least one weight" if order is None else f"{order + 1} for order {order}"
        raise ShapeError(
            f"got a pattern of weights of shape {tuple(weights.shape)}; expected (..., order + 1), one weight per "
            f"degree: {expected}; weights of channels are applied with ambikit.apply_weights"
        )
    return weights


def steered_weights(
    weights: Float[Array, "*batch degrees"], harmonics: Float[Array, "*batch2 channels"]
) -> Float[Array, "..."]:
    """The weights of the channels of a beam: its weights per degree times the harmonics of its direction.

    Examples
    --------
    A cardioid to the left:

    >>> steered_weights(np.array([0.5, 0.5]), np.array([1.0, 1.0, 0.0, 0.0])).tolist()
    [0.5, 0.5, 0.0, 0.0]
    """
    shapes = tuple(weights.shape)[:-1], tuple(harmonics.shape)[:-1]
    broadcast_shape(*shapes, names="the leading axes of the pattern and the angles")
    if is_torch(weights) and not is_torch(harmonics):
        harmonics = constant_like(harmonics, weights)
    return harmonics * constant_like(spread_over_channels(weights), harmonics)


def beamform(
    signal: Inexact[Array, "..."],
    azimuth: Any,
    elevation: Any,
    pattern: Any = "hypercardioid",
    *,
    degrees: bool = False,
    axis: int = -2,
) -> Inexact[Array, "..."]:
    """Listen in one direction with a beam of the signal's own order: gain 1 there, less elsewhere.

    ``Σ_n b_n Σ_m Y_n^m(azimuth, elevation) x_n^m`` with the weights b_n of :func:`beam_weights`; for a hypercardioid of
    first order that is ``0.25 W + 0.75 d·[X, Y, Z]``.

    Parameters
    ----------
    signal
        ``(..., channels, time)`` of order 1 or more in AmbiX (0 for ``"omni"``), or a spectrum with ``axis=-3``.
        For a beam of lower order pass the first channels.
    azimuth, elevation
        The direction of the beam in radians, left and up positive: numbers, lists, arrays or tensors; they
        broadcast with the axes of ``signal`` before the channels: a signal ``(N, 1, C, T)`` with angles ``(N, K)``
        gives ``(N, K, T)``.
    pattern
        Name of a pattern of :func:`beam_weights`, or weights ``(..., order + 1)`` of the degrees, whose leading axes
        broadcast with the angles; weights that are a tensor get gradients.
    degrees
        Whether the angles are in degrees.
    axis
        The channel axis, negative; the result does not have it.

    Returns
    -------
    array
        ``(..., time)``, or ``(..., freq, time)`` with ``axis=-3``, in the library, dtype and device of ``signal``,
        with gradients to the signal and to angles that are tensors.

    Raises
    ------
    AmbikitError
        If the pattern is unknown or does not exist at the signal's order.
    ShapeError
        If the channels are not those of a full order, the weights are not those of its degrees, or angles and signal
        do not broadcast.
    ArrayTypeError
        If the signal holds integers, or NumPy arrays and tensors are mixed.

    References
    ----------
    Wang, Politis, Mesaros, Virtanen, Self-supervised learning of audio representations from audio-visual data using
    spatial alignment, IEEE J. Sel. Top. Signal Process. 16 (2022), eq. (5), which as printed is
    the first-order cardioid times 2.

    Examples
    --------
    A source on the left through hypercardioids to the left and to the right:

    >>> left = np.array([[1.0], [1.0], [0.0], [0.0]])
    >>> beamform(left, [90, -90], 0, degrees=True)[:, 0].round(12).tolist()
    [1.0, -0.5]
    """
    omni = isinstance(pattern, str) and pattern == "omni"
    order = check_signal(signal, axis=axis, minimum_order=1 if isinstance(pattern, str) and not omni else 0)
    weights = degree_weights(pattern, order)
    used = 0 if omni else order  # an omnidirectional beam does not touch the other channels
    wide, half = widen(signal)
    if is_torch(weights):
        namespace(wide, weights)
    azimuth, elevation = angles_for(wide, azimuth, elevation, degrees=degrees)
    harmonics = spherical_harmonics(azimuth, elevation, used)
    gains = constant_like(steered_weights(weights[..., : used + 1], harmonics), wide)
    return narrow(weighted_sum(wide, gains, axis), half)
