"""Harmonics of many directions: the compiled loop against the formula, SciPy and mpmath."""

import numpy as np
import pytest
import torch

from ambikit import angles_to_vectors, spherical_harmonics
from ambikit.geometry import harmonics
from ambikit.geometry.harmonics import harmonics_by_formula, harmonics_of_vectors
from ambikit.kernels.harmonics import fill_from_angles
from tests.closeness import assert_close
from tests.oracles import real_spherical_harmonics

MANY = {0: 20000, 1: 5000, 2: 2500, 3: 1500, 7: 700, 12: 600, 20: 600, 30: 520}

# Channels of degree 20 by index m, at azimuth 0.7 and elevation 0.3, by the explicit sum in mpmath with 50 digits:
#
#     from mpmath import mp, mpf, cos, sin, sqrt, factorial, diff, legendre
#     mp.dps = 50; z = sin(mpf("0.3"))
#     def y(n, m):
#         k = abs(m)
#         p = (1 - z**2) ** (mpf(k) / 2) * sum(
#             mp.binomial(n, j) * mp.binomial(2 * n - 2 * j, n) * (-1) ** j * mp.ff(n - 2 * j, k) * z ** (n - 2 * j - k)
#             for j in range((n - k) // 2 + 1)) / 2**n
#         angle = cos(m * mpf("0.7")) if m >= 0 else sin(k * mpf("0.7"))
#         return sqrt((2 - (k == 0)) * factorial(n - k) / factorial(n + k)) * p * angle
LITERALS = {
    -20: 0.19890324546709297853,
    -13: 0.093996637974996040645,
    -1: 0.022743670405946070822,
    0: 0.1787145231159882925,
    1: 0.027002236922040750283,
    6: 0.11754451124982117133,
    20: 0.027455354860152709002,
}


def directions(rng, count):
    """Directions all over the sphere, with the poles, near them, and at azimuths of some turns."""
    elevation = np.arcsin(rng.uniform(-1, 1, count))
    azimuth = rng.uniform(-np.pi, np.pi, count)
    near = np.pi / 2 - np.array([0, 1e-9, 1e-6, 1e-3, 1e-2])
    elevation[:10] = np.concatenate([near, -near])
    elevation[10:13], azimuth[13:17] = 0, [np.pi, -np.pi, np.pi / 2, -np.pi / 2]
    azimuth[20:25] += 2 * np.pi * np.array([1, -1, 2, -2, 3])
    return azimuth, elevation


def vectors_of(azimuth, elevation):
    return np.stack([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)], -1)


@pytest.fixture
def taken(monkeypatch):
    """Whether the loop was taken, call by call."""
    seen, original = [], harmonics._by_loop

    def noting(*arguments):
        result = original(*arguments)
        seen.append(result is not None)
        return result

    monkeypatch.setattr(harmonics, "_by_loop", noting)
    return seen


class TestValues:
    @pytest.mark.parametrize("order", MANY)
    @pytest.mark.parametrize("normalization", ["sn3d", "n3d"])
    def test_against_scipy(self, library, rng, taken, order, normalization):
        azimuth, elevation = directions(rng, MANY[order])
        found = spherical_harmonics(
            library.array(azimuth), library.array(elevation), order, normalization=normalization
        )
        assert_close(library.numpy(found), real_spherical_harmonics(azimuth, elevation, order, normalization))
        assert taken == [library.device == "cpu"]

    @pytest.mark.parametrize("order", [3, 7, 10, 11, 20, 30])
    def test_single_precision(self, rng, taken, order):
        azimuth, elevation = directions(rng, 20000)
        azimuth, elevation = azimuth.astype(np.float32), elevation.astype(np.float32)
        exact = harmonics_by_formula(angles_to_vectors(azimuth, elevation), order, "sn3d")
        from_angles = spherical_harmonics(torch.from_numpy(azimuth), torch.from_numpy(elevation), order)
        vectors = vectors_of(azimuth.astype(np.float64), elevation.astype(np.float64)).astype(np.float32)
        from_vectors = harmonics_of_vectors(vectors, order)
        assert from_angles.dtype == torch.float32
        assert from_vectors.dtype == np.float32
        assert np.abs(from_angles.numpy() - exact).max() < 1e-5  # of 1, the largest value of an SN3D harmonic
        assert np.abs(from_vectors - exact).max() < 1e-5
        assert taken == [True, True]

    @pytest.mark.parametrize("precision", ["float32", "float64"])
    def test_order_20_against_mpmath(self, precision):
        angle = torch.full((1000,), 0.7, dtype=torch.float64)
        found = spherical_harmonics(angle, angle * 0 + 0.3, 20)
        if precision == "float32":
            vector = vectors_of(np.array([0.7]), np.array([0.3])).astype(np.float32)
            found = harmonics_of_vectors(np.repeat(vector, 1000, axis=0), 20)
        for m, value in LITERALS.items():
            for index in (0, 511, 512, 999):
                assert abs(float(found[index, 420 + m]) - value) < (1e-14 if precision == "float64" else 2e-6)

    @pytest.mark.parametrize("order", [3, 20])
    def test_straight_up_and_down(self, order, dtype):
        """Only m = 0 sounds there: 1 above, (−1)^n below."""
        vectors = np.zeros((20000, 3), dtype)
        vectors[:, 2] = np.where(np.arange(20000) % 2, -1, 1)
        n = np.floor(np.sqrt(np.arange((order + 1) ** 2)))
        zonal = np.arange((order + 1) ** 2) == n * n + n
        found = harmonics_of_vectors(vectors, order)
        assert (found[:, ~zonal] == 0).all()
        assert_close(found[0], zonal, dtype)
        assert_close(found[1], zonal * (-1.0) ** n, dtype)

    def test_longer_vectors_get_the_solid_harmonics(self, rng, taken):
        vectors = vectors_of(*directions(rng, 2000))
        powers = np.repeat(2.0 ** np.arange(5), [1, 3, 5, 7, 9])
        assert_close(harmonics_of_vectors(2 * vectors, 4), powers * harmonics_of_vectors(vectors, 4))
        assert taken == [True, True]


