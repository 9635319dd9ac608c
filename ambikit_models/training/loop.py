"""The training loop, to be read from top to bottom. Lightning Fabric carries it to any device and process count.

Every draw is a function of (seed, step), so the loop has no hidden state: a resumed run equals the
uninterrupted one, bit for bit on a CPU.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from ambikit.errors import AmbikitError
from ambikit_models.alignment import AlignmentModel
from ambikit_models.batch import Batch, ClipSource
from ambikit_models.objectives.infonce import Gather
from ambikit_models.objectives.objective import Objective
from ambikit_models.training.augmentation import flip_jointly
from ambikit_models.training.checkpoints import (
    latest_checkpoint,
    load_recipe,
    make_folder,
    resume,
    save_checkpoint,
)
from ambikit_models.training.config import Phase, TrainingConfig, save_yaml
from ambikit_models.training.metrics import Metrics, Report
from ambikit_models.training.moments import choose_views
from ambikit_models.training.sampling import choose_viewpoints, clip_indices, generator_for, videos_of

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
) -> AlignmentModel:
    """Train a model through all phases, or go on where an earlier call in the same folder stopped.

    Parameters
    ----------
    config
        The recipe.
    source
        The clips.
    output
        Folder for ``config.yaml``, ``metrics.jsonl`` and ``checkpoints/``.
    fabric
        Devices, processes and precision; one CPU process by default.
    report
        Told about every logged step, for a progress display.
    stop_at
        Stop after this many steps in all and save, as an interruption would.

    Returns
    -------
    The trained model in evaluation mode.

    Raises
    ------
    AmbikitError
        If the folder holds checkpoints of another recipe, or there are fewer clips than a batch needs.
    FileError
        If a checkpoint cannot be written; earlier ones survive.
    """
    output = Path(output)
    fabric = fabric or Fabric(accelerator="cpu", devices=1)
    _launch(fabric)
    for phase in config.phases:  # before minutes are spent on the clips
        clip_indices(config.seed, 0, phase.clips, videos_of(source))
        if phase.clips % fabric.world_size:
            raise AmbikitError(
                f"got {phase.clips} clips per step on {fabric.world_size} processes; expected a multiple, so that all "
                "have the same number; change the clips of the phase or the number of processes"
            )
    model = initial_model(config, source)
    last = latest_checkpoint(output / "checkpoints")
    done = fabric.broadcast(load_recipe(last)[1] if last else 0)
    clips = getattr(source, "identity", "")
    if last:
        resume(last, model, None, config, clips=clips)
    if fabric.is_global_zero:
        make_folder(output)
        save_yaml(config, output / "config.yaml")
    model.to(fabric.device)  # before there is an optimiser, whose restored state goes where the parameters are
    run = _Run(
        config,
        source,
        videos_of(source),
        clips,
        model,
        fabric,
        output,
        Metrics(output / "metrics.jsonl", fabric, report, done),
    )

    first = 0
    for number, phase in enumerate(config.phases):
        end = first + phase.steps
        until = end if stop_at is None else min(end, stop_at)
        if max(first, done) < until:
            if done <= first:
                phase.begin(model, config.phases[number - 1] if number else None, _torch_seed(config.seed, 4, number))
            # a checkpoint on the border of two phases carries no optimiser state of the new one
            _run_phase(run, phase, first, max(first, done), until, last if first < done else None)
        first = end
    return model.eval()


def _launch(fabric: Fabric) -> None:
    """Start the processes, unless Fabric's own command line has; refuse to be many runs in one folder."""
    if os.environ.get("LT_CLI_USED") != "1":
        fabric.launch()
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes > 1 and fabric.world_size == 1:
        raise AmbikitError(
            f"got {processes} processes and a Fabric of one; expected one Fabric over all of them; make it with "
            "devices= and num_nodes= as the launcher was told"
        )


