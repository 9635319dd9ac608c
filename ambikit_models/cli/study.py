"""A study on the synthetic world."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

__all__ = ["Study"]


@dataclass(frozen=True)
class Study:
    """Train and evaluate the systems of a study on the synthetic world, and print its table."""

    preset: Annotated[str, tyro.conf.Positional] = "demo"
    """demo, effects, smoke, table, or a YAML file."""
    output: Path | None = None
    """Folder for everything; runs/<preset> by default. An interrupted study there goes on."""
    workers: int = 2
    """Processes side by side, one thread each."""

    def run(self) -> None:
        """Run the command."""
        from ambikit_models.study.show import show_study

        show_study(self.preset, self.output or Path("runs") / Path(self.preset).stem, workers=self.workers)
