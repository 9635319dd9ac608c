import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cosine_similarity

from ambikit.errors import AmbikitError
from ambikit_models.alignment import AlignmentModel
from ambikit_models.batch import Batch
from ambikit_models.objectives.avc import AVC
from ambikit_models.objectives.avsa import AVSA
from ambikit_models.objectives.avts import AVTS
from ambikit_models.objectives.candidates import candidate_count, match_views
from ambikit_models.objectives.infonce import gather_alone, infonce
from ambikit_models.objectives.regression import Regression
from ambikit_models.training.sampling import choose_viewpoints, generator_for
from tests.ambikit_models.toy import ToyClips, toy_config

CANDIDATES = ("all_views", "same_view_of_others", "own_views", "other_clips")


def toy_batch(clips=6, views=3):
    source, config = ToyClips(), toy_config()
    indices = np.arange(clips)
    chosen = choose_viewpoints(config.viewpoints, views, source, indices, generator_for(0))
    torch.manual_seed(0)
    return config.model.build(config.sound), source.batch(indices, chosen)


def turned_batch(clips=6, views=3):
    """The same with sounds that are turned, and a model that can say so."""
    source, config = ToyClips(), toy_config()
    indices = np.arange(clips)
    chosen = choose_viewpoints(config.viewpoints, views, source, indices, generator_for(0))
    torch.manual_seed(0)
    model = dataclasses.replace(config.model, regression=True).build(config.sound)
    return model, source.batch(indices, chosen, yaw=np.linspace(-3, 3, clips))


class Given(AlignmentModel):
    """A model whose embeddings are the projected vectors themselves, so that a test can set them."""

    def __init__(self):
        nn.Module.__init__(self)
        for name in ("video_head", "audio_head", "predicted_video_head", "predicted_audio_head"):
            setattr(self, name, nn.Identity())
        self.audio_to_video, self.video_to_audio = nn.Identity(), nn.Identity()


def vectors(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def slow_match(prediction, target, candidates, temperature):
    """Every query by itself, among a list of candidates that is written down."""
    clips, views = prediction.shape[:2]
    total = 0.0
    for i in range(clips):
        for k in range(views):
            pool = [(j, m) for j in range(clips) for m in range(views)]
            if candidates == "same_view_of_others":
                pool = [(i, m) for m in range(views)] + [(j, k) for j in range(clips) if j != i]
            elif candidates == "own_views":
                pool = [(i, m) for m in range(views)]
            elif candidates == "other_clips":
                pool = [(i, k)] + [(j, m) for j, m in pool if j != i]
            assert len(pool) == candidate_count(candidates, clips, views)
            scores = torch.stack([cosine_similarity(prediction[i, k], target[p], dim=0) for p in pool]) / temperature
            total += torch.logsumexp(scores, 0) - scores[pool.index((i, k))]
    return total / (clips * views)


class TestInfonce:
    def test_by_hand(self):
        # cosines 1 and 0 at temperature 0.5: loss = −log(e² / (e² + e⁰))
        loss, accuracy = infonce(
            torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 3.0]]), torch.tensor([0]), temperature=0.5
        )
        assert loss.item() == pytest.approx(math.log(1 + math.exp(-2)), rel=1e-6)
        assert accuracy == 1

    def test_chance_is_the_logarithm_of_the_candidates(self):
        same = torch.ones(5, 3)
        loss, _ = infonce(same, same, torch.arange(5), temperature=0.07)
        assert loss.item() == pytest.approx(math.log(5), rel=1e-6)

    def test_forbidden_candidates_do_not_count(self):
        same = torch.ones(4, 3)
        allowed = torch.eye(4, dtype=torch.bool)
        allowed[:, 0] = True
        loss, _ = infonce(same, same, torch.arange(4), temperature=0.07, allowed=allowed)
        assert loss.item() == pytest.approx(3 * math.log(2) / 4, rel=1e-6)  # the first query has one candidate only


