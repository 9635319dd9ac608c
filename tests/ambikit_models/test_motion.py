"""Flow on the sphere and the directions of motion, against known turns and the known speeds of the world's objects."""

import math
import sys

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

import ambikit
from ambikit.errors import MissingExtraError, ShapeError
from ambikit_models.datasets.paired_clips import ClipFiles, PairedClips
from ambikit_models.panorama.flow import camera_rotation, flow_of_the_scene, spherical_flow
from ambikit_models.panorama.motion import INTERVAL, motion_map, moving_directions
from ambikit_models.world import WorldConfig, scene
from ambikit_models.world.panoramas import panorama_masks, panorama_rays
from ambikit_models.world.shading import shade
from tests.ambikit_models.clips import numbered_frame, numbers_of, write_video

pytest.importorskip("cv2")

HEIGHT = 96
#: the turn of a camera between two pictures: 30 degrees per second about an axis that is no axis of the frame
CAMERA = Rotation.from_rotvec(np.radians(30) * INTERVAL * np.array([0.3, 0.2, 0.93]))
ONE_BALL = {"sounding": (1, 1), "silent": (0, 0), "radius_degrees": (12.0, 14.0)}


def directions(height=HEIGHT):
    row, column = np.indices((height, 2 * height))
    return ambikit.angles_to_vectors(*ambikit.pixels_to_angles(column, row, 2 * height, height))


def blobs(turn=None):
    """A pattern in space, seen on the sphere, and the same turned: no picture is resampled."""
    generator = np.random.default_rng(0)
    u = directions() if turn is None else directions() @ turn.as_matrix()
    waves, phases = generator.normal(0, 9, (24, 3)), generator.uniform(0, 2 * np.pi, 24)
    return 128 + 14 * np.cos(u @ waves.T + phases).sum(-1)


def great_circle(turn):
    """The vectors to which a turn takes the pixels, by SciPy's rotations from one direction to the other."""
    u = directions().reshape(-1, 3)
    v = turn.apply(u)
    normal = np.cross(u, v)
    angle = np.arctan2(np.linalg.norm(normal, axis=-1), (u * v).sum(-1))
    tangent = np.cross(normal, u)
    return (tangent / np.linalg.norm(tangent, axis=-1, keepdims=True) * angle[:, None]).reshape(HEIGHT, -1, 3)


def film(config, index, count=4, camera=None):
    """Pictures of the world 1/8 s apart by a camera that turns: its rays are turned, no picture is resampled."""
    pictures = []
    for number in range(count):
        time = config.duration / 2 + (number - (count - 1) / 2) * INTERVAL
        turn = np.eye(3) if camera is None else (camera**number).as_matrix()
        rays = torch.as_tensor(panorama_rays(HEIGHT).numpy() @ turn, dtype=torch.float32)[None, None]
        angle = torch.full((1, 1), math.pi / HEIGHT)
        fine = shade(config, scene(config, 0, index).to("cpu"), rays, torch.tensor([time]), angle)[0, 0, :, 0]
        pictures.append((255 * fine).round().to(torch.uint8).permute(1, 2, 0).numpy())
    return np.stack(pictures)


def away(azimuth, elevation, place):
    there = math.radians(place[0]), math.radians(place[1])
    return math.degrees(
        math.acos(
            math.sin(elevation) * math.sin(there[1])
            + math.cos(elevation) * math.cos(there[1]) * math.cos(azimuth - there[0])
        )
    )


class TestFlow:
    @pytest.mark.parametrize("axis", [(0, 0, 1), (1, 0, 0), (0, 1, 0), (0.5, -0.6, 0.6)])
    @pytest.mark.parametrize(("degrees", "limit"), [(2, 0.25), (8, 0.6)])
    def test_a_turn_moves_every_pixel_along_its_great_circle(self, axis, degrees, limit):
        """Everywhere alike: in the middle, across the rim, and at both poles."""
        turn = Rotation.from_rotvec(np.radians(degrees) * np.array(axis) / np.linalg.norm(axis))
        error = np.degrees(np.linalg.norm(spherical_flow(blobs(), blobs(turn)) - great_circle(turn), axis=-1))
        for part in (error[40:56, 80:112], error[40:56, :8], error[40:56, -8:], error[:8], error[-8:]):
            assert np.median(part) < limit

    def test_the_turn_is_fitted_although_a_third_of_the_sphere_moves_otherwise(self):
        flow = great_circle(CAMERA)
        u = directions()
        flow[u[..., 0] > 1 / 3] = np.cross([0, 0.3, 0], u[u[..., 0] > 1 / 3])
        weights = np.sqrt(1 - u[..., 2] ** 2)
        found = camera_rotation(flow, weights)
        assert math.degrees((found * CAMERA.inv()).magnitude()) < 0.01

    def test_no_weights_no_turn(self):
        assert camera_rotation(great_circle(CAMERA), np.zeros((HEIGHT, 2 * HEIGHT))).magnitude() == 0

    def test_without_opencv(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "cv2", None)
        with pytest.raises(MissingExtraError, match=r"ambikit\[motion\]"):
            spherical_flow(blobs(), blobs())

    def test_errors(self, no_shape_hook):
        with pytest.raises(ShapeError, match="the same"):
            spherical_flow(np.zeros((32, 64)), np.zeros((16, 32)))
        with pytest.raises(ShapeError, match="at least 16 rows"):
            spherical_flow(np.zeros((8, 16)), np.zeros((8, 16)))


