"""Places in embeddings and attention: closed cases, slow second versions, and embeddings whose places are known."""

import av
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import ambikit
from ambikit.errors import ShapeError
from ambikit_models.correspondence import CorrespondenceNetwork
from ambikit_models.downstream.localization.attention_maps import (
    attention_figures,
    attention_maps,
    horizontal_centroids,
)
from ambikit_models.downstream.localization.heard_places import (
    as_two_channels,
    frame_embeddings,
    heard_places,
    intensity_azimuths,
    level_differences,
    place_figures,
)
from ambikit_models.downstream.localization.sound_components import (
    PrincipalComponents,
    circular_correlation,
    correlation,
    onto_circle,
)
from ambikit_models.sound import SoundFeatures
from ambikit_models.study.sound_bars import bar_places, barred, draw_bars, write_bars
from ambikit_models.training.config import ModelConfig
from tests.ambikit_models.test_correspondence import small

STEREO = SoundFeatures("stereo", sample_rate=16000, bands=16, window=0.064, hop=0.04)


def slow_circular(a, b):
    over = under_a = under_b = 0.0
    for i in range(len(a)):
        for j in range(i):
            over += np.sin(a[i] - a[j]) * np.sin(b[i] - b[j])
            under_a += np.sin(a[i] - a[j]) ** 2
            under_b += np.sin(b[i] - b[j]) ** 2
    return over / np.sqrt(under_a * under_b)


class TestComponents:
    def test_they_are_those_of_scikit_learn(self, rng):
        decomposition = pytest.importorskip("sklearn.decomposition")
        points = rng.standard_normal((60, 5)) @ rng.standard_normal((5, 5)) + 3
        found, other = PrincipalComponents.fit(torch.from_numpy(points), 3), decomposition.PCA(3).fit(points)
        for mine, theirs in zip(found.axes.numpy(), other.components_, strict=True):
            np.testing.assert_allclose(mine, theirs * np.sign(mine @ theirs), atol=1e-9)
        np.testing.assert_allclose(found.deviations.numpy() ** 2, other.explained_variance_)
        assert found.share == pytest.approx(other.explained_variance_ratio_.sum())

    def test_the_sign_does_not_depend_on_the_order(self, rng):
        points = torch.from_numpy(rng.standard_normal((40, 6)))
        shuffled = points[torch.from_numpy(rng.permutation(40))]
        first, second = PrincipalComponents.fit(points, 2), PrincipalComponents.fit(shuffled, 2)
        torch.testing.assert_close(first.axes, second.axes)

    def test_too_few(self):
        with pytest.raises(ShapeError, match="no more components"):
            PrincipalComponents.fit(torch.zeros(3, 2), 3)
        assert not PrincipalComponents.fit(torch.ones(4, 3), 2)(torch.ones(4, 3)).any()  # nothing varies


class TestCorrelations:
    @given(st.integers(0, 2**32 - 1))
    def test_by_every_pair(self, seed):
        rng = np.random.default_rng(seed)
        a, b = rng.uniform(-9, 9, (2, 12))
        assert circular_correlation(a, b) == pytest.approx(slow_circular(a, b), abs=1e-9)
        assert correlation(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-9)

    @given(st.integers(0, 2**32 - 1), st.floats(-7, 7), st.sampled_from([-1, 1]))
    def test_turned_and_mirrored_back(self, seed, turn, sense):
        truth = np.random.default_rng(seed).uniform(-np.pi, np.pi, 20)
        back = onto_circle(sense * truth + turn, truth)
        np.testing.assert_allclose(np.exp(1j * back), np.exp(1j * truth), atol=1e-9)

    def test_what_does_not_vary(self):
        assert np.isnan(correlation(np.ones(3), np.arange(3.0)))
        assert np.isnan(circular_correlation(np.ones(3), np.arange(3.0)))
        with pytest.raises(ShapeError, match="one of each per frame"):
            correlation(np.ones(3), np.ones(4))


