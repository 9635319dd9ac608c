import pytest
import torch

from ambikit.errors import AmbikitError
from ambikit_models.alignment import AlignmentModel
from ambikit_models.encoders.audio import Conv2dAudioEncoder, SmallAudioEncoder, Standardize
from ambikit_models.encoders.translation import Translation
from ambikit_models.encoders.video import R2Plus1DVideoEncoder, SmallVideoEncoder


def test_the_maximum_is_that_of_torch_with_its_gradient():
    x = torch.randn(2, 5, 2, 7, 7, generator=torch.Generator().manual_seed(0)).relu().requires_grad_()
    weight = torch.arange(10.0).view(2, 5, 1, 1, 1)
    pools = (R2Plus1DVideoEncoder().network.avgpool, torch.nn.AdaptiveMaxPool3d(1))
    ours, theirs = ((pool(x), torch.autograd.grad((pool(x) * weight).sum(), x)[0]) for pool in pools)
    assert torch.equal(ours[0], theirs[0])
    assert torch.equal(ours[1], theirs[1])


def test_r2plus1d_follows_the_table_of_the_paper():
    # morgado2020, supplementary table 1: activations after the stem and after stages 2 to 5 of an 8 × 112² clip
    encoder = R2Plus1DVideoEncoder().eval()
    shapes = []
    network = encoder.network
    for part in (network.stem, network.layer1, network.layer2, network.layer3, network.layer4):
        part.register_forward_hook(lambda _m, _i, out: shapes.append(tuple(out.shape[1:])))
    with torch.no_grad():
        assert encoder(torch.rand(1, 3, 8, 112, 112)).shape == (1, 512)
    expected = [(64, 8, 56, 56), (64, 8, 56, 56), (128, 4, 28, 28), (256, 2, 14, 14), (512, 1, 7, 7)]
    assert shapes == expected


def test_r2plus1d_takes_the_maximum_over_place():
    encoder = R2Plus1DVideoEncoder().eval()
    maps = []
    encoder.network.layer4.register_forward_hook(lambda _m, _i, out: maps.append(out))
    with torch.no_grad():
        embedding = encoder(torch.rand(1, 3, 8, 64, 64))
    torch.testing.assert_close(embedding, maps[0].amax((-3, -2, -1)))


@pytest.mark.parametrize("channels", [1, 2, 4, 7])
def test_conv2d_follows_the_table_of_the_paper(channels):
    encoder = Conv2dAudioEncoder(channels).eval()
    shapes = []
    for layer in encoder.layers:
        layer.register_forward_hook(lambda _m, _i, out: shapes.append(tuple(out.shape[1:])))
    with torch.no_grad():
        assert encoder(torch.rand(1, channels, 129, 100)).shape == (1, 512)
    pairs = [(64, 65, 50)] * 3 + [(128, 33, 25)] * 2 + [(256, 17, 13)] * 2 + [(512, 17, 13)] * 2
    assert shapes == pairs
    assert sum(isinstance(m, torch.nn.Conv2d) for m in encoder.modules()) == 9


@pytest.mark.parametrize("frames", [1, 3])
def test_small_video_encoder_is_blind_to_the_order_of_frames(frames):
    encoder = SmallVideoEncoder(16).eval()
    video = torch.rand(2, 3, frames, 24, 24)
    with torch.no_grad():
        torch.testing.assert_close(encoder(video), encoder(video.flip(2)))


def test_small_audio_encoder_hears_pitch_but_not_time():
    encoder = SmallAudioEncoder(7, 32, 16).eval()
    audio = torch.rand(2, 7, 32, 12)
    with torch.no_grad():
        assert encoder(audio).shape == (2, 16)
        assert not torch.allclose(encoder(audio), encoder(audio.flip(2)))


ENCODERS = {"small": (SmallAudioEncoder(7, 32, 16), 7, 32), "conv2d_9": (Conv2dAudioEncoder(4), 4, 16)}


def settled(name):
    """An encoder whose normalisations have seen something, for evaluation, and a number of feature maps for it."""
    torch.manual_seed(1)
    encoder, channels, bands = ENCODERS[name]
    encoder.train()
    with torch.no_grad():
        for _ in range(3):
            encoder(torch.randn(8, channels, bands, 200))
    return encoder.eval(), torch.randn(2, channels, bands, 200)


