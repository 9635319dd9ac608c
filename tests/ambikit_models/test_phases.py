import dataclasses
import math

import numpy as np
import pytest
import torch

from ambikit.errors import AmbikitError
from ambikit_models.objectives.avc import AVC
from ambikit_models.objectives.avsa import AVSA
from ambikit_models.objectives.avts import AVTS
from ambikit_models.objectives.regression import Regression
from ambikit_models.training.loop import train
from ambikit_models.training.moments import choose_views, draw_moments
from ambikit_models.training.phases import Phase
from ambikit_models.training.sampling import generator_for
from tests.ambikit_models.toy import ToyClips, toy_config


def everyone(x):
    return x, 0


class TestObjectives:
    def test_a_phase_hands_its_settings_on(self):
        assert Phase("avc", 1, 8, 1, temperature=0.3, translated=True).build(everyone) == AVC(0.3, True, everyone)
        phase = Phase("avsa", 1, 8, 4, temperature=0.2, candidates="own_views", within_clip=0.5)
        assert phase.build(everyone) == AVSA(0.2, "own_views", 0.5, everyone)
        phase = Phase("avts", 1, 8, 1, moments=4, temperature=0.2, candidates="other_clips", translated=True)
        assert phase.build(everyone) == AVTS(0.2, "other_clips", True, everyone)
        assert Phase("regression", 1, 8, 4).build(everyone) == Regression()

    @pytest.mark.parametrize(
        ("phase", "expected"),
        [
            (Phase("avc", 1, 64, 4), math.log(64)),
            (Phase("avsa", 1, 16, 4), math.log(64)),
            (Phase("avsa", 1, 16, 4, candidates="same_view_of_others"), math.log(19)),
            (Phase("avsa", 1, 16, 4, candidates="own_views"), math.log(4)),
            (Phase("avsa", 1, 16, 4, candidates="other_clips"), math.log(61)),
            (Phase("avsa", 1, 16, 4, within_clip=0.5), math.log(64) + 0.5 * math.log(4)),
            (Phase("avsa", 1, 16, 2, moments=3), math.log(96)),
            (Phase("avts", 1, 16, 1, moments=4), math.log(64)),
            (Phase("avts", 1, 16, 1, moments=4, candidates="own_views", within_clip=7.0), math.log(4)),
            (Phase("regression", 1, 16, 4), 1.0),
        ],
    )
    def test_chance_is_what_an_ignorant_model_loses(self, phase, expected):
        assert phase.chance_loss == pytest.approx(expected)

    def test_what_cannot_be(self):
        with pytest.raises(AmbikitError, match="avts with one moment"):
            Phase("avts", 1, 8, 4)
        with pytest.raises(AmbikitError, match="nothing to choose"):
            Phase("avsa", 1, 8, 1, candidates="own_views")
        with pytest.raises(AmbikitError, match="moments=0"):
            Phase("avsa", 1, 8, 1, moments=0)
        with pytest.raises(AmbikitError, match=r"model\.regression: true"):
            toy_config(phases=(Phase("regression", 1, 8, 4),))


class TestRates:
    def test_warm_up_and_cosine(self):
        phase = Phase("avc", 100, 8, 1, learning_rate=2.0, warm_up=10, final_learning_rate=0.1)
        assert phase.rate_at(0) == pytest.approx(0.2)
        assert phase.rate_at(9) == pytest.approx(2.0)
        assert phase.rate_at(55) == pytest.approx(2.0 * 0.55)
        assert phase.rate_at(100) == pytest.approx(0.2)


class TestCurriculum:
    def test_all_goes_on_and_heads_begin_as_copies(self):
        model = toy_config().model.build(toy_config().sound)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        Phase("avsa", 1, 8, 2).begin(model, Phase("avc", 1, 8, 1), 0)
        after = model.state_dict()
        changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
        assert changed == {"predicted_video_head", "predicted_audio_head"}
        assert torch.equal(model.predicted_video_head.weight, model.audio_head.weight)

    def test_encoders_only(self):
        model = toy_config().model.build(toy_config().sound)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        Phase("avsa", 1, 8, 2, carry_over="encoders").begin(model, Phase("avc", 1, 8, 1), 0)
        after = model.state_dict()
        kept = {name for name in before if name.split(".")[0] in ("video_encoder", "audio_encoder", "standardize")}
        assert all(torch.equal(before[name], after[name]) for name in kept)
        renewed = {name for name in set(before) - kept if "norm" not in name}
        assert not any(torch.equal(before[name], after[name]) for name in renewed)
        assert not torch.equal(model.predicted_video_head.weight, model.audio_head.weight)

    def test_what_begins_anew_is_decided_by_the_seed(self):
        states = []
        for seed in (1, 1, 2):
            model = toy_config().model.build(toy_config().sound)
            Phase("avsa", 1, 8, 2, carry_over="encoders").begin(model, Phase("avc", 1, 8, 1), seed)
            states.append(model.video_head.weight)
        assert torch.equal(states[0], states[1])
        assert not torch.equal(states[0], states[2])

    @pytest.mark.parametrize(("kinds", "starts"), [("avc avsa", 1), ("avsa", 1), ("avsa avsa", 1), ("avc", 0)])
    def test_alignment_begins_once(self, kinds, starts, monkeypatch):
        model = toy_config().model.build(toy_config().sound)
        calls = []
        monkeypatch.setattr(type(model), "start_alignment", lambda self: calls.append(1))
        phases = [Phase(kind, steps=2, clips=8, views=2) for kind in kinds.split()]
        for before, phase in zip([None, *phases], phases):
            phase.begin(model, before, 0)
        assert len(calls) == starts


