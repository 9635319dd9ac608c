"""Pictures of a study: learning curves, and where a model believes that a picture sounds."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

import ambikit
from ambikit_models.alignment import AlignmentModel
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.study.effects import Outcome
from ambikit_models.training.metrics import read_metrics
from ambikit_models.world.clips import WorldClips
from ambikit_models.world.panoramas import render_panoramas

__all__ = ["alignment_scores", "draw_effects", "draw_learning_curves", "draw_localization"]

_COLUMNS, _ROWS = 36, 18
#: rows of the map within 50° of the horizon; farther up and down no model has been trained to look
_LOOKED_AT = range(4, 14)
#: lines that have a colour of their own
_DISTINCT = 6


def draw_learning_curves(folders: dict[str, Path], path: Path) -> None:
    """Draw the losses of several runs into a picture, with a line where a new phase begins."""
    runs = {name: read_metrics(folder / "metrics.jsonl") for name, folder in folders.items()}
    axes = ambikit.plot.learning_curves(runs)
    for before, after in pairwise(next(iter(runs.values()))):
        if before["phase"] != after["phase"]:
            axes.axvline(before["step"], color="0.6", linestyle=":")
            axes.annotate(f" {after['phase'].upper()}", (before["step"], axes.get_ylim()[1]), va="top", color="0.4")
    if len(runs) > _DISTINCT:
        _tell_many_apart(axes)
    _save(axes.figure, path)


def _tell_many_apart(axes: Any) -> None:
    """Other dashes where the colours begin anew, thin lines, and the names beside them instead of on them."""
    for number, line in enumerate(axes.lines):
        line.set_linewidth(1.0)
        if number >= _DISTINCT:
            line.set_linestyle("--")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)


def draw_effects(outcomes: list[Outcome], path: Path) -> None:
    """Draw the difference of every claim with its interval and the single seeds, one line each."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8.5, 1.2 + 0.36 * len(outcomes)), layout="constrained")
    colours = {"reproduces": "C0", "does not": "C3", "undecided": "0.55"}
    for line, found in enumerate(outcomes):
        colour = colours[found.verdict]
        if np.isfinite(found.low):
            axes.plot([100 * found.low, 100 * found.high], [line, line], color=colour, linewidth=2.0)
        axes.plot(100 * found.value, line, "o", color=colour)
        axes.plot(100 * np.array(found.by_seed), [line] * len(found.by_seed), "|", color="0.2", markersize=9)
        half = f" ±{50 * (found.high - found.low):.1f}" if np.isfinite(found.low) else ""
        beside = axes.get_yaxis_transform()
        axes.text(1.02, line, f"{100 * found.value:+.1f}{half}", transform=beside, va="center", color=colour)
    axes.axvline(0.0, color="0.2", linewidth=0.8)
    axes.set_yticks(range(len(outcomes)), [found.effect.claim for found in outcomes])
    axes.invert_yaxis()
    axes.set_xlabel("points of percent: 95 % interval, single seeds")
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    handles = [plt.Line2D([], [], color=colour, marker="o", label=verdict) for verdict, colour in colours.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False)
    _save(figure, path)


@torch.no_grad()
def alignment_scores(model: AlignmentModel, clips: WorldClips, index: int) -> Float[np.ndarray, "rows columns"]:
    """How well picture and sound of a clip match in each direction, as an equirectangular map; NaN near the poles.

    Cosine of the predicted and the heard sound, and of the predicted and the seen picture, averaged. The views are
    taken four at a time, a quarter turn apart, as in training.
    """
    quarter = _COLUMNS // 4
    column = np.arange(quarter)[:, None] + quarter * np.arange(4)
    row = np.repeat(np.array(_LOOKED_AT), quarter)[:, None] + np.zeros((1, 4), dtype=int)
    column = np.tile(column, (len(_LOOKED_AT), 1))
    azimuth, elevation = ambikit.pixels_to_angles(column, row, _COLUMNS, _ROWS)
    wide = torch.full(column.shape, np.radians(65), dtype=torch.float64)
    views = Viewpoints(torch.from_numpy(azimuth), torch.from_numpy(elevation), wide)
    batch = clips.batch(np.full(len(column), index), views).to(next(model.parameters()).device)
    match = model.match(model.embed_video(batch.video), model.embed_audio(batch.audio))
    scores = np.full((_ROWS, _COLUMNS), np.nan)
    scores[row, column] = match.cpu().numpy()
    return scores


def draw_localization(model: AlignmentModel, clips: WorldClips, index: int, path: Path) -> None:
    """Draw the scores over the panorama of a clip, with its objects marked and named."""
    panorama = render_panoramas(clips.config, clips.scenes[index : index + 1], 256)[0, 0]
    objects = clips.scenes[index : index + 1].objects
    present = objects.present[0]
    axes = ambikit.plot.localization_map(
        panorama,
        alignment_scores(model, clips, index),
        azimuth=objects.azimuth[0][present],
        elevation=objects.elevation[0][present],
        quantity="match of picture and sound (cosine)",
        labels=["sounds" if sounding else "silent" for sounding in objects.sounding[0][present]],
    )
    axes.set_title("Where picture and sound match, by the trained model")
    _save(axes.figure, path)


def _save(figure: Any, path: Path) -> None:
    import matplotlib.pyplot as plt

    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)
