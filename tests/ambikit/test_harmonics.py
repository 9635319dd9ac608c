import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ambikit import angles_to_vectors, spherical_harmonics
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.geometry.harmonics import harmonics_of_vectors
from tests.closeness import assert_close
from tests.oracles import real_spherical_harmonics

ORDERS = [0, 1, 2, 3, 7, 20, 30]


def directions_with_poles(rng, count=200):
    """Directions all over the sphere, exact in single precision, some of them at and very near the poles."""
    near = np.array([1.0, 1 - 1e-6, 1 - 1e-3, 1 - 1e-2]) * np.pi / 2
    elevation = np.concatenate([np.arcsin(rng.uniform(-1, 1, count)), near, -near, [0.0]])
    elevation = np.clip(elevation, -1.570796, 1.570796).astype(np.float32)
    azimuth = rng.uniform(-np.pi, np.pi, elevation.size).astype(np.float32)
    return azimuth, elevation


class TestValues:
    def test_first_order_is_the_direction_itself(self):
        azimuth, elevation = 0.7, -0.3
        x, y, z = angles_to_vectors(azimuth, elevation)
        assert_close(spherical_harmonics(azimuth, elevation, 1), np.array([1, y, z, x]))

    def test_second_order_by_hand(self):
        # front: R = −1/2 and U = √3/2; straight up: R = 1 and nothing else
        half_root = np.sqrt(3) / 2
        expected = np.array([[0, 0, -0.5, 0, half_root], [0, 0, 1, 0, 0]])
        assert_close(spherical_harmonics([0, 0], [0, 90], 2, degrees=True)[:, 4:], expected)

    @pytest.mark.parametrize("order", ORDERS)
    @pytest.mark.parametrize("normalization", ["sn3d", "n3d"])
    def test_against_scipy(self, order, normalization, library, rng):
        azimuth, elevation = (angle.astype(np.float64) for angle in directions_with_poles(rng))
        expected = real_spherical_harmonics(azimuth, elevation, order, normalization)
        actual = spherical_harmonics(
            library.array(azimuth), library.array(elevation), order, normalization=normalization
        )
        assert_close(library.numpy(actual), expected)

    @pytest.mark.parametrize("order", ORDERS)
    def test_single_precision_does_not_overflow(self, order, rng):
        azimuth, elevation = directions_with_poles(rng, 5000)
        exact = spherical_harmonics(azimuth, elevation, order)
        single = spherical_harmonics(torch.tensor(azimuth), torch.tensor(elevation), order)
        assert single.dtype == torch.float32
        assert np.max(np.abs(single.numpy() - exact)) < 1e-5  # of 1, the largest value of an SN3D harmonic

    def test_beyond_the_usual_orders_nothing_overflows(self, rng):
        azimuth, elevation = directions_with_poles(rng, 20)
        single = spherical_harmonics(torch.tensor(azimuth), torch.tensor(elevation), 80)
        assert_close(single.numpy(), real_spherical_harmonics(azimuth, elevation, 80), "float32")


class TestLaws:
    @given(st.floats(-np.pi, np.pi), st.floats(-np.pi / 2, np.pi / 2), st.floats(-np.pi, np.pi), st.floats(-1.5, 1.5))
    def test_addition_theorem(self, azimuth1, elevation1, azimuth2, elevation2):
        one, two = (spherical_harmonics(a, e, 6) for a, e in ((azimuth1, elevation1), (azimuth2, elevation2)))
        cosine = angles_to_vectors(azimuth1, elevation1) @ angles_to_vectors(azimuth2, elevation2)
        for n in range(7):
            degree = slice(n * n, (n + 1) ** 2)
            legendre = np.polynomial.legendre.Legendre.basis(n)(cosine)
            assert abs(one[degree] @ two[degree] - legendre) < 1e-13
            assert abs(one[degree] @ one[degree] - 1) < 1e-13

    def test_n3d_is_sn3d_times_the_root_of_2n_plus_1(self):
        ratio = spherical_harmonics(1.0, 0.5, 2, normalization="n3d") / spherical_harmonics(1.0, 0.5, 2)
        assert_close(ratio, np.sqrt([1, 3, 3, 3, 5, 5, 5, 5, 5]))

    def test_longer_vectors_get_the_solid_harmonics(self, rng):
        vectors = angles_to_vectors(rng.uniform(-3, 3, 9), rng.uniform(-1.5, 1.5, 9))
        powers = np.repeat(2.0 ** np.arange(5), [1, 3, 5, 7, 9])
        assert_close(harmonics_of_vectors(2 * vectors, 4), powers * harmonics_of_vectors(vectors, 4))

    def test_a_lower_order_is_the_beginning_of_a_higher_one(self):
        assert_close(spherical_harmonics(1.0, 0.5, 9)[:16], spherical_harmonics(1.0, 0.5, 3))


