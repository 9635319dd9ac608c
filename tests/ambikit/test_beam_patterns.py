import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import legendre
from scipy.special import eval_chebyt, eval_legendre

from ambikit import beam_weights, beamform, dolph_chebyshev_weights, encode, fitted_beam_weights, power_map
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close
from tests.oracles import beam_figures, real_spherical_harmonics


def gain(weights, x):
    return sum(b * eval_legendre(n, x) for n, b in enumerate(weights))


def side_lobes(weights):
    """The level of every maximum beside the main lobe, and of the rear end, in dB."""
    turning = legendre.legroots(legendre.legder(weights)).real
    return 20 * np.log10(np.abs(gain(weights, np.append(turning, -1.0))))


class TestDolphChebyshev:
    @pytest.mark.parametrize("order", [1, 2, 3, 5, 10, 20])
    @pytest.mark.parametrize("level", [-15.0, -30.0, -60.0])
    def test_against_the_chebyshev_polynomial_of_the_half_angle(self, order, level):
        """As the paper writes it: T_2N(x0 cos(θ/2)) / R with x0 = cosh(arcosh(R) / 2N)."""
        ratio = 10 ** (-level / 20)
        x0 = np.cosh(np.arccosh(ratio) / (2 * order))
        angle = np.linspace(0, np.pi, 301)
        expected = eval_chebyt(2 * order, x0 * np.cos(angle / 2)) / ratio
        assert_close(gain(dolph_chebyshev_weights(order, side_lobe_db=level), np.cos(angle)), expected, factor=20)

    @pytest.mark.parametrize("order", [2, 3, 6, 9])
    def test_all_side_lobes_are_as_high_as_asked(self, order):
        levels = side_lobes(dolph_chebyshev_weights(order, side_lobe_db=-25.0))
        assert len(levels) == order
        assert np.abs(levels + 25.0).max() < 1e-9

    @given(order=st.integers(1, 12), share=st.floats(0.02, 0.98))
    def test_the_main_lobe_is_as_wide_as_asked(self, order, share):
        width = np.pi / order + share * (2 * np.pi - np.pi / order)
        weights = dolph_chebyshev_weights(order, main_lobe_width=width)
        assert gain(weights, np.cos(width / 2)) == pytest.approx(0, abs=1e-12)
        inside = np.cos(np.linspace(0, width / 2 * 0.999, 50))
        assert (gain(weights, inside) > 0).all()
        degrees = dolph_chebyshev_weights(order, main_lobe_width=float(np.degrees(width)), degrees=True)
        assert_close(degrees, weights, factor=100)

    @pytest.mark.parametrize("order", [2, 5])
    def test_both_parameters_make_one_family(self, order):
        weights = dolph_chebyshev_weights(order, main_lobe_width=2.5)
        levels = side_lobes(weights)
        assert_close(dolph_chebyshev_weights(order, side_lobe_db=float(levels[-1])), weights, factor=100)

    @pytest.mark.parametrize("order", [3, 6])
    def test_no_beam_of_that_width_has_lower_side_lobes(self, order, rng):
        """Optimal in Dolph's sense: any other beam with that first zero has a higher lobe somewhere beyond it."""
        width = 1.2 * np.pi / order + 0.5
        weights = dolph_chebyshev_weights(order, main_lobe_width=width)
        x = np.cos(np.linspace(width / 2, np.pi, 2000))
        best = np.abs(gain(weights, x)).max()
        places = np.cos([width / 2, 0.0])
        for _ in range(50):
            other = weights + 1e-3 * rng.normal(size=order + 1)
            # A line through its errors at the zero and on the axis brings both back to 0 and 1.
            other[:2] -= legendre.legfit(places, gain(other, places) - [0, 1], 1)
            assert gain(other, places) == pytest.approx([0, 1], abs=1e-9)
            assert np.abs(gain(other, x)).max() > best

    def test_first_order_is_the_known_family(self):
        for pattern, rear in (("hypercardioid", 0.5), ("supercardioid", 2 - np.sqrt(3))):
            weights = dolph_chebyshev_weights(1, side_lobe_db=20 * np.log10(rear))
            assert_close(weights, beam_weights(pattern, 1))

    @pytest.mark.parametrize("order", [1, 4, 10])
    def test_without_side_lobes_it_is_the_cardioid(self, order):
        nearly = dolph_chebyshev_weights(order, main_lobe_width=2 * np.pi * (1 - 1e-8))
        assert_close(nearly, beam_weights("cardioid", order))

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(AmbikitError, match="exactly one"):
            dolph_chebyshev_weights(3)
        with pytest.raises(AmbikitError, match="exactly one"):
            dolph_chebyshev_weights(3, side_lobe_db=-30, main_lobe_width=2.0)
        for level in (0.0, 30.0, -301.0, float("nan")):
            with pytest.raises(AmbikitError, match="side_lobe_db="):
                dolph_chebyshev_weights(3, side_lobe_db=level)
        for width in (1.04, 6.2832, float("nan")):
            with pytest.raises(AmbikitError, match="60 degrees"):
                dolph_chebyshev_weights(3, main_lobe_width=width)
        with pytest.raises(AmbikitError, match="order=0"):
            dolph_chebyshev_weights(0, side_lobe_db=-30)


