import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from ambikit.errors import AmbikitError
from ambikit_models.downstream.alignment.binary import CONDITIONS, evaluate_binary
from ambikit_models.downstream.alignment.oracle import inside_views, oracle_alignment
from ambikit_models.downstream.probing.embeddings import embed, other_videos
from ambikit_models.downstream.probing.heads import HeadConfig, fit_head
from ambikit_models.downstream.probing.statistics import bootstrap, chance_probability, mean_over_scenes
from ambikit_models.downstream.recognition.classes import average_precision, evaluate_classes
from ambikit_models.panorama.viewpoints import RandomViewpoints, Viewpoints
from tests.ambikit_models.toy import ToyClips

CHOOSER = RandomViewpoints(spacing="even", field_of_view=(1.0, 1.2))
HEAD = HeadConfig(hidden=64, dropout=0.0, epochs=60, batch=64, learning_rate=3e-3)


class KnowsEverything(nn.Module):
    """Not a network: reads the direction and the colour of the toy's object from picture and sound."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def embed_video(self, video):
        colour = video[..., 0, -1, -1]
        # colour × (1 + cosine) / 2; the ratios of the colours identify the clip, the size tells the cosine
        return torch.cat([colour, colour / colour.sum(-1, keepdim=True).clamp(min=1e-3)], -1)

    def embed_audio(self, audio):
        return torch.cat([audio[..., 0, :3, 0], audio[..., 4:6, 0, 0]], -1)

    def video_to_audio(self, video):
        return video


class HearsNothing(KnowsEverything):
    """The same with deaf ears."""

    def embed_audio(self, audio):
        return torch.zeros_like(super().embed_audio(audio))


def embeddings(model, clips, seed):
    conditions = ("own", "own_turned", "other", "other_turned")
    return embed(model, clips, np.arange(len(clips)), CHOOSER, conditions=conditions, views=4, seed=seed)


@pytest.fixture(scope="module")
def measured():
    model, train, test = KnowsEverything(), ToyClips(400, seed=1), ToyClips(200, seed=2)
    return model, [embeddings(model, train, 3), embeddings(model, train, 4)], embeddings(model, test, 5)


class TestEmbeddings:
    def test_conditions_are_what_they_say(self, measured):
        _, _, test = measured
        own, turned = test.audio["own"], test.audio["own_turned"]
        assert torch.equal(own[..., :3], turned[..., :3])  # the same sound ...
        assert not torch.allclose(own[..., 3:], turned[..., 3:])  # ... from elsewhere
        assert not torch.allclose(own[..., :3], test.audio["other"][..., :3])
        # every clip hears a different clip, and each is heard once
        assert sorted(map(tuple, test.audio["other"][:, 0, :3].tolist())) == sorted(map(tuple, own[:, 0, :3].tolist()))

    def test_the_other_clip_is_of_another_video(self):
        videos = np.repeat(np.arange(5), [1, 2, 3, 4, 10])
        for seed in range(20):
            partners = other_videos(videos, np.random.default_rng(seed))
            assert sorted(partners) == list(range(20))
            assert (videos[partners] != videos).all()
        with pytest.raises(AmbikitError, match="11 are of one video"):
            other_videos(np.repeat([0, 1], [9, 11]), np.random.default_rng(0))

    def test_the_seed_decides_and_blocks_do_not(self):
        model, clips = KnowsEverything(), ToyClips(20)
        one = embed(model, clips, np.arange(20), CHOOSER, views=2, seed=7, block=20)
        two = embed(model, clips, np.arange(20), CHOOSER, views=2, seed=7, block=3)
        other = embed(model, clips, np.arange(20), CHOOSER, views=2, seed=8)
        assert torch.equal(one.video, two.video)
        assert torch.equal(one.audio["own"], two.audio["own"])
        assert not torch.equal(one.video, other.video)

    def test_the_protocol(self):
        assert CONDITIONS == {
            "avc": ("own", "other"),
            "avsa": ("own", "own_turned"),
            "shuffled": ("other", "other_turned"),
        }


class TestBinary:
    def test_an_observer_who_knows_is_mostly_right_and_more_views_help(self, measured):
        result = evaluate_binary(*measured, "avsa", head=HEAD)
        assert result.accuracy[4].value > 0.8
        assert result.accuracy[4].value > result.accuracy[1].value
        assert result.chance[4] < 1e-6
        assert set(np.unique(result.correct[4])) <= {0.0, 0.5, 1.0}

    def test_shuffled_sound_is_chance(self, measured):
        result = evaluate_binary(*measured, "shuffled", head=HEAD, views=(4,))
        assert result.chance[4] >= 0.001

    def test_deaf_ears_are_exactly_one_half(self):
        model, train, test = HearsNothing(), ToyClips(60, seed=1), ToyClips(50, seed=2)
        result = evaluate_binary(model, [embeddings(model, train, 3)], embeddings(model, test, 5), "avsa", head=HEAD)
        assert result.accuracy[4].value == 0.5
        assert result.chance[4] == 1.0


class TestHeads:
    def test_a_linear_head_separates_what_is_linear(self):
        torch.manual_seed(0)
        x = torch.randn(400, 5)
        y = (x @ torch.tensor([1.0, -2.0, 0.0, 0.5, 0.0]) > 0).float()[:, None]
        head = fit_head(x[:300], y[:300], HeadConfig(hidden=0, dropout=0.0, epochs=60, learning_rate=5e-2))
        assert ((head(x[300:]) > 0).float() == y[300:]).float().mean() > 0.93

    def test_it_depends_on_its_seed_only(self):
        x, y = torch.randn(64, 3), torch.ones(64, 1)
        torch.manual_seed(1)
        one = fit_head(x, y, HeadConfig(epochs=2), seed=4)(x)
        torch.manual_seed(2)
        assert torch.equal(one, fit_head(x, y, HeadConfig(epochs=2), seed=4)(x))

    def test_constant_inputs_are_harmless(self):
        x = torch.cat([torch.randn(32, 2), torch.full((32, 1), 7.0)], 1)
        assert torch.isfinite(fit_head(x, torch.zeros(32, 1), HeadConfig(epochs=1))(x)).all()


class TestClasses:
    def test_average_precision_against_scikit_learn(self):
        from sklearn.metrics import average_precision_score

        rng = np.random.default_rng(0)
        for _ in range(20):
            scores, truth = rng.normal(size=50), rng.random(50) < 0.3
            assert average_precision(scores, truth) == pytest.approx(average_precision_score(truth, scores))

    def test_a_readable_class_is_read(self):
        torch.manual_seed(0)
        classes = (torch.rand(800, 2, 3) < 0.4).float()
        inputs = torch.cat([classes, torch.randn(800, 2, 4)], -1)
        good = evaluate_classes(inputs[:600], classes[:600], inputs[600:], classes[600:])
        blind = evaluate_classes(inputs[:600, :, 3:], classes[:600], inputs[600:, :, 3:], classes[600:])
        assert good.value > 0.95
        assert abs(blind.value - 0.4) < 0.12
        assert blind.low <= blind.value <= blind.high


class TestStatistics:
    def test_the_interval_covers_as_often_as_it_says(self):
        rng = np.random.default_rng(0)
        covered = 0
        for _ in range(400):
            estimate = mean_over_scenes(rng.random(80))
            covered += estimate.low <= 0.5 <= estimate.high
        assert 0.91 < covered / 400 < 0.98

    def test_bootstrap_agrees_with_the_closed_form(self):
        values = np.random.default_rng(1).random(300)
        resampled = bootstrap(lambda rows: float(values[rows].mean()), 300, draws=400)
        exact = mean_over_scenes(values)
        assert resampled.value == pytest.approx(exact.value)
        assert resampled.high - resampled.low == pytest.approx(exact.high - exact.low, rel=0.15)

    def test_exact_binomial(self):
        assert chance_probability(10, 10) == pytest.approx(2 / 2**10)


class TestOracle:
    """Scenes of a sounding object of class 1 in front and a silent one of class 2 at 115°, 400 times."""

    def scene(self, **changes):
        values = {
            "azimuth": np.array([[0.0, 2.0]]),
            "elevation": np.zeros((1, 2)),
            "kind": np.array([[1, 2]]),
            "present": np.ones((1, 2), bool),
            "sounding": np.array([[True, False]]),
        }
        return {k: np.repeat(v, 400, axis=0) for k, v in {**values, **changes}.items()}

    def views(self, azimuth):
        views = torch.tensor([azimuth], dtype=torch.float64).repeat(400, 1)
        return Viewpoints(views, torch.zeros_like(views), torch.full_like(views, np.pi / 2 - 1e-3))

    def test_seeing_everywhere_it_misses_only_turns_below_its_exactness(self):
        whole = self.views([0.0, np.pi / 2, np.pi, -np.pi / 2])
        assert oracle_alignment(**self.scene(), viewpoints=whole).value > 0.99

    def test_looking_away_it_knows_only_what_comes_into_view(self):
        # the source is behind the camera: aligned pairs are a coin; of the turned ones a quarter enters the view
        away = self.scene(azimuth=np.array([[np.pi, 2.0]]))
        estimate = oracle_alignment(**away, viewpoints=self.views([0.0]))
        assert estimate.value == pytest.approx((0.5 + 0.5 * 0.75 + 0.25) / 2, abs=0.05)

    def test_a_silent_twin_in_view_deceives_it(self):
        # the sounding object is behind, its silent twin in front: what is seen is not heard there, so the rule says
        # misaligned, always: half of the answers are right
        twins = self.scene(azimuth=np.array([[np.pi, 0.0]]), kind=np.array([[1, 1]]))
        assert oracle_alignment(**twins, viewpoints=self.views([0.0])).value == pytest.approx(0.5, abs=0.01)

    def test_empty_slots_are_not_seen(self):
        ghosts = self.scene(
            azimuth=np.array([[np.pi, 0.0]]), kind=np.array([[1, 1]]), present=np.array([[True, False]])
        )
        alone = self.scene(azimuth=np.array([[np.pi, 2.0]]))
        one, other = (oracle_alignment(**scene, viewpoints=self.views([0.0])).value for scene in (ghosts, alone))
        assert one == other

    def test_views_are_square_and_gnomonic(self):
        view = Viewpoints(*(torch.tensor([[v]], dtype=torch.float64) for v in (1.0, 0.5, 1.2)))
        import ambikit

        rays = ambikit.crop_rays(1.0, 0.5, 1.2, 9).reshape(-1, 3)
        azimuth, elevation = ambikit.vectors_to_angles(rays)
        assert inside_views(azimuth[None], elevation[None], view).all()
        outside = ambikit.crop_rays(1.0, 0.5, 1.7, 9)
        border = np.concatenate([outside[0], outside[-1], outside[:, 0], outside[:, -1]])
        azimuth, elevation = ambikit.vectors_to_angles(border)
        assert not inside_views(azimuth[None], elevation[None], view).any()


def test_estimates_print_as_percent():
    assert str(dataclasses.replace(mean_over_scenes(np.array([0.0, 1.0])), low=0.4, high=0.6)) == "50.0 ±10.0"
