import numpy as np
import pytest

from ambikit import angles_to_vectors, fibonacci_grid, gauss_legendre_grid
from ambikit.errors import AmbikitError
from tests.closeness import assert_close
from tests.oracles import real_spherical_harmonics


class TestGaussLegendre:
    @pytest.mark.parametrize("order", [0, 1, 3, 7, 12])
    def test_harmonics_are_orthogonal_under_it(self, order):
        azimuth, elevation, weights = gauss_legendre_grid(order)
        harmonics = real_spherical_harmonics(azimuth, elevation, order, "n3d")
        assert_close(harmonics.T @ (weights[:, None] * harmonics), np.eye((order + 1) ** 2))

    def test_one_degree_more_is_not_exact(self):
        azimuth, elevation, weights = gauss_legendre_grid(2)
        harmonics = real_spherical_harmonics(azimuth, elevation, 3, "n3d")
        assert np.abs(harmonics.T @ (weights[:, None] * harmonics) - np.eye(16)).max() > 0.1

    def test_weights_are_positive_and_sum_to_one(self):
        for order in (0, 5, 40):
            azimuth, elevation, weights = gauss_legendre_grid(order)
            assert azimuth.shape == elevation.shape == weights.shape == ((order + 1) * (2 * order + 2),)
            assert weights.min() > 0
            assert abs(weights.sum() - 1) < 1e-13

    @pytest.mark.parametrize("axis", [1, 2])
    def test_it_is_its_own_mirror_image(self, axis):
        azimuth, elevation, weights = gauss_legendre_grid(3)
        points = np.column_stack([angles_to_vectors(azimuth, elevation), weights])
        mirrored = points.copy()
        mirrored[:, axis] *= -1
        distance = np.abs(points[:, None] - mirrored[None]).max(-1)
        assert distance.min(axis=0).max() < 1e-14


class TestFibonacci:
    def test_every_point_stands_for_the_same_area(self):
        # In caps of any height, the share of the points is the share of the area to within one point.
        count = 500
        _, elevation = fibonacci_grid(count)
        for height in np.linspace(-0.99, 0.99, 23):
            assert abs((np.sin(elevation) > height).mean() - (1 - height) / 2) <= 1 / count

    def test_the_mean_of_the_harmonics_almost_vanishes(self):
        harmonics = real_spherical_harmonics(*fibonacci_grid(2000), 6)
        assert np.abs(harmonics[:, 1:].mean(0)).max() < 1e-4

    def test_neighbours_keep_their_distance(self):
        count = 400
        vectors = angles_to_vectors(*fibonacci_grid(count))
        cosine = vectors @ vectors.T - 2 * np.eye(count)
        nearest = np.arccos(cosine.max(1))
        even = np.sqrt(4 * np.pi / count)  # the side of a square of the same area
        assert nearest.min() > 0.7 * even
        assert nearest.max() < 1.1 * even

    def test_azimuths_are_principal_and_the_first_points_are_the_formula(self):
        azimuth, elevation = fibonacci_grid(4)
        assert np.all((azimuth > -np.pi) & (azimuth <= np.pi))
        assert_close(np.rad2deg(azimuth[:2]), np.array([0, 137.50776405003785]))
        assert_close(np.sin(elevation), np.array([0.75, 0.25, -0.25, -0.75]))


@pytest.mark.usefixtures("no_shape_hook")
def test_errors():
    for count in (0, -3, 2.0):
        with pytest.raises(AmbikitError, match="count=.*whole number of at least 1"):
            fibonacci_grid(count)
    with pytest.raises(AmbikitError, match="order=-1"):
        gauss_legendre_grid(-1)
