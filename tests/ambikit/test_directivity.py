import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import eval_legendre

from ambikit import (
    beam_weights,
    diffuse_covariance,
    directivity,
    directivity_of_weights,
    dolph_chebyshev_weights,
    fibonacci_grid,
    mvdr,
    null_steering_weights,
)
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.oracles import beam_figures, real_spherical_harmonics


class TestFigures:
    @pytest.mark.parametrize(
        ("pattern", "factor", "index", "length"),
        [
            ("hypercardioid", [4, 9, 16, 25, 36], [6.021, 9.542, 12.041, 13.979, 15.563], None),
            ("cardioid", [3, 5, 7, 9, 11], [4.771, 6.990, 8.451, 9.542, 10.414], None),
            (
                "max_re",
                [3.73205, 7.87298, 13.40261, 20.31738, 28.61625],
                [5.720, 8.961, 11.272, 13.079, 14.566],
                [0.577350, 0.774597, 0.861136, 0.906180, 0.932470],
            ),
            ("supercardioid", [3.7320508, 6.8302517, 9.7440845, 12.597809, 15.437595], None, None),
        ],
    )
    def test_published_figures(self, pattern, factor, index, length):
        found = [directivity(pattern, order) for order in range(1, 6)]
        assert [f.factor for f in found] == pytest.approx(factor, rel=1e-6)
        if index:
            assert [f.index_db for f in found] == pytest.approx(index, abs=6e-4)
        if length:
            assert [f.energy_vector for f in found] == pytest.approx(length, rel=1e-6)

    def test_front_to_back_of_the_supercardioid(self):
        """Figures computed with 40 digits, and 125 dB at order 9, the last."""
        found = [directivity("supercardioid", order).front_to_back_db for order in range(1, 6)]
        assert found == pytest.approx([11.438951, 24.04827, 37.689967, 51.809724, 66.189939], rel=1e-6)
        assert directivity("supercardioid", 9).front_to_back_db == pytest.approx(125, abs=1)

    @pytest.mark.parametrize("order", [1, 2, 5, 12])
    def test_front_to_back_of_the_cardioid(self, order):
        """The integrals of ((1 + x)/2)^2N: the ratio is 2^(2N + 1) − 1."""
        expected = 10 * np.log10(2.0 ** (2 * order + 1) - 1)
        assert directivity("cardioid", order).front_to_back_db == pytest.approx(expected, rel=1e-9)

    @pytest.mark.parametrize("pattern", ["hypercardioid", "supercardioid", "cardioid", "max_re", "max_re_approximate"])
    @pytest.mark.parametrize("order", [1, 4, 9])
    def test_against_integrals_at_two_hundred_points(self, pattern, order):
        found = directivity(pattern, order)
        expected = beam_figures(beam_weights(pattern, order))
        assert (found.factor, found.front_to_back_db, found.energy_vector) == pytest.approx(expected, rel=1e-9)

    @given(weights=st.lists(st.floats(0.01, 1.0), min_size=1, max_size=8))
    def test_any_weights(self, weights):
        found = directivity(weights)
        q, ratio, length = beam_figures(np.array(weights))
        assert found.factor == pytest.approx(q, rel=1e-9)
        assert found.front_to_back_db == pytest.approx(ratio, abs=1e-7)
        assert found.energy_vector == pytest.approx(length, abs=1e-9)
        twice = directivity([2 * w for w in weights])
        assert twice.factor == pytest.approx(found.factor)
        assert twice.half_power_width == pytest.approx(found.half_power_width)

    def test_no_microphone_of_an_order_has_more_directivity(self, rng):
        for _ in range(20):
            assert directivity(beam_weights("hypercardioid", 4) + 0.02 * rng.normal(size=5)).factor < 25

    @pytest.mark.parametrize(
        ("pattern", "width"),
        [("cardioid", 131.1), ("supercardioid", 114.9), ("hypercardioid", 104.9), ("figure_eight", 90.0)],
    )
    def test_width_of_first_order_microphones(self, pattern, width):
        """The −3 dB angles of microphone catalogues."""
        assert np.degrees(directivity(pattern).half_power_width) == pytest.approx(width, abs=0.05)

    def test_an_omnidirectional_beam_is_as_wide_as_can_be(self):
        found = directivity("omni")
        assert (found.factor, found.index_db, found.energy_vector) == pytest.approx((1, 0, 0), abs=1e-12)
        assert found.front_to_back_db == pytest.approx(0, abs=1e-12)
        assert found.half_power_width == 2 * np.pi
        assert directivity("omni", 0).half_power_width == 2 * np.pi

    @pytest.mark.parametrize("pattern", ["hypercardioid", "max_re", "cardioid"])
    @pytest.mark.parametrize("order", [2, 6, 15])
    def test_width_by_following_the_pattern(self, pattern, order):
        weights = beam_weights(pattern, order)

        def above(angle):
            return sum(b * eval_legendre(n, np.cos(angle)) for n, b in enumerate(weights)) - np.sqrt(0.5)

        step = np.linspace(0, np.pi, 2000)
        first = np.argmax(above(step) < 0)
        expected = 2 * brentq(above, step[first - 1], step[first], xtol=1e-14)
        assert directivity(pattern, order).half_power_width == pytest.approx(expected, rel=1e-9)

    def test_tensors_and_single_precision(self):
        tensor = torch.tensor(beam_weights("max_re", 2), dtype=torch.float32, requires_grad=True)
        assert directivity(tensor).factor == pytest.approx(7.87298, rel=1e-5)

    def test_a_narrow_lobe_is_paid_with_high_side_lobes(self):
        low, high = (directivity(dolph_chebyshev_weights(5, side_lobe_db=level)) for level in (-60, -20))
        assert low.half_power_width > high.half_power_width
        assert low.front_to_back_db > high.front_to_back_db

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(AmbikitError, match="along its axis"):
            directivity([1.0, -1.0])
        with pytest.raises(AmbikitError, match="along its axis"):
            directivity([0.0, 0.0])
        with pytest.raises(AmbikitError, match="at most order 9"):
            directivity("supercardioid", 10)
        with pytest.raises(ShapeError, match="3 for order 2"):
            directivity([0.5, 0.5], 2)
        with pytest.raises(ShapeError, match="one pattern"):
            directivity(np.ones((2, 3)))


