import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ambikit import (
    apply_weights,
    beam_weights,
    beamform,
    diffuse_covariance,
    encode,
    fibonacci_grid,
    lcmv,
    mvdr,
    null_steering_weights,
    rotate,
    rotation_matrix,
    spatial_covariance,
    spherical_harmonics,
    stft,
)
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close
from tests.oracles import real_spherical_harmonics

angles = st.tuples(st.floats(-np.pi, np.pi), st.floats(-1.5, 1.5))


def source(azimuth, elevation, order):
    return real_spherical_harmonics(azimuth, elevation, order)


def n3d(order):
    return np.sqrt([2 * n + 1 for n in range(order + 1) for _ in range(2 * n + 1)])


def random_covariance(rng, channels, *batch, real=False):
    samples = rng.normal(size=(*batch, channels, 3 * channels))
    if not real:
        samples = samples + 1j * rng.normal(size=samples.shape)
    return samples @ np.conj(np.swapaxes(samples, -1, -2)) / (3 * channels)


def gain(weights, azimuth, elevation):
    order = int(np.sqrt(weights.shape[-1])) - 1
    return (np.conj(weights) * source(azimuth, elevation, order)).sum(-1)


class TestDiffuse:
    @pytest.mark.parametrize("order", [0, 1, 4])
    def test_is_the_covariance_of_sound_from_all_directions(self, order):
        harmonics = source(*fibonacci_grid(20000), order)
        assert np.abs(harmonics.T @ harmonics / 20000 - diffuse_covariance(order)).max() < 1e-3


