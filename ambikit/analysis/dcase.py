"""The features of the DCASE baselines for sound event localisation and detection, by their definitions."""

from itertools import combinations
from typing import NamedTuple

from jaxtyping import Complex, Float

from ambikit._arrays import Array, namespace, narrow, widen
from ambikit._checks import check_floating, check_sample_rate, check_signal
from ambikit.analysis.correlation import gcc_phat
from ambikit.analysis.filterbank import band_sums, bank_like, mel_filterbank
from ambikit.analysis.intensity import check_first_order_spectrum
from ambikit.analysis.levels import check_levels, levels, peak_of
from ambikit.analysis.mel_bands import mel_magnitudes
from ambikit.analysis.parts import scaled_parts
from ambikit.analysis.salsa import check_microphones
from ambikit.analysis.spectra import check_length, frame_spectrum
from ambikit.errors import AmbikitError

__all__ = ["dcase_foa_features", "dcase_intensity", "dcase_mic_features"]


def dcase_intensity(spectrum: Complex[Array, "*batch channels freq time"]) -> Float[Array, "*batch 3 freq time"]:
    r"""The intensity vector of the DCASE baselines in each bin: towards the source, but never of length 1.

    .. math:: \mathbf{I} = \frac{\Re\{W^* [X, Y, Z]^\top\}}{|W|^2 + \tfrac{1}{3} (|X|^2 + |Y|^2 + |Z|^2)}

    Parameters
    ----------
    spectrum
        Spectrum ``(..., channels, freq, time)`` of an AmbiX signal, see :func:`ambikit.stft`; the first four channels
        are used.

    Returns
    -------
    Components x, y, z, ``(..., 3, freq, time)``, without unit; 0 where there is no energy. A plane wave has length
    **0.75**: the divisor belongs to N3D, where the dipoles of a diffuse field are as loud as W and a plane wave has
    0.866, while this signal is SN3D.

    Raises
    ------
    ShapeError
        If axis -3 holds no complete Ambisonic order of at least 1.
    ArrayTypeError
        If the spectrum is not complex.

    See Also
    --------
    active_intensity : of length 1 for a plane wave.

    References
    ----------
    A. Politis et al., "Overview and evaluation of sound event localization and detection in DCASE 2019", IEEE/ACM
    TASLP 29, 2021; the baseline of DCASE 2023, github.com/sharathadavanne/seld-dcase2023 (there with 10⁻⁸ added).

    Examples
    --------
    >>> import numpy as np
    >>> dcase_intensity(np.array([1, 1, 0, 0], dtype=complex).reshape(4, 1, 1))[:, 0, 0]
    array([0.  , 0.75, 0.  ])
    """
    check_first_order_spectrum(spectrum)
    xp = namespace(spectrum)
    real, imaginary = scaled_parts(spectrum[..., :4, :, :], (-3,))
    dipoles = [3, 1, 2]
    flow = real[..., :1, :, :] * real[..., dipoles, :, :] + imaginary[..., :1, :, :] * imaginary[..., dipoles, :, :]
    energy = real**2 + imaginary**2
    divisor = energy[..., :1, :, :] + energy[..., 1:, :, :].sum(-3, keepdims=True) / 3
    return flow / xp.where(divisor == 0, 1.0, divisor)


def dcase_foa_features(
    signal: Float[Array, "*batch channels time"],
    sample_rate: float = 24000.0,
    *,
    bands: int = 64,
    hop: float = 0.020,
    dynamic_range_db: float = 80.0,
) -> Float[Array, "*batch 7 mel frames"]:
    r"""What the DCASE baseline for Ambisonics hears: levels of W, Y, Z, X in mel bands, and intensities y, z, x.

    .. math:: \mathbf{I}(m, t) = \sum_f b(m, f)\, \mathbf{I}(f, t)

    with :func:`dcase_intensity` per bin: normalised first, and then summed over the band, not averaged.

    Parameters
    ----------
    signal
        AmbiX signal ``(..., channels, time)``; of higher orders the first four channels are used.
    sample_rate
        In Hz; the baseline's is 24000.
    bands
        Number of Slaney mel bands.
    hop
        Distance of the frames in seconds. The window is twice as long, the transform the next power of two: 480, 960
        and 1024 samples.
    dynamic_range_db
        Floor of the levels below the largest level *of each channel*, in dB.

    Returns
    -------
    Features ``(..., 7, bands, frames)`` with ``floor(time / hop)`` frames: log-mel in dB of W, Y, Z, X, then **y, z,
    x**, the baseline's order. A plane wave has the length 0.75 · Σ b(m, f), about 0.03 at these defaults, as a band's
    weights have area 1 in Hz.

    Raises
    ------
    ShapeError
        If the channels are not those of an Ambisonic order of at least 1, or the signal is too short.
    AmbikitError
        If a parameter is out of its range.

    See Also
    --------
    foa_features : averages, so that a plane wave keeps its unit vector in every band.

    Notes
    -----
    The baseline adds 10⁻⁸ to the samples and to the energy, and its levels end at -100 dB; here nothing is absolute.
    For sounds well above that the features are the same.

    References
    ----------
    The baseline of DCASE 2023 task 3, github.com/sharathadavanne/seld-dcase2023; the order of operations was read
    there.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(size=24000)
    >>> dcase_foa_features(np.stack([noise, noise, 0 * noise, 0 * noise])).shape
    (7, 64, 50)
    """
    check_signal(signal, minimum_order=1)
    check_floating(signal)
    signal, dtype = widen(signal[..., :4, :])
    spectrum, peak, bank = _spectra(signal, sample_rate, bands, hop, dynamic_range_db)
    intensity = dcase_intensity(spectrum)[..., [1, 2, 0], :, :]
    xp = namespace(signal)
    level = _levels(spectrum, bank, dynamic_range_db, peak)
    return narrow(xp.concat([level, band_sums(bank, intensity)], -3), dtype)


