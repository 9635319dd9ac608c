"""Where a picture seems to hold an object, without a detector: regions whose colours differ from all that surrounds."""

from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

import ambikit
from ambikit.analysis.peaks import FoundDirections
from ambikit.errors import ShapeError
from ambikit_models.panorama.direction_maps import map_grid, peak_directions
from ambikit_models.panorama.sampling import reduce_frames

__all__ = ["objectness_directions", "objectness_map"]

#: directions of the map, 6° apart; rows of the frames that are looked at, at least
_GRID, _HEIGHT = 1000, 48
#: radii of the regions that are compared with their surroundings, and steps of the histograms of L*, a* and b*
_RADII, _STEPS = np.radians([8.0, 12.0, 18.0, 26.0]), (4, 8, 8)
#: what sums of shares in another order come to at most
_ROUNDING = 1e-12


def objectness_map(frames: Shaped[np.ndarray, "*moments height width 3"]) -> Float[np.ndarray, "directions"]:
    r"""How much the colours of a region differ from those around it, for each direction of ``fibonacci_grid(1000)``.

    The colour contrast of Alexe et al. [1]_, with caps of the sphere in place of windows of a picture:

    .. math:: C(d) = \max_r \tfrac{1}{2} \sum_b \frac{(h_b(d, r) - s_b(d, r))^2}{h_b(d, r) + s_b(d, r)} \in [0, 1]

    with the colour histogram h of the cap of radius r around d and the histogram s of the ring around it that has
    the same solid angle; r is 8°, 12°, 18° and 26°, and the 4 × 8 × 8 bins are those of CIE L*a*b*. Pixels count by
    their solid angle, so that it is the same wherever on the sphere. Of several frames it is the mean.

    Parameters
    ----------
    frames
        Equirectangular, red, green and blue (sRGB) from 0 to 255: ``(height, width, 3)``, or any number of them.

    References
    ----------
    .. [1] B. Alexe, T. Deselaers, V. Ferrari, "Measuring the objectness of image windows", IEEE TPAMI 34(11), 2012,
       section 3.2.
    """
    if frames.ndim < 3 or frames.shape[-1] != 3 or 0 in frames.shape:
        raise ShapeError(f"got frames of shape {frames.shape}; expected (..., height, width, 3), at least one")
    height, width = frames.shape[-3:-1]
    factor = 1
    while height // (2 * factor) >= _HEIGHT and height % (2 * factor) == 0 and width % (2 * factor) == 0:
        factor *= 2
    small = reduce_frames(np.asarray(frames, np.float32).reshape(-1, height, width, 3), factor)
    caps, rings = _regions(*small.shape[1:3])
    contrast = np.mean([_contrasts(_histograms_of(frame), caps, rings) for frame in small], axis=0)
    strongest = contrast.max(0)
    return np.where(strongest > _ROUNDING, strongest, 0.0)


def objectness_directions(
    frames: Shaped[np.ndarray, "*moments height width 3"],
    *,
    count: int = 4,
    minimum_separation: float = np.radians(20.0),
    threshold: float = 0.7,
) -> FoundDirections:
    """The directions in which pictures seem to hold an object, the likeliest first: peaks of :func:`objectness_map`.

    No network, no training and no classes: what stands out in colour counts, be it a person, a lamp or a window.

    Parameters
    ----------
    frames
        As in :func:`objectness_map`.
    count
        How many directions at most.
    minimum_separation
        The smallest angle between two of them, radians.
    threshold
        Peaks lower than this part of the highest are left out, in [0, 1].

    Returns
    -------
    azimuth, elevation, strength
        ``(found,)`` each, radians, and the contrast in [0, 1]; empty for a picture of one colour.

    Examples
    --------
    A red square to the left on a grey ground:

    >>> frame = np.full((90, 180, 3), 120, np.uint8)
    >>> frame[38:52, 38:52] = 200, 30, 30
    >>> found = objectness_directions(frame)
    >>> bool(abs(np.degrees(found.azimuth[0]) - 90) < 3), len(found.azimuth)
    (True, 1)
    """
    return peak_directions(objectness_map(frames), count, minimum_separation=minimum_separation, threshold=threshold)


def _contrasts(bins: Any, caps: list[Any], rings: list[Any]) -> Float[np.ndarray, "radii directions"]:
    """The chi-squared distance of the histograms of each cap and of the ring around it."""
    contrasts = []
    for cap, ring in zip(caps, rings, strict=True):
        inside, outside = (cap @ bins).toarray(), (ring @ bins).toarray()
        total = inside + outside
        contrasts.append(0.5 * ((inside - outside) ** 2 / np.where(total > 0, total, 1.0)).sum(-1))
    return np.stack(contrasts)


def _histograms_of(frame: Float[np.ndarray, "height width 3"]) -> Any:
    """In which bin the colour of each pixel lies, as a sparse matrix ``(pixels, bins)``."""
    from scipy.sparse import csr_array

    lab = _lab(frame.reshape(-1, 3) / 255.0)
    low, high = np.array([0.0, -100.0, -100.0]), np.array([100.0, 100.0, 100.0])
    step = np.clip((lab - low) / (high - low) * _STEPS, 0, np.array(_STEPS) - 1).astype(np.int64)
    number = np.ravel_multi_index(tuple(step.T), _STEPS)
    pixels = np.arange(len(number))
    return csr_array((np.ones(len(number)), (pixels, number)), shape=(len(number), int(np.prod(_STEPS))))


def _lab(rgb: Float[np.ndarray, "pixels 3"]) -> Float[np.ndarray, "pixels 3"]:
    """CIE L*a*b* of sRGB in [0, 1], for the white D65 (IEC 61966-2-1, ISO/CIE 11664-4)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ (to_xyz / to_xyz.sum(1, keepdims=True)).T
    curved = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = curved.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


@lru_cache(maxsize=2)
def _regions(height: int, width: int) -> tuple[list[Any], list[Any]]:
    """The share of each pixel in the caps around all directions and in the rings around these, by radius; sparse."""
    from scipy.sparse import csr_array

    row, column = np.indices((height, width)).reshape(2, -1)
    azimuth, elevation = ambikit.pixels_to_angles(column, row, width, height)
    cosine = ambikit.angles_to_vectors(*map_grid(_GRID)) @ ambikit.angles_to_vectors(azimuth, elevation).T
    caps, rings = [], []
    for edge in np.cos(_RADII):
        # the solid angle of a cap is 2π (1 − cos r): a ring as large ends where the cosine is as far again from 1
        for regions, chosen in ((caps, cosine >= edge), (rings, (cosine < edge) & (cosine >= 2 * edge - 1))):
            area = np.where(chosen, np.cos(elevation), 0.0)
            regions.append(csr_array(area / np.maximum(area.sum(-1, keepdims=True), np.finfo(float).tiny)))
    return caps, rings
