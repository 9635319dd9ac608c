from itertools import combinations

import numpy as np
import pytest
import torch

import ambikit
from ambikit.analysis.dcase import dcase_foa_features, dcase_intensity, dcase_mic_features
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close

RATE = 24000
DIRECTIONS = [(0, 0), (90, 0), (-90, 0), (180, 0), (0, 90), (0, -90), (37, 21), (-140, -63)]


def unit(azimuth, elevation):
    a, e = np.radians([azimuth, elevation])
    return np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])


def librosa_spectra(signal):
    librosa = pytest.importorskip("librosa")
    frames = signal.shape[-1] // 480
    settings = {"n_fft": 1024, "hop_length": 480, "win_length": 960, "window": "hann", "pad_mode": "reflect"}
    return np.stack([librosa.stft(channel, **settings)[:, :frames] for channel in signal])


def librosa_levels(spectra):
    librosa = pytest.importorskip("librosa")
    bank = librosa.filters.mel(sr=RATE, n_fft=1024, n_mels=64, dtype=np.float64)
    return bank, np.stack([librosa.power_to_db(bank @ np.abs(channel) ** 2) for channel in spectra])


class TestIntensity:
    @pytest.mark.parametrize(("azimuth", "elevation"), DIRECTIONS)
    @pytest.mark.parametrize("scale", [1, 1e-30, 1e30])
    def test_a_plane_wave_has_length_three_quarters(self, library, rng, azimuth, elevation, scale):
        scene = ambikit.encode(rng.normal(size=2000), azimuth, elevation, degrees=True)
        spectrum = scale * ambikit.stft(scene, frame_length=64, hop_length=32)
        result = library.numpy(dcase_intensity(library.array(spectrum.astype(np.complex64))))
        assert np.abs(result - 0.75 * unit(azimuth, elevation)[:, None, None]).max() < 1e-5

    def test_in_n3d_it_is_longer_but_not_one(self, rng):
        scene = ambikit.convert(ambikit.encode(rng.normal(size=500), 1.0, 0.3), "ambix", "n3d")
        result = dcase_intensity(ambikit.stft(scene, frame_length=64, hop_length=32))
        assert np.linalg.norm(result, axis=0) == pytest.approx(np.sqrt(3) / 2)

    def test_by_hand_and_silence(self, library):
        """W = 1+j, Y = 1, Z = j, X = -2: Re(W* ...) = (-2, 1, 1), divisor 2 + (1 + 1 + 4) / 3 = 4."""
        spectrum = np.array([[1 + 1j, 0], [1, 0], [1j, 0], [-2, 0]])[:, None]
        result = library.numpy(dcase_intensity(library.array(spectrum)))[:, 0]
        assert_close(result, np.array([[-0.5, 0], [0.25, 0], [0.25, 0]]))


class TestBaseline:
    def test_foa_against_another_library(self, library, rng):
        scene = ambikit.encode(rng.normal(size=12345), 40, 20, degrees=True) + 0.2 * rng.normal(size=(4, 12345))
        scene[2] *= 1e-3 ** (np.arange(12345) / 4000)  # a channel whose floor is reached
        spectra = librosa_spectra(scene)
        bank, levels = librosa_levels(spectra)
        w, dipoles = spectra[0], spectra[1:]
        energy = np.abs(w) ** 2 + (np.abs(dipoles) ** 2).sum(0) / 3
        expected = np.concatenate([levels, bank @ ((w.conj() * dipoles).real / energy)])
        result = library.numpy(dcase_foa_features(library.array(scene)))
        assert result.shape == (7, 64, 25)
        assert np.abs(result[:4] - expected[:4]).max() < 1e-6
        assert (levels[2] == levels[2].max() - 80).mean() > 0.1
        assert_close(result[4:], expected[4:], "float32")

    def test_microphones_against_another_library(self, library, rng):
        signal = rng.normal(size=(4, 9000))
        spectra = librosa_spectra(signal)
        _, levels = librosa_levels(spectra)
        correlations = []
        for m, n in combinations(range(4), 2):
            whole = np.fft.irfft(np.exp(1j * np.angle(spectra[m].conj() * spectra[n])), axis=0)
            correlations.append(np.concatenate([whole[-32:], whole[:32]]))
        result = library.numpy(dcase_mic_features(library.array(signal)))
        assert result.shape == (10, 64, 18)
        assert np.abs(result[:4] - levels).max() < 1e-6
        assert np.abs(result[4:] - correlations).max() < 1e-9

    @pytest.mark.parametrize(("azimuth", "elevation"), DIRECTIONS)
    def test_a_plane_wave_in_bands(self, library, rng, azimuth, elevation):
        """Summed, not averaged; in the order y, z, x."""
        scene = ambikit.encode(rng.normal(size=4800), azimuth, elevation, degrees=True)
        result = library.numpy(dcase_foa_features(library.array(scene)))[4:]
        weight = ambikit.mel_filterbank(RATE, 1024, 64).sum(1)
        expected = 0.75 * unit(azimuth, elevation)[[1, 2, 0], None] * weight
        assert np.abs(result - expected[..., None]).max() < 1e-12
        assert 0.02 < 0.75 * weight.mean() < 0.04


