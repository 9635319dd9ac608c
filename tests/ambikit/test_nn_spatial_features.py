import copy
import pickle

import pytest
import torch

import ambikit
from ambikit.errors import AmbikitError, ArrayTypeError

CASES = {
    "Salsa": (ambikit.salsa, {"noise_ratio": None, "hop": 0.02}),
    "SalsaLite": (ambikit.salsa_lite, {"maximum_frequency": 4000.0}),
    "DcaseFoaFeatures": (ambikit.dcase_foa_features, {"bands": 40}),
    "DcaseMicFeatures": (ambikit.dcase_mic_features, {"dynamic_range_db": 50.0}),
}
every_module = pytest.mark.parametrize("name", CASES)


def noise(dtype=torch.float32):
    return torch.randn(2, 4, 2400, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


@every_module
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_is_the_function(name, dtype):
    function, parameters = CASES[name]
    for keywords in ({}, parameters):
        module = getattr(ambikit.nn, name)(24000, **keywords).to(dtype)
        result = module(noise(dtype))
        assert result.dtype == dtype
        assert torch.equal(result, function(noise(dtype), 24000, **keywords))
        assert not module.state_dict()
        assert all(f"{key}={value!r}" in repr(module) for key, value in keywords.items())


@every_module
def test_copies_pickles_and_gradients(name):
    module = getattr(ambikit.nn, name)(24000)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(other(noise()), module(noise()))
    signal = noise().requires_grad_()
    module(signal).square().sum().backward()
    assert signal.grad.isfinite().all()
    assert signal.grad.any()


@every_module
def test_mixed_precision_is_for_networks(name):
    module, signal = getattr(ambikit.nn, name)(24000), noise().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = module(signal)
    assert torch.equal(mixed, module(signal))


@every_module
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning")
def test_a_trace_follows_its_input(no_shape_hook, name):
    module = getattr(ambikit.nn, name)(24000)
    traced = torch.jit.trace(module, noise(torch.float64), check_trace=False)
    signal = noise(torch.float64).flip(-1) / 3
    torch.testing.assert_close(traced(signal)[..., 1:], module(signal)[..., 1:], rtol=1e-7, atol=1e-7)


@every_module
@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu(name):
    module = getattr(ambikit.nn, name)(24000).cuda()
    result = module(noise(torch.float64).cuda())[..., 1:]
    torch.testing.assert_close(result.cpu(), module(noise(torch.float64))[..., 1:], rtol=1e-6, atol=1e-6)


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    @every_module
    def test_parameters_are_checked_at_once(self, name):
        module = getattr(ambikit.nn, name)
        with pytest.raises(AmbikitError, match="dynamic_range_db"):
            module(24000, dynamic_range_db=-1)
        with pytest.raises(AmbikitError, match="expected keywords"):
            module(24000, window_seconds=0.02)
        with pytest.raises(AmbikitError, match="sample_rate"):
            module(0)

    @every_module
    def test_signals(self, name):
        with pytest.raises(ArrayTypeError, match="int16"):
            getattr(ambikit.nn, name)(24000)(torch.zeros(4, 2400, dtype=torch.int16))


class TestGccPhat:
    def test_is_the_function(self):
        module = ambikit.nn.GccPhat(frame_length=255, hop_length=100, max_lag=20, pairs=[(0, 1), (2, 3)])
        spectrum = ambikit.stft(noise(), frame_length=255, hop_length=100)
        expected = ambikit.gcc_phat(spectrum, frame_length=255, max_lag=20, pairs=[(0, 1), (2, 3)])
        assert torch.equal(module(noise()), expected)
        assert "max_lag=20" in repr(module)
        with pytest.raises(AmbikitError, match="expected keywords"):
            ambikit.nn.GccPhat(frame_length=256, hop_length=100, lags=20)


class TestResample:
    def test_is_the_function(self):
        module, expected = ambikit.nn.Resample(48000, 44100.0), ambikit.resample(noise(), 48000, 44100)
        assert torch.equal(module(noise()), expected)
        assert "target_rate=44100" in repr(module)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(module(noise()), expected)
        with pytest.raises(AmbikitError, match="whole number"):
            ambikit.nn.Resample(48000, 22050.5)