class TestFormula:
    @pytest.mark.parametrize("order", [1, 4, 13])
    @pytest.mark.parametrize("normalization", ["sn3d", "n3d"])
    def test_equals_the_formula(self, library, dtype, rng, taken, order, normalization):
        vectors = library.array(rng.normal(size=(5000, 3)) / 2, dtype)  # of any length
        expected = harmonics_by_formula(vectors, order, normalization)
        found = harmonics_of_vectors(vectors, order, normalization=normalization)
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        assert_close(library.numpy(found), library.numpy(expected), dtype)
        assert taken == [library.device == "cpu"]

    def test_channels_lie_outermost_in_memory_as_in_the_formula(self, library, rng):
        vectors = library.array(rng.normal(size=(40, 50, 3)))
        for found in (harmonics_of_vectors(vectors, 3), harmonics_by_formula(vectors, 3, "sn3d")):
            channels_first = found.permute(2, 0, 1) if library.name == "torch" else found.transpose(2, 0, 1)
            plain = channels_first.is_contiguous() if library.name == "torch" else channels_first.flags.c_contiguous
            assert plain


class TestAngles:
    @pytest.mark.parametrize("largest", [1.0, 4.0, 1e3, 9e4, 1.1e5, 1e9, 1e22])
    def test_angles_of_any_size(self, rng, largest):
        azimuth, elevation = rng.uniform(-largest, largest, (2, 3000))
        out = np.empty((4, 3000))
        one = np.array([[0, 0], [1, 0.0]])
        fill_from_angles(azimuth, elevation, one, 0 * one, np.ones(2), np.ones(2), out)
        expected = vectors_of(azimuth, elevation)
        assert np.abs(out[[3, 1, 2]].T - expected).max() < 4e-16

    def test_multiples_of_a_quarter_turn(self):
        """Where cosine or sine nearly vanish, what is left of them is right in itself."""
        quarters = np.arange(-3000, 3000) * (np.pi / 2)
        out = np.empty((4, 6000))
        one = np.array([[0, 0], [1, 0.0]])
        fill_from_angles(quarters, 0 * quarters, one, 0 * one, np.ones(2), np.ones(2), out)
        np.testing.assert_allclose(out[3], np.cos(quarters), rtol=1e-15)
        np.testing.assert_allclose(out[1], np.sin(quarters), rtol=1e-15)

    def test_degrees(self, rng, taken):
        azimuth, elevation = directions(rng, 2000)
        found = spherical_harmonics(np.degrees(azimuth), np.degrees(elevation), 3, degrees=True)
        assert_close(found, real_spherical_harmonics(azimuth, elevation, 3))
        assert taken == [True]

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_what_is_no_angle_stays_in_its_direction(self, library, rng, bad):
        azimuth, elevation = directions(rng, 3000)
        azimuth[700], elevation[2000] = bad, bad
        with np.errstate(invalid="ignore"):
            found = library.numpy(spherical_harmonics(library.array(azimuth), library.array(elevation), 3))
        rest = np.delete(np.arange(3000), [700, 2000])
        assert_close(found[rest], real_spherical_harmonics(azimuth[rest], elevation[rest], 3))
        assert np.isnan(found[[700, 2000]][:, [1, 3, 15]]).all()
        assert (found[:, 0] == 1).all()

    def test_nan_in_a_vector_stays_in_its_direction(self, rng, dtype):
        vectors = vectors_of(*directions(rng, 3000)).astype(dtype)
        expected = harmonics_of_vectors(vectors, 5)
        vectors[700] = np.nan
        found = harmonics_of_vectors(vectors, 5)
        assert np.isnan(found[700, 1:]).all()
        assert (np.delete(found, 700, 0) == np.delete(expected, 700, 0)).all()