class TestMicrophones:
    @pytest.mark.parametrize("delay", [-20, -1, 0, 3, 31])
    def test_a_delay_is_the_lag_of_the_peak(self, library, rng, delay):
        noise = rng.normal(size=12100)
        signal = np.stack([noise[50:-50], noise[50 - delay : 12050 - delay]])
        result = library.numpy(dcase_mic_features(library.array(signal)))[2]
        assert (result.argmax(0) == 32 + delay).all()

    def test_an_odd_number_of_lags(self, library, rng):
        noise = rng.normal(size=5000)
        result = library.numpy(dcase_mic_features(library.array(np.stack([noise, noise])), bands=33))
        assert result.shape == (3, 33, 10)
        assert (result[2].argmax(0) == 17).all()


@pytest.mark.parametrize("function", [dcase_foa_features, dcase_mic_features])
class TestBackends:
    def test_libraries_agree(self, rng, function):
        signal = rng.normal(size=(2, 4, 4800))
        ours = function(signal)
        assert_close(function(torch.as_tensor(signal)).numpy(), ours, factor=100)
        single = function(signal.astype(np.float32))
        assert single.dtype == np.float32
        assert_close(single, ours, "float32", factor=10)
        for i in range(2):
            assert_close(ours[i], function(signal[i]), factor=10)

    def test_scale_silence_and_nan(self, library, rng, function):
        signal = rng.normal(size=(2, 4, 2400)).astype(np.float32)
        ours = function(signal)
        faint = library.numpy(function(library.array(np.float32(2.0**-80) * signal)))
        assert np.abs(faint[:, :4] - ours[:, :4] + 1600 * np.log10(2)).max() < 1e-3
        assert np.abs(faint[:, 4:] - ours[:, 4:]).max() < 1e-5
        silent = library.numpy(function(library.array(np.zeros((4, 2400)))))
        assert np.abs(silent[:4] + 80).max() < 1e-9
        assert not silent[4:].any()
        signal[0, 1, 1000] = np.nan
        broken = library.numpy(function(library.array(signal)))
        assert np.isnan(broken[0, 1]).any()
        assert_close(broken[1], ours[1], "float32")

    def test_gradients(self, rng, function):
        for signal in (torch.as_tensor(rng.normal(size=(4, 2400))), torch.zeros(4, 2400), torch.ones(4, 2400)):
            signal.requires_grad_()
            function(signal).sum().backward()
            assert signal.grad.isfinite().all()

    def test_compile_vmap_and_half_precision(self, no_shape_hook, rng, function):
        signal = torch.as_tensor(rng.normal(size=(2, 4, 2400)))
        expected = function(signal)
        compiled = torch.compile(function, fullgraph=True, backend="eager")
        assert_close(compiled(signal).numpy(), expected.numpy(), factor=100)
        assert_close(torch.vmap(function)(signal).numpy(), expected.numpy(), factor=100)
        half = signal.half()
        assert torch.equal(function(half), function(half.float()).half())


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_signals(self):
        for function in (dcase_foa_features, dcase_mic_features):
            with pytest.raises(ArrayTypeError, match="int16"):
                function(np.zeros((4, 2400), np.int16))
            with pytest.raises(ShapeError, match="half a frame"):
                function(np.zeros((4, 480)))
        with pytest.raises(ShapeError, match="2 channels"):
            dcase_foa_features(np.zeros((2, 2400)))
        with pytest.raises(ShapeError, match="two microphones"):
            dcase_mic_features(np.zeros((1, 2400)))
        with pytest.raises(ShapeError, match="at least 4"):
            dcase_intensity(np.zeros((1, 5, 5), complex))

    @pytest.mark.parametrize("parameters", [{"bands": 0}, {"hop": 0}, {"dynamic_range_db": -1}, {"sample_rate": 0}])
    def test_parameters(self, parameters):
        for function in (dcase_foa_features, dcase_mic_features):
            with pytest.raises(AmbikitError, match=next(iter(parameters))):
                function(np.zeros((4, 2400)), **parameters)

    @pytest.mark.filterwarnings("ignore:mel bands")
    def test_more_lags_than_there_are(self):
        with pytest.raises(AmbikitError, match="lags"):
            dcase_mic_features(np.zeros((4, 2400)), bands=1026)
