"""The picture of scenes: what is where, how large, what hides what; projector and shader check each other."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch.nn.functional import max_pool2d

import ambikit
from ambikit.errors import ShapeError
from ambikit_models.panorama import crop
from ambikit_models.world import WorldConfig, WorldDetector, detections, render_panoramas, scene, scenes
from ambikit_models.world.background import room_colours, room_surfaces
from ambikit_models.world.panoramas import panorama_masks, panorama_rays
from ambikit_models.world.shading import object_map, shade

CONFIG = WorldConfig()
ONE = WorldConfig(sounding=(1, 1), silent=(0, 0), speed_degrees=(0.0, 0.0), picture_depth=0.0)
MIDDLE = torch.tensor([0.25])


def moved(table, **changes):
    """The same scenes with other objects' values in all slots."""
    objects = {name: np.full_like(getattr(table.objects, name), value) for name, value in changes.items()}
    return dataclasses.replace(table, objects=dataclasses.replace(table.objects, **objects))


def look(table, azimuth, elevation=0.0, field_of_view=math.pi / 3, size=48, config=CONFIG, times=MIDDLE):
    """Picture and object map of one view of one scene."""
    rays = ambikit.crop_rays(*(torch.full((1, 1), float(a)) for a in (azimuth, elevation, field_of_view)), size)
    tensors = table.to("cpu")
    angle = torch.full((1, 1), field_of_view / size)
    return shade(config, tensors, rays, times, angle)[0, 0], object_map(config, tensors, rays, times)[0, 0]


def centre_of(mask):
    row, column = np.nonzero(np.asarray(mask))
    return row.mean(), column.mean()


class TestPlace:
    def test_an_object_is_in_the_middle_of_the_view_towards_it(self):
        for index in range(6):
            table = scene(ONE, 0, index)
            azimuth, elevation = table.objects.azimuth[0, 0], table.objects.elevation[0, 0]
            _, seen = look(table, azimuth, elevation, size=49)
            np.testing.assert_allclose(centre_of(seen[0] == 0), (24, 24), atol=0.1)

    def test_left_is_left_and_up_is_up(self):
        table = moved(scene(ONE, 0, 0), azimuth=math.radians(100), elevation=math.radians(5))
        row, column = centre_of(look(table, math.radians(85))[1][0] == 0)
        assert column < 23.5 - 5
        assert row < 23.5 - 1
        row, column = centre_of(look(table, math.radians(110), math.radians(20))[1][0] == 0)
        assert column > 23.5 + 3
        assert row > 23.5 + 5

    def test_it_moves_from_frame_to_frame(self):
        config = dataclasses.replace(ONE, speed_degrees=(30.0, 30.0))
        table = moved(scene(config, 0, 0), azimuth=0.0, elevation=0.0)
        times = torch.tensor([0.0, 0.25, 0.5])
        _, seen = look(table, 0.0, config=config, times=times)
        columns = [centre_of(frame == 0)[1] for frame in seen]
        assert columns[1] == pytest.approx(23.5, abs=0.1)
        # at the end 7.5 degrees to the left of the middle, where the camera sees an ellipse between its edges
        turn, radius = math.radians(7.5), table.objects.radius[0, 0]
        edges = [math.tan(turn + side * radius) for side in (-1, 1)]
        expected = 24 * sum(edges) / 2 / math.tan(math.radians(30))
        assert columns[0] - columns[1] == pytest.approx(expected, abs=0.15)
        assert columns[1] - columns[2] == pytest.approx(expected, abs=0.15)

    def test_its_size_is_its_angle(self):
        for degrees in (12, 22):
            table = moved(scene(ONE, 0, 0), azimuth=0.0, elevation=0.0, radius=math.radians(degrees))
            mask = look(table, 0.0, size=96)[1][0] == 0
            radius = 48 * math.tan(math.radians(degrees)) / math.tan(math.radians(30))
            assert int(mask.sum()) == pytest.approx(math.pi * radius**2, rel=0.02)

    def test_the_nearer_object_hides_the_farther(self):
        table = moved(scene(WorldConfig(sounding=(2, 2), silent=(0, 0)), 0, 0), azimuth=0.3, elevation=0.0)
        objects = table.objects
        for near in (0, 1):
            distance = np.where(np.arange(objects.kind.shape[1]) == near, 1.0, 2.0)[None]
            changed = dataclasses.replace(table, objects=dataclasses.replace(objects, distance_seen=distance))
            _, seen = look(changed, 0.3)
            assert seen[0, 24, 24] == near


