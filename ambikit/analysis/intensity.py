"""Where sound energy flows: intensity, energy density and diffuseness of first-order spectra."""

from jaxtyping import Complex, Float

from ambikit._arrays import Array, namespace
from ambikit._checks import check_spectrum, order_if_complete
from ambikit.analysis.parts import scaled_parts
from ambikit.analysis.running_sums import check_frames, moving_sum
from ambikit.errors import ShapeError

__all__ = [
    "active_intensity",
    "check_first_order_spectrum",
    "diffuseness",
    "energy_density",
    "length_of",
    "mean_flow",
    "reactive_intensity",
]


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
    real, imaginary, half_energy = _parts_and_half_energy(spectrum, normalized)
    flow = real[..., :1, :, :] * _xyz(real) + imaginary[..., :1, :, :] * _xyz(imaginary)
    return flow / half_energy if normalized else flow


def reactive_intensity(
    spectrum: Complex[Array, "*batch channels freq time"], *, normalized: bool = True
) -> Float[Array, "*batch 3 freq time"]:
    r"""Where sound energy only swings to and fro, as in a standing wave: the vector towards falling pressure.

    .. math:: \mathbf{Q} = \frac{2\,\Im\{W^* [X, Y, Z]^\top\}}{|W|^2 + |X|^2 + |Y|^2 + |Z|^2}

    With ``normalized=False``: :math:`\Im\{W^* [X, Y, Z]^\top\} = -\nabla |W|^2 / (2 k)` in a field of wave number k.

    Parameters
    ----------
    spectrum
        Spectrum ``(..., channels, freq, time)`` of an AmbiX signal (W, Y, Z, X; SN3D); of higher orders the first
        four channels are used.
    normalized
        Divide by the energy, as in :func:`active_intensity`.

    Returns
    -------
    Cartesian components ``(..., 3, freq, time)``: x (front), y (left), z (up). Normalised: without unit, length in
    [0, 1]; else in units of ``|W|²``. It is 0 for plane waves, and for sounds that are not coherent on average; near
    a source and between walls it is not. The sign is that of :math:`\Im\{p\, u^*\}` with the velocity u of the air:
    it points away from where the pressure is large. 0 where there is no energy.

    Raises
    ------
    ShapeError
        If axis -3 holds no complete Ambisonic order of at least 1.
    ArrayTypeError
        If the spectrum is not complex.

    See Also
    --------
    active_intensity : the energy that flows, with which this one makes a complex vector.

    References
    ----------
    F. Jacobsen, "Active and reactive, coherent and incoherent sound fields", Journal of Sound and Vibration 130(3),
    1989.

    Examples
    --------
    Waves of equal strength from front and back, at an eighth of a wavelength in front of the middle: the phases are
    ±45°, W = 2 cos 45°, X = 2j sin 45°. The pressure is largest in the middle and falls to the front.

    >>> import numpy as np
    >>> spectrum = np.array([1, 0, 0, 1j]).reshape(4, 1, 1)
    >>> reactive_intensity(spectrum)[:, 0, 0]
    array([1., 0., 0.])
    >>> active_intensity(spectrum)[:, 0, 0]
    array([0., 0., 0.])
    """
    real, imaginary, half_energy = _parts_and_half_energy(spectrum, normalized)
    swing = real[..., :1, :, :] * _xyz(imaginary) - imaginary[..., :1, :, :] * _xyz(real)
    return swing / half_energy if normalized else swing


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
    spectrum: Complex[Array, "*batch channels freq time"], *, frames: int | None
) -> Float[Array, "*batch freq means"]:
    r"""How much of the sound comes from everywhere: 0 for one plane wave, 1 for a diffuse field.

    .. math:: \psi = 1 - \frac{\lVert \langle \mathbf{I} \rangle \rVert}{\langle E \rangle}

    with :math:`\mathbf{I} = \Re\{W^* [X, Y, Z]^\top\}` and the mean :math:`\langle\cdot\rangle` over frames.

    Parameters
    ----------
    spectrum
        Spectrum ``(..., channels, freq, time)`` of an AmbiX signal; the first four channels are used.
    frames
        Length of the running mean, centred on each frame; at the ends, the frames there are. None: one mean over all
        frames, with a time axis of length 1. The mean is taken *before* the ratio. One frame alone holds at most a few
        waves, which biases towards 0: an ideal diffuse field gives 0.43 on average over one frame, 0.80 over 10 and
        0.93 over 100 independent ones (measured; overlapping frames count less).

    Returns
    -------
    Diffuseness in [0, 1], ``(..., freq, time)``; 0 where there is no energy at all.

    Raises
    ------
    ShapeError
        If axis -3 holds no complete Ambisonic order of at least 1.
    AmbikitError
        If ``frames`` is neither None nor a whole number of at least 1.

    See Also
    --------
    diffuseness_comedie, diffuseness_directional_power : of all orders; diffuseness_temporal_variation,
    diffuseness_spherical_variance : from the directions of the intensity.

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
    flow, energy = mean_flow(spectrum, frames)
    xp = namespace(energy)
    silent = energy == 0
    return xp.where(
        silent, 0.0, xp.clip(1 - length_of(flow / xp.where(silent, 1.0, energy)[..., None, :, :]), 0.0, None)
    )


def mean_flow(spectrum: Array, frames: int | None) -> tuple[Array, Array]:
    """Sums over frames of intensity and energy density, up to one positive factor per frequency."""
    check_first_order_spectrum(spectrum)
    check_frames(frames)
    real, imaginary = scaled_parts(spectrum[..., :4, :, :], (-3, -1))
    flow = real[..., :1, :, :] * _xyz(real) + imaginary[..., :1, :, :] * _xyz(imaginary)
    return moving_sum(flow, frames), moving_sum((real**2 + imaginary**2).sum(-3) / 2, frames)


def length_of(vectors: Array) -> Array:
    """Lengths of vectors ``(..., 3, freq, time)``, with gradient 0 where they are 0: the root has no slope there."""
    xp = namespace(vectors)
    squared = (vectors**2).sum(-3)
    still = squared == 0
    return xp.where(still, 0.0, xp.sqrt(xp.where(still, 1.0, squared)))


def check_first_order_spectrum(spectrum: Array) -> None:
    """Check for a complex spectrum that holds at least first order."""
    check_spectrum(spectrum)
    channels = spectrum.shape[-3]
    if not order_if_complete(channels):
        raise ShapeError(
            f"got {channels} channels on axis -3 of spectrum with shape {tuple(spectrum.shape)}; expected at least 4, "
            "(order + 1)²: W, Y, Z, X, …; take the spectrum of an Ambisonic signal (..., channels, time)"
        )


def _parts_and_half_energy(spectrum: Array, normalized: bool) -> tuple[Array, Array, Array]:
    """Real and imaginary parts of the first order and half its energy, 1 for silence.

    To be normalised, each bin is taken to its own largest part: squares of faint bins would underflow.
    """
    check_first_order_spectrum(spectrum)
    first = spectrum[..., :4, :, :]
    real, imaginary = scaled_parts(first, -3) if normalized else (first.real, first.imag)
    energy = (real**2 + imaginary**2).sum(-3, keepdims=True) / 2
    return real, imaginary, namespace(energy).where(energy == 0, 1.0, energy)


def _xyz(channels: Array) -> Array:
    """X, Y, Z out of the ACN order W, Y, Z, X."""
    return namespace(channels).concat([channels[..., 3:4, :, :], channels[..., 1:3, :, :]], -3)
