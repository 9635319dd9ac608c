"""The compiled loops against the formulas beside them, and when they are taken."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import ambikit
from ambikit.analysis import mel_bands
from ambikit.analysis.intensity import active_intensity
from ambikit.analysis.interaural import ild, phase_difference
from ambikit.kernels.mel import mel_cues, mel_intensity, mel_products
from tests.closeness import assert_close

COMPLEX = {"float32": np.complex64, "float64": np.complex128}


def noise(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


@pytest.fixture
def no_kernels(monkeypatch):
    """Let every feature take its formula."""
    monkeypatch.setattr(mel_bands, "views_for_kernel", lambda spectrum, bank: None)


def intensity_of(spectrum, bank):
    out = np.full((*spectrum.shape[:-3], 3, len(bank), spectrum.shape[-2]), np.nan, bank.dtype)
    mel_intensity(spectrum, bank, out)
    return out


class TestIntensity:
    def test_equals_the_formula(self, dtype, rng):
        spectrum = noise(rng, 3, 4, 11, 257).astype(COMPLEX[dtype])
        spectrum *= 10.0 ** rng.integers(-12, 6, (3, 1, 11, 257)).astype(dtype)
        spectrum[0, :, :3, 40:50] = 0
        bank = ambikit.mel_filterbank(24000, 512).astype(dtype)
        expected = ambikit.mel_average(active_intensity(spectrum.astype(complex).swapaxes(-1, -2)), bank.astype(float))
        assert_close(intensity_of(spectrum, bank), expected, dtype)

    @pytest.mark.parametrize("scale", [1e-38, 1e-20, 1.0, 1e20, 1e37])
    def test_at_any_level(self, rng, scale):
        wave = noise(rng, 1, 1, 5, 257) * np.array([1, 0.6, 0, 0.8])[:, None, None]
        spectrum = (wave * scale).astype(np.complex64)
        bank = ambikit.mel_filterbank(24000, 512).astype(np.float32)
        direction = np.array([0.8, 0.6, 0.0])[:, None, None]
        assert np.abs(intensity_of(spectrum, bank) - direction).max() < 1e-3

    def test_empty_bands_and_silence(self):
        bank = np.array([[0, 0, 0], [0, 1, 1]], np.float32)
        spectrum = np.zeros((1, 4, 2, 3), np.complex64)
        assert (intensity_of(spectrum, bank) == 0).all()
        spectrum[:, [0, 1]] = 1
        assert intensity_of(spectrum, bank)[0, :, :, 0].tolist() == [[0, 0], [0, 1], [0, 0]]

    def test_nan_stays_in_its_frame_as_in_the_formula(self, rng):
        spectrum = noise(rng, 1, 4, 6, 257)
        spectrum[0, 2, 3] = np.nan
        bank = ambikit.mel_filterbank(24000, 512)
        expected = ambikit.mel_average(active_intensity(spectrum.swapaxes(-1, -2)), bank)
        found = intensity_of(spectrum, bank)
        assert (np.isnan(found) == np.isnan(expected)).all()
        assert np.isnan(found).any(axis=(0, 1, 2)).tolist() == [False, False, False, True, False, False]

    def test_nan_in_one_bin_stays_in_its_bands_as_in_the_formula(self, rng):
        spectrum = noise(rng, 1, 4, 6, 257)
        spectrum[0, 2, 3, 40] = np.nan
        bank = ambikit.mel_filterbank(24000, 512)
        found = intensity_of(spectrum, bank)
        bins = np.isnan(ambikit.mel_average(active_intensity(spectrum.swapaxes(-1, -2)), bank))
        assert (np.isnan(found) == bins).all()
        assert np.isnan(found).any(axis=(0, 1, 3)).sum() < 5


class TestProducts:
    def test_equals_the_formula(self, dtype, rng):
        spectrum = noise(rng, 2, 4, 7, 129).astype(COMPLEX[dtype])
        bank = ambikit.mel_filterbank(24000, 256, 40).astype(dtype)
        left, right = np.array([0, 0, 3, 1]), np.array([0, 3, 1, 1])
        out = np.full((2, 4, 40, 7), np.nan, dtype)
        mel_products(spectrum, left, right, bank, out)
        products = (spectrum[:, left].conj() * spectrum[:, right]).real.astype(float)
        assert_close(out, np.einsum("bf,nptf->npbt", bank.astype(float), products), dtype)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_what_is_not_finite_stays_in_its_bands_as_in_the_formula(self, rng, dtype, bad):
        spectrum = noise(rng, 1, 2, 257, 7).astype(COMPLEX[dtype])
        spectrum[0, 1, 60, 3] = bad
        bank = ambikit.mel_filterbank(24000, 512).astype(dtype)
        out = np.full((1, 2, 128, 7), 0, dtype)
        frames_last = np.ascontiguousarray(spectrum.swapaxes(-1, -2))
        mel_products(frames_last, np.array([0, 1]), np.array([0, 1]), bank, out)
        for formula in (
            mel_bands.mel_products(spectrum, bank, [0, 1], [0, 1]),  # laid out as no kernel takes it
            mel_bands.mel_products(torch.from_numpy(spectrum).requires_grad_(), torch.from_numpy(bank), [0, 1], [0, 1])
            .detach()
            .numpy(),
        ):
            finite = np.isfinite(out)
            assert (np.isfinite(formula) == finite).all()
            assert 0 < (~finite).sum() < 5
            assert_close(formula[finite], out[finite], dtype)

    def test_empty_bands(self, rng):
        bank = np.zeros((2, 5))
        bank[1, 4] = 1
        out = np.full((1, 1, 2, 3), np.nan)
        spectrum = noise(rng, 1, 1, 3, 5)
        mel_products(spectrum, np.array([0]), np.array([0]), bank, out)
        assert (out[0, 0, 0] == 0).all()
        assert_close(out[0, 0, 1], np.abs(spectrum[0, 0, :, 4]) ** 2)


class TestCues:
    def both(self, spectrum, bank):
        out = np.full((len(spectrum), 3, len(bank), spectrum.shape[-2]), np.nan, bank.dtype)
        mel_cues(spectrum, bank, 40.0, out)
        spectrum = spectrum.astype(complex).swapaxes(-1, -2)
        cues = np.stack([ild(spectrum), *phase_difference(spectrum)], axis=-3)
        return out, ambikit.mel_average(cues, bank.astype(float))

    @pytest.mark.parametrize("quantity", [0, 1, 2])
    def test_equals_the_formula(self, dtype, rng, quantity):
        spectrum = noise(rng, 3, 2, 11, 257) * 10.0 ** rng.integers(-3, 4, (3, 2, 11, 257))
        spectrum = (spectrum * 10.0 ** rng.integers(-9, 6, (3, 1, 11, 257))).astype(COMPLEX[dtype])
        spectrum[0, :, :3, 40:50] = 0
        spectrum[1, 0, :3, 40:60] = 0
        kernel, formula = self.both(spectrum, ambikit.mel_filterbank(24000, 512).astype(dtype))
        assert_close(kernel[:, quantity], formula[:, quantity], dtype)

    @pytest.mark.parametrize("scale", [1e-37, 1e-20, 1e20, 1e37])
    def test_at_any_level(self, scale):
        spectrum = (np.array([2.0, 1j])[None, :, None, None] * scale * np.ones((1, 2, 4, 257))).astype(np.complex64)
        kernel, formula = self.both(spectrum, ambikit.mel_filterbank(24000, 512).astype(np.float32))
        expected = np.array([20 * np.log10(2), 0, -1])[:, None, None]
        assert np.abs(kernel - expected).max() < 1e-3
        assert np.abs(formula - expected).max() < 1e-3

    @pytest.mark.parametrize("channel", [0, 1])
    def test_nan_stays_in_its_frame_as_in_the_formula(self, rng, channel):
        spectrum = noise(rng, 1, 2, 6, 257)
        spectrum[0, channel, 3] = np.nan
        kernel, formula = self.both(spectrum, ambikit.mel_filterbank(24000, 512))
        assert (np.isnan(kernel) == np.isnan(formula)).all()
        assert np.isnan(kernel).any(axis=(0, 1, 2)).tolist() == [False, False, False, True, False, False]


class TestWhereTheyAreTaken:
    functions = pytest.mark.parametrize(
        ("function", "channels"),
        [
            (lambda x: ambikit.log_mel(x, 24000), 4),
            (lambda x: ambikit.foa_features(x, 24000), 4),
            (lambda x: ambikit.mel_covariance(x, 24000), 4),
            (lambda x: ambikit.stereo_features(x, 24000), 2),
        ],
    )

    @functions
    @pytest.mark.parametrize("batch", [(), (3,), (2, 3), (0,)])
    def test_features_are_the_same_without(self, library, dtype, rng, request, function, channels, batch):
        signal = library.array(rng.normal(size=(*batch, channels, 1200)).astype(dtype))
        kernel = library.numpy(function(signal))
        request.getfixturevalue("no_kernels")
        formula = library.numpy(function(signal))
        assert kernel.dtype == formula.dtype == dtype
        assert_close(kernel, formula, dtype)

    @functions
    def test_not_where_gradients_flow(self, rng, request, function, channels):
        signal = torch.from_numpy(rng.normal(size=(channels, 1200))).requires_grad_()
        weights = None
        gradients = []
        for _ in range(2):
            result = function(signal)
            weights = torch.linspace(-1, 1, result.numel(), dtype=torch.float64) if weights is None else weights
            gradients.append(torch.autograd.grad((result.flatten() * weights).sum(), signal)[0].numpy())
            request.getfixturevalue("no_kernels")
        assert_close(gradients[0], gradients[1])
        assert gradients[0].any()

    @functions
    def test_not_under_transforms(self, rng, function, channels):
        signal = torch.from_numpy(rng.normal(size=(3, channels, 1200)))
        assert_close(torch.vmap(function)(signal).numpy(), function(signal).numpy())

    def test_not_where_forward_derivatives_flow(self, rng):
        signal = torch.from_numpy(rng.normal(size=(4, 600)))
        direction = torch.from_numpy(rng.normal(size=(4, 600)))
        _, tangent = torch.func.jvp(lambda x: ambikit.foa_features(x, 24000), (signal,), (direction,))
        step = 1e-6
        difference = ambikit.foa_features(signal + step * direction, 24000)
        difference = (difference - ambikit.foa_features(signal - step * direction, 24000)) / (2 * step)
        assert_close(tangent.numpy(), difference.numpy(), factor=1e8)
        with torch.autograd.forward_ad.dual_level():
            dual = torch.autograd.forward_ad.make_dual(signal, direction)
            features = torch.autograd.forward_ad.unpack_dual(ambikit.foa_features(dual, 24000))
            assert_close(features.tangent.numpy(), tangent.numpy())

    def test_they_are_taken(self, rng, monkeypatch):
        """A test of the tests: that plain arrays and tensors do reach the loops."""
        seen, original = [], mel_bands.views_for_kernel
        monkeypatch.setattr(mel_bands, "views_for_kernel", lambda *a: seen.append(original(*a)) or seen[-1])
        signal = rng.normal(size=(2, 4, 1200)).astype(np.float32)
        taken = []
        for x in (signal, torch.from_numpy(signal), torch.from_numpy(signal).requires_grad_(), signal[:, ::1, ::2]):
            seen.clear()
            ambikit.foa_features(x, 24000)
            taken.append({views is not None for views in seen})
        assert taken == [{True}, {True}, {False}, {True}]


def test_they_import_nothing_of_ours_and_survive_a_fork():
    """A forked loader runs them: they must start no threads."""
    code = (
        "import os, sys, numpy as np\n"
        "from ambikit.kernels import mel\n"
        "ours = {name for name in sys.modules if name.startswith('ambikit.') and 'kernels' not in name}\n"
        "assert not ours, ours\n"
        "def work():\n"
        "    out = np.empty((1, 3, 2, 5), np.float32)\n"
        "    mel.mel_intensity(np.ones((1, 4, 5, 3), np.complex64), np.ones((2, 3), np.float32), out)\n"
        "    return out\n"
        "assert np.allclose(work(), 0.5)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(0 if np.allclose(work(), 0.5) else 1)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_loops_compile_where_nothing_can_be_kept():
    """As in a read-only installation without a writable home: Numba finds no place for its cache."""
    code = (
        "from numba.core import caching\n"
        "caching.CompileResultCacheImpl._locator_classes = []\n"
        "from ambikit.kernels import crop, mel, rotation_track\n"
        "import numpy as np\n"
        "out = np.empty((1, 1, 1, 3), np.float32)\n"
        "crop.reduce_frames(np.ones((1, 2, 2, 3), np.float32), 2, *np.empty((2, 6), np.float32), out)\n"
        "assert (out == 1).all()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
