import math

import numpy as np
import pytest
import torch

from ambikit_models.objectives.avc import AVC
from ambikit_models.objectives.avsa import AVSA
from ambikit_models.objectives.infonce import infonce
from ambikit_models.training.sampling import choose_viewpoints, generator_for
from tests.ambikit_models.toy import ToyClips, toy_config


def toy_batch(clips=6, views=3):
    source, config = ToyClips(), toy_config()
    indices = np.arange(clips)
    chosen = choose_viewpoints(config.viewpoints, views, source, indices, generator_for(0))
    torch.manual_seed(0)
    return config.model.build(config.sound), source.batch(indices, chosen)


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


class TestAVC:
    def test_against_loops(self):
        # equation 7, one clip at a time
        model, batch = toy_batch()
        model.eval()
        loss, _ = AVC(temperature=0.1)(model, batch)
        video = model.video_head(model.embed_video(batch.video))[:, 0]
        audio = model.audio_head(model.embed_audio(batch.audio))[:, 0]
        cosine = torch.nn.functional.cosine_similarity
        total = 0.0
        for i in range(6):
            for query, pool in ((video[i], audio), (audio[i], video)):
                scores = torch.stack([cosine(query, other, dim=0) for other in pool]) / 0.1
                total += -scores[i] + torch.logsumexp(scores, 0)
        torch.testing.assert_close(loss, total / 12)

    def test_it_trains_what_it_says(self):
        model, batch = toy_batch()
        AVC()(model, batch)[0].backward()
        trained = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
        assert trained == set(AVC.trains)


class TestAVSA:
    @pytest.mark.parametrize(("candidates", "count"), [("all_views", 18), ("same_view_of_others", 8)])
    def test_against_loops(self, candidates, count):
        # equation 9, or the K + N − 1 candidates of the published code, one query at a time
        model, batch = toy_batch()
        model.eval()
        loss, _ = AVSA(temperature=0.1, candidates=candidates)(model, batch)
        video, audio = model.embed_video(batch.video), model.embed_audio(batch.audio)
        sides = [
            (model.predicted_video_head(model.audio_to_video(audio)), model.video_head(video)),
            (model.predicted_audio_head(model.video_to_audio(video)), model.audio_head(audio)),
        ]
        cosine = torch.nn.functional.cosine_similarity
        total = 0.0
        for prediction, target in sides:
            for i in range(6):
                for k in range(3):
                    pool = [(j, m) for j in range(6) for m in range(3) if candidates == "all_views" or j == i or m == k]
                    assert len(pool) == count
                    scores = torch.stack([cosine(prediction[i, k], target[j, m], dim=0) for j, m in pool]) / 0.1
                    total += -scores[pool.index((i, k))] + torch.logsumexp(scores, 0)
        torch.testing.assert_close(loss, total / 36)

    def test_the_term_within_a_clip_is_added(self):
        model, batch = toy_batch()
        model.eval()
        plain, _ = AVSA()(model, batch)
        added, _ = AVSA(within_clip=0.5)(model, batch)
        alone = (
            sum(
                AVSA()(model, type(batch)(batch.video[i : i + 1], batch.audio[i : i + 1], batch.index[i : i + 1]))[0]
                for i in range(6)
            )
            / 6
        )
        torch.testing.assert_close(added, plain + 0.5 * alone)

    def test_it_trains_every_part(self):
        model, batch = toy_batch()
        AVSA()(model, batch)[0].backward()
        assert {n.split(".")[0] for n, p in model.named_parameters() if p.grad is not None} == set(AVSA.trains)
        assert all(p.grad is not None for p in model.parameters())

    def test_its_heads_start_as_copies(self):
        model, _ = toy_batch()
        model.start_alignment()
        assert torch.equal(model.predicted_video_head.weight, model.audio_head.weight)
        assert torch.equal(model.predicted_audio_head.weight, model.video_head.weight)
