import dataclasses
import json
import os
import sys

import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision

from ambikit.errors import AmbikitError
from ambikit_models.training import loop, metrics
from ambikit_models.training.checkpoints import latest_checkpoint, load_model, load_precision
from ambikit_models.training.determinism import only_deterministic
from ambikit_models.training.execution import Execution
from ambikit_models.training.loop import train
from ambikit_models.training.metrics import read_metrics
from ambikit_models.training.phases import Phase
from tests.ambikit_models.test_loop import assert_same_weights, weights
from tests.ambikit_models.toy import ToyClips, toy_config


def cpu(precision):
    """One process; float16 with a scaler as on a GPU, where Fabric by itself would take bfloat16."""
    if precision == "16-mixed":
        plugin = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", init_scale=1024.0))
        return Fabric(accelerator="cpu", devices=1, plugins=[plugin])
    return Fabric(accelerator="cpu", devices=1, precision=precision)


class TestPrecision:
    def test_bfloat16_learns(self, tmp_path):
        phases = (Phase("avsa", 60, 8, 2, learning_rate=5e-3, temperature=0.1),)
        train(toy_config(phases=phases), ToyClips(), tmp_path, fabric=cpu("bf16-mixed"))
        losses = [record["loss"] for record in read_metrics(tmp_path / "metrics.jsonl")]
        assert all(map(torch.isfinite, map(torch.tensor, losses)))
        assert losses[-1] < losses[0] - 0.2

    @pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed"])
    def test_resumed_equals_uninterrupted(self, tmp_path, precision):
        whole = train(toy_config(), ToyClips(), tmp_path / "whole", fabric=cpu(precision))
        train(toy_config(), ToyClips(), tmp_path / "parts", fabric=cpu(precision), stop_at=4)
        resumed = train(toy_config(), ToyClips(), tmp_path / "parts", fabric=cpu(precision))
        assert_same_weights(weights(whole), weights(resumed))

    def test_the_scale_of_float16_is_kept(self, tmp_path):
        first, second = cpu("16-mixed"), cpu("16-mixed")
        first.strategy.precision.scaler = torch.amp.GradScaler("cpu", init_scale=512.0)
        train(toy_config(), ToyClips(), tmp_path, fabric=first, stop_at=4)
        kept = load_precision(latest_checkpoint(tmp_path / "checkpoints"))
        assert (kept["scale"], kept["_growth_tracker"]) == (512.0, 4)
        train(toy_config(), ToyClips(), tmp_path, fabric=second)
        after = second.strategy.precision.state_dict()
        assert (after["scale"], after["_growth_tracker"]) == (512.0, 12)

    @pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed"])
    def test_chunks_in_half_precision(self, tmp_path, precision):
        found = []
        for chunk in (0, 64):
            folder, config = tmp_path / str(chunk), toy_config(log_every=1, execution=Execution(chunk=chunk))
            train(config, ToyClips(), folder, fabric=cpu(precision), stop_at=2)
            found.append(read_metrics(folder / "metrics.jsonl")[0])
        assert found[1]["loss"] == pytest.approx(found[0]["loss"], rel=0.02)
        assert found[1]["gradient_norm"] == pytest.approx(found[0]["gradient_norm"], rel=0.05)  # scaled once

    def test_from_full_to_half_precision(self, tmp_path):
        train(toy_config(), ToyClips(), tmp_path, stop_at=4)
        train(toy_config(), ToyClips(), tmp_path, fabric=cpu("16-mixed"))
        assert read_metrics(tmp_path / "metrics.jsonl")[-1]["step"] == 12


class TestChunks:
    def test_resumed_equals_uninterrupted(self, tmp_path):
        config = toy_config(execution=Execution(chunk=3))
        whole = train(config, ToyClips(), tmp_path / "whole")
        train(config, ToyClips(), tmp_path / "parts", stop_at=9)
        assert_same_weights(weights(whole), weights(train(config, ToyClips(), tmp_path / "parts")))

    def test_one_chunk_is_no_chunk(self, tmp_path):
        plain = train(toy_config(), ToyClips(), tmp_path / "plain", stop_at=6)
        chunk = train(toy_config(execution=Execution(chunk=64)), ToyClips(), tmp_path / "chunk", stop_at=6)
        for name, value in weights(plain).items():
            torch.testing.assert_close(weights(chunk)[name], value, rtol=1e-4, atol=1e-5, msg=name)

    def test_a_view_alone_cannot_be_normalised(self, tmp_path):
        config = toy_config(execution=Execution(chunk=1))
        with pytest.raises(AmbikitError, match="16 clips of 1 views on 1 processes with chunk=1.*raise clips or chunk"):
            train(config, ToyClips(), tmp_path)
        train(toy_config(phases=config.phases[1:], execution=config.execution), ToyClips(), tmp_path, stop_at=1)

    def test_negative(self):
        with pytest.raises(AmbikitError, match="chunk=-1"):
            Execution(chunk=-1)