class TestMasks:
    def test_pixels_change_exactly_where_the_mask_says(self):
        table = scenes(CONFIG, 0, range(4))
        rays = panorama_rays(90).expand(4, 1, -1, -1, -1)
        angle = torch.full((4, 1), math.pi / 90)
        with_objects = shade(CONFIG, table.to("cpu"), rays, MIDDLE, angle)[:, 0, :, 0]
        seen = object_map(CONFIG, table.to("cpu"), rays, MIDDLE)[:, 0, 0]
        nothing = moved(table, present=False).to("cpu")
        empty = shade(CONFIG, nothing, rays, MIDDLE, angle)[:, 0, :, 0]
        assert (object_map(CONFIG, nothing, rays, MIDDLE) == -1).all()
        difference = (with_objects - empty).abs().amax(dim=1)
        surfaces = room_surfaces(nothing.room_seen, rays.flatten(2, 3))
        floor = ((surfaces.axis == 2) & (surfaces.direction[..., 2] < 0)).view(4, 90, 180)
        # edges are blended over a pixel, which is up to two columns at high elevations; objects shade the floor
        inside = (seen >= 0).float()[:, None]
        outer, inner = max_pool2d(inside, 5, 1, 2)[:, 0], 1 - max_pool2d(1 - inside, 5, 1, 2)[:, 0]
        assert (difference[inner.bool()] > 0.02).float().mean() > 0.98
        assert difference[~outer.bool() & ~floor].max() == 0

    def test_the_middle_of_an_object_has_the_hue_of_its_class(self):
        for kind in range(12):
            table = moved(scene(ONE, 0, kind), azimuth=0.4, elevation=0.0, kind=kind, hue=kind / 12)
            picture, seen = look(table, 0.4)
            r, g, b = picture[:, 0][:, seen[0] == 0].median(dim=1).values.tolist()
            hue = math.atan2(math.sqrt(3) * (g - b), 2 * r - g - b) / (2 * math.pi)
            assert abs((hue - kind / 12 + 0.5) % 1 - 0.5) < 0.03

    def test_boxes_enclose_the_masks(self):
        height = 256
        pixel = math.pi / height
        for index in range(4):
            table = scene(ONE, 2, index)
            found = detections(ONE, table, 0)
            row, column = np.nonzero(panorama_masks(ONE, table, height)[0, 0] == 0)
            azimuth, elevation = ambikit.pixels_to_angles(column, row, 2 * height, height)
            away = np.mod(azimuth - found.azimuth[0] + math.pi, 2 * math.pi) - math.pi
            np.testing.assert_allclose((away.max(), -away.min()), found.width[0] / 2, atol=pixel)
            top, bottom = elevation.max() - found.elevation[0], found.elevation[0] - elevation.min()
            np.testing.assert_allclose((top, bottom), found.height[0] / 2, atol=pixel)
            assert found.label[0] == f"class {table.objects.kind[0, 0]}"

    def test_the_detector_that_knows(self):
        table = scenes(CONFIG, 0, range(3))
        detector = WorldDetector(CONFIG, table)
        found = detector.detect(render_panoramas(CONFIG, table, 16)[:, 0])
        assert [len(f) for f in found] == table.objects.present.sum(1).tolist()
        with pytest.raises(ShapeError, match="2 frames"):
            detector.detect(np.zeros((2, 4, 8, 3), np.uint8))


