"""How well a beam keeps to its direction, in the figures that data sheets of microphones have."""

from dataclasses import dataclass, replace
from math import acos, inf, log10, pi
from typing import Any

import numpy as np
from numpy.polynomial import legendre

from ambikit._arrays import as_float_array, is_array, is_torch, loaded_torch
from ambikit._checks import check_floating, order_of_channels
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.directions import angles_to_vectors
from ambikit.geometry.harmonics import harmonics_of_vectors
from ambikit.operators.beamforming import degree_weights

__all__ = ["Directivity", "directivity", "directivity_of_weights"]


@dataclass(frozen=True)
class Directivity:
    """The figures of a beam, as :func:`directivity` finds them."""

    #: Directivity factor Q: how much more power a source on the axis has than diffuse sound as loud as it in W.
    factor: float
    #: Directivity index in dB, 10 lg Q.
    index_db: float
    #: The energy from the half sphere in front against that from behind, in dB, for diffuse sound.
    front_to_back_db: float
    #: The component along the axis of the energy vector, the mean direction of the energy: 0 for omni, 1 for a needle.
    energy_vector: float
    #: The angle, in radians, from half power on one side of the axis to half power on the other; 2 π where the beam
    #: nowhere falls so low; None for a beam that differs around its axis.
    half_power_width: float | None


def directivity(pattern: Any = "hypercardioid", order: int | None = None) -> Directivity:
    r"""How well a beam that looks the same all around its axis keeps to its direction.

    .. math:: Q = \frac{2\, g(1)^2}{\int_{-1}^{1} g^2\, dx} = \frac{(\sum b_n)^2}{\sum b_n^2 / (2 n + 1)}, \qquad
        r_E = \frac{\int x\, g^2\, dx}{\int g^2\, dx}, \qquad
        F/B = \frac{\int_0^1 g^2\, dx}{\int_{-1}^0 g^2\, dx}

    for the pattern ``g(x) = Σ b_n P_n(x)`` of the cosine x of the angle to the axis; all integrals are exact.

    Parameters
    ----------
    pattern
        A name of :func:`beam_weights`, or one weight per degree ``(order + 1,)``: a list, array or tensor.
    order
        Ambisonic order; 1 for a name, and what the weights have.

    Returns
    -------
    Directivity
        ``.factor``, ``.index_db``, ``.front_to_back_db``, ``.energy_vector``, ``.half_power_width`` (radians), as
        numbers.

    Raises
    ------
    AmbikitError
        If the pattern does not exist at that order, or has no gain along its axis.
    ShapeError
        If the weights are not those of one pattern of that order.

    See Also
    --------
    directivity_of_weights : for beams that differ around their axis.
    ambikit.plot.directivity : the pattern as a picture.

    References
    ----------
    Elko, Differential microphone arrays, in Audio Signal Processing (2004); Zotter, Frank, Ambisonics, Springer (2019),
    the energy vector.

    Examples
    --------
    The cardioid, as every catalogue of microphones has it: 4.8 dB, and 131° wide.

    >>> figures = directivity("cardioid")
    >>> round(figures.factor, 6), round(figures.index_db, 1), round(np.degrees(figures.half_power_width).item())
    (3.0, 4.8, 131)
    """
    weights = _in_numpy(degree_weights(pattern, order))
    if weights.ndim != 1:
        raise ShapeError(
            f"got weights of shape {weights.shape}; expected one pattern, (order + 1,); ask for each in turn"
        )
    # N + 1 nodes on each half are exact for x g², of degree 2 N + 1.
    nodes, steps = legendre.leggauss(len(weights))
    energy, forward = [], 0.0
    for x in ((nodes + 1) / 2, (nodes - 1) / 2):
        power = steps / 2 * legendre.legval(x, weights) ** 2
        energy.append(float(power.sum()))
        forward += float((x * power).sum())
    figures = _figures(float(weights.sum()), *energy, forward)
    return replace(figures, half_power_width=_half_power_width(weights))


