import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from ambikit import (
    angles_to_vectors,
    angular_distance,
    diffuse_covariance,
    encode,
    esprit,
    rotate,
    rotation_matrix,
    spatial_covariance,
    stft,
)
from ambikit.analysis.esprit import coordinate_products
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close
from tests.oracles import real_spherical_harmonics


def waves(azimuth, elevation, powers, order):
    """Degrees."""
    harmonics = real_spherical_harmonics(np.radians(azimuth), np.radians(elevation), order)
    return harmonics.T @ np.diag(powers) @ harmonics


def worst(found, azimuth, elevation):
    """The angle in degrees from each source to the direction found that is nearest; each may serve once."""
    distance = angular_distance(
        np.asarray(azimuth)[:, None], np.asarray(elevation)[:, None], found.azimuth, found.elevation, degrees=True
    )
    assert sorted(distance.argmin(-1)) == list(range(len(azimuth)))
    return distance.min(-1).max()


class TestCoordinateProducts:
    @pytest.mark.parametrize("order", [1, 2, 5])
    def test_a_coordinate_times_a_harmonic(self, order, rng):
        azimuth, elevation = rng.uniform(-3, 3, 9), rng.uniform(-1.5, 1.5, 9)
        harmonics = real_spherical_harmonics(azimuth, elevation, order, "n3d")
        for axis, coordinate in enumerate(angles_to_vectors(azimuth, elevation).T):
            expected = coordinate[:, None] * harmonics[:, : order**2]
            assert_close(harmonics @ coordinate_products(order)[axis].T, expected)

    def test_couples_only_neighbouring_degrees(self):
        degree = np.array([n for n in range(4) for _ in range(2 * n + 1)])
        assert (abs(degree[:9, None] - degree) == 1)[(coordinate_products(3) != 0).any(0)].all()


