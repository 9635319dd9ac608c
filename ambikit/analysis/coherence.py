"""How alike two channels are in each frequency, whatever their levels: coherence over frames."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Complex, Float

from ambikit._arrays import Array, namespace
from ambikit._checks import check_spectrum
from ambikit.analysis.correlation import channels_of_pairs
from ambikit.analysis.parts import scaled_parts
from ambikit.analysis.running_sums import check_frames, moving_sum

__all__ = ["coherence", "interaural_coherence"]


def coherence(
    spectrum: Complex[Array, "*batch channels freq time"],
    *,
    frames: int | None,
    pairs: Sequence[tuple[int, int]] | None = None,
) -> Complex[Array, "..."]:
    r"""How alike two channels are in each frequency, and how their phases lie: 1 for the same sound, 0 for unlike ones.

    .. math:: \gamma = \frac{\langle L R^* \rangle}{\sqrt{\langle |L|^2 \rangle \langle |R|^2 \rangle}}

    Parameters
    ----------
    spectrum
        Spectrum ``(..., channels, freq, time)``; any channels.
    frames
        Frames of the mean: a running mean, centred, at the ends over the frames there are. None: one mean over all
        frames; the time axis then has length 1. In a single frame any two channels are coherent, and M independent
        frames of independent noise still have a mean :math:`|\gamma|^2` of 1 / M: take many. Overlapping frames
        count less.
    pairs
        Pairs of channels (left, right). Default: the two channels there are, and no axis of pairs.

    Returns
    -------
    Complex coherence ``(..., freq, time)``, or ``(..., pairs, freq, time)`` where pairs are given: magnitude in [0, 1],
    whose square is the magnitude-squared coherence, and the phase of :func:`ipd`, positive where left is ahead. 0 where
    a channel is silent.

    Raises
    ------
    ShapeError
        If there are not two channels and no pairs are given, or a pair names a channel that is not there.
    AmbikitError
        If ``frames`` is neither None nor a whole number of at least 1.
    ArrayTypeError
        If the spectrum is not complex.

    References
    ----------
    G. C. Carter, C. H. Knapp and A. H. Nuttall, "Estimation of the magnitude-squared coherence function via overlapped
    fast Fourier transform processing", IEEE Trans. Audio and Electroacoustics 21(4), 1973.

    Examples
    --------
    Right is left at half the amplitude and a quarter of a period behind; its noise is not in the picture.

    >>> import numpy as np
    >>> left = np.array([1, 2j, -3])
    >>> coherence(np.stack([left, -0.5j * left])[:, None], frames=None).round(6) + 0.0
    array([[0.+1.j]])
    """
    if pairs is None:
        check_spectrum(spectrum, channels=2)
        left, right = 0, 1
    else:
        check_spectrum(spectrum)
        left, right = channels_of_pairs(pairs, spectrum.shape[-3])
    real, imaginary = _parts(spectrum, left, right, frames)
    return real + 1j * imaginary


def interaural_coherence(
    spectrum: Complex[Array, "*batch 2 freq time"], *, frames: int | None
) -> Float[Array, "*batch freq means"]:
    r"""How alike both ears hear each frequency: 1 for one source in the open, low in a diffuse field.

    .. math:: |\gamma| = \frac{|\langle L R^* \rangle|}{\sqrt{\langle |L|^2 \rangle \langle |R|^2 \rangle}}

    Parameters
    ----------
    spectrum
        Spectrum ``(..., 2, freq, time)``, left first.
    frames
        Frames of the mean, as in :func:`coherence`: a single frame is always coherent, and independent noise over M
        independent frames has a mean square of 1 / M.

    Returns
    -------
    Coherence in [0, 1], ``(..., freq, time)``, whatever the levels and the phases. 0, with gradient 0, where a channel
    is silent.

    Raises
    ------
    ShapeError
        If axis -3 does not hold two channels.
    AmbikitError
        If ``frames`` is neither None nor a whole number of at least 1.
    ArrayTypeError
        If the spectrum is not complex.

    See Also
    --------
    coherence : complex, for any pairs of channels.

    References
    ----------
    C. Faller and J. Merimaa, "Source localization in complex listening situations: selection of binaural cues based on
    interaural coherence", JASA 116(5), 2004, there over lags.

    Examples
    --------
    Two frames of the same sound in both ears; then the right one turns over from frame to frame.

    >>> import numpy as np
    >>> interaural_coherence(np.array([[1, 1], [3, 3]], dtype=complex)[:, None], frames=None).round(6)
    array([[1.]])
    >>> interaural_coherence(np.array([[1, 1], [3, -3]], dtype=complex)[:, None], frames=None)
    array([[0.]])
    """
    check_spectrum(spectrum, channels=2)
    real, imaginary = _parts(spectrum, 0, 1, frames)
    xp = namespace(real)
    squared = real**2 + imaginary**2
    nothing = squared == 0
    return xp.where(nothing, 0.0, xp.clip(xp.sqrt(xp.where(nothing, 1.0, squared)), None, 1.0))


def _parts(spectrum: Array, left: Any, right: Any, frames: int | None) -> tuple[Array, Array]:
    check_frames(frames)
    # Each channel by its own level, so that a faint one is no silent one.
    real, imaginary = scaled_parts(spectrum, (-1,))
    xp = namespace(real)
    power = moving_sum(real**2 + imaginary**2, frames)
    left_real, left_imaginary = real[..., left, :, :], imaginary[..., left, :, :]
    right_real, right_imaginary = real[..., right, :, :], imaginary[..., right, :, :]
    in_phase = moving_sum(left_real * right_real + left_imaginary * right_imaginary, frames)
    in_quadrature = moving_sum(left_imaginary * right_real - left_real * right_imaginary, frames)
    # The root of each before the product, which would vanish sooner.
    silent = power == 0
    level = xp.sqrt(xp.where(silent, 1.0, power))
    scale = level[..., left, :, :] * level[..., right, :, :]
    return in_phase / scale, in_quadrature / scale
