import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ambikit_models.objectives.avc import AVC
from ambikit_models.objectives.avsa import AVSA
from ambikit_models.training.metrics import read_metrics
from ambikit_models.training.sampling import clip_indices
from tests.ambikit_models.test_objectives import toy_batch
from tests.ambikit_models.toy import toy_config

ROOT = Path(__file__).resolve().parents[2]


def run_twice(*arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2"),
        *("--rdzv_backend=c10d", "--rdzv_endpoint=localhost:0"),
        *(str(Path(__file__).with_name("two_processes.py")), *arguments),
    ]
    finished = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert finished.returncode == 0, finished.stderr[-3000:]


@pytest.mark.parametrize("name", ["avc", "avsa"])
def test_two_processes_equal_one(name, tmp_path):
    # normalisation is frozen: batch statistics of half a batch differ by nature
    run_twice(name, str(tmp_path / "two.pt"))
    two = torch.load(tmp_path / "two.pt", weights_only=True)

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


def test_a_whole_run_is_shared(tmp_path):
    run_twice("train", str(tmp_path))
    ranks = [torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in range(2)]
    # the first request measures the statistics of the features, on the same clips everywhere
    assert ranks[0]["asked"][0] == ranks[1]["asked"][0]
    config = toy_config()
    step = 0
    for phase in config.phases:
        for within in range(phase.steps):
            step += 1
            halves = [rank["asked"][step] for rank in ranks]
            expected = clip_indices(config.seed, within, phase.clips, np.arange(64)).tolist()
            assert halves[0] + halves[1] == expected
            assert len(halves[0]) == phase.clips // 2
    for name, weight in ranks[0]["weights"].items():
        if "running" not in name and "num_batches" not in name:  # batch statistics are those of each process
            assert torch.equal(weight, ranks[1]["weights"][name]), name
    records = read_metrics(tmp_path / "metrics.jsonl")
    assert [r["step"] for r in records] == sorted({r["step"] for r in records})
    assert records[-1]["step"] == config.steps
