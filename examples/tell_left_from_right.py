"""Learn whether left and right of a sound were exchanged, and see and hear what has been learned.

    python examples/tell_left_from_right.py                  # minutes on a CPU
    python examples/tell_left_from_right.py --preset smoke   # the same, very short, to see that all parts work

Half of the clips of a synthetic world get their two channels exchanged, and a network that sees and hears says which
(K. Yang, B. Russell, J. Salamon, "Telling Left from Right", CVPR 2020). Then it is asked about scenes that it has not
met, with controls: where the pictures are mirrored its answers must turn round, and where silence is heard, or the same
in both channels, half of them must be right. It ends in a picture of where the network hears a sound, which nobody told
it, and in two sound files: that of the first film, and the same with its channels exchanged.
"""

import os

# one thread per process; must be set before NumPy and torch are loaded
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tyro

from ambikit.errors import AmbikitError

if TYPE_CHECKING:
    from ambikit_models.correspondence import CorrespondenceNetwork
    from ambikit_models.downstream.alignment.pretext import PretextResult
    from ambikit_models.downstream.localization.heard_places import HeardPlaces
    from ambikit_models.study.following import Followed
    from ambikit_models.training.config import TrainingConfig
    from ambikit_models.world.clips import WorldClips
    from ambikit_models.world.config import WorldConfig

#: One object sounds, and there may be another that does not, in rooms with softer echoes and ambience than usual.
WORLD = ("sounding=[1,1]", "silent=[0,1]", "reverberation=0.3", "snr_db=[20.0,30.0]")
#: pixels along the side of the pictures that are drawn; the network sees 32
SIDE = 192
SHOWN, PICTURES, BINS, SECONDS = 3, 6, 16, 3.0
OWN, EXCHANGED, BAR, INK = "#2a6f97", "#e07a5f", "#ffd60a", "#333333"


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    scenes: int
    """To learn from."""
    test_scenes: int
    """To be asked about; and an eighth as many, of three seconds each, to see where sounds are heard."""
    steps: int
    """Of the training, 32 clips each."""


SIZES = {"default": Size(2048, 1024, 1200), "smoke": Size(40, 32, 2)}


@dataclass(frozen=True)
class Arguments:
    """Learn whether left and right of a sound were exchanged."""

    preset: Literal["default", "smoke"] = "default"
    """How much: smoke only shows that all parts work."""
    output: Path = Path("runs/left-right")
    """Folder for the network, the table, the picture and the sounds. An interrupted run there is taken up."""
    seed: int = 0
    """Of the weights and of everything that is drawn."""
    workers: int = 2
    """Processes that render scenes; the training has one."""


def main(arguments: Arguments) -> None:
    """Train, ask, draw, and write sounds."""
    import torch
    from rich.console import Console

    from ambikit_models.presets import preset_path
    from ambikit_models.study.progress import live_progress, notes
    from ambikit_models.study.videos import train_with_progress
    from ambikit_models.study.worlds import HELD_OUT, render_world, save_world, world_for
    from ambikit_models.training.config import TrainingConfig, load_yaml
    from ambikit_models.training.overrides import override

    torch.set_num_threads(1)
    size, output, console, begun = SIZES[arguments.preset], arguments.output, Console(), time.perf_counter()
    recipe = load_yaml(TrainingConfig, preset_path("recipes", "yang2020_small"))
    recipe = override(recipe, (f"phases.0.steps={size.steps}", f"seed={arguments.seed}"))
    world = world_for(recipe, WORLD)
    save_world(world, output)
    with notes(console):
        with live_progress(console) as tell:
            clips, unseen = (
                render_world(
                    recipe,
                    world,
                    range(first, first + count),
                    workers=arguments.workers,
                    progress=lambda done, total, part=part: tell(part, done, total, ""),
                )
                for part, first, count in (
                    ("scenes to learn from", 0, size.scenes),
                    ("scenes to be asked about", HELD_OUT, size.test_scenes),
                )
            )
        network = train_with_progress(recipe, clips, output, console=console)
        answers = ask(network, recipe, unseen, console, output)
        picture, sounds = show(network, recipe, world, answers["none"], size, arguments)
    console.print(f"network:  {output / 'checkpoints'}", highlight=False)
    console.print(f"picture:  {picture}\nsounds:   {' and '.join(str(path) for path in sounds)}", highlight=False)
    console.print(f"{(time.perf_counter() - begun) / 60:.1f} minutes", highlight=False)


