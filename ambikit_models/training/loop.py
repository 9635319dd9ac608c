"""The training loop, to be read from top to bottom. Lightning Fabric carries it to any device and process count.

Every draw is a function of (seed, step), so the loop has no hidden state: a resumed run equals the
uninterrupted one, bit for bit on a CPU.
"""

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from ambikit_models.batch import Batch, ClipSource
from ambikit_models.training.checkpoints import (
    drop_old_checkpoints,
    latest_checkpoint,
    load_precision,
    load_recipe,
    make_folder,
    resume,
    save_checkpoint,
    start_from,
)
from ambikit_models.training.config import Phase, TrainingConfig, save_yaml
from ambikit_models.training.determinism import generators_given_back, only_deterministic
from ambikit_models.training.divergence import refuse_unfinite_weights
from ambikit_models.training.gradients import Step, chunked_gradients, whole_gradients
from ambikit_models.training.loading import ahead, load_share
from ambikit_models.training.metrics import Metrics, Report
from ambikit_models.training.processes import (
    gather_across,
    launch,
    pieces_of,
    refuse_single_rows,
    same_on_all,
    share_of,
    synchronize_normalization,
)
from ambikit_models.training.sampling import choose_viewpoints, clip_indices, generator_for, seed_for, videos_of

__all__ = ["initial_model", "train"]

_STATISTICS_CLIPS = 256


def train(
    config: TrainingConfig,
    source: ClipSource,
    output: str | Path,
    *,
    fabric: Fabric | None = None,
    report: Report | None = None,
    stop_at: int | None = None,
) -> Any:
    """Train a model through all phases, or go on where an earlier call in the same folder stopped.

    Parameters
    ----------
    config
        The recipe.
    source
        The clips.
    output
        Folder for ``config.yaml``, ``metrics.jsonl``, ``journal.jsonl`` and ``checkpoints/``; with several machines
        one that all of them share.
    fabric
        Devices, processes and precision; one CPU process by default.
    report
        Told about every logged step, for a progress display.
    stop_at
        Stop after this many steps in all and save, as an interruption would.

    Returns
    -------
    The trained model in evaluation mode: an :class:`~ambikit_models.alignment.AlignmentModel`, or a
    :class:`~ambikit_models.correspondence.CorrespondenceNetwork` where the recipe's model is of that kind.

    Raises
    ------
    AmbikitError
        If the folder holds checkpoints of another recipe, there are fewer clips than a batch needs, or the loss or
        the weights are no longer finite.
    FileError
        If a checkpoint cannot be written; earlier ones survive.
    """
    output = Path(output)
    fabric = fabric or Fabric(accelerator="cpu", devices=1)
    launch(fabric)
    for phase in config.phases:  # before minutes are spent on the clips
        clip_indices(config.seed, 0, phase.clips, videos_of(source))
        share_of(phase.clips, fabric.global_rank, fabric.world_size)
    model = initial_model(config, source)
    last = latest_checkpoint(output / "checkpoints")
    done = same_on_all(fabric, load_recipe(last)[1] if last else 0, f"the last checkpoint in {output} at step")
    clips = getattr(source, "identity", "")
    if last:
        resume(last, model, None, config, clips=clips)
        if remembered := load_precision(last):
            fabric.strategy.precision.load_state_dict(remembered)
    if config.execution.synchronize_normalization:
        synchronize_normalization(model, fabric.device)
    for phase in config.phases:
        refuse_single_rows(model, phase.clips, phase.rows, fabric.world_size, config.execution.chunk)
    if fabric.is_global_zero:
        make_folder(output)
        save_yaml(config, output / "config.yaml")
        drop_old_checkpoints(output / "checkpoints")  # a kill between the last save and this leaves no save to do it
    model.to(fabric.device)  # before there is an optimiser, whose restored state goes where the parameters are
    skips = getattr(fabric.strategy.precision, "scaler", None) is not None

    with (
        generators_given_back(fabric.device),
        only_deterministic(config.execution.deterministic),
        closing(Metrics(output, fabric, report, done, skips=skips)) as metrics,
    ):
        run = _Run(config, source, videos_of(source), clips, model, fabric, output, metrics)
        first = 0
        for number, phase in enumerate(config.phases):
            end = first + phase.steps
            until = end if stop_at is None else min(end, stop_at)
            if max(first, done) < until:
                if done <= first:
                    phase.begin(model, config.phases[number - 1] if number else None, seed_for(config.seed, 4, number))
                # a checkpoint on the border of two phases carries no optimiser state of the new one
                _run_phase(run, phase, first, max(first, done), until, last if first < done else None)
            first = end
    return model.eval()


