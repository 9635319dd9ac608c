"""Learn to hear what sounds where, in simulated rooms, and see what exchanging channels is worth.

    python examples/train_seld.py                  # twelve small trainings: minutes on two CPU cores
    python examples/train_seld.py --preset smoke   # the same, very short, to see that all parts work

A small network is trained twice on the same scenes: as they are, and moved by one of the 16 channel swaps at every
step. Once the sounds of the training scenes come from one octant only (front, left, above), once from everywhere but
there are few scenes. Both are tested in rooms never heard before, with sounds from everywhere. It ends in a table and
a picture.
"""

import os

# one thread per process; must be set before NumPy and torch are loaded
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro

from ambikit.errors import AmbikitError

BANDS, WINDOW, HOP, STEPS, TRACKS = 32, 0.032, 0.02, 5, 2
EVERYWHERE = ((-180.0, 180.0), (-40.0, 40.0))
# from where the sounds of the training scenes come (azimuth, elevation in degrees), and which share of the scenes
SETTINGS = {
    "the octant front, left, above": (((0.0, 90.0), (0.0, 40.0)), 1.0),
    "few scenes from everywhere": (EVERYWHERE, 0.125),
}
TEST_SCENES_BEGIN_AT = 1_000_000


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    scenes: int
    test_scenes: int
    steps: int
    seeds: int
    batch: int = 16


SIZES = {"default": Size(192, 64, 200, 3), "smoke": Size(16, 4, 3, 1, batch=4)}


@dataclass(frozen=True)
class Arguments:
    """Learn what sounds where."""

    preset: Literal["default", "smoke"] = "default"
    """How much: smoke only shows that all parts work."""
    output: Path = Path("runs/seld")
    """Where table, picture and an example of labels and predictions are written."""
    workers: int = 2
    """Processes side by side."""


def make_scenes(directions: Any, indices: range) -> tuple[Any, list[Any]]:
    """Features ``(scenes, 7, mel, frames)`` and labels."""
    import torch

    import ambikit
    from ambikit_models.seld.scenes import SceneConfig, seld_scene

    azimuth, elevation = directions
    config = SceneConfig(azimuth_degrees=azimuth, elevation_degrees=elevation)
    scenes = [seld_scene(config, 0, index) for index in indices]
    features = [
        ambikit.foa_features(torch.as_tensor(signal), config.sample_rate, bands=BANDS, window=WINDOW, hop=HOP)
        for signal, _ in scenes
    ]
    return torch.stack(features), [events for _, events in scenes]


def train(scenes: Any, test_scenes: Any, augmented: bool, seed: int, size: Size) -> tuple[Any, list[tuple[Any, Any]]]:
    """Train one network; return its scores, and labels and predictions of the test scenes."""
    import torch

    from ambikit_models.seld.adpit import adpit_loss
    from ambikit_models.seld.augmentation import swap_features, swap_targets
    from ambikit_models.seld.metrics import score_events
    from ambikit_models.seld.network import SeldNet
    from ambikit_models.seld.scenes import SceneConfig
    from ambikit_models.seld.targets import multi_accdoa_targets, multi_accdoa_to_events

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    classes = SceneConfig().classes
    features, labels = scenes
    frames = features.shape[-1] // STEPS
    targets = torch.stack([multi_accdoa_targets(events, classes, frames, tracks=TRACKS) for events in labels])
    network = SeldNet(BANDS, classes, tracks=TRACKS, steps=STEPS, filters=24)
    network.standardize.measure(swap_features(features, torch.arange(len(features)) % 16 * augmented))
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=size.steps)
    for _ in range(size.steps):
        rows = torch.randint(len(features), (size.batch,))
        # as many random numbers are drawn without augmentation
        index = torch.randint(16, (size.batch,)) * augmented
        loss = adpit_loss(network(swap_features(features[rows], index)), swap_targets(targets[rows], index))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    network.eval().requires_grad_(False)
    heard, truth = test_scenes
    answers = [multi_accdoa_to_events(answer) for answer in network(heard)]
    recordings = list(zip(truth, answers, strict=True))
    return score_events(recordings, classes), recordings


