import numpy as np
import pytest
import torch
from scipy.integrate import quad

import ambikit
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close

COUNT = 60000
FUNCTIONS = [ambikit.diffuseness_temporal_variation, ambikit.diffuseness_spherical_variance]
functions = pytest.mark.parametrize("function", FUNCTIONS, ids=["temporal_variation", "spherical_variance"])


def noise(rng, *shape):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)


def wave(azimuth, elevation, sound):
    return ambikit.spherical_harmonics(azimuth, elevation, 1)[:, None, None] * sound


def diffuse(rng, count):
    """SN3D: the dipoles of a diffuse field have a third of the energy of W each."""
    return noise(rng, 4, 1, count) * np.sqrt([1, 1 / 3, 1 / 3, 1 / 3])[:, None, None]


def two_waves(theta):
    """What Gaussian waves of equal power give, by integrals over the angle between their sum and their difference.

    I = 2 r (r cos h, g sin h) along the bisector and across, h = θ / 2, with the sum r of the waves (over √2), whose
    square is exponential, and a Gaussian g of variance 1/2.
    """
    c, s = np.cos(theta / 2), np.sin(theta / 2)

    def shape(a):
        return np.sqrt((c * np.cos(a)) ** 2 + (s * np.sin(a)) ** 2)

    length = 0.75 * quad(lambda a: np.cos(a) ** 2 * shape(a), -np.pi / 2, np.pi / 2)[0]
    mean_direction = 0.5 * quad(lambda a: c * np.cos(a) ** 2 / max(shape(a), 1e-12), -np.pi / 2, np.pi / 2)[0]
    return np.sqrt(1 - c / length), 1 - mean_direction


def direct_and_diffuse(ratio):
    """A Gaussian wave over a diffuse field, by quadrature over |W| and the dipoles given W."""
    share = ratio / (1 + ratio)
    # W* X = share |W|² + |W| n, n of variance (1/3 + share) / 2; across, two of variance 1/6.
    radius2, by_radius = np.polynomial.laguerre.laggauss(60)
    along, by_along = np.polynomial.hermite.hermgauss(60)
    across2, by_across = np.polynomial.laguerre.laggauss(60)
    w = np.sqrt((1 + ratio) * radius2)[:, None, None]
    n = np.sqrt(1 / 3 + share) * along[None, :, None]
    weights = by_radius[:, None, None] * by_along[None, :, None] * by_across / np.sqrt(np.pi)
    forward = share * w + n
    length = np.sqrt(forward**2 + across2 / 3)
    ratio_of_means = (weights * w * forward).sum() / (weights * w * length).sum()
    return np.sqrt(1 - ratio_of_means), 1 - (weights * forward / length).sum()


