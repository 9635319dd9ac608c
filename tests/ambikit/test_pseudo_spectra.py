import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ambikit import (
    angular_distance,
    diffuse_covariance,
    fibonacci_grid,
    map_peaks,
    min_norm,
    music,
    mvdr_map,
    power_map,
    rotate,
    rotation_matrix,
    vectors_to_angles,
)
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close
from tests.oracles import real_spherical_harmonics

TWO = np.radians([-90.0, 20.0]), np.radians([10.0, -40.0])


def n3d(order):
    return np.sqrt([2 * n + 1 for n in range(order + 1) for _ in range(2 * n + 1)])


def waves(azimuth, elevation, powers, order):
    harmonics = real_spherical_harmonics(azimuth, elevation, order)
    return harmonics.T @ np.diag(powers) @ harmonics


def random_covariance(rng, channels, *batch, real=False):
    samples = rng.normal(size=(*batch, channels, 3 * channels))
    if not real:
        samples = samples + 1j * rng.normal(size=samples.shape)
    return samples @ np.conj(np.swapaxes(samples, -1, -2)) / (3 * channels)


def slow_music(covariance, azimuth, elevation, sources):
    """By the singular vectors of the covariance of N3D channels, one direction at a time."""
    order = int(np.sqrt(len(covariance))) - 1
    vectors = np.linalg.svd((covariance * np.outer(n3d(order), n3d(order))).real)[0]
    projector = np.eye(len(covariance)) - vectors[:, :sources] @ vectors[:, :sources].T
    values = []
    for a, e in zip(azimuth, elevation, strict=True):
        y = real_spherical_harmonics(a, e, order) * n3d(order)
        values.append(y @ y / (y @ projector @ y))
    return np.array(values)