class TestCandidates:
    @pytest.mark.parametrize("candidates", CANDIDATES)
    @pytest.mark.parametrize("views", [1, 2, 4, 8])
    def test_against_loops(self, candidates, views):
        prediction, target = vectors(5, views, 7), vectors(5, views, 7, seed=1)
        loss, _ = match_views(prediction, target, candidates=candidates, temperature=0.1, gather=gather_alone)
        torch.testing.assert_close(loss, slow_match(prediction, target, candidates, 0.1))

    @pytest.mark.parametrize("candidates", CANDIDATES)
    def test_chance_is_the_logarithm_of_their_number(self, candidates):
        same = torch.ones(5, 4, 7, dtype=torch.float64)
        loss, _ = match_views(same, same, candidates=candidates, temperature=0.07, gather=gather_alone)
        assert loss.item() == pytest.approx(math.log(candidate_count(candidates, 5, 4)), rel=1e-12)

    @pytest.mark.parametrize("candidates", CANDIDATES)
    def test_the_order_of_clips_and_views_changes_nothing(self, candidates):
        prediction, target = vectors(5, 4, 7), vectors(5, 4, 7, seed=1)
        loss, accuracy = match_views(prediction, target, candidates=candidates, temperature=0.1, gather=gather_alone)
        clips, views = torch.tensor([3, 0, 4, 1, 2]), torch.tensor([2, 0, 3, 1])
        moved = [x[clips][:, views] for x in (prediction, target)]
        again = match_views(*moved, candidates=candidates, temperature=0.1, gather=gather_alone)
        torch.testing.assert_close(again, (loss, accuracy))

    @pytest.mark.parametrize("candidates", CANDIDATES)
    def test_a_perfect_prediction_loses_least(self, candidates):
        # orthogonal targets: cosine 1 with the right one and 0 with each of the others
        target = torch.eye(12, dtype=torch.float64).unflatten(0, (4, 3))
        loss, accuracy = match_views(target, target, candidates=candidates, temperature=0.25, gather=gather_alone)
        wrong = candidate_count(candidates, 4, 3) - 1
        assert loss.item() == pytest.approx(math.log(1 + wrong * math.exp(-4)), rel=1e-12)
        assert accuracy == 1
        other, _ = match_views(
            target + 0.3 * vectors(4, 3, 12), target, candidates=candidates, temperature=0.25, gather=gather_alone
        )
        assert other > loss

    @pytest.mark.parametrize("candidates", CANDIDATES)
    def test_gradients(self, candidates):
        def loss(prediction, target):
            return match_views(prediction, target, candidates=candidates, temperature=0.5, gather=gather_alone)[0]

        inputs = [vectors(3, 2, 4, seed=seed).requires_grad_() for seed in (0, 1)]
        assert torch.autograd.gradcheck(loss, inputs)


class TestAVC:
    def test_against_loops(self):
        # equation 7, one clip at a time; the crops of a clip are combined by the maximum
        model, batch = toy_batch()
        model.eval()
        loss, _ = AVC(temperature=0.1)(model, batch)
        video = model.video_head(model.embed_video(batch.video).max(1).values)
        audio = model.audio_head(model.embed_audio(batch.audio).max(1).values)
        total = 0.0
        for i in range(6):
            for query, pool in ((video[i], audio), (audio[i], video)):
                scores = torch.stack([cosine_similarity(query, other, dim=0) for other in pool]) / 0.1
                total += -scores[i] + torch.logsumexp(scores, 0)
        torch.testing.assert_close(loss, total / 12)

    def test_translated_against_loops(self):
        model, batch = toy_batch()
        model.eval()
        loss, _ = AVC(temperature=0.1, translated=True)(model, batch)
        video, audio = model.embed_video(batch.video), model.embed_audio(batch.audio)
        predicted_video = model.predicted_video_head(model.audio_to_video(audio).max(1).values)
        predicted_audio = model.predicted_audio_head(model.video_to_audio(video).max(1).values)
        seen, heard = model.video_head(video.max(1).values), model.audio_head(audio.max(1).values)
        total = 0.0
        for prediction, target in ((predicted_video, seen), (predicted_audio, heard)):
            for i in range(6):
                scores = torch.stack([cosine_similarity(prediction[i], other, dim=0) for other in target]) / 0.1
                total += -scores[i] + torch.logsumexp(scores, 0)
        torch.testing.assert_close(loss, total / 12)

    def test_one_crop_is_itself(self):
        model, batch = toy_batch(views=1)
        model.eval()
        loss, _ = AVC(temperature=0.1)(model, batch)
        video, audio = model.embed_video(batch.video)[:, 0], model.embed_audio(batch.audio)[:, 0]
        expected, _ = infonce(model.video_head(video), model.audio_head(audio), torch.arange(6), temperature=0.1)
        back, _ = infonce(model.audio_head(audio), model.video_head(video), torch.arange(6), temperature=0.1)
        torch.testing.assert_close(loss, (expected + back) / 2)


