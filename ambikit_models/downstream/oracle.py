"""The ceiling of AVSA-Bin: an observer who makes no mistake, but sees only what the crops show."""

import numpy as np
from jaxtyping import Bool, Float

from ambikit_models.downstream.statistics import Estimate, mean_over_scenes
from ambikit_models.panorama.viewpoints import Viewpoints

__all__ = ["inside_views", "oracle_alignment"]


def oracle_alignment(
    azimuth: Float[np.ndarray, "scenes objects"],
    elevation: Float[np.ndarray, "scenes objects"],
    radius: Float[np.ndarray, "scenes objects"],
    kind: np.ndarray,
    present: Bool[np.ndarray, "scenes objects"],
    sounding: Bool[np.ndarray, "scenes objects"],
    viewpoints: Viewpoints,
    *,
    seed: int = 0,
) -> Estimate:
    """Share of right answers of an observer who hears and sees exactly, on the pairs of AVSA-Bin.

    The observer hears the class and the exact direction of every sounding object, and sees the class and the
    direction of every object whose centre lies in a crop, but not whether it sounds. A class that is heard within
    a crop must be seen there, within its radius: seen, it speaks for the pair; not seen, against it. One word
    against decides; without any evidence the observer tosses a coin.

    Parameters
    ----------
    azimuth, elevation, radius
        Of the objects, radians.
    kind
        Their classes.
    present, sounding
        Which slots are taken, and which of them sound.
    viewpoints
        The crops of every scene.
    seed
        Of the turns and the coins.
    """
    generator = np.random.default_rng(seed)
    scenes = len(azimuth)
    turns = generator.uniform(-np.pi, np.pi, scenes)
    coins = generator.random((2, scenes)) < 0.5
    visible = inside_views(azimuth, elevation, viewpoints).any(-1) & present
    heard = present & sounding
    correct = np.zeros(scenes)
    for number, turn in enumerate((np.zeros(scenes), turns)):
        heard_azimuth = azimuth + turn[:, None]
        covered = inside_views(heard_azimuth, elevation, viewpoints).any(-1) & heard
        # (scenes, heard, seen): is that seen object the one that is heard?
        angle = _angle(heard_azimuth[:, :, None], elevation[:, :, None], azimuth[:, None], elevation[:, None])
        match = (angle <= radius[:, None]) & (kind[:, :, None] == kind[:, None]) & visible[:, None]
        found = match.any(-1)
        against = (covered & ~found).any(-1)
        support = (covered & found).any(-1)
        aligned = np.where(against, False, np.where(support, True, coins[number]))
        correct += (aligned if number == 0 else ~aligned) / 2
    return mean_over_scenes(correct)


def inside_views(
    azimuth: Float[np.ndarray, "scenes objects"], elevation: Float[np.ndarray, "scenes objects"], viewpoints: Viewpoints
) -> Bool[np.ndarray, "scenes objects views"]:
    """Whether each direction lies within each square gnomonic view.

    Examples
    --------
    >>> import torch
    >>> view = Viewpoints(*(torch.tensor([[v]], dtype=torch.float64) for v in (0.0, 0.0, np.pi / 2)))
    >>> inside_views(np.radians([[44.0, 46.0, 180.0]]), np.zeros((1, 3)), view)[0, :, 0].tolist()
    [True, False, False]
    """
    a = azimuth[:, :, None] - viewpoints.azimuth.numpy()[:, None]
    e, tilt = elevation[:, :, None], viewpoints.elevation.numpy()[:, None]
    x, y, z = np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e) * np.ones_like(a)
    forward = x * np.cos(tilt) + z * np.sin(tilt)
    up = z * np.cos(tilt) - x * np.sin(tilt)
    half = np.tan(viewpoints.field_of_view.numpy()[:, None] / 2)
    return (forward > 0) & (np.abs(y) <= half * forward) & (np.abs(up) <= half * forward)


def _angle(azimuth1: np.ndarray, elevation1: np.ndarray, azimuth2: np.ndarray, elevation2: np.ndarray) -> np.ndarray:
    cosine = np.sin(elevation1) * np.sin(elevation2)
    cosine = cosine + np.cos(elevation1) * np.cos(elevation2) * np.cos(azimuth1 - azimuth2)
    return np.arccos(np.clip(cosine, -1, 1))