class TestMoments:
    @pytest.mark.parametrize("separation", [0.0, 0.1, 0.3])
    def test_they_keep_apart(self, separation):
        moments = draw_moments(np.random.default_rng(0), 4, np.full(500, separation))
        assert moments.min() >= 0
        assert moments.max() <= 1
        assert np.diff(np.sort(moments, axis=1)).min() >= separation - 1e-12
        assert moments.mean() == pytest.approx(0.5, abs=0.01)
        assert abs(np.corrcoef(moments[:, 0], moments[:, 1])[0, 1]) < 0.5  # and in no order

    def test_a_short_clip_is_used_whole(self):
        moments = np.sort(draw_moments(np.random.default_rng(0), 3, np.array([0.5, 0.8, 20.0])), axis=1)
        np.testing.assert_allclose(moments, [[0, 0.5, 1]] * 3)

    def test_excerpts_do_not_overlap_by_default(self):
        # 4 s clips, 1 s excerpts: beginnings lie in the first 3 s, at least 1 s apart
        phase = Phase("avts", 1, 6, 2, moments=3)
        viewpoints, moments = choose_views(
            phase, toy_config().viewpoints, ToyClips(), np.arange(6), generator_for(0), excerpt=1.0
        )
        assert viewpoints.views == moments.shape[1] == phase.rows == 6
        assert torch.equal(viewpoints.azimuth[:, 0], viewpoints.azimuth[:, 2])
        assert not torch.equal(viewpoints.azimuth[:, 2], viewpoints.azimuth[:, 3])
        assert torch.equal(moments[:, :3], moments[:, 3:])
        assert (moments[:, :3].sort(dim=1).values.diff() * 3 >= 1 - 1e-9).all()

    def test_one_moment_is_left_to_the_source(self):
        _, moments = choose_views(
            Phase("avsa", 1, 6, 2), toy_config().viewpoints, ToyClips(), np.arange(6), generator_for(0), excerpt=1.0
        )
        assert moments is None

    def test_clips_too_short(self):
        with pytest.raises(AmbikitError, match="clips of 4 s for 2 moments of 4 s"):
            choose_views(
                Phase("avts", 1, 6, 1, moments=2), toy_config().viewpoints, ToyClips(), np.arange(6), generator_for(0),
                excerpt=4.0,
            )  # fmt: skip


PHASES = {
    "avc of several crops": Phase("avc", 6, 8, 4, learning_rate=1e-3),
    "avc translated": Phase("avc", 6, 8, 2, translated=True, learning_rate=1e-3),
    "avts": Phase("avts", 6, 8, 1, moments=3, learning_rate=1e-3),
    "avts translated": Phase("avts", 6, 8, 1, moments=2, translated=True, learning_rate=1e-3),
    "space and time": Phase("avsa", 6, 8, 2, moments=2, learning_rate=1e-3),
    "hard only": Phase("avsa", 6, 8, 8, candidates="own_views", learning_rate=1e-3),
    "easy only": Phase("avsa", 6, 8, 1, candidates="other_clips", carry_over="encoders", learning_rate=1e-3),
    "regression": Phase("regression", 6, 8, 4, learning_rate=1e-3),
}


class TestInTheLoop:
    @pytest.mark.parametrize("name", PHASES)
    def test_it_trains_and_resumes_bit_for_bit(self, name, tmp_path):
        model = dataclasses.replace(toy_config().model, regression=True, translation_dropout=0.1)
        config = toy_config(phases=(Phase("avc", 2, 8, 1), PHASES[name]), model=model)
        whole = train(config, ToyClips(), tmp_path / "whole")
        train(config, ToyClips(), tmp_path / "parts", stop_at=5)
        resumed = train(config, ToyClips(), tmp_path / "parts")
        for key, value in whole.state_dict().items():
            assert torch.equal(value, resumed.state_dict()[key]), key
