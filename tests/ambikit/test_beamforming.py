import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from scipy.special import eval_legendre

from ambikit import align, angles_to_vectors, beam_weights, beamform, encode, rotate, vectors_to_angles
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close
from tests.oracles import beam_figures

HIGHER = ["hypercardioid", "supercardioid", "cardioid", "max_re"]


def per_order(weights):
    """The weights a_n / a_0 of g(x) = Σ (2n + 1) a_n P_n(x), as the literature lists them."""
    a = weights / (2 * np.arange(len(weights)) + 1)
    return a / a[0]


class TestWeights:
    def test_first_order_family(self):
        """g = a + (1 − a) x; directivity factors 1, 12/7, 3, 2 + √3, 4 and 3."""
        for pattern, a, factor in (
            ("omni", 1.0, 1.0),
            ("subcardioid", 0.75, 12 / 7),
            ("cardioid", 0.5, 3.0),
            ("supercardioid", (np.sqrt(3) - 1) / 2, 2 + np.sqrt(3)),
            ("hypercardioid", 0.25, 4.0),
            ("figure_eight", 0.0, 3.0),
        ):
            weights = beam_weights(pattern, 1)
            assert_close(weights, np.array([a, 1 - a]))
            assert beam_figures(weights)[0] == pytest.approx(factor, rel=1e-12)

    @pytest.mark.parametrize("order", range(1, 9))
    def test_hypercardioid(self, order):
        weights = beam_weights("hypercardioid", order)
        assert_close(per_order(weights), np.ones(order + 1))
        assert beam_figures(weights)[0] == pytest.approx((order + 1) ** 2, rel=1e-12)

    @pytest.mark.parametrize("order", range(1, 9))
    def test_cardioid(self, order):
        weights = beam_weights("cardioid", order)
        x = np.linspace(-1, 1, 9)
        gain = sum(b * eval_legendre(n, x) for n, b in enumerate(weights))
        assert_close(gain, ((1 + x) / 2) ** order)
        assert beam_figures(weights)[0] == pytest.approx(2 * order + 1, rel=1e-12)
        if order == 3:
            assert_close(per_order(weights), np.array([1, 0.6, 0.2, 1 / 35]))

    @pytest.mark.parametrize(
        ("order", "factor", "length"),
        [
            (1, 3.73205, 0.577350),
            (2, 7.87298, 0.774597),
            (3, 13.40261, 0.861136),
            (4, 20.31738, 0.906180),
            (5, 28.61625, 0.932470),
        ],
    )
    def test_max_re(self, order, factor, length):
        """Published figures, printed with six digits; the weights are P_n of the largest root of P_{N+1}."""
        weights = beam_weights("max_re", order)
        q, _, energy_vector = beam_figures(weights)
        assert q == pytest.approx(factor, rel=1e-6)
        assert energy_vector == pytest.approx(length, rel=1e-6)
        root = energy_vector
        assert eval_legendre(order + 1, root) == pytest.approx(0.0, abs=1e-12)
        assert_close(per_order(weights), eval_legendre(np.arange(order + 1), root))

    @pytest.mark.parametrize("order", [2, 6])
    def test_no_neighbour_of_max_re_has_a_longer_energy_vector(self, order, rng):
        weights = beam_weights("max_re", order)
        best = beam_figures(weights)[2]
        for _ in range(20):
            assert beam_figures(weights + 0.01 * rng.normal(size=order + 1))[2] < best

    @pytest.mark.parametrize(
        ("order", "a", "factor", "front_to_back"),
        [
            (1, [0.57735027], 3.7320508, 11.438951),
            (2, [np.sqrt(7) / 4, 0.25], 6.8302517, 24.04827),
            (3, [0.72415747, 0.35825757, 0.09894466], 9.7440845, 37.689967),
            (4, [0.76842262, 0.4408114, 0.17445384, 0.03783809], 12.597809, 51.809724),
            (5, [0.80070968, 0.50498875, 0.24093484, 0.0795129, 0.01418615], 15.437595, 66.189939),
        ],
    )
    def test_supercardioid(self, order, a, factor, front_to_back):
        """Figures computed with 40 digits."""
        weights = beam_weights("supercardioid", order)
        assert np.abs(per_order(weights)[1:] - a).max() < 1e-8
        q, ratio, _ = beam_figures(weights)
        assert q == pytest.approx(factor, rel=1e-6)
        assert ratio == pytest.approx(front_to_back, rel=1e-6)

    @pytest.mark.parametrize("order", [1, 5, 9])
    def test_supercardioid_against_fifty_digits(self, order):
        mpmath = pytest.importorskip("mpmath")
        with mpmath.workdps(50):
            polynomials = [mpmath.taylor(lambda x, n=n: mpmath.legendre(n, x), 0, n) for n in range(order + 1)]

            def energies(sign):
                def product(p, q):
                    terms = (a * b * sign ** (i + k) / (i + k + 1) for i, a in enumerate(p) for k, b in enumerate(q))
                    return mpmath.fsum(terms)

                return mpmath.matrix([[product(p, q) for q in polynomials] for p in polynomials])

            front, back, weights = energies(1), energies(-1), mpmath.ones(order + 1, 1)
            for _ in range(30):  # inverse iteration for the smallest ratio of back to front
                weights = mpmath.lu_solve(back, front * weights)
                weights /= mpmath.fsum(weights)
            expected = np.array([float(w) for w in weights])
        assert_close(beam_weights("supercardioid", order), expected)

    @pytest.mark.parametrize("pattern", [*HIGHER, "omni"])
    @pytest.mark.parametrize("order", range(1, 10))
    def test_gain_one_to_the_front_and_positive_weights(self, pattern, order):
        weights = beam_weights(pattern, order)
        assert weights.shape == (order + 1,)
        assert weights.dtype == np.float64
        assert weights.sum() == pytest.approx(1.0, rel=1e-14)
        assert (weights >= 0).all()

    def test_the_caller_owns_the_result(self):
        beam_weights("cardioid", 3)[:] = 0
        assert beam_weights("cardioid", 3).sum() == pytest.approx(1.0)