class TestTheWorld:
    @pytest.mark.parametrize("camera", [None, CAMERA])
    def test_the_speed_of_objects(self, camera):
        """On their great circles, within a quarter."""
        for index in (0, 1, 2, 3):
            config = WorldConfig(**ONE_BALL, speed_degrees=(20.0, 30.0), picture_depth=0.0)
            first, second = film(config, index, 2, camera).mean(-1)
            flow, _ = flow_of_the_scene(first, second)
            times = [config.duration / 2 - INTERVAL / 2]
            ball = panorama_masks(config, scene(config, 0, index), HEIGHT, times=times)[0, 0] >= 0
            true = scene(config, 0, index).objects.speed[0, 0] * np.cos(scene(config, 0, index).objects.elevation[0, 0])
            speed = np.median(np.linalg.norm(flow, axis=-1)[ball]) / INTERVAL
            assert speed == pytest.approx(true, rel=0.25)

    @pytest.mark.parametrize("camera", [None, CAMERA])
    def test_the_object_that_moves_is_found(self, camera):
        for index in (4, 5):
            config = WorldConfig(**ONE_BALL, speed_degrees=(20.0, 30.0))
            found = moving_directions(film(config, index, 4, camera))
            objects = scene(config, 0, index).objects
            place = ambikit.angles_to_vectors(objects.azimuth[0, 0], objects.elevation[0, 0])
            # the middle of the film, at one and a half turns
            place = place if camera is None else (camera**1.5).apply(place)
            place = np.degrees(ambikit.vectors_to_angles(place))
            assert away(found.azimuth[0], found.elevation[0], place) < 8

    def test_a_camera_that_turns_moves_nothing(self):
        """Still objects in rooms whose ceilings have no texture."""
        for index in (0, 1, 2):
            config = WorldConfig(speed_degrees=(0.0, 0.0), picture_depth=0.0)
            frames = film(config, index, 2, CAMERA)
            _, turn = flow_of_the_scene(*frames.mean(-1))
            assert math.degrees((turn * CAMERA.inv()).magnitude()) / INTERVAL < 1.5
            moving = WorldConfig(speed_degrees=(20.0, 30.0), picture_depth=0.0)
            reference = motion_map(film(moving, index, 2, CAMERA)).max()
            assert motion_map(frames).max() < 0.35 * reference


class TestMoving:
    def test_what_fades_everywhere_or_stands_still_does_not_move(self):
        still = np.full((3, 32, 64, 3), 90, np.uint8)
        assert moving_directions(still).azimuth.shape == (0,)
        fade = still + np.arange(3, dtype=np.uint8)[:, None, None, None] * 30
        assert moving_directions(fade).azimuth.shape == (0,)

    @pytest.mark.parametrize("place", [(0, 0), (180, 0), (-120, 40), (35, 78)])
    def test_patches_count_by_their_solid_angle(self, place):
        """A patch of the pattern that travels 3 degrees over a still ground, wherever on the sphere."""
        centre = ambikit.angles_to_vectors(*place, degrees=True)
        across = np.cross(centre, [0.3, 0.2, -0.93])
        step = Rotation.from_rotvec(np.radians(3) * across / np.linalg.norm(across))
        frames = []
        for number in range(2):
            turn = step ** (number - 0.5)
            patch = directions() @ turn.apply(centre) > math.cos(math.radians(14))
            frames.append(np.where(patch, blobs(turn), 100.0 + 0.1 * blobs()))
        frames = np.clip(np.stack(frames), 0, 255).astype(np.uint8)[..., None].repeat(3, -1)
        found = moving_directions(frames)
        assert away(found.azimuth[0], found.elevation[0], place) < 4
        # 24 degrees per second in a cap of 14 degrees, seen through a kernel that falls to a half at 10
        cosine = np.linspace(-1, 1, 20001)
        kernel = np.exp(math.log(2) / (1 - math.cos(math.radians(10))) * (cosine - 1))
        expected = 24 * kernel[cosine > math.cos(math.radians(14))].sum() / kernel.sum()
        assert math.degrees(found.strength[0]) == pytest.approx(expected, rel=0.2)

    def test_moments_are_averaged(self):
        config = WorldConfig(**ONE_BALL, speed_degrees=(20.0, 30.0))
        frames = film(config, 0, 3)
        pairs = np.stack([frames[:2], frames[1:]])
        np.testing.assert_allclose(motion_map(pairs), motion_map(frames), rtol=1e-5)
        np.testing.assert_allclose(
            motion_map(pairs, interval=0.25, minimum_speed=0), motion_map(frames, minimum_speed=0) / 2, rtol=1e-5
        )

    def test_files_give_pictures_an_eighth_of_a_second_apart(self, tmp_path):
        """Two of each of four moments of a video whose pictures say their numbers, eight per second."""
        write_video(tmp_path / "v.mp4", [numbered_frame(number) for number in range(32)], 8)
        ambikit.write(tmp_path / "v.wav", np.zeros((4, 4 * 1600)), 1600)
        clips = PairedClips([ClipFiles("v", "v", tmp_path / "v.mp4", tmp_path / "v.wav")])
        pairs = [numbers_of(pair) for pair in clips.panoramas(0)]
        assert [second - first for first, second in pairs] == [1, 1, 1, 1]
        assert [first for first, _ in pairs] == [3, 11, 19, 27]  # before the middles of four quarters

    def test_one_frame_does_not_move(self, no_shape_hook):
        with pytest.raises(ShapeError, match="at least 2"):
            moving_directions(np.zeros((1, 32, 64, 3), np.uint8))
