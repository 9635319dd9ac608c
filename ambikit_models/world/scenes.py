"""What is in a scene: decided by a seed and an index alone, before anything is drawn or heard."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ambikit_models.world.config import WorldConfig
from ambikit_models.world.randomness import Draws
from ambikit_models.world.rooms import (
    Acoustics,
    Looks,
    Rooms,
    draw_acoustics,
    draw_looks,
    draw_rooms,
    room_types,
    wall_distance,
)
from ambikit_models.world.table import Table, Values
from ambikit_models.world.timbre import pulse_rates

__all__ = ["Objects", "Scenes", "scene", "scenes"]

_STREAM = 0


@dataclass(frozen=True)
class Objects(Table):
    """The objects of scenes, ``(scenes, slots)`` each; a slot may be empty.

    Directions are those in the middle of the clip.
    """

    present: Values
    """Whether the slot is taken."""
    sounding: Values
    """Whether the object sounds."""
    kind: Values
    """Class, from 0; companions that never sound count on from the number of sounding classes."""
    azimuth: Values
    """Radians, positive to the left."""
    elevation: Values
    """Radians, positive upwards."""
    speed: Values
    """Change of the azimuth, radians per second."""
    radius: Values
    """Angular radius in radians."""
    distance_heard: Values
    """Metres, in the room that is heard."""
    distance_seen: Values
    """Metres, in the room that is seen."""
    gain_db: Values
    """Level of the direct sound."""
    hue: Values
    """Colour in turns."""
    fundamental: Values
    """Hz."""
    pulse_rate: Values
    """Pulses per second."""
    pulse_phase: Values
    """Phase of the pulse at the start of the clip, radians."""
    harmonic_phases: Values
    """Phases of the harmonics at the start of the clip, radians, ``(scenes, slots, harmonics)``."""


@dataclass(frozen=True)
class Scenes(Table):
    """A table of scenes, one row each."""

    index: Values
    """The index that decided the scene, ``(scenes,)``."""
    objects: Objects
    """What is around the listener."""
    room_heard: Rooms
    """The room in which the sound was made."""
    acoustics: Acoustics
    """How that room sounds."""
    room_seen: Rooms
    """The room in the picture; often the same."""
    looks: Looks
    """How that room looks."""
    breakage: Values
    """What is wrong with the sound: 0 nothing, 1 W and X exchanged, 2 Y silent, 3 stereo in W and Y, ``(scenes,)``."""


def scene(config: WorldConfig, seed: int, index: int) -> Scenes:
    """Describe one scene, as a table of one row.

    Examples
    --------
    >>> one = scene(WorldConfig(sounding=(1, 1), silent=(0, 0)), seed=0, index=5)
    >>> len(one), one.objects.sounding.tolist()
    (1, [[True]])
    """
    return scenes(config, seed, [index])


def scenes(config: WorldConfig, seed: int, indices: Sequence[int] | np.ndarray) -> Scenes:
    """Describe the scenes with the given indices; each depends on its own index only.

    The class of an object, its direction and the room are independent of one another. Sounding and silent objects
    are drawn from the same distributions. Disjoint indices, or other seeds, give independent scenes.

    Parameters
    ----------
    config
        The ranges of the world.
    seed
        A whole number of at least 0.
    indices
        Whole numbers of at least 0, ``(scenes,)``.

    Examples
    --------
    >>> pair = scenes(WorldConfig(), seed=0, indices=[4, 5])
    >>> bool((pair[1].objects.azimuth == scene(WorldConfig(), 0, 5).objects.azimuth).all())
    True
    """
    draws = Draws(seed, indices, _STREAM)
    sounds, looks = room_types(config)
    heard = draw_rooms(draws, config)
    acoustics = draw_acoustics(draws, heard, sounds)
    seen = _seen_room(draws, config, heard)
    look = draw_looks(draws, seen, looks)
    objects = _draw_objects(draws, config, heard, seen)
    broken = draws.unit() < config.broken_fraction
    breakage = np.where(broken, draws.integers((1, 3)), 0)
    return Scenes(np.asarray(indices, dtype=np.int64), objects, heard, acoustics, seen, look, breakage)


def _seen_room(draws: Draws, config: WorldConfig, heard: Rooms) -> Rooms:
    """With probability ``room_strength`` the room heard, otherwise another drawn in the same way.

    Both are always drawn, so that nothing else of a scene changes with the strength.
    """
    other = draw_rooms(draws, config)
    same = draws.unit() < config.room_strength

    def choose(name: str) -> np.ndarray:
        ours, theirs = getattr(heard, name), getattr(other, name)
        return np.where(same.reshape(-1, *[1] * (ours.ndim - 1)), ours, theirs)

    return Rooms(**{name: choose(name) for name in ("kind", "size", "dimensions", "listener", "orientation")})


def _draw_objects(draws: Draws, config: WorldConfig, heard: Rooms, seen: Rooms) -> Objects:
    slots, most_sounding, most_silent = config.objects, config.sounding[1], config.silent[1]
    number = np.arange(slots)
    sounding = number < draws.integers(config.sounding, 1)
    silent = (number >= most_sounding) & (number < most_sounding + draws.integers(config.silent, 1))
    kind = draws.integers((0, config.classes - 1), slots)
    companion = np.zeros_like(sounding)
    if config.context_fraction > 0:
        first = most_sounding + most_silent
        kind[:, first:] = config.classes + kind[:, :most_sounding]
        companion[:, first:] = sounding[:, :most_sounding] & (draws.unit(most_sounding) < config.context_fraction)
    azimuth = draws.around_zero(np.pi, slots)
    elevation = draws.around_zero(np.radians(config.elevation_degrees), slots)
    distance = draws.uniform(config.distance, slots)
    # companions stand between the classes on the circle of colours
    hue = (kind % config.classes + 0.5 * (kind >= config.classes)) / config.classes
    voice = kind % config.classes
    return Objects(
        present=sounding | silent | companion,
        sounding=sounding,
        kind=kind,
        azimuth=azimuth,
        elevation=elevation,
        speed=draws.uniform(np.radians(config.speed_degrees), slots),
        radius=draws.uniform(np.radians(config.radius_degrees), slots),
        distance_heard=np.minimum(distance, 0.8 * wall_distance(heard, azimuth, elevation)),
        distance_seen=np.minimum(distance, 0.8 * wall_distance(seen, azimuth, elevation)),
        gain_db=draws.uniform(config.gain_db, slots),
        hue=(hue + draws.around_zero(config.hue_jitter, slots)) % 1.0,
        fundamental=config.fundamental * 2.0 ** (voice / 4.0) * (1.0 + draws.around_zero(config.pitch_jitter, slots)),
        pulse_rate=pulse_rates(config)[voice] * (1.0 + draws.around_zero(0.05, slots)),
        pulse_phase=draws.around_zero(np.pi, slots),
        harmonic_phases=draws.around_zero(np.pi, slots, config.harmonics),
    )