class TestMaxReApproximate:
    @pytest.mark.parametrize(
        ("order", "a"),
        [(1, [0.574431]), (2, [0.773976, 0.398557]), (3, [0.860951, 0.611854, 0.303994])],
    )
    def test_published_figures(self, order, a):
        weights = beam_weights("max_re_approximate", order) / (2 * np.arange(order + 1) + 1)
        assert weights[1:] / weights[0] == pytest.approx(a, abs=1e-6)

    @pytest.mark.filterwarnings("ignore")
    @pytest.mark.parametrize("order", [1, 4, 8])
    def test_against_spaudiopy(self, order):
        sph = pytest.importorskip("spaudiopy").sph
        a = beam_weights("max_re_approximate", order) / (2 * np.arange(order + 1) + 1)
        assert_close(a / a[0], sph.max_rE_weights(order))

    @pytest.mark.parametrize("order", [1, 3, 7])
    def test_its_energy_vector_is_a_little_shorter(self, order):
        exact, approximate = (beam_figures(beam_weights(p, order))[2] for p in ("max_re", "max_re_approximate"))
        assert exact * (1 - 1e-4) < approximate < exact


class TestFitted:
    @pytest.mark.parametrize("pattern", ["hypercardioid", "supercardioid", "cardioid", "max_re"])
    def test_a_pattern_of_the_order_is_found_exactly(self, pattern):
        weights = beam_weights(pattern, 4)
        assert_close(fitted_beam_weights(lambda x: gain(weights, x), 4), weights)
        angle = np.linspace(0, np.pi, 19)
        assert_close(fitted_beam_weights(gain(weights, np.cos(angle)), 4, angle=angle), weights, factor=10)

    def test_a_spotlight_by_hand(self):
        """1 in front, 0 behind: b_0 = 1/2, b_1 = 3/4, b_2 = 0, b_3 = −7/16."""
        expected = [0.5, 0.75, 0.0, -0.4375]
        assert fitted_beam_weights(lambda x: np.where(x > 0, 1, 0), 3) == pytest.approx(expected, abs=1e-5)

    def test_no_neighbour_is_nearer(self, rng):
        def target(x):
            return np.exp(-3 * (1 - x))

        nodes, steps = legendre.leggauss(200)
        weights = fitted_beam_weights(target, 3)
        error = np.sum(steps * (gain(weights, nodes) - target(nodes)) ** 2)
        for _ in range(20):
            other = weights + 0.01 * rng.normal(size=4)
            assert np.sum(steps * (gain(other, nodes) - target(nodes)) ** 2) > error

    def test_samples_count_by_their_part_of_the_sphere(self):
        """Crowded and repeated samples on one side do not pull the fit there."""

        def target(x):
            return np.exp(-3 * (1 - x))

        even = np.arccos(np.linspace(1, -1, 1001))
        crowded = np.concatenate([even, even[:200], even[:200]])[::-1]
        a, b = (fitted_beam_weights(target(np.cos(t)), 2, angle=t) for t in (even, crowded))
        assert_close(b, a)
        assert_close(a, fitted_beam_weights(target, 2), factor=1e8)  # 1e-4: the spacing of the samples

    def test_numbers_tensors_and_constants(self):
        assert fitted_beam_weights(lambda x: 2.0, 1) == pytest.approx([2.0, 0.0], abs=1e-12)
        angle = torch.tensor([0.0, 90.0, 180.0])
        assert fitted_beam_weights(torch.tensor([1, 0, -1]), 1, angle=angle, degrees=True) == pytest.approx([0, 1])

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(AmbikitError, match="leave angle out"):
            fitted_beam_weights(lambda x: x, 1, angle=[0.0])
        with pytest.raises(AmbikitError, match="without angles"):
            fitted_beam_weights([1.0, 0.0], 1)
        with pytest.raises(ShapeError, match=r"\(3,\) at angles of shape \(2,\)"):
            fitted_beam_weights([1.0, 0.0, 0.0], 1, angle=[0.0, 1.0])
        with pytest.raises(AmbikitError, match="2 different angles; expected at least 3"):
            fitted_beam_weights([1.0, 0.0, 0.0], 2, angle=[0.0, 1.0, 1.0])
        with pytest.raises(AmbikitError, match="outside 0 to π"):
            fitted_beam_weights([1.0, 0.0], 1, angle=[-1.0, 1.0])
        with pytest.raises(AmbikitError, match="outside 0 to π"):
            fitted_beam_weights([1.0, 0.0], 1, angle=[float("nan"), 1.0])
        with pytest.raises(ShapeError, match="one per x"):
            fitted_beam_weights(lambda x: x[:3], 1)
        with pytest.raises(AmbikitError, match="real numbers"):
            fitted_beam_weights(lambda x: x * 1j, 1)


