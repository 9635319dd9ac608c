"""How the left channel differs from the right one: level and phase per time-frequency bin."""

from math import log10

import numpy as np
from jaxtyping import Complex, Float

from ambikit._arrays import Array, namespace
from ambikit._checks import check_spectrum
from ambikit.analysis.parts import scaled_parts

__all__ = ["LIMIT_DB", "ild", "ipd", "phase_difference"]

#: Largest level difference, in dB: what is fainter counts as 40 dB fainter.
LIMIT_DB = 40.0


def ild(spectrum: Complex[Array, "*batch 2 freq time"]) -> Float[Array, "*batch freq time"]:
    r"""How much louder the left channel is than the right one, in each time-frequency bin.

    .. math:: d = 10 \log_{10} \frac{|L|^2}{|R|^2} = 20 \log_{10} |L| - 20 \log_{10} |R|

    Parameters
    ----------
    spectrum
        Spectrum ``(..., 2, freq, time)``, left first.

    Returns
    -------
    Level difference in dB ``(..., freq, time)``: positive where left is louder, clipped to ±40 dB, and 0 where
    both channels are silent.

    Raises
    ------
    ShapeError
        If axis -3 does not hold two channels.
    ArrayTypeError
        If the spectrum is not complex.

    References
    ----------
    S. Wang et al., "Self-supervised learning of audio representations from audio-visual data using spatial
    alignment", IEEE JSTSP 16(6), 2022, eq. (10), there with another unit of the logarithm.

    Examples
    --------
    Left is louder by a factor of 10 in the first bin; the second is silent, in the third left is alone:

    >>> import numpy as np
    >>> ild(np.array([[10, 0, 1], [1, 0, 0]], dtype=complex)[..., None])[:, 0]
    array([20.,  0., 40.])
    """
    check_spectrum(spectrum, channels=2)
    xp = namespace(spectrum)
    real, imaginary = scaled_parts(spectrum, (-3,))
    squared = real**2 + imaginary**2
    left, right = squared[..., 0, :, :], squared[..., 1, :, :]
    # Lift the fainter one to 40 dB below the other before the logarithm: no infinity, and no slope beyond the limit.
    least = 10 ** (-LIMIT_DB / 10)
    left, right = xp.maximum(left, least * right), xp.maximum(right, least * left)
    silent = left == 0
    left, right = xp.where(silent, 1.0, left), xp.where(silent, 1.0, right)
    return xp.clip(10 * (xp.log(left) - xp.log(right)) * log10(np.e), -LIMIT_DB, LIMIT_DB)


def ipd(spectrum: Complex[Array, "*batch 2 freq time"]) -> Float[Array, "*batch freq time"]:
    r"""How far the left channel's phase is ahead of the right one's, in each time-frequency bin.

    .. math:: \varphi = \angle L - \angle R = \angle (L R^*)

    Parameters
    ----------
    spectrum
        Spectrum ``(..., 2, freq, time)``, left first.

    Returns
    -------
    Phase difference in radians in [-π, π] ``(..., freq, time)``; 0, with gradient 0, where a channel is silent.

    Raises
    ------
    ShapeError
        If axis -3 does not hold two channels.
    ArrayTypeError
        If the spectrum is not complex.

    References
    ----------
    S. Wang et al., "Self-supervised learning of audio representations from audio-visual data using spatial
    alignment", IEEE JSTSP 16(6), 2022, eq. (11).

    Examples
    --------
    Left is a quarter of a period ahead:

    >>> import numpy as np
    >>> ipd(np.array([1j, 1], dtype=complex).reshape(2, 1, 1)) / np.pi
    array([[0.5]])
    """
    cosine, sine = phase_difference(spectrum)
    xp = namespace(cosine)
    silent = (cosine == 0) & (sine == 0)
    return xp.arctan2(sine, xp.where(silent, 1.0, cosine))


def phase_difference(spectrum: Array) -> tuple[Array, Array]:
    """Cosine and sine of the phase difference; both are 0 where a channel is silent and there is none."""
    check_spectrum(spectrum, channels=2)
    xp = namespace(spectrum)
    real, imaginary = scaled_parts(spectrum, ())
    left_real, right_real = real[..., 0, :, :], real[..., 1, :, :]
    left_imaginary, right_imaginary = imaginary[..., 0, :, :], imaginary[..., 1, :, :]
    cosine = left_real * right_real + left_imaginary * right_imaginary
    sine = left_imaginary * right_real - left_real * right_imaginary
    squared = cosine**2 + sine**2
    length = xp.sqrt(xp.where(squared == 0, 1.0, squared))
    return cosine / length, sine / length
