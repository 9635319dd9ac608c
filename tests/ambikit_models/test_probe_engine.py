"""The engine of the downstream tasks: losses, schedules, heads, tuning and folds, on cases whose answer is known."""

import math
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from ambikit.errors import AmbikitError
from ambikit_models.downstream.probing.examples import Inputs, Part, encode, read_each
from ambikit_models.downstream.probing.fine_tuning import PAPER, Frozen, TuningConfig, fine_tune, fit_network
from ambikit_models.downstream.probing.fitting import FitConfig, fit, seeded
from ambikit_models.downstream.probing.folds import given_folds, group_folds
from ambikit_models.downstream.probing.heads import LINEAR, HeadConfig, fit_head
from ambikit_models.downstream.probing.losses import Classes, Directions, EventVectors, YesNo
from ambikit_models.downstream.probing.schedules import Cosine, MultiStep
from ambikit_models.downstream.probing.statistics import mean_over_scenes
from ambikit_models.seld.adpit import adpit_loss
from ambikit_models.training.config import from_mapping, to_mapping


class GivenExamples:
    """Examples whose sound is a few numbers and whose class is written in one of them."""

    def __init__(self, count, seed=0, pieces=2):
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, 2, count)
        self.targets = torch.from_numpy(truth)[:, None].repeat(1, pieces)
        self.groups = np.arange(count)
        values = rng.normal(size=(count, pieces, 3))
        values[..., 0] += 3.0 * (2 * truth[:, None] - 1)
        self.values = torch.from_numpy(values).float()
        self.asked = []

    def __len__(self):
        return len(self.values)

    def inputs(self, rows, generator=None):
        self.asked.append(generator is not None)
        return Inputs(audio=self.values[rows])


class LooksAway(nn.Module):
    """An encoder with a normalisation that does not see where the class is written, until it is tuned."""

    def __init__(self):
        super().__init__()
        with seeded(3):
            self.first, self.norm = nn.Linear(3, 8), nn.BatchNorm1d(8)
        with torch.no_grad():
            self.first.weight[:, 0] = 0

    def forward(self, inputs):
        values = self.first(inputs.audio)
        return self.norm(values.flatten(0, 1)).view_as(values).relu()


def accuracy(answers, examples):
    return (answers.mean(1).argmax(-1) == examples.targets[:, 0]).double().numpy()


class TestLosses:
    def test_classes_by_hand(self):
        logits = torch.tensor([[[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]]])
        probability = math.exp(2) / (math.exp(2) + 1 + math.exp(-1))
        expected = (-math.log(probability) + math.log(3)) / 2
        assert Classes()(logits, torch.tensor([[0, 2]])).item() == pytest.approx(expected)

    def test_smoothing_spreads_the_target(self):
        logits = torch.tensor([[2.0, 0.0, -1.0, 0.5]])
        spread = torch.full((1, 4), 0.05)
        spread[0, 0] += 0.8
        expected = -(spread * functional.log_softmax(logits, -1)).sum()
        assert Classes(label_smoothing=0.2)(logits, torch.tensor([0])).item() == pytest.approx(expected.item())

    def test_what_is_not_asked_does_not_count(self):
        maps = torch.randn(2, 1, 5, 5, 3, generator=torch.Generator().manual_seed(0))
        truth = torch.randint(0, 3, (2, 1, 5, 5), generator=torch.Generator().manual_seed(1))
        known = truth.clone()
        known[:, :, 2:] = -1
        assert torch.isclose(Classes()(maps, known), Classes()(maps[:, :, :2], truth[:, :, :2]))

    def test_directions_have_no_jump(self):
        """179° against −179° is as near as 1° against −1°."""

        def vector(degrees):
            return torch.tensor([[math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]])

        near, across = (Directions()(vector(a), vector(-a)).item() for a in (1.0, 179.0))
        assert near == pytest.approx(across, rel=1e-4)
        assert near == pytest.approx(2 * math.sin(math.radians(1)) ** 2, rel=1e-4)

    def test_event_vectors_are_the_adpit_loss(self):
        outputs, targets = torch.randn(2, 4, 5, 2 * 3 * 3), torch.zeros(2, 4, 5, 2 * 3 * 3)
        targets[..., :3] = torch.tensor([0.0, 1.0, 0.0])
        as_frames = (x.view(-1, 2, 3, 3, 1) for x in (outputs, targets))
        assert torch.isclose(EventVectors(3, tracks=2)(outputs, targets), adpit_loss(*as_frames))


