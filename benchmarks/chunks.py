"""What gradient caching costs and saves: memory and processor time of one step, in one piece and in chunks.

The AVSA step of the papers' networks on the CPU, one thread, each in a process of its own, with frozen statistics of
the batch normalisation, so that the gradients can be compared. ``python -m benchmarks.chunks``
"""

import multiprocessing
from pathlib import Path
from time import process_time

import numpy as np
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from ambikit_models.batch import Batch
from ambikit_models.objectives.avsa import AVSA
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.config import ModelConfig
from ambikit_models.training.gradients import Step, chunked_gradients, whole_gradients
from benchmarks.common import Figures, quick, report
from benchmarks.machine import one_thread
from benchmarks.memory import peak, resident

CLIPS, VIEWS, SIZE, FRAMES = 8, 4, 56, 8


def one(chunk: int) -> tuple[float, float, float, np.ndarray]:
    """Gigabytes held before a step and taken by it, seconds of processor time, and the gradients."""
    from lightning_fabric import Fabric

    one_thread()
    torch.manual_seed(0)
    sound = SoundFeatures("foa_intensity")
    model = ModelConfig(video="r2plus1d_18", audio="conv2d_9").build(sound)
    fabric = Fabric(accelerator="cpu", devices=1)
    fabric.launch()
    clips = 2 if quick() else CLIPS
    video = torch.rand(clips, VIEWS, 3, FRAMES, SIZE, SIZE)
    audio = torch.randn(clips, VIEWS, sound.channels, sound.rows, 100)
    batch = Batch(video, audio, torch.arange(clips))
    step = Step(model, AVSA())
    gradients = chunked_gradients(fabric, step, pieces=clips // chunk) if chunk else whole_gradients(fabric, step)
    # statistics of clips like these, and what is loaded and kept once
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.momentum = 1.0
    few = Batch(video[:1], audio[:1], batch.index[:1])
    with torch.no_grad():
        AVSA().embed(model.train(), few)
    model.eval()
    whole_gradients(fabric, step)(few)
    model.zero_grad(set_to_none=False)
    before, start = resident()[0], process_time()
    taken, _ = peak(lambda: gradients(batch)[0].item())
    seconds = process_time() - start
    found = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    return before / 1e9, taken / 1e9, seconds, found.numpy()


def measured() -> Figures:
    context, rows = multiprocessing.get_context("spawn"), []
    whole = None
    for chunk in (0, 1):
        with context.Pool(1) as pool:
            before, taken, seconds, found = pool.apply(one, (chunk,))
        whole = found if whole is None else whole
        error = float(np.abs(found - whole).max() / np.abs(whole).max())
        rows.append((f"chunk: {chunk}" if chunk else "in one piece", before, taken, seconds, error))
    return Figures(
        f"A step of {CLIPS} clips of {VIEWS} views of {SIZE} × {SIZE} and {FRAMES} pictures, R(2+1)D-18 and 9 "
        "convolutions, float32, one CPU thread",
        ("", "held before, GB", "taken by the step, GB", "processor time, s", "largest difference of a gradient"),
        tuple(rows),
        "The difference is relative to the largest gradient. Networks, their gradients and the batch are held before.",
    )


def main() -> None:
    if not Path("/proc/self/clear_refs").exists():
        print("peak memory is read from /proc, which is not here: not measured")
        return
    report("chunks", [measured()])


if __name__ == "__main__":
    main()
