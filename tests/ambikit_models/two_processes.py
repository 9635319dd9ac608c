"""Run by torchrun: what two processes compute with their share of a batch, saved for the test to compare."""

import dataclasses
import os
import signal
import sys
from functools import partial

import torch
from lightning_fabric import Fabric

from ambikit_models.batch import Batch
from ambikit_models.objectives.avc import AVC
from ambikit_models.objectives.avsa import AVSA
from ambikit_models.objectives.avts import AVTS
from ambikit_models.objectives.regression import Regression
from ambikit_models.training.execution import Execution
from ambikit_models.training.gradients import Step, chunked_gradients, whole_gradients
from ambikit_models.training.loop import train
from ambikit_models.training.phases import Phase
from ambikit_models.training.processes import gather_across, share_of, synchronize_normalization
from tests.ambikit_models.test_gradients import example
from tests.ambikit_models.toy import ToyClips, toy_config

OBJECTIVES = {
    "avc": AVC,
    "avc translated": partial(AVC, translated=True),
    "avts": AVTS,
    "avsa": AVSA,
    "hard only": partial(AVSA, candidates="own_views"),
    "easy only": partial(AVSA, candidates="other_clips"),
    "regression": lambda gather=None: Regression(),
}

#: objective, clips, pieces (0: without caching), whether in training mode with normalisation over both processes
CASES = [
    ("avc", 6, 0, False),
    ("avsa", 6, 0, False),
    ("avc", 7, 0, False),
    ("avsa", 7, 0, False),
    ("avsa", 6, 2, False),
    ("avsa", 7, 3, False),
    ("avsa", 7, 0, True),
    ("avsa", 7, 1, True),
    ("avc translated", 7, 0, False),
    ("avts", 7, 3, False),
    ("hard only", 7, 0, False),
    ("easy only", 7, 0, False),
    ("regression", 7, 3, False),
]


_UNEVEN = toy_config(
    phases=(
        Phase("avc", steps=6, clips=15, views=1, learning_rate=2e-3),
        Phase("avsa", steps=6, clips=7, views=2, learning_rate=2e-3),
    ),
    checkpoint_every=3,
    log_every=1,
    execution=Execution(chunk=3),
)


#: as long as nothing is normalised by the batch of one process, two make the steps of one
TOGETHER = dataclasses.replace(_UNEVEN, execution=Execution(synchronize_normalization=True))


class Deadly(ToyClips):
    """Kills its process when it is asked for the clips of step 8."""

    asked = 0

    def batch(self, indices, viewpoints, **settings):
        self.asked += 1
        if self.asked == 9:  # the first is for the statistics
            os.kill(os.getpid(), signal.SIGKILL)
        return super().batch(indices, viewpoints, **settings)


class Watched(ToyClips):
    """Remembers which clips this process was asked for."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def batch(self, indices, viewpoints, **settings):
        self.asked.append(indices.tolist())
        return super().batch(indices, viewpoints, **settings)


def whole_run(fabric: Fabric, path: str) -> None:
    """Train through both phases and save what each process was asked for and ended with."""
    source = Watched()
    model = train(toy_config(), source, path, fabric=fabric)
    torch.save({"asked": source.asked, "weights": model.state_dict()}, f"{path}/rank{fabric.global_rank}.pt")


def killed_run(fabric: Fabric, path: str) -> None:
    """Train on uneven shares in chunks, undisturbed, and again until the second process dies in step 8."""
    killed = f"{path}/killed"
    train(_UNEVEN, ToyClips(), f"{path}/whole", fabric=fabric)
    train(_UNEVEN, Deadly() if fabric.global_rank == 1 else ToyClips(), killed, fabric=fabric)


def resumed_run(fabric: Fabric, path: str) -> None:
    """Go on where that one stopped."""
    train(_UNEVEN, ToyClips(), f"{path}/killed", fabric=fabric)


def gradients(fabric: Fabric, path: str) -> None:
    """Loss, gradients and running statistics of every case."""
    found = []
    for name, clips, pieces, synchronized in CASES:
        objective = OBJECTIVES[name](gather=gather_across(fabric, clips))
        model, batch = example(clips)
        model.train(synchronized).requires_grad_(False)
        if synchronized:
            synchronize_normalization(model, torch.device("cpu"))
            for translation in (model.audio_to_video, model.video_to_audio):
                translation.eval()  # no dropout
        for part in objective.trains:
            getattr(model, part).requires_grad_(True)
        ours = share_of(clips, fabric.global_rank, 2)
        weight = 2 * (ours.stop - ours.start) / clips
        step = Step(model, objective)
        wrapped = fabric.setup(step)
        make = (
            chunked_gradients(fabric, step, pieces=pieces, weight=weight)
            if pieces
            else whole_gradients(fabric, wrapped, weight=weight)
        )
        share = Batch(batch.video[ours], batch.audio[ours], batch.index[ours], batch.yaw[ours])
        loss, _ = make(share)
        mean = fabric.all_reduce(loss.detach() * weight, reduce_op="mean")
        gradient = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        buffers = {name: value for name, value in model.named_buffers() if "running" in name}
        found.append({"loss": mean, "gradients": gradient, "buffers": buffers})
    torch.save(found, f"{path}/gradients{fabric.global_rank}.pt")


if __name__ == "__main__":
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    fabric.launch()
    if sys.argv[1] == "alive":
        gradients(fabric, sys.argv[2])
        whole_run(fabric, sys.argv[2])
        train(TOGETHER, ToyClips(), f"{sys.argv[2]}/together", fabric=fabric)
    else:
        {"killed": killed_run, "resumed": resumed_run}[sys.argv[1]](fabric, sys.argv[2])
    fabric.barrier()
    torch.distributed.destroy_process_group()
    # gloo's threads now and then abort the interpreter while it shuts down, after all work is done and saved
    sys.stdout.flush()
    os._exit(0)
