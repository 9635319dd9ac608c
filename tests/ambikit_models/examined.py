"""A very small system of the alignment family with random weights, for tests of what is asked of systems."""

import math
from pathlib import Path

from ambikit_models.downstream.probing.fitting import seeded
from ambikit_models.downstream.probing.subjects import System
from ambikit_models.panorama.viewpoints import RandomViewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.checkpoints import save_checkpoint
from ambikit_models.training.config import ClipConfig, ModelConfig, Phase, TrainingConfig


def small_system(format="foa_intensity", *, seed=0, sample_rate=16000, duration=0.5, **sound) -> System:
    recipe = TrainingConfig(
        phases=(Phase("avsa", steps=1, clips=2, views=2),),
        sound=SoundFeatures(format, sample_rate=sample_rate, bands=16, window=0.032, hop=0.02, **sound),
        model=ModelConfig(width=48, projection=8, translation_depth=1),
        clip=ClipConfig(size=16, frames=2, frame_rate=8.0, duration=duration),
        viewpoints=RandomViewpoints(spacing="even", field_of_view=(math.radians(60), math.radians(70))),
    )
    with seeded(seed):
        model = recipe.model.build(recipe.sound)
    return System("small", model.eval(), recipe)


def small_checkpoint(folder: Path, name="small", seed=0) -> Path:
    """The same as a training would leave it."""
    system = small_system(seed=seed)
    save_checkpoint(folder / name / "checkpoints", system.model, None, system.recipe, 1)
    return folder / name
