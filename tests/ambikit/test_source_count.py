import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambikit import diffuse_covariance, number_of_sources
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.oracles import real_spherical_harmonics

AZIMUTH, ELEVATION = np.radians([-90.0, 20.0, 140.0, 70.0]), np.radians([10.0, -40.0, 0.0, 60.0])
METHODS = [("sorte", None), ("mdl", 1000), ("aic", 1000)]


def n3d(order):
    return np.sqrt([2 * n + 1 for n in range(order + 1) for _ in range(2 * n + 1)])


def waves(count, order):
    harmonics = real_spherical_harmonics(AZIMUTH[:count], ELEVATION[:count], order)
    return harmonics.T @ np.diag(1.0 + np.arange(count)) @ harmonics


def measured(rng, count, order, noise, observations, complex_numbers=False):
    """The covariance of so many samples of white sources in white noise of N3D channels."""

    def draw(rows):
        real = rng.normal(size=(rows, observations))
        return (real + 1j * rng.normal(size=real.shape)) / np.sqrt(2) if complex_numbers else real

    harmonics = real_spherical_harmonics(AZIMUTH[:count], ELEVATION[:count], order)
    samples = harmonics.T @ draw(count) + np.sqrt(noise) * draw((order + 1) ** 2) / n3d(order)[:, None]
    return samples @ samples.conj().T / observations


class TestExactCovariances:
    @pytest.mark.parametrize(("method", "observations"), METHODS)
    @pytest.mark.parametrize("count", [1, 2, 3, 4])
    @pytest.mark.parametrize("noise", [0.0, 1e-3, 0.1])
    def test_sources_in_diffuse_sound(self, library, method, observations, count, noise):
        covariance = waves(count, 2) + noise * diffuse_covariance(2)
        found = number_of_sources(library.array(covariance), method, observations=observations)
        assert int(library.numpy(found)) == count

    @pytest.mark.parametrize("method", ["mdl", "aic"])
    def test_diffuse_sound_alone_has_none(self, method):
        assert number_of_sources(diffuse_covariance(3), method, observations=100) == 0

    @pytest.mark.parametrize(("method", "observations"), METHODS)
    def test_silence_nan_scale_and_single_precision(self, library, method, observations):
        one = waves(2, 2) + 0.01 * diffuse_covariance(2)
        covariance = np.stack([0 * one, one, one * 1e-12, one])
        covariance[1, 2, 3] = np.nan
        for dtype in ("float32", "float64"):
            found = number_of_sources(library.array(covariance, dtype), method, observations=observations)
            assert library.numpy(found).tolist() == [0, 0, 2, 2]

    def test_one_wave_without_noise_in_single_precision(self, library):
        for method, observations in METHODS:
            covariance = library.array(waves(1, 3), "float32")
            assert int(library.numpy(number_of_sources(covariance, method, observations=observations))) == 1


class TestMeasuredCovariances:
    @given(count=st.integers(0, 4), seed=st.integers(0, 999), complex_numbers=st.booleans())
    def test_mdl(self, count, seed, complex_numbers):
        covariance = measured(np.random.default_rng(seed), count, 2, 0.1, 1000, complex_numbers)
        assert number_of_sources(covariance, "mdl", observations=1000) == count

    def test_aic_says_too_many_now_and_then_and_mdl_does_not(self, rng):
        """Noise alone, 200 fields: the criterion of Akaike is not consistent."""
        fields = np.stack([measured(rng, 0, 1, 1.0, 500) for _ in range(200)])
        assert (number_of_sources(fields, "mdl", observations=500) == 0).all()
        assert 0.02 < (number_of_sources(fields, "aic", observations=500) > 0).mean() < 0.3

    def test_sorte(self, rng):
        """10 dB above the noise, third order, 1000 samples, 50 fields of each: at least 19 of 20."""
        for count in (1, 2, 3, 4):
            fields = np.stack([measured(rng, count, 3, 0.1, 1000) for _ in range(50)])
            assert (number_of_sources(fields) == count).mean() >= 0.95

    def test_a_hand_made_fall(self):
        """Eigenvalues 9, 4, 1 … 1 have gaps 5, 3, 0 …: no spread is left after two sources."""
        covariance = np.diag([9.0, 4.0, 1, 1, 1, 1, 1, 1, 1]) / n3d(2) ** 2
        assert number_of_sources(covariance) == 2

    def test_first_order_has_one_by_sorte(self, rng):
        assert (number_of_sources(np.stack([measured(rng, 2, 1, 0.1, 100) for _ in range(5)])) == 1).all()


@pytest.mark.usefixtures("no_shape_hook")
def test_errors():
    with pytest.raises(AmbikitError, match="method"):
        number_of_sources(np.eye(9), "guess")
    for observations in (None, 0, "many", np.inf):
        with pytest.raises(AmbikitError, match="observations"):
            number_of_sources(np.eye(9), "mdl", observations=observations)
    with pytest.raises(AmbikitError, match="no use"):
        number_of_sources(np.eye(9), observations=5)
    with pytest.raises(ShapeError, match="mono"):
        number_of_sources(np.eye(1))
    with pytest.raises(ArrayTypeError, match="int"):
        number_of_sources(np.eye(4, dtype=int))
