import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import ambikit
from ambikit.analysis.spectra import feature_grid
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close


def torch_stft(signal: np.ndarray, frame_length: int, hop_length: int) -> np.ndarray:
    """An independent oracle: torch's own transform, in double precision."""
    return torch.stft(
        torch.from_numpy(signal.astype(np.float64)),
        frame_length,
        hop_length,
        window=torch.hann_window(frame_length, periodic=True, dtype=torch.float64),
        center=True,
        pad_mode="reflect",
        return_complex=True,
    ).numpy()


def noise_of(rng, shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


class TestValues:
    @pytest.mark.parametrize(("frame_length", "hop_length", "time"), [(512, 240, 4800), (64, 16, 1003), (16, 5, 17)])
    def test_equals_torch_stft(self, library, dtype, rng, frame_length, hop_length, time):
        signal = rng.normal(size=(3, time)).astype(dtype)
        spectrum = library.numpy(ambikit.stft(library.array(signal), frame_length=frame_length, hop_length=hop_length))
        assert spectrum.dtype == {"float32": np.complex64, "float64": np.complex128}[dtype]
        assert_close(spectrum, torch_stft(signal, frame_length, hop_length), dtype, factor=0.1)

    def test_a_sine_in_the_middle_of_a_bin(self):
        time = np.arange(512)
        spectrum = ambikit.stft(np.sin(2 * np.pi * 8 * time / 64), frame_length=64, hop_length=32)
        assert_close(np.abs(spectrum[8, 2:-2]), np.full(13, 16.0))

    @given(st.integers(2, 33), st.integers(1, 40), st.integers(0, 100))
    def test_number_of_frames(self, frame_length, hop_length, more):
        time = frame_length - frame_length // 2 + 1 + more
        spectrum = ambikit.stft(np.ones((2, time)), frame_length=frame_length, hop_length=hop_length)
        assert spectrum.shape == (2, frame_length // 2 + 1, 1 + time // hop_length)

    @pytest.mark.parametrize(
        ("sample_rate", "expected"),
        [(24000, (512, 240)), (48000, (1024, 480)), (44100, (1024, 441)), (16000, (512, 160))],
    )
    def test_feature_grid(self, sample_rate, expected):
        assert feature_grid(sample_rate, sample_rate, 0.021, 0.010) == (*expected, 100)
        assert feature_grid(sample_rate + 1, sample_rate, 0.021, 0.010)[2] == 101

    def test_a_window_that_is_a_power_of_two_is_kept(self):
        assert feature_grid(8, 24000, 512 / 24000, 0.01)[0] == 512


class TestLaws:
    @pytest.mark.parametrize(("frame_length", "hop_length"), [(64, 16), (64, 32), (64, 24), (33, 7)])
    @pytest.mark.parametrize("time", [960, 983])
    def test_inverse(self, library, rng, frame_length, hop_length, time):
        signal = rng.normal(size=(2, 4, time))
        spectrum = ambikit.stft(library.array(signal), frame_length=frame_length, hop_length=hop_length)
        back = ambikit.istft(spectrum, frame_length=frame_length, hop_length=hop_length, length=time)
        # The last sample may hang on the foot of one window alone, hence the factor.
        assert_close(library.numpy(back), signal, factor=1e3)

    def test_inverse_in_single_precision_at_the_features_grid(self, library, rng):
        signal = rng.normal(size=(4, 24000)).astype(np.float32)
        spectrum = ambikit.stft(library.array(signal), frame_length=512, hop_length=240)
        back = library.numpy(ambikit.istft(spectrum, frame_length=512, hop_length=240, length=24000))
        assert back.dtype == np.float32
        assert_close(back, signal, "float32")

    @pytest.mark.parametrize("hop_length", [16, 29])  # 29 of 64: 0.453 of a frame
    @pytest.mark.parametrize("more", range(0, 29, 4))
    def test_every_sample_comes_back_in_single_precision(self, library, rng, hop_length, more):
        signal = rng.normal(size=(2, 290 + more)).astype(np.float32)
        spectrum = ambikit.stft(library.array(signal), frame_length=64, hop_length=hop_length)
        back = library.numpy(ambikit.istft(spectrum, frame_length=64, hop_length=hop_length, length=290 + more))
        assert_close(back, signal, "float32", factor=5)

    @pytest.mark.parametrize(("hop_length", "time"), [(256, 5119), (256, 5110), (500, 5500), (511, 5621)])
    def test_what_is_changed_is_not_raised_at_the_feet_of_windows(self, library, rng, hop_length, time):
        """Half a frame and more: a change of a bin comes back at most 100 times as large, not N² times."""
        keywords = {"frame_length": 512, "hop_length": hop_length}
        spectrum = ambikit.stft(rng.normal(size=time), **keywords)
        change = noise_of(rng, spectrum.shape)
        in_frames = np.abs(np.fft.irfft(change, 512, axis=0)).max()
        raised = library.numpy(ambikit.istft(library.array(change), length=time, **keywords))
        assert np.abs(raised).max() < np.sqrt(2) * 100 * in_frames  # where two feet meet, the root of 2

    def test_the_last_samples_fade_where_one_foot_is_all_there_is(self):
        keywords = {"frame_length": 512, "hop_length": 256}
        back = ambikit.istft(ambikit.stft(np.ones(5119), **keywords), length=5119, **keywords)
        coverage = np.cos(np.pi * np.arange(255) / 512) ** 4  # of the last window, whose centre is sample 4864
        expected = np.minimum(coverage / 1e-4, 1)
        assert_close(back, np.concatenate([np.ones(4864), expected]), factor=100)
        assert (expected < 1).sum() == 15

    def test_default_length_spans_the_frames(self):
        spectrum = ambikit.stft(np.ones((1, 1000)), frame_length=64, hop_length=16)
        assert ambikit.istft(spectrum, frame_length=64, hop_length=16).shape == (1, 992)

    def test_least_squares_for_a_spectrum_without_a_signal(self, rng):
        """Turning a spectrum into sound and back projects: doing it twice changes nothing more."""
        spectrum = rng.normal(size=(33, 9)) + 1j * rng.normal(size=(33, 9))
        keywords = {"frame_length": 64, "hop_length": 16}
        once = ambikit.istft(spectrum, **keywords)
        twice = ambikit.istft(ambikit.stft(once, **keywords), **keywords)
        assert_close(twice, once, factor=10)

    @given(st.sampled_from([1.0, 1e-6, 1e-30, 1e6]))
    def test_linear(self, scale):
        signal = np.random.default_rng(1).normal(size=(4, 300)).astype(np.float32)
        keywords = {"frame_length": 64, "hop_length": 16}
        scaled = ambikit.stft(signal * np.float32(scale), **keywords)
        assert_close(scaled / scale, ambikit.stft(signal, **keywords), "float32")


class TestBackends:
    def test_numpy_equals_torch(self, rng):
        signal = rng.normal(size=(2, 4, 4800)).astype(np.float32)
        one = ambikit.stft(signal, frame_length=512, hop_length=240)
        other = ambikit.stft(torch.from_numpy(signal), frame_length=512, hop_length=240).numpy()
        assert_close(one, other, "float32", factor=0.1)

    def test_gradients(self, rng):
        signal = torch.from_numpy(rng.normal(size=(1, 40))).requires_grad_()

        def there_and_back(x):
            spectrum = ambikit.stft(x, frame_length=16, hop_length=8)
            return torch.view_as_real(spectrum), ambikit.istft(spectrum, frame_length=16, hop_length=8, length=40)

        assert torch.autograd.gradcheck(there_and_back, signal)

    def test_compile(self, no_shape_hook, rng):
        def there_and_back(x):
            spectrum = ambikit.stft(x, frame_length=64, hop_length=16)
            return ambikit.istft(spectrum, frame_length=64, hop_length=16)

        signal = torch.from_numpy(rng.normal(size=(4, 960)))
        compiled = torch.compile(there_and_back, fullgraph=True, backend="eager")
        assert_close(compiled(signal).numpy(), signal.numpy(), factor=10)

    def test_half_precision_is_computed_in_single(self):
        spectrum = ambikit.stft(torch.ones(1, 64, dtype=torch.bfloat16), frame_length=16, hop_length=8)
        assert spectrum.dtype == torch.complex64
        assert ambikit.stft(np.ones((1, 64), np.float16), frame_length=16, hop_length=8).dtype == np.complex64

    def test_nan_stays_in_its_frames(self, library):
        signal = np.ones((1, 320))
        signal[0, 160] = np.nan
        spectrum = library.numpy(ambikit.stft(library.array(signal), frame_length=32, hop_length=16))
        bad = np.isnan(spectrum).any(axis=(0, 1))
        assert bad.tolist() == [frame in (10, 11) for frame in range(21)]

    def test_any_leading_axes(self, rng):
        signal = rng.normal(size=(2, 3, 4, 100))
        whole = ambikit.stft(signal, frame_length=16, hop_length=8)
        assert_close(ambikit.stft(signal[1, 2, 3], frame_length=16, hop_length=8), whole[1, 2, 3])

    def test_an_empty_batch(self, library, dtype):
        keywords = {"frame_length": 16, "hop_length": 8}
        spectrum = ambikit.stft(library.array(np.zeros((0, 4, 100), dtype)), **keywords)
        assert spectrum.shape == (0, 4, 9, 13)
        assert library.numpy(spectrum).dtype == {"float32": np.complex64, "float64": np.complex128}[dtype]
        back = library.numpy(ambikit.istft(spectrum, length=100, **keywords))
        assert back.shape == (0, 4, 100)
        assert back.dtype == dtype


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_too_short(self):
        with pytest.raises(ShapeError, match=r"\(4, 256\).*more than 256"):
            ambikit.stft(np.zeros((4, 256)), frame_length=512, hop_length=240)
        with pytest.raises(ShapeError, match="more than"):
            ambikit.stft(np.zeros((4, 0)), frame_length=512, hop_length=240)

    def test_integers_and_lists(self):
        with pytest.raises(ArrayTypeError, match="32768"):
            ambikit.stft(np.zeros((4, 600), np.int16), frame_length=512, hop_length=240)
        with pytest.raises(ArrayTypeError, match="list"):
            ambikit.stft([0.0] * 600, frame_length=512, hop_length=240)

    @pytest.mark.parametrize("keywords", [{"frame_length": 1, "hop_length": 1}, {"frame_length": 8, "hop_length": 0}])
    def test_frames(self, keywords):
        with pytest.raises(AmbikitError, match="expected a whole number"):
            ambikit.stft(np.zeros(100), **keywords)

    def test_a_spectrum_of_another_frame_length(self):
        with pytest.raises(ShapeError, match="33 bins"):
            ambikit.istft(np.zeros((9, 4), complex), frame_length=64, hop_length=16)

    def test_gaps_between_windows(self):
        spectrum = ambikit.stft(np.ones(640), frame_length=16, hop_length=16)
        with pytest.raises(AmbikitError, match="cover every sample"):
            ambikit.istft(spectrum, frame_length=16, hop_length=16)

    def test_more_samples_than_there_are(self):
        spectrum = ambikit.stft(np.ones(640), frame_length=64, hop_length=16)
        with pytest.raises(ShapeError, match="length=1000"):
            ambikit.istft(spectrum, frame_length=64, hop_length=16, length=1000)

    @pytest.mark.parametrize("length", [10.5, True, "10", -1, 0])
    def test_lengths(self, length):
        spectrum = ambikit.stft(np.ones(640), frame_length=64, hop_length=16)
        with pytest.raises(AmbikitError, match="got .*length="):
            ambikit.istft(spectrum, frame_length=64, hop_length=16, length=length)

    def test_levels_without_phases(self):
        for dtype in (np.float32, torch.float64):
            spectrum = torch.ones(33, 9, dtype=dtype) if dtype is torch.float64 else np.ones((33, 9), dtype)
            with pytest.raises(ArrayTypeError, match="expected a complex spectrum"):
                ambikit.istft(spectrum, frame_length=64, hop_length=16)

    def test_a_rate_in_kilohertz(self):
        with pytest.raises(AmbikitError, match="hop=0.01 and sample_rate=48; .*sample_rate in Hz"):
            ambikit.foa_features(np.ones((4, 48000)), 48)

    @pytest.mark.parametrize(("rate", "frames"), [(11025, 101), (16000, 100), (22050, 101), (44100, 100), (48000, 100)])
    def test_one_second_is_a_hundred_frames_where_the_hop_is_whole(self, rate, frames):
        assert feature_grid(rate, rate, 0.021, 0.010)[2] == frames

    @pytest.mark.parametrize("keywords", [{"window": 0.0}, {"hop": 0.0}, {"hop": 1e-6}, {"window": float("nan")}])
    def test_a_grid_without_samples(self, keywords):
        with pytest.raises(AmbikitError, match="at least one sample"):
            feature_grid(100, 24000, **{"window": 0.02, "hop": 0.01, **keywords})
