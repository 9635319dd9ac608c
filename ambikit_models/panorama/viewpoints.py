"""How viewpoints are chosen: at random, or on the objects of a picture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch

import ambikit
from ambikit.errors import AmbikitError, ShapeError
from ambikit_models.panorama.view_angles import Viewpoints, smallest_angle

__all__ = ["HasDirections", "ObjectViewpoints", "RandomViewpoints", "Viewpoints"]

#: The numbers of a field of view: the angle, or the width of the picture in a plane at distance 1.
FieldOfViewAs = Literal["angle", "width"]

#: how many candidates are tried for one centre, and how many whole sets for one clip, before the best is taken
_CANDIDATES, _ROUNDS = 32, 8


@runtime_checkable
class HasDirections(Protocol):
    """Detections, as far as choosing a viewpoint needs them: directions in radians, shape ``(count,)`` each."""

    azimuth: np.ndarray
    elevation: np.ndarray


@dataclass(frozen=True)
class RandomViewpoints:
    """Viewpoints drawn at random, apart from one another [1]_.

    With ``spacing="random"`` the centres are uniform in solid angle on the band within ``maximum_latitude``: the
    azimuth is uniform and so is the sine of the elevation, so that a view towards 60° is no more likely than its
    share of the sphere (the paper states the limits, not the distribution). A centre nearer than
    ``minimum_separation`` to another of its clip is drawn again. The search is bounded: where the band is too small
    for that many views, the most widely separated set that was found is taken.

    With ``spacing="even"`` the azimuths of a clip stand at equal distances around a random start, each moved by at
    most ``jitter``, so that few views cover the whole horizon; the elevation is drawn as above and
    ``minimum_separation`` is not applied.

    Attributes
    ----------
    views
        How many viewpoints a clip gets, at least 1.
    maximum_latitude
        The largest elevation above or below the horizon of a centre, radians in [0, π/2].
    minimum_separation
        The smallest great-circle angle between two centres of a clip, radians.
    field_of_view
        The narrowest and the widest view, radians in (0, π), uniform between them.
    spacing
        ``"random"`` or ``"even"``.
    jitter
        The largest move of an evenly spaced azimuth, radians.
    latitudes
        ``"area"``: uniform in solid angle, as above. ``"angle"``: the elevation itself is uniform, as in the published
        code of morgado2020, so that views near the limits are more likely than their share of the sphere.
    field_of_view_as
        What the numbers of ``field_of_view`` are: ``"angle"``, the angle of view φ; or ``"width"``, the width of the
        picture in a plane at distance 1, as in the published code of morgado2020, where 90° (π/2) are an angle of
        2·atan(π/4) = 76°.

    References
    ----------
    .. [1] P. Morgado, Y. Li, N. Vasconcelos, "Learning Representations from Audio-Visual Spatial Alignment",
       NeurIPS 2020, section 5.1.

    Examples
    --------
    >>> viewpoints = RandomViewpoints().draw(np.random.default_rng(0), clips=8)
    >>> viewpoints.azimuth.shape
    torch.Size([8, 4])
    >>> bool((viewpoints.separation() >= math.radians(36)).all())
    True
    """

    views: int = 4
    maximum_latitude: float = math.radians(60.0)
    minimum_separation: float = math.radians(36.0)
    field_of_view: tuple[float, float] = (math.radians(25.0), math.radians(90.0))
    spacing: Literal["random", "even"] = "random"
    jitter: float = math.radians(26.0)
    latitudes: Literal["area", "angle"] = "area"
    field_of_view_as: FieldOfViewAs = "angle"

    def __post_init__(self) -> None:
        if self.views < 1:
            raise AmbikitError(f"got views={self.views}; expected at least 1 viewpoint per clip")
        if self.spacing not in ("random", "even"):
            raise AmbikitError(f"got spacing={self.spacing!r}; expected 'random' or 'even'")
        check_limits(self.maximum_latitude, self.field_of_view)

    def draw(self, generator: np.random.Generator, clips: int) -> Viewpoints:
        """Draw the viewpoints of ``clips`` clips; the same generator state gives the same viewpoints everywhere."""
        if self.spacing == "even":
            start = generator.uniform(-np.pi, np.pi, (clips, 1))
            moved = generator.uniform(-self.jitter, self.jitter, (clips, self.views))
            azimuth = _wrapped(start + 2 * np.pi / self.views * np.arange(self.views) + moved)
            elevation = self._elevations(generator, (clips, self.views))
        else:
            azimuth, elevation = self._apart(generator, clips)
        drawn = generator.uniform(*self.field_of_view, (clips, self.views))
        return _viewpoints(azimuth, elevation, _angles_of_view(drawn, self.field_of_view_as))

    def _elevations(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        if self.latitudes == "angle":
            return generator.uniform(-self.maximum_latitude, self.maximum_latitude, shape)
        return _elevations(generator, self.maximum_latitude, shape)

    def _apart(self, generator: np.random.Generator, clips: int) -> tuple[np.ndarray, np.ndarray]:
        """Random centres of all clips together; sets that came out too narrow are drawn again."""
        azimuth, elevation = np.zeros((2, clips, self.views))
        widest = np.full(clips, -1.0)
        for _ in range(_ROUNDS):
            narrow = np.flatnonzero(widest < self.minimum_separation)
            if not narrow.size:
                break
            drawn = self._one_round(generator, narrow.size)
            separation = smallest_angle(ambikit.angles_to_vectors(*drawn))
            better = separation > widest[narrow]
            chosen = narrow[better]
            azimuth[chosen], elevation[chosen] = drawn[0][better], drawn[1][better]
            widest[chosen] = separation[better]
        return azimuth, elevation

    def _one_round(self, generator: np.random.Generator, clips: int) -> tuple[np.ndarray, np.ndarray]:
        """Place one centre after the other: the first candidate far enough from those placed, else the farthest."""
        azimuth, elevation = np.zeros((2, clips, self.views))
        row = np.arange(clips)
        for view in range(self.views):
            candidates = 1 if view == 0 else _CANDIDATES
            azimuths = generator.uniform(-np.pi, np.pi, (clips, candidates))
            elevations = self._elevations(generator, (clips, candidates))
            placed = ambikit.angles_to_vectors(azimuth[:, :view], elevation[:, :view])
            cosine = ambikit.angles_to_vectors(azimuths, elevations) @ placed.swapaxes(-1, -2)
            nearest = np.arccos(np.clip(cosine, -1.0, 1.0)).min(axis=-1, initial=np.pi)
            fits = nearest >= self.minimum_separation
            chosen = np.where(fits.any(axis=1), fits.argmax(axis=1), nearest.argmax(axis=1))
            azimuth[:, view], elevation[:, view] = azimuths[row, chosen], elevations[row, chosen]
        return azimuth, elevation


@dataclass(frozen=True)
class ObjectViewpoints:
    """Viewpoints on detected objects, one in each quarter of the horizon [1]_.

    The quarters of the azimuth are 180° to 90°, 90° to 0°, 0° to −90° and −90° to −180°, the four views of a clip in
    this order. In each, one of the detections whose centre lies in it is drawn at random; a quarter without any gets
    a random direction within it. With ``views=1`` one of all detections is drawn, and a random direction where
    there is none; another number of views has as many equal sectors, from 180° to the right.

    Attributes
    ----------
    views
        4, one per quarter, or another number of sectors.
    maximum_latitude
        The limit of the random directions, radians; detected objects are taken wherever they are.
    field_of_view
        The narrowest and the widest view, radians in (0, π), uniform between them.
    field_of_view_as
        What these numbers are, as in :class:`RandomViewpoints`.
    offset
        The largest turn of a view to the left or right of its object, radians, uniform: with 0 objects stand in the
        middle of the picture, where nothing is left or right. Not part of the paper.

    References
    ----------
    .. [1] S. Wang, A. Politis, A. Mesaros, T. Virtanen, "Self-supervised learning of audio representations from
       audio-visual data using spatial alignment", IEEE JSTSP 2022, section III-D.
    """

    views: int = 4
    maximum_latitude: float = math.radians(60.0)
    field_of_view: tuple[float, float] = (math.radians(25.0), math.radians(90.0))
    field_of_view_as: FieldOfViewAs = "angle"
    offset: float = 0.0

    def __post_init__(self) -> None:
        if self.views < 1:
            raise AmbikitError(f"got views={self.views}; expected at least 1: 4, one per quarter of the azimuth")
        if not 0 <= self.offset <= math.pi:
            raise AmbikitError(f"got offset={self.offset}; expected radians between 0 and π; math.radians helps")
        check_limits(self.maximum_latitude, self.field_of_view)

    def draw(self, generator: np.random.Generator, detections: Sequence[HasDirections]) -> Viewpoints:
        """Draw the viewpoints of as many clips as there are entries in ``detections``."""
        shape = (len(detections), self.views)
        width = 2 * np.pi / self.views
        # the quarters are counted from +180° downwards; uniform draws cover (upper - width, upper]
        upper = np.pi - width * np.arange(self.views)
        azimuth = upper - generator.uniform(0.0, width, shape)
        elevation = _elevations(generator, self.maximum_latitude, shape)
        picks = generator.uniform(0.0, 1.0, shape)
        for clip, found in enumerate(detections):
            azimuths, elevations = np.asarray(found.azimuth), np.asarray(found.elevation)
            if azimuths.shape != elevations.shape or azimuths.ndim != 1:
                raise ShapeError(
                    f"got detections of clip {clip} with azimuths of shape {azimuths.shape} and elevations of shape "
                    f"{elevations.shape}; expected (count,) each, an empty array where nothing was found"
                )
            quarter = np.clip((np.pi - _wrapped(azimuths)) // width, 0, self.views - 1)
            for view in range(self.views):
                inside = np.flatnonzero(quarter == view)
                if inside.size:
                    chosen = inside[int(picks[clip, view] * inside.size)]
                    azimuth[clip, view], elevation[clip, view] = azimuths[chosen], elevations[chosen]
        drawn = generator.uniform(*self.field_of_view, shape)
        if self.offset:
            azimuth = _wrapped(azimuth + generator.uniform(-self.offset, self.offset, shape))
        return _viewpoints(azimuth, elevation, _angles_of_view(drawn, self.field_of_view_as))


def check_limits(maximum_latitude: float, field_of_view: tuple[float, float]) -> None:
    if not 0.0 <= maximum_latitude <= math.pi / 2:
        raise AmbikitError(
            f"got maximum_latitude={maximum_latitude}; expected radians between 0 and π/2; use math.radians for degrees"
        )
    narrow, wide = field_of_view
    if not 0.0 < narrow <= wide < math.pi:
        raise AmbikitError(
            f"got field_of_view={field_of_view}; expected (narrowest, widest) in radians, above 0 and below π; "
            "use math.radians for degrees"
        )


def _viewpoints(azimuth: np.ndarray, elevation: np.ndarray, field_of_view: np.ndarray) -> Viewpoints:
    return Viewpoints(torch.from_numpy(azimuth), torch.from_numpy(elevation), torch.from_numpy(field_of_view))


def _angles_of_view(drawn: np.ndarray, meaning: FieldOfViewAs) -> np.ndarray:
    return drawn if meaning == "angle" else 2 * np.arctan(drawn / 2)


def _wrapped(azimuth: np.ndarray) -> np.ndarray:
    """The same directions with azimuths in (−π, π]."""
    return np.pi - np.mod(np.pi - azimuth, 2 * np.pi)


def _elevations(generator: np.random.Generator, maximum: float, shape: tuple[int, ...]) -> np.ndarray:
    """Elevations uniform in solid angle: the area between two latitudes goes with the sine."""
    limit = math.sin(maximum)
    return np.arcsin(generator.uniform(-limit, limit, shape))
