"""Beams made for one sound field: gains held in given directions, and as little as possible of all else."""

from typing import Any

import numpy as np
from jaxtyping import Float, Inexact

from ambikit._arrays import Array, as_float_array, constant_like, is_array, is_torch, namespace, narrow, widen
from ambikit._checks import check_floating, check_order, order_of_channels
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.channels import degree_pairs
from ambikit.geometry.directions import broadcast_shape
from ambikit.geometry.harmonics import spherical_harmonics
from ambikit.operators.channel_axis import angles_for
from ambikit.operators.channel_weights import is_complex
from ambikit.operators.null_steering import check_constraints, constrained_weights, in_dtype_of, n3d_factors

__all__ = ["checked_covariance", "diffuse_covariance", "lcmv", "loaded_inverse", "mvdr"]

# Everything here is computed in N3D, where diffuse sound has the identity for its covariance; the factors √(2n + 1)
# enter and leave at the doors.


def diffuse_covariance(order: int) -> Float[np.ndarray, "channels channels"]:
    """The covariance of sound that comes from everywhere alike, with power 1 in W: diag(1 / (2 n + 1)) in SN3D.

    It takes the place that the identity has for N3D channels: :func:`mvdr` of it is the hypercardioid.

    Parameters
    ----------
    order
        Ambisonic order, 0 or more.

    Returns
    -------
    array
        ``(channels, channels)``, float64.

    Raises
    ------
    AmbikitError
        If ``order`` is not a whole number of at least 0.

    Examples
    --------
    >>> np.diag(diffuse_covariance(1)).round(6).tolist()
    [1.0, 0.333333, 0.333333, 0.333333]
    """
    return np.diag([1 / (2 * n + 1) for n, _ in degree_pairs(check_order(order))])


def mvdr(
    covariance: Inexact[Array, "*batch channels channels"],
    azimuth: Any,
    elevation: Any,
    *,
    diagonal_loading: float = 1e-3,
    degrees: bool = False,
) -> Inexact[Array, "*out channels"]:
    r"""The beam with gain 1 in one direction that hears the least of a sound field.

    .. math:: w = \frac{R^{-1} y}{y^\top R^{-1} y}

    with the harmonics y of the direction and the covariance R (Capon's minimum-variance distortionless response).
    Given the covariance of noise and interferers alone it is MVDR proper; with the source in the covariance
    it is also called MPDR, and needs the loading against a direction that is not quite right.

    Parameters
    ----------
    covariance
        Covariance ``(..., channels, channels)`` of an AmbiX signal, real or complex, see :func:`spatial_covariance`;
        with ``per_frequency=True`` there, one beam per frequency.
    azimuth, elevation
        The direction of the beam in radians; they broadcast with the batch axes of the covariance.
    diagonal_loading
        Diffuse sound that is added, as a share of the mean power of the N3D channels, 0 or more. The larger, the
        nearer is the beam to the hypercardioid. 0 needs a covariance of full rank.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    array
        Weights ``(..., channels)`` for :func:`apply_weights`, in the library, dtype and device of the covariance,
        with gradients to the covariance and to angles that are tensors. The result does not change when the covariance
        is scaled. A covariance of zeros (silence) gives the hypercardioid.

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
    lcmv : gains in several directions.
    null_steering_weights : zeros in known directions, without a covariance.

    References
    ----------
    Capon, High-resolution frequency-wavenumber spectrum analysis, Proc. IEEE 57 (1969); Rafaely, Fundamentals of
    Spherical Array Processing, Springer (2015), ch. 7.

    Examples
    --------
    An interferer on the left and a little diffuse noise: the beam to the front turns its zero to the left.

    >>> interferer = np.array([1.0, 1.0, 0.0, 0.0])
    >>> weights = mvdr(np.outer(interferer, interferer) + 1e-4 * diffuse_covariance(1), 0.0, 0.0, diagonal_loading=0.0)
    >>> front, left = np.array([1.0, 0.0, 0.0, 1.0]), interferer
    >>> [round(float(weights @ source), 3) + 0.0 for source in (front, left)]
    [1.0, 0.0]
    """
    order, wide, half = checked_covariance(covariance)
    harmonics = spherical_harmonics(*angles_for(wide, azimuth, elevation, degrees=degrees), order, normalization="n3d")
    names = "the angles and the axes before the channels"
    broadcast_shape(tuple(harmonics.shape)[:-1], tuple(wide.shape)[:-2], names=names)
    steering = in_dtype_of(constant_like(harmonics, wide), wide)
    inverse, _ = loaded_inverse(wide, order, diagonal_loading)
    solved = (inverse @ steering[..., None])[..., 0]
    response = (steering * solved).sum(-1)[..., None]  # real, as the covariance is Hermitian
    weights = solved * (1 / (response.real if is_complex(response) else response))
    return narrow(weights * n3d_factors(order, wide), half)