class TestMvdr:
    @given(
        direction=angles, order=st.integers(1, 5), seed=st.integers(0, 99), loading=st.sampled_from([0.0, 1e-3, 1.0])
    )
    def test_no_distortion_towards_the_direction(self, direction, order, seed, loading):
        covariance = random_covariance(np.random.default_rng(seed), (order + 1) ** 2)
        weights = mvdr(covariance, *direction, diagonal_loading=loading)
        assert gain(weights, *direction) == pytest.approx(1.0, abs=1e-12)

    @pytest.mark.parametrize("order", [1, 2, 4])
    @pytest.mark.parametrize("power", [1e-6, 1.0, 1e6])
    def test_diffuse_sound_makes_the_hypercardioid(self, library, order, power):
        covariance = library.array(power * diffuse_covariance(order))
        weights = library.numpy(mvdr(covariance, 0.7, -0.4))
        signal = np.random.default_rng(0).normal(size=((order + 1) ** 2, 3))
        assert_close(weights @ signal, beamform(signal, 0.7, -0.4, "hypercardioid"))

    @pytest.mark.parametrize("order", [1, 3])
    @pytest.mark.parametrize("power", [0.01, 1.0, 1e4])
    def test_an_interferer_is_silenced_by_the_law_of_its_power(self, order, power):
        """Interferer of power P in diffuse noise of power 1: c / (C (1 + P C) − P c²), by Sherman and Morrison.

        C = (order + 1)² and c = Σ (2 n + 1) P_n(x), the products of the N3D harmonics of the two directions.
        """
        interferer = source(-0.9, 0.1, order)
        covariance = diffuse_covariance(order) + power * np.outer(interferer, interferer)
        weights = mvdr(covariance, 0.5, 0.3, diagonal_loading=0.0)
        x = np.sin(0.1) * np.sin(0.3) + np.cos(0.1) * np.cos(0.3) * np.cos(1.4)
        c = np.polynomial.legendre.legval(x, 2 * np.arange(order + 1) + 1)
        channels = (order + 1) ** 2
        assert gain(weights, -0.9, 0.1) == pytest.approx(
            c / (channels * (1 + power * channels) - power * c**2), rel=1e-9
        )

    def test_no_other_beam_without_distortion_hears_less(self, rng):
        covariance = random_covariance(rng, 9)
        weights = mvdr(covariance, 0.5, 0.3, diagonal_loading=0.0)
        y = source(0.5, 0.3, 2)

        def power(w):
            return (w.conj() @ covariance @ w).real

        for _ in range(30):
            step = rng.normal(size=9) + 1j * rng.normal(size=9)
            other = weights + 0.05 * (step - y * (y @ step) / (y @ y))
            assert np.vdot(other, y) == pytest.approx(1.0)
            assert power(other) > power(weights)

    @pytest.mark.filterwarnings("ignore")
    @pytest.mark.parametrize("order", [1, 3])
    def test_against_spaudiopy(self, order, rng):
        """There: orthonormal N3D, zenith angles, weights that are multiplied without conjugation."""
        parsa = pytest.importorskip("spaudiopy").parsa
        covariance = random_covariance(rng, (order + 1) ** 2)
        azimuth, elevation = rng.uniform(-3, 3, 5), rng.uniform(-1.5, 1.5, 5)
        theirs = parsa.sh_mvdr(covariance * np.outer(n3d(order), n3d(order)), azimuth, np.pi / 2 - elevation)
        ours = mvdr(covariance, azimuth, elevation, diagonal_loading=0.0)
        assert_close(ours, np.conj(theirs) / np.sqrt(4 * np.pi) * n3d(order), factor=100)

    def test_loading_is_diffuse_sound_as_a_share_of_the_mean_power(self, rng):
        covariance = random_covariance(rng, 9)
        power = np.trace(covariance * np.outer(n3d(2), n3d(2))).real / 9
        by_hand = mvdr(covariance + 0.3 * power * diffuse_covariance(2), 0.5, 0.3, diagonal_loading=0.0)
        assert_close(mvdr(covariance, 0.5, 0.3, diagonal_loading=0.3), by_hand)
        much = mvdr(covariance, 0.5, 0.3, diagonal_loading=1e12)
        assert np.abs(much - mvdr(diffuse_covariance(2), 0.5, 0.3)).max() < 1e-10

    @given(pose=st.tuples(*[st.floats(-3, 3)] * 3), seed=st.integers(0, 99))
    def test_the_beam_turns_with_the_sound(self, pose, seed):
        rng = np.random.default_rng(seed)
        covariance, turn = random_covariance(rng, 9), rotation_matrix(*pose, order=2)
        y, z, x = rotate(source(0.5, 0.3, 2)[:, None], *pose)[1:4, 0]
        there = np.arctan2(y, x), np.arcsin(np.clip(z, -1, 1))
        turned = mvdr(turn @ covariance @ turn.T, *there)
        assert_close(turned, turn @ mvdr(covariance, 0.5, 0.3), factor=1e4)  # arcsin near the poles

    def test_a_speaker_in_noise_and_interference(self, rng):
        """What is left of the interferer, 20 dB louder, is far below the speaker; the hypercardioid fails."""
        speaker, other = rng.normal(size=(2, 16000))
        unwanted = encode(10 * other, 80, 10, 2, degrees=True) + 0.01 * rng.normal(size=(9, 16000)) / n3d(2)[:, None]
        weights = mvdr(unwanted @ unwanted.T / 16000, 30, 0, degrees=True)
        mixture = encode(speaker, 30, 0, 2, degrees=True) + unwanted
        assert np.std(apply_weights(mixture, weights) - speaker) < 0.05
        assert np.std(beamform(mixture, 30, 0, degrees=True) - speaker) > 1

    def test_silence_gives_the_hypercardioid_and_finite_gradients(self, library, dtype):
        weights = mvdr(library.array(np.zeros((2, 4, 4)), dtype), 0.5, 0.3, diagonal_loading=0.0)
        expected = mvdr(diffuse_covariance(1), 0.5, 0.3)
        assert_close(library.numpy(weights), np.stack([expected] * 2), dtype)
        silence = torch.zeros(4, 4, requires_grad=True)
        mvdr(silence, 0.5, 0.3).sum().backward()
        assert torch.isfinite(silence.grad).all()

    def test_scale(self, library, dtype, rng):
        covariance = library.array(random_covariance(rng, 9, real=True), dtype)
        small, large = (library.numpy(mvdr(covariance * s, 0.5, 0.3)) for s in (1e-12, 1.0))
        assert_close(small, large, dtype, factor=10)

    def test_nan_stays_in_its_item(self, library, rng):
        covariance = random_covariance(rng, 4, 3)
        covariance[1, 2, 3] = np.nan
        weights = library.numpy(mvdr(library.array(covariance), 0.5, 0.3))
        assert np.isnan(weights).any(-1).tolist() == [False, True, False]
        assert_close(weights[2], mvdr(covariance[2], 0.5, 0.3))

    def test_per_frequency(self, library, rng):
        """Two interferers in two bands: each band turns its zero to its own."""
        spectrum = np.zeros((2, 4, 2, 50), complex)
        noise = rng.normal(size=(2, 2, 50)) + 1j * rng.normal(size=(2, 2, 50))
        for band, azimuth in enumerate((1.5, -1.0)):
            spectrum[:, :, band] = source(azimuth, 0.2, 1)[:, None] * noise[:, band, None]
        covariance = spatial_covariance(library.array(spectrum), per_frequency=True)
        weights = mvdr(covariance, 0.0, 0.0, diagonal_loading=1e-6)
        assert weights.shape == (2, 2, 4)
        left = library.numpy(apply_weights(library.array(spectrum), weights, axis=-3, per_frequency=True))
        assert left.shape == (2, 2, 50)
        assert np.abs(left).max() < 1e-5
        weights = library.numpy(weights)
        expected = np.einsum("bfc,bcft->bft", weights.conj(), spectrum)
        assert np.abs(left - expected).max() < 1e-12

    def test_many_directions_of_many_fields(self, library, rng):
        covariance = library.array(random_covariance(rng, 4, 3, 1))
        azimuth = np.linspace(-3, 3, 5).tolist()
        weights = library.numpy(mvdr(covariance, azimuth, 0.2))
        assert weights.shape == (3, 5, 4)
        assert_close(weights[2, 3], library.numpy(mvdr(covariance[2, 0], azimuth[3], 0.2)))

    def test_dtypes(self, library, rng):
        for real, names in ((True, ("float32", "float64")), (False, ("complex64", "complex128"))):
            covariance = random_covariance(rng, 9, real=real)
            for name, precision in zip(names, ("float32", "float64")):
                weights = library.numpy(mvdr(library.array(covariance, name), 0.5, 0.3))
                assert weights.dtype == name
                assert_close(weights, mvdr(covariance, 0.5, 0.3), precision, factor=10)

    def test_gradients(self, rng):
        parts = torch.tensor(np.stack([random_covariance(rng, 4).real, random_covariance(rng, 4).imag], -1))
        parts = (parts + torch.eye(4)[..., None] * torch.tensor([1.0, 0.0])).requires_grad_()
        where = torch.tensor([0.5, 0.3], dtype=torch.float64, requires_grad=True)

        def beam(parts, where):
            return torch.view_as_real(mvdr(torch.view_as_complex(parts), where[0], where[1]))

        assert torch.autograd.gradcheck(beam, (parts, where))

    def test_vmap(self, rng):
        covariance = torch.tensor(random_covariance(rng, 4, 3))
        mapped = torch.vmap(lambda r: mvdr(r, 0.5, 0.3))(covariance)
        assert_close(mapped.numpy(), mvdr(covariance, 0.5, 0.3).numpy())

    def test_an_empty_batch_stays_empty(self, library):
        covariance = library.array(np.zeros((0, 4, 4), complex))
        weights = mvdr(covariance, 0.5, 0.3)
        assert tuple(weights.shape) == tuple(lcmv(covariance, [0.5], [0.3], [1.0]).shape) == (0, 4)
        beam = apply_weights(library.array(np.zeros((0, 4, 3, 5), complex)), weights, axis=-3)
        assert tuple(beam.shape) == (0, 3, 5)

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile(self, rng):
        covariance = torch.tensor(random_covariance(rng, 9, 2))
        signal = torch.tensor(rng.normal(size=(2, 9, 3, 5)) + 1j * rng.normal(size=(2, 9, 3, 5)))

        def listen(covariance, signal):
            return apply_weights(signal, mvdr(covariance, 0.5, 0.3), axis=-3)

        compiled = torch.compile(listen, fullgraph=True, backend="eager")
        assert_close(compiled(covariance, signal).numpy(), listen(covariance, signal).numpy())

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(ShapeError, match="channels, channels"):
            mvdr(np.zeros((4, 9)), 0, 0)
        with pytest.raises(ShapeError, match="5 channels"):
            mvdr(np.eye(5), 0, 0)
        with pytest.raises(ShapeError, match="broadcast"):
            mvdr(np.ones((3, 4, 4)), np.zeros(2), 0)
        with pytest.raises(ArrayTypeError, match="torch"):
            mvdr(torch.eye(4), np.zeros(3), 0)
        with pytest.raises(ArrayTypeError, match="floating"):
            mvdr(np.eye(4, dtype=int), 0, 0)
        for loading in (-1e-3, float("nan"), "much", np.ones(2)):
            with pytest.raises(AmbikitError, match="diagonal_loading="):
                mvdr(np.eye(4), 0, 0, diagonal_loading=loading)
        with pytest.raises(AmbikitError, match="singular.*leave diagonal_loading"):
            mvdr(np.diag([1.0, 1.0, 0.0, 0.0]), 0, 0, diagonal_loading=0.0)


