"""Where sound energy flows: intensity, energy density and diffuseness of first-order spectra."""

from jaxtyping import Complex, Float

from ambikit._arrays import Array, namespace
from ambikit._checks import check_order, check_spectrum, order_if_complete
from ambikit.analysis.parts import scaled_parts
from ambikit.analysis.running_sums import moving_sum
from ambikit.errors import ShapeError

__all__ = ["active_intensity", "check_first_order_spectrum", "diffuseness", "energy_density"]


def active_intensity(
    spectrum: Complex[Array, "*batch channels freq time"], *, normalized: bool = True
) -> Float[Array, "*batch 3 freq time"]:
    r"""From where the sound of each time-frequency bin arrives, as a vector towards its source.

    .. math:: \mathbf{I} = \frac{2\,\Re\{W^* [X, Y, Z]^\top\}}{|W|^2 + |X|^2 + |Y|^2 + |Z|^2}

    With ``normalized=False``: :math:`\Re\{W^* [X, Y, Z]^\top\}`.

    Parameters
    ----------
    spectrum
        Spectrum ``(..., channels, freq, time)`` of an AmbiX signal (W, Y, Z, X; SN3D), see
        :func:`ambikit.stft`. Of higher orders the first four channels are used.
    normalized
        Divide by the energy. The length then is 1 for a single plane wave and less the more waves and noise share
        the bin; it does not depend on the level at all, so that a mean over bins counts noise as much as the source:
        for one direction of a recording sum with ``normalized=False``.

    Returns
    -------
    Cartesian components ``(..., 3, freq, time)``: x (front), y (left), z (up). Normalised: without unit, length in
    [0, 1]; else in units of ``|W|²``. The acoustic energy flows along the opposite vector; this is the sign of
    direction finding. 0 where there is no energy.

    Raises
    ------
    ShapeError
        If axis -3 holds no complete Ambisonic order of at least 1.
    ArrayTypeError
        If the spectrum is not complex.

    See Also
    --------
    diffuseness : how little of the energy the averaged vector explains.

    References
    ----------
    S. Wang et al., "Self-supervised learning of audio representations from audio-visual data using spatial
    alignment", IEEE JSTSP 16(6), 2022, eq. (7).

    Examples
    --------
    A plane wave from the left excites W and Y alike:

    >>> import numpy as np
    >>> spectrum = np.array([1, 1, 0, 0], dtype=np.complex64).reshape(4, 1, 1)
    >>> active_intensity(spectrum)[:, 0, 0]
    array([0., 1., 0.], dtype=float32)
    """
    check_first_order_spectrum(spectrum)
    xp = namespace(spectrum)
    first = spectrum[..., :4, :, :]
    # Each bin by its own largest part: squares of faint bins would underflow, and the ratio does not change.
    real, imaginary = scaled_parts(first, -3) if normalized else (first.real, first.imag)
    w_real, w_imaginary = real[..., :1, :, :], imaginary[..., :1, :, :]
    flow = w_real * _xyz(real, xp) + w_imaginary * _xyz(imaginary, xp)
    if not normalized:
        return flow
    energy = (real**2 + imaginary**2).sum(-3, keepdims=True)
    return 2 * flow / xp.where(energy == 0, 1.0, energy)


def energy_density(spectrum: Complex[Array, "*batch channels freq time"]) -> Float[Array, "*batch freq time"]:
    r"""How much sound energy is at the listener in each time-frequency bin, kinetic and potential together.

    .. math:: E = \tfrac{1}{2} (|W|^2 + |X|^2 + |Y|^2 + |Z|^2)

    Parameters
    ----------
    spectrum
        Spectrum ``(..., channels, freq, time)`` of an AmbiX signal; the first four channels are used.

    Returns
    -------
    Energy ``(..., freq, time)`` in units of ``|W|²``: equal to it for a plane wave and for a diffuse field.

    Raises
    ------
    ShapeError
        If axis -3 holds no complete Ambisonic order of at least 1.
    ArrayTypeError
        If the spectrum is not complex.

    References
    ----------
    J. Merimaa and V. Pulkki, "Spatial impulse response rendering I: analysis and synthesis", JAES 53(12), 2005.

    Examples
    --------
    >>> import numpy as np
    >>> energy_density(np.array([2, 2, 0, 0], dtype=complex).reshape(4, 1, 1))[0, 0]
    np.float64(4.0)
    """
    check_first_order_spectrum(spectrum)
    first = spectrum[..., :4, :, :]
    return (first.real**2 + first.imag**2).sum(-3) / 2


