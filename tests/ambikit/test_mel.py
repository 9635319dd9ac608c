import re

import librosa
import numpy as np
import pytest
import torch

import ambikit
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close


class TestFilterbank:
    @pytest.mark.parametrize(
        ("sample_rate", "frame_length", "bands", "lowest", "highest"),
        [
            (24000, 512, 128, 0, None),
            (48000, 1024, 128, 0, None),
            (16000, 512, 40, 50, 7000),
            (44100, 2048, 64, 20, None),
        ],
    )
    def test_equals_librosa(self, sample_rate, frame_length, bands, lowest, highest):
        bank = ambikit.mel_filterbank(
            sample_rate, frame_length, bands, minimum_frequency=lowest, maximum_frequency=highest
        )
        oracle = librosa.filters.mel(
            sr=sample_rate, n_fft=frame_length, n_mels=bands, fmin=lowest, fmax=highest, htk=False, dtype=np.float64
        )
        assert bank.dtype == np.float64
        assert_close(bank, oracle, factor=100)

    def test_triangles_have_area_one(self):
        bank = ambikit.mel_filterbank(48000, 16384, 20)
        assert_close(bank.sum(axis=1) * 48000 / 16384, np.ones(20), factor=1e10)  # sampled, hence within 1 %

    def test_one_kilohertz_is_mel_fifteen(self):
        """Bands of 1 mel: up to 1 kHz the peaks are 200/3 Hz apart, beyond by the factor 6.4^(1/27)."""
        highest = 1000 * 6.4 ** (11 / 27)  # mel 26
        bank = ambikit.mel_filterbank(48000, 48000, 25, maximum_frequency=highest)
        peaks = bank.argmax(axis=1)
        assert peaks[[0, 5, 14]].tolist() == [67, 400, 1000]
        assert abs(peaks[24] - 1000 * 6.4 ** (10 / 27)) <= 0.5

    def test_empty_bands_are_named(self):
        """Bins every 100 Hz, peaks every 50 Hz: every second triangle has its feet on two bins and none between."""
        with pytest.warns(UserWarning, match="mel bands 0, 2, 4 of 5 are empty.*fewer bands"):
            ambikit.mel_filterbank(1000, 10, 5, maximum_frequency=300)

    def test_the_warning_names_exactly_the_empty_bands(self):
        for sample_rate, frame_length, bands in [(8000, 128, 128), (24000, 512, 300), (48000, 512, 128)]:
            with pytest.warns(UserWarning, match="are empty") as caught:
                bank = ambikit.mel_filterbank(sample_rate, frame_length, bands)
            named = re.search(r"mel bands ([\d, ]+) of", str(caught[0].message)).group(1)
            assert [int(k) for k in named.split(", ")] == np.flatnonzero(bank.sum(axis=1) == 0).tolist()

    @pytest.mark.filterwarnings("error")
    def test_no_empty_band_at_the_papers_sizes(self):
        ambikit.mel_filterbank(24000, 512, 128)
        ambikit.mel_filterbank(48000, 1024, 128)

    def test_a_change_by_the_caller_stays_with_the_caller(self):
        ambikit.mel_filterbank(24000, 512)[:] = 0
        assert ambikit.mel_filterbank(24000, 512).any()

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(AmbikitError, match="13000"):
            ambikit.mel_filterbank(24000, 512, maximum_frequency=13000)
        with pytest.raises(AmbikitError, match="minimum"):
            ambikit.mel_filterbank(24000, 512, minimum_frequency=-1)
        with pytest.raises(AmbikitError, match="sample_rate"):
            ambikit.mel_filterbank(0, 512)
        with pytest.raises(AmbikitError, match="bands"):
            ambikit.mel_filterbank(24000, 512, 0)


