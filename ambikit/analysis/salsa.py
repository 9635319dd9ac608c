"""SALSA: fine spectrograms, and beside every bin in which one source dominates, where it is."""

from math import pi

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, constant_like, namespace, narrow, widen
from ambikit._checks import check_choice, check_floating, check_order, check_signal
from ambikit.analysis.levels import check_levels, levels
from ambikit.analysis.linear_bands import bins_up_to, linear_grid, path_differences, up_to
from ambikit.analysis.mel import MelGrid, by_clips, clip_spectra
from ambikit.analysis.mel_bands import mel_magnitudes, room_for
from ambikit.analysis.noise_floor import above_noise_floor, bins_above_noise_floor
from ambikit.analysis.principal_eigenvector import columns_of_bins, is_dominated, local_covariance, principal_projector
from ambikit.errors import AmbikitError, ShapeError

__all__ = ["check_microphones", "metres_per_radian", "salsa"]

_CUES = ("direction", "path")


def salsa(
    signal: Float[Array, "*batch channels time"],
    sample_rate: float,
    *,
    cue: str = "direction",
    window: float = 0.021,
    hop: float = 0.0125,
    frames: int = 7,
    noise_ratio: float | None = 1.5,
    coherence_ratio: float | None = 5.0,
    maximum_frequency: float | None = None,
    compressed_above: float | None = 9000.0,
    dynamic_range_db: float = 100.0,
    speed_of_sound: float = 343.0,
) -> Float[Array, "*batch features freq frames"]:
    r"""How loud each frequency is at each time, and from where it sounds, where one source dominates it.

    .. math:: \mathbf{d} = \frac{\Re\{v_1^* [v_X, v_Y, v_Z]\}}{\lVert \Re\{v_1^* [v_X, v_Y, v_Z]\} \rVert}

    with the principal eigenvector :math:`v` of the covariance over a few frames of the bin; :math:`v_1` is that of W.

    Parameters
    ----------
    signal
        AmbiX signal ``(..., channels, time)``, of which the first four channels are used; with ``cue="path"`` the
        signals of two or more microphones.
    sample_rate
        In Hz; 24000 in the paper.
    cue
        ``"direction"``: the unit vector above, for Ambisonics. ``"path"``: for microphones, by how many metres the way
        to each is longer than to the first, :math:`-\tfrac{c}{2\pi f} \arg(v_1^* v_m)`.
    window, hop
        In seconds, as in :func:`ambikit.log_mel`; the hop is that of the paper, 300 samples at 24 kHz.
    frames
        Frames of a covariance, centred on the bin.
    noise_ratio
        The magnitude test: a bin has a cue only where the first channel is so many times above the noise floor, which
        follows the level of its frequency slowly. What sounds for seconds at one level becomes noise to it. None: no
        test.
    coherence_ratio
        The coherence test: and only where the largest eigenvalue is more than so many times the second. None: no test.
    maximum_frequency
        Highest frequency with cues, in Hz; default 9000 for directions and 4000 for paths. Above half the speed of
        sound over the distance of two microphones phases become ambiguous.
    compressed_above
        Above this frequency in Hz, eight bins are averaged into one; None: every bin stays.
    dynamic_range_db
        Floor of the levels below the largest of the clip, in dB.
    speed_of_sound
        In m/s.

    Returns
    -------
    Features ``(..., 7, freq, frames)`` for Ambisonics: levels of W, Y, Z, X in dB, then x, y, z; for C microphones
    ``2 C - 1``: their levels, then the differences. At 24 kHz there are 200 frequencies, 192 bins without that at 0 Hz
    and 8 averages, and 80 frames per second. Cues are 0 in silence, where a test fails, and above their highest
    frequency. Gradients flow through levels and cues, not through the tests.

    Raises
    ------
    ShapeError
        If the channels are not those of an Ambisonic order of at least 1 (``"path"``: fewer than 2), or the signal is
        too short.
    AmbikitError
        If a parameter is out of its range.

    See Also
    --------
    salsa_lite : for microphones, without covariances.
    foa_features : in mel bands, for scenes without a dominating source too.

    Notes
    -----
    The authors' code stacks y, z, x, and paths with the other sign; its noise floor has an absolute least value, its
    last average leaves the highest bin out, and its covariances wrap around at the ends of the clip.

    It takes some nine times as long as :func:`foa_features` on a CPU, nearly all of it for the covariances and their
    eigenvectors. Where gradients flow, and on a GPU, the noise floor goes frame by frame: its steps are what takes time
    there, for one clip as for many, and ``torch.compile`` unrolls them.

    References
    ----------
    T. N. T. Nguyen, K. N. Watcharasupat, N. K. Nguyen, D. L. Jones and W.-S. Gan, "SALSA: spatial cue-augmented
    log-spectrogram features for polyphonic sound event localization and detection", IEEE/ACM TASLP 30, 2022.

    Examples
    --------
    Noise from the left; without the magnitude test, as it is steady:

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(size=24000)
    >>> features = salsa(np.stack([noise, noise, 0 * noise, 0 * noise]), 24000, noise_ratio=None)
    >>> features.shape
    (7, 200, 80)
    >>> features[4:, 100, 40].round(6) + 0.0
    array([0., 1., 0.])
    """
    check_choice(cue, _CUES, "cue")
    if cue == "direction":
        check_signal(signal, minimum_order=1)
        check_floating(signal)
        signal = signal[..., :4, :]
    else:
        check_microphones(signal)
    check_levels(2.0, dynamic_range_db)
    check_order(frames, minimum=1, name="frames")
    for name, ratio in (("noise_ratio", noise_ratio), ("coherence_ratio", coherence_ratio)):
        if ratio is not None and not (isinstance(ratio, int | float | np.number) and ratio >= 1):
            raise AmbikitError(f"got {name}={ratio!r}; expected a number of at least 1, or None for no test; try 1.5")
    signal, dtype = widen(signal)
    grid = linear_grid(signal, sample_rate, window, hop, compressed_above, keep_rest=True)
    highest = maximum_frequency if maximum_frequency is not None else 9000.0 if cue == "direction" else 4000.0
    bins = bins_up_to(highest, sample_rate, grid.frame_length)
    if compressed_above is not None and highest > compressed_above:
        raise AmbikitError(
            f"got maximum_frequency={highest:g} with compressed_above={compressed_above!r}; expected cues of bins that "
            "stay single; raise compressed_above, or set it to None"
        )
    scale = metres_per_radian(bins, sample_rate, grid.frame_length, speed_of_sound)
    options = (bins, cue, scale, frames, noise_ratio, coherence_ratio, dynamic_range_db)
    return narrow(by_clips(_features_of_clips, signal, grid, *options), dtype)


