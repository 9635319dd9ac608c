"""The spectra of encoders: from what the capsules hear to the channels of the sound field, at each frequency."""

import numpy as np
from jaxtyping import Complex, Float

from ambikit.geometry.channels import degrees_of
from ambikit.operators.microphones.arrays import MicrophoneArray
from ambikit.operators.microphones.diffuse_field import capsule_harmonics, diffuse_covariance_of
from ambikit.operators.microphones.radial import limited_inverse, radial_functions, soft_inverse

__all__ = ["coincident_matrix", "equalized_above", "least_squares", "radial_inverse"]


def coincident_matrix(array: MicrophoneArray, order: int) -> Float[np.ndarray, "channels capsules"]:
    """The matrix that is exact for waves much longer than the array: directional capsules as if in one place."""
    heard = np.array([array.pattern, 1 - array.pattern])[: order + 1]  # (2n + 1) b_n
    return np.linalg.pinv(capsule_harmonics(array, order)) / heard[degrees_of(order)[0], None]


def least_squares(
    array: MicrophoneArray, kr: Float[np.ndarray, "freq"], order: int, largest: Float[np.ndarray, "degrees"]
) -> Complex[np.ndarray, "channels capsules freq"]:
    r"""The filters E nearest to the field x over all plane waves, with λ for the noise of the capsules.

    Minimises the mean of :math:`|E\,p(d) - y(d)|^2` over directions plus :math:`\lambda_n |E|^2`, so that
    :math:`E_{nm} = b_n^*\, Y_n^m(u)^T (C + \lambda_n)^{-1}` with the covariance C of the capsules. For Q capsules
    spread evenly its eigenvalue at degree n is :math:`Q\,|b_n|^2`, and :math:`\lambda_n = Q / (4 g_n^2)` the limit of
    the radial filters.
    """
    covariance, functions = diffuse_covariance_of(array, kr)
    harmonics, count = capsule_harmonics(array, order), len(array)
    spectra = np.empty((harmonics.shape[1], count, kr.size), dtype=np.complex128)
    degree = degrees_of(order)[0]
    for limit in np.unique(largest):
        chosen = np.flatnonzero(largest[degree] == limit)
        loaded = covariance + count / (4 * limit**2) * np.eye(count)
        solution = np.linalg.solve(loaded, np.broadcast_to(harmonics[:, chosen], (kr.size, count, len(chosen))))
        spectra[chosen] = solution.transpose(2, 1, 0) * functions.conj()[degree[chosen], None]
    return spectra


def radial_inverse(
    array: MicrophoneArray,
    kr: Float[np.ndarray, "freq"],
    order: int,
    largest: Float[np.ndarray, "degrees"],
    *,
    soft: bool,
) -> Complex[np.ndarray, "channels capsules freq"]:
    """The harmonics of the sound on the sphere by least squares, then one radial filter per degree."""
    functions = radial_functions(kr, order, array.baffle, array.pattern)
    filters = (soft_inverse if soft else limited_inverse)(functions, largest) / (2 * np.arange(order + 1)[:, None] + 1)
    on_sphere = np.linalg.pinv(capsule_harmonics(array, order))
    return on_sphere[:, :, None] * filters[degrees_of(order)[0], None]


def equalized_above(
    spectra: Complex[np.ndarray, "channels capsules freq"],
    array: MicrophoneArray,
    kr: Float[np.ndarray, "freq"],
    first_bin: int,
) -> Complex[np.ndarray, "channels capsules freq"]:
    """The filters with the energy of each degree in a diffuse field held from a frequency upwards."""
    covariance = diffuse_covariance_of(array, kr[first_bin:])[0]
    above = spectra[..., first_bin:].transpose(2, 0, 1)
    energy = ((above @ covariance) * above.conj()).real.sum(-1).T
    order = round(len(spectra) ** 0.5) - 1
    degrees = np.stack([energy[n**2 : (n + 1) ** 2].sum(0) for n in range(order + 1)])
    gains = np.sqrt(np.divide(degrees[:, :1], degrees, out=np.ones_like(degrees), where=degrees > 0))
    result = spectra.copy()
    result[..., first_bin:] *= gains[degrees_of(order)[0], None]
    return result