class TestMelAverage:
    bank = np.array([[1.0, 1, 0, 0], [0, 1, 3, 0], [0, 0, 0, 0]])

    def test_by_hand(self, library):
        values = library.array(np.array([[1.0], [2.0], [6.0], [9.0]]))
        average = library.numpy(ambikit.mel_average(values, self.bank))
        assert average[:, 0].tolist() == [1.5, 5.0, 0.0]

    @pytest.mark.parametrize("scale", [1.0, 1e-40])
    def test_weights(self, library, scale):
        values = library.array(np.array([[1.0], [2.0], [6.0], [9.0]]))
        weights = library.array(np.array([[3.0], [1.0], [0.0], [5.0]]) * scale)
        average = library.numpy(ambikit.mel_average(values, self.bank, weights=weights))
        assert_close(average[:, 0], np.array([1.25, 2.0, 0.0]))

    def test_no_weight_gives_zero_with_a_finite_gradient(self):
        values = torch.ones(4, 1, requires_grad=True)
        weights = torch.zeros(4, 1, requires_grad=True)
        average = ambikit.mel_average(values, self.bank, weights=weights)
        average.sum().backward()
        assert average.tolist() == [[0.0], [0.0], [0.0]]
        assert values.grad.isfinite().all()
        assert weights.grad.isfinite().all()

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_nan_stays_in_the_bands_that_hold_its_bin(self, library, dtype, rng, bad, weighted):
        bank = ambikit.mel_filterbank(24000, 512)
        values, weights = rng.normal(size=(3, 257, 6)).astype(dtype), rng.uniform(0.1, 1, (257, 6)).astype(dtype)
        clean = ambikit.mel_average(values, bank, weights=weights if weighted else None)
        values[1, 40, 2] = bad
        result = library.numpy(
            ambikit.mel_average(library.array(values), bank, weights=library.array(weights) if weighted else None)
        )
        expected = np.zeros(result.shape, bool)
        expected[1, bank[:, 40] > 0, 2] = True
        assert 0 < expected.sum() < 5
        assert (np.isfinite(result) == ~expected).all()
        assert_close(result[~expected], clean[~expected], dtype)

    def test_nan_among_the_weights_stays_there_too(self, library, rng):
        bank = ambikit.mel_filterbank(24000, 512)
        weights = np.ones((257, 4))
        weights[30, 1] = np.nan
        result = library.numpy(
            ambikit.mel_average(library.array(np.ones((257, 4))), bank, weights=library.array(weights))
        )
        assert (np.isnan(result) == ((bank[:, 30] > 0)[:, None] & (np.arange(4) == 1))).all()
        assert_close(result[np.isfinite(result)], np.ones(np.isfinite(result).sum()))

    def test_nan_leaves_the_gradients_of_other_bands_alone(self):
        values = torch.ones(4, 3, dtype=torch.float64)
        values[0, 1] = torch.nan
        values.requires_grad_()
        result = ambikit.mel_average(values, np.array([[1.0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 3]]))
        assert result.isnan().nonzero().tolist() == [[0, 1]]
        result.nansum().backward()
        expected = torch.tensor([[0.5, 0, 0.5], [0.5, 0, 0.5], [0.25] * 3, [0.75] * 3], dtype=torch.float64)
        assert torch.equal(values.grad, expected)

    def test_a_tensor_as_bank(self, rng):
        values = rng.normal(size=(2, 4, 5)).astype(np.float32)
        one = ambikit.mel_average(values, self.bank)
        other = ambikit.mel_average(torch.from_numpy(values), torch.from_numpy(self.bank))
        assert_close(other.numpy(), one, "float32")

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(ShapeError, match=r"\(\.\.\., 4, time\)"):
            ambikit.mel_average(np.ones((5, 3)), self.bank)
        with pytest.raises(ArrayTypeError, match=r"numpy.*torch"):
            ambikit.mel_average(np.ones((4, 3)), torch.from_numpy(self.bank))
        with pytest.raises(ArrayTypeError, match="real"):
            ambikit.mel_average(np.ones((4, 3), complex), self.bank)


def librosa_levels(signal: np.ndarray, sample_rate: int, power: float) -> np.ndarray:
    """An independent oracle, with its floor and one second's 101st frame taken off."""
    mel = librosa.feature.melspectrogram(
        y=signal.astype(np.float64),
        sr=sample_rate,
        n_fft=512,
        hop_length=240,
        n_mels=128,
        power=power,
        window="hann",
        pad_mode="reflect",
        dtype=np.float64,
    )[..., :100]
    level = (20 / power) * np.log10(mel)
    return np.maximum(level, level.max() - 100)


