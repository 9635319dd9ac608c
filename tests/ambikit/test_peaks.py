import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from ambikit import (
    angular_distance,
    diffuse_covariance,
    fibonacci_grid,
    gauss_legendre_grid,
    map_peaks,
    music,
    mvdr_map,
    power_map,
)
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close
from tests.oracles import real_spherical_harmonics

GRID = fibonacci_grid(1000)


def bump(azimuth, elevation, grid=GRID, sharpness=10.0):
    """A smooth hill of height 1 around a direction."""
    return np.exp(sharpness * (np.cos(angular_distance(azimuth, elevation, *grid)) - 1))


class TestOnTheGrid:
    @given(places=st.lists(st.integers(0, 999), min_size=3, max_size=3, unique=True))
    def test_the_exact_grid_points(self, places):
        heights = np.array([3.0, 2.0, 1.0])
        azimuth, elevation = GRID[0][places], GRID[1][places]
        apart = angular_distance(azimuth[:, None], elevation[:, None], azimuth, elevation)
        assume((apart + np.eye(3)).min() >= 0.5)
        values = np.zeros(1000)
        values[places] = heights
        found = map_peaks(values, *GRID, 3, refine=False)
        assert_close(found.azimuth, azimuth)
        assert_close(found.elevation, elevation)
        assert found.strength.tolist() == heights.tolist()

    def test_fewer_peaks_than_asked_for(self, library, dtype):
        values = np.stack([bump(0.5, 0.3), np.zeros(1000), np.full(1000, np.nan), np.full(1000, 7.0)])
        azimuth, _, strength = (library.numpy(part) for part in map_peaks(library.array(values, dtype), *GRID, 2))
        assert azimuth.dtype == strength.dtype == dtype
        assert np.isnan(azimuth).tolist() == [[False, True], [True, True], [True, True], [True, True]]
        assert (strength[[0, 1, 3], 1] == 0).all()
        assert (strength[[1, 3], 0] == 0).all()
        assert np.isnan(strength[2]).all()

    def test_minimum_separation(self):
        values = bump(0.0, 0.0, sharpness=50) + 0.9 * bump(0.7, 0.0, sharpness=50) + 0.8 * bump(2.5, 0.0, sharpness=50)
        near, far = (map_peaks(values, *GRID, 2, minimum_separation=limit) for limit in (0.6, 0.8))
        assert near.azimuth == pytest.approx([0.0, 0.7], abs=0.01)
        assert far.azimuth == pytest.approx([0.0, 2.5], abs=0.01)
        degrees = map_peaks(values, *np.degrees(GRID), 2, minimum_separation=np.degrees(0.8), degrees=True)
        assert_close(np.radians(degrees.azimuth), far.azimuth)

    def test_the_order_of_the_grid_does_not_matter(self, rng):
        values = bump(0.5, 0.3) + 0.7 * bump(-2.0, -0.5)
        shuffled = rng.permutation(1000)
        found = map_peaks(values[shuffled], GRID[0][shuffled], GRID[1][shuffled], 2)
        assert_close(found.azimuth, map_peaks(values, *GRID, 2).azimuth, factor=10)


