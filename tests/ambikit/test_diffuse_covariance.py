import numpy as np
import pytest
import torch
from scipy.special import eval_legendre

import ambikit
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close

FUNCTIONS = [ambikit.diffuseness_directional_power, ambikit.diffuseness_comedie]
functions = pytest.mark.parametrize("function", FUNCTIONS, ids=["directional_power", "comedie"])
orders = pytest.mark.parametrize("order", [1, 2, 3])


def noise(rng, *shape):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)


def field(covariance):
    """Frames ``(channels, 1, time)`` whose mean covariance is exactly this one."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0) * len(values)))[:, None, :].astype(complex)


def harmonics(azimuth, elevation, order):
    return ambikit.spherical_harmonics(azimuth, elevation, order)


def power_map_deviation(covariance, order):
    """σ / mean of the power of hypercardioids on many directions: no quadrature."""
    power = ambikit.power_map(covariance, *ambikit.fibonacci_grid(20000), "hypercardioid")
    return power.std() / power.mean()


class TestClosedForms:
    @functions
    @orders
    def test_a_plane_wave_has_none(self, library, dtype, rng, function, order):
        spectrum = harmonics(0.7, -0.4, order)[:, None, None] * noise(rng, 3, 50)
        spectrum = spectrum.astype({"float32": np.complex64, "float64": complex}[dtype])
        value = library.numpy(function(library.array(spectrum), frames=10))
        assert value.dtype == dtype
        assert value.max() < {"float32": 1e-5, "float64": 1e-12}[dtype]

    @functions
    @orders
    @pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0, 4.0])
    def test_direct_and_diffuse_sound(self, library, function, order, ratio):
        """1 / (1 + g), also the 1 of a diffuse field, which in SN3D has no identity for its covariance."""
        y = harmonics(1.0, 0.5, order)
        spectrum = field(ambikit.diffuse_covariance(order) + ratio * np.outer(y, y))
        value = library.numpy(function(library.array(spectrum), frames=None))
        assert_close(value, np.full((1, 1), 1 / (1 + ratio)), factor=100)

    @orders
    @pytest.mark.parametrize("degrees", [30, 60, 90, 120, 180])
    def test_comedie_of_two_uncorrelated_waves(self, order, degrees):
        """The eigenvalues are (C ± K) / 2 with K = Σ (2n+1) P_n(cos θ), the others 0."""
        theta = np.radians(degrees)
        frames = np.stack([harmonics(0.2, 0.0, order), harmonics(0.2 + theta, 0.0, order)], -1)[:, None] + 0j
        channels = (order + 1) ** 2
        k = sum((2 * n + 1) * eval_legendre(n, np.cos(theta)) for n in range(order + 1))
        values = np.array([(channels + k) / 2, (channels - k) / 2, *([0.0] * (channels - 2))])
        expected = 1 - np.abs(values - 1).sum() / (2 * (channels - 1))
        assert_close(ambikit.diffuseness_comedie(frames, frames=None), np.full((1, 1), expected), factor=10)
        if order == 1:
            page = (1 - np.cos(theta)) / 2 if np.cos(theta) > 1 / 3 else 1 / 3
            assert expected == pytest.approx(page)

    @pytest.mark.parametrize("degrees", [30, 60, 90, 120, 180])
    def test_directional_power_of_two_uncorrelated_waves(self, degrees):
        cosine = np.cos(np.radians(degrees))
        frames = np.stack([harmonics(0.2, 0.1, 1), np.zeros(4)], -1)[:, None] + 0j
        turned = ambikit.rotate(frames[..., 0], 0, 0, np.radians(degrees), axis=-2)[..., 0]
        direction = ambikit.angles_to_vectors(0.2, 0.1)
        cosine = direction @ np.array([turned[3], turned[1], turned[2]]).real  # of the angle they really have
        frames[:, 0, 1] = turned
        expected = 1 - np.sqrt(0.5 + (5 * cosine + 3 * eval_legendre(2, cosine)) / 16)
        value = ambikit.diffuseness_directional_power(frames, frames=None)
        assert_close(value, np.full((1, 1), expected), factor=100)

    @orders
    def test_directional_power_against_a_map(self, rng, order):
        factors = noise(rng, (order + 1) ** 2, 3)
        covariance = (factors @ factors.conj().T).real
        y = harmonics(0.3, 0.1, order)
        expected = 1 - power_map_deviation(covariance, order) / power_map_deviation(np.outer(y, y), order)
        value = ambikit.diffuseness_directional_power(field(covariance), frames=None)[0, 0]
        assert abs(value - max(expected, 0)) < 1e-3

    def test_comedie_against_the_eigenvalues_of_each_window(self, library, rng):
        spectrum = noise(rng, 4, 2, 8)
        value = library.numpy(ambikit.diffuseness_comedie(library.array(spectrum), frames=3))
        n3d = spectrum * np.sqrt([1, 3, 3, 3])[:, None, None]
        for t in range(8):
            for f in range(2):
                window = n3d[:, f, max(0, t - 1) : t + 2]
                values = np.linalg.svd(window, compute_uv=False) ** 2
                values = np.pad(values, (0, 4 - len(values)))
                spread = np.abs(values - values.mean()).sum() / (6 * values.mean())
                assert abs(value[f, t] - (1 - spread)) < 1e-12

    @pytest.mark.parametrize(
        ("order", "frames", "expected"),
        [
            (1, 1, (0.30, 0)),
            (1, 10, (0.76, 0.65)),
            (1, 100, (0.92, 0.89)),
            (3, 10, (0.88, 0.45)),
            (3, 100, (0.96, 0.82)),
        ],
    )
    def test_the_bias_that_the_pages_state(self, rng, order, frames, expected):
        spectrum = noise(rng, (order + 1) ** 2, 1, 4000)
        spectrum = spectrum * np.sqrt(np.diag(ambikit.diffuse_covariance(order)))[:, None, None]
        for function, value in zip(FUNCTIONS, expected):
            assert abs(function(spectrum, frames=frames).mean() - value) < 0.015


@functions
class TestLaws:
    def test_no_clips_at_all(self, library, function):
        result = function(library.array(np.zeros((0, 4, 3, 5), complex)), frames=None)
        assert tuple(result.shape) == (0, 3, 1)

    @pytest.mark.parametrize("scale", [1e-6, 1e-30, 1e6])
    def test_level_does_not_matter(self, library, rng, function, scale):
        spectrum = noise(rng, 4, 3, 12).astype(np.complex64)
        value = library.numpy(function(library.array(spectrum * np.float32(scale)), frames=5))
        assert_close(value, function(spectrum, frames=5), "float32")

    @orders
    def test_turning_the_field_changes_nothing(self, rng, function, order):
        spectrum = noise(rng, (order + 1) ** 2, 3, 12)
        turned = ambikit.rotate(spectrum, 1.0, -0.4, 2.0, axis=-3)
        assert_close(function(turned, frames=4), function(spectrum, frames=4), factor=10)

    def test_silence_with_finite_gradients(self, library, function):
        spectrum = np.zeros((4, 2, 5), np.complex64)
        assert (library.numpy(function(library.array(spectrum), frames=3)) == 0).all()
        parts = torch.zeros(4, 1, 5, 2, dtype=torch.float64)
        parts[:2, 0, 4] = 1.0  # a plane wave in the last frame
        parts.requires_grad_()
        function(torch.view_as_complex(parts), frames=2).sum().backward()
        assert parts.grad.isfinite().all()

    def test_nan_stays_in_its_windows(self, library, rng, function):
        spectrum = noise(rng, 4, 3, 12)
        clean = function(spectrum, frames=3)
        spectrum[0, 1, 6] = np.nan
        value = library.numpy(function(library.array(spectrum), frames=3))
        assert np.argwhere(np.isnan(value)).tolist() == [[1, 5], [1, 6], [1, 7]]
        assert_close(value[[0, 2]], clean[[0, 2]])

    def test_gradients(self, rng, function):
        parts = torch.from_numpy(rng.normal(size=(4, 1, 5, 2))).requires_grad_()
        for frames in (3, None):
            assert torch.autograd.gradcheck(lambda x, n=frames: function(torch.view_as_complex(x), frames=n), parts)

    def test_compile_and_vmap(self, no_shape_hook, rng, function):
        spectrum = torch.from_numpy(noise(rng, 2, 4, 3, 6))
        whole = function(spectrum, frames=3)
        one_by_one = torch.vmap(lambda x: function(x, frames=3))(spectrum)
        compiled = torch.compile(lambda x: function(x, frames=3), fullgraph=True, backend="eager")(spectrum)
        assert_close(one_by_one.numpy(), whole.numpy())
        assert_close(compiled.numpy(), whole.numpy())

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self, function):
        for channels in (1, 3, 5):
            with pytest.raises(ShapeError, match=rf"{channels} channels.*at least 4"):
                function(np.zeros((channels, 5, 6), complex), frames=2)
        with pytest.raises(ArrayTypeError, match="ambikit.stft"):
            function(np.zeros((4, 5, 6)), frames=2)
        for frames in (0, 2.5, True):
            with pytest.raises(AmbikitError, match="frames="):
                function(np.zeros((4, 5, 6), complex), frames=frames)