def ask(
    network: "CorrespondenceNetwork", recipe: "TrainingConfig", unseen: "WorldClips", console: Any, output: Path
) -> "dict[Any, PretextResult]":
    """Ask about clips that were not trained on, with every control; print and write the table."""
    from rich.table import Table

    from ambikit_models.downstream.alignment.pretext import CONTROLS, ask_pretext
    from ambikit_models.downstream.probing.statistics import bootstrap

    answers = ask_pretext(network, recipe, unseen, np.arange(len(unseen)), controls=CONTROLS["flip"])
    columns = ("what is seen and heard", "right answers in %", "what must come out")
    table, lines = Table(*columns), [f"| {' | '.join(columns)} |", "|---|---|---|"]
    for control, (words, expected) in QUESTIONS.items():
        correct = answers[control].correct
        value = bootstrap(lambda rows, correct=correct: float(correct[rows].mean()), len(correct))
        if control == "none":
            expected = f"more than 50 (p of chance = {answers[control].chance:.1g})"
        table.add_row(words, str(value), expected)
        lines.append(f"| {words} | {value} | {expected} |")
    console.print(table)
    (output / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return answers


QUESTIONS = {
    "none": ("clips as they are, and with exchanged channels", ""),
    "mirrored": ("pictures mirrored: now the exchanged sound is the right one", "as many"),
    "silent": ("silence", "50 exactly"),
    "mono": ("the same in both channels", "50 exactly"),
    "another": ("the sound of another clip", "about 50"),
}


def show(
    network: "CorrespondenceNetwork",
    recipe: "TrainingConfig",
    world: "WorldConfig",
    answers: "PretextResult",
    size: Size,
    arguments: Arguments,
) -> tuple[Path, list[Path]]:
    """Draw where the network hears the sounds of a few clips, and write the first of these sounds, twice."""
    import torch

    import ambikit
    from ambikit_models.panorama.viewpoints import Viewpoints
    from ambikit_models.study.following import follow, scenes_to_follow

    count = max(SHOWN, size.test_scenes // 8)
    followed, scenes, looked = scenes_to_follow(recipe, count, world=world, workers=arguments.workers)
    _, places = follow("", network, followed)
    assert followed.truth is not None
    rows = passing(followed.truth)
    pieces = followed.video.shape[1]
    azimuth = torch.from_numpy(looked[rows])[:, None].expand(-1, pieces)
    views = Viewpoints(azimuth, torch.zeros_like(azimuth), torch.full_like(azimuth, np.pi / 2))
    when = torch.linspace(0, 1, pieces).double().expand(len(rows), -1)
    video = scenes.variant(size=SIDE).batch(rows, views, moments=when).video
    pictures = video.permute(0, 1, 3, 4, 5, 2).flatten(1, 2).numpy(force=True)
    picture = arguments.output / "where_it_is_heard.png"
    draw(picture, pictures, rows, followed, places, answers)

    turned = ambikit.align(scenes.signals(rows[:1]).cpu(), float(looked[rows[0]]), 0.0)
    # narrower beams than those of the network, so that the way through the picture is heard from side to side
    beams = ambikit.decode_stereo(turned, pattern="hypercardioid")[0]
    beams = beams / (2 * beams.abs().max())
    sounds = [arguments.output / name for name in ("as_it_is.wav", "exchanged.wav")]
    for path, sound in zip(sounds, (beams, beams.flip(0)), strict=True):
        ambikit.write(path, sound.numpy(), recipe.sound.sample_rate)
    return picture, sounds


def passing(truth: np.ndarray) -> np.ndarray:
    """The clips in which the object goes farthest from one side to the other: two to the right, and one to the left.

    They are chosen by where the object is, and not by what was answered.

    >>> passing(np.radians([[0.0, 5.0], [30.0, -30.0], [20.0, 60.0], [-10.0, 15.0]])).tolist()
    [1, 3, 0]
    """
    begin, end = truth[:, 0], truth[:, -1]
    order = np.argsort(-np.where(begin * end < 0, np.minimum(abs(begin), abs(end)), -abs(end)), kind="stable")
    right, left = (order[side] for side in (begin[order] > end[order], begin[order] <= end[order]))
    return np.array(list(dict.fromkeys([*right[:1], *left[:1], *right[1:2], *order])))[:SHOWN]


def draw(
    path: Path,
    pictures: np.ndarray,
    rows: np.ndarray,
    followed: "Followed",
    places: "HeardPlaces",
    answers: "PretextResult",
) -> None:
    """Film strips with bars where the sound is heard; beside them all answers, and all places that were heard."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    from ambikit_models.study.sound_bars import bar_places

    assert followed.truth is not None
    bars = bar_places(places, BINS)[rows]
    chosen = np.linspace(0, bars.shape[1] - 1, PICTURES).round().astype(int)
    figure = plt.figure(figsize=(13.6, 5.6), facecolor="white")
    grid = {"left": 0.012, "right": 0.705, "bottom": 0.06, "top": 0.91, "wspace": 0.03, "hspace": 0.04}
    films = figure.add_gridspec(len(rows), PICTURES, **grid)
    across = np.linspace(0, 1, 4 * SIDE)
    for line, (strip, standing) in enumerate(zip(pictures, bars, strict=True)):
        for column, moment in enumerate(chosen):
            axis = figure.add_subplot(films[line, column])
            axis.imshow(strip[moment], extent=(0, 1, 0, 1), interpolation="bicubic")
            away = np.abs(across - standing[moment])
            glow = np.empty((1, len(across), 4))
            glow[..., :3] = matplotlib.colors.to_rgb(BAR)
            glow[..., 3] = np.maximum(0.6 * np.exp(-((away / 0.055) ** 2)), 0.95 * (away < 0.011))
            axis.imshow(glow, extent=(0, 1, 0, 1))
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if line == len(rows) - 1:
                seconds = (moment + 0.5) * SECONDS / bars.shape[1]
                axis.set_xlabel(f"{seconds:.1f} s", color=INK, fontsize=9)
    words = "The yellow bar is where the network hears the sound: the pictures were not shown to it here"
    figure.text(0.012, 0.94, words, color=INK, fontsize=12)

    beside = figure.add_gridspec(2, 1, left=0.75, right=0.985, bottom=0.1, top=0.91, hspace=0.62)
    above, below = (figure.add_subplot(beside[number]) for number in range(2))
    reach = max(1e-6, float(np.quantile(np.abs([answers.own, answers.changed]), 0.995)))
    for logits, colour, name in ((answers.own, OWN, "as it is"), (answers.changed, EXCHANGED, "exchanged")):
        above.hist(logits.clip(-reach, reach), np.linspace(-reach, reach, 41), color=colour, alpha=0.75, label=name)
    above.axvline(0, 0, 0.72, color=INK, lw=1)
    above.set_ylim(0, 1.3 * above.get_ylim()[1])
    above.legend(frameon=False, loc="upper center", ncols=2, fontsize=9, title="sound of clips it has not met")
    above.set_title(f"{100 * answers.correct.mean():.1f} % of its answers are right", fontsize=12)
    above.set(xlabel="“as it is”     ←  its answer  →     “exchanged”", yticks=[], xticks=[0])
    degrees, heard = -np.degrees(followed.truth.ravel()), places.found.ravel()
    below.scatter(degrees, heard, 6, color=OWN, alpha=0.3, lw=0)
    below.set_title(f"nobody told it a place: R = {np.corrcoef(degrees, heard)[0, 1]:.2f}", fontsize=12)
    below.set(xlabel="the object is that many degrees to the right", ylabel="heard: left  →  right", yticks=[])
    below.set(xlim=(-45, 45), xticks=range(-45, 46, 15))
    for axis in (above, below):
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.title.set_color(INK)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    try:
        main(tyro.cli(Arguments))
    except AmbikitError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on from the last checkpoint")
