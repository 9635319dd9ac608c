"""Viewpoints worth looking at: on what sounds, moves, looks like an object, or anywhere, mixed by weights."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ambikit import angles_to_vectors, angular_distance, vectors_to_angles
from ambikit.errors import AmbikitError
from ambikit_models.panorama.viewpoints import HasDirections, Viewpoints, check_limits

__all__ = ["SalientViewpoints"]

#: how many random directions are tried for one view, and how many whole sets for one clip, before the best is taken
_CANDIDATES, _ROUNDS = 32, 8
#: the strategies that look for directions
_SOUGHT = ("sound", "motion", "objectness", "objects")


@dataclass(frozen=True)
class SalientViewpoints:
    """Viewpoints on what sounds, moves, looks like an object or is found by a detector, apart from one another.

    Each view draws one of the strategies by their weights, and then one of the directions that strategy found,
    strong ones more often, that is far enough from the views before it; where none is left, the view is random. So
    ``sound=1`` alone looks at sounds and fills up with random views. The search is bounded: where the sphere is too
    small for that many views, the most widely separated set that was found is taken.

    Viewpoints that seek sounds are not independent of the sound: a network can learn that sound comes from the front
    of its views, and the alignment of a view that shows nothing is never asked for. ``jitter`` and ``random`` weaken
    this.

    Attributes
    ----------
    views
        How many viewpoints a clip gets, at least 1.
    sound
        Weight of the directions of direct sound, :func:`~ambikit_models.panorama.sounding.sounding_directions`.
    motion
        Weight of the directions that move, :func:`~ambikit_models.panorama.motion.moving_directions`.
    objectness
        Weight of the directions that stand out in colour,
        :func:`~ambikit_models.panorama.objectness.objectness_directions`; needs no detector.
    objects
        Weight of the detections of the source of clips.
    random
        Weight of random directions.
    quarters
        Whether each view keeps to a part of the horizon of its own, from +180° downwards: quarters for four views.
    minimum_separation
        The smallest great-circle angle between two centres of a clip, radians.
    maximum_latitude
        The limit of the random directions, radians; what was found is taken wherever it is.
    field_of_view
        The narrowest and the widest view, radians in (0, π), uniform between them.
    jitter
        The largest angle between a found direction and its view, radians; uniform in solid angle within.

    Examples
    --------
    >>> from ambikit.analysis.peaks import FoundDirections
    >>> left = FoundDirections(np.array([np.pi / 2]), np.array([0.0]), np.array([1.0]))
    >>> chooser = SalientViewpoints(views=2, sound=1.0)
    >>> viewpoints = chooser.draw(np.random.default_rng(0), [{"sound": left}])
    >>> round(math.degrees(viewpoints.azimuth[0, 0])), bool(viewpoints.separation()[0] >= math.radians(36))
    (90, True)
    """

    views: int = 4
    sound: float = 1.0
    motion: float = 0.0
    objectness: float = 0.0
    objects: float = 0.0
    random: float = 0.0
    quarters: bool = False
    minimum_separation: float = math.radians(36.0)
    maximum_latitude: float = math.radians(60.0)
    field_of_view: tuple[float, float] = (math.radians(25.0), math.radians(90.0))
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if self.views < 1:
            raise AmbikitError(f"got views={self.views}; expected at least 1 viewpoint per clip")
        weights = [getattr(self, name) for name in (*_SOUGHT, "random")]
        if not (all(math.isfinite(w) and w >= 0 for w in weights) and sum(weights) > 0):
            raise AmbikitError(
                f"got sound={self.sound}, motion={self.motion}, objectness={self.objectness}, objects={self.objects}, "
                f"random={self.random}; expected weights of 0 or more, one of them above 0"
            )
        if not 0 <= self.jitter <= math.pi or not 0 <= self.minimum_separation <= math.pi:
            raise AmbikitError(
                f"got jitter={self.jitter} and minimum_separation={self.minimum_separation}; expected radians from 0 "
                "to π; use math.radians for degrees"
            )
        check_limits(self.maximum_latitude, self.field_of_view)

    @property
    def sought(self) -> tuple[str, ...]:
        """The strategies that have to look at a clip: all but ``random`` that have a weight."""
        return tuple(name for name in _SOUGHT if getattr(self, name) > 0)

    def draw(self, generator: np.random.Generator, found: Sequence[Mapping[str, HasDirections]]) -> Viewpoints:
        """Draw viewpoints of as many clips as there are entries in ``found``: what each strategy found in the clip.

        Directions count by their ``strength``, or by their ``score``, or alike where they have neither.
        """
        centres = np.zeros((len(found), self.views, 2))
        for clip, directions in enumerate(found):
            centres[clip] = self._clip(generator, {name: _listed(seen) for name, seen in directions.items()})
        width = generator.uniform(*self.field_of_view, (len(found), self.views))
        azimuth, elevation = (np.ascontiguousarray(part) for part in np.moveaxis(centres, -1, 0))
        return Viewpoints(*(torch.from_numpy(angle) for angle in (azimuth, elevation, width)))

    def _clip(self, generator: np.random.Generator, found: dict[str, np.ndarray]) -> np.ndarray:
        """The centres ``(views, 2)`` of one clip; sets that came out too narrow are drawn again."""
        names = (*_SOUGHT, "random")
        weights = np.array([getattr(self, name) for name in names])
        nothing = np.zeros((0, 3))
        best, widest = np.zeros((self.views, 2)), -1.0
        for _ in range(_ROUNDS):
            strategies = generator.choice(names, self.views, p=weights / weights.sum())
            candidates = [self._within(found.get(str(name), nothing), view) for view, name in enumerate(strategies)]
            centres, taken, smallest = np.zeros((self.views, 2)), [], math.pi
            # random views keep away from what was found, not the other way round
            for view in sorted(range(self.views), key=lambda view: not len(candidates[view])):
                centres[view], nearest = self._view(generator, candidates[view], centres[taken], view)
                taken.append(view)
                smallest = min(smallest, nearest)
            if smallest > widest:
                best, widest = centres, smallest
            if widest >= self.minimum_separation:
                break
        return best

    def _view(
        self, generator: np.random.Generator, candidates: np.ndarray, placed: np.ndarray, view: int
    ) -> tuple[np.ndarray, float]:
        """One centre, and its angle from the nearest of those placed."""
        # the larger the weight, the sooner: the order of draws without putting back
        order = np.argsort(generator.exponential(1.0, len(candidates)) / candidates[:, 2])
        sought = _jittered(generator, candidates[order, :2], self.jitter)
        nearest = _nearest(sought, placed)
        fits = np.flatnonzero(nearest >= self.minimum_separation)
        if fits.size:
            return sought[fits[0]], float(nearest[fits[0]])
        width = 2 * np.pi / self.views if self.quarters else 2 * np.pi
        azimuth = np.pi - (width * view if self.quarters else 0.0) - generator.uniform(0.0, width, _CANDIDATES)
        limit = math.sin(self.maximum_latitude)
        drawn = np.stack([azimuth, np.arcsin(generator.uniform(-limit, limit, _CANDIDATES))], -1)
        nearest = _nearest(drawn, placed)
        fits = nearest >= self.minimum_separation
        chosen = int(fits.argmax()) if fits.any() else int(nearest.argmax())
        return drawn[chosen], float(nearest[chosen])

    def _within(self, candidates: np.ndarray, view: int) -> np.ndarray:
        """The candidates that a view may take: all, or those of its part of the horizon."""
        if not self.quarters:
            return candidates
        part = np.mod(np.pi - candidates[:, 0], 2 * np.pi) // (2 * np.pi / self.views)
        return candidates[np.minimum(part, self.views - 1) == view]


def _listed(found: HasDirections) -> np.ndarray:
    """Azimuth, elevation and weight of what was found and has a direction, ``(count, 3)``."""
    azimuth, elevation = np.asarray(found.azimuth, np.float64), np.asarray(found.elevation, np.float64)
    weight = getattr(found, "strength", getattr(found, "score", np.ones(len(azimuth))))
    listed = np.stack([azimuth, elevation, np.asarray(weight, np.float64)], -1)
    return listed[np.isfinite(listed).all(-1) & (listed[:, 2] > 0)]


def _nearest(centres: np.ndarray, placed: np.ndarray) -> np.ndarray:
    """The angle from each centre to the nearest of those placed, π where there are none."""
    return angular_distance(*centres.T[..., None], *placed.T).min(axis=-1, initial=np.pi)


def _jittered(generator: np.random.Generator, centres: np.ndarray, jitter: float) -> np.ndarray:
    """The centres, each moved to a random direction of the cap of that radius around it."""
    if jitter == 0.0 or not len(centres):
        return centres
    turn = generator.uniform(0.0, 2 * np.pi, len(centres))
    cosine = generator.uniform(math.cos(jitter), 1.0, len(centres))
    sine = np.sqrt(1.0 - cosine**2)
    azimuth, elevation = centres.T
    centre = angles_to_vectors(azimuth, elevation)
    east = np.stack([-np.sin(azimuth), np.cos(azimuth), 0 * azimuth], -1)
    north = np.cross(centre, east)
    moved = cosine[:, None] * centre + sine[:, None] * (np.cos(turn)[:, None] * east + np.sin(turn)[:, None] * north)
    return np.stack(vectors_to_angles(moved), -1)
