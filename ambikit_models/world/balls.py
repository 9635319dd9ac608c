"""The objects as they are seen: shaded balls whose colour and stripes belong to their class."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ambikit_models.world.colours import hsv_to_rgb
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.scenes import Objects
from ambikit_models.world.timbre import pulse

__all__ = ["Balls", "ball", "place_balls"]

_SATURATION, _VALUE = 0.85, 0.95
#: how strong the stripes are, and how many cross a ball of the first, second, … class
_STRIPES, _STRIPE_COUNTS = 0.16, (0.0, 2.0, 3.0, 5.0)


@dataclass(frozen=True)
class Balls:
    """Objects placed at the times of the frames, sorted from the farthest to the nearest.

    Tensors are ``(scenes, slots)``, and ``(scenes, slots, frames, ...)`` where they change with time.
    """

    slot: Tensor
    """Which slot of the scene each ball is."""
    present: Tensor
    """Whether there is a ball."""
    radius: Tensor
    """Angular radius in radians."""
    distance: Tensor
    """Metres."""
    colour: Tensor
    """Red, green and blue, ``(scenes, slots, 3)``."""
    stripes: Tensor
    """Number of stripes and their angle in radians, ``(scenes, slots, 2)``."""
    frame: Tensor
    """Unit vectors towards the ball, to its left and up, in this order: ``(scenes, slots, frames, 3, 3)``."""
    brightness: Tensor
    """Of the pulse, ``(scenes, slots, frames)``."""


def place_balls(
    config: WorldConfig, objects: Objects, times: Float[Tensor, "frames"] | Float[Tensor, "scenes frames"]
) -> Balls:
    """Where the objects are at times, the same for all scenes or each its own: seconds from the start of the clip."""
    times = times if times.ndim == 1 else times[:, None]
    order = torch.argsort(torch.where(objects.present, objects.distance_seen, math.inf), dim=1, descending=True)

    def take(values: Tensor) -> Tensor:
        return values.gather(1, order)

    azimuth = take(objects.azimuth)[..., None] + take(objects.speed)[..., None] * (times - config.duration / 2)
    elevation = take(objects.elevation)[..., None].expand_as(azimuth)
    nothing = torch.zeros_like(azimuth)
    sin_a, cos_a, sin_e, cos_e = azimuth.sin(), azimuth.cos(), elevation.sin(), elevation.cos()
    towards = torch.stack([cos_e * cos_a, cos_e * sin_a, sin_e], dim=-1)
    left = torch.stack([-sin_a, cos_a, nothing], dim=-1)
    up = torch.stack([-sin_e * cos_a, -sin_e * sin_a, cos_e], dim=-1)
    hue = take(objects.hue)
    hsv = torch.stack([hue, torch.full_like(hue, _SATURATION), torch.full_like(hue, _VALUE)], dim=-1)
    kind = take(objects.kind)
    counts = torch.tensor(_STRIPE_COUNTS, device=hue.device)
    stripes = torch.stack([counts[kind % len(_STRIPE_COUNTS)], math.pi * ((kind * 0.382) % 1.0)], dim=-1)
    phase = 2.0 * math.pi * take(objects.pulse_rate)[..., None] * times + take(objects.pulse_phase)[..., None]
    return Balls(
        slot=order,
        present=take(objects.present),
        radius=take(objects.radius),
        distance=take(objects.distance_seen),
        colour=hsv_to_rgb(hsv),
        stripes=stripes,
        frame=torch.stack([towards, left, up], dim=-2),
        brightness=pulse(phase, config.picture_depth),
    )


def ball(
    balls: Balls,
    slot: int,
    rays: Float[Tensor, "scenes views 1 pixels 3"],
    pixel_angle: Float[Tensor, "scenes views"],
) -> tuple[Float[Tensor, "scenes views frames pixels"], Float[Tensor, "scenes views 3 frames pixels"]]:
    """How much of each pixel one ball covers, and its colour there."""

    def beside(values: Tensor) -> Tensor:
        """``(scenes, ...)`` to ``(scenes, 1, ..., 1)``: beside views and pixels."""
        return values[:, None, ..., None]

    towards, left, up = (
        sum(rays[..., i] * beside(balls.frame[:, slot, :, row, i]) for i in range(3)) for row in range(3)
    )
    radius = balls.radius[:, slot, None]
    sine, cosine = beside(radius.sin()), beside(radius.cos())
    pixel = pixel_angle[:, :, None, None]
    # near the edge (cos(angle) − cos(radius)) / sin(radius) is the angle from the ray to the edge, positive inside
    coverage = ((towards - cosine) / (sine * pixel) + 0.5).clamp(0.0, 1.0) * beside(balls.present[:, slot, None])
    depth = torch.sqrt((towards**2 - cosine**2).clamp(min=0.0))
    # the normal of the ball where the ray meets it: to the left, up and towards us
    across, above, facing = (towards - depth) * left / sine, (towards - depth) * up / sine, depth / sine
    count, angle = balls.stripes[:, slot, None].unbind(-1)
    fine = torch.exp(-2.0 * (0.2 * math.pi * beside(count) * pixel / beside(radius)) ** 2)
    place = beside(angle.cos()) * across + beside(angle.sin()) * above
    stripes = 1.0 - _STRIPES * fine * (0.5 - 0.5 * torch.cos(math.pi * beside(count) * place))
    light = beside(balls.brightness[:, slot]) * (0.58 + 0.28 * above + 0.28 * facing) * stripes
    shine = 0.45 * torch.exp(-((across - 0.32) ** 2 + (above - 0.42) ** 2) / 0.03) * (depth > 0)
    colour = balls.colour[:, slot, :, None, None]
    return coverage, colour[:, None] * light[:, :, None] + shine[:, :, None]