def directivity_of_weights(weights: Any, azimuth: float, elevation: float, *, degrees: bool = False) -> Directivity:
    r"""How well a beam with one weight per channel keeps to a direction, such as one of :func:`mvdr`.

    The integrals of :func:`directivity` over the sphere, exact too, of ``|g(d)|² = |Σ_c w_c* y_c(d)|²``.

    Parameters
    ----------
    weights
        ``(channels,)``, one beam, real or complex.
    azimuth, elevation
        The direction that the figures are asked for, in radians.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    Directivity
        As from :func:`directivity`, with ``half_power_width`` None.

    Raises
    ------
    AmbikitError
        If the beam has no gain in that direction.
    ShapeError
        If the weights are not those of the channels of a full order, or there is more than one direction.

    Examples
    --------
    A hypercardioid to the left, in its own direction:

    >>> round(directivity_of_weights([0.25, 0.75, 0.0, 0.0], 90, 0, degrees=True).factor, 9)
    4.0
    """
    if is_array(weights):
        check_floating(weights, "weights", complex_allowed=True)
    weights = _in_numpy(weights)
    if weights.ndim != 1:
        raise ShapeError(f"got weights of shape {weights.shape}; expected one beam, (channels,); ask for each in turn")
    order = order_of_channels(len(weights), f"{len(weights)} weights")
    axis = _in_numpy(angles_to_vectors(azimuth, elevation, degrees=degrees))
    if axis.shape != (3,):
        raise ShapeError(f"got directions of shape {axis.shape[:-1]}; expected one direction; ask for each in turn")
    nodes, steps = legendre.leggauss(order + 1)
    around = np.arange(2 * order + 1) * (2 * pi / (2 * order + 1))
    across = np.linalg.svd(axis[None])[2][1:]  # two directions at right angles to the axis
    circle = np.cos(around)[:, None] * across[0] + np.sin(around)[:, None] * across[1]
    energy, forward = [], 0.0
    for x in ((nodes + 1) / 2, (nodes - 1) / 2):
        points = x[:, None, None] * axis + np.sqrt(1 - x**2)[:, None, None] * circle
        gains = harmonics_of_vectors(points, order) @ np.conj(weights)
        power = steps / 2 * (np.abs(gains) ** 2).mean(-1)
        energy.append(float(power.sum()))
        forward += float((x * power).sum())
    return _figures(float(np.abs(harmonics_of_vectors(axis, order) @ np.conj(weights))), *energy, forward)


def _in_numpy(values: Any) -> np.ndarray:
    """The figures are plain numbers: whatever holds the weights, they are worked out in NumPy."""
    if is_torch(values):
        torch = loaded_torch()
        return values.detach().cpu().to(torch.complex128 if values.is_complex() else torch.float64).numpy()
    array = np.asarray(values)
    return array if array.dtype.kind == "c" else as_float_array(array)


def _figures(axis: float, front: float, back: float, forward: float) -> Directivity:
    total = front + back
    if axis**2 <= 1e-28 * total:  # no more than a rounding error
        raise AmbikitError(
            "got a beam without gain along its axis; expected one that hears its own direction; every figure would be "
            "0 or infinite"
        )
    factor = 2 * axis**2 / total
    ratio = 10 * log10(front / back) if front > 0 and back > 0 else (inf if front > 0 else -inf)
    return Directivity(factor, 10 * log10(factor), ratio, forward / total, None)


def _half_power_width(weights: np.ndarray) -> float:
    """Twice the angle where the gain, followed from the axis, first falls to 1/√2 of that on the axis."""
    crossing = weights.copy()
    crossing[0] -= weights.sum() / np.sqrt(2)
    roots = legendre.legroots(np.trim_zeros(crossing, "b"))
    real = roots.real[(np.abs(roots.imag) < 1e-9) & (np.abs(roots.real) <= 1)]
    return 2 * acos(real.max()) if len(real) else 2 * pi
