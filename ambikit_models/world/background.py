"""The room as it is seen: a shoebox with coloured, textured walls, floor and ceiling."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ambikit_models.world.colours import hsv_to_rgb
from ambikit_models.world.rooms import Looks, Rooms

__all__ = ["Surfaces", "room_colours", "room_surfaces"]

#: width of the filter that a pixel is, as a standard deviation in pixels
_PIXEL = 0.4
#: how far in metres, and how much, corners darken
_CORNER, _CORNER_SHADE = 0.45, 0.35
#: how far the glow of the lamp reaches on the ceiling, in metres
_LAMP = 0.6


@dataclass(frozen=True)
class Surfaces:
    """Where rays meet the room, in room coordinates."""

    position: Float[Tensor, "scenes views pixels 3"]
    """Metres from the corner of the room."""
    axis: Tensor
    """0, 1 or 2: the axis that the surface stands across, ``(scenes, views, pixels)``."""
    distance: Float[Tensor, "scenes views pixels"]
    """Metres from the listener."""
    direction: Float[Tensor, "scenes views pixels 3"]
    """The rays in room coordinates."""


def _per_scene(values: Tensor) -> Tensor:
    """``(scenes, ...)`` to ``(scenes, 1, 1, ...)``: beside views and pixels."""
    return values[:, None, None]


def room_surfaces(rooms: Rooms, rays: Float[Tensor, "scenes views pixels 3"]) -> Surfaces:
    """Follow rays from the listener to the walls, the floor or the ceiling."""
    cosine, sine = _per_scene(torch.cos(rooms.orientation)), _per_scene(torch.sin(rooms.orientation))
    x, y, z = rays.unbind(-1)
    direction = torch.stack([cosine * x + sine * y, cosine * y - sine * x, z], dim=-1)
    listener, dimensions = _per_scene(rooms.listener), _per_scene(rooms.dimensions)
    ahead = torch.where(direction > 0, dimensions - listener, listener)
    distance, axis = (ahead / direction.abs().clamp(min=1e-6)).min(dim=-1)
    return Surfaces(listener + distance[..., None] * direction, axis, distance, direction)


def room_colours(
    rooms: Rooms, looks: Looks, surfaces: Surfaces, pixel_angle: Float[Tensor, "scenes views"]
) -> Float[Tensor, "scenes views 3 pixels"]:
    """The colour of the room at the given surfaces, red, green and blue, before shadows.

    ``pixel_angle`` is the angle in radians between neighbouring pixels. Texture too fine for the pixels fades into its
    mean, as it does in a camera, instead of turning into a false pattern.
    """
    x, y, z = surfaces.position.unbind(-1)
    upright, level = surfaces.axis < 2, surfaces.axis == 2
    floor = level & (surfaces.direction[..., 2] < 0)
    # walls are painted along their length and their height, floor and ceiling along both of theirs
    along = torch.where(surfaces.axis == 0, y, x)
    across = torch.where(upright, z, y)
    facing = surfaces.direction.abs().gather(-1, surfaces.axis[..., None])[..., 0].clamp(min=1e-3)
    rx, ry, rz = surfaces.direction.unbind(-1)
    footprint = surfaces.distance * pixel_angle[..., None] * _PIXEL
    smear_along = footprint * torch.sqrt(1.0 + (torch.where(surfaces.axis == 0, ry, rx) / facing) ** 2)
    smear_across = footprint * torch.sqrt(1.0 + (torch.where(upright, rz, ry) / facing) ** 2)
    frequency = _per_scene(looks.frequency)
    mixed = _per_scene(looks.pattern)
    texture = torch.cos(mixed) * _wave(along, frequency, smear_along)
    texture = texture + torch.sin(mixed) * _wave(across, frequency, smear_across)
    # a lamp in the middle of the ceiling: what faces it is brighter, and the upper part of the walls
    light = torch.where(surfaces.axis == 0, 1.0, 0.86) + 0.24 * z / _per_scene(rooms.dimensions[:, 2])
    light = torch.where(level, torch.where(floor, 1.0, 1.15), light) * _corner_shade(rooms, surfaces)
    middle = 0.5 * _per_scene(rooms.dimensions[:, :2])
    lamp = torch.exp(-0.5 * ((surfaces.position[..., :2] - middle) / _LAMP).square().sum(-1))
    light = light + torch.where(level & ~floor, 0.7 * lamp, 0.0)
    # the ceiling is plain
    contrast = torch.where(level & ~floor, 0.0, _per_scene(looks.contrast))
    brightness = light * (1.0 + contrast * texture)
    colour = torch.where(floor[:, :, None], _colour(looks.floor), _colour(looks.wall))
    return colour * brightness[:, :, None]


def _colour(hsv: Tensor) -> Tensor:
    return hsv_to_rgb(hsv)[:, None, :, None]


def _wave(position: Tensor, frequency: Tensor, smear: Tensor) -> Tensor:
    """A wave with rather flat tops, seen through a pixel that is a Gaussian ``smear`` metres wide."""
    total = torch.zeros_like(position)
    for harmonic, amplitude in ((1, 1.0), (3, 0.25)):
        wavenumber = 2.0 * math.pi * harmonic * frequency
        total = total + amplitude * torch.sin(wavenumber * position) * torch.exp(-0.5 * (wavenumber * smear) ** 2)
    return total


def _corner_shade(rooms: Rooms, surfaces: Surfaces) -> Tensor:
    """Less light comes into corners and edges."""
    nearest = torch.minimum(surfaces.position, _per_scene(rooms.dimensions) - surfaces.position)
    # the surface itself is no neighbour of its own
    nearest = nearest.scatter(-1, surfaces.axis[..., None], math.inf)
    return 1.0 - _CORNER_SHADE * torch.exp(-nearest.clamp(min=0.0) / _CORNER).sum(-1)
