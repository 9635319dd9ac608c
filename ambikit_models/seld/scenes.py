"""Rooms with one or two sounds at a time, and their labels: scenes to try sound event localisation on."""

from dataclasses import dataclass
from math import pi

import numpy as np
import torch
from jaxtyping import Float, Float32
from scipy.signal import fftconvolve
from torch import Tensor

import ambikit
from ambikit.errors import AmbikitError
from ambikit_models.seld.labels import FRAME, Events
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.randomness import random_generator
from ambikit_models.world.rooms import distance_to_walls
from ambikit_models.world.timbre import dry_signals, pulse_rates

__all__ = ["SceneConfig", "seld_scene"]

Range = tuple[float, float]


@dataclass(frozen=True)
class SceneConfig:
    """What may happen in a scene; it is decided by this, a seed and an index.

    Two voices take turns on their own, each with a sound, a pause and a sound, all of any class, so that one or two
    sounds are heard at a time and both may be of one class. Every sound has a place of its own in a shoebox room.
    """

    classes: int = 4
    """Number of classes; their timbres are those of the synthetic world, half an octave apart."""
    duration: float = 4.0
    """Seconds."""
    sample_rate: int = 16000
    """Hz."""
    azimuth_degrees: Range = (-180.0, 180.0)
    """Azimuths from which sounds come."""
    elevation_degrees: Range = (-40.0, 40.0)
    """Elevations from which sounds come."""
    distance: Range = (0.8, 2.0)
    """Metres; sounds end at the wall."""
    room: tuple[Range, Range, Range] = ((5.0, 9.0), (5.0, 9.0), (3.0, 4.0))
    """Length, width and height of the room in metres."""
    reflection: Range = (0.4, 0.8)
    """Pressure reflection coefficient of the walls."""
    max_reflections: int = 5
    """Largest number of walls that a sound meets."""
    snr_db: Range = (10.0, 25.0)
    """Level of the sounds above diffuse white noise, in W."""

    def __post_init__(self) -> None:
        if self.duration < 2 or self.classes < 1:
            raise AmbikitError(
                f"got duration={self.duration}, classes={self.classes}; expected at least 2 seconds and one class"
            )


def seld_scene(config: SceneConfig, seed: int, index: int) -> tuple[Float32[np.ndarray, "4 time"], Events]:
    """The sound of a scene, first-order AmbiX, and its labels.

    Examples
    --------
    >>> signal, events = seld_scene(SceneConfig(), seed=0, index=3)
    >>> signal.shape, len(set(events.source.tolist()))
    ((4, 64000), 4)
    """
    rng = random_generator(seed, index, 0)
    room = np.array([rng.uniform(*limits) for limits in config.room])
    listener = room * rng.uniform(0.35, 0.65, 3)
    reflection = rng.uniform(*config.reflection)
    world = WorldConfig(classes=config.classes, sample_rate=config.sample_rate, duration=config.duration, lead_in=0.0)
    time = round(config.duration * config.sample_rate)
    signal, rows = np.zeros((4, time)), []
    for source, (start, end) in enumerate(_spans(rng, config.duration)):
        kind = int(rng.integers(config.classes))
        azimuth, elevation = (np.radians(rng.uniform(*r)) for r in (config.azimuth_degrees, config.elevation_degrees))
        direction = ambikit.angles_to_vectors(azimuth, elevation)
        farthest = 0.9 * distance_to_walls(room, listener, direction)
        place = listener + min(rng.uniform(*config.distance), farthest) * direction
        first, last = (round(frame * FRAME * config.sample_rate) for frame in (start, end))
        dry = _dry(world, rng, kind, last - first).numpy()
        response = ambikit.room_impulse_response(
            room, place, listener, config.sample_rate, reflection=reflection, max_reflections=config.max_reflections
        )
        wet = fftconvolve(dry[None], response, axes=-1)[:, : time - first]
        signal[:, first : first + wet.shape[1]] += wet
        rows += [(frame, kind, source, azimuth, elevation) for frame in range(start, end)]
    noise = rng.standard_normal((4, time)) * np.array([1, 3**-0.5, 3**-0.5, 3**-0.5])[:, None]
    level = np.sqrt(np.mean(signal[0] ** 2) * 10 ** (-rng.uniform(*config.snr_db) / 10))
    return (signal + level * noise).astype(np.float32), Events.of(sorted(rows))


def _spans(rng: np.random.Generator, duration: float) -> list[tuple[int, int]]:
    """First and last frame of the sounds of two voices."""
    frames = round(duration / FRAME)
    spans = []
    for _ in range(2):
        cuts = np.sort(rng.uniform(0.0, 1.0, 4))
        # at least half a second for each sound, the rest by lot
        cuts = np.array([0, 5, 5, 10]) + np.floor(cuts * (frames - 10))
        spans += [(int(cuts[0]), int(cuts[1])), (int(cuts[2]), int(cuts[3]))]
    return spans


def _dry(world: WorldConfig, rng: np.random.Generator, kind: int, length: int) -> Float[Tensor, "time"]:
    """One sound of a class, with soft beginning and end."""
    pitch = world.fundamental * 2 ** (kind / 2) * (1 + rng.uniform(-1, 1) * world.pitch_jitter)
    real = {"dtype": torch.float64}
    sound = dry_signals(
        world,
        torch.tensor([[kind]]),
        torch.tensor([[pitch]], **real),
        torch.as_tensor(rng.uniform(0, 2 * pi, (1, 1, world.harmonics)), **real),
        torch.tensor([[pulse_rates(world)[kind]]], **real),
        torch.tensor([[rng.uniform(0, 2 * pi)]], **real),
        torch.as_tensor(rng.standard_normal((1, 1, length), dtype=np.float32)),
    )[0, 0]
    ramp = torch.arange(1, length + 1) / (0.01 * world.sample_rate)
    return sound * ramp.clamp(max=1) * ramp.flip(0).clamp(max=1) * 10 ** (rng.uniform(-6, 3) / 20)
