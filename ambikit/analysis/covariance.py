"""How the channels of a spectrum hang together, and the power that beams would hear, without making the beams."""

from typing import Any

from jaxtyping import Complex, Float, Inexact

from ambikit._arrays import Array, constant_like, is_torch, namespace, narrow, widen
from ambikit._checks import check_floating, check_spectrum, order_of_channels
from ambikit.errors import ShapeError
from ambikit.geometry.directions import broadcast_shape
from ambikit.geometry.harmonics import spherical_harmonics
from ambikit.operators.beamforming import degree_weights, steered_weights
from ambikit.operators.channel_axis import angles_for
from ambikit.operators.channel_weights import is_complex

__all__ = ["power_map", "spatial_covariance"]


def spatial_covariance(
    spectrum: Complex[Array, "*batch channels freq time"], *, per_frequency: bool = False
) -> Complex[Array, "..."]:
    r"""How strong the channels are and how alike: their mean products over time and frequency.

    .. math:: C_{ij} = \frac{1}{FT} \sum_{f,t} X_i(f,t)\, X_j^*(f,t)

    Parameters
    ----------
    spectrum
        Spectrum ``(..., channels, freq, time)``; any channels.
    per_frequency
        Average over time alone and keep the frequencies: ``(..., freq, channels, channels)``.

    Returns
    -------
    Hermitian matrices ``(..., channels, channels)``, complex, in units of the spectrum squared.

    Raises
    ------
    ShapeError
        If the spectrum has fewer than three axes or an empty one.
    ArrayTypeError
        If the spectrum is not complex.

    See Also
    --------
    power_map : the power from each direction.

    References
    ----------
    H. L. Van Trees, "Optimum Array Processing", Wiley, 2002.

    Examples
    --------
    A plane wave from the left with amplitude 2 excites W and Y alike:

    >>> import numpy as np
    >>> spectrum = np.array([2, 2, 0, 0], dtype=complex).reshape(4, 1, 1)
    >>> spatial_covariance(spectrum)[:2, :2].real
    array([[4., 4.],
           [4., 4.]])
    """
    check_spectrum(spectrum)
    xp = namespace(spectrum)
    if per_frequency:
        observations = spectrum.swapaxes(-3, -2)  # (torch.moveaxis does not know vmap)
    else:
        observations = spectrum.reshape(*spectrum.shape[:-2], -1)
    return xp.matmul(observations, xp.conj(observations.mT)) / observations.shape[-1]


def power_map(
    covariance: Inexact[Array, "*batch channels channels"],
    azimuth: Any,
    elevation: Any,
    pattern: Any = "max_re",
    *,
    degrees: bool = False,
) -> Float[Array, "..."]:
    r"""How loud the sound is from each direction: the mean power of a beam that looks there.

    .. math:: P(d) = w(d)^\top C\, w(d)

    with the beam weights w of the pattern. Through the small covariance this takes one product per direction,
    however long the sound is.

    Parameters
    ----------
    covariance
        Covariance ``(..., channels, channels)`` of an AmbiX signal, see :func:`spatial_covariance`; complex, or
        real if it was taken over time.
    azimuth, elevation
        Directions in radians; they broadcast with the batch axes of the covariance: a covariance ``(N, 1, C, C)``
        with angles ``(D,)`` gives ``(N, D)``.
    pattern
        The beam's pattern: a name of :func:`ambikit.beam_weights`, or one weight per degree.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    Power, real, ``(...)`` in the units of the covariance: a plane wave has its own power in its direction.

    Raises
    ------
    ShapeError
        If the covariance is not square over a complete Ambisonic order, or the angles do not broadcast.
    ArrayTypeError
        If NumPy arrays and tensors are mixed.

    References
    ----------
    D. P. Jarrett, E. A. P. Habets and P. A. Naylor, "Theory and Applications of Spherical Microphone Array
    Processing", Springer, 2017.

    Examples
    --------
    A plane wave from the left (W = Y = 1): the cardioid that looks left hears all of it, the one to the right
    nothing, the one to the front, half its amplitude off, a quarter.

    >>> import numpy as np
    >>> covariance = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], dtype=float)
    >>> power_map(covariance, [90, -90, 0], 0, "cardioid", degrees=True).round(6)
    array([1.  , 0.  , 0.25])
    """
    check_floating(covariance, "covariance", complex_allowed=True)
    shape = tuple(covariance.shape)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(
            f"got covariance of shape {shape}; expected (..., channels, channels); "
            "make one with ambikit.spatial_covariance"
        )
    order = order_of_channels(shape[-1], f"a covariance of {shape[-1]} channels")
    covariance, dtype = widen(covariance)
    per_degree = degree_weights(pattern, order)
    if is_torch(per_degree):
        namespace(covariance, per_degree)
    harmonics = spherical_harmonics(*angles_for(covariance, azimuth, elevation, degrees=degrees), order)
    weights = steered_weights(per_degree, harmonics)
    broadcast_shape(tuple(weights.shape[:-1]), shape[:-2], names="the angles and the axes before the channels")
    # Real weights hear the real, symmetric part of a Hermitian matrix alone.
    real = covariance.real if is_complex(covariance) else covariance
    weights = weights.to(real.dtype) if is_torch(weights) else constant_like(weights, covariance)
    power = (namespace(covariance).einsum("...i,...ij->...j", weights, real) * weights).sum(-1)
    return narrow(power, dtype)