def lcmv(
    covariance: Inexact[Array, "*batch channels channels"],
    azimuth: Any,
    elevation: Any,
    gains: Any,
    *,
    diagonal_loading: float = 1e-3,
    degrees: bool = False,
) -> Inexact[Array, "*out channels"]:
    r"""The beam with given gains in several directions that hears the least of a sound field.

    .. math:: w = R^{-1} V \left(V^H R^{-1} V\right)^{-1} g^*

    with the harmonics of the directions as columns of V and the covariance R (linearly constrained minimum variance).

    Parameters
    ----------
    covariance
        Covariance ``(..., channels, channels)`` of an AmbiX signal, real or complex, see :func:`spatial_covariance`.
    azimuth, elevation
        The directions ``(..., constraints)`` in radians, at most as many as there are channels; the axes before the
        last broadcast with the batch axes of the covariance.
    gains
        The gain ``(..., constraints)`` in each direction: 1 to keep a source, 0 to silence it; real or complex.
    diagonal_loading
        As for :func:`mvdr`.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    array
        Weights ``(..., channels)`` for :func:`apply_weights`, in the library and precision of the covariance, with
        gradients; complex if the covariance or the gains are.

    Raises
    ------
    AmbikitError
        If the loading is not a number of at least 0; for NumPy arrays also if a covariance is singular and not loaded,
        or if two gains contradict each other, being asked for in one direction.
    ShapeError
        If the covariance is not square over a complete order, the axes do not fit, or there are more directions than
        channels.
    ArrayTypeError
        If NumPy arrays and tensors are mixed, or the covariance holds integers.

    References
    ----------
    Frost, An algorithm for linearly constrained adaptive array processing, Proc. IEEE 60 (1972); Rafaely,
    Fundamentals of Spherical Array Processing, Springer (2015), ch. 7.

    Examples
    --------
    Hear the front in full, the back at half, and nothing of the left:

    >>> weights = lcmv(diffuse_covariance(1), [0.0, 180.0, 90.0], [0.0, 0.0, 0.0], [1.0, 0.5, 0.0], degrees=True)
    >>> sources = np.array([[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, -1.0], [1.0, 1.0, 0.0, 0.0]])
    >>> (sources @ weights).round(12).tolist()
    [1.0, 0.5, 0.0]
    """
    order, wide, half = checked_covariance(covariance)
    azimuth, elevation = angles_for(wide, azimuth, elevation, degrees=degrees)
    gains = _numbers_like(gains, wide)
    harmonics = spherical_harmonics(azimuth, elevation, order, normalization="n3d")
    constraints = check_constraints(harmonics, tuple(gains.shape), order)
    broadcast_shape(constraints, tuple(wide.shape)[:-2], names="the angles' leading axes and those of the covariance")
    inverse, _ = loaded_inverse(wide, order, diagonal_loading)
    if is_complex(gains) and not is_complex(inverse):
        inverse = inverse + 0j
        half = None
    weights = constrained_weights(inverse, constant_like(harmonics, wide), gains)
    return narrow(weights * n3d_factors(order, wide), half)


def _numbers_like(gains: Any, like: Array) -> Array:
    """Real or complex numbers in the library of ``like`` and in double precision; arrays as they are."""
    if is_array(gains):
        check_floating(gains, "gains", complex_allowed=True)
        namespace(like, gains)
        return gains
    if not is_torch(like):
        numbers = np.asarray(gains)
        return numbers if is_complex(numbers) else as_float_array(numbers)
    xp = namespace(like)
    dtype = xp.complex128 if xp.as_tensor(gains).is_complex() else xp.float64
    return xp.as_tensor(gains, dtype=dtype, device=like.device)


def checked_covariance(covariance: Any) -> tuple[int, Array, Any]:
    """The order, the covariance in a dtype fit for arithmetic, and the dtype to return in."""
    check_floating(covariance, "covariance", complex_allowed=True)
    shape = tuple(covariance.shape)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(
            f"got covariance of shape {shape}; expected (..., channels, channels); "
            "make one with ambikit.spatial_covariance"
        )
    order = order_of_channels(shape[-1], f"a covariance of {shape[-1]} channels")
    return order, *widen(covariance)


def loaded_inverse(covariance: Array, order: int, loading: float) -> tuple[Array, Array]:
    """The inverse of the N3D covariance of mean power 1 with diffuse sound of power ``loading`` added, and the power.

    Silence is taken for diffuse, so that it needs no small number against a division by 0.
    """
    if not isinstance(loading, int | float | np.integer | np.floating) or not 0 <= loading < float("inf"):
        raise AmbikitError(
            f"got diagonal_loading={loading!r}; expected a number of at least 0, a share of the mean power, e.g. 1e-3"
        )
    xp = namespace(covariance)
    factors = n3d_factors(order, covariance)
    covariance = covariance * factors[:, None] * factors
    power = xp.einsum("...ii->...", covariance) / (order + 1) ** 2
    power = power.real if is_complex(power) else power
    sounds = power > 0
    one = xp.ones_like(power)
    share = xp.where(sounds, loading * one, one)[..., None, None]
    loaded = covariance / xp.where(sounds, power, one)[..., None, None] + share * constant_like(
        np.eye((order + 1) ** 2), covariance
    )
    if is_torch(loaded):
        return xp.linalg.inv_ex(loaded)[0], power  # which does not look at the values, and so does not wait for a GPU
    try:
        return np.linalg.inv(loaded), power
    except np.linalg.LinAlgError as error:
        raise AmbikitError(
            f"got a covariance of shape {covariance.shape} that is singular; expected one of full rank where "
            "diagonal_loading is 0; leave diagonal_loading at its default, or average over more of the sound"
        ) from error
