"""AVC-Bin and AVSA-Bin of a trained system as figures like those of the other tasks, on any source of clips."""

from collections.abc import Sequence

import numpy as np

from ambikit.errors import AmbikitError
from ambikit_models.batch import ClipSource
from ambikit_models.downstream.alignment.binary import CONDITIONS, BinaryTask, evaluate_binary
from ambikit_models.downstream.probing.embeddings import Embeddings, embed
from ambikit_models.downstream.probing.engine import Figure, Tell, figures_of
from ambikit_models.downstream.probing.folds import group_folds
from ambikit_models.downstream.probing.heads import HeadConfig
from ambikit_models.downstream.probing.scores import MeanScores
from ambikit_models.downstream.probing.subjects import System
from ambikit_models.training.sampling import videos_of

__all__ = ["alignment_figures", "alignment_folds"]

_VIEWS = (1, 4)
_TASKS: dict[BinaryTask, str] = {"avc": "AVC-Bin", "avsa": "AVSA-Bin"}


def alignment_figures(
    system: System,
    folds: Sequence[tuple[ClipSource, np.ndarray, ClipSource, np.ndarray]],
    *,
    head: HeadConfig | None = None,
    translated: bool = True,
    seeds: Sequence[int] = (0,),
    tell: Tell | None = None,
) -> list[Figure]:
    """Accuracies with one and with four viewpoints, and of four with translated features.

    Parameters
    ----------
    system
        Frozen.
    folds
        Clips to train heads on and clips to test: a source and the chosen rows, twice.
    head
        By default a hidden layer of 256.
    translated
        Also compare with the sound that is predicted from all crops; it makes sense where the translation was trained.
    seeds
        Of the heads.
    tell
        Told about progress.
    """
    conditions = tuple(dict.fromkeys(c for task in _TASKS for c in CONDITIONS[task]))
    pairs: list[tuple[Embeddings, Embeddings]] = []
    for number, (source, rows, tested, test_rows) in enumerate(folds):
        if tell:
            tell(f"alignment: {system.name}", number, len(folds), "embedding")
        how = {"conditions": conditions, "views": max(_VIEWS)}
        chooser = system.recipe.viewpoints
        train = embed(system.model, source, rows, chooser, seed=101, **how)
        pairs.append((train, embed(system.model, tested, test_rows, chooser, seed=202, **how)))
    ways = [(_VIEWS, False, "frozen")] + ([((max(_VIEWS),), True, "frozen, translated")] if translated else [])
    figures = []
    for views, translate, way in ways:
        scores = [_scores(system, pairs, views, translate, head, seed) for seed in seeds]
        names = {f"{name}, {v} view{'s' * (v > 1)}": "%" for name in _TASKS.values() for v in views}
        figures += figures_of(system.name, "both", way, names, scores)
    if tell:
        tell(f"alignment: {system.name}", len(folds), len(folds), "done")
    return figures


def alignment_folds(
    source: ClipSource, folds: int, seed: int = 0
) -> list[tuple[ClipSource, np.ndarray, ClipSource, np.ndarray]]:
    """Cross-validation over a source of clips; those of one video are on one side."""
    videos = videos_of(source)
    if len(np.unique(videos)) < 4:
        raise AmbikitError(f"got clips of {len(np.unique(videos))} videos; expected at least 4 to learn from and test")
    return [(source, train, source, test) for train, test in group_folds(videos, folds, seed=seed)]


def _scores(
    system: System,
    pairs: Sequence[tuple[Embeddings, Embeddings]],
    views: tuple[int, ...],
    translate: bool,
    head: HeadConfig | None,
    seed: int,
) -> MeanScores:
    columns: dict[str, list[np.ndarray]] = {}
    for task, name in _TASKS.items():
        for train, test in pairs:
            how = {"translated": translate, "views": views, "head": head, "seed": seed}
            found = evaluate_binary(system.model, [train], test, task, **how)
            for count, right in found.correct.items():
                columns.setdefault(f"{name}, {count} view{'s' * (count > 1)}", []).append(right)
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    return MeanScores.of(joined, np.arange(len(next(iter(joined.values())))))