class TestBackends:
    def test_dtype_is_kept_and_axes_are_batch_axes(self, library, dtype):
        vectors = library.array(angles_to_vectors(np.ones((2, 1, 5)), np.ones((3, 1))), dtype)
        for order in (1, 12):
            harmonics = harmonics_of_vectors(vectors, order)
            assert harmonics.dtype == vectors.dtype
            assert harmonics.shape == (2, 3, 5, (order + 1) ** 2)

    @pytest.mark.parametrize("name", ["float16", "bfloat16"])
    def test_half_precision_is_computed_in_single(self, name):
        vectors = torch.tensor([[0.6, 0.0, 0.8]], dtype=getattr(torch, name))
        for order in (3, 12):
            expected = harmonics_of_vectors(vectors.double(), order)
            harmonics = harmonics_of_vectors(vectors, order)
            assert harmonics.dtype == vectors.dtype
            assert_close(harmonics.float().numpy(), expected.numpy(), name)

    @pytest.mark.parametrize("normalization", ["sn3d", "n3d"])
    def test_gradients_also_at_the_poles(self, normalization):
        azimuth = torch.tensor([0.3, -2.0, 1.0, 3.0, 0.0], dtype=torch.float64, requires_grad=True)
        elevation = torch.tensor(
            [np.pi / 2, -np.pi / 2, np.pi / 2 - 1e-9, 0.4, 0.0], dtype=torch.float64, requires_grad=True
        )
        assert torch.autograd.gradcheck(
            lambda a, e: spherical_harmonics(a, e, 4, normalization=normalization), (azimuth, elevation)
        )

    def test_the_gradient_at_the_zenith_by_hand(self):
        # Over the top, X = cos(el) falls with slope −1 towards the azimuth that is looked from; Z is at its maximum.
        elevation = torch.tensor(np.pi / 2, dtype=torch.float64)
        slope = torch.func.jacrev(lambda e: spherical_harmonics(torch.zeros_like(e), e, 1))(elevation)
        assert_close(slope.numpy(), np.array([0, 0, 0, -1.0]))

    def test_vmap(self, rng):
        azimuth, elevation = torch.tensor(rng.uniform(-1.5, 1.5, (2, 4, 3)))
        mapped = torch.vmap(lambda a, e: spherical_harmonics(a, e, 3))(azimuth, elevation)
        assert_close(mapped.numpy(), spherical_harmonics(azimuth, elevation, 3).numpy())

    @pytest.mark.parametrize("order", [1, 3, 12])
    @pytest.mark.usefixtures("no_shape_hook")
    def test_compiles_without_graph_breaks_and_without_warnings(self, order):
        azimuth, elevation = torch.linspace(-3, 3, 5), torch.tensor(0.3)
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*lru_cache.*")
            compiled = torch.compile(
                lambda a, e: spherical_harmonics(a, e, order, normalization="n3d"), fullgraph=True, backend="eager"
            )(azimuth, elevation)
        assert_close(
            compiled.numpy(), spherical_harmonics(azimuth, elevation, order, normalization="n3d").numpy(), "float32"
        )

    def test_nan_stays_in_its_direction(self, library):
        harmonics = library.numpy(spherical_harmonics(library.array(np.array([np.nan, 0.0])), 0.0, 2))
        assert np.isnan(harmonics[0, 3])
        assert not np.isnan(harmonics[1]).any()


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_order(self):
        for order in (-1, 1.5, None):
            with pytest.raises(AmbikitError, match="order=.*whole number of at least 0"):
                spherical_harmonics(0.0, 0.0, order)

    def test_normalization(self):
        with pytest.raises(AmbikitError, match="normalization='fuma'.*'n3d', 'sn3d'"):
            spherical_harmonics(0.0, 0.0, 1, normalization="fuma")

    def test_shapes_and_libraries(self):
        with pytest.raises(ShapeError, match="broadcast"):
            spherical_harmonics(np.zeros(2), np.zeros(3), 1)
        with pytest.raises(ArrayTypeError, match="one library"):
            spherical_harmonics(np.zeros(2), torch.zeros(2), 1)
        with pytest.raises(ShapeError, match=r"\(\.\.\., 3\)"):
            harmonics_of_vectors(np.zeros((3, 2)), 1)
