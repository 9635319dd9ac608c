import dataclasses
import json

import numpy as np
import pytest
import torch

from ambikit.errors import AmbikitError, FileError
from ambikit_models.alignment import AlignmentModel
from ambikit_models.objectives.avsa import AVSA
from ambikit_models.panorama.viewpoints import RandomViewpoints
from ambikit_models.training import augmentation, checkpoints
from ambikit_models.training.augmentation import flip_jointly
from ambikit_models.training.checkpoints import latest_checkpoint, load_model
from ambikit_models.training.config import Phase
from ambikit_models.training.loop import train
from ambikit_models.training.sampling import clip_indices, spare_clips
from tests.ambikit_models.test_objectives import toy_batch
from tests.ambikit_models.toy import SOUND, ToyClips, toy_config


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_same_weights(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


class TestTraining:
    def test_it_overfits_one_batch(self):
        model, batch = toy_batch()
        optimizer = torch.optim.Adam(model.parameters(), 3e-3)
        losses = []
        for _ in range(60):
            loss, _ = AVSA(temperature=0.1)(model, batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[0] > 2.5  # chance is log 18 = 2.9
        assert losses[-1] < 0.5

    def test_it_logs_and_leaves_a_checkpoint_that_loads(self, tmp_path):
        seen = []
        trained = train(toy_config(), ToyClips(), tmp_path, report=seen.append)
        records = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
        assert [r["step"] for r in records] == [2, 4, 6, 8, 10, 12]
        assert [r["phase"] for r in records] == ["avc"] * 3 + ["avsa"] * 3
        assert [r["step"] for r in seen] == [2, 4, 6, 8, 10, 12]
        loaded, config = load_model(tmp_path)
        assert config == toy_config()
        assert_same_weights(weights(trained), weights(loaded))

    @pytest.mark.parametrize("stop", [3, 4, 6, 9])
    def test_resumed_equals_uninterrupted_bit_for_bit(self, tmp_path, stop):
        whole = train(toy_config(), ToyClips(), tmp_path / "whole")
        train(toy_config(), ToyClips(), tmp_path / "parts", stop_at=stop)
        assert latest_checkpoint(tmp_path / "parts" / "checkpoints").name == f"step-{stop:06d}"
        resumed = train(toy_config(), ToyClips(), tmp_path / "parts")
        assert_same_weights(weights(whole), weights(resumed))

    def test_the_seed_decides(self, tmp_path):
        one = train(toy_config(), ToyClips(), tmp_path / "one")
        same = train(toy_config(), ToyClips(), tmp_path / "same")
        other = train(toy_config(seed=1), ToyClips(), tmp_path / "other")
        assert_same_weights(weights(one), weights(same))
        assert not torch.equal(one.video_head.weight, other.video_head.weight)

    def test_a_finished_run_is_not_trained_again(self, tmp_path):
        first = train(toy_config(), ToyClips(), tmp_path)
        before = (tmp_path / "metrics.jsonl").read_text()
        again = train(toy_config(), ToyClips(), tmp_path)
        assert (tmp_path / "metrics.jsonl").read_text() == before
        assert_same_weights(weights(first), weights(again))

    def test_a_crash_between_checkpoints_leaves_no_step_twice(self, tmp_path):
        whole = train(toy_config(), ToyClips(), tmp_path / "whole")
        steps = []

        def crash(record):
            steps.append(record["step"])
            if record["step"] == 6:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(toy_config(), ToyClips(), tmp_path / "crashed", report=crash)
        assert latest_checkpoint(tmp_path / "crashed" / "checkpoints").name == "step-000004"
        resumed = train(toy_config(), ToyClips(), tmp_path / "crashed")
        assert_same_weights(weights(whole), weights(resumed))
        both = [(tmp_path / name / "metrics.jsonl").read_text().splitlines() for name in ("whole", "crashed")]
        plain = [[{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines] for lines in both]
        assert plain[0] == plain[1]

    def test_mixed_precision(self, tmp_path):
        from lightning_fabric import Fabric

        fabric = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
        model = train(toy_config(), ToyClips(), tmp_path, fabric=fabric)
        assert all(torch.isfinite(p).all() for p in model.parameters())


class Recording(torch.optim.AdamW):
    """Remembers what each step was made with."""

    def __init__(self, parameters, **settings):
        super().__init__(parameters, **settings)
        Recording.settings, Recording.steps = settings, getattr(Recording, "steps", [])

    def step(self, *arguments, **settings):
        group = self.param_groups[0]
        norm = torch.stack([p.grad.norm() for p in group["params"] if p.grad is not None]).norm()
        Recording.steps.append((group["lr"], norm.item()))
        return super().step(*arguments, **settings)


class TestTheRecipeIsFollowed:
    def test_rates_decay_and_clipping_reach_the_optimiser(self, tmp_path, monkeypatch):
        monkeypatch.setattr(torch.optim, "AdamW", Recording)
        monkeypatch.setattr(Recording, "steps", [], raising=False)
        config = toy_config(weight_decay=0.03, betas=(0.8, 0.9), clip_gradient=1e-3)
        train(config, ToyClips(), tmp_path)
        assert Recording.settings["weight_decay"] == 0.03
        assert Recording.settings["betas"] == (0.8, 0.9)
        rates = [phase.rate_at(step) for phase in config.phases for step in range(phase.steps)]
        assert [rate for rate, _ in Recording.steps] == rates
        assert len(set(rates)) > 6
        assert all(norm <= 1.001e-3 for _, norm in Recording.steps)

    def test_flips_are_applied_to_half_of_the_clips(self, tmp_path, monkeypatch):
        seen = []

        def watched(batch, flipped, sound):
            seen.append(flipped)
            return flip_jointly(batch, flipped, sound)

        monkeypatch.setattr(augmentation, "flip_jointly", watched)
        flipped = train(toy_config(horizontal_flip="joint"), ToyClips(), tmp_path / "flipped")
        share = torch.cat(seen).float().mean()
        assert 0.3 < share < 0.7
        plain = train(toy_config(), ToyClips(), tmp_path / "plain")
        assert not torch.equal(flipped.video_head.weight, plain.video_head.weight)

    def test_features_are_standardised_by_what_was_measured(self, tmp_path):
        model = train(toy_config(), ToyClips(), tmp_path, stop_at=1)
        features = (
            ToyClips()
            .batch(np.arange(64), RandomViewpoints(views=1, spacing="even").draw(np.random.default_rng(0), 64))
            .audio
        )
        out = model.standardize(features)
        assert abs(out[:, :, 0].mean()) < 0.2
        assert 0.8 < out[:, :, 0].std() < 1.2

    @pytest.mark.parametrize(("kinds", "starts"), [("avc avsa", 1), ("avsa", 1), ("avsa avsa", 1), ("avc", 0)])
    def test_alignment_begins_once(self, kinds, starts, tmp_path, monkeypatch):
        calls = []
        monkeypatch.setattr(AlignmentModel, "start_alignment", lambda self: calls.append(1))
        phases = tuple(Phase(kind, steps=2, clips=8, views=2) for kind in kinds.split())
        train(toy_config(phases=phases), ToyClips(), tmp_path)
        assert len(calls) == starts


class TestSampling:
    def test_every_clip_once_per_epoch(self):
        videos = np.arange(64)
        epoch = np.concatenate([clip_indices(3, step, 16, videos) for step in range(4)])
        assert sorted(epoch) == list(range(64))
        assert list(clip_indices(3, 4, 16, videos)) != list(clip_indices(3, 0, 16, videos))

    def test_every_video_once_per_epoch_with_any_of_its_clips(self):
        videos = np.repeat(np.arange(8), [1, 1, 1, 1, 2, 3, 50, 100])
        seen = set()
        for epoch in range(60):
            indices = np.concatenate([clip_indices(0, 2 * epoch + half, 4, videos) for half in range(2)])
            assert sorted(videos[indices]) == list(range(8))
            seen |= set(indices)
        assert {0, 1, 2, 3, 4, 5, 6, 7, 8} <= seen  # every clip of the small ones
        assert len(seen) > 60  # and many of the large ones

    def test_replacements_are_other_videos_and_each_for_one_clip_alone(self):
        videos = np.repeat(np.arange(30), 3)
        for step in range(8):
            batch, spare = clip_indices(0, step, 8, videos), spare_clips(0, step, 8, videos, tries=2)
            every = np.concatenate([batch, spare.ravel()])
            assert spare.shape == (8, 2)
            assert len(set(videos[every])) == 24

    def test_replacements_where_videos_are_few(self):
        spare = spare_clips(0, 0, 8, np.arange(11), tries=2)
        assert sorted(spare.ravel())[13:] == sorted(set(range(11)) - set(clip_indices(0, 0, 8, np.arange(11))))
        assert (spare[:, 1] == -1).all()

    def test_training_tells_what_may_be_replaced_by_what(self, tmp_path):
        told = []

        class Replacing(ToyClips):
            replaces = True

            def batch(self, indices, viewpoints, *, spare=None, **settings):
                told.append(spare)
                return super().batch(indices, viewpoints, **settings)

        train(toy_config(), Replacing(), tmp_path, stop_at=2)
        assert told[0] is None  # the statistics of the features
        for step in range(2):
            assert np.array_equal(told[1 + step], spare_clips(0, step, 16, np.arange(64)))

    def test_too_few_videos(self):
        with pytest.raises(AmbikitError, match="5 clips of 2 videos for batches of 3"):
            clip_indices(0, 0, 3, np.array([0, 0, 1, 1, 1]))


class TestFlip:
    def test_picture_and_sound_change_sides_together(self):
        _, batch = toy_batch()
        flipped = torch.tensor([True, False, True, False, False, False])
        out = flip_jointly(batch, flipped, SOUND)
        assert torch.equal(out.video[1], batch.video[1])
        assert torch.equal(out.video[0], batch.video[0].flip(-1))
        assert torch.equal(out.audio[0, :, 5], -batch.audio[0, :, 5])
        assert torch.equal(out.audio[0, :, [0, 1, 2, 3, 4, 6]], batch.audio[0, :, [0, 1, 2, 3, 4, 6]])
        assert torch.equal(out.audio[1], batch.audio[1])

    def test_stereo_channels_change_places(self):
        _, batch = toy_batch()
        stereo = dataclasses.replace(batch, audio=batch.audio[:, :, :2] + torch.arange(2.0)[:, None, None])
        flipped = torch.tensor([True, False, True, False, False, False])
        out = flip_jointly(stereo, flipped, dataclasses.replace(SOUND, format="stereo"))
        assert torch.equal(out.audio[0, :, 0], stereo.audio[0, :, 1])
        assert torch.equal(out.audio[0, :, 1], stereo.audio[0, :, 0])
        assert torch.equal(out.audio[1], stereo.audio[1])


class TestBadInput:
    def test_another_recipe(self, tmp_path):
        train(toy_config(), ToyClips(), tmp_path, stop_at=3)
        with pytest.raises(AmbikitError, match="seed is 5, the checkpoint has 0"):
            train(toy_config(seed=5), ToyClips(), tmp_path)

    def test_a_full_disk_leaves_the_old_checkpoint(self, tmp_path, monkeypatch):
        train(toy_config(), ToyClips(), tmp_path, stop_at=4)
        before = weights(load_model(tmp_path)[0])
        real = checkpoints.save_file

        def full(tensors, path):
            if "optimizer" in str(path):
                raise OSError(28, "No space left on device")
            real(tensors, path)

        monkeypatch.setattr(checkpoints, "save_file", full)
        with pytest.raises(FileError, match="No space left.*earlier checkpoints are untouched"):
            train(toy_config(), ToyClips(), tmp_path)
        monkeypatch.undo()
        folder = tmp_path / "checkpoints"
        assert [p.name for p in folder.iterdir()] == ["step-000004"]
        assert_same_weights(before, weights(load_model(tmp_path)[0]))
        train(toy_config(), ToyClips(), tmp_path)

    def test_a_truncated_checkpoint(self, tmp_path):
        train(toy_config(), ToyClips(), tmp_path, stop_at=4)
        file = tmp_path / "checkpoints" / "step-000004" / "weights.safetensors"
        file.write_bytes(file.read_bytes()[:100])
        with pytest.raises(FileError, match="complete safetensors file"):
            load_model(tmp_path)

    def test_no_checkpoint(self, tmp_path):
        with pytest.raises(FileError, match="expected a folder written by training"):
            load_model(tmp_path)

    def test_other_clips_in_the_same_folder(self, tmp_path):
        class Named(ToyClips):
            identity = "concerts"

        train(toy_config(), Named(), tmp_path, stop_at=2)
        Named.identity = "walks"
        with pytest.raises(AmbikitError, match="other clips than those"):
            train(toy_config(), Named(), tmp_path)

    def test_more_processes_than_fabric_knows(self, tmp_path, monkeypatch):
        monkeypatch.setenv("WORLD_SIZE", "2")
        with pytest.raises(AmbikitError, match="2 processes and a Fabric of one"):
            train(toy_config(), ToyClips(), tmp_path)

    def test_checkpoints_are_sorted_by_number(self, tmp_path):
        for step in (999_800, 1_000_000):
            (tmp_path / f"step-{step:06d}").mkdir()
            (tmp_path / f"step-{step:06d}" / "recipe.json").touch()
        assert latest_checkpoint(tmp_path).name == "step-1000000"

    def test_weights_of_another_model(self, tmp_path):
        train(toy_config(), ToyClips(), tmp_path / "a", stop_at=2)
        config = toy_config(model=dataclasses.replace(toy_config().model, width=12))
        train(config, ToyClips(), tmp_path / "b", stop_at=2)
        target = tmp_path / "a" / "checkpoints" / "step-000002"
        source = tmp_path / "b" / "checkpoints" / "step-000002"
        (target / "weights.safetensors").write_bytes((source / "weights.safetensors").read_bytes())
        with pytest.raises(FileError, match="do not fit the model"):
            load_model(target)
