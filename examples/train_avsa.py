"""Learn spatial alignment of picture and sound, on the synthetic 360° world or on your own 360° videos.

    python examples/train_avsa.py                       # the demonstration: minutes on two CPU cores
    python examples/train_avsa.py --preset smoke        # the same, very short, to see that all parts work
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

    preset: str | None = None
    """A study of the package (demo, effects, smoke, table; demo by default), or a YAML file of your own."""
    data: Path | None = None
    """Train on this folder in the YT-360 layout instead of the synthetic world."""
    output: Path | None = None
    """Where everything is written; runs/NAME by default. An interrupted run there is taken up."""
    workers: int = 2
    """Processes side by side (studies)."""
    steps: int | None = None
    """Optimisation steps of each of the two phases (with --data; 200 by default)."""


def main(arguments: Arguments) -> None:
    """Train, evaluate, and show what came out."""
    if arguments.data is not None and arguments.preset is not None:
        raise AmbikitError("got both --data and --preset; expected one: presets are studies on the synthetic world")
    if arguments.data is None and arguments.steps is not None:
        raise AmbikitError("got --steps without --data; expected the steps of a study in its YAML file")
    # loading torch takes seconds; a wrong flag should not have to wait for it
    if arguments.data is not None:
        from ambikit_models.study.videos import train_on_videos

        steps = 200 if arguments.steps is None else arguments.steps
        train_on_videos(arguments.data, arguments.output or Path("runs/videos"), steps=steps)
    else:
        from ambikit_models.study.show import show_study

        preset = arguments.preset or "demo"
        show_study(preset, arguments.output or Path("runs") / Path(preset).stem, workers=arguments.workers)


if __name__ == "__main__":
    try:
        main(tyro.cli(Arguments))
    except AmbikitError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on from the last checkpoint")
