"""The small form of the rows of the papers' tables: what a laptop can train on the synthetic world."""

from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from ambikit.errors import AmbikitError
from ambikit_models.training.config import TrainingConfig, load_yaml
from ambikit_models.training.overrides import override
from ambikit_models.training.phases import Phase
from ambikit_models.world.config import WorldConfig

__all__ = ["SmallForm", "small_form"]


@dataclass(frozen=True)
class SmallForm:
    """What is made small, for all rows alike.

    Settings are ``KEY=VALUE``, as for ``ambikit-models train --set``.

    Examples
    --------
    The steps of every phase shrink by one factor; how many clips it sees per step stays as it is:

    >>> from ambikit_models.training.rows import published_row
    >>> full = published_row("morgado2020-s3b-8").training()
    >>> small = small_form().recipe_of(full)
    >>> [(phase.clips, phase.views) for phase in small.phases] == [(phase.clips, phase.views) for phase in full.phases]
    True
    """

    steps: float
    """The factor of the steps of every phase."""
    recipe: tuple[str, ...]
    """Changes of the recipe."""
    phase: tuple[str, ...]
    """Changes of every phase."""
    last_phase: tuple[str, ...]
    """Changes of the last phase, after those."""
    world: tuple[str, ...]
    """Changes of the usual world."""
    held_out: float
    """Scenes to learn a task from, and as many to be tested on, as a part of those of the training."""
    tuned_epochs: int
    """Of tuning."""
    segmentation_epochs: int
    """Of segmentation."""

    def __post_init__(self) -> None:
        if not 0 < self.steps <= 1 or not 0 < self.held_out <= 1:
            raise AmbikitError(
                f"got steps={self.steps}, held_out={self.held_out}; expected parts of a whole, above 0 and at most 1"
            )

    def recipe_of(self, config: TrainingConfig) -> TrainingConfig:
        """The small form of a recipe; networks with weights of others keep their size."""
        kept = ("model.video", "model.audio") if getattr(config.model, "video_weights", None) else ()
        small = override(config, [s for s in self.recipe if s.partition("=")[0] not in kept])
        last = len(small.phases) - 1
        phases = [self._phase(phase, self.last_phase if n == last else ()) for n, phase in enumerate(small.phases)]
        return replace(small, phases=tuple(phases))

    def world_of(self, settings: tuple[str, ...], sample_rate: int) -> WorldConfig:
        """The world of a row that changes it by ``settings``, at the rate of its sounds."""
        return override(replace(WorldConfig(), sample_rate=sample_rate), (*self.world, *settings))

    def held_out_scenes(self, scenes: int) -> int:
        """How many scenes a task learns from, and is tested on, beside a training on so many."""
        return max(2, round(self.held_out * scenes))

    def _phase(self, phase: Phase, settings: tuple[str, ...]) -> Phase:
        steps = max(1, round(self.steps * phase.steps))
        return override(replace(phase, steps=steps), (*self.phase, *settings))


@lru_cache(maxsize=1)
def small_form() -> SmallForm:
    """The one that comes with the package."""
    return load_yaml(SmallForm, Path(str(files("ambikit_models.presets") / "small_form.yaml")))
