"""What networks hear: levels and spatial cues of a signal in mel bands, stacked as channels of one picture."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, namespace, narrow, widen
from ambikit._checks import check_choice, check_floating, check_signal
from ambikit.analysis.filterbank import mel_average
from ambikit.analysis.intensity import active_intensity, energy_density
from ambikit.analysis.interaural import LIMIT_DB, ild, phase_difference
from ambikit.analysis.levels import check_levels, levels
from ambikit.analysis.mel import MelGrid, by_clips, clip_spectra, mel_grid
from ambikit.analysis.mel_bands import Room, mel_magnitudes, room_for
from ambikit.errors import ShapeError

__all__ = ["WEIGHTINGS", "foa_features", "mel_cues", "mel_intensity", "stereo_features"]

#: How the bins of a band are weighted in the average of a spatial cue.
WEIGHTINGS = ("mean", "energy")


def foa_features(
    signal: Float[Array, "*batch channels time"],
    sample_rate: float,
    *,
    bands: int = 128,
    window: float = 0.021,
    hop: float = 0.010,
    power: float = 2.0,
    weighting: str = "mean",
    dynamic_range_db: float = 100.0,
    filterbank: Any = None,
) -> Float[Array, "*batch 7 mel frames"]:
    r"""How loud a sound field is in each mel band, and from where: four levels and an intensity vector.

    .. math:: x = [w, y, z, x, i_x, i_y, i_z]^{\mathrm{mel}}

    Parameters
    ----------
    signal
        AmbiX signal ``(..., channels, time)``; of higher orders the first four channels are used.
    sample_rate
        In Hz.
    bands, window, hop, power, dynamic_range_db, filterbank
        As in :func:`ambikit.log_mel`: the frame is the next power of two, 32 ms at 16 kHz for a window of 21 ms.
    weighting
        How the intensity of the bins becomes that of their band: ``"mean"`` averages them alike, so that a plane
        wave keeps its unit vector and a faint source has a voice; ``"energy"`` weights each bin by its energy.

    Returns
    -------
    Features ``(..., 7, mel, frames)``: log-mel of W, Y, Z, X in dB, then the normalised active intensity x, y, z,
    towards the source, of length at most 1. Exactly ``ceil(time / hop)`` frames. A change of level by g adds
    20 log₁₀ g to the first four channels and nothing else.

    Raises
    ------
    ShapeError
        If the channels are not those of an Ambisonic order of at least 1, or the signal is too short.
    AmbikitError
        If a parameter is out of its range.

    See Also
    --------
    ambikit.mel_covariance : the same features for many viewpoints of one scene, without a transform for each.

    References
    ----------
    S. Wang et al., "Self-supervised learning of audio representations from audio-visual data using spatial
    alignment", IEEE JSTSP 16(6), 2022, eq. (7) and (8).

    Examples
    --------
    Noise from the left: W and Y are equally loud, and the intensity points along +y.

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(size=24000)
    >>> features = foa_features(np.stack([noise, noise, 0 * noise, 0 * noise]), 24000)
    >>> features.shape
    (7, 128, 100)
    >>> features[4:, 64, 50].round(6) + 0.0
    array([0., 1., 0.])
    """
    check_signal(signal, minimum_order=1)
    check_floating(signal)
    check_levels(power, dynamic_range_db)
    check_choice(weighting, WEIGHTINGS, "weighting")
    signal, dtype = widen(signal[..., :4, :])
    grid = mel_grid(signal, sample_rate, bands, window, hop, filterbank)

    return narrow(by_clips(_features_of_clips, signal, grid, power, weighting, dynamic_range_db, mel_intensity), dtype)


def stereo_features(
    signal: Float[Array, "*batch 2 time"],
    sample_rate: float,
    *,
    bands: int = 128,
    window: float = 0.021,
    hop: float = 0.010,
    power: float = 2.0,
    weighting: str = "mean",
    dynamic_range_db: float = 100.0,
    filterbank: Any = None,
) -> Float[Array, "*batch 5 mel frames"]:
    r"""How loud a stereo sound is in each mel band, and how left and right differ in level and phase.

    .. math:: y = [l, r, d, \cos\varphi, \sin\varphi]^{\mathrm{mel}}

    Parameters
    ----------
    signal
        Stereo signal ``(..., 2, time)``, left first: recorded, or of :func:`ambikit.decode_stereo`.
    sample_rate
        In Hz.
    bands, window, hop, power, dynamic_range_db, filterbank
        As in :func:`ambikit.log_mel`.
    weighting
        How the cues of the bins become those of their band: ``"mean"`` averages them alike, ``"energy"`` weights
        each bin by its energy in both channels.

    Returns
    -------
    Features ``(..., 5, mel, frames)``: log-mel of left and right in dB, level difference in dB within ±40 (positive:
    left is louder), cosine and sine of the phase difference. The phasor (cos, sin) is shorter than 1 where the
    phases within a band differ, and 0 where a channel is silent.

    Raises
    ------
    ShapeError
        If there are not two channels, or the signal is too short.
    AmbikitError
        If a parameter is out of its range.

    References
    ----------
    S. Wang et al., "Self-supervised learning of audio representations from audio-visual data using spatial
    alignment", IEEE JSTSP 16(6), 2022, eq. (10) to (12).

    Examples
    --------
    The same noise in both channels, right at half the amplitude:

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(size=24000)
    >>> stereo_features(np.stack([noise, noise / 2]), 24000)[2:, 64, 50].round(2) + 0.0
    array([6.02, 1.  , 0.  ])
    """
    check_floating(signal)
    check_levels(power, dynamic_range_db)
    check_choice(weighting, WEIGHTINGS, "weighting")
    if signal.ndim < 2 or signal.shape[-2] != 2 or signal.shape[-1] == 0:
        raise ShapeError(
            f"got a signal of shape {tuple(signal.shape)}; expected (..., 2, time), left first; "
            "make one of an Ambisonic signal with ambikit.decode_stereo"
        )
    signal, dtype = widen(signal)
    grid = mel_grid(signal, sample_rate, bands, window, hop, filterbank)

    return narrow(by_clips(_features_of_clips, signal, grid, power, weighting, dynamic_range_db, mel_cues), dtype)


def _features_of_clips(
    signal: Array,
    grid: MelGrid,
    out: np.ndarray | None,
    power: float,
    weighting: str,
    dynamic_range_db: float,
    cues: Callable[..., Array],
) -> Array:
    spectrum, peak = clip_spectra(signal, grid)
    room = room_for(signal.shape[-2] + 3, spectrum, grid.bank, out)
    level = levels(mel_magnitudes(spectrum, grid.bank, power, room), power, dynamic_range_db, peak, room)
    cue = cues(spectrum, grid.bank, weighting, room)
    return room.out if room is not None else namespace(level).concat([level, cue], -3)


def mel_intensity(spectrum: Array, bank: Array, weighting: str, room: Room | None = None) -> Array:
    """Normalised intensity of a first-order spectrum, averaged in mel bands: ``(..., 3, mel, frames)``.

    They are the last channels of ``room``, if there is one.
    """
    if weighting == "mean":
        room = room_for(3, spectrum, bank) if room is None else room
        if room is not None:
            from ambikit.kernels import mel as kernels

            kernels.mel_intensity(room.spectra, room.bank, room.clips)
            return room.out[..., -3:, :, :]
    weights = energy_density(spectrum)[..., None, :, :] if weighting == "energy" else None
    return _placed(mel_average(active_intensity(spectrum), bank, weights=weights), room)


def mel_cues(spectrum: Array, bank: Array, weighting: str, room: Room | None = None) -> Array:
    """Level difference, cosine and sine of the phase difference, averaged in bands: ``(..., 3, mel, frames)``.

    They are the last channels of ``room``, if there is one.
    """
    if weighting == "mean":
        room = room_for(3, spectrum, bank) if room is None else room
        if room is not None:
            from ambikit.kernels import mel as kernels

            kernels.mel_cues(room.spectra, room.bank, LIMIT_DB, room.clips)
            return room.out[..., -3:, :, :]
    cues = namespace(spectrum).stack([ild(spectrum), *phase_difference(spectrum)], -3)
    weights = (spectrum.real**2 + spectrum.imag**2).sum(-3, keepdims=True) if weighting == "energy" else None
    return _placed(mel_average(cues, bank, weights=weights), room)


def _placed(values: Array, room: Room | None) -> Array:
    """The values, or where they were written in a room."""
    if room is None:
        return values
    room.out[..., -3:, :, :] = values
    return room.out[..., -3:, :, :]
