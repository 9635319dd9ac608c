"""The synthetic 360° audio-visual world: scenes that are rendered by physics into sound and into pictures."""

from ambikit_models.world.acoustics import render_sound
from ambikit_models.world.clips import WorldClips
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.dataset import write_world
from ambikit_models.world.files import WorldFiles
from ambikit_models.world.panoramas import WorldDetector, detections, render_panoramas
from ambikit_models.world.scenes import Scenes, scene, scenes

__all__ = [
    "Scenes",
    "WorldClips",
    "WorldConfig",
    "WorldDetector",
    "WorldFiles",
    "detections",
    "render_panoramas",
    "render_sound",
    "scene",
    "scenes",
    "write_world",
]