class TestPlaces:
    def line(self, rng, noise):
        """Embeddings in which the azimuth of a source is one direction of many, and the level difference of it."""
        azimuth = rng.uniform(-1.2, 1.2, (30, 6))
        signal = torch.from_numpy(rng.standard_normal((30, 6, 80)))
        scenes = ambikit.encode(signal, torch.from_numpy(azimuth)[..., None].expand_as(signal), 0.0, trajectory=True)
        scenes = scenes.transpose(1, 2).flatten(2)
        louder = level_differences(ambikit.decode_stereo(scenes, pattern="cardioid"), 480, 6)
        direction = rng.standard_normal(10)
        made = azimuth[..., None] * direction + noise * rng.standard_normal((30, 6, 10))
        return torch.from_numpy(made), louder, azimuth

    def test_a_line_of_the_azimuth_is_found(self, rng):
        embeddings, louder, azimuth = self.line(rng, 0.1)
        places = heard_places(embeddings, louder, around=False)
        assert places.r > 0.9
        assert np.corrcoef(places.found.ravel(), azimuth.ravel())[0, 1] < -0.95  # left is positive, and to the left
        (figure,) = place_figures("made", places)
        assert figure.interval.value == pytest.approx(places.r)
        assert figure.interval.low > 0.85

    def test_random_embeddings_say_nothing(self, rng):
        _, louder, _ = self.line(rng, 0.0)
        places = heard_places(torch.from_numpy(rng.standard_normal((30, 6, 10))), louder, around=False)
        assert places.r < 0.2

    def test_a_circle_is_found_all_around(self, rng):
        azimuth = rng.uniform(-np.pi, np.pi, (40, 5))
        circle = np.stack([np.cos(azimuth + 1), np.sin(azimuth + 1)], -1) @ rng.standard_normal((2, 12))
        noisy = torch.from_numpy(circle + 0.05 * rng.standard_normal((40, 5, 12)))
        noise = torch.from_numpy(rng.standard_normal((40, 5)))[..., None].expand(-1, -1, 30) * 0
        noise = noise + torch.from_numpy(rng.standard_normal((40, 5, 30)))
        scenes = ambikit.encode(noise, torch.from_numpy(azimuth)[..., None].expand_as(noise), 0.0, trajectory=True)
        heard = intensity_azimuths(scenes.transpose(1, 2).flatten(2), 5)
        np.testing.assert_allclose(heard, azimuth, atol=1e-9)
        places = heard_places(noisy, heard, around=True)
        assert places.r > 0.95
        error = np.abs(np.angle(np.exp(1j * (places.found - azimuth))))
        assert np.degrees(np.median(error)) < 12
        assert place_figures("made", places)[0].interval.value == pytest.approx(places.r)
        nothing = heard_places(torch.from_numpy(rng.standard_normal((40, 5, 12))), heard, around=True)
        assert nothing.r < 0.2

    def test_silence_points_nowhere_and_is_left_out(self, rng):
        assert np.isnan(intensity_azimuths(torch.zeros(1, 4, 8), 2)).all()
        azimuth = rng.uniform(-3, 3, (10, 4))
        circle = torch.from_numpy(np.stack([np.cos(azimuth), np.sin(azimuth)], -1))
        heard = azimuth.copy()
        heard[3, 1] = np.nan
        assert heard_places(circle, heard, around=True).r > 0.9


class TestEmbeddings:
    @pytest.mark.parametrize("sound", [STEREO, SoundFeatures("foa_intensity", 16000, 16, 0.064, 0.04)])
    def test_one_vector_per_frame(self, rng, sound):
        network = small(channels=sound.channels, levels=sound.layout.levels)
        scenes = torch.from_numpy(rng.standard_normal((3, 4, 16000))).float()
        found = frame_embeddings(network, sound, scenes, 6, block=2)
        assert found.shape == (3, 6, 24)
        torch.testing.assert_close(found[2:], frame_embeddings(network, sound, scenes[2:], 6))
        if sound is STEREO:  # what the network hears of a scene is what it hears of its two beams
            two = frame_embeddings(network, sound, as_two_channels(sound, scenes), 6)
            torch.testing.assert_close(found, two, atol=1e-3, rtol=1e-3)

    def test_a_model_that_aligns(self):
        torch.manual_seed(0)
        model = ModelConfig(width=16, projection=8).build(STEREO).eval()
        assert frame_embeddings(model, STEREO, torch.randn(2, 2, 16000), 4).shape == (2, 4, 16)


