import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ambikit import (
    angles_to_pixels,
    angles_to_vectors,
    angular_distance,
    crop_rays,
    flip_equirectangular,
    pixels_to_angles,
    roll_equirectangular,
    vectors_to_angles,
)
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close

WIDTH, HEIGHT = 64, 32
YAWS = st.floats(-10.0, 10.0)


def panorama_of_a_dot(azimuth, elevation, width=WIDTH, height=HEIGHT):
    """A soft dot at a direction, drawn by measuring the distance of every pixel from it."""
    row, column = np.mgrid[:height, :width]
    angles = pixels_to_angles(column, row, width, height)
    return np.exp(-((angular_distance(*angles, azimuth, elevation) / 0.3) ** 2))


def where_the_dot_is(image):
    """The direction of the centre of brightness, weighted by the area that each pixel covers."""
    height, width = image.shape
    row, column = np.mgrid[:height, :width]
    azimuth, elevation = pixels_to_angles(column, row, width, height)
    weights = image * np.cos(elevation)
    return vectors_to_angles((weights[..., None] * angles_to_vectors(azimuth, elevation)).sum((0, 1)))


class TestPixels:
    def test_front_left_right_back_and_up(self, library):
        # of the edges between pixels: the middle is the front, a quarter from the left is the left
        azimuth = library.array(np.array([0.0, 90, -90, 0, 0]))
        elevation = library.array(np.array([0.0, 0, 0, 90, -90]))
        column, row = angles_to_pixels(azimuth, elevation, 8, 4, degrees=True)
        assert_close(library.numpy(column), np.array([3.5, 1.5, 5.5, 3.5, 3.5]))
        assert_close(library.numpy(row), np.array([1.5, 1.5, 1.5, -0.5, 3.5]))

    def test_the_first_pixel_lies_behind_to_the_left_and_up(self):
        azimuth, elevation = pixels_to_angles(0, 0, 8, 4, degrees=True)
        assert (azimuth, elevation) == (157.5, 67.5)

    @given(st.floats(-0.499, 63.499), st.floats(-0.5, 31.5))
    def test_there_and_back(self, column, row):
        there = pixels_to_angles(column, row, WIDTH, HEIGHT)
        back = angles_to_pixels(*there, WIDTH, HEIGHT)
        assert np.abs(np.array(back) - [column, row]).max() < 1e-12 * WIDTH

    @given(st.floats(-50, 50))
    def test_any_azimuth_lands_in_the_picture(self, azimuth):
        column, _ = angles_to_pixels(azimuth, 0.0, WIDTH, HEIGHT)
        assert -0.5 <= column <= WIDTH - 0.5

    def test_dtype_broadcasting_and_gradients(self):
        column, row = angles_to_pixels(torch.zeros(3, 1), [0.1, 0.2], 8, 4)
        assert column.dtype == row.dtype == torch.float32
        angles = torch.tensor([[0.3, 5.0], [0.1, -0.2]], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda a: angles_to_pixels(a[0], a[1], 8, 4), angles)
        assert torch.autograd.gradcheck(lambda p: pixels_to_angles(p[0], p[1], 8, 4), angles)


