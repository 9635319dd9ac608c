"""The figures of one trained system beside those of the same networks before training, and the controls."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from ambikit_models.alignment import AlignmentModel
from ambikit_models.downstream.alignment.binary import CONDITIONS, BinaryResult, evaluate_binary
from ambikit_models.downstream.alignment.oracle import oracle_alignment
from ambikit_models.downstream.probing.embeddings import Embeddings, embed
from ambikit_models.downstream.recognition.classes import evaluate_classes
from ambikit_models.study.config import StudyConfig
from ambikit_models.training.config import TrainingConfig
from ambikit_models.world.clips import WorldClips

__all__ = ["Progress", "evaluate_model", "omni_control", "oracle_rule"]

#: Told the number of finished and of all parts.
Progress = Callable[[int, int], None]

_VIEWS = (1, 4)
_HEAD_SEED, _TEST_SEED = 101, 202
_ALL = ("own", "own_turned", "other", "other_turned")


def evaluate_model(
    model: AlignmentModel,
    training: TrainingConfig,
    study: StudyConfig,
    head: WorldClips,
    test: WorldClips,
    *,
    trained: bool,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure AVC-Bin, AVSA-Bin, the class probe and the shuffled control on frozen embeddings.

    Returns
    -------
    Plain numbers, ready for JSON: for each task and number of views the accuracy with its interval, its exact
    probability under chance, and the answers per test scene for paired comparisons.
    """
    parts = study.head_draws + 1 + (5 if trained else 3)
    done = 0

    def finished() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, parts)

    conditions = _ALL if trained else _ALL[:3]
    train = []
    for draw in range(study.head_draws):
        train.append(_embed(model, training, head, conditions, _HEAD_SEED + draw))
        finished()
    tested = _embed(model, training, test, conditions, _TEST_SEED)
    finished()

    results: dict[str, Any] = {}
    for task in ("avsa", "avc"):
        results[task] = _plain(evaluate_binary(model, train, tested, task, head=study.head, views=_VIEWS))
        finished()
        if trained:
            # translated features need all views of a clip, as in training
            translated = evaluate_binary(model, train, tested, task, head=study.head, views=(4,), translated=True)
            results[f"{task}_translated"] = _plain(translated)
            finished()
    if trained:
        results["shuffled"] = _plain(evaluate_binary(model, train, tested, "shuffled", head=study.head, views=(4,)))
    results["classes"] = dataclasses.asdict(
        evaluate_classes(
            train[0].video,
            head.visible_classes(train[0].indices, train[0].viewpoints).cpu(),
            tested.video,
            test.visible_classes(tested.indices, tested.viewpoints).cpu(),
        )
    )
    finished()
    return results


def omni_control(
    model: AlignmentModel, training: TrainingConfig, study: StudyConfig, head: WorldClips, test: WorldClips
) -> dict[str, Any]:
    """AVSA-Bin with W alone, which a turn about the vertical axis cannot change: it must be one half.

    The crops are embedded by the trained model, the omnidirectional sound by an untrained encoder of its own.
    """
    sound = dataclasses.replace(training.sound, format="omni")
    deaf = dataclasses.replace(training, sound=sound).model.build(sound)
    deaf.video_encoder = model.video_encoder
    head, test = head.variant(sound=sound), test.variant(sound=sound)
    pair = CONDITIONS["avsa"]
    train = [_embed(deaf, training, head, pair, _HEAD_SEED)]
    return _plain(
        evaluate_binary(
            deaf, train, _embed(deaf, training, test, pair, _TEST_SEED), "avsa", head=study.head, views=(4,)
        )
    )


def oracle_rule(training: TrainingConfig, test: WorldClips) -> dict[str, Any]:
    """AVSA-Bin of a simple rule with exact ears and eyes, at the same crops as the models."""
    from ambikit_models.training.sampling import choose_viewpoints, generator_for

    indices = np.arange(len(test))
    viewpoints = choose_viewpoints(training.viewpoints, max(_VIEWS), test, indices, generator_for(_TEST_SEED, 3))
    objects = test.scenes.objects
    accuracy = {}
    for count in _VIEWS:
        seen = dataclasses.replace(
            viewpoints,
            azimuth=viewpoints.azimuth[:, :count],
            elevation=viewpoints.elevation[:, :count],
            field_of_view=viewpoints.field_of_view[:, :count],
        )
        estimate = oracle_alignment(
            np.asarray(objects.azimuth, dtype=np.float64),
            np.asarray(objects.elevation, dtype=np.float64),
            objects.kind,
            objects.present,
            objects.sounding,
            seen,
        )
        accuracy[str(count)] = dataclasses.asdict(estimate)
    return {"accuracy": accuracy}


def _embed(
    model: AlignmentModel, training: TrainingConfig, clips: WorldClips, conditions: tuple[str, ...], seed: int
) -> Embeddings:
    indices = np.arange(len(clips))
    return embed(model, clips, indices, training.viewpoints, conditions=conditions, views=max(_VIEWS), seed=seed)


def _plain(result: BinaryResult) -> dict[str, Any]:
    return {
        "accuracy": {str(k): dataclasses.asdict(v) for k, v in result.accuracy.items()},
        "chance": {str(k): v for k, v in result.chance.items()},
        "correct": {str(k): v.tolist() for k, v in result.correct.items()},
    }