class TestValues:
    def test_two_sources_of_white_noise(self, library, rng):
        """The published case: order 3, 48 000 samples, better than 0.01°."""
        samples = rng.normal(size=(2, 48000))
        scene = encode(samples[0], -90, 10, 3, degrees=True) + encode(samples[1], 20, -40, 3, degrees=True)
        found = esprit(library.array(scene @ scene.T / 48000), 2, degrees=True)
        found = type(found)(*(library.numpy(part) for part in found))
        assert worst(found, [-90, 20], [10, -40]) < 1e-8
        assert found.strength == pytest.approx([1.0, 1.0], abs=0.02)

    def test_two_sources_in_noise(self, rng):
        """10 dB above diffuse noise, one second: within half a degree."""
        samples = rng.normal(size=(2, 48000))
        scene = encode(samples[0], -90, 10, 3, degrees=True) + encode(samples[1], 20, -40, 3, degrees=True)
        noise = np.sqrt(0.1 * np.diag(diffuse_covariance(3)))[:, None] * rng.normal(size=(16, 48000))
        covariance = spatial_covariance(stft(scene + noise, frame_length=512, hop_length=256))
        assert worst(esprit(covariance, 2, degrees=True), [-90, 20], [10, -40]) < 0.5

    @given(
        order=st.integers(1, 5),
        count=st.integers(1, 4),
        seed=st.integers(0, 999),
        noise=st.sampled_from([0.0, 1.0, 30.0]),
    )
    def test_diffuse_sound_of_any_strength_moves_nothing(self, order, count, seed, noise):
        rng = np.random.default_rng(seed)
        count = min(count, order**2)
        points = rng.normal(size=(count, 3))
        azimuth = np.degrees(np.arctan2(points[:, 1], points[:, 0]))
        elevation = np.degrees(np.arctan2(points[:, 2], np.hypot(points[:, 0], points[:, 1])))
        apart = angular_distance(azimuth[:, None], elevation[:, None], azimuth, elevation, degrees=True)
        assume((apart + 180 * np.eye(count)).min() >= 20)
        powers = rng.uniform(0.5, 2.0, count)
        covariance = waves(azimuth, elevation, powers, order) + noise * diffuse_covariance(order)
        found = esprit(covariance, count, degrees=True)
        assert worst(found, azimuth, elevation) < 1e-6
        assert found.strength == pytest.approx(np.sort(powers)[::-1], rel=1e-6)

    @pytest.mark.parametrize(
        ("azimuth", "elevation"),
        [
            ([30, -30], [20, 20]),  # one x, one z
            ([30, 150], [20, 20]),  # one y, one z
            ([30, 30], [20, -20]),  # one x, one y
            ([45, 135, -135, -45], [0, 0, 0, 0]),
            ([0, 0, 0, 90, 180, -90], [0, 90, -90, 0, 0, 0]),  # the six axes
            ([10, 14], [0, 0]),
        ],
    )
    def test_sources_that_share_coordinates(self, library, azimuth, elevation):
        covariance = waves(azimuth, elevation, np.arange(len(azimuth)) + 1.0, 3) + 0.1 * diffuse_covariance(3)
        found = esprit(library.array(covariance), len(azimuth), degrees=True)
        found = type(found)(*(library.numpy(part) for part in found))
        assert worst(found, azimuth, elevation) < 1e-8
        assert found.strength == pytest.approx(np.arange(len(azimuth), 0, -1.0))

    def test_nine_sources_of_third_order(self):
        height = 1 - (2 * np.arange(9) + 1) / 9
        azimuth = (np.arange(9) * 137.5 + 180) % 360 - 180
        elevation = np.degrees(np.arcsin(height))
        covariance = waves(azimuth, elevation, np.ones(9), 3) + 0.5 * diffuse_covariance(3)
        assert worst(esprit(covariance, 9, degrees=True), azimuth, elevation) < 1e-8

    def test_first_order_follows_the_intensity_of_its_strongest_eigenbeam(self, rng):
        """Also where two sources sound: between them, nearer to the stronger."""
        covariance = waves([0, 60], [0, 0], [2.0, 1.0], 1)
        factors = np.sqrt([1, 3, 3, 3])
        beam = np.linalg.svd(covariance * np.outer(factors, factors))[0][:, 0] / factors
        found = esprit(covariance, 1, degrees=True)
        assert found.azimuth[0] == pytest.approx(np.degrees(np.arctan2(beam[1] * beam[0], beam[3] * beam[0])))
        assert 0 < found.azimuth[0] < 30

    @given(pose=st.tuples(*[st.floats(-3, 3)] * 3))
    def test_turns_with_the_sound(self, pose):
        covariance, turn = waves([-90, 20], [10, -40], [1.0, 3.0], 2), rotation_matrix(*pose, order=2)
        noise = np.random.default_rng(3).normal(size=(9, 40))
        covariance = covariance + 0.01 * noise @ noise.T
        before, after = esprit(covariance, 2), esprit(turn @ covariance @ turn.T, 2)
        placed = real_spherical_harmonics(before.azimuth, before.elevation, 1).T
        y, z, x = rotate(placed, *pose)[1:4]
        expected = np.degrees([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))])
        there = type(after)(np.degrees(after.azimuth), np.degrees(after.elevation), after.strength)
        # With noise no basis is shared exactly, and the axis that is taken for it is fixed in space.
        assert worst(there, *expected) < 1.0