class TestBeamform:
    def test_first_order_closed_forms(self, library, dtype, rng):
        """0.25 W + 0.75 d·[X, Y, Z], and 0.5 W + 0.5 d·[X, Y, Z] for the cardioid."""
        signal = rng.normal(size=(4, 7))
        d = angles_to_vectors(0.7, -0.4)
        projection = d @ signal[[3, 1, 2]]
        for pattern, a in (("hypercardioid", 0.25), ("cardioid", 0.5), ("figure_eight", 0.0)):
            beam = beamform(library.array(signal, dtype), 0.7, -0.4, pattern)
            assert beam.dtype == library.array(signal, dtype).dtype
            assert_close(library.numpy(beam), a * signal[0] + (1 - a) * projection, dtype)

    def test_hypercardioid_is_the_default(self, rng):
        signal = rng.normal(size=(9, 4))
        assert np.array_equal(beamform(signal, 1, 0.5), beamform(signal, 1, 0.5, "hypercardioid"))

    @pytest.mark.parametrize("pattern", HIGHER)
    @pytest.mark.parametrize("order", [1, 2, 5])
    def test_the_gain_depends_on_the_angle_only(self, pattern, order, rng):
        """Towards any direction a source at an angle with cosine x is heard with Σ b_n P_n(x)."""
        beam, source = rng.normal(size=(2, 30, 3))
        beam, source = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (beam, source))
        waves = encode(np.ones(1), *vectors_to_angles(source), order)
        heard = beamform(waves, *vectors_to_angles(beam), pattern)[:, 0]
        x = (beam * source).sum(-1)
        assert_close(heard, sum(b * eval_legendre(n, x) for n, b in enumerate(beam_weights(pattern, order))))

    def test_clips_by_viewpoints(self, library, rng):
        signal, azimuth = rng.normal(size=(2, 1, 9, 6)), rng.uniform(-3, 3, (2, 3))
        beams = library.numpy(beamform(library.array(signal), library.array(azimuth), 0.2, "max_re"))
        assert beams.shape == (2, 3, 6)
        for n in range(2):
            for k in range(3):
                assert_close(beams[n, k], beamform(signal[n, 0], azimuth[n, k], 0.2, "max_re"))

    def test_many_beams_from_one_signal_and_one_beam_from_many(self, library, rng):
        signal, azimuth = rng.normal(size=(9, 6)), rng.uniform(-3, 3, 5)
        many = library.numpy(beamform(library.array(signal), library.array(azimuth), 0.2))
        assert_close(many[3], beamform(signal, azimuth[3], 0.2))
        signals = rng.normal(size=(3, 9, 6))
        assert_close(library.numpy(beamform(library.array(signals), 0.4, 0.2))[1], beamform(signals[1], 0.4, 0.2))

    def test_spectra(self, library, rng):
        spectrum = rng.normal(size=(2, 9, 4, 3)) + 1j * rng.normal(size=(2, 9, 4, 3))
        beam = library.numpy(beamform(library.array(spectrum), np.pi / 3, 0.2, axis=-3))
        assert beam.shape == (2, 4, 3)
        for part in ("real", "imag"):
            expected = beamform(getattr(spectrum, part).reshape(2, 9, 12), np.pi / 3, 0.2).reshape(2, 4, 3)
            assert_close(getattr(beam, part), expected)

    def test_a_single_instant(self, library, rng):
        signal = rng.normal(size=(5, 9))
        beam = library.numpy(beamform(library.array(signal), 0.3, 0.2, axis=-1))
        assert_close(beam, beamform(signal[..., None], 0.3, 0.2)[..., 0])


