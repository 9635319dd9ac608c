import numpy as np
import pytest
import torch

import ambikit
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close
from tests.oracles import real_spherical_harmonics


def noise(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


class TestSpatialCovariance:
    def test_against_a_loop(self, library, dtype, rng):
        spectrum = noise(rng, 2, 4, 3, 5).astype({"float32": np.complex64, "float64": complex}[dtype])
        covariance = library.numpy(ambikit.spatial_covariance(library.array(spectrum)))
        expected = np.zeros((2, 4, 4), complex)
        for f in range(3):
            for t in range(5):
                x = spectrum[:, :, f, t].astype(complex)
                expected += x[:, :, None] * x[:, None, :].conj() / 15
        assert covariance.dtype == spectrum.dtype
        assert_close(covariance, expected, dtype)

    def test_per_frequency(self, library, rng):
        spectrum = noise(rng, 2, 4, 3, 5)
        covariance = library.numpy(ambikit.spatial_covariance(library.array(spectrum), per_frequency=True))
        assert covariance.shape == (2, 3, 4, 4)
        one = ambikit.spatial_covariance(spectrum[:, :, 1:2])
        assert_close(covariance[:, 1], one)
        assert_close(covariance.mean(axis=1), ambikit.spatial_covariance(spectrum))

    def test_the_sign_of_the_phase(self):
        """C_01 = X_0 X_1*: a channel that is ahead by a quarter period has +j against the one behind."""
        covariance = ambikit.spatial_covariance(np.array([1j, 1]).reshape(2, 1, 1))
        assert covariance[0, 1] == 1j
        assert covariance[1, 0] == -1j

    def test_gradients(self, rng):
        parts = torch.from_numpy(rng.normal(size=(3, 2, 4, 2))).requires_grad_()
        assert torch.autograd.gradcheck(
            lambda x: torch.view_as_real(ambikit.spatial_covariance(torch.view_as_complex(x))), parts
        )

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(ArrayTypeError, match="complex"):
            ambikit.spatial_covariance(np.zeros((4, 5, 6)))
        with pytest.raises(ShapeError, match="one bin"):
            ambikit.spatial_covariance(np.zeros((4, 0, 6), complex))

    def test_no_clips_at_all(self, library):
        result = ambikit.spatial_covariance(library.array(np.zeros((0, 4, 3, 5), complex)))
        assert tuple(result.shape) == (0, 4, 4)


class TestPowerMap:
    @pytest.mark.parametrize("order", [1, 3])
    @pytest.mark.parametrize("pattern", ["max_re", "hypercardioid", "cardioid"])
    def test_equals_the_power_of_beams(self, library, rng, order, pattern):
        spectrum = noise(rng, (order + 1) ** 2, 6, 7)
        azimuth, elevation = rng.uniform(-3, 3, 11), rng.uniform(-1.5, 1.5, 11)
        covariance = ambikit.spatial_covariance(library.array(spectrum))
        power = library.numpy(ambikit.power_map(covariance, azimuth.tolist(), elevation.tolist(), pattern))
        beams = ambikit.beamform(spectrum[None], azimuth, elevation, pattern, axis=-3)
        assert_close(power, (np.abs(beams) ** 2).mean(axis=(-2, -1)), factor=10)

    @pytest.mark.parametrize(("azimuth", "elevation"), [(0, 0), (90, 0), (-90, 0), (120, 45), (0, -90)])
    def test_is_largest_towards_a_source(self, rng, azimuth, elevation):
        wave = real_spherical_harmonics(*np.radians([azimuth, elevation]), 3)[:, None, None] * noise(rng, 1, 4, 5)
        grid = ambikit.fibonacci_grid(500)
        covariance = ambikit.spatial_covariance(wave)
        power = ambikit.power_map(covariance, *grid)
        best = grid[0][power.argmax()], grid[1][power.argmax()]
        assert ambikit.angular_distance(*best, *np.radians([azimuth, elevation])) < 0.15
        own = ambikit.power_map(covariance, azimuth, elevation, degrees=True)
        assert_close(own, (np.abs(wave[0]) ** 2).mean(), factor=10)

    def test_angles_broadcast_with_the_batch(self, library, rng):
        covariance = ambikit.spatial_covariance(library.array(noise(rng, 3, 1, 4, 5, 6)))
        azimuth = np.linspace(-3, 3, 8)
        power = library.numpy(ambikit.power_map(covariance, azimuth.tolist(), 0.1))
        assert power.shape == (3, 8)
        assert_close(power[2, 5], library.numpy(ambikit.power_map(covariance[2, 0], float(azimuth[5]), 0.1)))

    def test_dtype(self, library, dtype, rng):
        spectrum = noise(rng, 4, 5, 6).astype({"float32": np.complex64, "float64": complex}[dtype])
        power = ambikit.power_map(ambikit.spatial_covariance(library.array(spectrum)), [0.1, 0.2], 0.3)
        assert library.numpy(power).dtype == dtype

    def test_a_real_covariance(self, rng):
        covariance = ambikit.spatial_covariance(noise(rng, 4, 5, 6))
        assert_close(ambikit.power_map(covariance.real, 0.3, 0.2), ambikit.power_map(covariance, 0.3, 0.2))

    def test_gradients_to_the_direction(self, rng):
        covariance = torch.from_numpy(ambikit.spatial_covariance(noise(rng, 4, 5, 6)))
        angles = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (0.4, -0.3)]
        assert torch.autograd.gradcheck(lambda a, e: ambikit.power_map(covariance, a, e), angles)

    def test_compile(self, no_shape_hook, rng):
        def chart(spectrum):
            return ambikit.power_map(ambikit.spatial_covariance(spectrum), [0.0, 1.0, 2.0], 0.1)

        spectrum = torch.from_numpy(noise(rng, 4, 5, 6))
        compiled = torch.compile(chart, fullgraph=True, backend="eager")
        assert_close(compiled(spectrum).numpy(), chart(spectrum).numpy())

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(ShapeError, match="channels, channels"):
            ambikit.power_map(np.zeros((4, 9)), 0, 0)
        with pytest.raises(ShapeError, match="5 channels"):
            ambikit.power_map(np.zeros((5, 5)), 0, 0)
        with pytest.raises(ShapeError, match="broadcast"):
            ambikit.power_map(np.eye(4), np.zeros(3), np.zeros(4))
        with pytest.raises(ShapeError, match="broadcast"):
            ambikit.power_map(np.ones((3, 4, 4)), np.zeros(2), 0)
        with pytest.raises(ArrayTypeError, match="torch"):
            ambikit.power_map(torch.eye(4), np.zeros(3), 0)
        with pytest.raises(AmbikitError, match="pattern"):
            ambikit.power_map(np.eye(4), 0, 0, "wide")