def dcase_mic_features(
    signal: Float[Array, "*batch microphones time"],
    sample_rate: float = 24000.0,
    *,
    bands: int = 64,
    hop: float = 0.020,
    dynamic_range_db: float = 80.0,
) -> Float[Array, "*batch features mel frames"]:
    """What the DCASE baseline for microphones hears: levels in mel bands, and the correlation of each pair over lags.

    Parameters
    ----------
    signal
        Signals of two or more microphones ``(..., microphones, time)``; four in the baseline.
    sample_rate, bands, hop, dynamic_range_db
        As in :func:`dcase_foa_features`.

    Returns
    -------
    Features ``(..., C + C (C - 1) / 2, bands, frames)``: log-mel in dB of the C microphones, then
    :func:`ambikit.gcc_phat` of the pairs (0, 1), (0, 2), …, (1, 2), … at the ``bands`` lags from -bands / 2 to
    bands / 2 - 1 samples, so that they fill a picture of the same size; for an odd number one lag more on the left.
    Lag 0 stands at ``bands - bands // 2``, and positive lags mean that the first microphone of the pair is ahead. Ten
    pictures for four microphones.

    Raises
    ------
    ShapeError
        If there are fewer than two channels, or the signal is too short.
    AmbikitError
        If a parameter is out of its range.

    See Also
    --------
    gcc_phat : with averages over frames, other lags, lags between samples.

    References
    ----------
    As :func:`dcase_foa_features`; Y. Cao et al., "Polyphonic sound event detection and localization using a two-stage
    strategy", DCASE 2019.

    Examples
    --------
    The second microphone hears the noise three samples later:

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(size=24003)
    >>> features = dcase_mic_features(np.stack([noise[3:], noise[:-3]]))
    >>> features.shape, int(features[2, :, 25].argmax()) - 32
    ((3, 64, 50), 3)
    """
    check_microphones(signal)
    signal, dtype = widen(signal)
    spectrum, peak, bank = _spectra(signal, sample_rate, bands, hop, dynamic_range_db)
    after = bands // 2
    before = bands - after
    if before > spectrum.shape[-2] - 1:
        raise AmbikitError(
            f"got bands={bands} for transforms of {2 * spectrum.shape[-2] - 2} samples; expected at most as many as "
            "they have lags; take fewer bands or a longer hop"
        )
    pairs = list(combinations(range(signal.shape[-2]), 2))
    correlation = gcc_phat(spectrum, max_lag=before, pairs=pairs)[..., : before + after, :]
    level = _levels(spectrum, bank, dynamic_range_db, peak)
    return narrow(namespace(signal).concat([level, correlation], -3), dtype)


class _Spectra(NamedTuple):
    spectrum: Array
    peak: Array
    bank: Array


def _spectra(signal: Array, sample_rate: float, bands: int, hop: float, dynamic_range_db: float) -> _Spectra:
    """The spectra of clips divided by their largest samples, these, and the mel bank."""
    check_levels(2.0, dynamic_range_db)
    hop_length = int(round(hop * check_sample_rate(sample_rate), 6))
    if hop_length < 1:
        raise AmbikitError(
            f"got hop={hop!r} and sample_rate={sample_rate:g}; expected hop in seconds, at least one sample; "
            "e.g. hop=0.02 and sample_rate=24000"
        )
    length = 1 << (2 * hop_length - 1).bit_length()
    check_length(signal, 2 * hop_length)
    peak = peak_of(signal)
    spectrum = frame_spectrum(signal / peak, 2 * hop_length, hop_length, signal.shape[-1] // hop_length, length).mT
    return _Spectra(spectrum, peak, bank_like(mel_filterbank(sample_rate, length, bands), signal))


def _levels(spectrum: Array, bank: Array, dynamic_range_db: float, peak: Array) -> Array:
    # An axis more: the floor of each channel lies below its own largest level.
    mel = mel_magnitudes(spectrum, bank, 2.0)[..., None, :, :]
    return levels(mel, 2.0, dynamic_range_db, peak[..., None])[..., 0, :, :]