class TestLcmv:
    @given(order=st.integers(2, 4), seed=st.integers(0, 99), phase=st.booleans())
    def test_the_gains_are_met(self, order, seed, phase):
        rng = np.random.default_rng(seed)
        azimuth, elevation = np.array([0.0, 1.2, -2.0]) + rng.uniform(-0.3, 0.3, 3), rng.uniform(-0.5, 0.5, 3)
        gains = rng.normal(size=3) + (1j * rng.normal(size=3) if phase else 0.0)
        weights = lcmv(random_covariance(rng, (order + 1) ** 2), azimuth, elevation, gains)
        assert_close(np.array([gain(weights, a, e) for a, e in zip(azimuth, elevation)]), gains, factor=100)

    def test_one_direction_is_mvdr(self, library, rng):
        covariance = library.array(random_covariance(rng, 9))
        assert_close(
            library.numpy(lcmv(covariance, [0.5], [0.3], [1.0])), library.numpy(mvdr(covariance, 0.5, 0.3)), factor=10
        )

    @pytest.mark.filterwarnings("ignore")
    def test_against_spaudiopy(self, rng):
        parsa = pytest.importorskip("spaudiopy").parsa
        covariance = random_covariance(rng, 16)
        azimuth, elevation, gains = np.array([0.1, 2.0, -1.0]), np.array([0.0, 0.5, -0.7]), np.array([1.0, 0.5, 0.0])
        theirs = parsa.sh_lcmv(covariance * np.outer(n3d(3), n3d(3)), azimuth, np.pi / 2 - elevation, gains)
        ours = lcmv(covariance, azimuth, elevation, gains, diagonal_loading=0.0)
        assert_close(ours, np.conj(theirs) / np.sqrt(4 * np.pi) * n3d(3), factor=100)

    def test_batches(self, library, rng):
        covariance = random_covariance(rng, 9, 2, 1)
        azimuth, gains = np.array([[0.0, 1.0], [0.5, 2.0], [1.0, -1.0]]), [1.0, 0.0]
        weights = library.numpy(lcmv(library.array(covariance), azimuth.tolist(), [0.1, 0.2], gains))
        assert weights.shape == (2, 3, 9)
        assert_close(weights[1, 2], lcmv(covariance[1, 0], azimuth[2], [0.1, 0.2], gains), factor=10)

    def test_the_same_demand_twice_is_one(self, library, rng):
        covariance = library.array(random_covariance(rng, 9))
        once, twice = (library.numpy(lcmv(covariance, *demand)) for demand in (
            ([0.0, 1.0], [0.0, 0.2], [1.0, 0.0]), ([0.0, 1.0, 1.0], [0.0, 0.2, 0.2], [1.0, 0.0, 0.0])))  # fmt: skip
        assert_close(twice, once, factor=100)

    @pytest.mark.parametrize("power", [1e-10, 1.0, 1e10])
    def test_a_demand_holds_however_loud_the_source(self, library, power):
        loud = source(1.0, 0.2, 2)
        covariance = library.array(diffuse_covariance(2) + power * np.outer(loud, loud))
        weights = library.numpy(lcmv(covariance, [0.0, 1.0], [0.0, 0.2], [1.0, 0.5], diagonal_loading=0.0))
        assert [gain(weights, 0.0, 0.0), gain(weights, 1.0, 0.2)] == pytest.approx([1.0, 0.5], abs=1e-9)

    def test_single_precision(self, library, rng):
        covariance = random_covariance(rng, 9)
        weights = library.numpy(lcmv(library.array(covariance, "complex64"), [0.0, 1.0], [0.0, 0.2], [1.0, 0.0]))
        assert weights.dtype == np.complex64
        assert_close(weights, lcmv(covariance, [0.0, 1.0], [0.0, 0.2], [1.0, 0.0]), "float32", factor=10)

    def test_complex_gains_of_a_real_covariance(self, library, rng):
        covariance = library.array(random_covariance(rng, 9, real=True))
        weights = library.numpy(lcmv(covariance, [0.0, 1.0], [0.0, 0.2], [1.0, 1j]))
        assert gain(weights, 1.0, 0.2) == pytest.approx(1j)

    def test_gradients(self, rng):
        covariance = torch.tensor(random_covariance(rng, 9, real=True) + np.eye(9), requires_grad=True)
        azimuth = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64, requires_grad=True)
        gains = torch.tensor([1.0, 0.3, 0.0], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda r, a, g: lcmv(r, a, [0.1, 0.2, 0.3], g), (covariance, azimuth, gains))

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile(self, rng):
        covariance = torch.tensor(random_covariance(rng, 9, 2))

        def design(covariance):
            return lcmv(covariance, [0.0, 1.0], [0.0, 0.2], [1.0, 0.0])

        compiled = torch.compile(design, fullgraph=True, backend="eager")
        assert_close(compiled(covariance).numpy(), design(covariance).numpy())

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(AmbikitError, match="no beam of this order"):
            lcmv(np.eye(4), [0.0, 0.0], [0.0, 0.0], [1.0, 0.0])
        with pytest.raises(ShapeError, match="5 directions; expected at most 4"):
            lcmv(np.eye(4), np.arange(5.0), 0.0, np.ones(5))
        with pytest.raises(ShapeError, match="at least one"):
            lcmv(np.eye(4), [], [], [])
        with pytest.raises(ShapeError, match="into a list"):
            lcmv(np.eye(4), 0.0, 0.0, 1.0)
        with pytest.raises(ShapeError, match="the angles and the gains"):
            lcmv(np.eye(4), [0.0, 1.0], 0.0, [1.0, 1.0, 1.0])
        with pytest.raises(ArrayTypeError, match="one library"):
            lcmv(np.eye(4), [0.0, 1.0], 0.0, torch.ones(2))


