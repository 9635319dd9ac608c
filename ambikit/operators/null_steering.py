"""Beams with given gains in given directions, and the least of all else."""

from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, constant_like, is_array, is_torch, namespace
from ambikit._checks import check_order
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.channels import degree_pairs
from ambikit.geometry.directions import angles_in_radians, broadcast_shape
from ambikit.geometry.harmonics import spherical_harmonics

__all__ = ["check_constraints", "constrained_weights", "in_dtype_of", "n3d_factors", "null_steering_weights"]

# All is computed in N3D, where diffuse sound has the identity for its covariance; the factors √(2n + 1) bring the
# weights to SN3D channels.


def null_steering_weights(
    azimuth: Any, elevation: Any, null_azimuth: Any, null_elevation: Any, order: int = 1, *, degrees: bool = False
) -> Float[Array, "*batch channels"]:
    """A beam with gain 1 in one direction, zeros in others, and the least of diffuse sound: known disturbers silenced.

    The :func:`lcmv` beam for :func:`diffuse_covariance`, which makes the weights of N3D channels as small as they can
    be. Without zeros it would be the hypercardioid.

    Parameters
    ----------
    azimuth, elevation
        The direction ``(...)`` of the beam in radians: numbers, lists, arrays or tensors.
    null_azimuth, null_elevation
        The directions ``(..., nulls)`` of the zeros in radians, fewer than there are channels; the axes before the last
        broadcast with those of ``azimuth``.
    order
        Ambisonic order, 1 or more.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    array
        Weights ``(..., channels)`` for :func:`apply_weights`: float64 NumPy, or a tensor with gradients if an angle is
        a tensor.

    Raises
    ------
    AmbikitError
        If a zero lies in the direction of the beam (NumPy only; a tensor then gives a gain of neither 1 nor 0).
    ShapeError
        If there are too many zeros, or the angles do not broadcast.
    ArrayTypeError
        If NumPy arrays and tensors are mixed.

    References
    ----------
    Rafaely, Fundamentals of Spherical Array Processing, Springer (2015), ch. 7, beams with prescribed nulls.

    Examples
    --------
    Listen to the front and silence what is behind, which makes the hypercardioid a cardioid:

    >>> null_steering_weights(0, 0, [180], [0], degrees=True).round(12).tolist()
    [0.5, 0.0, 0.0, 0.5]
    """
    order = check_order(order, minimum=1)
    towards = [_with_an_axis(angle) for angle in (azimuth, elevation)]
    angles = angles_in_radians(*towards, null_azimuth, null_elevation, degrees=degrees)
    xp = namespace(*angles)
    nulls = broadcast_shape(*(tuple(angle.shape) for angle in angles[2:]))
    if len(nulls) == 0:
        raise ShapeError("got one number for the direction of a zero; expected (..., nulls); put it into a list: [0.3]")
    count = nulls[-1]
    batch = broadcast_shape(*(tuple(angle.shape)[:-1] for angle in angles))
    together = [
        xp.concatenate([xp.broadcast_to(one, (*batch, 1)), xp.broadcast_to(others, (*batch, count))], -1)
        for one, others in zip(angles[:2], angles[2:])
    ]
    harmonics = spherical_harmonics(*together, order, normalization="n3d")
    gains = np.array([1.0] + [0.0] * count)
    check_constraints(harmonics, gains.shape, order)
    identity = constant_like(np.eye((order + 1) ** 2), harmonics)
    return constrained_weights(identity, harmonics, gains) * n3d_factors(order, harmonics)


def _with_an_axis(angle: Any) -> Any:
    if is_array(angle):
        return angle[..., None]
    return [_with_an_axis(each) for each in angle] if isinstance(angle, list | tuple) else [angle]


def check_constraints(harmonics: Array, gains: tuple[int, ...], order: int) -> tuple[int, ...]:
    """Refuse constraints that do not fit, and return the axes before them."""
    shape = tuple(harmonics.shape)[:-1]
    if len(shape) == 0 or len(gains) == 0:
        raise ShapeError(
            "got one number for a direction or a gain; expected (..., constraints); put it into a list: [0.3]"
        )
    common = broadcast_shape(shape, gains, names="the angles and the gains")
    if common[-1] == 0:
        raise ShapeError(f"got no direction at all, shape {common}; expected at least one; take ambikit.mvdr for one")
    if common[-1] > (order + 1) ** 2:
        raise ShapeError(
            f"got gains in {common[-1]} directions; expected at most {(order + 1) ** 2}, the channels of order "
            f"{order}; leave some out or take a higher order"
        )
    return common[:-1]


def n3d_factors(order: int, like: Array) -> Array:
    """√(2 n + 1) per channel."""
    return constant_like([np.sqrt(2 * n + 1) for n, _ in degree_pairs(order)], like)


def in_dtype_of(x: Array, like: Array) -> Array:
    """Make real numbers complex where ``like`` is."""
    return x.to(like.dtype) if is_torch(x) else x.astype(like.dtype)


def constrained_weights(inverse: Array, harmonics: Array, gains: Any) -> Array:
    """The least w, as ``inverse`` measures it, with Σ_c w_c* harmonics_kc = gains_k; in N3D."""
    xp = namespace(inverse)
    rows = in_dtype_of(harmonics, inverse)
    wanted = gains if is_torch(gains) or not is_torch(inverse) else xp.as_tensor(gains, device=inverse.device)
    wanted = in_dtype_of(xp.conj(wanted), inverse)[..., None]
    solved = inverse @ rows.mT
    products = rows @ solved
    # Brought to a diagonal of 1, so that loud and quiet directions weigh the same in what counts as singular.
    scale = (1 / xp.sqrt(xp.abs(xp.einsum("...ii->...i", products))))[..., None]
    # Equal directions with equal gains are one constraint: the pseudo-inverse leaves the second out.
    precise = inverse.dtype in (xp.float64, xp.complex128)
    inverted = xp.linalg.pinv(products * scale * scale.mT, rtol=1e-13 if precise else 1e-6)
    weights = (solved @ (scale * (inverted @ (scale * wanted))))[..., 0]
    if not is_torch(weights):
        error = np.abs((rows @ weights[..., None]) - wanted).max(initial=0.0)
        if error > 1e-3 * max(1.0, np.abs(wanted).max()):
            raise AmbikitError(
                f"got gains that no beam of this order has: the nearest is off by {error:.3g}; expected directions "
                "that differ, as many as the order can tell apart; leave out or move one"
            )
    return weights
