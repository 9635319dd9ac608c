"""Where a clip sounds from: the directions of its direct sound, as places worth looking at."""

from typing import Literal

import numpy as np
from jaxtyping import Float

import ambikit
from ambikit.analysis.peaks import FoundDirections
from ambikit.errors import AmbikitError, ShapeError
from ambikit_models.panorama.direction_maps import map_grid, peak_directions

__all__ = ["sounding_directions"]

#: directions of the map, 6° apart; λ₁/λ₂ of at least 6 passes for one wave, as published
_GRID, _DOMINANT = 1000, 1 - 1 / 6


def sounding_directions(
    signal: Float[np.ndarray, "channels time"],
    *,
    count: int = 4,
    minimum_separation: float = np.radians(20.0),
    threshold: float = 0.2,
    frame_length: int = 512,
    map: Literal["histogram", "power"] = "histogram",
) -> FoundDirections:
    """The directions that the sound of a clip comes from, the strongest first.

    With ``map="histogram"`` each time-frequency bin in which one wave rules (the direct-path test) votes for the
    direction of its intensity, with its energy; where no bin passes, all vote. With ``map="power"`` a beam looks
    around: at first order it is so broad that of sources that sound together only the loudest has a peak.

    Parameters
    ----------
    signal
        AmbiX, ``(channels, time)``; the first four channels are used.
    count
        How many directions at most.
    minimum_separation
        The smallest angle between two of them, radians.
    threshold
        Peaks lower than this part of the highest are left out, in [0, 1].
    frame_length
        Samples of a frame of the spectrum.
    map
        Which map has the peaks.

    Returns
    -------
    azimuth, elevation, strength
        ``(found,)`` each, radians; empty for silence.

    References
    ----------
    O. Nadiri and B. Rafaely, IEEE/ACM TASLP 22(10), 2014 (the test); D. Pavlidi et al., EUSIPCO 2015 (the histogram).

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal(8000)
    >>> found = sounding_directions(ambikit.encode(noise, 120, 30, degrees=True))
    >>> np.degrees(found.azimuth).round().tolist(), np.degrees(found.elevation).round().tolist()
    ([120.0], [30.0])
    """
    if len(signal) < 4 or signal.shape[-1] < frame_length:
        raise ShapeError(
            f"got a signal of shape {signal.shape}; expected at least 4 channels and {frame_length} samples"
        )
    if map not in ("histogram", "power"):
        raise AmbikitError(f"got map={map!r}; expected 'histogram' or 'power'")
    if not np.isfinite(signal[:4]).all() or not signal[0].any():
        return FoundDirections(*np.zeros((3, 0)))
    spectrum = ambikit.stft(signal[:4], frame_length=frame_length, hop_length=frame_length // 2)
    if map == "power":
        values = ambikit.power_map(ambikit.spatial_covariance(spectrum), *map_grid(_GRID))
    else:
        energy = np.abs(spectrum[0] / np.abs(spectrum[0]).max()) ** 2
        # narrow regions: of sources that sound together, each rules its own partials
        direct = energy * (ambikit.direct_path_dominance(spectrum, frames=2, bins=5) >= _DOMINANT)
        weights = direct if direct.any() else energy
        values = ambikit.intensity_histogram(spectrum, *map_grid(_GRID), weights=weights)
    return peak_directions(values, count, minimum_separation=minimum_separation, threshold=threshold)
