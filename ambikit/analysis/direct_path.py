"""Which time-frequency bins hear one wave alone: those in which the direction of a source can be read."""

import numpy as np
from jaxtyping import Complex, Float

from ambikit._arrays import Array, constant_like, namespace
from ambikit._checks import check_order, order_of_channels
from ambikit.analysis.intensity import check_first_order_spectrum
from ambikit.analysis.parts import largest_part
from ambikit.analysis.running_sums import moving_sum
from ambikit.geometry.channels import degree_pairs

__all__ = ["direct_path_dominance"]


def direct_path_dominance(
    spectrum: Complex[Array, "*batch channels freq time"], *, frames: int = 1, bins: int = 15
) -> Float[Array, "*batch freq time"]:
    r"""How far one wave rules each time-frequency region: 1 for the direct sound of one source, less for reflections.

    .. math:: D = 1 - \lambda_2 / \lambda_1

    with the two largest eigenvalues of the covariance (in N3D, where diffuse sound has equal ones) over ``frames``
    frames and ``bins`` frequencies around each bin. In a room the reflections of a source are coherent with it at any
    one frequency, so that they pass for a single wave there; over some neighbouring frequencies their delays turn
    their phases, and only bins in which the direct sound rules (onsets, mostly) keep a covariance of rank one.

    Parameters
    ----------
    spectrum
        Spectrum ``(..., channels, freq, time)`` of an AmbiX signal; all its channels are used. First order is fast
        and mostly enough: pass ``spectrum[..., :4, :, :]``.
    frames, bins
        How many frames and frequencies make a region; at the borders, those there are. Wider in frequency than
        1/(the delay of the first reflections), shorter in time than the pause between sounds. In simulated rooms one
        frame of 15 bins found more talkers than 3 frames of 9.

    Returns
    -------
    Dominance in [0, 1], ``(..., freq, time)``; 0 where there is no energy. The published test takes the bins with
    λ₁/λ₂ of at least 6: ``dominance >= 1 - 1/6``.

    Raises
    ------
    ShapeError
        If axis -3 holds no complete Ambisonic order of at least 1.
    ArrayTypeError
        If the spectrum is not complex.
    AmbikitError
        If ``frames`` or ``bins`` is not a whole number of at least 1.

    See Also
    --------
    intensity_histogram : takes this as weights of the bins.

    References
    ----------
    O. Nadiri and B. Rafaely, "Localization of multiple speakers under high reverberation using a spherical microphone
    array and the direct-path dominance test", IEEE/ACM TASLP 22(10), 2014, eq. (13).

    Examples
    --------
    Two waves, from the front and from the left, take turns; only at the change does a region hear both:

    >>> front, left = np.array([1, 0, 0, 1]), np.array([1, 1, 0, 0])
    >>> spectrum = np.stack([front] * 3 + [left] * 3, axis=-1).reshape(4, 1, 6) + 0j
    >>> (direct_path_dominance(spectrum, frames=3, bins=1)[0] > 1 - 1 / 6).tolist()
    [True, True, False, False, True, True]
    """
    check_first_order_spectrum(spectrum)
    frames = check_order(frames, minimum=1, name="frames")
    bins = check_order(bins, minimum=1, name="bins")
    xp = namespace(spectrum)
    order = order_of_channels(spectrum.shape[-3], "the spectrum")
    factors = constant_like(np.sqrt([2 * n + 1 for n, _ in degree_pairs(order)]), spectrum)
    # By the largest part of each clip: products of faint sounds would underflow, and the ratio does not change.
    scaled = spectrum * factors[:, None, None] / largest_part(spectrum.real, spectrum.imag, (-3, -2, -1))
    products = scaled[..., :, None, :, :] * xp.conj(scaled[..., None, :, :, :])
    region = moving_sum(moving_sum(products, frames).mT, bins)  # (..., channels, channels, time, freq)
    *batch, channels, _, time, freq = region.shape
    matrices = region.reshape(*batch, channels * channels, time * freq).mT.reshape(-1, channels, channels)
    # What is not finite has no eigenvalues and stays what it is.
    finite = xp.isfinite(matrices.real + matrices.imag).all(-1).all(-1)
    eigenvalues = xp.linalg.eigvalsh(xp.where(finite[:, None, None], matrices, 0.0))
    first, second = eigenvalues[:, -1], xp.clip(eigenvalues[:, -2], 0.0, None)
    silent = first <= 0
    dominance = xp.where(silent, 0.0, 1 - second / xp.where(silent, 1.0, first))
    return xp.where(finite, dominance, np.nan).reshape(*batch, time, freq).mT
