"""How binaural decoders are designed: least squares, magnitude least squares, and what a diffuse field demands.

All in the frequency domain: spectra are ``(2, directions, freq)``, filters ``(2, channels, freq)``. ``harmonics`` is
the SN3D matrix ``(directions, channels)`` of the measured directions, ``weights`` their shares of the sphere.
"""

import numpy as np
from jaxtyping import Complex, Float

from ambikit.errors import AmbikitError
from ambikit.geometry.channels import degrees_of

__all__ = ["constrain_covariance", "equalize_diffuse_field", "fitting_matrix", "magnitude_least_squares"]

# Between the loudest and the faintest combination of channels that the directions can tell apart (60 dB).
_WORST_CONDITION = 1e3


def fitting_matrix(
    harmonics: Float[np.ndarray, "directions channels"], weights: Float[np.ndarray, "directions"], order: int
) -> Float[np.ndarray, "channels directions"]:
    """The matrix P with which ``P @ values`` are the coefficients of the least-squares fit over the sphere."""
    degrees, _ = degrees_of(order)
    # Judged in N3D, where all channels of a diffuse field are equally loud.
    root = np.sqrt(weights)[:, None]
    singular = np.linalg.svd(root * harmonics * np.sqrt(2 * degrees + 1), compute_uv=False)
    if len(harmonics) < len(degrees) or singular[-1] * _WORST_CONDITION < singular[0]:
        raise AmbikitError(
            f"got {len(harmonics)} directions for a decoder of order {order}; expected directions that can tell its "
            f"{len(degrees)} channels apart (condition number below {_WORST_CONDITION:g}); lower the order, or take a "
            "set without such a hole"
        )
    return np.linalg.pinv(root * harmonics) * root.T


def magnitude_least_squares(
    spectra: Complex[np.ndarray, "2 directions freq"],
    harmonics: Float[np.ndarray, "directions channels"],
    fit: Float[np.ndarray, "channels directions"],
    weights: Float[np.ndarray, "directions"],
    first_bin: int,
) -> Complex[np.ndarray, "2 channels freq"]:
    """Least squares below ``first_bin``; from there on only the magnitudes are fitted.

    The phases of a bin are those that the decoder has in the bin before, turned on by the phase step that the decoder
    has on average over the sphere below the cut: the common delay goes on.
    """
    filters = fit @ spectra
    if first_bin >= spectra.shape[-1]:
        return filters
    rendered = harmonics @ filters[..., first_bin // 2 : first_bin]
    turns = (weights[:, None] * rendered[..., 1:] * rendered[..., :-1].conj()).sum(axis=(-2, -1))
    step = _direction(turns)[:, None]
    before = rendered[..., -1]
    last = spectra.shape[-1] - 1
    for k in range(first_bin, last + 1):
        phase = _direction(before) * step
        if k == last:  # the Nyquist frequency of a real filter has no phase but its sign
            phase = np.where(phase.real < 0, -1.0, 1.0)
        filters[..., k] = (abs(spectra[..., k]) * phase) @ fit.T
        before = filters[..., k] @ harmonics.T
    return filters


def equalize_diffuse_field(
    filters: Complex[np.ndarray, "2 channels freq"],
    spectra: Complex[np.ndarray, "2 directions freq"],
    weights: Float[np.ndarray, "directions"],
) -> Complex[np.ndarray, "2 channels freq"]:
    """Bring the energy of both ears together, in a diffuse field, to that of the measured responses."""
    wanted = np.einsum("edf,edf,d->f", spectra, spectra.conj(), weights).real
    found = np.einsum("ecf,ecf,c->f", filters, filters.conj(), _diffuse_energies(filters)).real
    there = found > 0
    return filters * np.sqrt(np.where(there, wanted, 0.0) / np.where(there, found, 1.0))


def constrain_covariance(
    filters: Complex[np.ndarray, "2 channels freq"],
    spectra: Complex[np.ndarray, "2 directions freq"],
    weights: Float[np.ndarray, "directions"],
) -> Complex[np.ndarray, "2 channels freq"]:
    """The filters nearest to the given ones that in a diffuse field have the covariance of the measured ears.

    With R = C C^H that covariance (C its Hermitian root), G the diagonal covariance of the channels and U S V^H the
    singular value decomposition of C^H D G^½, they are C U V^H G^−½.
    """
    measured = np.moveaxis(spectra * np.sqrt(weights)[:, None], -1, 0)
    values, vectors = np.linalg.eigh(measured @ measured.conj().swapaxes(-1, -2))
    root = (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ vectors.conj().swapaxes(-1, -2)
    energies = np.sqrt(_diffuse_energies(filters))
    left, _, right = np.linalg.svd(root @ (np.moveaxis(filters, -1, 0) * energies), full_matrices=False)
    return np.moveaxis(root @ left @ right / energies, 0, -1)


def _diffuse_energies(filters: Complex[np.ndarray, "2 channels freq"]) -> Float[np.ndarray, "channels"]:
    """The energy of each SN3D channel in a diffuse field, 1 / (2 n + 1)."""
    degrees, _ = degrees_of(round(filters.shape[1] ** 0.5) - 1)
    return 1.0 / (2 * degrees + 1)


def _direction(z: Complex[np.ndarray, "..."]) -> Complex[np.ndarray, "..."]:
    """``z`` over its magnitude; 1 where it is 0."""
    magnitude = abs(z)
    return np.where(magnitude > 0, z, 1.0) / np.where(magnitude > 0, magnitude, 1.0)
