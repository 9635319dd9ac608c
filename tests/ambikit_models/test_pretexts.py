"""The pretext tasks of yang2020: what is done to sounds, the loss, and training through the one loop."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch

from ambikit.errors import AmbikitError
from ambikit_models.batch import Batch
from ambikit_models.correspondence import CorrespondenceNetwork
from ambikit_models.objectives.misalignment import PRETEXTS, Misalignment
from ambikit_models.panorama.viewpoints import RandomViewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.checkpoints import load_correspondence, load_model, load_recipe
from ambikit_models.training.config import (
    ClipConfig,
    CorrespondenceConfig,
    ModelConfig,
    Phase,
    TrainingConfig,
    from_mapping,
    to_mapping,
)
from ambikit_models.training.execution import Execution
from ambikit_models.training.loading import load_share
from ambikit_models.training.loop import initial_model, train
from ambikit_models.training.metrics import read_metrics
from ambikit_models.training.pretexts import Misaligned
from ambikit_models.training.sampling import generator_for
from tests.ambikit_models.toy import SOUND, ToyClips, toy_config

NETWORK = CorrespondenceConfig(grid=2, width=8)


def pretext_config(objective: str, **changes: Any) -> TrainingConfig:
    phase = Phase(objective, steps=6, clips=8, views=1, learning_rate=0.01)  # pyright: ignore[reportArgumentType]
    values: dict[str, Any] = {"phases": (phase,), "model": NETWORK, "optimizer": "sgd", "clip_gradient": 0.0}
    return toy_config(**{**values, **changes})


def one_view(clips: int):
    return RandomViewpoints(views=1).draw(np.random.default_rng(0), clips)


class TestWhatIsDone:
    source, rows, views = ToyClips(16, size=16), np.arange(3, 13), one_view(10)

    def drawn(self, pretext, **settings):
        return Misaligned.draw(pretext, generator_for(0, 6, 0), self.source, self.rows, excerpt=1.0, **settings)

    def load(self, wrong):
        return wrong.load(self.source, self.rows, self.views, SOUND)

    @pytest.mark.parametrize("pretext", PRETEXTS)
    def test_half_of_the_sounds_are_changed_and_no_picture(self, pretext):
        wrong = self.drawn(pretext)
        batch = self.load(wrong)
        said = None if wrong.moments is None else torch.from_numpy(wrong.moments[:, :1])
        own = self.source.batch(self.rows, self.views, moments=said)
        assert batch.misaligned is not None
        assert torch.equal(batch.misaligned, torch.from_numpy(wrong.misaligned))
        assert 0 < wrong.misaligned.sum() < 10
        assert torch.equal(batch.video, own.video)
        changed = (batch.audio != own.audio).flatten(1).any(1)
        assert torch.equal(changed, batch.misaligned)
        many = Misaligned.draw(pretext, generator_for(0, 6, 1), ToyClips(4000), np.arange(4000), excerpt=1.0)
        assert abs(many.misaligned.mean() - 0.5) < 0.03

    def test_flip(self):
        batch, own = self.load(self.drawn("flip")), self.source.batch(self.rows, self.views)
        sign = torch.where(batch.misaligned, -1.0, 1.0)[:, None, None, None]
        torch.testing.assert_close(batch.audio[:, :, 5], sign * own.audio[:, :, 5])  # what points to the left
        torch.testing.assert_close(batch.audio[:, :, :5], own.audio[:, :, :5])

    @pytest.mark.parametrize("turn", [None, 0.7])
    def test_rotation(self, turn):
        wrong = self.drawn("rotation", turn=turn)
        assert wrong.yaw is not None
        turned = self.source.batch(self.rows, self.views, yaw=wrong.yaw)
        torch.testing.assert_close(self.load(wrong).audio, turned.audio)
        assert (wrong.yaw[~wrong.misaligned] == 0).all()
        angles = wrong.yaw[wrong.misaligned]
        assert (angles == 0.7).all() if turn else np.ptp(angles) > 1

    def test_mismatch(self):
        wrong = self.drawn("mismatch")
        assert ((wrong.heard != self.rows) == wrong.misaligned).all()
        assert set(wrong.heard) <= set(self.rows)  # clips of a batch are of different videos
        torch.testing.assert_close(
            self.load(wrong).audio, self.source.batch(self.rows, self.views, sound_indices=wrong.heard).audio
        )

    def test_shift(self):
        wrong = self.drawn("shift", separation=1.5)
        assert wrong.moments is not None
        # the toy's clips last 4 s: of 3 s of beginnings, half
        assert (np.abs(wrong.moments[:, 0] - wrong.moments[:, 1]) >= 0.5).all()
        when = torch.where(torch.from_numpy(wrong.misaligned), *torch.from_numpy(wrong.moments).flip(1).unbind(1))
        expected = self.source.batch(self.rows, self.views, moments=when[:, None])
        torch.testing.assert_close(self.load(wrong).audio, expected.audio)

    def test_nothing_is_changed_where_all_is_said_to_be_right(self):
        for pretext in PRETEXTS:
            batch = self.load(self.drawn(pretext, misaligned=np.zeros(10, bool)))
            assert not batch.misaligned.any()

    @pytest.mark.parametrize("pretext", PRETEXTS)
    def test_a_process_loads_its_share_of_the_same_draw(self, pretext):
        config = pretext_config(pretext)
        how = {"first": 0, "step": 3}
        whole, part = (
            load_share(config, config.phases[0], self.source, np.arange(16), ours=ours, **how)
            for ours in (slice(0, 8), slice(3, 6))
        )
        for name in ("video", "audio", "index", "misaligned"):
            assert torch.equal(getattr(whole, name)[3:6], getattr(part, name)), name


class TestLoss:
    def test_an_ignorant_answer_loses_what_the_phase_calls_chance(self):
        model = initial_model(pretext_config("flip"), ToyClips(16, size=16))
        torch.nn.init.zeros_(model.classifier.weight)
        torch.nn.init.zeros_(model.classifier.bias)
        batch = ToyClips(16, size=16).batch(np.arange(4), one_view(4))
        batch = dataclasses.replace(batch, misaligned=torch.tensor([True, True, False, True]))
        loss, logs = Misalignment()(model, batch)
        assert loss.item() == pytest.approx(math.log(2))
        assert {Phase(p, 1, 8, 1).chance_loss for p in PRETEXTS} == {math.log(2)}  # pyright: ignore[reportArgumentType]
        assert logs["accuracy"].item() == 0.25

    def test_views_answer_together(self):
        class Given(CorrespondenceNetwork):
            def __init__(self):
                torch.nn.Module.__init__(self)

            def answer(self, fused):
                return fused

            def fuse(self, seen, heard):
                return seen + heard

        seen, heard = torch.tensor([[1.0, 3.0], [-1.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, 0.5]])
        loss, logs = Misalignment().compare(Given(), seen, heard, torch.tensor([True, True]))
        assert loss.item() == pytest.approx((math.log1p(math.exp(-2.0)) + math.log1p(math.exp(0.25))) / 2)
        assert logs["accuracy"].item() == 0.5

    def test_a_batch_without_the_question(self):
        model = initial_model(pretext_config("flip"), ToyClips(16, size=16))
        with pytest.raises(AmbikitError, match=r"batch\.misaligned"):
            Misalignment()(model, ToyClips(16, size=16).batch(np.arange(4), one_view(4)))


class Sides:
    """A white bar at the left or the right, and the louder channel on the same side."""

    def __init__(self, count: int = 64):
        self.side = torch.from_numpy(np.random.default_rng(0).choice([-1.0, 1.0], count))

    def __len__(self) -> int:
        return len(self.side)

    def batch(self, indices, viewpoints, *, sound_indices=None, yaw=None, moments=None):
        side = self.side[torch.as_tensor(indices)].float()
        video = torch.zeros(len(indices), 1, 3, 1, 16, 16)
        video[side > 0, ..., :8] = 1.0
        video[side < 0, ..., 8:] = 1.0
        audio = torch.stack([3 * side, -3 * side], 1)[:, None, :, None, None].expand(-1, 1, -1, 8, 5)
        return Batch(video, audio.clone(), torch.as_tensor(indices))


STEREO = SoundFeatures("stereo", sample_rate=16000, bands=8, window=0.032, hop=0.02)


class TestTraining:
    def test_sides_are_learned(self, tmp_path):
        phase = Phase("flip", 80, clips=16, views=1, learning_rate=0.05, warm_up=5, final_learning_rate=0.1)
        changes: dict[str, Any] = {"horizontal_flip": "joint", "clip_gradient": 0.5, "log_every": 10}
        config = pretext_config("flip", phases=(phase,), sound=STEREO, **changes)
        train(config, Sides(), tmp_path)
        records = read_metrics(tmp_path / "metrics.jsonl")
        assert records[0]["loss"] > 0.5
        assert records[-1]["loss"] < 0.1
        assert records[-1]["accuracy"] == 1.0

    def test_nothing_is_learned_where_both_channels_are_alike(self, tmp_path):
        class Alike(Sides):
            def batch(self, *args, **kwargs):
                batch = super().batch(*args, **kwargs)
                return dataclasses.replace(batch, audio=torch.zeros_like(batch.audio))

        phase = Phase("flip", steps=40, clips=16, views=1, learning_rate=0.05, warm_up=5)
        config = pretext_config("flip", phases=(phase,), sound=STEREO, execution=Execution(plateau_after=30))
        train(config, Alike(), tmp_path)
        records = read_metrics(tmp_path / "metrics.jsonl")
        assert min(r["loss"] for r in records) > 0.55
        assert "has not left the plateau" in "".join(r.get("warning", "") for r in records)

    @pytest.mark.parametrize("pretext", PRETEXTS)
    def test_resumed_is_uninterrupted(self, pretext, tmp_path):
        source = ToyClips(32, size=16)
        config = pretext_config(pretext, horizontal_flip="joint", model=dataclasses.replace(NETWORK, mono=True))
        whole = train(config, source, tmp_path / "whole")
        train(config, source, tmp_path / "parts", stop_at=4)
        parts = train(config, source, tmp_path / "parts")
        for name, value in whole.state_dict().items():
            assert torch.equal(value, parts.state_dict()[name]), name
        same = [(tmp_path / run / "metrics.jsonl").read_bytes() for run in ("whole", "parts")]
        assert same[0] == same[1]

    def test_chunks_are_the_same_gradients_where_nothing_is_normalised(self, tmp_path, monkeypatch):
        """Batch normalisation keeps its running statistics: every clip by itself."""
        for kind in (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d):
            monkeypatch.setattr(kind, "train", lambda self, mode=True: torch.nn.Module.train(self, False))
        source = ToyClips(32, size=16)
        config = pretext_config("flip")
        whole = train(config, source, tmp_path / "whole")
        chunked = train(dataclasses.replace(config, execution=Execution(chunk=3)), source, tmp_path / "chunks")
        for name, value in whole.state_dict().items():
            torch.testing.assert_close(value, chunked.state_dict()[name], rtol=1e-4, atol=1e-6)

    def test_beginning_with_the_weights_of_another_training(self, tmp_path):
        source = ToyClips(32, size=16)
        first = train(pretext_config("mismatch"), source, tmp_path / "first")
        config = pretext_config("flip", start=str(tmp_path / "first"), seed=5)
        model = initial_model(config, ToyClips(32, size=16, seed=1))
        assert all(torch.equal(v, model.state_dict()[k]) for k, v in first.state_dict().items())
        train(config, source, tmp_path / "parts", stop_at=4)
        parts, whole = train(config, source, tmp_path / "parts"), train(config, source, tmp_path / "whole")
        assert all(torch.equal(v, parts.state_dict()[k]) for k, v in whole.state_dict().items())
        wider = dataclasses.replace(config, model=dataclasses.replace(NETWORK, width=16))
        with pytest.raises(AmbikitError, match=r"another recipe: model\.width is 16"):
            initial_model(wider, source)

    def test_a_curriculum_of_pretexts(self, tmp_path):
        phases = tuple(Phase(p, steps=2, clips=8, views=1) for p in ("mismatch", "flip"))
        phases = (phases[0], dataclasses.replace(phases[1], carry_over="encoders"))
        train(pretext_config("flip", phases=phases), ToyClips(32, size=16), tmp_path)
        assert [r["phase"] for r in read_metrics(tmp_path / "metrics.jsonl")] == ["mismatch", "flip"]


class TestRecipes:
    def test_to_and_from_a_file(self):
        config = pretext_config("rotation", phases=(Phase("rotation", 1, 8, 1, turn=1.0),))
        mapping = to_mapping(config)
        assert mapping["model"]["kind"] == "CorrespondenceConfig"
        assert from_mapping(TrainingConfig, mapping) == config

    def test_checkpoints_are_opened_as_what_they_are(self, tmp_path):
        model = train(pretext_config("flip"), ToyClips(16, size=16), tmp_path / "flip")
        loaded, recipe = load_correspondence(tmp_path / "flip")
        assert recipe == load_recipe(tmp_path / "flip" / "checkpoints" / "step-000006")[0]
        assert all(torch.equal(v, loaded.state_dict()[k]) for k, v in model.state_dict().items())
        with pytest.raises(AmbikitError, match="load_correspondence"):
            load_model(tmp_path / "flip")
        phases = (Phase("avc", steps=1, clips=8, views=1),)
        train(toy_config(phases=phases), ToyClips(16), tmp_path / "avc")
        with pytest.raises(AmbikitError, match="load_model"):
            load_correspondence(tmp_path / "avc")

    def test_frames_of_a_sound_alone(self):
        config = pretext_config("flip", clip=ClipConfig(size=16, frames=18, frame_rate=6.0, duration=3.0), sound=STEREO)
        model = config.build_model()
        assert model.hear(torch.zeros(1, 2, 8, 150)).shape[-1] == 18  # 3 s at a hop of 20 ms
        assert model.hear(torch.zeros(1, 2, 8, 50)).shape[-1] == 6

    def test_what_cannot_be(self):
        with pytest.raises(AmbikitError, match=r"expected CorrespondenceConfig.*model\.kind"):
            pretext_config("flip", model=ModelConfig())
        with pytest.raises(AmbikitError, match="expected ModelConfig"):
            toy_config(model=NETWORK)
        with pytest.raises(AmbikitError, match="nothing has a side"):
            pretext_config("flip", sound=dataclasses.replace(SOUND, format="foa_log_mel"))
        with pytest.raises(AmbikitError, match="asked once"):
            Phase("flip", 1, 8, 1, moments=2)
        with pytest.raises(AmbikitError, match="mismatch with one clip"):
            Phase("mismatch", 1, 1, 1)
        with pytest.raises(AmbikitError, match="momentum=1"):
            pretext_config("flip", momentum=1.0)
        with pytest.raises(AmbikitError, match="got grid=0"):
            pretext_config("flip", model=CorrespondenceConfig(grid=0)).build_model()
        with pytest.raises(AmbikitError, match="video_weights='X' for the video encoder 'small'"):
            pretext_config("flip", model=CorrespondenceConfig(video_weights="X")).build_model()
        with pytest.raises(AmbikitError, match="could not load"):
            pretext_config("flip", model=CorrespondenceConfig(video="resnet18", video_weights="X")).build_model()
