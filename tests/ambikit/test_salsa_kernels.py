"""The loops behind SALSA against the formulas beside them."""

import numpy as np
import pytest

import ambikit
from ambikit.analysis import mel_bands
from ambikit.analysis.noise_floor import above_noise_floor, bins_above_noise_floor
from ambikit.analysis.principal_eigenvector import (
    columns_of_bins,
    is_dominated,
    local_covariance,
    principal_projector,
)
from tests.closeness import assert_close

COMPLEX = {"float32": np.complex64, "float64": np.complex128}


def scene(rng, clips, channels, frames, freq):
    """One source per bin, from faint to loud beside noise; (clips, channels, frames, freq)."""
    shape = (clips, channels, frames, freq)
    direction = rng.normal(size=(clips, channels, 1, freq)) + 1j * rng.normal(size=(clips, channels, 1, freq))
    source = rng.normal(size=(clips, 1, frames, freq)) + 1j * rng.normal(size=(clips, 1, frames, freq))
    noise = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    return direction * source + 10.0 ** rng.uniform(-2, 1, (clips, 1, 1, freq)) * noise


class TestColumns:
    @pytest.mark.parametrize(("channels", "frames", "width"), [(4, 80, 7), (2, 9, 1), (3, 5, 4), (6, 4, 30)])
    def test_equal_the_formulas(self, dtype, rng, channels, frames, width):
        spectrum = scene(rng, 2, channels, frames, 21).astype(COMPLEX[dtype])
        covariance = local_covariance(spectrum[..., 1:13].mT.astype(complex), width)
        projector = principal_projector(covariance)
        columns, kept = columns_of_bins(spectrum, 12, width, 5.0)
        expected = projector[..., :, 0].swapaxes(-1, -2).swapaxes(-2, -3)
        assert columns.dtype == spectrum.dtype
        # Where the two largest eigenvalues are all but equal no rounding can be told from the answer.
        second = np.linalg.eigvalsh(covariance)[..., -2:]
        clear = (second[..., 0] < 0.9 * second[..., 1])[:, None]
        assert clear.mean() > 0.8
        assert_close(np.where(clear, columns, 0), np.where(clear, expected, 0), dtype, factor=100)
        sharp = np.abs(second[..., 1] / np.maximum(second[..., 0], 1e-12) - 5) > 1e-2
        assert (kept == is_dominated(covariance, projector, 5.0))[sharp].all()

    def test_some_are_dominated_and_some_are_not(self, rng):
        kept = columns_of_bins(scene(rng, 2, 4, 40, 60), 50, 7, 5.0)[1]
        assert 0.1 < kept.mean() < 0.9
        assert columns_of_bins(scene(rng, 2, 4, 40, 60), 50, 7, None)[1].all()

    def test_a_known_source(self, dtype):
        """One direction in all frames: v v_1* is d d_1* over |d|²."""
        direction = np.array([1, 0.6j, 0, -0.8])
        spectrum = (direction[None, :, None, None] * np.arange(1, 6)[:, None] * np.ones(9)).astype(COMPLEX[dtype])
        columns, kept = columns_of_bins(spectrum, 8, 3, 5.0)
        assert_close(columns, np.broadcast_to(direction[None, :, None, None] / 2, (1, 4, 8, 5)), dtype)
        assert kept.all()

    def test_silence_and_nan(self, dtype, rng):
        spectrum = scene(rng, 1, 4, 12, 5).astype(COMPLEX[dtype])
        spectrum[..., 2] = 0
        spectrum[0, 1, 6, 3] = np.nan
        columns, kept = columns_of_bins(spectrum, 4, 3, 5.0)
        assert (columns[:, :, 1] == 0).all()
        assert not kept[:, 1].any()
        assert np.isnan(columns).any(axis=(0, 1))[2].nonzero()[0].tolist() == [5, 6, 7]
        assert np.isnan(columns).any(axis=(0, 1, 3)).tolist() == [False, False, True, False]

    @pytest.mark.parametrize("scale", [1e-30, 1e30])
    def test_at_any_level(self, rng, scale):
        spectrum = scene(rng, 1, 4, 12, 9)
        columns, kept = columns_of_bins(spectrum.astype(np.complex64), 8, 5, 5.0)
        scaled, scaled_kept = columns_of_bins((spectrum * scale).astype(np.complex64), 8, 5, 5.0)
        assert_close(scaled, columns, "float32", factor=100)
        assert (scaled_kept == kept).mean() > 0.98


class TestNoiseFloor:
    def test_equals_the_formula(self, dtype, rng):
        spectrum = scene(rng, 3, 2, 90, 40).astype(COMPLEX[dtype])
        spectrum *= 10.0 ** rng.uniform(-3, 0, (3, 1, 90, 1)).astype(dtype)
        spectrum[0, 0, :30] = 0
        spectrum[1, 0, 20:25, 7] = np.nan
        first = spectrum[:, 0, :, 1:31].mT
        expected = above_noise_floor(first.real**2 + first.imag**2, 1.5)
        found = bins_above_noise_floor(spectrum, 30, 1.5)
        assert 0.1 < expected.mean() < 0.9
        assert (found != expected).mean() < (1e-3 if dtype == "float32" else 1e-6)

    @pytest.mark.parametrize("frames", [1, 2, 4])
    def test_short(self, rng, frames):
        spectrum = scene(rng, 1, 1, frames, 9)
        first = spectrum[:, 0, :, 1:].mT
        assert (bins_above_noise_floor(spectrum, 8, 1.5) == above_noise_floor(np.abs(first) ** 2, 1.5)).all()


@pytest.mark.parametrize("cue", ["direction", "path"])
@pytest.mark.parametrize("batch", [(), (2, 3), (0,)])
def test_salsa_is_the_same_without(library, dtype, rng, monkeypatch, cue, batch):
    signal = rng.normal(size=(*batch, 4, 2400))
    signal[..., 1:, :] = 0.5 * signal[..., :1, :] + 0.2 * signal[..., 1:, :]
    signal = library.array(signal.astype(dtype))
    keywords = {"cue": cue, "noise_ratio": 1.2}
    loops = library.numpy(ambikit.salsa(signal, 24000, **keywords))
    monkeypatch.setattr(mel_bands, "views_for_kernel", lambda spectrum, bank: None)
    formula = library.numpy(ambikit.salsa(signal, 24000, **keywords))
    assert loops.shape == formula.shape
    assert loops.dtype == formula.dtype == dtype
    if loops.size:
        assert formula[..., 4:, :, :].any()
        decided = (loops[..., 4:, :, :] == 0) == (formula[..., 4:, :, :] == 0)
        assert decided.mean() > 0.999
        difference = np.abs(loops - formula)
        assert difference[..., :4, :, :].max() < {"float32": 5e-3, "float64": 1e-9}[dtype]
        assert np.quantile(difference[..., 4:, :, :], 0.99) < {"float32": 1e-4, "float64": 1e-9}[dtype]
