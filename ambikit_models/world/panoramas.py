"""Whole panoramas of scenes, shaded like the views, and the boxes of the objects in them."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

import ambikit
from ambikit.errors import ShapeError
from ambikit_models.panorama.detection import Detections
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.scenes import Scenes
from ambikit_models.world.shading import object_map, shade

__all__ = ["WorldDetector", "detections", "panorama_masks", "panorama_rays", "render_panoramas"]


def panorama_rays(height: int, *, device: str | torch.device = "cpu") -> Float[Tensor, "height width 3"]:
    """Unit vectors through the pixels of an equirectangular picture twice as wide as high.

    Examples
    --------
    >>> panorama_rays(2).round(decimals=2)[0, 1]
    tensor([0.5000, 0.5000, 0.7100])
    """
    row, column = np.meshgrid(np.arange(height), np.arange(2 * height), indexing="ij")
    directions = ambikit.angles_to_vectors(*ambikit.pixels_to_angles(column, row, 2 * height, height))
    return torch.as_tensor(directions, dtype=torch.float32, device=device)


def render_panoramas(
    config: WorldConfig,
    scenes: Scenes,
    height: int,
    *,
    times: Sequence[float] | None = None,
    oversampling: int = 2,
    device: str | torch.device = "cpu",
) -> UInt8[np.ndarray, "scenes frames height width 3"]:
    """Draw scenes as equirectangular pictures, ``2 * height`` wide.

    Parameters
    ----------
    config, scenes
        The scenes as drawn, and their world.
    height
        Pixels.
    times
        Seconds from the start of the clip; by default its middle.
    oversampling
        Rays per pixel along each axis, averaged.
    device
        Where to compute.

    Examples
    --------
    >>> from ambikit_models.world.scenes import scene
    >>> render_panoramas(WorldConfig(), scene(WorldConfig(), 0, 5), height=8).shape
    (1, 1, 8, 16, 3)
    """
    moments = torch.tensor(config.frame_times(1) if times is None else times, device=device, dtype=torch.float32)
    rays = panorama_rays(height * oversampling, device=device)[None, None]
    angle = torch.full((1, 1), math.pi / (height * oversampling), device=device)
    pictures = []
    for row in range(len(scenes)):
        fine = shade(config, scenes[row].to(device), rays, moments, angle)[0, 0].movedim(0, 1)
        mean = torch.nn.functional.avg_pool2d(fine, oversampling)
        pictures.append((255.0 * mean).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())
    return np.stack(pictures)


def panorama_masks(
    config: WorldConfig, scenes: Scenes, height: int, *, times: Sequence[float] | None = None
) -> Int[np.ndarray, "scenes frames height width"]:
    """Which object slot each pixel of a panorama shows, or −1 for the room."""
    moments = torch.tensor(config.frame_times(1) if times is None else times, dtype=torch.float32)
    rays = panorama_rays(height)[None, None]
    return np.stack(
        [object_map(config, scenes[row].to("cpu"), rays, moments)[0, 0].numpy() for row in range(len(scenes))]
    )


def detections(config: WorldConfig, scenes: Scenes, row: int, *, time: float | None = None) -> Detections:
    """The true boxes of all objects of one scene, hidden or not, sounding or not.

    A ball of angular radius ρ at elevation e reaches from e − ρ to e + ρ, and asin(sin ρ / cos e) to both sides.

    Examples
    --------
    >>> from ambikit_models.world.scenes import scene
    >>> found = detections(WorldConfig(sounding=(2, 2), silent=(1, 1)), scene(WorldConfig(), 0, 5), 0)
    >>> bool((found.width >= found.height).all())
    True
    """
    moment = config.duration / 2 if time is None else time
    objects = scenes.objects[row]
    here = objects.present[0]
    radius, elevation = objects.radius[0, here], objects.elevation[0, here]
    azimuth = objects.azimuth[0, here] + objects.speed[0, here] * (moment - config.duration / 2)
    return Detections(
        azimuth=np.pi - np.mod(np.pi - azimuth, 2 * np.pi),
        elevation=elevation,
        width=2 * np.arcsin(np.sin(radius) / np.cos(elevation)),
        height=2 * radius,
        label=np.array([f"class {kind}" for kind in objects.kind[0, here]]),
        score=np.ones(int(here.sum())),
    )


class WorldDetector:
    """The detector that knows: it answers for panoramas of given scenes, taken in the middle of the clip, in order.

    Examples
    --------
    >>> from ambikit_models.world.scenes import scenes
    >>> config = WorldConfig(sounding=(1, 1), silent=(2, 2))
    >>> pair = scenes(config, 0, [3, 4])
    >>> detector = WorldDetector(config, pair)
    >>> [len(found) for found in detector.detect(render_panoramas(config, pair, height=8)[:, 0])]
    [3, 3]
    """

    def __init__(self, config: WorldConfig, scenes: Scenes):
        self.config, self.scenes = config, scenes

    def detect(self, frames: UInt8[np.ndarray, "n height width 3"]) -> list[Detections]:
        """The true objects of each frame; there must be one frame per scene."""
        if len(frames) != len(self.scenes):
            raise ShapeError(
                f"got {len(frames)} frames; expected one for each of the {len(self.scenes)} scenes that this detector "
                "knows, in order"
            )
        return [detections(self.config, self.scenes, row) for row in range(len(self.scenes))]
