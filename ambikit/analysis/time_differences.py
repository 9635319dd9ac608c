"""By how much one channel is ahead of another: the lag at which they are most alike, between the samples too."""

from math import ceil

from jaxtyping import Complex, Float

from ambikit._arrays import Array, constant_like, namespace
from ambikit._checks import check_choice, check_sample_rate, check_spectrum
from ambikit.analysis.correlation import coherent_cross_spectrum, length_of_frames, over_lags, phase_transformed
from ambikit.analysis.running_sums import check_frames
from ambikit.errors import AmbikitError

__all__ = ["itd"]

_LAGS_PER_SAMPLE = 8
_WEIGHTINGS = ("phase_transform", "none")


def itd(
    spectrum: Complex[Array, "*batch 2 freq time"],
    sample_rate: float,
    *,
    maximum_time: float = 0.001,
    frames: int | None = 1,
    weighting: str = "phase_transform",
    frame_length: int | None = None,
) -> Float[Array, "*batch time2"]:
    r"""By how much time the left channel is ahead of the right one, in each frame.

    .. math:: \tau = \arg\max_\ell c(\ell) / f_s

    The peak is sought on eight lags per sample and refined by the parabola through its neighbours.

    Parameters
    ----------
    spectrum
        Spectrum ``(..., 2, freq, time)``, left first.
    sample_rate
        In Hz.
    maximum_time
        The largest time difference that is looked for, in seconds: 1 ms holds any head.
    frames
        Frames over which the cross-spectrum is averaged, as in :func:`gcc_phat`; None: one figure for all.
    weighting
        ``"phase_transform"`` takes the peak of :func:`gcc_phat`: sharp, and robust to reflections; ``"none"`` that of
        :func:`interaural_cross_correlation`: the loud frequencies decide, for sounds of few frequencies.
    frame_length
        As in :func:`gcc_phat`.

    Returns
    -------
    Time difference in seconds, ``(..., time)``; positive where the sound reaches the left channel first. 0 where a
    channel is silent. Its gradient moves the peak; it does not jump to another one.

    Raises
    ------
    ShapeError
        If axis -3 does not hold two channels, or ``freq`` does not fit ``frame_length``.
    AmbikitError
        If ``maximum_time`` is not positive or longer than half a frame, or the weighting is unknown.
    ArrayTypeError
        If the spectrum is not complex.

    See Also
    --------
    ild, ipd : level and phase per time-frequency bin.

    References
    ----------
    C. H. Knapp and G. C. Carter, "The generalized correlation method for estimation of time delay", IEEE Trans. ASSP
    24(4), 1976; the parabola: our own.

    Examples
    --------
    The right channel hears the impulse two samples later, at 8 kHz: 0.25 ms.

    >>> import numpy as np
    >>> impulses = np.zeros((2, 32))
    >>> impulses[0, 5] = impulses[1, 7] = 1
    >>> 1000 * itd(np.fft.rfft(impulses)[..., None], 8000).round(9)
    array([0.25])
    """
    check_spectrum(spectrum, channels=2)
    length = length_of_frames(spectrum, frame_length)
    check_frames(frames)
    check_choice(weighting, _WEIGHTINGS, "weighting")
    sample_rate = check_sample_rate(sample_rate)
    samples = maximum_time * sample_rate if isinstance(maximum_time, int | float) else 0
    if not 0 < samples <= length // 2:
        raise AmbikitError(
            f"got maximum_time={maximum_time!r} at sample_rate={sample_rate:g} for frames of {length} samples; "
            f"expected more than 0 and at most {length // 2 / sample_rate:g} s, half a frame; take longer frames or "
            "give the time in seconds"
        )
    if weighting == "phase_transform":
        parts = phase_transformed(spectrum, frames)
    else:
        parts = coherent_cross_spectrum(spectrum, frames, length)
    steps = ceil(samples * _LAGS_PER_SAMPLE)
    correlation = over_lags(*parts, length, _LAGS_PER_SAMPLE, steps + 1)
    return _peak(correlation) / (_LAGS_PER_SAMPLE * sample_rate)


def _peak(correlation: Array) -> Array:
    """Where the largest of the inner values ``(..., lags, time)`` lies, counted from the middle; 0 for silence."""
    xp = namespace(correlation)
    before, here, after = correlation[..., :-2, :], correlation[..., 1:-1, :], correlation[..., 2:, :]
    count = here.shape[-2]
    places = constant_like([[float(i - count // 2)] for i in range(count)], here)
    best = xp.argmax(here, -2)[..., None, :] - count // 2
    chosen = places == best
    slope = xp.where(chosen, before - after, 0.0).sum(-2)
    curvature = xp.where(chosen, before - 2 * here + after, 0.0).sum(-2)
    flat = curvature == 0
    lag = xp.where(chosen, places, 0.0).sum(-2) + slope / (2 * xp.where(flat, 1.0, curvature))
    silent = xp.amax(xp.abs(correlation), -2) == 0
    return xp.where(silent, 0.0, lag)
