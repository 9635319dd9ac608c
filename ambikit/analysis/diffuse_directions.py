"""How diffuse sound is, from how far the directions of its intensity wander from frame to frame."""

from jaxtyping import Complex, Float

from ambikit._arrays import Array, namespace
from ambikit.analysis.intensity import active_intensity, length_of
from ambikit.analysis.parts import scaled_parts
from ambikit.analysis.running_sums import check_frames, moving_sum

__all__ = ["diffuseness_spherical_variance", "diffuseness_temporal_variation"]


def diffuseness_temporal_variation(
    spectrum: Complex[Array, "*batch channels freq time"], *, frames: int | None
) -> Float[Array, "*batch freq means"]:
    r"""How diffuse sound is, from how much its intensity vectors cancel over time: no energy needs to be known.

    .. math:: \psi = \sqrt{1 - \frac{\lVert \langle \mathbf{I} \rangle \rVert}
        {\langle \lVert \mathbf{I} \rVert \rangle}}

    A common factor of X, Y, Z, as microphones of wrong gains leave it, changes nothing.

    Parameters
    ----------
    spectrum
        Spectrum ``(..., channels, freq, time)`` of an AmbiX signal; the first four channels are used.
    frames
        Frames of the mean, as in :func:`diffuseness`. One frame alone is always 0; an ideal diffuse field gives 0.80
        on average over 10 and 0.94 over 100 independent frames (measured).

    Returns
    -------
    Diffuseness in [0, 1], ``(..., freq, time)``: 0 for one plane wave, 1 for a diffuse field over many frames; for two
    uncorrelated, equally loud waves 90° apart √(1 - 8 / (3π)) = 0.389, 180° apart 1. 0, with gradient 0, where no
    energy flows. The root makes much of little: rounding in single precision leaves up to 1e-3 of a plane wave.

    Raises
    ------
    ShapeError
        If axis -3 holds no complete Ambisonic order of at least 1.
    AmbikitError
        If ``frames`` is neither None nor a whole number of at least 1.

    References
    ----------
    J. Ahonen and V. Pulkki, "Diffuseness estimation using temporal variation of intensity vectors", IEEE WASPAA 2009.

    Examples
    --------
    Plane waves from the front in three frames, from the back in the fourth: half of the intensity is left.

    >>> import numpy as np
    >>> front, back = np.array([1, 0, 0, 1.0]), np.array([1, 0, 0, -1.0])
    >>> spectrum = np.stack([front, front, front, back], axis=-1).reshape(4, 1, 4) + 0j
    >>> diffuseness_temporal_variation(spectrum, frames=None).round(6)
    array([[0.707107]])
    """
    check_frames(frames)
    flow = active_intensity(spectrum)
    xp = namespace(flow)
    real, imaginary = scaled_parts(spectrum[..., :4, :, :], (-3, -1))
    energy = (real**2 + imaginary**2).sum(-3)
    total = moving_sum(length_of(flow) * energy, frames)
    still = total == 0
    mean = moving_sum(flow * energy[..., None, :, :], frames) / xp.where(still, 1.0, total)[..., None, :, :]
    rest = xp.where(still, 0.0, xp.clip(1 - length_of(mean), 0.0, None))
    flat = rest == 0  # the root has no slope there
    return xp.where(flat, 0.0, xp.sqrt(xp.where(flat, 1.0, rest)))


def diffuseness_spherical_variance(
    spectrum: Complex[Array, "*batch channels freq time"], *, frames: int | None
) -> Float[Array, "*batch freq means"]:
    r"""How diffuse sound is, from how far its directions of arrival spread over the sphere, the faint like the loud.

    .. math:: \psi = 1 - \left\lVert \left\langle \frac{\mathbf{I}}{\lVert \mathbf{I} \rVert} \right\rangle \right\rVert

    the spherical variance of the directions.

    Parameters
    ----------
    spectrum
        Spectrum ``(..., channels, freq, time)`` of an AmbiX signal; the first four channels are used.
    frames
        Frames of the mean, as in :func:`diffuseness`; frames in which no energy flows are left out. One frame alone is
        always 0; an ideal diffuse field gives 0.71 on average over 10 and 0.91 over 100 independent frames (measured).

    Returns
    -------
    Diffuseness in [0, 1], ``(..., freq, time)``: 0 for one plane wave, 1 for a diffuse field over many frames; for two
    uncorrelated, equally loud waves 90° apart 1 - π/4 = 0.215, 180° apart 1. 0 where no energy flows.

    Raises
    ------
    ShapeError
        If axis -3 holds no complete Ambisonic order of at least 1.
    AmbikitError
        If ``frames`` is neither None nor a whole number of at least 1.

    References
    ----------
    K. V. Mardia and P. E. Jupp, "Directional Statistics", Wiley, 2000; for Ambisonics: A. Politis,
    "Microphone array processing for parametric spatial audio techniques", doctoral thesis, Aalto University, 2016.

    Examples
    --------
    Plane waves from the front in three frames, from the left in the fourth: a mean of (3/4, 1/4, 0).

    >>> import numpy as np
    >>> front, left = np.array([1, 0, 0, 1.0]), np.array([9, 9.0, 0, 0])
    >>> spectrum = np.stack([front, front, front, left], axis=-1).reshape(4, 1, 4) + 0j
    >>> diffuseness_spherical_variance(spectrum, frames=None).round(6)
    array([[0.209431]])
    """
    check_frames(frames)
    flow = active_intensity(spectrum, normalized=True)
    xp = namespace(flow)
    length = length_of(flow)
    still = length == 0
    directions = flow / xp.where(still, 1.0, length)[..., None, :, :]
    # A NaN counts as a frame and stays one.
    count = moving_sum(xp.where(still, 0.0, xp.ones_like(length)), frames)
    nothing = count == 0
    mean = moving_sum(directions, frames) / xp.where(nothing, 1.0, count)[..., None, :, :]
    return xp.where(nothing, 0.0, xp.clip(1 - length_of(mean), 0.0, None))
