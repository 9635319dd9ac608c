"""The declaration of a study: which world, which variants, how much of everything."""

from dataclasses import dataclass, field

from ambikit.errors import AmbikitError
from ambikit_models.downstream.probing.heads import HeadConfig
from ambikit_models.presets import preset_path
from ambikit_models.study.effects import Effect
from ambikit_models.training.config import TrainingConfig, load_yaml
from ambikit_models.world.config import WorldConfig

__all__ = ["StudyConfig", "Variant", "load_study"]


@dataclass(frozen=True)
class Variant:
    """One system of a study."""

    name: str
    """Short and unique; names its folder."""
    training: TrainingConfig
    """Its recipe; the study sets the seed."""
    room_strength: float | None = None
    """How often the room heard is the room seen, in place of the world's own; the sounds are the same."""


@dataclass(frozen=True)
class StudyConfig:
    """Everything that decides the figures of a study."""

    variants: tuple[Variant, ...]
    """The systems that are compared."""
    world: WorldConfig = field(default_factory=WorldConfig)
    """The world."""
    world_seed: int = 0
    """Seed of the scenes."""
    training_scenes: int = 4096
    """Scenes for self-supervised training."""
    head_scenes: int = 1536
    """Scenes for training the heads of the evaluation."""
    test_scenes: int = 1536
    """Scenes on which the figures are measured."""
    head_draws: int = 1
    """How often each head scene is seen, from new viewpoints."""
    seeds: tuple[int, ...] = (0,)
    """Seeds of initial weights, order of clips and viewpoints."""
    head: HeadConfig = field(default_factory=HeadConfig)
    """The heads of the binary tasks."""
    effects: tuple[Effect, ...] = ()
    """The claims that the report judges; they may change when the runs are done."""

    def __post_init__(self) -> None:
        names = [variant.name for variant in self.variants]
        if not names or len(set(names)) < len(names):
            raise AmbikitError(f"got variants named {names}; expected at least one and no name twice")
        for side in (side for effect in self.effects for side in (effect.larger, effect.smaller)):
            if side.variant not in names:
                raise AmbikitError(f"got an effect on {side.variant!r}; expected one of the variants {names}")
        durations = {variant.training.clip.duration for variant in self.variants}
        if max(durations) > self.world.duration:
            raise AmbikitError(
                f"got clips of {sorted(durations)} s in a world of {self.world.duration} s; expected no longer ones; "
                "give the world a longer duration, of which excerpts are taken"
            )
        rates = {variant.training.sound.sample_rate for variant in self.variants}
        if rates != {self.world.sample_rate}:
            raise AmbikitError(
                f"got features at {sorted(rates)} Hz in a world of {self.world.sample_rate} Hz; expected the same rate"
            )


def load_study(name_or_path: str) -> StudyConfig:
    """Load a study of the package by its name, or one's own from a YAML file."""
    return load_yaml(StudyConfig, preset_path("studies", name_or_path))
