"""SALSA-Lite: the spectrograms of microphones, and the ways between them that their phases tell."""

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, constant_like, namespace, narrow, widen
from ambikit.analysis.levels import check_levels, levels
from ambikit.analysis.linear_bands import bins_up_to, linear_grid, path_differences, up_to
from ambikit.analysis.mel import MelGrid, by_clips, clip_spectra
from ambikit.analysis.mel_bands import mel_magnitudes
from ambikit.analysis.salsa import check_microphones, metres_per_radian
from ambikit.errors import AmbikitError

__all__ = ["salsa_lite"]


def salsa_lite(
    signal: Float[Array, "*batch microphones time"],
    sample_rate: float,
    *,
    window: float = 0.021,
    hop: float = 0.0125,
    maximum_frequency: float = 2000.0,
    levels_below: float = 9000.0,
    dynamic_range_db: float = 100.0,
    speed_of_sound: float = 343.0,
) -> Float[Array, "*batch features freq frames"]:
    r"""How loud each microphone is in each bin, and how much later than the first the sound reaches it, in metres.

    .. math:: \Lambda_m(f, t) = -\frac{c}{2 \pi f} \arg\{X_1^*(f, t)\, X_m(f, t)\}

    The difference of the two ways from a source is the same at all frequencies, which phases are not.

    Parameters
    ----------
    signal
        Signals of two or more microphones, ``(..., microphones, time)``. **Not for Ambisonics**: its channels stand at
        one point and differ in level and sign alone; use :func:`salsa` or :func:`foa_features`.
    sample_rate
        In Hz; 24000 in the paper.
    window, hop
        In seconds, as in :func:`ambikit.log_mel`; the hop is that of the paper, 300 samples at 24 kHz.
    maximum_frequency
        Highest frequency with differences, in Hz, above which they are 0. Phases are ambiguous from c / 2d on for
        microphones d apart: 2042 Hz for 8.4 cm.
    levels_below
        The bins below this frequency in Hz are kept, but that at 0 Hz.
    dynamic_range_db
        Floor of the levels below the largest of the clip, in dB.
    speed_of_sound
        In m/s.

    Returns
    -------
    Features ``(..., 2 C - 1, freq, frames)``: the levels of C microphones in dB, then C - 1 differences in metres,
    positive where the sound reaches the first microphone first; 0 where a microphone is silent. At 24 kHz
    there are 191 frequencies and 80 frames per second.

    Raises
    ------
    ShapeError
        If there are fewer than two channels, or the signal is too short.
    AmbikitError
        If a parameter is out of its range.

    Notes
    -----
    The authors' code, and that of the DCASE baseline, leaves the minus sign of the paper away. The first frame lies
    mirrored on itself, so that its phases are 0 or ±π: its differences say little.

    References
    ----------
    T. N. T. Nguyen, D. L. Jones, K. N. Watcharasupat, H. Phan and W.-S. Gan, "SALSA-Lite: a fast and effective feature
    for polyphonic sound event localization and detection with microphone arrays", ICASSP 2022.

    Examples
    --------
    The second microphone hears the noise two samples later, so that its way is 2 · 343 / 24000 m longer:

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(size=24002)
    >>> features = salsa_lite(np.stack([noise[2:], noise[:-2]]), 24000)
    >>> features.shape
    (3, 191, 80)
    >>> np.median(features[2, :42]).round(3), round(2 * 343 / 24000, 3)
    (np.float64(0.029), 0.029)
    """
    check_microphones(signal)
    check_levels(2.0, dynamic_range_db)
    for name, frequency in (("maximum_frequency", maximum_frequency), ("levels_below", levels_below)):
        if not isinstance(frequency, int | float | np.number):
            raise AmbikitError(f"got {name}={frequency!r}; expected a frequency; give a number in Hz, e.g. 2000.0")
    signal, dtype = widen(signal)
    grid = linear_grid(signal, sample_rate, window, hop, levels_below, keep_rest=False)
    if not maximum_frequency <= levels_below:
        raise AmbikitError(
            f"got maximum_frequency={maximum_frequency:g} with levels_below={levels_below:g}; expected differences "
            "of bins that have a level; raise levels_below"
        )
    bins = min(bins_up_to(maximum_frequency, sample_rate, grid.frame_length), grid.bank.shape[0])
    scale = metres_per_radian(bins, sample_rate, grid.frame_length, speed_of_sound)
    return narrow(by_clips(_features_of_clips, signal, grid, scale, dynamic_range_db), dtype)


def _features_of_clips(
    signal: Array, grid: MelGrid, out: np.ndarray | None, scale: list, dynamic_range_db: float
) -> Array:
    spectrum, peak = clip_spectra(signal, grid)
    level = levels(mel_magnitudes(spectrum, grid.bank, 2.0), 2.0, dynamic_range_db, peak)
    paths = path_differences(spectrum[..., 1 : len(scale) + 1, :], constant_like(scale, level))
    return namespace(level).concat([level, up_to(paths, level.shape[-2])], -3)
