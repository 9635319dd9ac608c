"""What every pixel of a view shows, learned from the maps of a teacher: section 5.3 of morgado2020.

A feature pyramid on the stages of the video encoder; what is heard from the viewpoint, and what the translations make
of all viewpoints, can be put beside the coarsest features.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ambikit.errors import AmbikitError, FileError
from ambikit_models.datasets.map_classes import WORLD_CLASSES, YT360_CLASSES
from ambikit_models.datasets.paired_clips import PairedClips
from ambikit_models.datasets.yt360 import YT360, segmentation_folder
from ambikit_models.downstream.probing.engine import Figure, Tell, figures_of
from ambikit_models.downstream.probing.examples import Inputs, Varied
from ambikit_models.downstream.probing.folds import group_folds
from ambikit_models.downstream.probing.scenes import WorldScenes
from ambikit_models.downstream.probing.statistics import Estimate
from ambikit_models.downstream.probing.subjects import System
from ambikit_models.downstream.segmentation.scores import PixelCounts, SegmentationScores
from ambikit_models.downstream.segmentation.training import Beside, SegmentationConfig, train_segmentation
from ambikit_models.downstream.segmentation.views import RecordedViews, SegmentedViews, ViewConfig, WorldViews

__all__ = ["count_pixels", "recorded_views", "segmentation_figures", "world_views"]

#: examples in which the classes are counted for the baseline, at most
_COUNTED = 512

_UNITS = {"pixel accuracy": "%", "mIoU": "%", "mIoU by view": "%"}


def segmentation_figures(
    system: System,
    splits: Sequence[tuple[SegmentedViews, SegmentedViews]],
    ways: Mapping[str, SegmentationConfig],
    *,
    beside: Sequence[Beside] | None = None,
    seeds: Sequence[int] = (0,),
    baseline: bool = False,
    tell: Tell | None = None,
) -> list[Figure]:
    """Pixel accuracy and mIoU, and IoU and accuracy of each class.

    Parameters
    ----------
    system
        Whose features are used.
    splits
        Views to learn from and to be tested on.
    ways
        How it is learned, by name.
    beside
        What is used; by default all, but the context only where the translations are trained: by the system's own
        training, or here.
    seeds
        Of the head, the order and the variation.
    baseline
        Also count what is right where every pixel is said to show what most pixels show.
    tell
        Told about progress.
    """
    translated = any(phase.predicts for phase in system.recipe.phases) and "untrained" not in system.name
    figures = []
    if baseline:
        scores = [_scores([_Commonest(train) for train, _ in splits], splits)]
        figures += figures_of("the commonest class", "–", "–", _UNITS, scores)
    for way, config in ways.items():
        every: tuple[Beside, ...] = ("video", "video + audio")
        if translated or config.tuned:
            every = (*every, "video + audio + context")
        for senses in every if beside is None else beside:
            scores = []
            for number, seed in enumerate(seeds):
                if tell:
                    tell(f"segmentation: {system.name}", number, len(seeds), f"{senses}, {way}")
                learned = [
                    train_segmentation(system.model, train, len(train.names), config, senses, seed=seed)
                    for train, _ in splits
                ]
                scores.append(_scores(learned, splits))
            if tell:
                tell(f"segmentation: {system.name}", len(seeds), len(seeds), f"{senses}, {way}")
            figures += figures_of(system.name, senses, way, _UNITS, scores)
            figures += _of_classes(system.name, senses, way, splits[0][0].names, scores)
    return figures


@torch.no_grad()
def count_pixels(network: nn.Module, test: Varied, classes: int, *, block: int = 16) -> PixelCounts:
    """Compare what a network says of all pixels with what they show, block by block."""
    device, rows = next(network.parameters()).device, np.arange(len(test))
    parts = []
    for start in range(0, len(rows), block):
        inputs, masks = test.pairs(rows[start : start + block])
        answers = network(inputs.to(device)).argmax(-1)
        parts.append(PixelCounts.of(answers.cpu().numpy(), masks.cpu().numpy(), classes))
    return PixelCounts.joined(parts)


def world_views(world: WorldScenes, system: System, config: ViewConfig) -> list[tuple[SegmentedViews, SegmentedViews]]:
    """Scenes to learn from and scenes to be tested on, with exact masks."""
    train, test = (WorldViews(world.clips(system, part), config) for part in ("head", "test"))
    return [(train, test)]


def recorded_views(
    root: str | Path, system: System, config: ViewConfig, lists: Sequence[str] = ()
) -> list[tuple[SegmentedViews, SegmentedViews]]:
    """Clips in the layout of YT-360 with maps: the lists train and test, or others; two folds of videos without them.

    A folder that ``write-world`` wrote has the classes of the world, any other the 32 that are kept of YT-360. Clips
    without maps are left out.
    """
    root = Path(root)
    if len(lists) not in (0, 2):
        raise AmbikitError(f"got lists {' '.join(lists)}; expected two, to learn from and to test")
    classes = WORLD_CLASSES if (root / "world.jsonl").is_file() else YT360_CLASSES
    names = lists or [name for name in ("train", "test") if _lists_some(root / f"{name}.txt")]
    if len(names) == 2:
        train, test = (_with_maps(root, system, name) for name in names)
        folds = [(train, test)]
    else:
        clips = _with_maps(root, system, None)
        if len(np.unique(clips.videos)) < 2:
            raise AmbikitError("got clips of one video; expected at least two, to learn from and to test")
        folds = [(clips.subset(a), clips.subset(b)) for a, b in group_folds(clips.videos, 2)]
    return [
        (
            RecordedViews(train, classes, config, per_video=max(1, len(train) // len(np.unique(train.videos)))),
            RecordedViews(test, classes, config),
        )
        for train, test in folds
    ]


def _lists_some(path: Path) -> bool:
    return path.is_file() and bool(path.read_text(encoding="utf-8").split())


def _with_maps(root: Path, system: System, split: str | None) -> PairedClips:
    clip = system.recipe.clip
    settings = {"frames": clip.frames, "frame_rate": clip.frame_rate, "sound_duration": clip.duration}
    clips = YT360(root, split, system.recipe.sound, size=clip.size, **settings)
    there = [index for index in clips.readable() if segmentation_folder(clips.clips[index]).is_dir()]
    if not there:
        raise FileError(
            f"got {root} with {len(clips)} clips, none of which can be read and has maps; expected "
            "segmentation/{id}-{start}/things-0000.png, stuff-0000.png, … beside video and audio"
        )
    return clips.subset(np.array(there))


class _Commonest(nn.Module):
    """Says everywhere what most pixels of the training show, as they are seen in a test."""

    def __init__(self, train: SegmentedViews):
        super().__init__()
        self.side = train.side
        some = np.linspace(0, len(train) - 1, min(len(train), _COUNTED)).astype(np.int64)
        masks = torch.cat([train.pairs(rows)[1].flatten() for rows in np.split(some, range(16, len(some), 16))])
        counts = torch.bincount(masks[masks >= 0].cpu(), minlength=len(train.names)).float()
        self.shares = nn.Parameter(counts / counts.sum(), requires_grad=False)

    def forward(self, inputs: Inputs) -> Tensor:
        assert inputs.video is not None
        return self.shares.expand(*inputs.video.shape[:2], self.side, self.side, -1)


def _scores(
    networks: Sequence[nn.Module], splits: Sequence[tuple[SegmentedViews, SegmentedViews]]
) -> SegmentationScores:
    parts = [
        SegmentationScores.of(count_pixels(network, test, len(test.names)), test.groups)
        for network, (_, test) in zip(networks, splits, strict=True)
    ]
    return reduce(lambda one, other: one.joined(other), parts)


def _of_classes(
    subject: str, senses: str, way: str, names: Sequence[str], scores: Sequence[SegmentationScores]
) -> list[Figure]:
    """IoU and accuracy of each class that the test shows; without intervals."""
    figures, each = [], [score.classes() for score in scores]
    for place, name in enumerate(names):
        for kind in ("IoU", "accuracy"):
            values = tuple(float(found[kind][place]) for found in each)
            if not np.isnan(each[0]["accuracy"][place]):
                mean = Estimate(float(np.mean(values)), float("nan"), float("nan"))
                figures.append(Figure(subject, senses, way, kind, "%", values, mean, of_class=name))
    return figures