class TestSchedules:
    def rates(self, schedule, epochs):
        seen = []
        parameter = nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.SGD([parameter], lr=1.0)
        attached = schedule.attach(optimizer, epochs, 3)
        for _ in range(epochs * 3):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            attached.step()
        return seen

    def test_steps_after_epochs(self):
        assert self.rates(MultiStep((2, 3), 0.1), 4) == pytest.approx([1] * 6 + [0.1] * 3 + [0.01] * 3)
        assert self.rates(MultiStep(), 2) == [1] * 6

    def test_half_a_cosine(self):
        expected = [(1 + math.cos(math.pi * step / 12)) / 2 for step in range(12)]
        assert self.rates(Cosine(), 4) == pytest.approx(expected)

    def test_wrong_milestones(self):
        with pytest.raises(AmbikitError, match=r"milestones=\(5, 2\)"):
            MultiStep((5, 2))

    @pytest.mark.parametrize("config", [PAPER, LINEAR, HeadConfig(schedule=MultiStep((3,)))])
    def test_all_are_plain_configuration(self, config):
        assert from_mapping(type(config), to_mapping(config)) == config

    def test_the_paper(self):
        """Supplementary A.3: Adam, 100 epochs, 28 clips, 1e-4, decayed at 40, 60 and 80."""
        assert (PAPER.optimizer, PAPER.epochs, PAPER.batch, PAPER.learning_rate) == ("adam", 100, 28, 1e-4)
        assert PAPER.schedule == MultiStep((40, 60, 80), 0.1)
        assert (PAPER.hidden, PAPER.dropout, PAPER.encoder_rate) == (0, 0.0, 1.0)


class TestHeads:
    def gaussians(self, count, distance, seed):
        """Two classes at a distance in standard deviations: nobody can be right more often than Φ(distance / 2)."""
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, 2, count)
        x = rng.normal(size=(count, 6))
        direction = np.array([3.0, -2.0, 1.0, 0.0, 0.0, 2.0])
        x += np.outer(truth - 0.5, direction / np.linalg.norm(direction) * distance)
        return torch.from_numpy(x).float(), torch.from_numpy(truth)

    @pytest.mark.parametrize("distance", [0.0, 1.0, 2.0])
    def test_a_linear_probe_is_as_good_as_anybody_can_be(self, distance):
        x, y = self.gaussians(4000, distance, 0)
        head = fit_head(x, y, LINEAR, loss=Classes(), outputs=2)
        x, y = self.gaussians(4000, distance, 1)
        right = mean_over_scenes((head(x).argmax(-1) == y).double().numpy())
        best = 0.5 * (1 + math.erf(distance / 2 / math.sqrt(2)))
        assert right.low - 0.005 <= best <= right.high + 0.005

    def test_numbers_without_meaning_stay_at_chance(self):
        x, y = torch.randn(2000, 6, generator=torch.Generator().manual_seed(0)), torch.arange(2000) % 4
        head = fit_head(x[:1000], y[:1000], LINEAR, loss=Classes(), outputs=4)
        right = mean_over_scenes((head(x[1000:]).argmax(-1) == y[1000:]).double().numpy())
        assert right.low <= 0.25 <= right.high

    def test_a_hidden_layer_solves_what_a_line_cannot(self):
        x = torch.randn(3000, 2, generator=torch.Generator().manual_seed(0))
        y = ((x[:, 0] * x[:, 1]) > 0).long()
        linear, hidden = (
            fit_head(x[:2000], y[:2000], config, loss=Classes(), outputs=2)
            for config in (LINEAR, HeadConfig(hidden=32, dropout=0.0, learning_rate=1e-2))
        )
        right = [(head(x[2000:]).argmax(-1) == y[2000:]).double().mean().item() for head in (linear, hidden)]
        assert right[0] < 0.6
        assert right[1] > 0.93

    def test_pieces_are_examples_of_their_own(self):
        x, y = torch.randn(50, 3, 4), torch.randint(0, 2, (50, 3))
        one = fit_head(x, y, LINEAR, loss=Classes(), outputs=2)
        other = fit_head(x.flatten(0, 1), y.flatten(), LINEAR, loss=Classes(), outputs=2)
        assert torch.equal(one(x).flatten(0, 1), other(x.flatten(0, 1)))

    def test_directions(self):
        angle = torch.rand(800, generator=torch.Generator().manual_seed(0)) * 2 * math.pi
        targets = torch.stack([angle.cos(), angle.sin()], -1)
        mixed = targets @ torch.tensor([[1.0, 2.0, 0.5], [-1.0, 0.5, 3.0]])
        config = HeadConfig(hidden=0, dropout=0.0, epochs=200, learning_rate=2e-2)
        answers = fit_head(mixed[:600], targets[:600], config, loss=Directions())(mixed[600:])
        error = torch.atan2(answers[:, 1], answers[:, 0]) - angle[600:]
        assert torch.rad2deg(torch.atan2(error.sin(), error.cos()).abs()).max() < 3


