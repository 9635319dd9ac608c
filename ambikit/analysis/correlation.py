"""How alike two channels are when one is shifted against the other: correlation over lags, from spectra."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Complex, Float

from ambikit._arrays import Array, constant_like, namespace
from ambikit._checks import check_order, check_spectrum
from ambikit.analysis.parts import largest_part, scaled_parts
from ambikit.analysis.running_sums import check_frames, moving_sum
from ambikit.analysis.spectra import fourier
from ambikit.errors import ShapeError

__all__ = [
    "channels_of_pairs",
    "coherent_cross_spectrum",
    "gcc_phat",
    "interaural_cross_correlation",
    "length_of_frames",
    "over_lags",
    "phase_transformed",
]


def gcc_phat(
    spectrum: Complex[Array, "*batch channels freq time"],
    *,
    max_lag: int | None = None,
    interpolation: int = 1,
    frames: int | None = 1,
    pairs: Sequence[tuple[int, int]] | None = None,
    frame_length: int | None = None,
) -> Float[Array, "..."]:
    r"""How well two channels agree when one is shifted against the other, every frequency counting alike.

    .. math:: c(\ell) = \frac{1}{N} \sum_{k} \frac{\langle L^*(k)\, R(k) \rangle}{|\langle L^*(k)\, R(k) \rangle|}\,
        e^{2\pi i k \ell / N}

    over all N frequencies of the frame, the negative ones too, with the mean :math:`\langle\cdot\rangle` over frames.

    Parameters
    ----------
    spectrum
        Spectrum ``(..., channels, freq, time)`` of frames of N samples, see :func:`ambikit.stft`.
    max_lag
        The largest lag in samples of the signal, at most and by default N / 2.
    interpolation
        Lags per sample; the values between whole samples are those of the band-limited correlation, exactly.
    frames
        Frames over which the cross-spectrum is averaged before the phase transform: a running mean, centred, at the
        ends over the frames there are. None: one mean over all frames; the time axis then has length 1.
    pairs
        Pairs of channels (left, right). Default: the two channels there are, and no axis of pairs.
    frame_length
        N, by default the even one of 2 (freq - 1) samples.

    Returns
    -------
    Correlation in [-1, 1], ``(..., lags, time)``, or ``(..., pairs, lags, time)`` where pairs are given. The lags
    run from -max_lag to max_lag in steps of 1 / interpolation samples, so that lag 0 stands in the middle; **a
    positive lag means that left is ahead**. A pure delay has a peak of 1 if all bins have sound: the peak is the
    share of bins that agree. A bin without sound in one of the channels counts 0, a silent frame is 0 at all lags.

    Raises
    ------
    ShapeError
        If there are not two channels and no pairs are given, a pair names a channel that is not there, or ``freq``
        does not fit ``frame_length``.
    AmbikitError
        If ``max_lag``, ``interpolation`` or ``frames`` is not a whole number in its range.
    ArrayTypeError
        If the spectrum is not complex.

    See Also
    --------
    itd : the lag of the peak, in seconds.

    Notes
    -----
    The correlation is that of frames, wrapped around: a lag should be short against the frame. The windows of the
    two channels do not move with the sound, so that the peak falls slowly with the lag.

    References
    ----------
    C. H. Knapp and G. C. Carter, "The generalized correlation method for estimation of time delay", IEEE Trans. ASSP
    24(4), 1976, table I.

    Examples
    --------
    An impulse reaches the left channel one sample before the right one: the peak lies at a lag of 1.

    >>> import numpy as np
    >>> impulses = np.array([[0, 1, 0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0, 0, 0]], dtype=float)
    >>> spectrum = np.fft.rfft(impulses)[..., None]
    >>> gcc_phat(spectrum, max_lag=2)[:, 0].round(12) + 0.0
    array([0., 0., 0., 1., 0.])
    """
    length = length_of_frames(spectrum, frame_length)
    check_frames(frames)
    check_order(interpolation, minimum=1, name="interpolation")
    max_lag = length // 2 if max_lag is None else check_order(max_lag, maximum=length // 2, name="max_lag")
    return over_lags(*phase_transformed(spectrum, frames, pairs), length, interpolation, max_lag * interpolation)


def interaural_cross_correlation(
    spectrum: Complex[Array, "*batch 2 freq time"],
    *,
    max_lag: int | None = None,
    interpolation: int = 1,
    frames: int | None = 1,
    frame_length: int | None = None,
) -> Float[Array, "*batch lags time2"]:
    r"""How alike left and right are when one is shifted against the other, the loud frequencies counting most.

    .. math:: c(\ell) = \frac{\sum_k \langle L^*(k)\, R(k) \rangle\, e^{2\pi i k \ell / N}}
        {\sqrt{\sum_k \langle |L(k)|^2 \rangle\, \sum_k \langle |R(k)|^2 \rangle}}

    Its largest magnitude within 1 ms is the interaural cross-correlation coefficient of room acoustics (there taken
    over the whole response).

    Parameters
    ----------
    spectrum
        Spectrum ``(..., 2, freq, time)``, left first.
    max_lag, interpolation, frames, frame_length
        As in :func:`gcc_phat`.

    Returns
    -------
    Correlation in [-1, 1], ``(..., lags, time)``; lags as in :func:`gcc_phat`, positive where left is ahead. 1 at
    lag 0 for equal channels, whatever their levels; 0 where a channel is silent.

    Raises
    ------
    ShapeError
        If axis -3 does not hold two channels, or ``freq`` does not fit ``frame_length``.
    AmbikitError
        If ``max_lag``, ``interpolation`` or ``frames`` is not a whole number in its range.
    ArrayTypeError
        If the spectrum is not complex.

    References
    ----------
    ISO 3382-1:2009, annex B.

    Examples
    --------
    Right is left at half the amplitude and turned over: nothing is less alike at lag 0.

    >>> import numpy as np
    >>> spectrum = np.fft.rfft(np.array([[0, 2, 0, 0], [0, -1, 0, 0]], dtype=float))[..., None]
    >>> interaural_cross_correlation(spectrum, max_lag=1)[:, 0]
    array([ 0., -1.,  0.])
    """
    check_spectrum(spectrum, channels=2)
    length = length_of_frames(spectrum, frame_length)
    check_frames(frames)
    check_order(interpolation, minimum=1, name="interpolation")
    max_lag = length // 2 if max_lag is None else check_order(max_lag, maximum=length // 2, name="max_lag")
    return over_lags(*coherent_cross_spectrum(spectrum, frames, length), length, interpolation, max_lag * interpolation)


def length_of_frames(spectrum: Any, frame_length: int | None) -> int:
    """Samples per frame of a spectrum: as given, or the even number that its bins fit."""
    check_spectrum(spectrum)
    freq = spectrum.shape[-2]
    length = 2 * (freq - 1) if frame_length is None else check_order(frame_length, minimum=2, name="frame_length")
    if length < 2 or length // 2 + 1 != freq:
        raise ShapeError(
            f"got a spectrum of shape {tuple(spectrum.shape)} with frame_length={frame_length}; expected "
            "frame_length // 2 + 1 bins, at least 2; pass all bins, and the frame_length they were made with"
        )
    return length


def phase_transformed(spectrum: Array, frames: int | None, pairs: Any = None) -> tuple[Array, Array]:
    """The mean of ``L* R`` over frames at magnitude 1 in every bin, or 0 where there is nothing."""
    if pairs is None:
        check_spectrum(spectrum, channels=2)
        left, right = 0, 1
    else:
        left, right = channels_of_pairs(pairs, spectrum.shape[-3])
    # A single frame each bin by its own size; a mean must keep the levels of its frames.
    real, imaginary = scaled_parts(spectrum, () if frames == 1 else (-1,))
    return _unit(*_products(real, imaginary, left, right, frames))


def _products(real: Array, imaginary: Array, left: Any, right: Any, frames: int | None) -> tuple[Array, Array]:
    left_real, left_imaginary = real[..., left, :, :], imaginary[..., left, :, :]
    right_real, right_imaginary = real[..., right, :, :], imaginary[..., right, :, :]
    in_phase = left_real * right_real + left_imaginary * right_imaginary
    in_quadrature = left_real * right_imaginary - left_imaginary * right_real
    return moving_sum(in_phase, frames), moving_sum(in_quadrature, frames)


def channels_of_pairs(pairs: Any, channels: int) -> tuple[list[int], list[int]]:
    """The left and the right channels of pairs, checked against the number of channels."""
    try:
        listed = [tuple(pair) for pair in pairs]
    except TypeError:  # no list of pairs
        listed = []
    whole = all(isinstance(channel, int | np.integer) for pair in listed for channel in pair)
    if not listed or not whole or any(len(pair) != 2 or not all(0 <= c < channels for c in pair) for pair in listed):
        raise ShapeError(
            f"got pairs={pairs!r} for {channels} channels; expected at least one pair (left, right) of channel numbers "
            f"from 0 to {channels - 1}; e.g. [(0, 1), (0, 2)]"
        )
    return [int(left) for left, _ in listed], [int(right) for _, right in listed]


def _unit(real: Array, imaginary: Array) -> tuple[Array, Array]:
    """Every bin at magnitude 1, however small it is, or 0."""
    xp = namespace(real)
    largest = largest_part(real, imaginary, ())
    real, imaginary = real / largest, imaginary / largest
    squared = real**2 + imaginary**2
    length = xp.sqrt(xp.where(squared == 0, 1.0, squared))
    return real / length, imaginary / length


def coherent_cross_spectrum(spectrum: Array, frames: int | None, length: int) -> tuple[Array, Array]:
    """The mean cross-spectrum over the root of both energies, so that equal channels have a correlation of 1."""
    xp = namespace(spectrum)
    real, imaginary = scaled_parts(spectrum, (-2,) if frames == 1 else (-2, -1))
    power = moving_sum((real**2 + imaginary**2) * _both_sides(real, length), frames).sum(-2, keepdims=True)
    energy = power[..., 0, :, :] * power[..., 1, :, :]
    silent = energy == 0
    scale = length / xp.sqrt(xp.where(silent, 1.0, energy))
    in_phase, in_quadrature = _products(real, imaginary, 0, 1, frames)
    return in_phase * scale, in_quadrature * scale


def _both_sides(parts: Array, length: int) -> Array:
    """How often each bin ``(freq, 1)`` stands in the whole spectrum: twice, but for 0 Hz and half the sample rate."""
    count = [[1.0], *([[2.0]] * (length // 2))]
    if length % 2 == 0:
        count[-1] = [1.0]
    return constant_like(count, parts)


def over_lags(real: Array, imaginary: Array, length: int, interpolation: int, steps: int) -> Array:
    """The correlation at ``steps`` lags to either side, ``(..., lags, time)``."""
    xp = namespace(real)
    if length % 2 == 0 and interpolation > 1:
        # Half the sample rate is one line of a frame, but two of a longer one.
        weight = constant_like([*([[1.0]] * (length // 2)), [0.5]], real)
        real, imaginary = real * weight, imaginary * weight
    fine = length * interpolation
    bins = (real + 1j * imaginary).mT
    correlation = fourier(xp).irfft(bins, fine) * interpolation
    return xp.concat([correlation[..., fine - steps :], correlation[..., : steps + 1]], -1).mT