class TestMusic:
    @pytest.mark.parametrize("order", [1, 2, 4])
    def test_against_singular_vectors(self, library, dtype, rng, order):
        covariance = random_covariance(rng, (order + 1) ** 2, real=True)
        azimuth, elevation = rng.uniform(-3, 3, 7), rng.uniform(-1.5, 1.5, 7)
        for sources in (1, order + 1):
            found = library.numpy(
                music(library.array(covariance, dtype), azimuth.tolist(), elevation.tolist(), sources)
            )
            assert found.dtype == dtype
            assert_close(found, slow_music(covariance, azimuth, elevation, sources), dtype, factor=100)

    @pytest.mark.filterwarnings("ignore")
    @pytest.mark.parametrize("order", [1, 3])
    def test_against_spaudiopy(self, order, rng):
        """There: orthonormal N3D, zenith angles, and no yᵀy above the fraction."""
        parsa = pytest.importorskip("spaudiopy").parsa
        covariance = random_covariance(rng, (order + 1) ** 2, real=True)
        azimuth, elevation = rng.uniform(-3, 3, 9), rng.uniform(-1.5, 1.5, 9)
        theirs = parsa.sh_music(covariance * np.outer(n3d(order), n3d(order)), 2, azimuth, np.pi / 2 - elevation)
        assert_close(music(covariance, azimuth, elevation, 2), theirs * (order + 1) ** 2 / (4 * np.pi), factor=1e3)

    @given(
        azimuth=st.floats(-np.pi, np.pi), elevation=st.floats(-1.5, 1.5), order=st.integers(1, 5), noise=st.floats(0, 9)
    )
    def test_one_wave_in_diffuse_sound(self, azimuth, elevation, order, noise):
        """C² / (C² − c²) at any strength of the diffuse sound: c = Σ (2 n + 1) P_n(cos angle), C = (order + 1)²."""
        covariance = waves([azimuth], [elevation], [1.0], order) + noise * diffuse_covariance(order)
        cosine = np.sin(elevation) * np.sin(0.1) + np.cos(elevation) * np.cos(0.1) * np.cos(azimuth - 0.7)
        product = np.polynomial.legendre.legval(cosine, 2 * np.arange(order + 1) + 1) / (order + 1) ** 2
        if abs(product) < 0.999:
            assert music(covariance, 0.7, 0.1) == pytest.approx(1 / (1 - product**2), rel=1e-8)
        assert music(covariance, azimuth, elevation) > 1e20

    @pytest.mark.parametrize("order", [2, 3])
    def test_diffuse_sound_moves_no_peak_and_noise_white_in_sn3d_does(self, order):
        """The reason for N3D inside: the pole stays at both sources however strong the diffuse sound is."""
        clean = waves(*TWO, [1.0, 2.0], order)
        grid = fibonacci_grid(200)
        for share in (1e-3, 1.0, 100.0):
            covariance = clean + share * diffuse_covariance(order)
            assert (music(covariance, *TWO, 2) > 1e15).all()
            assert_close(music(covariance, *grid, 2), music(clean, *grid, 2), factor=1e4)
        assert (music(clean + np.eye(len(clean)), *TWO, 2) < 1e5).all()

    @pytest.mark.parametrize("order", [1, 2, 3])
    def test_a_wave_from_a_grid_point_has_its_largest_value_at_exactly_that_point(self, order, rng):
        grid = fibonacci_grid(500)
        for place in rng.integers(0, 500, 20):
            covariance = waves(grid[0][[place]], grid[1][[place]], [1.0], order) + 0.1 * diffuse_covariance(order)
            for chart in (music, min_norm, mvdr_map, power_map):
                assert chart(covariance, *grid).argmax() == place

    @pytest.mark.parametrize(("order", "apart", "worst"), [(1, 60, 5.0), (3, 45, 0.3)])
    def test_the_peaks_of_two_waves_in_any_directions(self, rng, order, apart, worst):
        """On a grid of 4000 points, 20° between the peaks: what the docstring of map_peaks promises."""
        first, across = rng.normal(size=(2, 20, 3))
        first /= np.linalg.norm(first, axis=-1, keepdims=True)
        across -= first * (first * across).sum(-1, keepdims=True)
        across /= np.linalg.norm(across, axis=-1, keepdims=True)
        angle = np.radians(apart)
        places = np.stack([first, np.cos(angle) * first + np.sin(angle) * across], 1)
        azimuth, elevation = vectors_to_angles(places)
        powers = rng.uniform(0.3, 1.0, (20, 2))
        fields = np.stack([waves(*each, order) for each in zip(azimuth, elevation, powers, strict=True)])
        grid = fibonacci_grid(4000)
        charts = music((fields + 0.03 * diffuse_covariance(order))[:, None], *grid, 2)
        found = map_peaks(charts, *grid, 2, minimum_separation=np.radians(20))
        heard = (found.azimuth[..., None], found.elevation[..., None])
        misses = angular_distance(*heard, azimuth[:, None], elevation[:, None]).min(axis=1)
        assert np.degrees(misses).max() < worst

    def test_only_the_real_part_counts(self, rng):
        """Two sources that sound together a quarter period apart have a covariance of rank 1, and are told apart."""
        source = real_spherical_harmonics(*TWO, 2).T @ np.array([1.0, 1j])
        covariance = np.outer(source, source.conj())
        assert np.linalg.matrix_rank(covariance) == 1
        assert (music(covariance, *TWO, 2) > 1e20).all()

    @given(pose=st.tuples(*[st.floats(-3, 3)] * 3), seed=st.integers(0, 99))
    def test_the_map_turns_with_the_sound(self, pose, seed):
        rng = np.random.default_rng(seed)
        covariance, turn = random_covariance(rng, 9), rotation_matrix(*pose, order=2)
        y, z, x = rotate(real_spherical_harmonics(0.5, 0.3, 2)[:, None], *pose)[1:4, 0]
        there = np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))
        for chart in (music, min_norm, lambda *a: min_norm(*a, reference_order=0)):
            assert chart(turn @ covariance @ turn.T, *there, 2) == pytest.approx(
                chart(covariance, 0.5, 0.3, 2), rel=1e-7
            )

    def test_silence_is_0_and_nan_stays_in_its_item(self, library, rng):
        covariance = random_covariance(rng, 4, 3, 1)
        covariance[0], covariance[1, 0, 2, 3] = 0, np.nan
        for chart in (music, min_norm):
            found = library.numpy(chart(library.array(covariance), [0.1, 0.7], 0.3))
            assert (found[0] == 0).all()
            assert np.isnan(found[1]).all()
            assert_close(found[2], chart(covariance[2, 0], [0.1, 0.7], 0.3), factor=10)

    def test_scale(self, library, rng):
        covariance = random_covariance(rng, 9)
        small, large = (library.numpy(music(library.array(covariance * s), 0.5, 0.3, 2)) for s in (1e-12, 1.0))
        assert_close(small, large, factor=10)

    def test_a_number_of_sources_for_each_field(self, library, rng):
        covariance = random_covariance(rng, 9, 3, 1)
        sources = library.array(np.array([[0], [1], [3]]))
        found = library.numpy(music(library.array(covariance), [0.1, 0.7], 0.3, sources))
        assert_close(found[0], np.ones(2))
        for i, count in ((1, 1), (2, 3)):
            assert_close(found[i], music(covariance[i, 0], [0.1, 0.7], 0.3, count), factor=10)

    def test_per_frequency(self, library, rng):
        covariance = random_covariance(rng, 4, 2, 5, 1)
        found = library.numpy(music(library.array(covariance), np.linspace(-3, 3, 6).tolist(), 0.2))
        assert found.shape == (2, 5, 6)
        assert_close(found[1, 3], music(covariance[1, 3, 0], np.linspace(-3, 3, 6), 0.2), factor=10)

    def test_half_precision(self, rng):
        covariance = random_covariance(rng, 4, real=True)
        for half in (torch.float16, torch.bfloat16):
            found = music(torch.tensor(covariance, dtype=half), 0.2, 0.1)
            assert found.dtype == half
            wide = music(torch.tensor(covariance, dtype=half).double(), 0.2, 0.1)
            assert found.item() == pytest.approx(wide.item(), rel=1e-2)