class TestShapes:
    def test_broadcasting(self, library, rng, taken):
        azimuth, elevation = rng.uniform(-3, 3, (50, 1, 2)), rng.uniform(-1.5, 1.5, (40, 1))
        found = spherical_harmonics(library.array(azimuth), library.array(elevation), 3)
        assert tuple(found.shape) == (50, 40, 2, 16)
        assert_close(library.numpy(found), real_spherical_harmonics(azimuth, elevation, 3))
        assert taken == [library.device == "cpu"]

    def test_a_number_beside_many(self, library, rng):
        azimuth = rng.uniform(-3, 3, 3000)
        found = library.numpy(spherical_harmonics(library.array(azimuth), 0.3, 3))
        assert_close(found, real_spherical_harmonics(azimuth, 0.3, 3))

    def test_memory_of_any_layout(self, rng):
        azimuth, elevation = directions(rng, 6000)
        expected = real_spherical_harmonics(azimuth, elevation, 3)
        assert_close(spherical_harmonics(azimuth[::-2], elevation[::-2], 3), expected[::-2])
        vectors = vectors_of(azimuth, elevation)
        for laid_out in (np.asfortranarray(vectors), np.repeat(vectors, 2, 0)[::2], vectors.astype(">f8")):
            assert_close(harmonics_of_vectors(laid_out, 3), expected)
        tensor = torch.from_numpy(vectors.T.copy()).T
        assert_close(harmonics_of_vectors(tensor, 3).numpy(), expected)
        azimuth, elevation = (torch.from_numpy(angle.reshape(60, 100)).T for angle in (azimuth, elevation))
        found = spherical_harmonics(azimuth, elevation, 3)
        assert_close(found.transpose(0, 1).reshape(6000, 16).numpy(), expected)

    def test_none_at_all(self):
        assert spherical_harmonics(np.zeros((0, 5)), 0.0, 3).shape == (0, 5, 16)


class TestWhereItIsTaken:
    def test_not_for_a_few(self, rng, taken):
        spherical_harmonics(*directions(rng, 1000), 3)
        assert taken == []

    def test_tensors_of_two_precisions_take_the_formula(self, rng, taken):
        azimuth, elevation = (torch.from_numpy(angle) for angle in directions(rng, 2000))
        found = spherical_harmonics(azimuth, elevation.float(), 3)
        assert found.dtype == torch.float64
        assert taken == [False]

    def test_half_precision_angles(self, rng):
        azimuth, elevation = (torch.from_numpy(angle) for angle in rng.uniform(-1.5, 1.5, (2, 2000)))
        found = spherical_harmonics(azimuth.half(), elevation.half(), 3)
        expected = real_spherical_harmonics(azimuth.half().numpy(), elevation.half().numpy(), 3)
        assert found.dtype == torch.float32
        assert_close(found.numpy(), expected, "float32")

    def test_gradients_flow_through_the_formula(self, rng, taken):
        azimuth, elevation = (torch.from_numpy(a).requires_grad_() for a in rng.uniform(-1.5, 1.5, (2, 2000)))
        found = spherical_harmonics(azimuth, elevation, 3)
        slope = torch.autograd.grad(found[:, 3].sum(), (azimuth, elevation))  # X = cos az cos el
        assert_close(slope[0].numpy(), (-azimuth.sin() * elevation.cos()).detach().numpy())
        assert_close(slope[1].numpy(), (-azimuth.cos() * elevation.sin()).detach().numpy())
        with torch.no_grad():
            assert not spherical_harmonics(azimuth, elevation, 3).requires_grad
        assert taken == [False, True]

    def test_transforms_take_the_formula(self, rng, taken):
        azimuth, elevation = torch.from_numpy(rng.uniform(-1.5, 1.5, (2, 3, 2000)))
        expected = spherical_harmonics(azimuth, elevation, 3)
        mapped = torch.vmap(lambda a, e: spherical_harmonics(a, e, 3))(azimuth, elevation)
        assert_close(mapped.numpy(), expected.numpy())
        _, slope = torch.func.jvp(
            lambda a: spherical_harmonics(a, elevation, 1), (azimuth,), (torch.ones_like(azimuth),)
        )
        assert_close(slope[..., 1].numpy(), expected[..., 3].numpy())  # Y' = X
        assert taken == [True, False, False]

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compiled_graphs_take_the_formula(self, rng, taken):
        azimuth, elevation = torch.from_numpy(rng.uniform(-1.5, 1.5, (2, 2000)))
        function = torch.compile(
            lambda a, e: spherical_harmonics(a, e, 3), fullgraph=True, backend="eager", dynamic=True
        )
        assert_close(function(azimuth, elevation).numpy(), spherical_harmonics(azimuth, elevation, 3).numpy())
        assert taken == [True]