class TestClosedForms:
    def test_the_oracle_at_right_angles(self):
        variation, variance = two_waves(np.pi / 2)
        assert variation == pytest.approx(np.sqrt(1 - 8 / (3 * np.pi)))
        assert variance == pytest.approx(1 - np.pi / 4)

    @functions
    def test_a_plane_wave_has_none(self, library, dtype, rng, function):
        spectrum = wave(0.7, -0.4, noise(rng, 3, 50)).astype({"float32": np.complex64, "float64": complex}[dtype])
        value = library.numpy(function(library.array(spectrum), frames=10))
        assert value.dtype == dtype
        assert value.max() < {"float32": 2e-3, "float64": 1e-7}[dtype]  # the root of rounding

    @pytest.mark.parametrize("degrees", [30, 60, 90, 120, 180])
    def test_two_uncorrelated_waves(self, rng, degrees):
        theta = np.radians(degrees)
        field = wave(0.0, 0.0, noise(rng, 1, COUNT)) + wave(theta, 0.0, noise(rng, 1, COUNT))
        field = ambikit.rotate(field, 0.4, 1.0, -0.3, axis=-3)
        for function, expected in zip(FUNCTIONS, two_waves(theta)):
            assert abs(function(field, frames=None)[0, 0] - expected) < 0.01

    @pytest.mark.parametrize("ratio", [0.5, 1.0, 4.0])
    def test_direct_and_diffuse_sound(self, rng, ratio):
        field = diffuse(rng, COUNT) + np.sqrt(ratio) * wave(1.0, 0.5, noise(rng, 1, COUNT))
        for function, expected in zip(FUNCTIONS, direct_and_diffuse(ratio)):
            assert abs(function(field, frames=None)[0, 0] - expected) < 0.01

    @pytest.mark.parametrize(("frames", "expected"), [(1, (0, 0)), (10, (0.80, 0.71)), (100, (0.94, 0.91))])
    def test_a_diffuse_field_and_the_bias_that_the_pages_state(self, rng, frames, expected):
        field = diffuse(rng, 20000)
        for function, value in zip(FUNCTIONS, expected):
            assert abs(function(field, frames=frames).mean() - value) < 0.01
            assert function(field, frames=None)[0, 0] > 0.98

    @pytest.mark.parametrize("frames", [1, 2, 5, None])
    def test_against_the_mean_of_each_window(self, library, rng, frames):
        spectrum = noise(rng, 4, 3, 12)
        flow = ambikit.active_intensity(spectrum, normalized=False)
        length = np.linalg.norm(flow, axis=0)
        variation, variance = (library.numpy(f(library.array(spectrum), frames=frames)) for f in FUNCTIONS)
        for t in range(1 if frames is None else 12):
            window = slice(None) if frames is None else slice(max(0, t - (frames - 1) // 2), t + frames // 2 + 1)
            mean = np.linalg.norm(flow[..., window].mean(-1), axis=0)
            assert np.abs(variation[:, t] ** 2 - (1 - mean / length[:, window].mean(-1))).max() < 1e-12
            unit = np.linalg.norm((flow / length)[..., window].mean(-1), axis=0)
            assert np.abs(variance[:, t] - (1 - unit)).max() < 1e-12


@functions
class TestLaws:
    @pytest.mark.parametrize("scale", [1e-6, 1e-30, 1e6])
    def test_level_does_not_matter(self, library, rng, function, scale):
        spectrum = noise(rng, 4, 3, 12).astype(np.complex64)
        value = library.numpy(function(library.array(spectrum * np.float32(scale)), frames=5))
        assert_close(value, function(spectrum, frames=5), "float32")

    def test_turning_the_field_changes_nothing(self, rng, function):
        spectrum = noise(rng, 9, 3, 12)
        turned = ambikit.rotate(spectrum, 1.0, -0.4, 2.0, axis=-3)
        assert_close(function(turned, frames=4), function(spectrum, frames=4))

    def test_silence(self, library, function):
        spectrum = np.zeros((4, 2, 5), np.complex64)
        assert (library.numpy(function(library.array(spectrum), frames=3)) == 0).all()
        spectrum[:, :, 2] = np.array([1, 1, 0, 0])[:, None]  # one frame with sound, the others do not count
        assert (library.numpy(function(library.array(spectrum), frames=3)) == 0).all()

    def test_nan_stays_in_its_windows(self, library, rng, function):
        spectrum = noise(rng, 4, 3, 12)
        clean = function(spectrum, frames=3)
        spectrum[0, 1, 6] = np.nan
        value = library.numpy(function(library.array(spectrum), frames=3))
        assert np.argwhere(np.isnan(value)).tolist() == [[1, 5], [1, 6], [1, 7]]
        assert_close(value[[0, 2]], clean[[0, 2]])

    def test_gradients(self, rng, function):
        parts = torch.from_numpy(rng.normal(size=(4, 1, 5, 2))).requires_grad_()
        assert torch.autograd.gradcheck(lambda x: function(torch.view_as_complex(x), frames=4)[..., 1:], parts)
        still = torch.zeros(4, 1, 5, 2, dtype=torch.float64)
        still[0, 0, 2] = 1.0  # energy without intensity in the middle, silence at the ends
        still[:2, 0, 4] = 1.0  # a plane wave
        still.requires_grad_()
        function(torch.view_as_complex(still), frames=2).sum().backward()
        assert still.grad.isfinite().all()

    def test_compile_and_vmap(self, no_shape_hook, rng, function):
        spectrum = torch.from_numpy(noise(rng, 2, 4, 3, 6))
        whole = function(spectrum, frames=3)
        one_by_one = torch.vmap(lambda x: function(x, frames=3))(spectrum)
        compiled = torch.compile(lambda x: function(x, frames=3), fullgraph=True, backend="eager")(spectrum)
        assert_close(one_by_one.numpy(), whole.numpy())
        assert_close(compiled.numpy(), whole.numpy())

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self, function):
        with pytest.raises(ShapeError, match="at least 4"):
            function(np.zeros((3, 5, 6), complex), frames=2)
        with pytest.raises(ArrayTypeError, match="ambikit.stft"):
            function(np.zeros((4, 5, 6)), frames=2)
        for frames in (0, 2.5, True):
            with pytest.raises(AmbikitError, match="frames="):
                function(np.zeros((4, 5, 6), complex), frames=frames)
