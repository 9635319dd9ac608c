"""Rooms: their kinds, which sound and look in ways of their own, and the shoebox that a scene stands in."""

from dataclasses import dataclass

import numpy as np

from ambikit_models.world.config import WorldConfig
from ambikit_models.world.randomness import Draws, random_generator
from ambikit_models.world.table import Table, Values

__all__ = [
    "Acoustics",
    "Looks",
    "Rooms",
    "distance_to_walls",
    "draw_acoustics",
    "draw_looks",
    "draw_rooms",
    "room_types",
    "wall_distance",
]

# far from the streams of scenes, which begin at 0: a room type must not repeat the draws of a scene
_ACOUSTIC_STREAM, _LOOK_STREAM = 1_000_000, 1_000_001
_LOOK_JITTER = 0.04


@dataclass(frozen=True)
class Acoustics(Table):
    """How rooms, or room types, sound: ``(scenes,)`` each."""

    t60: Values
    """Reverberation time in seconds."""
    tilt_db: Values
    """Slope of the ambience spectrum in dB per octave."""
    peak: Values
    """Centre of the peak of the ambience spectrum in Hz."""
    peak_db: Values
    """Height of that peak in dB."""
    snr_db: Values
    """Level of the objects above the ambience in dB; infinite where there is no ambience."""


@dataclass(frozen=True)
class Looks(Table):
    """How rooms, or room types, look."""

    wall: Values
    """Hue (turns), saturation and value of the walls, ``(scenes, 3)``."""
    floor: Values
    """The same of the floor, ``(scenes, 3)``."""
    contrast: Values
    """Amplitude of the texture, as a share of the brightness, ``(scenes,)``."""
    frequency: Values
    """Spatial frequency of the texture in cycles per metre, ``(scenes,)``."""
    pattern: Values
    """Angle that mixes upright stripes (0), tiles and level stripes (π/2), ``(scenes,)``."""


@dataclass(frozen=True)
class Rooms(Table):
    """The shoeboxes of scenes and where the listener stands in them."""

    kind: Values
    """Which room type, ``(scenes,)``."""
    size: Values
    """From the smallest room (0) to the largest (1), ``(scenes,)``."""
    dimensions: Values
    """Length, width and height in metres, ``(scenes, 3)``."""
    listener: Values
    """Position of the listener from a corner in metres, ``(scenes, 3)``."""
    orientation: Values
    """Azimuth of the length of the room as the listener sees it, radians, ``(scenes,)``."""


def room_types(config: WorldConfig) -> tuple[Acoustics, Looks]:
    """The types of rooms of a world: their acoustics and their looks, drawn independently of one another.

    Every quantity is spread over its range in equal steps in an order drawn for that quantity alone, so that the
    types cover the ranges evenly.

    Examples
    --------
    >>> acoustics, looks = room_types(WorldConfig(room_types=3))
    >>> len(acoustics), looks.wall.shape
    (3, (3, 3))
    """
    count = config.room_types

    def spread(generator: np.random.Generator, limits: tuple[float, float]) -> np.ndarray:
        low, high = limits
        return low + (high - low) * (generator.permutation(count) + generator.random(count)) / count

    sound = random_generator(config.room_seed, 0, _ACOUSTIC_STREAM)
    octaves = (np.log2(config.ambience_peak[0]), np.log2(config.ambience_peak[1]))
    acoustics = Acoustics(
        t60=spread(sound, config.t60),
        tilt_db=spread(sound, config.ambience_tilt_db),
        peak=2.0 ** spread(sound, octaves),
        peak_db=spread(sound, config.ambience_peak_db),
        snr_db=np.full(count, np.inf) if config.snr_db is None else spread(sound, config.snr_db),
    )
    look = random_generator(config.room_seed, 0, _LOOK_STREAM)
    surfaces = [
        np.stack([spread(look, (0.0, 1.0)), spread(look, (0.1, 0.45)), spread(look, (0.15, 0.7))], axis=-1)
        for _ in ("wall", "floor")
    ]
    looks = Looks(
        wall=surfaces[0],
        floor=surfaces[1],
        contrast=spread(look, (0.05, 0.25)),
        frequency=2.0 ** spread(look, (-1.0, 1.5)),
        pattern=spread(look, (0.0, np.pi / 2)),
    )
    return acoustics, looks