class TestTuning:
    CONFIG = TuningConfig(epochs=6, batch=16, learning_rate=1e-2)

    def test_it_changes_the_encoder_and_beats_the_frozen_one(self):
        encoder, train, test = LooksAway(), GivenExamples(101, 0), GivenExamples(200, 1)
        before = {name: value.clone() for name, value in encoder.state_dict().items()}
        head = fit_head(encode(encoder, train), train.targets, LINEAR, loss=Classes(), outputs=2)
        tuned = fine_tune(encoder, train, 2, self.CONFIG, loss=Classes())
        assert accuracy(head(encode(encoder, test)), test).mean() < 0.6
        assert accuracy(encode(tuned, test), test).mean() > 0.98
        assert all(torch.equal(before[name], value) for name, value in encoder.state_dict().items())
        assert not torch.equal(tuned[0].first.weight, encoder.first.weight)
        assert train.asked[0] is False
        assert all(train.asked[-self.CONFIG.epochs * 7 :])

    @pytest.mark.cuda
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
    def test_on_a_gpu(self):
        encoder, train, test = LooksAway().cuda(), GivenExamples(101, 0), GivenExamples(200, 1)
        tuned = fine_tune(encoder, train, 2, self.CONFIG, loss=Classes())
        answers = encode(tuned, test)
        assert next(tuned.parameters()).is_cuda
        assert not answers.is_cuda
        assert accuracy(answers, test).mean() > 0.98

    def test_progress_is_told(self):
        told = []
        config = TuningConfig(epochs=3, batch=16, learning_rate=1e-2)
        fine_tune(LooksAway(), GivenExamples(64), 2, config, loss=Classes(), report=lambda *words: told.append(words))
        assert [words[:2] for words in told] == [(1, 3), (2, 3), (3, 3)]
        assert told[2][2] < told[0][2] < 1.5

    def test_the_seed_decides(self):
        encoder, train = LooksAway(), GivenExamples(40)
        runs = []
        for seed in (1, 1, 2):
            torch.manual_seed(len(runs))
            config = TuningConfig(epochs=2, batch=16, dropout=0.5)
            runs.append(encode(fine_tune(encoder, train, 2, config, loss=Classes(), seed=seed), train))
        assert torch.equal(runs[0], runs[1])
        assert not torch.equal(runs[0], runs[2])

    def test_an_encoder_rate_of_nothing_is_a_frozen_encoder(self):
        encoder, train = LooksAway(), GivenExamples(40)
        config = TuningConfig(epochs=2, batch=16, encoder_rate=0.0)
        tuned = fine_tune(encoder, train, 2, config, loss=Classes())
        assert torch.equal(tuned[0].first.weight, encoder.first.weight)

    def test_a_dense_head_on_a_frozen_encoder(self):
        """A head of one's own, one answer per pixel: only the head learns, and the statistics stay."""

        class Maps(nn.Module):
            def __init__(self):
                super().__init__()
                self.norm, self.layer = nn.BatchNorm2d(1), nn.Conv2d(1, 2, 1)

            def forward(self, inputs):
                return self.layer(self.norm(inputs.video.flatten(0, 1)))

        class Dense(nn.Module):
            def __init__(self):
                super().__init__()
                self.encoder, self.head = Frozen(Maps()), nn.Conv2d(2, 2, 1)

            def forward(self, inputs):
                return self.head(self.encoder(inputs)).movedim(1, -1)[:, None]

        class Pictures(GivenExamples):
            def __init__(self):
                self.pictures = torch.randn(30, 1, 1, 6, 6, generator=torch.Generator().manual_seed(0))
                self.targets = (self.pictures[:, :, 0] > 0).long()
                self.groups = np.arange(30)

            def __len__(self):
                return 30

            def inputs(self, rows, generator=None):
                return Inputs(video=self.pictures[rows])

        with seeded(0):
            network = Dense()
        before = {k: v.clone() for k, v in network.encoder.state_dict().items()}
        pictures = Pictures()
        config = FitConfig(epochs=40, batch=10, learning_rate=0.1)
        fit_network(network, pictures, config, loss=Classes())
        answers = encode(network, pictures)
        assert answers.shape == (30, 1, 6, 6, 2)
        assert (answers.argmax(-1) == pictures.targets).double().mean() > 0.95
        assert all(torch.equal(before[k], v) for k, v in network.encoder.state_dict().items())

    def test_the_rest_joins_the_last_batch(self):
        sizes = []

        def batch(rows, epoch):
            sizes.append(len(rows))
            return torch.zeros(len(rows), 1), torch.zeros(len(rows), 1)

        fit(nn.Linear(1, 1), 9, batch, FitConfig(epochs=1, batch=4), YesNo(), fewest=2)
        assert sizes == [4, 5]


