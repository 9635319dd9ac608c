r"""How strongly the capsules of a spherical array hear each degree of the sound field, over frequency.

A plane wave from d is heard by a capsule at u as :math:`\sum_n (2n + 1)\, b_n(kr)\, P_n(d \cdot u)`, and as
:math:`P_n(d \cdot u)` is the sum of the SN3D harmonics :math:`Y_n^m(d)\, Y_n^m(u)`, an AmbiX field x as
:math:`\sum_{nm} (2n + 1)\, b_n Y_n^m(u)\, x_n^m`. All in the sense :math:`e^{+i \omega t}`: a delay has a falling
phase.
"""

from math import ceil

import numpy as np
from jaxtyping import Complex, Float

__all__ = ["limited_inverse", "radial_functions", "series_order", "soft_inverse"]


def series_order(kr: float) -> int:
    """Up to which degree the field on a sphere must be summed, for terms below the rounding of double precision."""
    return ceil(kr + 10 * np.cbrt(kr) + 20)


def radial_functions(
    kr: Float[np.ndarray, "freq"], order: int, baffle: str = "open", pattern: float = 1.0
) -> Complex[np.ndarray, "degrees freq"]:
    r"""The functions :math:`b_n` of degrees 0 to ``order``.

    In the open, for capsules that hear :math:`a + (1 - a)\cos\gamma` and look outwards, and on a rigid sphere:

    .. math:: b_n = i^n \left(a\, j_n(kr) - i\,(1 - a)\, j_n'(kr)\right), \qquad
              b_n = \frac{i^{n-1}}{(kr)^2\, h_n^{(2)\prime}(kr)}

    Parameters
    ----------
    kr
        Wave number times radius, 0 or more.
    order
        The highest degree.
    baffle, pattern
        As of a :class:`MicrophoneArray`.

    References
    ----------
    Williams, Fourier Acoustics (1999), section 6.10; Rafaely, Fundamentals of Spherical Array Processing (2015),
    section 2.6; the rigid sphere by the Wronskian of the spherical Bessel functions.

    Examples
    --------
    A long wave is heard as pressure alone; at a rigid sphere its slope is 3/2 as strong as in the open:

    >>> kr = np.array([1e-3])
    >>> open_, rigid = (abs(radial_functions(kr, 1, baffle)) for baffle in ("open", "rigid"))
    >>> open_.round(6).ravel().tolist(), (rigid / open_).round(6).ravel().tolist()
    ([1.0, 0.000333], [1.0, 1.5])
    """
    from scipy.special import spherical_jn, spherical_yn

    n, x = np.arange(order + 1)[:, None], kr[None]
    powers = 1j ** np.arange(4)
    slope = spherical_jn(n, x, derivative=True)
    if baffle == "open":
        return powers[n % 4] * (pattern * spherical_jn(n, x) - 1j * (1 - pattern) * slope)
    safe = np.where(x == 0, 1.0, x)
    with np.errstate(all="ignore"):  # y_n overflows where b_n vanishes
        steep = safe**2 * (slope - 1j * spherical_yn(n, safe, derivative=True))
        functions = powers[(n - 1) % 4] / steep
    functions = np.where(np.isfinite(functions), functions, 0.0)
    return np.where(x == 0, n == 0, functions)


def limited_inverse(
    functions: Complex[np.ndarray, "degrees freq"], largest: Float[np.ndarray, "degrees"]
) -> Complex[np.ndarray, "degrees freq"]:
    r"""Tikhonov's inverse, :math:`b^* / (|b|^2 + \lambda)` with :math:`\lambda = 1/(4 g^2)`: never above g.

    References
    ----------
    Moreau, Daniel, Bertet, 3D sound field recording with higher order Ambisonics, 120th AES Convention (2006).
    """
    return functions.conj() / (abs(functions) ** 2 + 1 / (4 * largest[:, None] ** 2))


def soft_inverse(
    functions: Complex[np.ndarray, "degrees freq"], largest: Float[np.ndarray, "degrees"]
) -> Complex[np.ndarray, "degrees freq"]:
    r"""The inverse whose magnitude is bent softly below g: :math:`\frac{2g}{\pi}\arctan\frac{\pi}{2g|b|}`.

    References
    ----------
    Bernschütz, Pörschmann, Spors, Weinzierl, Soft-Limiting der modalen Amplitudenverstärkung bei sphärischen
    Mikrofonarrays im Plane Wave Decomposition Verfahren, DAGA (2011).
    """
    size, g = abs(functions), largest[:, None]
    phase = np.where(size > 0, functions.conj() / np.where(size > 0, size, 1.0), 0.0)
    return phase * 2 * g / np.pi * np.arctan2(np.pi, 2 * g * size)
