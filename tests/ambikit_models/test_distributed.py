import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ambikit_models.objectives.avc import AVC
from ambikit_models.objectives.avsa import AVSA
from tests.ambikit_models.test_objectives import toy_batch

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["avc", "avsa"])
def test_two_processes_equal_one(name, tmp_path):
    # normalisation is frozen: batch statistics of half a batch differ by nature
    out = tmp_path / "two.pt"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc_per_node=2",
        "--master_port=0",
        "--rdzv_backend=c10d",
        "--rdzv_endpoint=localhost:0",
        str(Path(__file__).with_name("two_processes.py")),
        name,
        str(out),
    ]
    finished = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert finished.returncode == 0, finished.stderr[-3000:]
    two = torch.load(out, weights_only=True)

    model, batch = toy_batch()
    model.double().eval()
    objective = {"avc": AVC, "avsa": AVSA}[name]()
    loss, _ = objective(model, type(batch)(batch.video.double(), batch.audio.double(), batch.index))
    loss.backward()
    assert abs(loss.item() - two["loss"].item()) < 1e-12
    gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    assert gradients.keys() == two["gradients"].keys()
    for key, gradient in gradients.items():
        torch.testing.assert_close(two["gradients"][key], gradient, rtol=1e-9, atol=1e-12)