def initial_model(config: TrainingConfig, source: ClipSource) -> Any:
    """Build the model that training starts from: random weights by the seed, statistics of the features measured.

    Or the weights and statistics of an earlier training, if the recipe says so.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = config.build_model()
    if config.start is not None:
        start_from(config.start, model, config)
        return model
    generator = generator_for(config.seed, 2)
    indices = np.sort(generator.permutation(len(source))[:_STATISTICS_CLIPS])
    viewpoints = choose_viewpoints(config.viewpoints, 1, source, indices, generator)
    model.standardize.measure(source.batch(indices, viewpoints).audio)
    return model


@dataclass(frozen=True)
class _Run:
    """What stays the same through all phases."""

    config: TrainingConfig
    source: ClipSource
    videos: np.ndarray
    clips: str
    model: nn.Module
    fabric: Fabric
    output: Path
    metrics: Metrics


def _run_phase(run: _Run, phase: Phase, first: int, begin: int, end: int, state: Path | None) -> None:
    """Make the steps from ``begin`` to ``end`` of a phase whose first step is ``first``."""
    config, fabric, model, execution = run.config, run.fabric, run.model, run.config.execution
    objective = phase.build(gather_across(fabric, phase.clips))
    optimizer = _optimizer(config, _select(model, objective.trains))
    if state:
        resume(state, model, optimizer, config, clips=run.clips)
    ours = share_of(phase.clips, fabric.global_rank, fabric.world_size)
    weight = (ours.stop - ours.start) * fabric.world_size / phase.clips
    step_module = Step(model.train(), objective)
    whole = torch.compile(step_module) if execution.compile else step_module
    wrapped, optimizer = fabric.setup(whole, optimizer)
    if execution.chunk:
        pieces = pieces_of(phase.clips, fabric.world_size, execution.chunk)
        gradients = chunked_gradients(fabric, step_module, pieces=pieces, weight=weight, compiled=execution.compile)
    else:
        gradients = whole_gradients(fabric, wrapped, weight=weight)
    run.metrics.begin(phase, first, execution.plateau_after)
    begun = time.perf_counter()

    def load(step: int) -> Batch:
        return load_share(
            config, phase, run.source, run.videos, first=first, step=step, ours=ours, device=fabric.device
        )

    for step, batch in ahead(load, range(begin, end)):
        rate = phase.rate_at(step - first)
        for group in optimizer.param_groups:
            group["lr"] = rate
        torch.manual_seed(seed_for(config.seed, 5, step, fabric.global_rank))  # dropout has no state either
        optimizer.zero_grad()
        loss, logs = gradients(batch.to(fabric.device))
        values = {name: value * weight for name, value in {"loss": loss, **logs}.items()}
        if config.clip_gradient:
            values["gradient_norm"] = fabric.clip_gradients(
                wrapped,
                optimizer,
                max_norm=config.clip_gradient,
                error_if_nonfinite=False,  # float16 skips a step
            )
        optimizer.step()

        run.metrics.add(values)
        finished = step + 1
        saved = finished % config.checkpoint_every == 0 or finished == end
        if finished % config.log_every == 0 or saved:  # a mean must not begin before the checkpoint that a run resumes
            run.metrics.write(
                step=finished,
                steps=config.steps,
                phase=phase.objective,
                learning_rate=rate,
                seconds=round(time.perf_counter() - begun, 3),
            )
        if saved:
            refuse_unfinite_weights(fabric, model, finished, run.output)
            if fabric.is_global_zero:
                precision = fabric.strategy.precision.state_dict()
                folder = run.output / "checkpoints"
                save_checkpoint(folder, model, optimizer.optimizer, config, finished, run.clips, precision)
            fabric.barrier()


def _optimizer(config: TrainingConfig, trained: list[nn.Parameter]) -> torch.optim.Optimizer:
    settings: dict[str, Any] = {"lr": 0.0, "weight_decay": config.weight_decay}
    if config.optimizer == "sgd":
        return torch.optim.SGD(trained, momentum=config.momentum, **settings)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.optimizer]
    return kind(trained, betas=config.betas, **settings)


def _select(model: nn.Module, parts: tuple[str, ...]) -> list[nn.Parameter]:
    """Let only the parts that an objective uses be trained; distributed training waits for every other gradient."""
    model.requires_grad_(False)
    for part in parts:
        if (module := getattr(model, part)) is not None:  # not every model has every part
            module.requires_grad_(True)
    return [p for p in model.parameters() if p.requires_grad]
