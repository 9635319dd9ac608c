"""How diffuse sound is, from all its channels: how even the powers of its beams are, or of its eigenvectors."""

import numpy as np
from jaxtyping import Complex, Float

from ambikit._arrays import Array, cached_design, constant_like, namespace
from ambikit._checks import check_spectrum, order_if_complete
from ambikit.analysis.parts import scaled_parts
from ambikit.analysis.running_sums import check_frames, moving_sum
from ambikit.errors import ShapeError
from ambikit.geometry.channels import degree_pairs
from ambikit.geometry.grids import gauss_legendre_grid
from ambikit.geometry.harmonics import spherical_harmonics

__all__ = ["diffuseness_comedie", "diffuseness_directional_power"]


def diffuseness_directional_power(
    spectrum: Complex[Array, "*batch channels freq time"], *, frames: int | None
) -> Float[Array, "*batch freq means"]:
    r"""How diffuse sound is, from how evenly beams in all directions hear it.

    .. math:: \psi = 1 - \frac{\sigma / \bar P}{\sigma_0 / \bar P_0}

    with the mean :math:`\bar P` and the standard deviation σ over the sphere of the mean power of hypercardioids,
    and those of a single plane wave.

    Parameters
    ----------
    spectrum
        Spectrum ``(..., channels, freq, time)`` of an AmbiX signal of any order from 1; all channels are used.
    frames
        Frames of the mean power, as in :func:`diffuseness`. An ideal diffuse field gives, at first order, 0.30 on
        average over one frame, 0.76 over 10 and 0.92 over 100 independent ones, at third order 0.64, 0.88 and 0.96
        (measured).

    Returns
    -------
    Diffuseness in [0, 1], ``(..., freq, time)``: 0 for one plane wave, 1 for a diffuse field, 1 / (1 + g) for a plane
    wave over a diffuse field by a ratio g of energies. For two uncorrelated, equally loud waves θ apart at first order
    :math:`1 - \sqrt{1/2 + (5 \cos θ + 3 P_2(\cos θ)) / 16}`; not 1 for opposite ones (0.388), and the less the higher
    the order, which tells them from a diffuse field. 0 where there is no energy.

    Raises
    ------
    ShapeError
        If axis -3 holds no complete Ambisonic order of at least 1.
    AmbikitError
        If ``frames`` is neither None nor a whole number of at least 1.

    References
    ----------
    B. N. Gover, J. G. Ryan and M. R. Stinson, "Microphone array measurement system for analysis of directional and
    spatial variations of sound fields", JASA 112(5), 2002, with the standard deviation in place of the mean absolute
    deviation: a quadrature gives it exactly, so that turning the field changes nothing.

    Examples
    --------
    >>> import numpy as np
    >>> left = np.array([1, 1, 0, 0], dtype=complex).reshape(4, 1, 1)
    >>> diffuseness_directional_power(left, frames=1).round(6) + 0.0
    array([[0.]])
    """
    order = _order(spectrum)
    check_frames(frames)
    real, imaginary = scaled_parts(spectrum, (-3, -1))
    xp = namespace(real)
    beams, weights = (constant_like(design, real) for design in _beams(order))
    power = moving_sum(_products(beams, real) ** 2 + _products(beams, imaginary) ** 2, frames)
    mean = (weights * power).sum(-3)
    silent = mean == 0
    relative = power / xp.where(silent, 1.0, mean)[..., None, :, :]
    variance = (weights * (relative - 1) ** 2).sum(-3)
    even = variance == 0
    deviation = xp.where(even, 0.0, xp.sqrt(xp.where(even, 1.0, variance)))
    return xp.where(silent, 0.0, xp.clip(1 - deviation / _deviation_of_a_wave(order), 0.0, None))


