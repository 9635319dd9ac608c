"""What a room adds to a sound: first reflections from its walls, then a diffuse tail."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

import ambikit

__all__ = ["diffuse_tail", "early_reflections", "eyring_reflection", "mean_free_path"]

SPEED_OF_SOUND = 343.0
#: ln(10⁶): the energy falls by 60 dB in one reverberation time
_DECAY = 6.0 * math.log(10.0)
#: half the number of taps of the windowed sinc that delays by a fraction of a sample
_HALF = 8


def _volume_and_surface(dimensions: Tensor) -> tuple[Tensor, Tensor]:
    length, width, height = dimensions.unbind(-1)
    return length * width * height, 2.0 * (length * width + width * height + height * length)


def mean_free_path(dimensions: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch"]:
    """The mean distance between two reflections in a room, 4 V / S, in metres.

    Examples
    --------
    >>> mean_free_path(torch.tensor([6.0, 6.0, 6.0]))
    tensor(4.)
    """
    volume, surface = _volume_and_surface(dimensions)
    return 4.0 * volume / surface


def eyring_reflection(dimensions: Float[Tensor, "*batch 3"], t60: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """The share of the pressure that a wall reflects, so that the room has the reverberation time ``t60``.

    Eyring's formula: the energy falls by the factor 1 − α at every reflection and there is one in every mean free
    path, so that the pressure is reflected with √(1 − α) = exp(−3 ln(10) · 4V/S / (c · t60)).

    References
    ----------
    .. [1] C. F. Eyring, "Reverberation time in 'dead' rooms", J. Acoust. Soc. Am. 1, 1930.

    Examples
    --------
    >>> eyring_reflection(torch.tensor([6.0, 6.0, 6.0]), torch.tensor(0.4)).round(decimals=2)
    tensor(0.8200)
    """
    return torch.exp(-0.5 * _DECAY * mean_free_path(dimensions) / (SPEED_OF_SOUND * t60))


def early_reflections(
    dimensions: Float[Tensor, "scenes 3"],
    listener: Float[Tensor, "scenes 3"],
    orientation: Float[Tensor, "scenes"],
    direction: Float[Tensor, "scenes sources 3"],
    distance: Float[Tensor, "scenes sources"],
    reflection: Float[Tensor, "scenes"],
    sample_rate: float,
    length: int,
) -> Float[Tensor, "scenes sources 4 taps"]:
    """The impulse response of the six first reflections, relative to a direct sound of strength 1 at time 0.

    ``direction`` is where each source stands as the listener sees it; the length of the room lies at the azimuth
    ``orientation``.
    """
    room_frame = _turned(direction, -orientation[:, None])
    source = listener[:, None] + distance[..., None] * room_frame
    images = ambikit.image_sources(
        dimensions[:, None],
        source,
        listener[:, None],
        reflection=reflection[:, None, None],
        max_reflections=1,
        speed_of_sound=SPEED_OF_SOUND,
    )
    # the first image is the source itself, whose sound is made elsewhere because it moves
    strength = images.gains[..., 1:] * distance[..., None]
    delay = (images.delays[..., 1:] - distance[..., None] / SPEED_OF_SOUND) * sample_rate
    arriving = _turned(images.directions[..., 1:, :], orientation[:, None, None])
    x, y, z = arriving.unbind(-1)
    first_order = torch.stack([torch.ones_like(x), y, z, x], dim=-1) * strength[..., None]
    return _placed(first_order, delay, length)


def _turned(vectors: Tensor, azimuth: Tensor) -> Tensor:
    """Vectors turned to the left by an azimuth."""
    x, y, z = vectors.unbind(-1)
    cosine, sine = torch.cos(azimuth), torch.sin(azimuth)
    return torch.stack([cosine * x - sine * y, sine * x + cosine * y, z], dim=-1)


def _placed(strength: Tensor, delay: Tensor, length: int) -> Tensor:
    """Put pulses ``(..., images, 4)`` at fractional delays ``(..., images)`` into responses ``(..., 4, length)``.

    A sinc under a Hann window, 16 samples wide; delays below 8 samples or beyond the end lose part of it.
    """
    whole = torch.floor(delay)
    tap = torch.arange(1 - _HALF, _HALF + 1, device=delay.device)
    offset = tap - (delay - whole)[..., None]
    kernel = torch.sinc(offset) * torch.cos(0.5 * math.pi * offset / _HALF) ** 2
    position = whole[..., None].long() + tap
    inside = (position >= 0) & (position < length)
    taps = torch.where(inside, kernel, 0.0)[..., None, :] * strength[..., None]
    position = position.clamp(0, length - 1)[..., None, :].expand_as(taps)
    # all images of a source go into the same response: (..., images, 4, taps) -> (..., 4, images * taps)
    taps, position = taps.movedim(-3, -2).flatten(-2), position.movedim(-3, -2).flatten(-2)
    return strength.new_zeros(*taps.shape[:-1], length).scatter_add_(-1, position, taps)


def diffuse_tail(
    noise: Float[Tensor, "scenes sources 4 taps"],
    dimensions: Float[Tensor, "scenes 3"],
    t60: Float[Tensor, "scenes"],
    distance: Float[Tensor, "scenes sources"],
    sample_rate: float,
) -> Float[Tensor, "scenes sources 4 taps"]:
    """The reverberation after the first reflections, relative to a direct sound of strength 1 at time 0.

    Independent noise in every channel that decays by 60 dB in ``t60``: sound from all sides. In SN3D the dipoles of
    a diffuse field have 1/√3 of the amplitude of W. Its energy is that of the diffuse field of a room of this size
    and reverberation time, 16π/A for a source whose direct sound at one metre is 1 (A: equivalent absorption area).
    It begins after two mean free paths, when the second reflections arrive.
    """
    volume, _ = _volume_and_surface(dimensions)
    absorption = _DECAY * 4.0 * volume / (SPEED_OF_SOUND * t60)
    time = torch.arange(noise.shape[-1], device=noise.device, dtype=noise.dtype) / sample_rate
    decay = (_DECAY / t60)[:, None]
    begins = 2.0 * mean_free_path(dimensions)[:, None] / SPEED_OF_SOUND
    energy = 16.0 * math.pi / absorption[:, None] * decay * torch.exp(-decay * time) / sample_rate
    envelope = torch.sqrt(torch.where(time >= begins, energy, 0.0))
    share = torch.tensor([1.0, 3**-0.5, 3**-0.5, 3**-0.5], device=noise.device, dtype=noise.dtype)
    return noise * envelope[:, None, None] * (distance[..., None, None] * share[:, None])