class TestFolds:
    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.integers(0, 12), min_size=8, max_size=60), st.integers(2, 4), st.integers(0, 5))
    def test_no_group_is_ever_split_and_everything_is_tested_once(self, groups, folds, seed):
        groups = np.array(groups)
        if len(np.unique(groups)) < folds:
            with pytest.raises(AmbikitError, match="as many groups"):
                group_folds(groups, folds)
            return
        made = group_folds(groups, folds, labels=groups % 3, seed=seed)
        assert len(made) == folds
        tested = np.concatenate([test for _, test in made])
        assert sorted(tested) == list(range(len(groups)))
        for train, test in made:
            assert len(test)
            assert not set(groups[train]) & set(groups[test])
            assert sorted([*train, *test]) == list(range(len(groups)))

    def test_classes_are_spread(self):
        """Five groups of each of four classes: each of five folds tests every class."""
        groups = np.repeat(np.arange(20), 3)
        labels = groups // 5
        for _, test in group_folds(groups, 5, labels=labels):
            assert sorted(labels[test]) == sorted([0, 1, 2, 3] * 3)

    def test_the_seed_decides(self):
        groups = np.arange(30)
        one, same, other = (group_folds(groups, 3, seed=seed)[0][1].tolist() for seed in (0, 0, 1))
        assert one == same != other

    def test_one_fold_is_none(self):
        with pytest.raises(AmbikitError, match="1 fold"):
            given_folds(np.ones(5, int))

    def test_a_fold_that_is_not_there(self):
        with pytest.raises(AmbikitError, match="got fold 5; expected some of 1, 2"):
            given_folds(np.array([1, 2]), (2, 5))
        assert len(given_folds(np.array([1, 2, 3]), (3, 1))) == 2

    @pytest.mark.parametrize("threads", [1, 4])
    def test_threads_change_nothing(self, threads, monkeypatch):
        monkeypatch.setattr("os.cpu_count", lambda: threads)

        def read(row, generator):
            time.sleep(0.002 * (row % 3))
            return row, None if generator is None else generator.integers(1000)

        assert read_each(read, np.arange(5)) == [(row, None) for row in range(5)]
        drawn = read_each(read, np.array([4, 2, 3]), np.random.default_rng(0))
        seeds = np.random.default_rng(0).integers(2**63, size=3)
        assert drawn == [(r, np.random.default_rng(s).integers(1000)) for r, s in zip((4, 2, 3), seeds, strict=True)]

    def test_a_part_reads_the_rows_of_the_whole(self):
        whole = GivenExamples(10)
        part = Part(whole, np.array([7, 2, 5]))
        assert len(part) == 3
        assert torch.equal(part.targets, whole.targets[[7, 2, 5]])
        assert part.groups.tolist() == [7, 2, 5]
        assert torch.equal(part.inputs(np.array([2, 0])).audio, whole.values[[5, 7]])
