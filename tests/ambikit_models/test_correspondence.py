"""The network that tells left from right: shapes, the variants of yang2020, and that it knows where things are."""

import pytest
import torch

from ambikit.errors import AmbikitError
from ambikit_models.correspondence import CorrespondenceNetwork
from ambikit_models.encoders.audio import Standardize
from ambikit_models.encoders.frame_pictures import (
    FramePictures,
    MixedConvolutionPictures,
    ResNetPictures,
    SmallPictures,
)
from ambikit_models.encoders.residual_audio import ResidualAudio, SqueezeExcitation


def small(*, mono: bool = False, channels: int = 2, levels: int = 2) -> CorrespondenceNetwork:
    torch.manual_seed(0)
    audio = [ResidualAudio(inputs, 16, (8, 16), 24) for inputs in (channels, 1)]
    return CorrespondenceNetwork(
        FramePictures(SmallPictures(8), 4, 20),
        audio[0],
        Standardize(channels, 16),
        mono_encoder=audio[1] if mono else None,
        levels=levels,
        width=32,
    ).eval()


class TestShapes:
    def test_resnet_as_in_the_paper(self):
        # 3 s at 6 Hz are 18 pictures; two of them are enough to see the shapes of pictures of 256 × 256
        encoder = FramePictures(ResNetPictures(), 8, 512).eval()
        with torch.no_grad():
            assert encoder.maps(torch.rand(1, 3, 2, 256, 256)).shape == (1, 512, 2, 8, 8)
        assert encoder.projection.in_features == 512 * 8 * 8

    def test_no_convolution_over_time(self):
        encoder = FramePictures(ResNetPictures(), 2, 8).eval()
        video = torch.rand(1, 3, 4, 64, 64)
        with torch.no_grad():
            together, alone = encoder(video), [encoder(video[:, :, [i]]) for i in range(4)]
        torch.testing.assert_close(together, torch.cat(alone, -1))

    def test_motion_has_convolutions_over_time_and_keeps_its_length(self):
        encoder = FramePictures(MixedConvolutionPictures(), 2, 8).eval()
        video = torch.rand(1, 3, 6, 32, 32)
        with torch.no_grad():
            assert encoder.maps(video).shape == (1, 512, 6, 2, 2)
            assert encoder(video).shape == (1, 8, 6)
            assert not torch.allclose(encoder(video)[..., 0], encoder(video[:, :, [0, 3, 2, 1, 4, 5]])[..., 0])

    def test_the_sound_has_the_time_axis_of_the_pictures(self):
        encoder = ResidualAudio(2, 128).eval()
        with torch.no_grad():
            assert encoder(torch.randn(1, 2, 128, 300), 18).shape == (1, 512, 18)  # 3 s at a hop of 10 ms
        network = small()
        assert network.hear(torch.randn(3, 2, 16, 300)).shape == (3, 24, 18)
        assert network.hear(torch.randn(3, 2, 16, 100)).shape == (3, 24, 6)
        assert network.hear(torch.randn(3, 2, 16, 100), 1).shape == (3, 24, 1)

    def test_more_pictures_than_columns(self):
        assert small().hear(torch.randn(2, 2, 16, 5), 9).shape == (2, 24, 9)

    def test_one_answer_per_clip(self):
        network = small()
        video, audio = torch.rand(3, 3, 18, 32, 32), torch.randn(3, 2, 16, 300)
        seen, heard = network.see(video), network.hear(audio)
        assert (seen.shape, heard.shape) == ((3, 20, 18), (3, 24, 18))
        fused = network.fuse(seen, heard)
        assert fused.shape == (3, 32, 5)
        torch.testing.assert_close(network(video, audio), network.answer(fused))
        assert network(video[:, :, :1], audio[..., :5]).shape == (3,)

    def test_pictures_too_small(self):
        with pytest.raises(AmbikitError, match=r"16, 16\) pixels.*model\.grid"):
            small().see(torch.rand(1, 3, 1, 16, 16))
        assert small().see(torch.rand(1, 3, 1, 64, 64)).shape == (1, 20, 1)  # larger ones are averaged


