"""Do localisation maps point at what sounds? On the synthetic world, where every pixel is known, beside priors."""

import numpy as np
from jaxtyping import Bool, Float

import ambikit
from ambikit_models.downstream.localization.localization_maps import localization_maps
from ambikit_models.downstream.probing.engine import Figure, Tell, figures_of
from ambikit_models.downstream.probing.scores import MeanScores
from ambikit_models.downstream.probing.subjects import System
from ambikit_models.training.sampling import generator_for
from ambikit_models.world.clips import WorldClips
from ambikit_models.world.panoramas import panorama_masks

__all__ = ["peak_on", "pointing_figures", "ranks_above"]

_ROWS, _BLOCK = 36, 8
_POINTS, _AREA, _PAIRS = "peak on a sounding object", "area under the curve", "sounding above silent"
_UNITS = {_POINTS: "%", _AREA: "%", _PAIRS: "%"}


def pointing_figures(
    system: System, clips: WorldClips, *, priors: bool = True, translated: bool = True, tell: Tell | None = None
) -> list[Figure]:
    """How often the maps of a system point at a sounding object, and how well they tell it from all else.

    *Peak on a sounding object*: the highest place of the map lies on one (the pointing game). *Area under the curve*:
    the probability that a place on a sounding object is higher than another, by solid angle. *Sounding above silent*:
    the share of pairs of a sounding and a silent object of which the sounding one is higher in the mean.

    Parameters
    ----------
    system
        Its maps, and as a control those with the sound of another clip.
    clips
        Scenes of the world that it was not trained on.
    priors
        Also judge maps that need no model: the centre of the picture, chance, and every object alike.
    translated
        Whether the system was trained to align.
    tell
        Told about progress.
    """
    slots = panorama_masks(clips.config, clips.scenes, _ROWS)[:, 0]
    objects, everything = clips.scenes.objects, np.arange(len(clips))
    total = 2 * len(clips)

    def maps(way: str, heard: np.ndarray, before: int) -> np.ndarray:
        found = []
        for rows in np.array_split(everything, -(-len(clips) // _BLOCK)):
            found.append(
                localization_maps(
                    system.model, clips, rows, rows=_ROWS, sound_indices=heard[rows], translated=translated
                )
            )
            if tell:
                tell(f"localization: {system.name}", before + int(rows[-1]) + 1, total, way)
        return np.concatenate(found)

    own, other = "its own sound", "the sound of another clip"
    drawn = {
        (system.name, own): maps(own, everything, 0),
        (system.name, other): maps(other, np.roll(everything, 1), len(clips)),
    }
    if priors:
        front = ambikit.angular_distance(*_angles(), 0.0, 0.0)
        drawn["centre of the picture", "–"] = np.broadcast_to(-front, slots.shape)
        drawn["chance", "–"] = generator_for(0, 12).random(slots.shape)
        drawn["every object alike", "–"] = (slots >= 0).astype(np.float64)
    looked_at = ~np.isnan(drawn[system.name, own])
    figures = []
    for (name, way), values in drawn.items():
        judged = [
            _judge(np.where(*each, np.nan), slots[i], objects.sounding[i], objects.present[i])
            for i, each in enumerate(zip(looked_at, values, strict=True))
        ]
        for measure, unit in _UNITS.items():
            scores = np.array([found[measure] for found in judged])
            known = np.flatnonzero(~np.isnan(scores))  # a scene without silent objects has no pairs
            means = MeanScores.of({measure: scores[known]}, known)
            figures += figures_of(name, "both" if way != "–" else "–", way, {measure: unit}, [means])
    return figures


def peak_on(values: Float[np.ndarray, "places"], target: Bool[np.ndarray, "places"]) -> float:
    """The share of the highest places that lie on the target: 1 or 0, or between where several are equally high.

    Examples
    --------
    >>> peak_on(np.array([0.2, 0.9, 0.1]), np.array([False, True, False]))
    1.0
    >>> peak_on(np.zeros(4), np.array([True, False, False, False]))  # a map that says nothing points by chance
    0.25
    """
    return float(target[values == values.max()].mean())


def ranks_above(
    values: Float[np.ndarray, "places"], target: Bool[np.ndarray, "places"], weights: Float[np.ndarray, "places"]
) -> float:
    """The probability that a place on the target is higher than one beside it, places drawn by their weights.

    The area under the receiver operating characteristic; equal values count one half. NaN without places of a kind.

    Examples
    --------
    >>> ranks_above(np.array([3.0, 1.0, 2.0]), np.array([True, True, False]), np.array([1.0, 3.0, 1.0]))
    0.25
    """
    order = np.argsort(values, kind="stable")
    _, level = np.unique(values[order], return_inverse=True)
    on, beside = (np.bincount(level, weights[order] * kind) for kind in (target[order], ~target[order]))
    if not on.sum() or not beside.sum():
        return float("nan")
    below = np.cumsum(beside) - beside
    return float((on * (below + beside / 2)).sum() / (on.sum() * beside.sum()))


def _judge(
    values: Float[np.ndarray, "rows columns"],
    slots: np.ndarray,
    sounding: Bool[np.ndarray, "objects"],
    present: Bool[np.ndarray, "objects"],
) -> dict[str, float]:
    seen = ~np.isnan(values)
    heard = np.append(sounding, False)[slots][seen]  # slot −1, the room, does not sound
    weights = np.cos(_angles()[1])[seen]
    heights = {s: values[seen & (slots == s)].mean() for s in np.flatnonzero(present) if (seen & (slots == s)).any()}
    pairs = [
        (heights[loud] > heights[silent]) + 0.5 * (heights[loud] == heights[silent])
        for loud in heights
        for silent in heights
        if sounding[loud] and not sounding[silent]
    ]
    return {
        _POINTS: peak_on(values[seen], heard),
        _AREA: ranks_above(values[seen], heard, weights),
        _PAIRS: float(np.mean(pairs)) if pairs else float("nan"),
    }


def _angles() -> tuple[np.ndarray, np.ndarray]:
    row, column = np.meshgrid(np.arange(_ROWS), np.arange(2 * _ROWS), indexing="ij")
    return ambikit.pixels_to_angles(column, row, 2 * _ROWS, _ROWS)
