import copy
import pickle

import pytest
import torch

import ambikit
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close

CASES = [
    (lambda **k: ambikit.nn.LogMel(24000, **k), lambda x, **k: ambikit.log_mel(x, 24000, **k), 3),
    (lambda **k: ambikit.nn.FoaFeatures(24000, **k), lambda x, **k: ambikit.foa_features(x, 24000, **k), 4),
    (lambda **k: ambikit.nn.StereoFeatures(24000, **k), lambda x, **k: ambikit.stereo_features(x, 24000, **k), 2),
    (
        lambda **k: ambikit.nn.Stft(frame_length=64, hop_length=16),
        lambda x, **k: ambikit.stft(x, frame_length=64, hop_length=16),
        3,
    ),
]
every_module = pytest.mark.parametrize(
    ("make", "function", "channels"), CASES, ids=["log_mel", "foa", "stereo", "stft"]
)
mel_modules = pytest.mark.parametrize(("make", "function", "channels"), CASES[:3], ids=["log_mel", "foa", "stereo"])


def noise(channels, dtype=torch.float32):
    return torch.randn(2, channels, 2400, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


@every_module
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_is_the_function(make, function, channels, dtype):
    signal = noise(channels, dtype)
    for module in (make(), make().to(dtype)):
        result = module(signal)
        assert result.dtype == function(signal).dtype
        assert torch.equal(result, function(signal))


@mel_modules
@pytest.mark.parametrize(
    "parameters", [{"bands": 40}, {"window": 0.04, "hop": 0.02}, {"power": 1.0}, {"dynamic_range_db": 30.0}]
)
def test_parameters_reach_the_function(make, function, channels, parameters):
    signal = noise(channels)
    assert torch.equal(make(**parameters)(signal), function(signal, **parameters))


def test_weighting_reaches_the_function():
    signal = noise(4)
    expected = ambikit.foa_features(signal, 24000, weighting="energy")
    assert torch.equal(ambikit.nn.FoaFeatures(24000, weighting="energy")(signal), expected)


@every_module
def test_has_nothing_to_learn_and_nothing_to_save(make, function, channels):
    module = make()
    assert list(module.parameters()) == []
    assert module.state_dict() == {}
    module.load_state_dict({})


@mel_modules
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single(make, function, channels, dtype):
    signal = noise(channels).to(dtype)
    module = make().to(dtype)
    assert module.filterbank.dtype == torch.float32
    assert module(signal).dtype == dtype
    assert torch.equal(module(signal), function(signal))


@mel_modules
def test_double_and_back(make, function, channels):
    module = make().double().half().float()
    assert torch.equal(module(noise(channels)), function(noise(channels)))
    assert torch.equal(module.double()(noise(channels, torch.float64)), function(noise(channels, torch.float64)))


@mel_modules
def test_moves_to_a_device(make, function, channels):
    assert make().to("meta").filterbank.device.type == "meta"


@mel_modules
@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu(make, function, channels):
    module = make().cuda()
    result = module(noise(channels).cuda())
    assert result.device.type == "cuda"
    assert_close(result.cpu().numpy(), function(noise(channels)).numpy(), "float32", factor=10)


@every_module
def test_copies_and_pickles(make, function, channels):
    module = make()
    signal = noise(channels)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(other(signal), module(signal))


@every_module
def test_gradients_flow(make, function, channels):
    signal = noise(channels).requires_grad_()
    make()(signal).abs().sum().backward()
    assert signal.grad.isfinite().all()
    assert signal.grad.any()


@every_module
def test_compile(no_shape_hook, make, function, channels):
    module = make()
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    signal = noise(channels)
    assert_close(compiled(signal).numpy(), module(signal).numpy(), "float32", factor=10)


@every_module
@pytest.mark.parametrize("gradient", [False, True])
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning")
def test_a_trace_follows_its_input(no_shape_hook, make, function, channels, gradient):
    """What is traced with one signal computes another one: nothing leaves torch and becomes a constant."""
    module = make()
    traced = torch.jit.trace(module, noise(channels).requires_grad_(gradient), check_trace=False)
    signal = noise(channels).flip(-1) / 3
    assert_close(traced(signal).detach().numpy(), module(signal).numpy(), "float32", factor=10)


def test_shows_its_parameters():
    assert "sample_rate=24000, bands=64" in repr(ambikit.nn.FoaFeatures(24000, bands=64))
    assert "window=0.021" in repr(ambikit.nn.FoaFeatures(16000))
    assert "frame_length=512, hop_length=160" in repr(ambikit.nn.FoaFeatures(16000))  # 32 ms, the next power of two
    assert "frame_length=64" in repr(ambikit.nn.Stft(frame_length=64, hop_length=16))


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    @pytest.mark.parametrize("parameters", [{"power": 3.0}, {"hop": 0.0}, {"bands": 0}, {"weighting": "loud"}])
    def test_parameters_are_checked_at_once(self, parameters):
        with pytest.raises(AmbikitError, match=next(iter(parameters))):
            ambikit.nn.FoaFeatures(24000, **parameters)

    def test_frames(self):
        with pytest.raises(AmbikitError, match="hop_length"):
            ambikit.nn.Stft(frame_length=64, hop_length=0)

    def test_signals(self):
        with pytest.raises(ShapeError, match="2 channels"):
            ambikit.nn.FoaFeatures(24000)(torch.zeros(2, 2400))
        with pytest.raises(ArrayTypeError, match="int16"):
            ambikit.nn.FoaFeatures(24000)(torch.zeros(4, 2400, dtype=torch.int16))


class TestBinauralDecoder:
    def test_it_is_the_function(self):
        signal = torch.randn(2, 9, 300, generator=torch.Generator().manual_seed(0))
        decoder = ambikit.binaural_decoder(order=2, sample_rate=24000)
        expected = ambikit.decode_binaural(signal, 24000, decoder)
        for module in (ambikit.nn.BinauralDecoder(decoder), ambikit.nn.BinauralDecoder(order=2, sample_rate=24000)):
            torch.testing.assert_close(module(signal), expected)
            assert not module.state_dict()
        double = ambikit.nn.BinauralDecoder(decoder)(signal.double())
        torch.testing.assert_close(double, ambikit.decode_binaural(signal.double(), 24000, decoder), rtol=0, atol=1e-12)

    def test_half_precision_keeps_the_filters(self):
        module = ambikit.nn.BinauralDecoder(order=1)
        before = module.filters.clone()
        assert torch.equal(module.half().filters, before)
        assert module(torch.randn(4, 300).half()).dtype == torch.float16

    @pytest.mark.parametrize("gradient", [False, True])
    def test_a_trace_follows_its_input(self, no_shape_hook, gradient):
        module = ambikit.nn.BinauralDecoder(order=1)
        traced = torch.jit.trace(module, torch.randn(2, 4, 300).requires_grad_(gradient), check_trace=False)
        signal = torch.randn(2, 4, 300)
        assert_close(traced(signal).detach().numpy(), module(signal).numpy(), "float32", factor=10)

    def test_gradients_and_errors(self):
        module = ambikit.nn.BinauralDecoder(order=1, method="least_squares")
        signal = torch.randn(4, 50, requires_grad=True)
        module(signal).square().sum().backward()
        assert signal.grad.abs().sum() > 0
        with pytest.raises(ambikit.ShapeError):
            module(torch.randn(9, 50))
        with pytest.raises(ambikit.AmbikitError, match="leave the keywords away"):
            ambikit.nn.BinauralDecoder(ambikit.binaural_decoder(), method="magls")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_mixed_precision_is_for_networks_not_for_features(dtype):
    torch.manual_seed(0)
    signal = torch.randn(1, 4, 2400, requires_grad=True)  # with a gradient the formula is taken, as on a GPU
    layer = ambikit.nn.FoaFeatures(24000)
    with torch.autocast("cpu", dtype=dtype):
        mixed = layer(signal)
    assert torch.equal(mixed, layer(signal))