def initial_model(config: TrainingConfig, source: ClipSource) -> AlignmentModel:
    """Build the model that training starts from: random weights by the seed, statistics of the features measured."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = config.model.build(config.sound)
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
    model: AlignmentModel
    fabric: Fabric
    output: Path
    metrics: Metrics


def _run_phase(run: _Run, phase: Phase, first: int, begin: int, end: int, state: Path | None) -> None:
    """Make the steps from ``begin`` to ``end`` of a phase whose first step is ``first``."""
    config, fabric, model = run.config, run.fabric, run.model
    objective = phase.build(_gather_across(fabric))
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.optimizer]
    trained = _select(model, objective.trains)
    optimizer = kind(trained, lr=0.0, betas=config.betas, weight_decay=config.weight_decay)
    if state:
        resume(state, model, optimizer, config, clips=run.clips)
    step_module, optimizer = fabric.setup(_Step(model.train(), objective), optimizer)
    begun = time.perf_counter()

    for step, batch in _ahead(lambda step: _batch(run, phase, first, step), range(begin, end)):
        rate = phase.rate_at(step - first)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = batch.to(fabric.device)
        torch.manual_seed(_torch_seed(config.seed, 5, step, fabric.global_rank))  # dropout has no state either
        loss, logs = step_module(batch.video, batch.audio, batch.index, batch.yaw)
        optimizer.zero_grad()
        fabric.backward(loss)
        if config.clip_gradient:
            fabric.clip_gradients(
                step_module,
                optimizer,
                max_norm=config.clip_gradient,
                error_if_nonfinite=False,  # float16 skips a step
            )
        optimizer.step()

        run.metrics.add({"loss": loss, **logs})
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
            if fabric.is_global_zero:
                save_checkpoint(run.output / "checkpoints", model, optimizer.optimizer, config, finished, run.clips)
            fabric.barrier()


class _Step(nn.Module):
    """The whole step as one forward pass, so that distributed wrappers see every use of the parameters."""

    def __init__(self, model: AlignmentModel, objective: Objective):
        super().__init__()
        self.model = model
        self.objective = objective

    def forward(
        self, video: Tensor, audio: Tensor, index: Tensor, yaw: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        # tensors one by one: Fabric converts the arguments to its precision and cannot rebuild a frozen Batch
        return self.objective(self.model, Batch(video, audio, index, yaw))


def _torch_seed(*numbers: int) -> int:
    return int(generator_for(*numbers).integers(2**63))


def _gather_across(fabric: Fabric) -> Gather:
    def gather(x: Tensor) -> tuple[Tensor, int]:
        if fabric.world_size == 1:
            return x, 0
        return fabric.all_gather(x, sync_grads=True).flatten(0, 1), fabric.global_rank * len(x)

    return gather


def _select(model: AlignmentModel, parts: tuple[str, ...]) -> list[nn.Parameter]:
    """Let only the parts that an objective uses be trained; distributed training waits for every other gradient."""
    model.requires_grad_(False)
    for part in parts:
        getattr(model, part).requires_grad_(True)
    return [p for p in model.parameters() if p.requires_grad]


def _batch(run: _Run, phase: Phase, first: int, step: int) -> Batch:
    """Draw the whole batch of a step and load the part of it that this process works on."""
    config, rank, world_size = run.config, run.fabric.global_rank, run.fabric.world_size
    indices = clip_indices(config.seed, step - first, phase.clips, run.videos)
    generator = generator_for(config.seed, 1, step)
    viewpoints, moments = choose_views(
        phase, config.viewpoints, run.source, indices, generator, excerpt=config.clip.duration
    )
    mirrored = generator.random(phase.clips) < (0.5 if config.horizontal_flip == "joint" else 0.0)
    yaw = torch.from_numpy(generator.uniform(-np.pi, np.pi, phase.clips)) if phase.turns else None
    ours = slice(rank * phase.clips // world_size, (rank + 1) * phase.clips // world_size)
    wanted = {"yaw": yaw, "moments": moments}
    settings = {name: value[ours] for name, value in wanted.items() if value is not None}
    batch = run.source.batch(indices[ours], viewpoints[ours], **settings)
    return flip_jointly(batch, torch.from_numpy(mirrored[ours]), config.sound) if mirrored.any() else batch


def _ahead(load: Callable[[int], Batch], steps: range) -> Any:
    """Load the next batch in a thread while the current one is being trained on."""
    with ThreadPoolExecutor(1) as worker:
        coming = worker.submit(load, steps[0]) if len(steps) else None
        for step in steps:
            batch = coming.result()
            coming = worker.submit(load, step + 1) if step + 1 < steps.stop else None
            yield step, batch