class TestRoll:
    @given(st.floats(-np.pi, np.pi), st.floats(-1.2, 1.2), YAWS)
    def test_a_dot_turns_as_a_source_turns(self, azimuth, elevation, yaw):
        turned = roll_equirectangular(panorama_of_a_dot(azimuth, elevation), yaw, axis=-1)
        # the source of the turned sound field is at Rz(yaw) d
        expected = vectors_to_angles(Rotation.from_euler("Z", yaw).apply(angles_to_vectors(azimuth, elevation)))
        here = where_the_dot_is(panorama_of_a_dot(azimuth, elevation))
        assert angular_distance(*where_the_dot_is(turned), expected[0], here[1]) < 1e-3

    def test_a_positive_yaw_moves_columns_left_and_wraps(self, library):
        image = library.array(np.arange(8.0).reshape(1, 8, 1))
        assert library.numpy(roll_equirectangular(image, 90, degrees=True)).ravel().tolist() == [2, 3, 4, 5, 6, 7, 0, 1]
        assert library.numpy(roll_equirectangular(image, -np.pi / 2)).ravel().tolist() == [6, 7, 0, 1, 2, 3, 4, 5]

    def test_between_pixels_it_interpolates(self, library, dtype):
        image = library.array([[0.0, 4.0, 8.0, 0.0]], dtype)
        turned = roll_equirectangular(image, 90 / 4, degrees=True, axis=-1)
        assert turned.dtype == image.dtype
        assert_close(library.numpy(turned), np.array([[1.0, 5.0, 6.0, 0.0]]), dtype)

    def test_integers_are_rounded_to_the_nearest(self, library):
        image = library.array(np.array([[0, 254, 10, 200]]), "uint8")
        turned = roll_equirectangular(image, 90 * 0.7, degrees=True, axis=-1)
        assert turned.dtype == image.dtype
        assert library.numpy(turned).tolist() == [[178, 83, 143, 60]]  # of 177.8, 83.2, 143 and 60

    @given(st.integers(-200, 200))
    def test_whole_pixels_are_copied(self, pixels):
        image = np.arange(96, dtype=np.float64).reshape(1, 96)
        image[0, 5] = np.inf
        turned = roll_equirectangular(image, pixels * 2 * np.pi / 96, axis=-1)
        assert turned.tolist() == np.roll(image, -pixels, -1).tolist()

    def test_one_angle_per_clip(self, library, rng):
        image = rng.uniform(size=(3, 2, 4, 16, 3))
        yaw = rng.uniform(-7, 7, 3)
        turned = library.numpy(roll_equirectangular(library.array(image), library.array(yaw)))
        for clip in range(3):
            assert_close(turned[clip], roll_equirectangular(image[clip], yaw[clip]))
        yaw = rng.uniform(-7, 7, (3, 2))
        turned = library.numpy(roll_equirectangular(library.array(image), library.array(yaw)))
        assert_close(turned[2, 1], roll_equirectangular(image[2, 1], yaw[2, 1]))

    def test_lists_of_angles_turn_tensors(self):
        turned = roll_equirectangular(torch.arange(8.0).reshape(2, 1, 4), [90, 45], degrees=True, axis=-1)
        assert turned.tolist() == [[[1, 2, 3, 0]], [[4.5, 5.5, 6.5, 5.5]]]

    @pytest.mark.parametrize("name", ["float16", "bfloat16"])
    def test_half_precision(self, name):
        image = torch.tensor([[0.0, 4.0, 8.0, 0.0]], dtype=getattr(torch, name))
        turned = roll_equirectangular(image, 0.3, axis=-1)
        assert turned.dtype == image.dtype
        assert_close(turned.float().numpy(), roll_equirectangular(image.double(), 0.3, axis=-1).numpy(), name)

    def test_gradients_to_the_picture_and_to_the_angle(self, rng):
        image = torch.tensor(rng.normal(size=(2, 3, 8)), requires_grad=True)
        yaw = torch.tensor([0.3, -2.0], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda i, y: roll_equirectangular(i, y, axis=-1), (image, yaw))

    def test_the_picture_given_is_not_changed(self):
        image = np.arange(4.0).reshape(1, 4)
        for yaw in (0.0, 2 * np.pi, 0.1):
            roll_equirectangular(image, yaw, axis=-1)[:] = -1
        assert image.tolist() == [[0, 1, 2, 3]]


class TestFlip:
    @given(st.floats(-np.pi, np.pi), st.floats(-1.2, 1.2))
    def test_a_dot_changes_sides(self, azimuth, elevation):
        flipped = flip_equirectangular(panorama_of_a_dot(azimuth, elevation), axis=-1)
        assert_close(flipped, panorama_of_a_dot(-azimuth, elevation))

    def test_any_layout(self, library):
        image = library.array(np.arange(12).reshape(1, 4, 3))
        assert library.numpy(flip_equirectangular(image))[0, 0].tolist() == [9, 10, 11]