class TestLaws:
    @given(
        azimuth=st.floats(-np.pi, np.pi),
        elevation=st.floats(-np.pi / 2, np.pi / 2),
        pose=st.tuples(*[st.floats(-np.pi, np.pi)] * 3),
    )
    def test_the_beam_turns_with_the_sound(self, azimuth, elevation, pose):
        signal = np.random.default_rng(1).normal(size=(9, 3))
        there = Rotation.from_euler("ZYX", pose).apply(angles_to_vectors(azimuth, elevation))
        turned = beamform(rotate(signal, *pose), *vectors_to_angles(there), "max_re")
        assert_close(turned, beamform(signal, azimuth, elevation, "max_re"))

    def test_the_beam_at_a_viewpoint_is_the_front_beam_after_aligning(self, rng):
        signal = rng.normal(size=(16, 3))
        assert_close(beamform(signal, 2.0, -0.6), beamform(align(signal, 2.0, -0.6), 0.0, 0.0))

    def test_scale(self, library, dtype, rng):
        signal = library.array(rng.normal(size=(9, 4)), dtype)
        small, large = library.numpy(beamform(signal * 1e-6, 1, 1)), library.numpy(beamform(signal, 1, 1))
        assert_close(small * 1e6, large, dtype)

    def test_omni_is_w_whatever_the_other_channels_hold(self, library):
        signal = np.full((4, 3), np.nan)
        signal[0] = 1.5
        assert (library.numpy(beamform(library.array(signal), 0.3, 0.1, "omni")) == 1.5).all()
        assert (library.numpy(beamform(library.array(signal[:1]), 0.3, 0.1, "omni")) == 1.5).all()

    def test_nan_stays_at_its_sample(self, library):
        signal = np.ones((4, 3))
        signal[2, 1] = np.nan
        beam = library.numpy(beamform(library.array(signal), 0.3, 0.1))
        assert np.isnan(beam).tolist() == [False, True, False]


class TestBackends:
    @pytest.mark.parametrize("name", ["float16", "bfloat16"])
    def test_half_precision_comes_back_in_its_own_dtype(self, name, rng):
        signal = torch.tensor(rng.normal(size=(9, 6))).to(getattr(torch, name))
        beam = beamform(signal, 0.7, 0.4)
        assert beam.dtype == signal.dtype
        assert_close(beam.double().numpy(), beamform(signal.double().numpy(), 0.7, 0.4), name)

    def test_gradients_to_signal_and_direction(self, rng):
        signal = torch.tensor(rng.normal(size=(2, 1, 9, 3)), requires_grad=True)
        angles = torch.tensor(rng.uniform(-1, 1, (2, 2, 3)), requires_grad=True)
        for pattern in HIGHER:
            assert torch.autograd.gradcheck(lambda s, a, p=pattern: beamform(s, a[0], a[1], p), (signal, angles))

    def test_vmap(self, rng):
        signal, azimuth = torch.tensor(rng.normal(size=(3, 9, 4))), torch.tensor(rng.uniform(-3, 3, 3))
        mapped = torch.vmap(lambda s, a: beamform(s, a, 0.1))(signal, azimuth)
        assert_close(mapped.numpy(), beamform(signal, azimuth, 0.1).numpy())

    @pytest.mark.parametrize("pattern", HIGHER)
    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile(self, pattern, rng):
        signal, azimuth = torch.tensor(rng.normal(size=(2, 9, 6))), torch.tensor([0.3, 2.0])
        for function in (lambda s, a: beamform(s, a, 0.2, pattern), lambda s, a: beamform(s, 0.3, 0.2, pattern)):
            compiled = torch.compile(function, fullgraph=True, backend="eager")
            assert_close(compiled(signal, azimuth).numpy(), function(signal, azimuth).numpy())


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_patterns(self):
        with pytest.raises(AmbikitError, match="pattern='in_phase'.*'cardioid'"):
            beam_weights("in_phase")
        for pattern in ("subcardioid", "figure_eight"):
            with pytest.raises(AmbikitError, match="order 2; expected order 1"):
                beamform(np.zeros((9, 2)), 0, 0, pattern)
        with pytest.raises(AmbikitError, match="at most order 9"):
            beam_weights("supercardioid", 10)
        with pytest.raises(AmbikitError, match="order=0"):
            beam_weights("cardioid", 0)
        with pytest.raises(ShapeError, match="a mono signal carries no direction"):
            beamform(np.zeros((1, 2)), 0, 0)

    def test_signals(self):
        with pytest.raises(ShapeError, match="5 channels"):
            beamform(np.zeros((5, 2)), 0, 0)
        with pytest.raises(ShapeError, match=r"\(3,\), \(2,\)"):
            beamform(np.zeros((2, 4, 5)), np.zeros(3), 0)
        with pytest.raises(ArrayTypeError, match="32768"):
            beamform(np.zeros((4, 2), np.int16), 0, 0)
        with pytest.raises(ArrayTypeError, match="one library"):
            beamform(np.zeros((4, 2)), torch.tensor(0.1), 0)
