"""The picture of scenes: for every ray, the colour that comes along it."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ambikit_models.world.background import Surfaces, room_colours, room_surfaces
from ambikit_models.world.balls import Balls, ball, place_balls
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.scenes import Scenes

__all__ = ["object_map", "shade"]

#: how dark a shadow is below a ball that touches the floor
_SHADOW = 0.6


def shade(
    config: WorldConfig,
    scenes: Scenes,
    rays: Float[Tensor, "scenes views height width 3"],
    times: Float[Tensor, "frames"] | Float[Tensor, "scenes frames"],
    pixel_angle: Float[Tensor, "scenes views"],
) -> Float[Tensor, "scenes views 3 frames height width"]:
    """See scenes along the given rays at the given times: red, green and blue in [0, 1].

    Parameters
    ----------
    config
        The world that ``scenes`` was drawn from.
    scenes
        The scenes as tensors, ``scenes.to(device)``.
    rays
        Unit vectors from the listener, x front, y left, z up; for a perspective view those of
        :func:`ambikit.crop_rays`.
    times
        Seconds from the start of the clip, the same for all scenes or each its own.
    pixel_angle
        The angle between neighbouring rays in radians: edges are blended over it and finer texture is averaged.

    Examples
    --------
    >>> from ambikit_models.world.scenes import scene
    >>> one = scene(WorldConfig(), 0, 5).to("cpu")
    >>> rays = torch.tensor([1.0, 0.0, 0.0]).expand(1, 1, 2, 2, 3)
    >>> shade(WorldConfig(), one, rays, torch.tensor([0.25]), torch.tensor([[0.03]])).shape
    torch.Size([1, 1, 3, 1, 2, 2])
    """
    size = rays.shape[2:4]
    flat = rays.flatten(2, 3)
    balls = place_balls(config, scenes.objects, times)
    surfaces = room_surfaces(scenes.room_seen, flat)
    room = room_colours(scenes.room_seen, scenes.looks, surfaces, pixel_angle)
    picture = room[:, :, :, None] * _shadows(scenes, balls, surfaces, flat)[:, :, None]
    for slot in range(balls.slot.shape[1]):
        coverage, colour = ball(balls, slot, flat[:, :, None], pixel_angle)
        picture = torch.lerp(picture, colour, coverage[:, :, None])
    return picture.clamp(0.0, 1.0).unflatten(-1, size)


def _shadows(scenes: Scenes, balls: Balls, surfaces: Surfaces, rays: Tensor) -> Tensor:
    """The light that the balls leave on the floor below them, ``(scenes, views, frames, pixels)``."""
    floor = (surfaces.axis == 2) & (surfaces.direction[..., 2] < 0)
    position = rays * surfaces.distance[..., None]
    light = torch.ones_like(floor, dtype=rays.dtype)[:, :, None]
    for slot in range(balls.slot.shape[1]):
        distance, radius = balls.distance[:, slot, None], balls.radius[:, slot, None]
        centre = balls.frame[:, slot, :, 0] * distance[..., None]
        height = (centre[..., 2] + scenes.room_seen.listener[:, 2, None]).clamp(min=0.0)
        width = distance * radius.sin() * (0.8 + 0.3 * height)
        strength = torch.where(balls.present[:, slot, None], _SHADOW / (1.0 + height), 0.0)
        squared = sum((position[:, :, None, :, i] - centre[:, None, :, None, i]) ** 2 for i in range(2))
        shade_here = strength[:, None, :, None] * torch.exp(-squared / (2.0 * width**2)[:, None, :, None])
        light = light * (1.0 - shade_here)
    return torch.where(floor[:, :, None], light, 1.0)


def object_map(
    config: WorldConfig,
    scenes: Scenes,
    rays: Float[Tensor, "scenes views height width 3"],
    times: Float[Tensor, "frames"] | Float[Tensor, "scenes frames"],
) -> Int[Tensor, "scenes views frames height width"]:
    """Which object each ray meets first: its slot, or −1 for the room.

    The exact mask to the pictures of :func:`shade`.
    """
    balls = place_balls(config, scenes.objects, times)
    seen = torch.full((*rays.shape[:2], times.shape[-1], *rays.shape[2:4]), -1, device=rays.device, dtype=torch.int64)
    for slot in range(balls.slot.shape[1]):
        towards = balls.frame[:, slot, :, 0]
        cosine = sum(rays[:, :, None, ..., i] * towards[:, None, :, None, None, i] for i in range(3))
        edge = balls.radius[:, slot].cos()
        hit = (cosine >= _beside(edge, cosine)) & _beside(balls.present[:, slot], cosine)
        seen = torch.where(hit, _beside(balls.slot[:, slot], cosine), seen)
    return seen


def _beside(values: Tensor, like: Tensor) -> Tensor:
    return values.reshape(-1, *[1] * (like.ndim - 1))
