"""Simulated rooms with talkers in known directions.

Up to 80 ms a response is every image source of a rectangular room; from there on it is diffuse noise at the level and
with the decay that the images have on average (between 500 Hz and 6 kHz they meet within 0.5 dB).
"""

from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np

import ambikit

__all__ = ["SEPARATION", "scene"]

RATE, SECONDS, ORDER = 16000, 2.0, 5
FRAME, HOP, BAND = 512, 256, (500, 6000)
EARLY, SOUND_SPEED = 0.08, 343.0
SEPARATION = 25.0  # degrees between talkers, at least


def talker(random: np.random.Generator) -> np.ndarray:
    """Bursts as of syllables: gliding harmonics under three resonances, or noise, with pauses between; of power 1."""
    length, sound = int(SECONDS * RATE), np.zeros(int(SECONDS * RATE))
    start, voice = int(random.uniform(0, 0.1) * RATE), random.uniform(90, 220)
    while start < length:
        time = np.linspace(0, 1, int(random.uniform(0.08, 0.25) * RATE))
        if random.uniform() < 0.7:
            pitch = voice * np.exp2(random.uniform(-0.3, 0.3) + random.uniform(-0.5, 0.5) * time)
            number = np.arange(1, int(7000 / pitch.max()))[:, None]
            resonances = random.uniform([300, 900, 2200], [900, 2200, 3500])
            level = 0.03 + (1 / (1 + ((number * pitch.mean() - resonances) / 120) ** 2)).sum(-1, keepdims=True)
            phases = number * 2 * np.pi * np.cumsum(pitch) / RATE + random.uniform(0, 6, number.shape)
            burst = (level / np.sqrt(number) * np.sin(phases)).sum(0) + 0.05 * random.normal(size=len(time))
        else:
            burst = np.diff(random.normal(size=len(time) + 1))
        burst *= np.sin(np.pi * time) ** 0.5 * 10 ** (random.uniform(-10, 0) / 20) / np.sqrt(np.mean(burst**2))
        part = sound[start : start + len(burst)]
        part += burst[: len(part)]
        start += len(burst) + int(random.uniform(0.02, 0.15) * RATE)
    return sound / np.sqrt(np.mean(sound**2))


def places(random: np.random.Generator, talkers: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A room, a listener in it, and talkers 1 to 2.5 m away, no two nearer to each other than 25°."""
    while True:
        room = random.uniform([5, 4, 2.5], [8, 6, 3.5])
        listener = random.uniform([1, 1, 1.1], [*(room[:2] - 1), 1.8])
        azimuth, elevation = random.uniform(-180, 180, talkers), random.uniform(-25, 40, talkers)
        vectors = ambikit.angles_to_vectors(azimuth, elevation, degrees=True)
        sources = listener + vectors * random.uniform(1, 2.5, (talkers, 1))
        apart = np.degrees(np.arccos(np.clip(vectors @ vectors.T, -1, 1))) + 360 * np.eye(talkers)
        if apart.min() >= SEPARATION and (sources > 0.3).all() and (sources < room - 0.3).all():
            return room, listener, sources


def responses(
    random: np.random.Generator, room: np.ndarray, listener: np.ndarray, sources: np.ndarray, reverberation: float
) -> np.ndarray:
    """Image sources up to 80 ms, then diffuse noise: ``(talkers, channels, taps)``."""
    early = int(EARLY * RATE)
    if reverberation == 0:
        settings: dict[str, Any] = {"reflection": 0.0, "max_reflections": 0}
    else:
        absorption = ambikit.absorption_for_reverberation_time(room, reverberation)
        reflection = ambikit.absorption_to_reflection(absorption)
        settings = {"reflection": reflection, "max_reflections": ceil(EARLY * SOUND_SPEED / room.min())}
    heard = ambikit.room_impulse_response(room, sources, listener, RATE, order=ORDER, length=early, **settings)
    if reverberation == 0:
        return heard
    # Per second 4π c³ t² / V images arrive, each with the energy 1/(c t)² times what the walls left of it.
    time = np.arange(early, int(reverberation * RATE)) / RATE
    power = 4 * np.pi * SOUND_SPEED / (room.prod() * RATE) * 10 ** (-6 * time / reverberation)
    tail = diffuse(random, (len(sources), len(heard[0]), len(time))) * np.sqrt(power)
    return np.concatenate([heard, tail], -1)


def diffuse(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """White diffuse sound ``(..., channels, time)`` with power 1 in W: independent channels of equal power in N3D."""
    degrees = np.repeat(np.arange(ORDER + 1), 2 * np.arange(ORDER + 1) + 1)
    return random.normal(size=shape) / np.sqrt(2 * degrees + 1)[:, None]


@lru_cache(maxsize=1)
def scene(seed: int, talkers: int, reverberation: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectra of the talkers and, just as loud, of diffuse noise with the same average spectrum; and the directions."""
    from scipy.signal import oaconvolve

    random, late, noisy = (np.random.default_rng([seed, part]) for part in range(3))
    room, listener, sources = places(random, talkers)
    filters = responses(late, room, listener, sources, reverberation)
    sounds = np.stack([talker(random) for _ in sources])
    signal = oaconvolve(sounds[:, None], filters, axes=-1).sum(0)[:, : sounds.shape[-1]]
    low, high = (round(hertz * FRAME / RATE) for hertz in BAND)
    noise = diffuse(noisy, signal.shape)
    speech, noise = (ambikit.stft(x, frame_length=FRAME, hop_length=HOP)[:, low:high] for x in (signal, noise))
    noise *= np.sqrt(np.mean(abs(speech[0]) ** 2, -1) / np.mean(abs(noise[0]) ** 2, -1))[:, None]
    return speech, noise, ambikit.vectors_to_angles(sources - listener)
