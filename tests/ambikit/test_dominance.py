import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ambikit import (
    angles_to_vectors,
    dominance,
    dominance_transform,
    encode,
    mirror,
    rotate,
    transform_report,
    vectors_to_angles,
)
from ambikit.errors import ShapeError
from tests.closeness import assert_close

ANGLE = st.floats(-np.pi, np.pi)


def lorentz(rapidity):
    """The boost along x of (W, Y, Z, X), by hand."""
    c, s = np.cosh(rapidity), np.sinh(rapidity)
    return np.array([[c, 0, 0, s], [0, 1, 0, 0], [0, 0, 1, 0], [s, 0, 0, c]])


class TestValues:
    @pytest.mark.parametrize("gain_db", [-12.0, -1.0, 0.0, 6.0, 20.0])
    def test_first_order_is_the_lorentz_transform(self, gain_db):
        expected = lorentz(gain_db * np.log(10) / 20)
        assert_close(dominance_transform(1, 0, 0, gain_db).matrix, expected)

    def test_as_gerzon_and_barton_write_it(self):
        """With λ the gain ahead and W in their scale, W / √2: ½ (λ + 1/λ) W + 8^−½ (λ − 1/λ) X, and so on."""
        gain, w, x = 1.7, 0.4, -0.8
        signal = np.array([w * np.sqrt(2), 0.3, 0.2, x])[:, None]
        result = dominance(signal, 0, 0, 20 * np.log10(gain))[:, 0]
        assert result[0] / np.sqrt(2) == pytest.approx((gain + 1 / gain) / 2 * w + (gain - 1 / gain) / np.sqrt(8) * x)
        assert result[3] == pytest.approx((gain + 1 / gain) / 2 * x + (gain - 1 / gain) / np.sqrt(2) * w)
        assert result[1:3] == pytest.approx([0.3, 0.2])

    @pytest.mark.parametrize("order", [1, 2, 6])
    @given(
        axis=st.tuples(ANGLE, st.floats(-1.5, 1.5)),
        source=st.tuples(ANGLE, st.floats(-1.5, 1.5)),
        gain_db=st.floats(-20, 20),
    )
    def test_a_plane_wave_stays_a_plane_wave(self, order, axis, source, gain_db):
        """At every order, exactly: aberration of light, and the gain to the power of the order."""
        d, v, rapidity = angles_to_vectors(*axis), angles_to_vectors(*source), gain_db * np.log(10) / 20 / order
        factor = np.cosh(rapidity) + v @ d * np.sinh(rapidity)
        goal = (v + (np.sinh(rapidity) + (np.cosh(rapidity) - 1) * (v @ d)) * d) / factor
        expected = factor**order * encode(np.ones(1), *vectors_to_angles(goal), order)
        result = dominance(encode(np.ones(1), *source, order), *axis, gain_db)
        assert np.abs(result - expected).max() < 1e-11 * 10 ** (abs(gain_db) / 20)

    def test_the_report_finds_no_error(self):
        report = transform_report(dominance_transform(4, 30, 20, 15.0, degrees=True))
        assert report.error.max() < 1e-20
        assert np.degrees(report.direction_error.max()) < 1e-4
        assert report.level_db == pytest.approx(report.wanted_db, abs=1e-9)
        assert report.level_db.max() == pytest.approx(15, abs=0.02)
        assert np.degrees(report.width) == pytest.approx(2 * np.degrees(np.arccos(0.8)), abs=1e-6)


class TestLaws:
    @given(first=st.floats(-10, 10), second=st.floats(-10, 10), order=st.integers(1, 5))
    def test_gains_along_one_axis_add(self, first, second, order):
        one, two, both = (dominance_transform(order, 0.4, 0.3, g).matrix for g in (first, second, first + second))
        assert_close(one @ two, both, factor=100)

    def test_the_inverse_is_the_negative_gain(self, rng):
        signal = rng.normal(size=(16, 5))
        assert_close(dominance(dominance(signal, 0.4, 0.3, 9.0), 0.4, 0.3, -9.0), signal, factor=10)

    def test_first_order_keeps_the_difference_of_energies(self, rng):
        """W² − X² − Y² − Z², which is 0 for a plane wave, is the interval of the Lorentz group."""
        signal = rng.normal(size=(4, 50))
        interval = signal[0] ** 2 - (signal[1:] ** 2).sum(0)
        result = dominance(signal, 0.4, 0.3, 9.0)
        assert_close(result[0] ** 2 - (result[1:] ** 2).sum(0), interval, factor=10)

    def test_turns_and_mirrors(self, rng):
        signal = rng.normal(size=(9, 4))
        expected = rotate(dominance(rotate(signal, -0.5), 0, 0.3, 5.0), 0.5)
        assert_close(dominance(signal, 0.5, 0.3, 5.0), expected)
        mirrored = dominance(mirror(signal, "left_right"), -0.5, 0.3, 5.0)
        assert_close(mirrored, mirror(dominance(signal, 0.5, 0.3, 5.0), "left_right"))


class TestArrays:
    def test_batches(self, library, dtype, rng):
        signal = rng.normal(size=(2, 1, 9, 6))
        gains = library.array(rng.uniform(-6, 6, (2, 3)))
        result = library.numpy(dominance(library.array(signal, dtype), 20, 10, gains, degrees=True))
        assert_close(result[1, 2], dominance(signal[1, 0], 20, 10, float(gains[1, 2]), degrees=True), dtype)

    def test_gradients_and_transforms(self, rng):
        signal = torch.tensor(rng.normal(size=(9, 2)), requires_grad=True)
        values = torch.tensor([0.3, 0.2, 4.0], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda s, v: dominance(s, *v.unbind()), (signal, values))

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile(self, rng):
        signal = torch.tensor(rng.normal(size=(9, 4)))
        compiled = torch.compile(dominance, fullgraph=True, backend="eager")
        assert_close(compiled(signal, 0.3, 0.2, 5.0).numpy(), dominance(signal, 0.3, 0.2, 5.0).numpy())

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(ShapeError, match=r"at least\s+4"):
            dominance(np.ones((1, 3)), 0, 0, 3.0)
        with pytest.raises(ShapeError, match="broadcast"):
            dominance(np.ones((2, 4, 3)), 0, 0, np.zeros(3))