class TestPicture:
    def test_a_crop_of_the_panorama_is_the_view(self):
        table = scenes(CONFIG, 0, range(2))
        panoramas = render_panoramas(CONFIG, table, 400, oversampling=2)[:, 0]
        azimuth, elevation = np.radians([[10.0, 170.0]] * 2), np.radians([[25.0, -30.0]] * 2)
        cropped = crop(panoramas, azimuth, elevation, field_of_view=math.radians(70), size=48) / 255.0
        angles = [torch.as_tensor(a).float() for a in (azimuth, elevation, np.full((2, 2), math.radians(70)))]
        rays = ambikit.crop_rays(*angles, 48)
        shaded = shade(CONFIG, table.to("cpu"), rays, MIDDLE, angles[2] / 48)[:, :, :, 0].movedim(2, -1).numpy()
        difference = np.abs(cropped - shaded)
        # the two filter edges unlike one another; everywhere else they agree within the steps of 8 bits
        assert np.median(difference) < 0.006
        assert np.mean(difference) < 0.012
        for flipped in (cropped[:, :, ::-1], cropped[:, :, :, ::-1], cropped.swapaxes(2, 3)):
            assert np.mean(np.abs(flipped - shaded)) > 5 * np.mean(difference)

    def test_colours_are_in_range_and_finite(self):
        table = scenes(CONFIG, 1, range(8))
        rays = panorama_rays(32).expand(8, 1, -1, -1, -1)
        picture = shade(CONFIG, table.to("cpu"), rays, torch.tensor([0.0, 0.5]), torch.full((8, 1), 0.1))
        assert picture.shape == (8, 1, 3, 2, 32, 64)
        assert torch.isfinite(picture).all()
        assert picture.min() >= 0
        assert picture.max() <= 1

    def test_texture_too_fine_for_the_pixels_fades_into_its_mean(self):
        table = scene(CONFIG, 0, 7).to("cpu")
        rays = panorama_rays(256)[None, None].flatten(2, 3)
        surfaces = room_surfaces(table.room_seen, rays)

        # a texture of the strongest kind, whatever this room has been given
        strong = dataclasses.replace(table.looks, contrast=torch.full((1,), 0.25))

        def colours(angle):
            return room_colours(table.room_seen, strong, surfaces, torch.full((1, 1), angle))

        plain = dataclasses.replace(table.looks, contrast=torch.zeros(1))
        without = room_colours(table.room_seen, plain, surfaces, torch.full((1, 1), 0.01))
        fine, coarse = (colours(angle) - without for angle in (0.001, 1.0))
        assert fine.abs().mean() > 0.02
        assert coarse.abs().mean() < 0.002

    def test_brightness_pulses_with_the_sound(self):
        config = dataclasses.replace(ONE, picture_depth=0.4)
        table = moved(scene(config, 0, 3), azimuth=0.0, elevation=0.0)
        times = torch.linspace(0.0, 0.5, 26)
        picture, seen = look(table, 0.0, config=config, times=times)
        brightness = torch.stack([picture[:, i][:, seen[i] == 0].mean() for i in range(26)]).numpy()
        rate, phase = table.objects.pulse_rate[0, 0], table.objects.pulse_phase[0, 0]
        expected = np.cos(2 * np.pi * rate * times.numpy() + phase)
        assert np.corrcoef(brightness, expected)[0, 1] > 0.99
        assert brightness.min() / brightness.max() < 0.75

    @pytest.mark.cuda
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
    def test_every_device_makes_the_same_picture(self):
        table = scenes(CONFIG, 0, range(8))
        rays = panorama_rays(64).expand(8, 1, -1, -1, -1)
        angle = torch.full((8, 1), math.pi / 64)
        here = shade(CONFIG, table.to("cpu"), rays, MIDDLE, angle)
        there = shade(CONFIG, table.to("cuda"), rays.cuda(), MIDDLE.cuda(), angle.cuda()).cpu()
        torch.testing.assert_close(there, here, atol=1e-4, rtol=0)
