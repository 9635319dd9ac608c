"""AVSA-Bin by a rule with exact ears and eyes, which sees only what the crops show: a yardstick for models."""

import numpy as np
from jaxtyping import Bool, Float

from ambikit_models.downstream.probing.statistics import Estimate, mean_over_scenes
from ambikit_models.panorama.viewpoints import Viewpoints

__all__ = ["inside_views", "oracle_alignment"]


_EXACT = np.radians(0.5)


def oracle_alignment(
    azimuth: Float[np.ndarray, "scenes objects"],
    elevation: Float[np.ndarray, "scenes objects"],
    kind: np.ndarray,
    present: Bool[np.ndarray, "scenes objects"],
    sounding: Bool[np.ndarray, "scenes objects"],
    viewpoints: Viewpoints,
    *,
    seed: int = 0,
) -> Estimate:
    """Share of right answers of a rule with exact senses, on the pairs of AVSA-Bin.

    It hears the class and the direction of every sounding object to within half a degree, and sees the class and
    the direction of every object whose centre lies in a crop, but not whether it sounds. Two findings speak against
    a pair: a class is heard within a crop and not seen at that place; or a class that is heard is seen, but nowhere
    where it is heard. A class seen where it is heard speaks for the pair. One finding against decides; without any
    finding the rule tosses a coin.

    It is no upper bound. The second finding is wrong where a silent look-alike is in view and the sounding object
    is not, and a model may use more than directions: parts of objects at the edge of a crop, the shape of the room.

    Parameters
    ----------
    azimuth, elevation
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
        alike = (kind[:, :, None] == kind[:, None]) & visible[:, None] & heard[:, :, None]
        found = (alike & (angle <= _EXACT)).any(-1)
        elsewhere = alike.any(-1) & ~_any_alike(found, kind, heard)
        against = ((covered & ~found) | elsewhere).any(-1)
        support = (covered & found).any(-1)
        aligned = np.where(against, False, np.where(support, True, coins[number]))
        correct += (aligned if number == 0 else ~aligned) / 2
    return mean_over_scenes(correct)


def _any_alike(found: np.ndarray, kind: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """For each object whether any heard object of its class was found where it is heard."""
    return ((kind[:, :, None] == kind[:, None]) & (found & heard)[:, None]).any(-1)


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
