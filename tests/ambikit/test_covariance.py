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


def test_the_covariance_of_each_frequency_goes_through_vmap():
    spectra = torch.randn(3, 4, 5, 6, dtype=torch.complex128, generator=torch.Generator().manual_seed(1))
    mapped = torch.vmap(lambda spectrum: ambikit.spatial_covariance(spectrum, per_frequency=True))(spectra)
    alone = torch.stack([ambikit.spatial_covariance(spectrum, per_frequency=True) for spectrum in spectra])
    assert_close(mapped, alone)