class TestGradients:
    @pytest.mark.parametrize("chart", [music, min_norm])
    def test_to_covariance_and_direction(self, rng, chart):
        covariance = random_covariance(rng, 4)
        parts = torch.tensor(np.stack([covariance.real, covariance.imag], -1), requires_grad=True)
        where = torch.tensor([0.5, 0.3], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda c, w: chart(torch.view_as_complex(c), w[0], w[1], 2), (parts, where))

    def test_with_eigenvalues_that_are_equal(self):
        """Diffuse noise has all of its eigenvalues equal, where the gradient of single eigenvectors is not defined."""
        covariance = torch.tensor(waves(*TWO, [1.0, 2.0], 2) + 0.3 * diffuse_covariance(2), requires_grad=True)
        assert torch.autograd.gradcheck(lambda c: music(c, 0.5, 0.3, 2), covariance)

    def test_are_finite_for_silence_and_for_a_wave_without_noise(self):
        for covariance in (np.zeros((9, 9)), waves([0.5], [0.3], [1.0], 2)):
            for chart in (music, min_norm):
                leaf = torch.tensor(covariance, requires_grad=True)
                chart(leaf, torch.tensor([0.5, 0.9], dtype=torch.float64), 0.3, 3).sum().backward()
                assert torch.isfinite(leaf.grad).all()

    def test_vmap_and_compile(self, no_shape_hook, rng):
        covariance = torch.tensor(random_covariance(rng, 9, 3))
        expected = music(covariance[:, None], [0.1, 0.5], 0.3, 2)
        mapped = torch.vmap(lambda c: music(c, [0.1, 0.5], 0.3, 2))(covariance)
        assert_close(mapped.numpy(), expected.numpy(), factor=10)
        compiled = torch.compile(lambda c: music(c, [0.1, 0.5], 0.3, 2), fullgraph=True, backend="eager")
        assert_close(compiled(covariance[:, None]).numpy(), expected.numpy(), factor=10)