class TestWeightsAsPatterns:
    def test_a_source_on_the_sphere_is_heard_with_the_gain_of_its_angle(self, library, dtype):
        weights = dolph_chebyshev_weights(3, side_lobe_db=-20)
        signal = real_spherical_harmonics(0.3, 0.2, 3)[:, None]
        beam = library.numpy(beamform(library.array(signal, dtype), [0.3, 1.3], [0.2, -0.4], weights))
        x = np.sin(0.2) * np.sin([0.2, -0.4]) + np.cos(0.2) * np.cos([0.2, -0.4]) * np.cos([0.0, 1.0])
        assert_close(beam[:, 0], gain(weights, x), dtype)

    def test_as_the_name_they_belong_to(self, library, rng):
        signal = library.array(rng.normal(size=(9, 5)))
        named = library.numpy(beamform(signal, 0.3, 0.2, "max_re"))
        for weights in (beam_weights("max_re", 2), beam_weights("max_re", 2).tolist()):
            assert_close(library.numpy(beamform(signal, 0.3, 0.2, weights)), named)
        assert_close(library.numpy(beamform(signal, 0.3, 0.2, library.array(beam_weights("max_re", 2)))), named)

    def test_one_pattern_per_direction(self, library, rng):
        signal = library.array(rng.normal(size=(2, 1, 4, 5)))
        patterns = np.stack([beam_weights(p, 1) for p in ("omni", "cardioid", "figure_eight")])
        beams = library.numpy(beamform(signal, [0.3, 0.4, 0.5], 0.1, patterns))
        assert beams.shape == (2, 3, 5)
        assert_close(beams[:, 1], library.numpy(beamform(signal[:, 0], 0.4, 0.1, "cardioid")))
        assert beamform(signal[0, 0], 0.3, 0.1, patterns).shape == (3, 5)

    def test_power_map(self, library, rng):
        spectrum = rng.normal(size=(9, 40))
        covariance = library.array(spectrum @ spectrum.T / 40)
        weights = dolph_chebyshev_weights(2, side_lobe_db=-20)
        power = library.numpy(power_map(covariance, [0.3, 1.0], 0.2, weights))
        assert_close(power, (beamform(spectrum, [0.3, 1.0], 0.2, weights) ** 2).mean(-1), factor=10)

    def test_gradients_to_the_pattern(self, rng):
        signal = torch.tensor(rng.normal(size=(9, 4)))
        weights = torch.tensor(rng.normal(size=3), requires_grad=True)
        angles = torch.tensor([0.2, 0.7], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda w: beamform(signal, [0.1, 0.2], 0.3, w), weights)
        assert torch.autograd.gradcheck(lambda w, a: beamform(signal, a, 0.3, w), (weights, angles))
        assert torch.autograd.gradcheck(lambda w: power_map(signal @ signal.T, [0.1, 0.2], 0.3, w), weights)

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile(self, rng):
        signal = torch.tensor(rng.normal(size=(9, 4)))
        weights = torch.tensor(rng.normal(size=3))
        for function in (lambda s, w: beamform(s, 0.3, 0.2, w), lambda s, w: beamform(s, 0.3, 0.2, [0.2, 0.3, 0.5])):
            compiled = torch.compile(function, fullgraph=True, backend="eager")
            assert_close(compiled(signal, weights).numpy(), function(signal, weights).numpy())

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        signal = encode(np.ones(3), 0.0, 0.0, 2)
        with pytest.raises(ShapeError, match=r"weights of shape \(2,\).*3 for order 2"):
            beamform(signal, 0, 0, beam_weights("cardioid", 1))
        with pytest.raises(ShapeError, match="at least one|3 for order 2"):
            beamform(signal, 0, 0, [])
        with pytest.raises(ShapeError, match="leading axes of the pattern"):
            beamform(signal, np.zeros(3), 0, np.ones((2, 3)))
        with pytest.raises(ArrayTypeError, match="fitted_beam_weights"):
            beamform(signal, 0, 0, lambda x: x)
        with pytest.raises(ArrayTypeError, match="one library"):
            beamform(signal, 0, 0, torch.ones(3))
        with pytest.raises(ArrayTypeError, match="real"):
            beamform(signal, 0, 0, np.ones(3) * 1j)
        with pytest.raises(ArrayTypeError, match="one library"):
            power_map(np.eye(9), 0, 0, torch.ones(3))
