"""Run by torchrun: what two processes compute with half of the batch each, saved for the test to compare."""

import os
import sys

import torch
from lightning_fabric import Fabric

from ambikit_models.batch import Batch
from ambikit_models.objectives.avc import AVC
from ambikit_models.objectives.avsa import AVSA
from ambikit_models.training.gradients import Step
from ambikit_models.training.loop import train
from ambikit_models.training.processes import gather_across
from tests.ambikit_models.test_objectives import toy_batch
from tests.ambikit_models.toy import ToyClips, toy_config


class Watched(ToyClips):
    """Remembers which clips this process was asked for."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def batch(self, indices, viewpoints, **settings):
        self.asked.append(indices.tolist())
        return super().batch(indices, viewpoints, **settings)


def whole_run(path: str) -> None:
    """Train through both phases and save what each process was asked for and ended with."""
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    source = Watched()
    model = train(toy_config(), source, path, fabric=fabric)
    torch.save({"asked": source.asked, "weights": model.state_dict()}, f"{path}/rank{fabric.global_rank}.pt")
    fabric.barrier()


def gradients(name: str, path: str) -> None:
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    fabric.launch()
    objective = {"avc": AVC, "avsa": AVSA}[name](gather=gather_across(fabric, 6))
    model, batch = toy_batch()
    model.double().eval().requires_grad_(False)
    for part in objective.trains:
        getattr(model, part).requires_grad_(True)
    step = fabric.setup(Step(model, objective)).eval()
    ours = slice(3 * fabric.global_rank, 3 * fabric.global_rank + 3)
    half = Batch(batch.video[ours].double(), batch.audio[ours].double(), batch.index[ours])
    loss, _ = step(half.video, half.audio, half.index)
    fabric.backward(loss)
    mean = fabric.all_reduce(loss.detach(), reduce_op="mean")
    if fabric.is_global_zero:
        found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        torch.save({"loss": mean, "gradients": found}, path)
    fabric.barrier()


if __name__ == "__main__":
    if sys.argv[1] == "train":
        whole_run(sys.argv[2])
    else:
        gradients(*sys.argv[1:])
    torch.distributed.destroy_process_group()
    # gloo's threads now and then abort the interpreter while it shuts down, after all work is done and saved
    sys.stdout.flush()
    os._exit(0)
