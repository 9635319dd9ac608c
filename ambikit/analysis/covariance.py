"""How the channels of a spectrum hang together, and the power that beams would hear, without making the beams."""

from typing import Any

from jaxtyping import Complex, Float, Inexact

from ambikit._arrays import Array, constant_like, is_torch, namespace, narrow
from ambikit._checks import check_spectrum
from ambikit.geometry.directions import broadcast_shape
from ambikit.geometry.harmonics import spherical_harmonics
from ambikit.operators.adaptive_beams import checked_covariance, loaded_inverse
from ambikit.operators.beamforming import degree_weights, steered_weights
from ambikit.operators.channel_axis import angles_for, apply_matrix
from ambikit.operators.channel_weights import is_complex

__all__ = ["mvdr_map", "power_map", "spatial_covariance", "steering_vectors"]


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
        *leading, freq, time = spectrum.shape  # multiplied, as a batch of no clips has no -1
        observations = spectrum.reshape(*leading, freq * time)
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
    order, wide, half = checked_covariance(covariance)
    per_degree = degree_weights(pattern, order)
    if is_torch(per_degree):
        namespace(wide, per_degree)
    harmonics = steering_vectors(wide, order, azimuth, elevation, degrees=degrees)
    return narrow(_power_of(steered_weights(per_degree, harmonics), wide), half)


def mvdr_map(
    covariance: Inexact[Array, "*batch channels channels"],
    azimuth: Any,
    elevation: Any,
    *,
    diagonal_loading: float = 1e-3,
    degrees: bool = False,
) -> Float[Array, "..."]:
    r"""How loud the sound is from each direction, heard by the beam that lets in the least of all others.

    .. math:: P(d) = \frac{1}{y(d)^\top C^{-1} y(d)}

    with the harmonics y of the direction: the power behind the beam :func:`ambikit.mvdr`, whose pattern is another one
    in each direction. Sources stand out more sharply than in :func:`power_map`, and keep their power.

    Parameters
    ----------
    covariance, azimuth, elevation
        As for :func:`power_map`.
    diagonal_loading
        Diffuse sound that is added, as a share of the mean power of the N3D channels, 0 or more: the noise floor of the
        map. A covariance that is singular (fewer sources than channels, and no noise) has a map at any loading above 0;
        the less, the sharper.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    array
        Power, real, ``(...)`` in the units of the covariance. A plane wave has its own power in its direction, and that
        of the loading; diffuse sound has 1 / channels of its power everywhere. Silence gives 0.

    Raises
    ------
    AmbikitError
        If the loading is not a number of at least 0, or it is 0 and a NumPy covariance is singular (a tensor then gives
        what is not finite).
    ShapeError
        If the covariance is not square over a complete order, or the angles do not broadcast.
    ArrayTypeError
        If NumPy arrays and tensors are mixed, or the covariance holds integers.

    See Also
    --------
    music : sharper still, but without powers.
    map_peaks : the directions where a map is largest.

    References
    ----------
    Capon, High-resolution frequency-wavenumber spectrum analysis, Proc. IEEE 57 (1969); Rafaely, Fundamentals of
    Spherical Array Processing, Springer (2015), ch. 7.

    Examples
    --------
    Power 4 from the left in diffuse sound of power 0.04, of which every direction hears a quarter:

    >>> import numpy as np
    >>> from ambikit import diffuse_covariance
    >>> left = 2 * np.array([1.0, 1.0, 0.0, 0.0])
    >>> covariance = np.outer(left, left) + 0.04 * diffuse_covariance(1)
    >>> mvdr_map(covariance, [90, -90], 0, diagonal_loading=0.0, degrees=True).round(4)
    array([4.01  , 0.0133])
    """
    order, wide, half = checked_covariance(covariance)
    steering = steering_vectors(wide, order, azimuth, elevation, normalization="n3d", degrees=degrees)
    inverse, power = loaded_inverse(wide, order, diagonal_loading)
    return narrow(power / _power_of(steering, inverse), half)


def steering_vectors(
    covariance: Array, order: int, azimuth: Any, elevation: Any, *, normalization: str = "sn3d", degrees: bool = False
) -> Array:
    """The harmonics ``(..., channels)`` of directions that broadcast with the batch axes of a covariance.

    Real, in the library, precision and device of the covariance.
    """
    angles = angles_for(covariance, azimuth, elevation, degrees=degrees)
    harmonics = spherical_harmonics(*angles, order, normalization=normalization)
    names = "the angles and the axes before the channels"
    broadcast_shape(tuple(harmonics.shape)[:-1], tuple(covariance.shape)[:-2], names=names)
    return constant_like(harmonics, covariance)


def _power_of(weights: Array, matrix: Array) -> Array:
    """``wᵀ M w`` for real weights, which hear the real, symmetric part of a Hermitian matrix alone."""
    real = matrix.real if is_complex(matrix) else matrix
    weights = constant_like(weights, matrix)
    return (apply_matrix(weights[..., None, :], real)[..., 0, :] * weights).sum(-1)