class TestMinNorm:
    def test_all_channels_for_reference_are_music(self, rng):
        covariance = random_covariance(rng, 9)
        azimuth, elevation = rng.uniform(-3, 3, 9), rng.uniform(-1.5, 1.5, 9)
        assert_close(
            min_norm(covariance, azimuth, elevation, 2, reference_order=2),
            7 * music(covariance, azimuth, elevation, 2),
            factor=100,
        )

    def test_the_single_vector_of_kumaresan_and_tufts(self, rng):
        """The least-squares solution of Eᵀ_s d = 0 with d_0 = 1, and its polynomial on the sphere."""
        covariance = random_covariance(rng, 9, real=True)
        signal = np.linalg.svd(covariance * np.outer(n3d(2), n3d(2)))[0][:, :2]
        rest = np.linalg.lstsq(signal[1:].T, -signal[0], rcond=None)[0]
        vector = np.concatenate([[1.0], rest])
        azimuth, elevation = rng.uniform(-3, 3, 9), rng.uniform(-1.5, 1.5, 9)
        harmonics = real_spherical_harmonics(azimuth, elevation, 2, "n3d")
        expected = 9 * (vector @ vector) / (harmonics @ vector) ** 2
        assert_close(min_norm(covariance, azimuth, elevation, 2, reference_order=0), expected, factor=1e3)

    @pytest.mark.parametrize("reference_order", [0, 1, 2, 3])
    def test_has_poles_at_the_sources(self, reference_order):
        covariance = waves(*TWO, [1.0, 2.0], 3) + 0.1 * diffuse_covariance(3)
        assert (min_norm(covariance, *TWO, 2, reference_order=reference_order) > 1e15).all()

    def test_the_single_vector_has_ridges_and_the_first_order_has_none(self):
        """A circle around a source, 10° off, crosses the ridge that goes through it."""
        covariance = waves([0.0, 1.5], [0.0, 0.5], [1.0, 2.0], 3)
        turn, radius = np.linspace(0, 2 * np.pi, 4000), np.radians(10)
        y, z, x = np.sin(radius) * np.cos(turn), np.sin(radius) * np.sin(turn), np.full(4000, np.cos(radius))
        circle = np.arctan2(y, x), np.arcsin(z)
        single = min_norm(covariance, *circle, 2, reference_order=0)
        assert single.max() > 1e6
        assert min_norm(covariance, *circle, 2).max() < 1e4

    def test_where_the_noise_has_no_part_in_the_reference(self):
        """Opposite sources of first order span W and X: no vector of the noise contains W."""
        covariance = waves([0.0, np.pi], [0.0, 0.0], [1.0, 1.0], 1)
        assert_close(min_norm(covariance, [0.3, 1.0], 0.4, 2, reference_order=0), np.ones(2))


@pytest.mark.usefixtures("no_shape_hook")
def test_errors():
    for chart in (music, min_norm):
        for sources in (0, 4, 1.5, True, "two"):
            with pytest.raises(AmbikitError, match="sources"):
                chart(np.eye(4), 0, 0, sources)
        with pytest.raises(ArrayTypeError, match="whole"):
            chart(np.eye(4), 0, 0, np.array([1.0]))
        with pytest.raises(ArrayTypeError, match="torch"):
            chart(torch.eye(4), np.zeros(3), 0)
        with pytest.raises(ShapeError, match="broadcast"):
            chart(np.ones((3, 4, 4)), np.zeros(2), 0)
        with pytest.raises(ShapeError, match="5 channels"):
            chart(np.eye(5), 0, 0)
        with pytest.raises(ArrayTypeError, match="int"):
            chart(np.eye(4, dtype=int), 0, 0)
    with pytest.raises(AmbikitError, match="reference_order"):
        min_norm(np.eye(4), 0, 0, reference_order=2)