class TestBetweenTheGridPoints:
    @given(azimuth=st.floats(-np.pi, np.pi), elevation=st.floats(-np.pi / 2, np.pi / 2))
    def test_a_hill_anywhere(self, azimuth, elevation):
        """Points are 6° apart; the vertex is found to a tenth of a degree, at the poles and at the seam too."""
        found = map_peaks(bump(azimuth, elevation), *GRID)
        assert angular_distance(found.azimuth[0], found.elevation[0], azimuth, elevation) < np.radians(0.2)
        coarse = map_peaks(bump(azimuth, elevation), *GRID, refine=False)
        assert angular_distance(coarse.azimuth[0], coarse.elevation[0], azimuth, elevation) < np.radians(6)

    @pytest.mark.parametrize(
        "chart", [lambda c: music(c, *GRID), lambda c: mvdr_map(c, *GRID), lambda c: power_map(c, *GRID)]
    )
    def test_a_wave_in_diffuse_sound(self, chart, rng):
        for _ in range(10):
            azimuth, elevation = rng.uniform(-np.pi, np.pi), np.arcsin(rng.uniform(-1, 1))
            wave = real_spherical_harmonics(azimuth, elevation, 3)
            found = map_peaks(chart(np.outer(wave, wave) + 0.01 * diffuse_covariance(3)), *GRID)
            assert angular_distance(found.azimuth[0], found.elevation[0], azimuth, elevation) < np.radians(0.2)

    def test_an_infinite_peak(self):
        """The direction of a wave without noise lies on the grid: the parabola of reciprocals hardly leaves it."""
        wave = real_spherical_harmonics(GRID[0][123], GRID[1][123], 3)
        found = map_peaks(music(np.outer(wave, wave), *GRID), *GRID)
        assert angular_distance(found.azimuth[0], found.elevation[0], GRID[0][123], GRID[1][123]) < np.radians(0.2)
        assert found.strength[0] > 1e25

    def test_scale(self):
        values = bump(0.5, 0.3)
        assert_close(map_peaks(1e-12 * values, *GRID).azimuth, map_peaks(values, *GRID).azimuth, factor=100)

    def test_a_map_in_decibels(self):
        """Not positive everywhere: the parabola goes through the values themselves, which are parabolic here."""
        found = map_peaks(10 * np.log10(bump(0.5, 0.3)), *GRID)
        assert angular_distance(found.azimuth[0], found.elevation[0], 0.5, 0.3) < np.radians(0.05)

    def test_other_grids(self):
        latitude = gauss_legendre_grid(20)[:2]
        for grid in (latitude, (np.linspace(-np.pi, np.pi, 73)[1:], np.zeros(72))):
            for azimuth in (0.31, -3.1):
                found = map_peaks(bump(azimuth, 0.0, grid), *grid)
                assert angular_distance(found.azimuth[0], found.elevation[0], azimuth, 0.0) < np.radians(0.3)


class TestTorch:
    def test_a_batch_is_its_items(self, library, rng):
        values = rng.uniform(size=(2, 3, 1000))
        found = map_peaks(library.array(values), *GRID, 4)
        alone = map_peaks(values[1, 2], *GRID, 4)
        for part, expected in zip(found, alone, strict=True):
            assert library.numpy(part).shape == (2, 3, 4)
            assert_close(library.numpy(part)[1, 2], expected, factor=100)

    def test_a_grid_of_tensors(self):
        values = torch.tensor(bump(0.5, 0.3))
        tensors = map_peaks(values, *(torch.tensor(angle) for angle in GRID))
        assert_close(tensors.azimuth.numpy(), map_peaks(values, *GRID).azimuth.numpy())

    def test_gradients(self):
        grid = fibonacci_grid(60)
        values = torch.tensor(bump(0.5, 0.3, grid, 3.0), requires_grad=True)
        assert torch.autograd.gradcheck(lambda v: tuple(map_peaks(v, *grid)), values)
        flat = torch.zeros(60, requires_grad=True)
        found = map_peaks(flat, *grid, 2)
        (found.strength.sum() + torch.nan_to_num(found.azimuth).sum()).backward()
        assert torch.isfinite(flat.grad).all()

    def test_vmap(self, rng):
        values = torch.tensor(rng.uniform(size=(3, 1000)))
        mapped = torch.vmap(lambda v: map_peaks(v, *GRID, 3))(values)
        assert_close(mapped.azimuth.numpy(), map_peaks(values, *GRID, 3).azimuth.numpy())


@pytest.mark.usefixtures("no_shape_hook")
def test_errors():
    with pytest.raises(ShapeError, match="one call|grid"):
        map_peaks(np.zeros(999), *GRID)
    with pytest.raises(AmbikitError, match="count"):
        map_peaks(np.zeros(1000), *GRID, 0)
    with pytest.raises(AmbikitError, match="minimum_separation"):
        map_peaks(np.zeros(1000), *GRID, minimum_separation=10.0)
    with pytest.raises(ArrayTypeError, match="int"):
        map_peaks(np.zeros(1000, int), *GRID)