class TestMvdrMap:
    @pytest.mark.parametrize("order", [1, 3])
    def test_is_the_power_behind_mvdr_beams(self, library, dtype, rng, order):
        covariance = ambikit.spatial_covariance(noise(rng, (order + 1) ** 2, 10, 12))
        azimuth, elevation = rng.uniform(-3, 3, 9), rng.uniform(-1.5, 1.5, 9)
        weights = ambikit.mvdr(covariance, azimuth, elevation, diagonal_loading=0.0)
        expected = np.einsum("di,ij,dj->d", weights.conj(), covariance, weights).real
        given = library.array(covariance, {"float32": "complex64", "float64": "complex128"}[dtype])
        power = library.numpy(ambikit.mvdr_map(given, azimuth.tolist(), elevation.tolist(), diagonal_loading=0.0))
        assert power.dtype == dtype
        assert_close(power, expected, dtype, factor=100)

    @pytest.mark.parametrize("order", [1, 3])
    @pytest.mark.parametrize("loading", [1e-9, 1e-3, 0.1])
    def test_a_wave_without_noise(self, order, loading):
        """Singular but for the loading a: by Sherman and Morrison p (1 + a / C) there, which costs digits of a."""
        digits = max(1e-12, 1e-14 / loading)
        channels = (order + 1) ** 2
        wave = real_spherical_harmonics(0.7, 0.3, order)
        own = ambikit.mvdr_map(4 * np.outer(wave, wave), 0.7, 0.3, diagonal_loading=loading)
        assert own == pytest.approx(4 * (1 + loading / channels), rel=digits)
        other = real_spherical_harmonics(-1.5, -0.4, order)
        n3d = np.array([2 * n + 1 for n in range(order + 1) for _ in range(2 * n + 1)])
        c = (wave * other * n3d).sum() / channels
        elsewhere = ambikit.mvdr_map(4 * np.outer(wave, wave), -1.5, -0.4, diagonal_loading=loading)
        power = 4 * loading / channels / (1 - c**2 / (1 + loading / channels))
        assert elsewhere == pytest.approx(power, rel=digits)

    def test_diffuse_sound(self, library):
        covariance = library.array(5 * ambikit.diffuse_covariance(2))
        power = library.numpy(ambikit.mvdr_map(covariance, [0.1, 2.0], 0.3, diagonal_loading=0.0))
        assert_close(power, np.full(2, 5 / 9))

    def test_tells_two_sources_apart_that_a_beam_melts_together(self):
        sources = real_spherical_harmonics(*np.radians([[0, 50], [0, 0]]), 2)
        covariance = sources.T @ sources + 1e-3 * ambikit.diffuse_covariance(2)
        where = [0, 25, 50]
        beam = ambikit.power_map(covariance, where, 0, "hypercardioid", degrees=True)
        sharp = ambikit.mvdr_map(covariance, where, 0, degrees=True)
        assert beam[1] > beam[0]
        assert sharp[1] < 0.2 * sharp[0]

    def test_silence_nan_and_scale(self, library, rng):
        covariance = ambikit.spatial_covariance(noise(rng, 3, 1, 4, 5, 6))
        covariance[0], covariance[1, 0, 2, 3] = 0, np.nan
        power = library.numpy(ambikit.mvdr_map(library.array(covariance), [0.1, 0.7], 0.3))
        assert (power[0] == 0).all()
        assert np.isnan(power[1]).all()
        assert_close(power[2], ambikit.mvdr_map(covariance[2, 0], [0.1, 0.7], 0.3))
        small = library.numpy(ambikit.mvdr_map(library.array(1e-12 * covariance), [0.1, 0.7], 0.3))
        assert_close(1e12 * small[2], power[2])

    def test_gradients(self, rng):
        covariance = ambikit.spatial_covariance(noise(rng, 4, 5, 6))
        parts = torch.from_numpy(np.stack([covariance.real, covariance.imag], -1)).requires_grad_()
        where = torch.tensor([0.5, 0.3], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(
            lambda c, w: ambikit.mvdr_map(torch.view_as_complex(c), w[0], w[1]), (parts, where)
        )
        silence = torch.zeros(4, 4, requires_grad=True)
        ambikit.mvdr_map(silence, 0.5, 0.3).backward()
        assert torch.isfinite(silence.grad).all()

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(AmbikitError, match="singular"):
            ambikit.mvdr_map(np.ones((4, 4)), 0, 0, diagonal_loading=0)
        with pytest.raises(AmbikitError, match="diagonal_loading"):
            ambikit.mvdr_map(np.eye(4), 0, 0, diagonal_loading=-1)
        with pytest.raises(ShapeError, match="5 channels"):
            ambikit.mvdr_map(np.eye(5), 0, 0)


def test_the_covariance_of_each_frequency_goes_through_vmap():
    spectra = torch.randn(3, 4, 5, 6, dtype=torch.complex128, generator=torch.Generator().manual_seed(1))
    mapped = torch.vmap(lambda spectrum: ambikit.spatial_covariance(spectrum, per_frequency=True))(spectra)
    alone = torch.stack([ambikit.spatial_covariance(spectrum, per_frequency=True) for spectrum in spectra])
    assert_close(mapped, alone)