class TestEdges:
    def test_fewer_sources_than_asked_for(self, library, dtype):
        found = esprit(library.array(waves([30], [10], [4.0], 2), dtype), 3, degrees=True)
        azimuth, elevation, strength = (library.numpy(part) for part in found)
        assert azimuth.dtype == elevation.dtype == strength.dtype == dtype
        assert [azimuth[0], elevation[0], strength[0]] == pytest.approx([30, 10, 4], rel=1e-5)
        assert np.isnan(azimuth[1:]).all()
        assert np.isnan(elevation[1:]).all()
        assert (strength[1:] == 0).all()

    def test_silence_and_nan_stay_in_their_items(self, library):
        covariance = np.stack([waves([30], [10], [4.0], 2)] * 3)
        covariance[0], covariance[1, 2, 3] = 0, np.nan
        azimuth, _, strength = (library.numpy(part) for part in esprit(library.array(covariance), 1, degrees=True))
        assert np.isnan(azimuth).ravel().tolist() == [True, True, False]
        assert strength[0, 0] == 0
        assert np.isnan(strength[1, 0])
        assert [azimuth[2, 0], strength[2, 0]] == pytest.approx([30, 4])

    def test_scale(self, library):
        covariance = waves([30, -100], [10, 40], [4.0, 1.0], 2) + 0.3 * diffuse_covariance(2)
        small, large = (esprit(library.array(covariance * s), 2) for s in (1e-12, 1.0))
        assert_close(library.numpy(small.azimuth), library.numpy(large.azimuth))
        assert_close(1e12 * library.numpy(small.strength), library.numpy(large.strength))

    def test_a_batch_is_its_items(self, library, rng):
        samples = rng.normal(size=(2, 3, 9, 30)) + 1j * rng.normal(size=(2, 3, 9, 30))
        covariance = samples @ samples.conj().swapaxes(-1, -2)
        found = esprit(library.array(covariance), 3)
        assert found.azimuth.shape == (2, 3, 3)
        alone = esprit(covariance[1, 2], 3)
        for part, expected in zip(found, alone, strict=True):
            assert_close(library.numpy(part)[1, 2], expected, factor=1e4)

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(AmbikitError, match="from 1 to 1, which is what order 1"):
            esprit(np.eye(4), 2)
        with pytest.raises(AmbikitError, match="sources"):
            esprit(np.eye(9), 0)
        with pytest.raises(ShapeError, match="mono"):
            esprit(np.eye(1), 1)
        with pytest.raises(ShapeError, match="5 channels"):
            esprit(np.eye(5), 1)
        with pytest.raises(ArrayTypeError, match="int"):
            esprit(np.eye(4, dtype=int), 1)


class TestTorch:
    def test_gradients(self, rng):
        noise = rng.normal(size=(9, 40))
        covariance = waves([-90, 20], [10, -40], [1.0, 3.0], 2) + 0.01 * noise @ noise.T
        leaf = torch.tensor(covariance, requires_grad=True)
        assert torch.autograd.gradcheck(lambda c: tuple(esprit(c, 2)), leaf)

    def test_gradients_where_eigenvalues_are_equal(self):
        covariance = waves([-90, 20, 150], [10, -40, 10], [1.0, 2.0, 3.0], 2) + 0.3 * diffuse_covariance(2)
        leaf = torch.tensor(covariance, requires_grad=True)
        assert torch.autograd.gradcheck(lambda c: tuple(esprit(c, 3)), leaf)

    def test_gradients_are_finite_for_silence(self):
        for covariance in (np.zeros((9, 9)), waves([30], [10], [4.0], 2)):
            leaf = torch.tensor(covariance, requires_grad=True)
            found = esprit(leaf, 2)
            (found.strength.sum() + torch.nan_to_num(found.azimuth).sum()).backward()
            assert torch.isfinite(leaf.grad).all()

    def test_vmap_and_compile(self, no_shape_hook):
        one = waves([-90, 20], [10, -40], [1.0, 3.0], 2) + 0.3 * diffuse_covariance(2)
        covariance = torch.tensor(np.stack([one, 2 * one]))
        expected = esprit(covariance, 2)
        mapped = torch.vmap(lambda c: esprit(c, 2))(covariance)
        compiled = torch.compile(lambda c: esprit(c, 2), fullgraph=True, backend="eager")(covariance)
        for found in (mapped, compiled):
            for part, wanted in zip(found, expected, strict=True):
                assert_close(part.numpy(), wanted.numpy(), factor=10)

    def test_no_clips_at_all(self, library):
        found = esprit(library.array(np.zeros((2, 0, 9, 9))), 3)
        assert all(tuple(part.shape) == (2, 0, 3) for part in found)