def diffuseness_comedie(
    spectrum: Complex[Array, "*batch channels freq time"], *, frames: int | None
) -> Float[Array, "*batch freq means"]:
    r"""How diffuse sound is, from how evenly its energy spreads over all that the channels can tell apart.

    .. math:: \psi = 1 - \frac{\sum_i |\lambda_i - \bar\lambda|}{2 (C - 1)\, \bar\lambda}

    with the eigenvalues λ of the mean covariance ⟨X X^H⟩ of the C channels (COMEDIE). They are taken in N3D inside, in
    which diffuse sound has the identity for its covariance: in SN3D it would pass for sound with a direction.

    Parameters
    ----------
    spectrum
        Spectrum ``(..., channels, freq, time)`` of an AmbiX signal of any order from 1; all channels are used.
    frames
        Frames of the mean, as in :func:`diffuseness`. Fewer frames than channels cannot be diffuse: one frame alone is
        always 0; an ideal diffuse field gives, at first order, 0.65 on average over 10 and 0.89 over 100 independent
        frames, at third order 0.45 and 0.82 (measured).

    Returns
    -------
    Diffuseness in [0, 1], ``(..., freq, time)``: 0 for one plane wave, 1 for a diffuse field, 1 / (1 + g) for a plane
    wave over a diffuse field by a ratio g of energies. Two uncorrelated, equally loud waves at a good distance give
    1 / (C - 1): of the sounds that C channels can hold apart there are two. Nearer, at first order (1 - cos θ) / 2.
    0 where there is no energy.

    Raises
    ------
    ShapeError
        If axis -3 holds no complete Ambisonic order of at least 1.
    AmbikitError
        If ``frames`` is neither None nor a whole number of at least 1.

    References
    ----------
    N. Epain and C. T. Jin, "Spherical harmonic signal covariance and sound field diffuseness", IEEE/ACM TASLP 24(10),
    2016.

    Examples
    --------
    A plane wave from the left in one frame, from the right in the other: two sounds of the four there could be.

    >>> import numpy as np
    >>> spectrum = np.array([[1, 1], [1, -1], [0, 0], [0, 0]], dtype=complex).reshape(4, 1, 2)
    >>> diffuseness_comedie(spectrum, frames=None).round(6)
    array([[0.333333]])
    """
    order = _order(spectrum)
    check_frames(frames)
    real, imaginary = scaled_parts(spectrum, (-3, -1))
    xp = namespace(real)
    white = (real + 1j * imaginary) * constant_like(_n3d(order), real)
    channels = white.shape[-3]
    products = moving_sum(white[..., :, None, :, :] * xp.conj(white[..., None, :, :, :]), frames)
    covariance = products.swapaxes(-4, -2).swapaxes(-3, -1)  # (..., freq, time, channels, channels)
    mean = moving_sum((white.real**2 + white.imag**2).sum(-3), frames) / channels
    # What is not finite has no eigenvalues: it passes by, and stays.
    unknown = ~xp.isfinite(mean)
    safe = xp.where(unknown | (mean == 0), 1.0, mean)
    covariance = xp.where(unknown[..., None, None], 0.0, covariance / safe[..., None, None])
    spread = xp.abs(xp.linalg.eigvalsh(covariance) - 1).sum(-1) / (2 * (channels - 1))
    value = xp.where(mean == 0, 0.0, xp.clip(1 - spread, 0.0, 1.0))
    return xp.where(unknown, mean - mean, value)


def _order(spectrum: Array) -> int:
    check_spectrum(spectrum)
    channels = spectrum.shape[-3]
    order = order_if_complete(channels)
    if not order:
        raise ShapeError(
            f"got {channels} channels on axis -3 of spectrum with shape {tuple(spectrum.shape)}; expected "
            "(order + 1)², at least 4: W, Y, Z, X, …; take the spectrum of an Ambisonic signal (..., channels, time)"
        )
    return order


def _products(beams: Array, parts: Array) -> Array:
    """The beams of real or imaginary parts: ``(..., beams, freq, time)``."""
    *leading, freq, time = parts.shape  # multiplied, as a batch of no clips has no -1
    flat = parts.reshape(*leading, freq * time)
    heard = namespace(parts).matmul(beams, flat)
    return heard.reshape(*heard.shape[:-1], freq, time)


@cached_design
def _n3d(order: int) -> np.ndarray:
    return np.array([np.sqrt(2 * n + 1) for n, _ in degree_pairs(order)])[:, None, None]


@cached_design
def _beams(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Hypercardioids ``(beams, channels)`` and the weights of a quadrature of their squared powers."""
    azimuth, elevation, weights = gauss_legendre_grid(2 * order)
    harmonics = spherical_harmonics(azimuth, elevation, order, normalization="n3d")
    return harmonics * _n3d(order)[:, 0, 0] / (order + 1) ** 2, weights[:, None, None]


@cached_design
def _deviation_of_a_wave(order: int) -> float:
    """The relative standard deviation of a hypercardioid's power, by one exact integral along its axis."""
    cosines, weights = np.polynomial.legendre.leggauss(2 * order + 1)
    series = [(2 * n + 1) / (order + 1) ** 2 for n in range(order + 1)]
    power = np.polynomial.legendre.legval(cosines, series) ** 2
    mean = (weights * power).sum() / 2
    return float(np.sqrt((weights * (power / mean - 1) ** 2).sum() / 2))