class TestLogMel:
    @pytest.mark.parametrize("power", [2.0, 1.0])
    def test_equals_librosa(self, library, dtype, rng, power):
        signal = rng.normal(size=(4, 24000)).astype(dtype)
        level = library.numpy(ambikit.log_mel(library.array(signal), 24000, power=power))
        assert level.shape == (4, 128, 100)
        assert level.dtype == dtype
        oracle = librosa_levels(signal, 24000, power)
        assert np.abs(level - oracle).max() < {"float32": 1e-3, "float64": 1e-9}[dtype]

    @pytest.mark.parametrize("time", [24000, 23999, 24001, 300])
    def test_number_of_frames(self, time):
        assert ambikit.log_mel(np.ones(time), 24000).shape == (128, -(-time // 240))

    def test_floor_is_below_the_peak_of_the_clip(self, library):
        time = np.arange(24000) / 24000
        tone = np.sin(2 * np.pi * 1000 * time)
        clips = np.stack([[tone, 0 * tone], [0 * tone, 1e-3 * tone]])
        level = library.numpy(ambikit.log_mel(library.array(clips), 24000))
        for clip in level:
            assert np.isclose(clip.min(), clip.max() - 100)
        assert np.allclose(level[0, 1], level[0].min())
        assert np.isclose(level[0].max() - level[1].max(), 60)

    def test_dynamic_range(self, rng):
        signal = np.concatenate([rng.normal(size=12000), np.zeros(12000)])
        level = ambikit.log_mel(signal, 24000, dynamic_range_db=40)
        assert np.isclose(level.min(), level.max() - 40)

    @pytest.mark.parametrize("scale", [1e-6, 1e6, 1e-30])
    def test_a_change_of_level_shifts_and_nothing_else(self, library, rng, scale):
        signal = np.concatenate([rng.normal(size=(2, 6000)), 1e-9 * rng.normal(size=(2, 6000))], -1).astype(np.float32)
        level = library.numpy(ambikit.log_mel(library.array(signal), 24000))
        scaled = library.numpy(ambikit.log_mel(library.array(signal * np.float32(scale)), 24000))
        assert np.abs(scaled - level - 20 * np.log10(scale)).max() < 1e-3

    def test_silence(self, library, dtype):
        level = library.numpy(ambikit.log_mel(library.array(np.zeros((2, 4, 2400), dtype)), 24000))
        assert np.abs(level + 100).max() < 1e-4

    def test_what_is_faint_keeps_its_level_below_the_convention_for_silence(self, library, rng):
        """The law of scale holds for every clip that sounds, so the figure of silence is no bound."""
        noise = rng.normal(size=(1, 2400))
        level = library.numpy(ambikit.log_mel(library.array(noise), 24000))
        faint = library.numpy(ambikit.log_mel(library.array(1e-8 * noise), 24000))
        assert_close(faint, level - 160, "float64")
        assert faint.max() < -100

    def test_nan_stays_in_its_frames(self, library, rng):
        signal = rng.normal(size=(2, 24000))
        clean = ambikit.log_mel(signal, 24000)
        signal[0, 12000] = np.nan
        level = library.numpy(ambikit.log_mel(library.array(signal), 24000))
        bad = np.isnan(level)
        assert bad.all(axis=1)[0].nonzero()[0].tolist() == [49, 50, 51]
        assert bad.sum() == 3 * 128
        assert np.abs(level - clean)[~bad].max() < 1e-9

    @pytest.mark.parametrize("power", [2.0, 1.0])
    def test_gradients(self, rng, power):
        keywords = {"bands": 4, "window": 16 / 1000, "hop": 8 / 1000, "power": power, "dynamic_range_db": 20.0}
        signal = rng.normal(size=(2, 48))
        signal[:, 24:] *= 1e-3
        signal = torch.from_numpy(signal).requires_grad_()
        level = ambikit.log_mel(signal, 1000, **keywords)
        assert (level == level.min()).sum() > 3, "the floor takes part in this test"
        assert torch.autograd.gradcheck(lambda x: ambikit.log_mel(x, 1000, **keywords), signal)

    @pytest.mark.parametrize("power", [2.0, 1.0])
    def test_silence_has_finite_gradients(self, power):
        signal = torch.zeros(2, 2400, requires_grad=True)
        ambikit.log_mel(signal, 24000, power=power).sum().backward()
        assert signal.grad.isfinite().all()

    @pytest.mark.parametrize("name", ["float16", "bfloat16"])
    def test_half_precision(self, rng, name):
        signal = torch.from_numpy(rng.normal(size=(2, 2400))).to(getattr(torch, name))
        level = ambikit.log_mel(signal, 24000)
        assert level.dtype == signal.dtype
        assert_close(level.float().numpy(), ambikit.log_mel(signal.float(), 24000).numpy(), name)

    def test_compile(self, no_shape_hook, rng):
        signal = torch.from_numpy(rng.normal(size=(2, 2400)).astype(np.float32))
        compiled = torch.compile(lambda x: ambikit.log_mel(x, 24000), fullgraph=True, backend="eager")
        assert_close(compiled(signal).numpy(), ambikit.log_mel(signal, 24000).numpy(), "float32")

    def test_a_bank_of_ones_own(self, rng):
        signal = rng.normal(size=(2, 2400))
        bank = ambikit.mel_filterbank(24000, 512, 16, minimum_frequency=100)
        assert_close(
            ambikit.log_mel(signal, 24000, filterbank=2 * bank),
            ambikit.log_mel(signal, 24000, filterbank=bank) + 10 * np.log10(2),
        )

    def test_batch_is_loop(self, rng):
        signal = rng.normal(size=(3, 2, 2400)) * np.array([1, 1e-4, 10])[:, None, None]
        whole = ambikit.log_mel(signal, 24000)
        assert_close(whole, np.stack([ambikit.log_mel(clip, 24000) for clip in signal]))

    @pytest.mark.usefixtures("no_shape_hook")
    @pytest.mark.parametrize(
        ("keywords", "message"),
        [
            ({"power": 3.0}, "power=3.0"),
            ({"dynamic_range_db": 0.0}, "dynamic_range_db=0.0"),
            ({"window": 0.0}, "window=0.0"),
            ({"bands": 0}, "bands=0"),
            ({"filterbank": np.ones((3, 100))}, r"\(3, 100\).*257"),
        ],
    )
    def test_errors(self, keywords, message):
        with pytest.raises(AmbikitError, match=message):
            ambikit.log_mel(np.ones(2400), 24000, **keywords)

    @pytest.mark.usefixtures("no_shape_hook")
    def test_too_short(self):
        with pytest.raises(ShapeError, match="more than 256 samples"):
            ambikit.log_mel(np.ones((4, 200)), 24000)
        with pytest.raises(ShapeError, match="more than 256 samples"):
            ambikit.log_mel(np.ones((4, 0)), 24000)