class TestNullSteering:
    @given(direction=angles, order=st.integers(2, 5), seed=st.integers(0, 99))
    def test_one_and_zeros(self, direction, order, seed):
        rng = np.random.default_rng(seed)
        azimuth = direction[0] + np.array([0.8, 2.0, -1.3]) + rng.uniform(-0.2, 0.2, 3)
        elevation = rng.uniform(-0.6, 0.6, 3)
        weights = null_steering_weights(*np.clip(direction, -3.2, [3.2, 0.6]), azimuth, elevation, order)
        there = np.clip(direction, -3.2, [3.2, 0.6])
        assert gain(weights, *there) == pytest.approx(1.0, abs=1e-10)
        for a, e in zip(azimuth, elevation):
            assert gain(weights, a, e) == pytest.approx(0.0, abs=1e-10)

    def test_the_cardioid_of_first_order(self, library):
        weights = null_steering_weights(library.array([0.0]), 0.0, [np.pi], [0.0])
        assert_close(library.numpy(weights)[0], beam_weights("cardioid", 1)[[0, 1, 1, 1]] * source(0.0, 0.0, 1))

    def test_no_other_such_beam_hears_less_of_diffuse_sound(self, rng):
        weights = null_steering_weights(0.2, 0.1, [1.0, -2.0], [0.3, 0.0], 2)
        demands = source(np.array([0.2, 1.0, -2.0]), np.array([0.1, 0.3, 0.0]), 2)
        free = np.linalg.svd(demands)[2][3:]  # what may be added without changing the three gains
        power = (weights**2 / n3d(2) ** 2).sum()
        for _ in range(30):
            other = weights + 0.05 * rng.normal(size=6) @ free
            assert (other**2 / n3d(2) ** 2).sum() > power

    def test_against_the_pseudo_inverse(self, library):
        demands = source(np.array([0.2, 1.0, -2.0]), np.array([0.1, 0.3, 0.0]), 2) * n3d(2)
        expected = np.linalg.pinv(demands)[:, 0] * n3d(2)
        nulls = library.array([1.0, -2.0]), [0.3, 0.0]
        assert_close(library.numpy(null_steering_weights(0.2, 0.1, *nulls, 2)), expected, factor=10)

    def test_without_zeros_it_is_the_hypercardioid(self):
        assert_close(null_steering_weights(0.7, -0.4, [], [], 2), mvdr(diffuse_covariance(2), 0.7, -0.4))

    def test_batches(self, library):
        azimuth = library.array([0.0, 0.3])
        nulls = library.array([[1.0, 2.0], [-1.0, 2.5]])
        weights = library.numpy(null_steering_weights(azimuth, [0.0, 0.1], nulls, 0.2, 3))
        assert weights.shape == (2, 16)
        alone = null_steering_weights(0.3, 0.1, [-1.0, 2.5], [0.2, 0.2], 3)
        assert_close(weights[1], alone, factor=10)
        one_for_all = library.numpy(null_steering_weights(azimuth, 0.0, [1.0, 2.0], 0.2, 3))
        assert one_for_all.shape == (2, 16)

    def test_gradients(self):
        nulls = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
        azimuth = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda a, n: null_steering_weights(a, 0.0, n, 0.2, 2), (azimuth, nulls))

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile(self):
        def design(azimuth, nulls):
            return null_steering_weights(azimuth, 0.0, nulls, 0.2, 2)

        inputs = torch.tensor(0.1), torch.tensor([1.0, 2.0])
        compiled = torch.compile(design, fullgraph=True, backend="eager")
        assert_close(compiled(*inputs).numpy(), design(*inputs).numpy(), "float32")

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(AmbikitError, match="no beam of this order"):
            null_steering_weights(0.0, 0.0, [0.0], [0.0])
        with pytest.raises(ShapeError, match="5 directions; expected at most 4"):
            null_steering_weights(0.0, 0.0, [1.0, 2.0, 3.0, 4.0], 0.0)
        with pytest.raises(ShapeError, match="into a list"):
            null_steering_weights(0.0, 0.0, 1.0, 0.0)
        with pytest.raises(AmbikitError, match="order=0"):
            null_steering_weights(0.0, 0.0, [1.0], 0.0, 0)
        with pytest.raises(ArrayTypeError, match="one library"):
            null_steering_weights(torch.tensor(0.0), 0.0, np.array([1.0]), 0.0)