def draw_rooms(draws: Draws, config: WorldConfig) -> Rooms:
    """Draw a room for each scene: its type, its size, its shape, and where the listener stands in it.

    A larger room has longer reverberation and, its walls being farther away, finer-looking texture.
    """
    kind = draws.integers((0, config.room_types - 1))
    size = draws.unit()
    length = 4.5 + 6.5 * size
    width = length * draws.uniform((0.75, 1.0))
    height = 2.6 + 1.9 * size
    dimensions = np.stack([length, width, height], axis=-1)
    standing = np.stack([draws.uniform((0.4, 0.6)), draws.uniform((0.4, 0.6)), draws.uniform((0.45, 0.55))], axis=-1)
    return Rooms(kind, size, dimensions, dimensions * standing, draws.around_zero(np.pi))


def draw_acoustics(draws: Draws, rooms: Rooms, types: Acoustics) -> Acoustics:
    """The acoustics of each room: those of its type, a little different every time, longer in a larger room."""
    kind = rooms.kind
    return Acoustics(
        t60=types.t60[kind] * (0.7 + 0.6 * rooms.size),
        tilt_db=types.tilt_db[kind] + draws.around_zero(0.5),
        peak=types.peak[kind],
        peak_db=types.peak_db[kind] + draws.around_zero(1.0),
        snr_db=types.snr_db[kind] + draws.around_zero(1.5),
    )


def draw_looks(draws: Draws, rooms: Rooms, types: Looks) -> Looks:
    """The look of each room: that of its type, a little different every time."""
    kind = rooms.kind
    wall = types.wall[kind] + draws.around_zero(_LOOK_JITTER, 3)
    floor = types.floor[kind] + draws.around_zero(_LOOK_JITTER, 3)
    for surface in (wall, floor):
        surface[:, 0] %= 1.0
        surface[:, 1:] = np.clip(surface[:, 1:], 0.0, 1.0)
    contrast = types.contrast[kind] * (1.0 + draws.around_zero(0.1))
    frequency = types.frequency[kind] * (1.0 + draws.around_zero(0.1))
    return Looks(wall, floor, contrast, frequency, types.pattern[kind])


def wall_distance(rooms: Rooms, azimuth: np.ndarray, elevation: np.ndarray) -> np.ndarray:
    """How far the listener can go in each direction before a wall, in metres: ``(scenes, directions)``.

    Examples
    --------
    >>> room = Rooms(*(np.asarray(x, float)[None] for x in (0, 0, [6, 4, 3], [3, 2, 1], 0)))
    >>> wall_distance(room, np.array([[0.0, np.pi / 2]]), np.zeros((1, 2))).round(6)
    array([[3., 2.]])
    """
    turned = azimuth - rooms.orientation[:, None]
    direction = np.stack(
        [np.cos(turned) * np.cos(elevation), np.sin(turned) * np.cos(elevation), np.sin(elevation)], axis=-1
    )
    return distance_to_walls(rooms.dimensions[:, None], rooms.listener[:, None], direction)


def distance_to_walls(dimensions: np.ndarray, listener: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """How far it is from a place in a shoebox to its first wall along unit vectors: x, y, z on the last axis.

    Examples
    --------
    >>> distance_to_walls(np.array([6.0, 4.0, 3.0]), np.array([3.0, 2.0, 1.0]), np.array([0.0, 0.0, -1.0])).item()
    1.0
    """
    ahead = np.where(direction > 0, dimensions - listener, listener)
    return np.asarray(np.min(ahead / np.maximum(np.abs(direction), 1e-9), axis=-1))
