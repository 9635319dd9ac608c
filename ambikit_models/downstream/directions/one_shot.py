"""Directions from one example of each: a linear support vector machine on frozen embeddings (yang2020, section 6)."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ambikit.errors import AmbikitError
from ambikit_models.downstream.probing.engine import Figure, Task, figures_of
from ambikit_models.downstream.probing.examples import encode
from ambikit_models.downstream.probing.scores import MeanScores
from ambikit_models.downstream.probing.subjects import Subject
from ambikit_models.training.sampling import generator_for

__all__ = ["azimuth_classes", "one_shot_errors", "one_shot_figures"]


def azimuth_classes(azimuth: Float[np.ndarray, "examples"], step_degrees: float = 10.0) -> Int[np.ndarray, "examples"]:
    """Number the azimuths (radians) by the nearest of those that are ``step_degrees`` apart, counted from the front.

    Examples
    --------
    >>> azimuth_classes(np.radians([0.0, 14.0, -14.0, 357.0])).tolist()
    [0, 1, 35, 0]
    """
    count = round(360 / step_degrees)
    if step_degrees <= 0 or abs(count * step_degrees - 360) > 1e-9:
        raise AmbikitError(f"got step_degrees={step_degrees}; expected a part of 360, e.g. 10")
    return np.round(np.degrees(azimuth) / step_degrees).astype(np.int64) % count


def one_shot_errors(
    train: Float[np.ndarray, "known width"],
    azimuth: Float[np.ndarray, "known"],
    test: Float[np.ndarray, "asked width"],
    truth: Float[np.ndarray, "asked"],
    *,
    step_degrees: float = 10.0,
    seed: int = 0,
    draw: int = 0,
) -> Float[np.ndarray, "asked"]:
    """By how many degrees a linear SVM is wrong that has seen one example of each azimuth, drawn at random.

    It answers with the azimuth of the example whose class it chooses. Embeddings are standardised by the examples that
    it has seen.

    Parameters
    ----------
    train, azimuth
        Embeddings to draw from, and their azimuths in radians.
    test, truth
        Embeddings that it is asked about, and their azimuths.
    step_degrees
        Between classes.
    seed, draw
        Decide which examples.

    Raises
    ------
    AmbikitError
        If scikit-learn is not installed; if all examples are of one class.
    """
    try:
        from sklearn.svm import SVC
    except ImportError as error:
        raise AmbikitError(
            f"got no scikit-learn ({error}); expected it for support vector machines; pip install 'ambikit[svm]'"
        ) from None
    classes = azimuth_classes(azimuth, step_degrees)
    generator = generator_for(seed, 23, draw)
    shots = np.array([generator.choice(np.flatnonzero(classes == kind)) for kind in np.unique(classes)])
    if len(shots) < 2:
        raise AmbikitError(f"got {len(azimuth)} examples of one azimuth; expected two azimuths or more")
    mean, deviation = train[shots].mean(0), train[shots].std(0)
    scale = np.where(deviation > 0, 1 / np.where(deviation > 0, deviation, 1.0), 0.0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)  # one example of each is meant
        machine = SVC(kernel="linear").fit((train[shots] - mean) * scale, np.arange(len(shots)))
    answer = azimuth[shots][machine.predict((test - mean) * scale)]
    return np.degrees(np.abs(np.angle(np.exp(1j * (answer - truth)))))


def one_shot_figures(
    task: Task,
    subject: Subject,
    senses: Sequence[str] = ("audio", "audio, four ways"),
    *,
    draws: int = 20,
    step_degrees: float = 10.0,
    tell: Callable[[str, int, int, str], None] | None = None,
) -> list[Figure]:
    """The mean error on the test examples of every fold, for several draws of the examples that are seen.

    Beside the subject stands the same on random numbers. Of a figure, the values are those of the draws; its interval
    over them is that of ``seeds``.

    Parameters
    ----------
    task
        One of :mod:`~ambikit_models.downstream.directions.azimuths`.
    subject
        Whose embeddings, which stay as they are.
    senses
        What it hears.
    draws
        How many.
    step_degrees
        Between classes of azimuths.
    tell
        Told about progress.
    """
    splits = task.splits(subject)
    figures = []
    for name, heard in [(subject.name, heard) for heard in senses] + [("random embedding", senses[0])]:
        embedded = []
        for split in splits:
            if name == subject.name:
                encoder = task.encoder(subject, heard)
                embedded.append([encode(encoder, part).flatten(1).numpy() for part in (split.train, split.test)])
            else:
                noise = np.random.default_rng(0)
                embedded.append([noise.standard_normal((len(part), 64)) for part in (split.train, split.test)])
        scores = []
        for draw in range(draws):
            if tell:
                tell(f"one shot: {name}", draw, draws, heard)
            folds = [
                MeanScores.of(
                    {
                        "azimuth error": one_shot_errors(
                            train,
                            _angles(split.train.targets),
                            test,
                            _angles(split.test.targets),
                            step_degrees=step_degrees,
                            draw=draw,
                        )
                    },
                    split.test.groups,
                )
                for split, (train, test) in zip(splits, embedded, strict=True)
            ]
            joined = folds[0]
            for fold in folds[1:]:
                joined = joined.joined(fold)
            scores.append(joined)
        if tell:
            tell(f"one shot: {name}", draws, draws, heard)
        figures += figures_of(name, heard, "one shot, SVM", {"azimuth error": "°"}, scores)
    return figures


def _angles(targets: Float[Tensor, "examples 1 2"]) -> Float[np.ndarray, "examples"]:
    return torch.atan2(targets[:, 0, 1], targets[:, 0, 0]).double().numpy()
