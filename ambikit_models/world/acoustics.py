"""The sound of scenes, by physics: direct sound, first reflections, diffuse tail, ambience."""

import numpy as np
import torch
from jaxtyping import Float
from scipy.fft import next_fast_len
from torch import Tensor

import ambikit
from ambikit_models.world.ambience import ambience_spectrum, diffuse_noise
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.defects import break_sound
from ambikit_models.world.randomness import random_generator
from ambikit_models.world.reverberation import diffuse_tail, early_reflections, eyring_reflection
from ambikit_models.world.scenes import Objects, Scenes
from ambikit_models.world.timbre import LEVEL, dry_signals

__all__ = ["render_sound"]

_NOISE_STREAM = 1
#: the defects by the numbers that scenes have for them; 0 is a sound as it should be
_BREAKAGE = {1: "w_x_exchanged", 2: "silent_y", 3: "padded_stereo"}


def render_sound(
    config: WorldConfig, seed: int, scenes: Scenes, *, device: str | torch.device = "cpu"
) -> Float[Tensor, "scenes 4 time"]:
    """Make the sound of scenes: first-order AmbiX, float32.

    The direct sound of every object moves with it; its first reflections and its tail are those of its place in the
    middle of the clip (no Doppler shift: an object circles the listener). All random numbers are drawn on the CPU,
    scene by scene, so that every device gives the same sound within rounding.

    Parameters
    ----------
    config, seed
        The world that ``scenes`` was drawn from.
    scenes
        The scenes, as drawn (NumPy).
    device
        Where to compute.

    Examples
    --------
    >>> from ambikit_models.world.scenes import scene
    >>> config = WorldConfig(sounding=(1, 1), reverberation=0.0, snr_db=None)
    >>> w, y, z, x = render_sound(config, 0, scene(config, 0, 3))[0]
    >>> bool(torch.allclose(w**2, x**2 + y**2 + z**2))
    True
    """
    signal = _objects_sound(config, seed, scenes, torch.device(device))
    if config.snr_db is not None:
        signal = signal + _ambience(config, seed, scenes, signal)
    return _broken(signal, scenes.breakage) if scenes.breakage.any() else signal


def _objects_sound(config: WorldConfig, seed: int, scenes: Scenes, device: torch.device) -> Tensor:
    """The sum of all objects with the reverberation of the room, ``(scenes, 4, time)``."""
    sources = int(scenes.objects.sounding.sum(axis=1).max(initial=0))
    if sources == 0:
        return torch.zeros(len(scenes), 4, config.samples, device=device)
    # sounding objects fill the first slots
    objects = scenes.objects.mapped(lambda values: torch.as_tensor(values[:, :sources], device=device))
    lead = round(config.lead_in * config.sample_rate)
    taps = config.samples if config.reverberation > 0 else 0
    breath, tail = _source_noise(seed, scenes, sources, lead + config.samples, taps)
    dry = dry_signals(
        config,
        objects.kind,
        objects.fundamental,
        objects.harmonic_phases,
        objects.pulse_rate,
        objects.pulse_phase,
        torch.as_tensor(breath, device=device),
    )
    level = torch.where(objects.sounding, 10.0 ** (objects.gain_db / 20.0), 0.0)
    dry = dry * level[..., None].float()
    time = torch.arange(config.samples, device=device, dtype=torch.float64) / config.sample_rate - config.duration / 2
    azimuth = (objects.azimuth[..., None] + objects.speed[..., None] * time).float()
    elevation = objects.elevation[..., None].expand_as(azimuth).float()
    sound = ambikit.encode(dry[..., lead:], azimuth, elevation, trajectory=True).sum(dim=1)
    if not taps:
        return sound
    response = _room_response(config, scenes, objects, torch.as_tensor(tail, device=device))
    return sound + config.reverberation * _convolved(dry, response)[..., lead : lead + config.samples]


def _room_response(config: WorldConfig, scenes: Scenes, objects: Objects, noise: Tensor) -> Tensor:
    """The impulse responses of the room to every source, without the direct sound: ``(scenes, sources, 4, taps)``."""
    room, t60 = scenes.room_heard.to(noise.device), torch.as_tensor(scenes.acoustics.t60, device=noise.device).float()
    azimuth, elevation = objects.azimuth.float(), objects.elevation.float()
    across = torch.cos(elevation)
    direction = torch.stack([across * torch.cos(azimuth), across * torch.sin(azimuth), torch.sin(elevation)], dim=-1)
    distance = objects.distance_heard.float()
    early = early_reflections(
        room.dimensions,
        room.listener,
        room.orientation,
        direction,
        distance,
        eyring_reflection(room.dimensions, t60),
        config.sample_rate,
        noise.shape[-1],
    )
    return early + diffuse_tail(noise, room.dimensions, t60, distance, config.sample_rate)


def _convolved(dry: Tensor, response: Tensor) -> Tensor:
    """The sum over sources of their sounds ``(scenes, sources, time)`` in their responses: ``(scenes, 4, time)``.

    What would last longer than both wraps around into the lead-in, which nobody hears.
    """
    size = next_fast_len(max(dry.shape[-1], 2 * response.shape[-1]), real=True)
    spectrum = torch.fft.rfft(dry, n=size)[:, :, None] * torch.fft.rfft(response, n=size)
    return torch.fft.irfft(spectrum.sum(dim=1), n=size)


def _source_noise(seed: int, scenes: Scenes, sources: int, length: int, taps: int) -> tuple[np.ndarray, np.ndarray]:
    """White noise for the breath of every source and for its tail; empty slots stay zero."""
    breath = np.zeros((len(scenes), sources, length), np.float32)
    tail = np.zeros((len(scenes), sources, 4, taps), np.float32)
    for row, index in enumerate(scenes.index):
        for slot in np.flatnonzero(scenes.objects.sounding[row]):
            generator = random_generator(seed, int(index), _NOISE_STREAM + 1 + int(slot))
            generator.standard_normal(dtype=np.float32, out=breath[row, slot])
            generator.standard_normal(dtype=np.float32, out=tail[row, slot])
    return breath, tail


def _ambience(config: WorldConfig, seed: int, scenes: Scenes, signal: Tensor) -> Tensor:
    """The ambience of each room, below the objects' sound in W by the ratio of the scene (at 0 dB if there is none)."""
    bins = config.samples // 2 + 1
    drawn = np.stack(
        [
            random_generator(seed, int(index), _NOISE_STREAM).standard_normal((4, bins, 2), dtype=np.float32)
            for index in scenes.index
        ]
    )
    acoustics = scenes.acoustics.to(signal.device)
    frequency = torch.arange(bins, device=signal.device) * (config.sample_rate / config.samples)
    amplitude = ambience_spectrum(frequency, acoustics.tilt_db, acoustics.peak, acoustics.peak_db)
    noise = diffuse_noise(torch.as_tensor(drawn, device=signal.device), amplitude, config.samples)
    power = signal[:, 0].square().mean(-1)
    reference = torch.where(power > 0, power, LEVEL)
    return noise * torch.sqrt(reference * 10.0 ** (-acoustics.snr_db / 10.0))[:, None, None]


def _broken(signal: Tensor, breakage: np.ndarray) -> Tensor:
    """Sounds that only claim to be Ambisonics, as they are found in the wild."""
    # these defects are linear in the channels: the matrix of each is what it makes of the unit vectors
    matrices = np.stack([np.eye(4), *(break_sound(np.eye(4), name) for name in _BREAKAGE.values())])
    return torch.as_tensor(matrices[breakage], dtype=signal.dtype, device=signal.device) @ signal
