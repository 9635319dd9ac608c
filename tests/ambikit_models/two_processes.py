"""Run by torchrun: loss and gradients of two processes with half of the batch each, saved by the first."""

import os
import sys

import torch
from lightning_fabric import Fabric

from ambikit_models.batch import Batch
from ambikit_models.objectives.avc import AVC
from ambikit_models.objectives.avsa import AVSA
from ambikit_models.training.loop import _gather_across, _Step
from tests.ambikit_models.test_objectives import toy_batch


def main(name: str, path: str) -> None:
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    fabric.launch()
    objective = {"avc": AVC, "avsa": AVSA}[name](gather=_gather_across(fabric))
    model, batch = toy_batch()
    model.double().eval().requires_grad_(False)
    for part in objective.trains:
        getattr(model, part).requires_grad_(True)
    step = fabric.setup(_Step(model, objective)).eval()
    ours = slice(3 * fabric.global_rank, 3 * fabric.global_rank + 3)
    half = Batch(batch.video[ours].double(), batch.audio[ours].double(), batch.index[ours])
    loss, _ = step(half.video, half.audio, half.index)
    fabric.backward(loss)
    mean = fabric.all_reduce(loss.detach(), reduce_op="mean")
    if fabric.is_global_zero:
        gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        torch.save({"loss": mean, "gradients": gradients}, path)
    fabric.barrier()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
    # gloo's threads now and then abort the interpreter while it shuts down, after all work is done and saved
    sys.stdout.flush()
    os._exit(0)