def diffuseness(
    spectrum: Complex[Array, "*batch channels freq time"], *, frames: int
) -> Float[Array, "*batch freq time"]:
    r"""How much of the sound comes from everywhere: 0 for one plane wave, 1 for a diffuse field.

    .. math:: \psi = 1 - \frac{\lVert \langle \mathbf{I} \rangle \rVert}{\langle E \rangle}

    with :math:`\mathbf{I} = \Re\{W^* [X, Y, Z]^\top\}` and the mean :math:`\langle\cdot\rangle` over frames.

    Parameters
    ----------
    spectrum
        Spectrum ``(..., channels, freq, time)`` of an AmbiX signal; the first four channels are used.
    frames
        Length of the running mean, centred on each frame; at the ends, the frames there are. The mean is taken
        *before* the ratio. One frame alone holds at most a few waves: ``frames=1`` is biased towards 0 (an ideal
        diffuse field then gives about 0.5). Take at least 10, better 100.

    Returns
    -------
    Diffuseness in [0, 1], ``(..., freq, time)``; 0 where there is no energy at all.

    Raises
    ------
    ShapeError
        If axis -3 holds no complete Ambisonic order of at least 1.
    AmbikitError
        If ``frames`` is not a whole number of at least 1.

    References
    ----------
    V. Pulkki, "Spatial sound reproduction with directional audio coding", JAES 55(6), 2007; J. Merimaa and
    V. Pulkki, "Spatial impulse response rendering I: analysis and synthesis", JAES 53(12), 2005.

    Examples
    --------
    Plane waves from the front in frames 0 to 2, from the back in frame 3. Two frames are the frame itself and the
    next: only frame 2 hears both sides.

    >>> import numpy as np
    >>> front, back = np.array([1, 0, 0, 1.0]), np.array([1, 0, 0, -1.0])
    >>> spectrum = np.stack([front, front, front, back], axis=-1).reshape(4, 1, 4) + 0j
    >>> diffuseness(spectrum, frames=2)[0]
    array([0., 0., 1., 0.])
    """
    check_first_order_spectrum(spectrum)
    check_order(frames, minimum=1, name="frames")
    xp = namespace(spectrum)
    real, imaginary = scaled_parts(spectrum[..., :4, :, :], (-3, -1))
    flow = real[..., :1, :, :] * _xyz(real, xp) + imaginary[..., :1, :, :] * _xyz(imaginary, xp)
    energy = (real**2 + imaginary**2).sum(-3) / 2
    flow, energy = moving_sum(flow, frames), moving_sum(energy, frames)
    silent = energy == 0
    squared = ((flow / xp.where(silent, 1.0, energy)[..., None, :, :]) ** 2).sum(-3)
    # The square root has no slope at 0: there the gradient is set to 0.
    still = squared == 0
    length = xp.where(still, 0.0, xp.sqrt(xp.where(still, 1.0, squared)))
    return xp.where(silent, 0.0, xp.clip(1 - length, 0.0, None))


def check_first_order_spectrum(spectrum: Array) -> None:
    """Check for a complex spectrum that holds at least first order."""
    check_spectrum(spectrum)
    channels = spectrum.shape[-3]
    if not order_if_complete(channels):
        raise ShapeError(
            f"got {channels} channels on axis -3 of spectrum with shape {tuple(spectrum.shape)}; expected at least 4, "
            "(order + 1)²: W, Y, Z, X, …; take the spectrum of an Ambisonic signal (..., channels, time)"
        )


def _xyz(channels: Array, xp: object) -> Array:
    """X, Y, Z out of the ACN order W, Y, Z, X."""
    return xp.concat([channels[..., 3:4, :, :], channels[..., 1:3, :, :]], -3)