@pytest.mark.parametrize("name", ENCODERS)
class TestFrames:
    def test_an_event_changes_only_the_steps_that_hear_it(self, name):
        encoder, audio = settled(name)
        begins = 131
        event = audio.clone()
        event[..., begins:] += torch.randn_like(event[..., begins:])
        with torch.no_grad():
            before, after = encoder.frames(audio), encoder.frames(event)
        assert before.shape == (2, 200 // encoder.STEP, encoder.width)
        changed = (before - after).abs().amax((0, 2)) > 0
        last_heard = torch.arange(25) * encoder.STEP + encoder.REACH
        assert torch.equal(changed, last_heard >= begins)

    def test_a_delay_by_a_step_moves_the_steps(self, name):
        encoder, audio = settled(name)
        late = audio.roll(encoder.STEP, -1)
        with torch.no_grad():
            one, two = encoder.frames(audio), encoder.frames(late)
        inner = slice(7, 18)  # away from the ends, where the maps are padded
        torch.testing.assert_close(two[:, 8:19], one[:, inner], atol=1e-5, rtol=1e-4)

    def test_a_sound_of_one_step_has_the_embedding_of_its_clip(self, name):
        encoder, audio = settled(name)
        with torch.no_grad():
            short = audio[..., : encoder.STEP]
            torch.testing.assert_close(encoder.frames(short)[:, 0], encoder(short))

    def test_a_model_embeds_every_step_of_every_view(self, name):
        encoder, audio = settled(name)
        video = SmallVideoEncoder(encoder.width)
        model = AlignmentModel(video, encoder, Standardize(*audio.shape[1:3]), projection=4, depth=0).eval()
        model.standardize.measure(audio[:, None])
        views = torch.stack([audio, audio.flip(0), audio.flip(-1)], 1)
        with torch.no_grad():
            frames = model.embed_audio_frames(views)
            assert frames.shape == (2, 3, 25, encoder.width)
            torch.testing.assert_close(frames[:, 0], frames[:, 1].flip(0))
            torch.testing.assert_close(frames[1, 2], encoder.frames(model.standardize(views[1, 2:]))[0])


def test_the_maximum_over_the_steps_is_the_embedding_of_the_clip():
    encoder, audio = settled("conv2d_9")
    with torch.no_grad():
        assert torch.equal(encoder.frames(audio).amax(1), encoder(audio))


def test_standardize_shares_one_curve_among_levels():
    # as one vector of means and deviations for all four channels: what differs between channels stays
    torch.manual_seed(0)
    features = torch.randn(64, 1, 3, 4, 10) + torch.tensor([0.0, 10.0, 5.0])[:, None, None]
    module = Standardize(3, 4, shared=2)
    module.measure(features)
    out = module(features)
    levels = features[:, :, :2]
    expected = (levels - levels.mean((0, 1, 2, 4))[:, None]) / levels.std((0, 1, 2, 4))[:, None]
    torch.testing.assert_close(out[:, :, :2], expected)
    assert (out[:, :, 1] - out[:, :, 0]).mean() > 1.5
    assert abs(out[:, :, 2].mean()) < 1e-5


def test_standardize_centres_and_leaves_constant_channels_unscaled():
    torch.manual_seed(0)
    features = torch.randn(64, 1, 2, 4, 10) * 3 + 5
    features[:, :, 1] = 7.0
    module = Standardize(2, 4)
    module.measure(features)
    out = module(features)
    assert abs(out[:, :, 0].mean()) < 1e-5
    assert abs(out[:, :, 0].std() - 1) < 0.01
    assert torch.equal(out[:, :, 1], torch.zeros_like(out[:, :, 1]))


class TestTranslation:
    def test_it_is_equivariant_to_the_order_of_views(self):
        # no encoding of position: permuting the views permutes the translated features and does nothing else
        translation = Translation(8, depth=2)
        x = torch.randn(3, 4, 8)
        order = torch.tensor([2, 0, 3, 1])
        torch.testing.assert_close(translation(x)[:, order], translation(x[:, order]))

    def test_every_view_sees_every_other(self):
        translation = Translation(8, depth=1)
        x = torch.randn(1, 4, 8, requires_grad=True)
        translation(x)[0, 0].square().sum().backward()
        assert (x.grad[0].abs().sum(-1) > 0).all()

    def test_against_the_equations(self):
        # equations 4 to 6 of morgado2020, one view at a time
        translation = Translation(6, depth=1).double()
        block = translation.blocks[0]
        x = torch.randn(1, 3, 6, dtype=torch.float64)
        expected = torch.zeros_like(x)
        for k in range(3):
            scores = torch.stack([block.key(x[0, j]) @ block.query(x[0, k]) for j in range(3)]) / 6**0.5
            weights = torch.exp(scores) / torch.exp(scores).sum()
            mixed = sum(weights[j] * block.value(x[0, j]) for j in range(3))
            y = block.attention_norm(x[0, k] + block.output(mixed))
            hidden, _, outer = block.feed_forward
            expected[0, k] = block.feed_forward_norm(y + outer(hidden(y).clamp(min=0)))
        torch.testing.assert_close(translation(x), expected)

    def test_depth_zero_is_direct_prediction(self):
        x = torch.randn(1, 2, 4)
        assert torch.equal(Translation(4, depth=0)(x), x)


class TestOtherTranslations:
    def test_the_mlp_translates_every_view_by_itself(self):
        translation = Translation(8, depth=2, kind="mlp")
        x = torch.randn(3, 4, 8)
        whole = translation(x)
        for view in range(4):
            torch.testing.assert_close(whole[:, view : view + 1], translation(x[:, view : view + 1]))

    def test_the_mlp_against_the_equations(self):
        translation = Translation(6, depth=1, kind="mlp").double()
        block, x = translation.blocks[0], torch.randn(2, 3, 6, dtype=torch.float64)
        inner, _, outer = block.alone
        y = block.attention_norm(x + outer(inner(x).clamp(min=0)))
        hidden, _, last = block.feed_forward
        torch.testing.assert_close(translation(x), block.feed_forward_norm(y + last(hidden(y).clamp(min=0))))

    def test_blocks_may_end_in_a_relu(self):
        torch.manual_seed(0)
        plain = Translation(8, depth=1)
        cut = Translation(8, depth=1, final_relu=True)
        cut.load_state_dict(plain.state_dict())
        x = torch.randn(3, 4, 8)
        assert plain(x).min() < 0
        torch.testing.assert_close(cut(x), plain(x).clamp(min=0))

    def test_dropout_is_for_training(self):
        translation, x = Translation(8, depth=2, dropout=0.5), torch.randn(3, 4, 8)
        assert not torch.equal(translation(x), translation(x))
        assert torch.equal(translation.eval()(x), translation(x))

    @pytest.mark.parametrize("settings", [{"depth": -1}, {"dropout": 1.0}])
    def test_what_cannot_be(self, settings):
        with pytest.raises(AmbikitError, match="at least 0 blocks and a share below 1"):
            Translation(8, **settings)