class TestCropRays:
    @given(st.floats(-np.pi, np.pi), st.floats(-np.pi / 2, np.pi / 2), st.floats(0.1, 3.0), st.floats(-np.pi, np.pi))
    def test_the_middle_is_the_direction_and_all_are_unit_vectors(self, azimuth, elevation, field_of_view, roll):
        rays = crop_rays(azimuth, elevation, field_of_view, 5, roll=roll)
        assert_close(rays[2, 2], angles_to_vectors(azimuth, elevation))
        assert_close(np.linalg.norm(rays, axis=-1), np.ones((5, 5)))

    def test_left_is_left_and_up_is_up(self):
        azimuth, elevation = vectors_to_angles(crop_rays(0.5, 0.1, 0.8, 6))
        assert np.all(np.diff(azimuth, axis=1) < 0)
        assert np.all(np.diff(elevation, axis=0) < 0)

    @pytest.mark.parametrize("degrees", [25.0, 90.0, 150.0])
    def test_the_field_of_view_lies_between_the_outer_edges(self, degrees):
        # The centres of the outer pixels are half a pixel inside: tan = tan(fov / 2) (1 − 1 / size).
        for size in (4, 101):
            rays = crop_rays(20, 0, degrees, size, degrees=True)
            middle_row = (
                rays[size // 2 : size // 2 + 1] if size % 2 else rays[size // 2 - 1 : size // 2 + 1].mean(0)[None]
            )
            azimuth, _ = vectors_to_angles(middle_row[0, [0, -1]], degrees=True)
            expected = np.rad2deg(np.arctan(np.tan(np.deg2rad(degrees / 2)) * (1 - 1 / size)))
            assert_close(azimuth - 20, np.array([expected, -expected]))

    def test_pixels_are_equally_spaced_in_the_tangent_plane(self):
        rays = crop_rays(0, 0, 90, 4, degrees=True)
        plane = rays / rays[..., :1]
        steps = [0.75, 0.25, -0.25, -0.75]
        assert_close(plane[..., 1], np.broadcast_to(steps, (4, 4)))
        assert_close(plane[..., 2], np.broadcast_to(steps, (4, 4)).T)

    @given(st.floats(-np.pi, np.pi), st.floats(-np.pi / 2, np.pi / 2), st.floats(-np.pi, np.pi))
    def test_the_camera_is_turned_by_yaw_minus_pitch_and_roll(self, azimuth, elevation, roll):
        turned = Rotation.from_euler("ZYX", [azimuth, -elevation, roll]).apply(crop_rays(0, 0, 1.2, 4).reshape(-1, 3))
        assert_close(crop_rays(azimuth, elevation, 1.2, 4, roll=roll).reshape(-1, 3), turned)

    def test_roll_brings_the_left_side_up(self):
        rays = crop_rays(0, 0, 60, 3, roll=90, degrees=True)
        assert rays[1, 0, 2] > 0.3  # the middle of the left column looks up
        assert rays[0, 1, 1] < -0.3  # the middle of the top row looks to the right

    def test_a_crop_of_a_panorama_shows_the_dot_in_the_middle(self):
        azimuth, elevation = 2.0, 0.6
        image = panorama_of_a_dot(azimuth, elevation, 256, 128)
        column, row = angles_to_pixels(*vectors_to_angles(crop_rays(azimuth, elevation, 1.0, 9)), 256, 128)
        crop = image[np.rint(row).astype(int), np.rint(column).astype(int) % 256]
        assert np.unravel_index(crop.argmax(), crop.shape) == (4, 4)

    def test_batches(self, library, rng):
        azimuth, elevation = library.array(rng.uniform(-3, 3, (3, 1))), library.array(rng.uniform(-1, 1, 4))
        field_of_view = library.array(rng.uniform(0.4, 1.5, (3, 4)))
        rays = library.numpy(crop_rays(azimuth, elevation, field_of_view, 5))
        assert rays.shape == (3, 4, 5, 5, 3)
        one = crop_rays(*(library.numpy(a) for a in (azimuth[2, 0], elevation[3], field_of_view[2, 3])), 5)
        assert_close(rays[2, 3], one)

    def test_dtype_and_gradients(self):
        assert crop_rays(torch.zeros(2), 0.0, 1.0, 4).dtype == torch.float32
        angles = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (0.4, np.pi / 2, 1.1, 0.2)]
        assert torch.autograd.gradcheck(lambda a, e, f, r: crop_rays(a, e, f, 3, roll=r), angles)


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_roll(self):
        with pytest.raises(ArrayTypeError, match="boolean"):
            roll_equirectangular(np.ones((2, 4), bool), 1.0, axis=-1)
        with pytest.raises(ArrayTypeError, match="boolean"):
            roll_equirectangular(torch.ones(2, 4, dtype=torch.bool), 1.0, axis=-1)
        with pytest.raises(ArrayTypeError, match="type list"):
            roll_equirectangular([[1.0]], 1.0)
        with pytest.raises(ArrayTypeError, match="one library"):
            roll_equirectangular(torch.ones(2, 4), np.ones(2), axis=-1)
        with pytest.raises(ShapeError, match=r"yaw of shape \(3,\).*\(2, 4, 8, 3\)"):
            roll_equirectangular(np.ones((2, 4, 8, 3)), np.ones(3))
        with pytest.raises(ShapeError, match="before the width"):
            roll_equirectangular(np.ones((2, 4, 8, 3)), np.ones((2, 4, 8)))
        with pytest.raises(ShapeError, match="axis=-2.*its width axis"):
            roll_equirectangular(np.ones(8), 1.0)
        with pytest.raises(ShapeError, match="axis=5"):
            flip_equirectangular(np.ones((2, 4, 3)), axis=5)

    def test_sizes(self):
        for function in (pixels_to_angles, angles_to_pixels):
            with pytest.raises(AmbikitError, match="width=0"):
                function(0, 0, 0, 4)
            with pytest.raises(AmbikitError, match="height=1.5"):
                function(0, 0, 4, 1.5)
        with pytest.raises(AmbikitError, match="size=0"):
            crop_rays(0.0, 0.0, 1.0, 0)

    @pytest.mark.parametrize("field_of_view", [0.0, -1.0, np.pi, 60.0, np.nan, [1.0, 4.0]])
    def test_field_of_view(self, field_of_view):
        with pytest.raises(AmbikitError, match="field_of_view=.*below π.*degrees="):
            crop_rays(0.0, 0.0, field_of_view, 4)

    def test_angles_that_do_not_broadcast(self):
        with pytest.raises(ShapeError, match="broadcast"):
            crop_rays(np.zeros(2), np.zeros(3), 1.0, 4)


@pytest.mark.usefixtures("no_shape_hook")
def test_pictures_compile_without_graph_breaks():
    def turn_and_look(image, yaw, azimuth):
        turned = roll_equirectangular(roll_equirectangular(image, yaw, axis=-1), 0.3, axis=-1)
        rays = crop_rays(azimuth, 0.1, 1.0, 3)
        return turned, angles_to_pixels(*vectors_to_angles(rays), 8, 4)[0], flip_equirectangular(image, axis=-1)

    arguments = torch.rand(2, 4, 8), torch.tensor([0.2, 1.0]), torch.tensor([0.5, 2.0])
    compiled = torch.compile(turn_and_look, fullgraph=True, backend="eager")(*arguments)
    for actual, expected in zip(compiled, turn_and_look(*arguments)):
        assert_close(actual.numpy(), expected.numpy(), "float32")
