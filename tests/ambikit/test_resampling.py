from math import ceil

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import ambikit
from ambikit import resample
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close

RATES = [(48000, 24000), (24000, 48000), (44100, 48000), (48000, 44100), (48000, 16000), (44100, 48001)]


def sine(frequency, rate, seconds=0.2, phase=0.7):
    return np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate + phase)


def slow(signal, up, down):
    """The definition, output sample by output sample, with the window written out."""
    widest = max(up, down)
    taps = np.arange(-10 * widest, 10 * widest + 1)
    low_pass = np.sinc(taps / widest) * np.i0(5 * np.sqrt(1 - (taps / (10 * widest)) ** 2)) / np.i0(5)
    low_pass *= up / low_pass.sum()
    out = np.zeros(ceil(len(signal) * up / down))
    for m in range(len(out)):
        for k in range(len(signal)):
            place = m * down - k * up
            if abs(place) <= 10 * widest:
                out[m] += low_pass[place + 10 * widest] * signal[k]
    return out


class TestValues:
    @pytest.mark.parametrize(("source", "target"), [(2, 1), (1, 2), (3, 2), (2, 3), (7, 5)])
    def test_is_its_definition(self, library, rng, source, target):
        signal = rng.normal(size=60)
        result = library.numpy(resample(library.array(signal), source, target))
        assert_close(result, slow(signal, target, source), factor=10)

    @pytest.mark.parametrize(("source", "target"), RATES)
    @pytest.mark.parametrize("frequency", [100.0, 1000.0, 6000.0])
    def test_a_sine_keeps_its_level_and_its_phase(self, library, source, target, frequency):
        result = library.numpy(resample(library.array(sine(frequency, source)), source, target))
        expected = np.sin(2 * np.pi * frequency * np.arange(len(result)) / target + 0.7)
        inner = slice(len(result) // 4, -len(result) // 4)
        assert np.abs(result - expected)[inner].max() < 10 ** (0.06 / 20) - 1

    @pytest.mark.parametrize(
        ("source", "target", "ratio"),
        [(48000, 24000, 1.16), (48000, 24000, 1.5), (48000, 16000, 1.16), (48000, 16000, 2.3), (96000, 44100, 1.2)],
    )
    def test_what_does_not_fit_is_filtered_out(self, library, source, target, ratio):
        result = library.numpy(resample(library.array(sine(ratio * target / 2, source)), source, target))
        inner = slice(len(result) // 4, -len(result) // 4)
        assert 20 * np.log10(np.abs(result[inner]).max()) < -50

    def test_images_are_filtered_out(self, library):
        """From 16 to 48 kHz a sine of 6 kHz would be heard at 10 kHz too."""
        result = library.numpy(resample(library.array(sine(6000, 16000)), 16000, 48000))[2400:7200]
        spectrum = np.abs(np.fft.rfft(result * np.hanning(len(result))))
        assert 20 * np.log10(spectrum[900:1100].max() / spectrum.max()) < -50

    def test_turning_and_resampling_commute(self, library, rng):
        """A source on the sphere stays where it is."""
        sound = rng.normal(size=500)
        scene = ambikit.encode(library.array(sound), 40, -20, degrees=True)
        result = library.numpy(resample(scene, 48000, 32000))
        expected = ambikit.encode(resample(sound, 48000, 32000), 40, -20, degrees=True)
        assert_close(result, expected, factor=10)

    def test_the_same_rate_is_a_copy(self, library, rng):
        signal = library.array(rng.normal(size=50))
        result = resample(signal, 48000, 48000.0)
        assert result is not signal
        assert_close(library.numpy(result), library.numpy(signal))


class TestLaws:
    @given(st.integers(1, 90), st.integers(1, 12), st.integers(1, 12))
    def test_length_and_agreement(self, samples, source, target):
        signal = np.random.default_rng(samples).normal(size=(2, samples))
        ours = resample(signal, source, target)
        assert ours.shape == (2, ceil(samples * target / source))
        assert_close(resample(torch.as_tensor(signal), source, target).numpy(), ours, factor=10)

    @pytest.mark.parametrize(("source", "target"), RATES)
    def test_libraries_agree_in_single_precision(self, rng, source, target):
        signal = rng.normal(size=(2, 700)).astype(np.float32)
        ours, tensor = resample(signal, source, target), resample(torch.as_tensor(signal), source, target)
        assert ours.dtype == np.float32
        assert tensor.dtype == torch.float32
        assert np.abs(ours - tensor.numpy()).max() < 1e-6 * np.abs(ours).max()

    def test_batch_is_loop_and_scale_is_nothing(self, library, rng):
        signal = rng.normal(size=(2, 3, 100)).astype(np.float32)
        whole = library.numpy(resample(library.array(signal), 3, 2))
        for i in range(2):
            for c in range(3):
                assert_close(whole[i, c], resample(signal[i, c], 3, 2), "float32")
        faint = library.numpy(resample(library.array(1e-20 * signal), 3, 2))
        assert_close(faint * 1e20, whole, "float32")
        assert resample(library.array(np.zeros((0, 3, 100))), 3, 2).shape == (0, 3, 67)

    def test_nan_stays_in_its_channel_and_near_its_place(self, library, rng):
        signal = rng.normal(size=(2, 2000))
        signal[0, 1000] = np.nan
        broken = np.isnan(library.numpy(resample(library.array(signal), 3, 2)))
        assert broken[0].any()
        assert not broken[1].any()

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_precision(self, dtype):
        signal = torch.randn(100, generator=torch.Generator().manual_seed(0)).to(dtype)
        result = resample(signal, 2, 3)
        assert result.dtype == dtype
        assert torch.equal(result, resample(signal.float(), 2, 3).to(dtype))
        assert resample(signal.float().numpy().astype(np.float16), 2, 3).dtype == np.float16


class TestTorch:
    @pytest.mark.parametrize(("source", "target"), [(3, 2), (2, 3), (44100, 48001)])
    def test_gradients(self, source, target):
        signal = torch.randn(2, 30, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda x: resample(x, source, target), (signal,))

    def test_compile_and_vmap(self, no_shape_hook):
        signal = torch.randn(3, 2, 400, generator=torch.Generator().manual_seed(0))
        expected = resample(signal, 48000, 44100)
        compiled = torch.compile(lambda x: resample(x, 48000, 44100), fullgraph=True, backend="eager")
        torch.testing.assert_close(compiled(signal), expected)
        torch.testing.assert_close(torch.vmap(lambda x: resample(x, 48000, 44100))(signal), expected)


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    @pytest.mark.parametrize("bad", [22050.5, 0, -1, "48000", None, np.nan])
    @pytest.mark.parametrize("which", [0, 1])
    def test_rates(self, bad, which):
        rates = [48000, 48000]
        rates[which] = bad
        with pytest.raises(AmbikitError, match="Hz"):
            resample(np.zeros(10), *rates)

    def test_signals(self):
        with pytest.raises(ShapeError, match="at least one sample"):
            resample(np.zeros((2, 0)), 2, 1)
        with pytest.raises(ArrayTypeError, match="int16"):
            resample(np.zeros(10, dtype=np.int16), 2, 1)
        with pytest.raises(ArrayTypeError, match="complex"):
            resample(np.zeros(10, dtype=complex), 2, 1)
        with pytest.raises(ArrayTypeError, match="list"):
            resample([0.0], 2, 1)
