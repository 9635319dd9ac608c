import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ambikit import angles_to_vectors, angular_distance, vectors_to_angles
from ambikit.errors import ArrayTypeError, ShapeError
from tests.closeness import assert_close

AZIMUTHS = st.floats(-np.pi, np.pi)
ELEVATIONS = st.floats(-np.pi / 2, np.pi / 2)

# x front, y left, z up; azimuth counter-clockwise, elevation up
AXES = {
    (0, 0): (1, 0, 0),
    (90, 0): (0, 1, 0),
    (180, 0): (-1, 0, 0),
    (-90, 0): (0, -1, 0),
    (0, 90): (0, 0, 1),
    (0, -90): (0, 0, -1),
}


class TestAnglesToVectors:
    def test_the_six_axes(self, library):
        azimuth, elevation = (library.array(np.array(angles, float)) for angles in zip(*AXES))
        vectors = angles_to_vectors(azimuth, elevation, degrees=True)
        assert_close(library.numpy(vectors), np.array(list(AXES.values()), float))

    def test_radians_unless_degrees_are_asked_for(self):
        assert_close(angles_to_vectors(0.3, -0.4), angles_to_vectors(np.rad2deg(0.3), np.rad2deg(-0.4), degrees=True))

    def test_angles_broadcast(self):
        assert angles_to_vectors(np.zeros((4, 1)), np.zeros(3)).shape == (4, 3, 3)
        assert angles_to_vectors([0.0, 1.0], 0.0).shape == (2, 3)

    def test_what_comes_in_decides_what_comes_out(self):
        for angle in (0.1, [0.1], np.float32(0.1), np.array(0.1, np.float32), 1, np.array([1])):
            assert isinstance(angles_to_vectors(angle, 0), np.ndarray)
            assert angles_to_vectors(angle, 0).dtype == np.float64
        for name in ("float32", "float64"):
            for partner in (0.2, [0.2], torch.tensor(0.2), torch.tensor([1])):
                vectors = angles_to_vectors(torch.zeros(2, dtype=getattr(torch, name)), partner)
                expected = "float64" if isinstance(partner, torch.Tensor) and partner.dtype == torch.int64 else name
                assert str(vectors.dtype) == f"torch.{expected}"
        assert angles_to_vectors(torch.zeros(2, dtype=torch.bfloat16), 0.0).dtype == torch.float32

    def test_gradients(self):
        azimuth = torch.tensor([0.0, 1.0, -3.0, 2.0], dtype=torch.float64, requires_grad=True)
        elevation = torch.tensor([0.0, 0.5, np.pi / 2, -np.pi / 2], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(angles_to_vectors, (azimuth, elevation))


class TestVectorsToAngles:
    def test_the_six_axes_at_any_length(self, library):
        vectors = library.array(np.array(list(AXES.values()), float) * 1e-6)
        azimuth, elevation = vectors_to_angles(vectors, degrees=True)
        expected = np.array(list(AXES), float)
        assert_close(library.numpy(azimuth), expected[:, 0])
        assert_close(library.numpy(elevation), expected[:, 1])

    @given(AZIMUTHS, ELEVATIONS)
    def test_there_and_back(self, azimuth, elevation):
        vector = angles_to_vectors(azimuth, elevation)
        assert_close(angles_to_vectors(*vectors_to_angles(3.0 * vector)), vector)

    def test_gradients_are_finite_where_angles_are_not_defined(self):
        vectors = torch.tensor([[0, 0, 1], [0, 0, -2], [0, 0, 0]], dtype=torch.float64, requires_grad=True)
        azimuth, elevation = vectors_to_angles(vectors)
        assert azimuth.tolist() == [0, 0, 0]
        assert_close(elevation.detach().numpy(), np.array([np.pi / 2, -np.pi / 2, 0]))
        (azimuth.sum() + elevation.sum()).backward()
        assert torch.isfinite(vectors.grad).all()

    def test_gradients_elsewhere_are_right(self, rng):
        vectors = torch.tensor(rng.normal(size=(5, 3)), requires_grad=True)
        assert torch.autograd.gradcheck(vectors_to_angles, vectors)

    def test_nan_stays(self, library):
        azimuth, elevation = vectors_to_angles(library.array(np.array([[np.nan, 0, 1], [1.0, 0, 0]])))
        assert np.isnan(library.numpy(azimuth)).tolist() == [True, False]
        assert np.isnan(library.numpy(elevation)).tolist() == [True, False]


class TestAngularDistance:
    def test_known_distances(self, library):
        one = [(0, 0), (90, 0), (0, 90), (10, 20), (0, 45), (170, 0)]
        two = [(0, 0), (-90, 0), (123, -90), (10, -25), (180, 45), (-170, 0)]
        angles = [library.array(np.array(a, float)) for a in (*zip(*one), *zip(*two))]
        assert_close(library.numpy(angular_distance(*angles, degrees=True)), np.array([0, 180, 180, 45, 90, 20.0]))

    @given(AZIMUTHS, ELEVATIONS, AZIMUTHS, ELEVATIONS)
    def test_it_is_the_angle_between_the_vectors(self, azimuth1, elevation1, azimuth2, elevation2):
        one, two = angles_to_vectors(azimuth1, elevation1), angles_to_vectors(azimuth2, elevation2)
        expected = np.arctan2(np.linalg.norm(np.cross(one, two)), one @ two)
        assert abs(angular_distance(azimuth1, elevation1, azimuth2, elevation2) - expected) < 1e-14

    @pytest.mark.parametrize("tiny", [1e-4, 1e-9, 1e-15])
    def test_tiny_distances_keep_their_digits(self, tiny):
        # The elevations 0 and `tiny` are exact in floating point; along a parallel the arc is cos(60°) as long.
        assert abs(angular_distance(0.5, 0.0, 0.5, tiny) / tiny - 1) < 1e-12
        assert abs(angular_distance(0.0, np.pi / 3, tiny, np.pi / 3) / (tiny / 2) - 1) < 1e-8
        assert abs(angular_distance(0.0, 0.0, np.pi, tiny) - (np.pi - tiny)) < 1e-15

    def test_gradients(self, rng):
        angles = [torch.tensor(a, requires_grad=True) for a in rng.uniform(-1.4, 1.4, (4, 6))]
        assert torch.autograd.gradcheck(angular_distance, angles)

    def test_gradients_are_finite_at_zero_and_at_pi(self):
        angles = [
            torch.tensor(a, dtype=torch.float64, requires_grad=True)
            for a in ([0.3, 0.0, 0.0], [0.2, 0.0, np.pi / 2], [0.3, np.pi, 1.0], [0.2, 0.0, np.pi / 2])
        ]
        distance = angular_distance(*angles)
        distance.sum().backward()
        assert_close(distance.detach().numpy(), np.array([0, np.pi, 0]))
        assert all(torch.isfinite(a.grad).all() for a in angles)


class TestErrors:
    def test_angles_that_do_not_broadcast(self, no_shape_hook):
        with pytest.raises(ShapeError, match=r"the angles of shapes \(2,\), \(3,\).*broadcast"):
            angles_to_vectors(np.zeros(2), np.zeros(3))
        with pytest.raises(ShapeError, match="broadcast"):
            angular_distance(torch.zeros(2), 0.0, torch.zeros(5, 3), 0.0)

    def test_mixed_libraries(self, no_shape_hook):
        with pytest.raises(ArrayTypeError, match=r"numpy\.ndarray.*torch\.Tensor"):
            angles_to_vectors(np.zeros(2), torch.zeros(2))

    @pytest.mark.parametrize("shape", [(), (2,), (3, 4)])
    def test_vectors_have_three_coordinates(self, shape, no_shape_hook):
        with pytest.raises(ShapeError, match=r"expected \(\.\.\., 3\)"):
            vectors_to_angles(np.zeros(shape))


@pytest.mark.usefixtures("no_shape_hook")
def test_directions_compile_without_graph_breaks():
    def distance_after_a_round_trip(azimuth, elevation):
        turned = vectors_to_angles(angles_to_vectors(azimuth, elevation, degrees=True))
        return angular_distance(*turned, 0.1, elevation)

    angles = torch.linspace(-60, 60, 7), torch.tensor(20.0)
    compiled = torch.compile(distance_after_a_round_trip, fullgraph=True, backend="eager")
    assert_close(compiled(*angles).numpy(), distance_after_a_round_trip(*angles).numpy(), "float32")


@pytest.mark.parametrize("size", [1e-30, 1e-20, 1.0, 1e20, 1e30])
def test_gradients_of_angles_of_vectors_of_any_length(size: float) -> None:
    """A vector s (1, 2, 2) / 3: d azimuth / dx = −y / (x² + y²) = −1.2 / s, and 0.6 / s along y, 0 along z."""
    vector = (torch.tensor([1.0, 2.0, 2.0]) / 3 * size).requires_grad_()
    azimuth, elevation = vectors_to_angles(vector)
    (of_azimuth,) = torch.autograd.grad(azimuth, vector, retain_graph=True)
    (of_elevation,) = torch.autograd.grad(elevation, vector)
    root = 5**0.5  # the horizontal part of (1, 2, 2)
    assert torch.allclose(of_azimuth * size, torch.tensor([-1.2, 0.6, 0.0]), atol=1e-6)
    assert torch.allclose(of_elevation * size, torch.tensor([-2, -4, 5]) / (3 * root), atol=1e-6)


def test_gradient_of_the_azimuth_close_to_the_vertical() -> None:
    vector = torch.tensor([0.0, 1e-25, 1.0], requires_grad=True)
    (gradient,) = torch.autograd.grad(vectors_to_angles(vector)[0], vector)
    assert torch.allclose(gradient * 1e-25, torch.tensor([-1.0, 0.0, 0.0]), atol=1e-6)


def test_infinite_vectors_point_along_their_infinite_component(library):
    azimuth, elevation = vectors_to_angles(library.array([[0.0, np.inf, 1.0], [1.0, 0.0, -np.inf]]))
    assert_close(library.numpy(azimuth), [np.pi / 2, 0.0])
    assert_close(library.numpy(elevation), [0.0, -np.pi / 2])
