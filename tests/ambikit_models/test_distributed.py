import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ambikit.errors import AmbikitError
from ambikit_models.training.execution import Execution
from ambikit_models.training.loop import train
from ambikit_models.training.metrics import read_metrics
from ambikit_models.training.processes import share_of, synchronize_normalization
from ambikit_models.training.sampling import clip_indices
from tests.ambikit_models.test_gradients import example
from tests.ambikit_models.test_resume import contents
from tests.ambikit_models.toy import ToyClips, toy_config
from tests.ambikit_models.two_processes import CASES, OBJECTIVES, TOGETHER

ROOT = Path(__file__).resolve().parents[2]


def run_twice(*arguments: str, dies: bool = False) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2"),
        *("--rdzv_backend=c10d", "--rdzv_endpoint=localhost:0"),
        *(str(Path(__file__).with_name("two_processes.py")), *arguments),
    ]
    finished = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert (finished.returncode != 0) == dies, finished.stderr[-3000:]


@pytest.fixture(scope="module")
def of_two(tmp_path_factory):
    """The folder where two processes left their gradients in every case, and a training."""
    folder = tmp_path_factory.mktemp("two")
    run_twice("alive", str(folder))
    return folder


@pytest.mark.parametrize("case", CASES, ids=str)
def test_two_processes_equal_one(case, of_two):
    # normalisation is frozen, or over both processes: statistics of half a batch differ by nature
    name, clips, _, synchronized = case
    both = [torch.load(of_two / f"gradients{rank}.pt", weights_only=True) for rank in range(2)]
    first, second = (rank[CASES.index(case)] for rank in both)
    model, batch = example(clips)
    model.train(synchronized)
    for translation in (model.audio_to_video, model.video_to_audio):
        translation.eval()
    loss, _ = OBJECTIVES[name]()(model, batch)
    loss.backward()
    assert abs(loss.item() - first["loss"].item()) < 1e-12
    gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    assert gradients.keys() == first["gradients"].keys()
    for key, gradient in gradients.items():
        torch.testing.assert_close(first["gradients"][key], gradient, rtol=1e-9, atol=1e-12)
        assert torch.equal(first["gradients"][key], second["gradients"][key])
    for key, value in first["buffers"].items():
        torch.testing.assert_close(value, model.get_buffer(key), rtol=1e-9, atol=1e-12)


def test_a_whole_run_is_shared(of_two):
    ranks = [torch.load(of_two / f"rank{rank}.pt", weights_only=True) for rank in range(2)]
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
    records = read_metrics(of_two / "metrics.jsonl")
    assert [r["step"] for r in records] == sorted({r["step"] for r in records})
    assert records[-1]["step"] == config.steps


def test_a_training_of_two_equals_that_of_one(of_two, tmp_path):
    config = dataclasses.replace(TOGETHER, execution=Execution())
    train(config, ToyClips(), tmp_path)
    one, two = (read_metrics(folder / "metrics.jsonl") for folder in (tmp_path, of_two / "together"))
    assert len(one) == len(two) == 12
    for a, b in zip(one[:7], two[:7], strict=True):  # rounding, which Adam multiplies from step to step
        for name in ("loss", "gradient_norm"):
            assert b[name] == pytest.approx(a[name], rel=1e-4), (name, a["step"])


def test_one_of_two_processes_is_killed_and_both_go_on(tmp_path):
    run_twice("killed", str(tmp_path), dies=True)
    run_twice("resumed", str(tmp_path))
    whole, killed = contents(tmp_path / "whole"), contents(tmp_path / "killed")
    assert sorted(whole) == sorted(killed)
    for file, content in whole.items():
        assert killed[file] == content, file
    journal = (tmp_path / "killed" / "journal.jsonl").read_text()
    assert '{"begun_after": 6, "processes": 2' in journal
    assert [record["step"] for record in read_metrics(tmp_path / "killed" / "metrics.jsonl")] == list(range(1, 13))


class TestBadInput:
    def test_more_processes_than_clips(self):
        with pytest.raises(AmbikitError, match="3 clips per step on 4 processes"):
            share_of(3, 0, 4)

    def test_nothing_to_synchronize(self):
        with pytest.raises(AmbikitError, match="without batch normalisation"):
            synchronize_normalization(torch.nn.Linear(2, 2), torch.device("cpu"))


@pytest.mark.parametrize("device", ["cpu", "cuda"])  # the layers of a GPU, which work alone anywhere
def test_synchronised_normalisation_keeps_names_and_works_alone(device):
    model, batch = example()
    names, before = list(model.state_dict()), model.embed_audio(batch.audio)
    model.load_state_dict(example()[0].state_dict())
    synchronize_normalization(model, torch.device(device))
    assert list(model.state_dict()) == names
    torch.testing.assert_close(model.embed_audio(batch.audio), before, rtol=0, atol=0)
    plain = torch.nn.BatchNorm1d | torch.nn.BatchNorm2d | torch.nn.BatchNorm3d
    assert not any(isinstance(module, plain) for module in model.modules())