def test_compiled(no_shape_hook, tmp_path, monkeypatch):
    compiled, seen = torch.compile, []

    def eager(module, **settings):
        seen.append(module)
        return compiled(module, backend="eager")

    monkeypatch.setattr(loop.torch, "compile", eager)
    config = toy_config(phases=(Phase("avsa", 3, 8, 2),), execution=Execution(compile=True))
    fast = train(config, ToyClips(), tmp_path / "fast")
    assert seen
    monkeypatch.undo()
    slow = train(toy_config(phases=config.phases), ToyClips(), tmp_path / "slow")
    for name, value in weights(slow).items():
        torch.testing.assert_close(weights(fast)[name], value, rtol=1e-5, atol=1e-6, msg=name)
    assert_same_weights(weights(fast), weights(load_model(tmp_path / "fast")[0]))


class TestDeterminism:
    def test_switches_are_on_within_and_given_back(self, tmp_path):
        seen = []

        class Watched(ToyClips):
            def batch(self, *arguments, **settings):
                seen.append((torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark))
                return super().batch(*arguments, **settings)

        torch.backends.cudnn.benchmark = True
        try:
            train(toy_config(execution=Execution(deterministic=True)), Watched(), tmp_path)
            assert torch.backends.cudnn.benchmark
        finally:
            torch.backends.cudnn.benchmark = False
        assert seen[1:] == [(True, False)] * 12
        assert not torch.are_deterministic_algorithms_enabled()

    def test_given_back_after_an_error_too(self, monkeypatch):
        monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
        with pytest.raises(KeyError), only_deterministic(True):
            raise KeyError(torch.are_deterministic_algorithms_enabled())
        assert not torch.are_deterministic_algorithms_enabled()
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"
        monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
        with only_deterministic(True):
            assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
        assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ

    def test_dropout_is_the_same_again_and_after_an_interruption(self, tmp_path):
        config = toy_config(model=dataclasses.replace(toy_config().model, translation_dropout=0.3))
        torch.manual_seed(1)
        before = torch.get_rng_state()
        whole = train(config, ToyClips(), tmp_path / "whole")
        assert torch.equal(torch.get_rng_state(), before)  # given back as it was
        torch.manual_seed(2)
        train(config, ToyClips(), tmp_path / "parts", stop_at=8)
        assert_same_weights(weights(whole), weights(train(config, ToyClips(), tmp_path / "parts")))
        other = train(toy_config(), ToyClips(), tmp_path / "other")
        assert not torch.equal(other.video_head.weight, whole.video_head.weight)


class TestWhatIsWritten:
    def test_the_journal_has_the_clock(self, tmp_path):
        train(toy_config(), ToyClips(), tmp_path, stop_at=4)
        train(toy_config(), ToyClips(), tmp_path)
        entries = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
        assert [entry["begun_after"] for entry in entries if "begun_after" in entry] == [0, 4]
        assert [entry["step"] for entry in entries if "seconds" in entry] == [2, 4, 6, 8, 10, 12]
        assert not any("seconds" in record for record in read_metrics(tmp_path / "metrics.jsonl"))

    def test_tensorboard_shows_each_step_once(self, tmp_path):
        loader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
        train(toy_config(), ToyClips(), tmp_path, stop_at=4)
        train(toy_config(), ToyClips(), tmp_path)
        events = loader.EventAccumulator(str(tmp_path / "tensorboard"))
        events.Reload()
        shown = {event.step: event.value for event in events.Scalars("loss")}
        records = read_metrics(tmp_path / "metrics.jsonl")
        assert shown == pytest.approx({record["step"]: record["loss"] for record in records})
        assert {"accuracy", "gradient_norm", "learning_rate"} <= set(events.Tags()["scalars"])

    def test_without_tensorboard(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
        assert metrics._tensorboard(tmp_path, 0) is None
        train(toy_config(), ToyClips(), tmp_path, stop_at=2)
        assert not (tmp_path / "tensorboard").exists()

    def test_another_checkpoint_elsewhere(self, tmp_path, monkeypatch):
        monkeypatch.setattr(Fabric, "broadcast", lambda self, value, src=0: 8 if value == 0 else value)
        with pytest.raises(AmbikitError, match="at step 0 on process 0 and 8 on the first one.*all machines share"):
            train(toy_config(), ToyClips(), tmp_path)
