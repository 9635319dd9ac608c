"""What an array hears when waves come from everywhere alike: the statistics from which encoders are made and judged."""

import numpy as np
from jaxtyping import Complex, Float

from ambikit.geometry.harmonics import spherical_harmonics
from ambikit.operators.microphones.arrays import MicrophoneArray
from ambikit.operators.microphones.radial import radial_functions, series_order

__all__ = ["capsule_harmonics", "diffuse_covariance_of", "wave_number_radius"]


def wave_number_radius(
    array: MicrophoneArray, frequency: Float[np.ndarray, "freq"], speed_of_sound: float
) -> Float[np.ndarray, "freq"]:
    """K r: the circumference of the array in wavelengths."""
    return 2 * np.pi * array.radius / speed_of_sound * frequency


def capsule_harmonics(array: MicrophoneArray, order: int) -> Float[np.ndarray, "capsules channels"]:
    """The SN3D harmonics in the directions of the capsules."""
    return np.asarray(spherical_harmonics(np.array(array.azimuth), np.array(array.elevation), order))


def diffuse_covariance_of(
    array: MicrophoneArray, kr: Float[np.ndarray, "freq"]
) -> tuple[Float[np.ndarray, "freq capsules capsules"], Complex[np.ndarray, "degrees freq"]]:
    r"""The covariance of the capsules over plane waves of strength 1 from everywhere, and the radial functions.

    :math:`C_{qr} = \sum_n (2n + 1)\, |b_n|^2\, P_n(u_q \cdot u_r)`, summed to where it ends in double precision; it is
    real, as the sphere is the same all around. The covariance of capsule q with channel (n, m) of the field is
    :math:`b_n\, Y_n^m(u_q)`.
    """
    order = series_order(float(kr.max(initial=0.0)))
    functions = radial_functions(kr, order, array.baffle, array.pattern)
    strength = (2 * np.arange(order + 1)[:, None] + 1) * abs(functions) ** 2
    vectors = array.vectors
    polynomials = np.polynomial.legendre.legvander(np.clip(vectors @ vectors.T, -1, 1), order)
    count = len(array)
    return (strength.T @ polynomials.reshape(-1, order + 1).T).reshape(-1, count, count), functions