def check_microphones(signal: Array) -> None:
    """Check for the signals of at least two microphones."""
    check_floating(signal)
    if signal.ndim < 2 or signal.shape[-2] < 2 or signal.shape[-1] == 0:
        raise ShapeError(
            f"got a signal of shape {tuple(signal.shape)}; expected the signals of at least two microphones, "
            "(..., microphones, time); for Ambisonics use ambikit.salsa or ambikit.foa_features"
        )


def metres_per_radian(bins: int, sample_rate: float, frame_length: int, speed_of_sound: float) -> list[list[float]]:
    """The path that a phase of 1 radian stands for, of the bins above 0 Hz: a column ``(bins, 1)``."""
    if not (isinstance(speed_of_sound, int | float | np.number) and 0 < speed_of_sound < float("inf")):
        raise AmbikitError(f"got speed_of_sound={speed_of_sound!r}; expected a positive number in m/s, e.g. 343.0")
    width = float(sample_rate) / frame_length
    return [[speed_of_sound / (2 * pi * width * k)] for k in range(1, bins + 1)]


def _features_of_clips(
    signal: Array,
    grid: MelGrid,
    out: np.ndarray | None,
    bins: int,
    cue: str,
    scale: list,
    frames: int,
    noise_ratio: float | None,
    coherence_ratio: float | None,
    dynamic_range_db: float,
) -> Array:
    spectrum, peak = clip_spectra(signal, grid)
    channels = signal.shape[-2]
    room = room_for(channels + (3 if cue == "direction" else channels - 1), spectrum, grid.bank, out)
    level = levels(mel_magnitudes(spectrum, grid.bank, 2.0, room), 2.0, dynamic_range_db, peak, room)
    if room is not None:
        columns, kept = columns_of_bins(room.spectra, bins, frames, coherence_ratio)
        if noise_ratio is not None:
            kept &= bins_above_noise_floor(room.spectra, bins, noise_ratio)
        cues = np.where(kept[:, None], _cues(columns, cue, constant_like(scale, room.clips)), 0.0)
        room.clips[:, channels:] = up_to(cues, level.shape[-2])
        return room.out
    xp = namespace(spectrum)
    part = spectrum[..., 1 : bins + 1, :]
    covariance = local_covariance(part, frames)
    projector = principal_projector(covariance)
    column = projector[..., :, 0].swapaxes(-1, -2).swapaxes(-2, -3)  # v v_1*, channels first
    cues = _cues(column, cue, constant_like(scale, level))
    if coherence_ratio is not None:
        cues = xp.where(is_dominated(covariance, projector, coherence_ratio)[..., None, :, :], cues, 0.0)
    if noise_ratio is not None:
        first = part[..., 0, :, :]
        kept = above_noise_floor(first.real**2 + first.imag**2, noise_ratio)
        cues = xp.where(kept[..., None, :, :], cues, 0.0)
    return xp.concat([level, up_to(cues, level.shape[-2])], -3)


def _cues(column: Array, cue: str, scale: Array) -> Array:
    """Directions or paths ``(..., cues, freq, time)`` of v v_1*."""
    xp = namespace(column)
    if cue == "path":
        return path_differences(column, scale)
    flow = column.real[..., [3, 1, 2], :, :]
    squared = (flow**2).sum(-3, keepdims=True)
    return flow / xp.sqrt(xp.where(squared == 0, 1.0, squared))