class TestAttention:
    @pytest.mark.parametrize("pooled", [True, False])
    def test_by_finite_differences(self, pooled):
        network = small().double()
        video, audio = torch.rand(1, 3, 2, 32, 32).double(), torch.randn(1, 2, 16, 20).double()
        found = attention_maps(network, video, audio, pooled=pooled)
        with torch.no_grad():
            maps, heard = network.video_encoder.maps(video), network.hear(audio, 2)
            slope = torch.zeros_like(maps)
            for place in np.ndindex(*maps.shape):
                up, down = maps.clone(), maps.clone()
                up[place] += 1e-6
                down[place] -= 1e-6
                logits = [network.answer(network.fuse(network.video_encoder.flattened(m), heard)) for m in (up, down)]
                slope[place] = -(logits[0] - logits[1]).item() / 2e-6
        weights = slope.mean((-2, -1), keepdim=True) if pooled else slope
        torch.testing.assert_close(found, (weights * maps).sum(1).clamp(min=0), atol=1e-7, rtol=1e-4)
        assert all(p.grad is None for p in network.parameters())

    def test_it_looks_where_the_red_is(self):
        """A network whose answer is the redness of the right half: the maps are that half alone, place by place."""

        class Red(nn.Module):
            def maps(self, video):
                return video[:, :1]

            def flattened(self, maps):
                return -maps[..., maps.shape[-1] // 2 :].sum((-2, -1))

        class Redness(CorrespondenceNetwork):
            def __init__(self):
                nn.Module.__init__(self)
                self.video_encoder = Red()

            def hear(self, audio, frames=None):
                return audio

            def fuse(self, seen, heard):
                return seen

            def answer(self, fused):
                return fused.sum((1, 2))

        video = torch.rand(2, 3, 4, 5, 6)
        found = attention_maps(Redness(), video, torch.zeros(2, 1, 1, 1), pooled=False)
        assert not found[..., :3].any()
        torch.testing.assert_close(found[..., 3:], video[:, 0, :, :, 3:])
        assert (horizontal_centroids(found) > 0).all()
        pooled = attention_maps(Redness(), video, torch.zeros(2, 1, 1, 1))
        torch.testing.assert_close(pooled, video[:, 0] / 2)  # the mean slope does not tell where

    def test_attention_that_follows_the_sound(self, rng):
        louder = rng.uniform(-20, 20, (12, 5))
        follows = louder / 40 + 0.05 * rng.standard_normal(louder.shape)
        follows[2, 0] = np.nan
        r, empty = attention_figures("made", follows, louder)
        assert r.interval.value > 0.95
        assert empty.interval.value == pytest.approx(1 / 60)
        assert abs(attention_figures("made", rng.uniform(-1, 1, louder.shape), louder)[0].interval.value) < 0.3


class TestBars:
    def test_the_bar_stands_where_the_sound_is(self, rng, tmp_path):
        """From left to right by the first component; drawn, encoded, read back and found again."""
        louder = np.linspace(-20, 20, 8)[None]
        places = heard_places(torch.from_numpy(louder)[..., None] * torch.ones(3), louder, around=False)
        bars = bar_places(places, 8)[0]
        np.testing.assert_allclose(bars, (np.arange(8) + 0.5) / 8)
        night = np.zeros((16, 64, 96, 3), np.uint8)
        write_bars(night, bars, tmp_path / "bars.mp4", 8.0)
        with av.open(str(tmp_path / "bars.mp4")) as file:
            frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
        columns = [frame[..., :2].sum((0, 2)).argmax() for frame in frames]
        np.testing.assert_allclose((np.array(columns) + 0.5) / 96, np.repeat(bars, 2), atol=0.03)
        draw_bars(night, bars, tmp_path / "bars.png")
        assert (tmp_path / "bars.png").read_bytes().startswith(b"\x89PNG")

    def test_more_frames_than_pictures(self):
        drawn = barred(np.zeros((1, 2, 64, 3), np.uint8), np.array([0.0, 0.5, 1.0]))
        assert set(np.flatnonzero(drawn[0, 0, :, 0])) == {31, 32}