class TestOfWeights:
    @given(azimuth=st.floats(-4, 4), elevation=st.floats(-1.57, 1.57), order=st.integers(1, 5))
    def test_a_steered_beam_has_the_figures_of_its_pattern(self, azimuth, elevation, order):
        n = np.repeat(np.arange(order + 1), 2 * np.arange(order + 1) + 1)
        weights = beam_weights("max_re", order)[n] * real_spherical_harmonics(azimuth, elevation, order)
        found, expected = directivity_of_weights(weights, azimuth, elevation), directivity("max_re", order)
        assert found.factor == pytest.approx(expected.factor, rel=1e-9)
        assert found.front_to_back_db == pytest.approx(expected.front_to_back_db, rel=1e-9)
        assert found.energy_vector == pytest.approx(expected.energy_vector, rel=1e-9)
        assert found.half_power_width is None

    def test_a_beam_that_differs_around_its_axis(self, rng):
        """Against a plain mean over 200 000 points of the sphere, which is good to a few thousandths."""
        samples = rng.normal(size=(9, 30)) + 1j * rng.normal(size=(9, 30))
        weights = mvdr(samples @ samples.conj().T, 0.4, 0.2)
        azimuth, elevation = fibonacci_grid(200_000)
        power = np.abs(real_spherical_harmonics(azimuth, elevation, 2) @ weights.conj()) ** 2
        x = np.sin(0.2) * np.sin(elevation) + np.cos(0.2) * np.cos(elevation) * np.cos(azimuth - 0.4)
        found = directivity_of_weights(weights, 0.4, 0.2)
        assert found.factor == pytest.approx(1 / power.mean(), rel=1e-3)
        assert found.energy_vector == pytest.approx((x * power).mean() / power.mean(), abs=1e-3)
        ratio = power[x > 0].sum() / power[x < 0].sum()
        assert found.front_to_back_db == pytest.approx(10 * np.log10(ratio), abs=1e-2)

    def test_the_factor_is_the_gain_over_diffuse_noise(self):
        weights = null_steering_weights(0.4, 0.2, [2.0, -1.5], [0.1, -0.3], 3)
        expected = 1 / (weights @ diffuse_covariance(3) @ weights)
        assert directivity_of_weights(torch.tensor(weights), 0.4, 0.2).factor == pytest.approx(expected, rel=1e-12)

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(ShapeError, match="5 weights"):
            directivity_of_weights(np.ones(5), 0, 0)
        with pytest.raises(ShapeError, match="one beam"):
            directivity_of_weights(np.ones((2, 4)), 0, 0)
        with pytest.raises(ShapeError, match="one direction"):
            directivity_of_weights(np.ones(4), [0, 1], 0)
        with pytest.raises(AmbikitError, match="along its axis"):
            directivity_of_weights([0.0, 0.0, 1.0, 0.0], 0, 0)
        with pytest.raises(ArrayTypeError, match="floating"):
            directivity_of_weights(np.ones(4, dtype=int), 0, 0)