class TestApplyWeights:
    def test_against_a_sum(self, library, dtype, rng):
        signal, weights = rng.normal(size=(2, 9, 5)), rng.normal(size=9)
        for form in (weights, weights.tolist(), library.array(weights)):
            beam = library.numpy(apply_weights(library.array(signal, dtype), form))
            assert beam.dtype == dtype
            assert_close(beam, np.einsum("c,bct->bt", weights, signal), dtype)

    def test_complex_weights_are_conjugated(self, library, rng):
        signal = rng.normal(size=(2, 1, 4, 3, 5)) + 1j * rng.normal(size=(2, 1, 4, 3, 5))
        weights = rng.normal(size=(6, 4)) + 1j * rng.normal(size=(6, 4))
        for form in (weights, library.array(weights), library.array(weights, "complex64")):
            beam = library.numpy(apply_weights(library.array(signal), form, axis=-3))
            assert beam.shape == (2, 6, 3, 5)
            single = form.dtype in (np.complex64, torch.complex64)
            expected = np.einsum("kc,bcft->bkft", weights.conj(), signal[:, 0])
            assert_close(beam, expected, "float32" if single else "float64")

    def test_real_weights_of_a_spectrum_per_frequency(self, library, rng):
        spectrum = rng.normal(size=(4, 3, 5)) + 1j * rng.normal(size=(4, 3, 5))
        weights = rng.normal(size=(2, 3, 4))
        beam = library.numpy(apply_weights(library.array(spectrum), weights, axis=-3, per_frequency=True))
        assert_close(beam, np.einsum("kfc,cft->kft", weights, spectrum))

    def test_the_beams_of_beamform(self, library, rng):
        signal = rng.normal(size=(9, 6))
        weights = beam_weights("max_re", 2)[[0, 1, 1, 1, 2, 2, 2, 2, 2]] * spherical_harmonics([0.3, 1.0], 0.2, 2)
        beam = library.numpy(apply_weights(library.array(signal), weights))
        assert_close(beam, beamform(signal, [0.3, 1.0], 0.2, "max_re"))

    def test_power_is_the_quadratic_form_of_the_covariance(self, rng):
        """w^H R w is the power that the beam hears: covariance and weights conjugate alike."""
        spectrum = stft(rng.normal(size=(4, 2000)), frame_length=128, hop_length=64)
        spectrum = spectrum + 0.5j * np.roll(spectrum, 1, axis=0)
        covariance, weights = spatial_covariance(spectrum), rng.normal(size=4) + 1j * rng.normal(size=4)
        heard = np.mean(np.abs(apply_weights(spectrum, weights, axis=-3)) ** 2)
        assert (weights.conj() @ covariance @ weights).real == pytest.approx(heard, rel=1e-12)

    @pytest.mark.parametrize("name", ["float16", "bfloat16"])
    def test_half_precision(self, name, rng):
        signal = torch.tensor(rng.normal(size=(4, 5))).to(getattr(torch, name))
        beam = apply_weights(signal, [0.5, 0.5, 0.1, 0.2])
        assert beam.dtype == signal.dtype

    def test_gradients(self, rng):
        signal = torch.tensor(rng.normal(size=(2, 4, 3)), requires_grad=True)
        weights = torch.tensor(rng.normal(size=(2, 4)), requires_grad=True)
        assert torch.autograd.gradcheck(apply_weights, (signal, weights))

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self, rng):
        with pytest.raises(ArrayTypeError, match="complex weights for a real signal"):
            apply_weights(np.ones((4, 3)), np.ones(4) * 1j)
        with pytest.raises(ShapeError, match=r"weights of shape \(2,\).*\(4,\).*beamform"):
            apply_weights(np.ones((4, 3)), [0.5, 0.5])
        with pytest.raises(ShapeError, match=r"\(3, 4\)"):
            apply_weights(np.ones((4, 3, 5)) + 0j, np.ones((2, 4)), axis=-3, per_frequency=True)
        with pytest.raises(AmbikitError, match="axis=-3"):
            apply_weights(np.ones((4, 3)), np.ones((3, 4)), per_frequency=True)
        with pytest.raises(ShapeError, match="leading axes of the weights"):
            apply_weights(np.ones((2, 4, 3)), np.ones((3, 4)))
        with pytest.raises(ArrayTypeError, match="one library"):
            apply_weights(np.ones((4, 3)), torch.ones(4))
        with pytest.raises(ArrayTypeError, match="32768"):
            apply_weights(np.ones((4, 3), np.int16), np.ones(4))