class TestAVSA:
    @pytest.mark.parametrize("candidates", CANDIDATES)
    def test_against_loops(self, candidates):
        # equation 9, or one of its other sets of candidates, one query at a time
        model, batch = toy_batch()
        model.eval()
        loss, _ = AVSA(temperature=0.1, candidates=candidates)(model, batch)
        video, audio = model.embed_video(batch.video), model.embed_audio(batch.audio)
        one = slow_match(
            model.predicted_video_head(model.audio_to_video(audio)), model.video_head(video), candidates, 0.1
        )
        other = slow_match(
            model.predicted_audio_head(model.video_to_audio(video)), model.audio_head(audio), candidates, 0.1
        )
        torch.testing.assert_close(loss, (one + other) / 2)

    def test_the_term_within_a_clip_is_added(self):
        model, batch = toy_batch()
        model.eval()
        plain, _ = AVSA()(model, batch)
        added, _ = AVSA(within_clip=0.5)(model, batch)
        alone, _ = AVSA(candidates="own_views")(model, batch)
        torch.testing.assert_close(added, plain + 0.5 * alone)

    def test_its_heads_start_as_copies(self):
        model, _ = toy_batch()
        model.start_alignment()
        assert torch.equal(model.predicted_video_head.weight, model.audio_head.weight)
        assert torch.equal(model.predicted_audio_head.weight, model.video_head.weight)


class TestAVTS:
    @pytest.mark.parametrize("candidates", CANDIDATES)
    def test_against_loops(self, candidates):
        # the heads of correspondence, on every moment
        model, batch = toy_batch()
        model.eval()
        loss, _ = AVTS(temperature=0.1, candidates=candidates)(model, batch)
        video, audio = (
            model.video_head(model.embed_video(batch.video)),
            model.audio_head(model.embed_audio(batch.audio)),
        )
        expected = (slow_match(audio, video, candidates, 0.1) + slow_match(video, audio, candidates, 0.1)) / 2
        torch.testing.assert_close(loss, expected)

    def test_translated_it_is_alignment_in_time(self):
        model, batch = toy_batch()
        model.eval()
        torch.testing.assert_close(AVTS(translated=True)(model, batch), AVSA()(model, batch))

    def test_it_punishes_the_wrong_moment(self):
        # the sounds of two moments of one clip exchanged, and nothing else
        seen = torch.eye(6, dtype=torch.float64).unflatten(0, (3, 2))
        heard = seen.clone()
        heard[0] = heard[0].flip(0)
        right, _ = AVTS(temperature=0.5).compare(Given(), seen, seen)
        wrong, logs = AVTS(temperature=0.5).compare(Given(), seen, heard)
        assert wrong.item() == pytest.approx(
            right.item() + 2 / 6 * 2, rel=1e-12
        )  # cosine 0 for 1, over 0.5, in two of 6
        assert logs["accuracy"].item() == pytest.approx(4 / 6)


