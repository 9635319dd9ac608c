import io

import pytest
import torch
from rich.console import Console

from ambikit.errors import AmbikitError
from ambikit_models.objectives.avsa import AVSA
from ambikit_models.study.videos import train_with_progress
from ambikit_models.training.checkpoints import latest_checkpoint
from ambikit_models.training.divergence import Plateau, refuse_divergence
from ambikit_models.training.execution import Execution
from ambikit_models.training.loop import train
from ambikit_models.training.metrics import read_metrics
from ambikit_models.training.phases import Phase
from tests.ambikit_models.toy import ToyClips, toy_config


class Broken(ToyClips):
    """From some call on, the sound is not a number."""

    def __init__(self, sick):
        super().__init__()
        self.calls, self.sick = 0, sick

    def batch(self, indices, viewpoints, **settings):
        batch = super().batch(indices, viewpoints, **settings)
        self.calls += 1
        if self.calls > self.sick:
            batch.audio[0] = torch.nan
        return batch


class TestNotFinite:
    def test_it_stops_and_names_step_checkpoint_and_remedy(self, tmp_path):
        words = r"got the loss nan in step 8; expected .*checkpoint is .*step-000006; start anew.*lower learning_rate"
        with pytest.raises(AmbikitError, match=words):
            train(toy_config(log_every=10), Broken(sick=8), tmp_path)  # one call is for the statistics
        assert latest_checkpoint(tmp_path / "checkpoints").name == "step-000006"
        assert [r["step"] for r in read_metrics(tmp_path / "metrics.jsonl")] == [4, 6]

    def test_before_any_checkpoint(self, tmp_path):
        with pytest.raises(AmbikitError, match="in step 1; .*there is no checkpoint yet"):
            train(toy_config(), Broken(sick=1), tmp_path)

    def test_weights_that_cannot_be_used_are_not_saved(self, tmp_path, monkeypatch):
        compare = AVSA.compare

        def poisoned(self, model, video, audio):
            loss, logs = compare(self, model, video, audio)
            video.register_hook(lambda gradient: gradient * torch.nan)  # the loss itself stays finite
            return loss, logs

        monkeypatch.setattr(AVSA, "compare", poisoned)
        config = toy_config(phases=(Phase("avsa", 1, 8, 2),), clip_gradient=0.0)
        with pytest.raises(AmbikitError, match="weights that are not finite after step 1, e.g. in 'video_enc"):
            train(config, ToyClips(), tmp_path)
        assert latest_checkpoint(tmp_path / "checkpoints") is None

    def test_float16_may_skip_steps_but_not_for_ever(self, tmp_path):
        losses = torch.tensor([1.0, torch.inf, 2.0, torch.nan])
        kept = refuse_divergence(losses, 40, tmp_path, skips=True)
        assert kept.tolist() == [True, False, True, False]
        with pytest.raises(AmbikitError, match="the loss inf in step 38"):
            refuse_divergence(losses, 40, tmp_path, skips=False)
        with pytest.raises(AmbikitError, match="in step 21;.*bf16-mixed"):
            refuse_divergence(torch.full((20,), torch.nan), 40, tmp_path, skips=True)


class TestPlateau:
    def test_said_once_and_only_where_it_was_never_left(self):
        plateau = Plateau(Phase("avc", 100, 8, 1), 10, [])  # chance is 2.08
        said = [plateau.warning(step, 2.05) for step in range(2, 20, 2)]
        assert [text is not None for text in said] == [False, False, False, False, True, False, False, False, False]
        assert "has not left the plateau: after 10 steps the loss is 2.05, that of chance 2.08" in said[4]

    def test_once_left_is_left(self):
        plateau = Plateau(Phase("avc", 100, 8, 1), 10, [])
        assert [plateau.warning(step, loss) for step, loss in ((5, 1.9), (10, 2.07), (15, 2.1))] == [None] * 3

    def test_a_resumed_run_remembers(self):
        phase = Phase("avc", 100, 8, 1)
        assert Plateau(phase, 10, [{"loss": 1.9}]).warning(12, 2.05) is None
        assert Plateau(phase, 10, [{"loss": 2.05, "warning": "…"}]).warning(12, 2.05) is None
        assert Plateau(phase, 10, [{"loss": 2.05}]).warning(12, 2.05) is not None

    def test_zero_is_never(self):
        assert Plateau(Phase("avc", 100, 8, 1), 0, []).warning(50, 2.08) is None

    def test_it_stands_in_the_metrics_and_is_reported(self, tmp_path):
        seen = []
        phases = (Phase("avc", 8, 16, 1, learning_rate=0.0), Phase("avsa", 6, 8, 2, learning_rate=0.0))
        config = toy_config(phases=phases, execution=Execution(plateau_after=3))
        train(config, ToyClips(), tmp_path / "whole", report=seen.append)
        warned = [(r["step"], r["phase"]) for r in read_metrics(tmp_path / "whole" / "metrics.jsonl") if "warning" in r]
        assert warned == [(4, "avc"), (12, "avsa")]
        assert [r["step"] for r in seen if "warning" in r] == [4, 12]
        train(config, ToyClips(), tmp_path / "parts", stop_at=4)
        train(config, ToyClips(), tmp_path / "parts")
        whole, parts = ((tmp_path / name / "metrics.jsonl").read_text() for name in ("whole", "parts"))
        assert whole == parts

    def test_it_is_noted_beside_the_bar(self, no_shape_hook, tmp_path):
        console, clips = Console(file=io.StringIO(), width=300), ToyClips()
        clips.skipped = {}
        phases = (Phase("avc", 4, 16, 1, learning_rate=0.0),)
        config = toy_config(phases=phases, execution=Execution(plateau_after=2))
        train_with_progress(config, clips, tmp_path, console=console)
        assert console.file.getvalue().count("note: AVC has not left the plateau: after 2 steps the loss is") == 1

    def test_a_run_that_learns_is_not_warned_about(self, tmp_path):
        phases = (Phase("avsa", 60, 8, 2, learning_rate=5e-3, temperature=0.1),)
        train(toy_config(phases=phases, execution=Execution(plateau_after=50)), ToyClips(), tmp_path)
        records = read_metrics(tmp_path / "metrics.jsonl")
        assert records[-1]["loss"] < phases[0].chance_loss - 0.1
        assert not any("warning" in record for record in records)
