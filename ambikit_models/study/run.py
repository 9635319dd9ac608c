"""Run a study: render the pools, train and evaluate every variant and seed in processes side by side.

Each finished part stays on disk, so an interrupted study goes on where it stopped.
"""

import dataclasses
import json
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch

from ambikit.errors import AmbikitError
from ambikit_models.study.config import StudyConfig, Variant
from ambikit_models.study.evaluation import evaluate_model, omni_control, oracle_rule
from ambikit_models.study.pools import load_pool, render_pools
from ambikit_models.study.progress import training_words
from ambikit_models.training.checkpoints import make_folder
from ambikit_models.training.config import load_yaml, save_yaml, to_mapping
from ambikit_models.training.loop import initial_model, train
from ambikit_models.training.metrics import read_metrics

__all__ = ["Event", "finished_runs", "is_finished", "run_folder", "run_study"]

#: What a display is told: the part (``render`` or a run's name), how much is done of how much, and a few words.
Event = Callable[[str, int, int, str], None]


def run_study(
    study: StudyConfig, output: Path, *, workers: int = 2, event: Event | None = None
) -> list[dict[str, Any]]:
    """Run all variants and seeds and return their results.

    Parameters
    ----------
    study
        What to run.
    output
        Folder for pools, runs and results; it belongs to this study alone.
    workers
        Processes side by side, each with one thread.
    event
        Told about progress.

    Returns
    -------
    One record per variant and seed: ``variant``, ``seed``, ``processor_seconds``, ``final_loss``, ``chance_loss`` (of
    the last phase), ``aligned`` (whether the translation was trained), ``trained``, ``untrained``, ``omni`` and
    ``oracle``.

    Raises
    ------
    AmbikitError
        If the folder holds another study.
    """
    if workers < 1:
        raise AmbikitError(f"got workers={workers}; expected at least 1 process")
    make_folder(output)
    _claim(study, output)
    tell = event or (lambda *_: None)
    render_pools(study, output / "pools", workers=workers, progress=lambda d, n: tell("render", d, n, "scenes"))
    runs = [(variant, seed) for seed in study.seeds for variant in study.variants]
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        with _deaf_to_the_keyboard():
            messages = stack.enter_context(context.Manager()).Queue()
            pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=context))
            futures = [pool.submit(_run, study, variant, seed, output, messages) for variant, seed in runs]
        try:
            _relay(messages, futures, tell)
        except BaseException:  # an error of one run, or the keyboard: the others must not go on for an hour
            for child in multiprocessing.active_children():
                child.terminate()
            raise
        return [future.result() for future in futures]


def finished_runs(study: StudyConfig, output: Path) -> list[dict[str, Any]]:
    """The records of the runs that are finished, in the order in which :func:`run_study` returns them.

    Raises
    ------
    AmbikitError
        If there is none.
    """
    folders = (run_folder(output, variant.name, seed) for seed in study.seeds for variant in study.variants)
    found = [path for folder in folders if (path := folder / "results.json").exists()]
    if not found:
        raise AmbikitError(f"got {output}, which has no finished run of this study; expected at least one; run it")
    return [json.loads(path.read_text(encoding="utf-8")) for path in found]


def is_finished(study: StudyConfig, output: Path) -> bool:
    """Whether every variant and seed of a study has its results in the folder."""
    runs = len(study.variants) * len(study.seeds)
    return any(output.glob("*/results.json")) and len(finished_runs(study, output)) == runs


def run_folder(output: Path, variant: str, seed: int) -> Path:
    """Where a variant's checkpoints, metrics and results lie."""
    return output / f"{variant}-seed{seed}"


def _run(study: StudyConfig, variant: Variant, seed: int, output: Path, messages: Any) -> dict[str, Any]:
    """Train and evaluate one variant with one seed; runs in a process of its own."""
    torch.set_num_threads(1)
    folder = run_folder(output, variant.name, seed)
    name = folder.name
    results = folder / "results.json"
    if results.exists():
        return json.loads(results.read_text(encoding="utf-8"))
    begun = time.process_time()
    config = dataclasses.replace(variant.training, seed=seed)
    clips, head, test = (
        load_pool(output / "pools", pool, config).variant(room_strength=variant.room_strength)
        for pool in ("training", "head", "test")
    )

    def training(record: dict[str, Any]) -> None:
        messages.put((name, record["step"], record["steps"], training_words(record)))

    def evaluating(kind: str) -> Callable[[int, int], None]:
        return lambda done, parts: messages.put((f"{name} {kind}", done, parts, "evaluation"))

    model = train(config, clips, folder, report=training)
    untrained = initial_model(config, clips)
    record = {
        "variant": variant.name,
        "seed": seed,
        "final_loss": _final_loss(folder),
        "chance_loss": config.phases[-1].chance_loss,
        "aligned": any(phase.predicts for phase in config.phases),
        "trained": evaluate_model(model, config, study, head, test, trained=True, progress=evaluating("trained")),
        "untrained": evaluate_model(
            untrained, config, study, head, test, trained=False, progress=evaluating("untrained")
        ),
        "omni": omni_control(model, config, study, head, test),
        "oracle": oracle_rule(config, test),
        "processor_seconds": round(time.process_time() - begun, 1),
    }
    partial = folder / "results.json.partial"
    partial.write_text(json.dumps(record), encoding="utf-8")
    os.replace(partial, results)
    return record


@contextmanager
def _deaf_to_the_keyboard() -> Iterator[None]:
    """Start processes that leave an interruption to us: each would print a traceback of its own."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread is interrupted
        yield
        return
    ours = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, ours)


def _final_loss(folder: Path) -> float:
    """The mean training loss of the last tenth of a run."""
    losses = [record["loss"] for record in read_metrics(folder / "metrics.jsonl")]
    last = losses[-max(1, len(losses) // 10) :]
    return sum(last) / len(last)


def _claim(study: StudyConfig, output: Path) -> None:
    """Write the study down, or make sure that the folder holds the same one."""
    path = output / "study.yaml"
    if not path.exists():
        save_yaml(study, path)
    elif _without_claims(load_yaml(StudyConfig, path)) != _without_claims(study):
        raise AmbikitError(
            f"got the output folder {output}, which holds another study; expected an empty folder or the same study; "
            "choose another --output, or remove the folder"
        )


def _without_claims(study: StudyConfig) -> Any:
    """What decides the figures of a study, but not what is asked of them."""
    return to_mapping(dataclasses.replace(study, effects=()))


def _relay(messages: Any, futures: list[Future], tell: Event) -> None:
    while True:
        finished = all(future.done() for future in futures)
        failed = next((f for f in futures if f.done() and f.exception()), None)
        if failed:
            for future in futures:
                future.cancel()
            failed.result()
        try:
            while True:
                tell(*messages.get(timeout=0.2))
        except queue.Empty:
            if finished:
                return