def picture(column: int) -> torch.Tensor:
    """A white square of 8 pixels on grey, ``column`` pixels from the left of 64."""
    video = torch.full((1, 3, 1, 32, 64), 0.2)
    video[..., 12:20, column : column + 8] = 1.0
    return video


class TestPlace:
    columns = tuple(range(8, 49, 8))  # never cut, and always alike to convolutions that stride by 8

    def maps(self) -> torch.Tensor:
        torch.manual_seed(0)
        trunk = SmallPictures(8).eval()
        with torch.no_grad():
            return torch.cat([trunk(picture(column)) for column in self.columns])[:, :, 0]

    def test_what_is_flattened_tells_where_it_is_and_what_is_pooled_does_not(self):
        maps = self.maps()
        place = torch.tensor(self.columns, dtype=torch.float64)
        place = place - place.mean()

        def unexplained(features: torch.Tensor) -> float:
            centred = features.flatten(1).double()
            centred = centred - centred.mean(0)
            scale = centred.norm()
            if scale < 1e-5 * features.norm():
                return 1.0
            fitted = centred @ torch.linalg.lstsq(centred, place[:, None], driver="gelsd").solution
            return float((fitted[:, 0] - place).square().sum() / place.square().sum())

        assert unexplained(maps) < 1e-6
        # the interior of a picture moves with what is in it: the same numbers at other places
        assert unexplained(maps.mean((-2, -1))) == 1.0
        assert unexplained(maps.amax((-2, -1))) == 1.0

    def test_the_network_sees_it_move(self):
        torch.manual_seed(0)
        encoder = FramePictures(SmallPictures(8), 4, 20).eval()
        with torch.no_grad():
            left, right = encoder(picture(8)), encoder(picture(48))
        assert (left - right).norm() > 0.02 * left.norm()


class TestSound:
    def test_squeeze_and_excitation_by_hand(self):
        block = SqueezeExcitation(2)
        torch.nn.init.zeros_(block.layers[2].weight)
        block.layers[2].bias.data = torch.tensor([0.0, torch.logit(torch.tensor(0.25))])
        maps = torch.ones(1, 2, 3, 4)
        torch.testing.assert_close(block(maps), maps * torch.tensor([0.5, 0.25])[:, None, None])

    def test_the_third_stream_hears_no_side(self):
        network = small(mono=True)
        audio = 20 * torch.randn(2, 2, 16, 50)
        heard, mirrored = network.hear(audio, 3), network.hear(audio.flip(1), 3)
        assert heard.shape == (2, 48, 3)
        assert not torch.allclose(heard[:, :24], mirrored[:, :24])
        torch.testing.assert_close(heard[:, 24:], mirrored[:, 24:])

    def test_the_level_of_both_channels(self):
        audio = torch.tensor([0.0, 0.0, -200.0, 20.0]).reshape(2, 2, 1, 1)
        torch.testing.assert_close(small()._mono(audio).flatten(), torch.tensor([0.0, 20 - 3.0103]))
        assert torch.equal(
            small(channels=4, levels=4)._mono(torch.arange(4.0).reshape(1, 4, 1, 1)), torch.zeros(1, 1, 1, 1)
        )


class TestEmbeddings:
    def test_views_are_embedded_one_by_one(self):
        """Means over time of what is seen and heard, for every view; steps are those of the pictures in training."""
        network = small()
        video, audio = torch.rand(2, 3, 3, 4, 32, 32), torch.randn(2, 3, 2, 16, 100)
        torch.testing.assert_close(network.embed_video(video)[1, 2], network.see(video[1, 2:])[0].mean(-1))
        torch.testing.assert_close(network.embed_audio(audio)[0, 1], network.hear(audio[0, 1:2])[0].mean(-1))
        frames = network.embed_audio_frames(audio)
        assert frames.shape == (2, 3, 6, 24)
        torch.testing.assert_close(frames.mean(2), network.embed_audio(audio))
