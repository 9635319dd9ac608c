import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from ambikit import angles_to_vectors, pixels_to_angles, roll_equirectangular, turn_equirectangular
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close

WIDTH, HEIGHT = 96, 48
DIRECTIONS = angles_to_vectors(*pixels_to_angles(*np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), WIDTH, HEIGHT))


def world(directions):
    """Smooth colours all over the sphere, poles and back included."""
    x, y, z = np.moveaxis(directions, -1, 0)
    return np.stack([np.exp(x + 0.5 * y), np.sin(2 * z + y), x * y * z + z], -1)


class TestValues:
    @pytest.mark.parametrize("pose", [(0, 0, 0), (0.7, 0, 0), (0, 1.2, 0), (0, 0, -2.0), (0.7, -1.1, 2.3)])
    def test_the_world_seen_from_a_turned_head(self, pose, library):
        """A picture of a world that is turned, from its formula; bilinear interpolation is off by h² / 8 at most."""
        turned = library.numpy(turn_equirectangular(library.array(world(DIRECTIONS)), *pose))
        expected = world(DIRECTIONS @ Rotation.from_euler("ZYX", pose).as_matrix())
        assert np.abs(turned - expected).max() < 6 * (2 * np.pi / WIDTH) ** 2 / 8 * 2

    def test_finer_pictures_are_better_by_the_square(self):
        errors = []
        for width in (64, 128):
            grid = np.meshgrid(np.arange(width), np.arange(width // 2))
            directions = angles_to_vectors(*pixels_to_angles(*grid, width, width // 2))
            expected = world(directions @ Rotation.from_euler("ZYX", [0.7, -1.1, 2.3]).as_matrix())
            errors.append(np.abs(turn_equirectangular(world(directions), 0.7, -1.1, 2.3) - expected).max())
        assert errors[0] / errors[1] == pytest.approx(4, rel=0.25)

    def test_yaw_is_roll_equirectangular(self, library, rng):
        picture = library.array(rng.normal(size=(HEIGHT, WIDTH, 3)))
        for yaw in (90, 33.3):
            turned = turn_equirectangular(picture, yaw, degrees=True)
            assert_close(
                library.numpy(turned), library.numpy(roll_equirectangular(picture, yaw, degrees=True)), factor=100
            )

    def test_a_quarter_of_pitch_brings_the_front_down(self):
        picture = np.zeros((HEIGHT, WIDTH))
        picture[HEIGHT // 2 - 1 : HEIGHT // 2 + 1, WIDTH // 2 - 1 : WIDTH // 2 + 1] = 1
        turned = turn_equirectangular(picture, pitch=90, degrees=True, axis=-1)
        assert turned[-1].min() > 0.5
        assert turned[: HEIGHT // 2].max() == 0

    def test_integers_are_rounded(self, library, rng):
        picture = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        turned = library.numpy(turn_equirectangular(library.array(picture), 0.3, 0.2, 0.1))
        assert turned.dtype == np.uint8
        expected = np.rint(turn_equirectangular(picture.astype(float), 0.3, 0.2, 0.1))
        assert np.abs(turned.astype(float) - expected).max() <= 1  # ties of single and double precision
        assert np.mean(turned == expected) > 0.999


class TestPoses:
    def test_one_for_each_clip(self, library, rng):
        pictures, yaw = rng.normal(size=(3, 2, HEIGHT, WIDTH, 3)), rng.uniform(-3, 3, 3)
        turned = library.numpy(turn_equirectangular(library.array(pictures), library.array(yaw), 0.2))
        for n in range(3):
            assert_close(turned[n], turn_equirectangular(pictures[n], yaw[n], 0.2))
        rotations = Rotation.from_euler("ZYX", np.stack([yaw, [0.2] * 3, [0.0] * 3], -1))
        assert_close(library.numpy(turn_equirectangular(library.array(pictures), rotation=rotations)), turned)
        assert turn_equirectangular(pictures[:0], yaw[:0]).shape == (0, 2, HEIGHT, WIDTH, 3)

    def test_dtypes_are_kept(self, library, dtype, rng):
        picture = library.array(rng.normal(size=(8, 16, 3)), dtype)
        turned = turn_equirectangular(picture, 0.3, 0.4)
        assert turned.dtype == picture.dtype
        assert_close(library.numpy(turned), turn_equirectangular(library.numpy(picture).astype(float), 0.3, 0.4), dtype)
        single = library.array(np.array([0.3]), "float32")
        assert turn_equirectangular(picture[None], single, 0.4).dtype == picture.dtype

    def test_gradients_to_picture_and_pose(self, rng):
        picture = torch.tensor(rng.normal(size=(6, 12, 2)), requires_grad=True)
        pose = torch.tensor([0.3, 0.2, -0.1], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda p, a: turn_equirectangular(p, *a), (picture, pose))

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile(self, rng):
        picture, yaw = torch.tensor(rng.normal(size=(6, 12, 2))), torch.tensor(0.3, dtype=torch.float64)
        compiled = torch.compile(lambda p, a: turn_equirectangular(p, a, 0.2), fullgraph=True, backend="eager")
        assert_close(compiled(picture, yaw).numpy(), turn_equirectangular(picture, yaw, 0.2).numpy())


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_pictures(self):
        with pytest.raises(ArrayTypeError, match="type list"):
            turn_equirectangular([[1.0]], 0.1)
        with pytest.raises(ArrayTypeError, match="boolean"):
            turn_equirectangular(np.zeros((4, 8, 3), bool), 0.1)
        for axis in (0, -3, 5):
            with pytest.raises(ShapeError, match="width axis"):
                turn_equirectangular(np.zeros((4, 8, 3)), 0.1, axis=axis)

    def test_poses(self):
        picture = np.zeros((2, 4, 8, 3))
        with pytest.raises(ShapeError, match=r"poses of shape \(3,\)"):
            turn_equirectangular(picture, [0.1, 0.2, 0.3])
        with pytest.raises(AmbikitError, match="both angles and rotation"):
            turn_equirectangular(picture, 0.1, rotation=[0, 0, 0, 1])
        with pytest.raises(ArrayTypeError, match="one library"):
            turn_equirectangular(picture, torch.tensor(0.1))
