"""Learn spatial alignment of picture and sound, on the synthetic 360° world or on your own 360° videos.

    python examples/train_avsa.py                       # the demonstration: minutes on two CPU cores
    python examples/train_avsa.py --preset smoke        # the same in a minute or so, to see that all parts work
    python examples/train_avsa.py --data DIR            # a folder in the YT-360 layout (video/*.mp4, audio/*.m4a)

The demonstration trains the same networks twice, side by side: once on four log-mel spectrograms, once with the
intensity vectors beside them. It ends in a table with controls, a checkpoint that loads, and pictures.
"""

import os

# one thread per process; must be set before NumPy and torch are loaded
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from ambikit.errors import AmbikitError


@dataclass(frozen=True)
class Arguments:
    """Learn spatial alignment of picture and sound."""

    preset: str = "demo"
    """A study that comes with the package (demo, smoke, table), or a YAML file of your own."""
    data: Path | None = None
    """Train on this folder in the YT-360 layout instead of the synthetic world."""
    output: Path | None = None
    """Where everything is written; runs/<preset> by default. A finished or interrupted run there is taken up."""
    workers: int = 2
    """Processes side by side."""
    steps: int = 200
    """With --data: optimisation steps of each of the two phases."""


def main(arguments: Arguments) -> None:
    """Train, evaluate, and show what came out."""
    # loading torch takes seconds; a wrong flag should not have to wait for it
    from ambikit_models.study.show import show_study
    from ambikit_models.study.videos import train_on_videos

    if arguments.data is not None:
        train_on_videos(arguments.data, arguments.output or Path("runs/videos"), steps=arguments.steps)
    else:
        name = Path(arguments.preset).stem
        show_study(arguments.preset, arguments.output or Path("runs") / name, workers=arguments.workers)


if __name__ == "__main__":
    try:
        main(tyro.cli(Arguments))
    except AmbikitError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on where it stopped")