class TestRegression:
    def answering(self, vector):
        """A model whose head says the same everywhere."""
        model = Given()
        model.rotation_head = lambda pair: pair[..., :2] * 0 + torch.tensor(vector, dtype=pair.dtype)
        return model

    def test_by_hand(self):
        # it says "left" (0, 1): of turns by 90°, 0° and −90° the squared distances are 0, 2 and 4
        yaw = torch.tensor([math.pi / 2, 0.0, -math.pi / 2], dtype=torch.float64)
        pictures = vectors(3, 2, 4)
        loss, logs = Regression().compare(self.answering([0.0, 1.0]), pictures, pictures, yaw)
        assert loss.item() == pytest.approx(2.0, rel=1e-6)
        assert logs["error_degrees"].item() == pytest.approx(90.0, rel=1e-6)

    def test_knowing_nothing_loses_one(self):
        yaw = torch.from_numpy(np.random.default_rng(0).uniform(-np.pi, np.pi, 7))
        pictures = vectors(7, 2, 4)
        loss, _ = Regression().compare(self.answering([0.0, 0.0]), pictures, pictures, yaw)
        assert loss.item() == pytest.approx(1.0, rel=1e-6)

    def test_the_mean_over_views_answers(self):
        model, batch = turned_batch()
        model.eval().requires_grad_(False)
        loss, logs = Regression()(model, batch)
        video, audio = model.embed_video(batch.video), model.embed_audio(batch.audio)
        total, angle = 0.0, 0.0
        for i in range(6):
            answers = [model.rotation_head(torch.cat([video[i, k], audio[i, k]])) for k in range(3)]
            x, y = sum(answers) / 3
            yaw = batch.yaw[i].item()
            total += (x - math.cos(yaw)) ** 2 + (y - math.sin(yaw)) ** 2
            angle += abs((math.degrees(math.atan2(y, x)) - math.degrees(yaw) + 180) % 360 - 180)
        torch.testing.assert_close(loss, total / 6)
        assert logs["error_degrees"].item() == pytest.approx(angle / 6, rel=1e-4)

    def test_what_it_needs(self):
        model, batch = turned_batch()
        with pytest.raises(AmbikitError, match="source.batch"):
            Regression()(model, dataclasses.replace(batch, yaw=None))
        with pytest.raises(AmbikitError, match="model.regression: true"):
            Regression()(toy_batch()[0], batch)


@pytest.mark.parametrize(
    "objective",
    [AVC(), AVC(translated=True), AVTS(), AVTS(translated=True), AVSA(within_clip=0.5), Regression()],
    ids=lambda o: f"{type(o).__name__}{'-translated' * getattr(o, 'translated', False)}",
)
class TestEvery:
    def test_it_trains_what_it_says(self, objective):
        model, batch = turned_batch()
        objective(model, batch)[0].backward()
        trained = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
        assert trained == set(objective.trains)
        parts = [p for name in objective.trains for p in getattr(model, name).parameters()]
        assert all(p.grad is not None for p in parts)

    def test_the_order_of_clips_changes_nothing(self, objective):
        model, batch = turned_batch()
        model.eval()
        order = torch.tensor([4, 2, 0, 5, 1, 3])
        moved = Batch(batch.video[order], batch.audio[order], batch.index[order], batch.yaw[order])
        torch.testing.assert_close(objective(model, moved), objective(model, batch))

    @pytest.mark.parametrize("views", [1, 2, 4, 8])
    def test_any_number_of_views(self, objective, views):
        model, batch = turned_batch(views=views)
        loss, logs = objective(model, batch)
        assert torch.isfinite(loss)
        assert all(torch.isfinite(value) for value in logs.values())

    def test_it_overfits_one_batch(self, objective):
        model, batch = turned_batch()
        optimizer = torch.optim.Adam(model.parameters(), 3e-3)
        losses = []
        for _ in range(60):
            loss, _ = objective(model, batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < losses[0] / 3