def train_both(setting: str, seed: int, size: Size) -> tuple[str, dict[bool, Any]]:
    """Without and with channel swaps, on the same scenes."""
    directions, share = SETTINGS[setting]
    scenes = make_scenes(directions, range(seed * 10_000, seed * 10_000 + round(size.scenes * share)))
    test_scenes = make_scenes(EVERYWHERE, range(TEST_SCENES_BEGIN_AT, TEST_SCENES_BEGIN_AT + size.test_scenes))
    return setting, {augmented: train(scenes, test_scenes, augmented, seed, size) for augmented in (False, True)}


def main(arguments: Arguments) -> None:
    """Train all, print the table, draw the picture."""
    from joblib import Parallel, delayed

    from ambikit_models.seld.labels import write_events

    size = SIZES[arguments.preset]
    arguments.output.mkdir(parents=True, exist_ok=True)
    pairs = [(setting, seed) for seed in range(size.seeds) for setting in SETTINGS]
    finished = Parallel(n_jobs=arguments.workers, return_as="generator")(
        delayed(train_both)(*pair, size) for pair in pairs
    )
    results: dict[tuple[str, bool], list[Any]] = {(s, a): [] for s in SETTINGS for a in (False, True)}
    shown: dict[bool, list[tuple[Any, Any]]] = {}
    for number, (setting, both) in enumerate(finished, 1):
        for augmented, (scores, recordings) in both.items():
            results[setting, augmented].append(scores)
            if number == 1:
                shown[augmented] = recordings
        heights = " and ".join(f"{scores.f_score:.2f}" for scores, _ in both.values())
        print(f"{2 * number} of {2 * len(pairs)} trainings; {setting}: F20 {heights} with swaps", file=sys.stderr)
    table = as_table(results)
    print(table)
    (arguments.output / "table.md").write_text(table + "\n", encoding="utf-8")
    for name, events in zip(("labels", "predictions"), shown[True][0], strict=True):
        write_events(arguments.output / f"{name}.csv", events)
    draw(shown, arguments.output / "azimuth.png")
    print(f"written to {arguments.output}: table.md, azimuth.png, labels.csv, predictions.csv", file=sys.stderr)


def as_table(results: dict[tuple[str, bool], list[Any]]) -> str:
    """Mean over the seeds, with the smallest and the largest value."""
    lines = [
        "| trained on | channel swaps | ER20 ↓ | F20 ↑ | LE ↓ | LR ↑ | SELD ↓ |",
        "|---|---|---|---|---|---|---|",
    ]
    for (setting, augmented), scores in results.items():
        cells = []
        for name, digits, unit in (
            ("error_rate", 2, ""),
            ("f_score", 2, ""),
            ("localization_error_degrees", 0, "°"),
            ("localization_recall", 2, ""),
            ("seld_score", 3, ""),
        ):
            values = np.array([getattr(s, name) for s in scores])
            cells.append(f"{values.mean():.{digits}f}{unit} ({values.min():.{digits}f}–{values.max():.{digits}f})")
        lines.append(f"| {setting} | {'yes' if augmented else 'no'} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(shown: dict[bool, list[tuple[Any, Any]]], path: Path) -> None:
    """True and predicted azimuth over time in the first test scene, without and with channel swaps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    from ambikit_models.seld.labels import FRAME

    figure, axes = plt.subplots(1, 2, figsize=(10, 3.5), sharex=True, sharey=True, layout="constrained")
    for axis, augmented in zip(axes, (False, True), strict=True):
        truth, answer = shown[augmented][0]
        for events, marker, size in ((truth, "o", 40), (answer, "x", 22)):
            for kind in range(4):
                chosen = events[events.class_index == kind]
                axis.scatter(
                    chosen.frame * FRAME,
                    np.degrees(chosen.azimuth),
                    size,
                    marker=marker,
                    color=f"C{kind}",
                    alpha=0.35 if marker == "o" else 1,
                    linewidths=1.2,
                )
        axis.set(
            title=f"{'with' if augmented else 'without'} channel swaps", xlabel="time in seconds", ylim=(-185, 185)
        )
    axes[0].set(ylabel="azimuth in degrees, left is positive", yticks=range(-180, 181, 90))
    figure.suptitle("True (discs) and predicted (crosses) azimuth, one colour per class; trained on one octant")
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    try:
        main(tyro.cli(Arguments))
    except AmbikitError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted")
