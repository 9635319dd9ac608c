"""Sources that face a direction: every image shows the room the side of the source that a mirror would."""

import numpy as np
import pytest
import torch

from ambikit import (
    directional_source,
    image_sources,
    render_room,
    room_impulse_response,
    rotate,
    vectors_to_angles,
)
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close
from tests.oracles import mirrored_sources, real_spherical_harmonics

ROOM, SOURCE, LISTENER = [6.0, 4.0, 3.0], [4.5, 3.0, 1.2], [2.0, 1.5, 1.7]
WALLS = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]


def matched(images, expected):
    """For each image of the oracle the number of ours in the same place."""
    ours = images.directions * images.distances[:, None]
    gaps = np.linalg.norm(ours[None] - np.array([vector for vector, *_ in expected])[:, None], axis=-1)
    assert gaps.min(1).max() < 1e-12
    match = gaps.argmin(1)
    assert sorted(match) == list(range(len(expected)))
    return match


class TestAgainstMirrors:
    """A second implementation that mirrors the source and its axes at one wall after the other."""

    @pytest.mark.parametrize("max_reflections", [0, 1, 3])
    def test_emissions_and_gains_of_any_pattern(self, max_reflections, library, rng):
        weights = rng.standard_normal(9)
        arguments = [library.array(np.array(x)) for x in (ROOM, SOURCE, LISTENER)]
        images = image_sources(
            *arguments,
            reflection=library.array(np.array(WALLS)),
            max_reflections=max_reflections,
            source_weights=library.array(weights),
        )
        images = type(images)(*(library.numpy(x) for x in vars(images).values()))
        expected = mirrored_sources(ROOM, SOURCE, LISTENER, WALLS, max_reflections)
        match = matched(images, expected)
        emissions = np.array([emission for _, emission, _ in expected])
        assert_close(images.emissions[match], emissions)
        harmonics = real_spherical_harmonics(*vectors_to_angles(emissions), 2)
        loudness = np.array([loss / np.linalg.norm(vector) for vector, _, loss in expected])
        assert_close(images.gains[match], loudness * (harmonics @ weights))

    def test_a_cardioid_in_words(self):
        """0.5 + 0.5 cos of the angle between where it faces and where the sound leaves."""
        axis = np.array([0.6, 0.0, 0.8])
        cardioid = directional_source("cardioid", *vectors_to_angles(axis))
        images = image_sources(ROOM, SOURCE, LISTENER, reflection=WALLS, max_reflections=2, source_weights=cardioid)
        expected = mirrored_sources(ROOM, SOURCE, LISTENER, WALLS, 2)
        gains = [loss / np.linalg.norm(vector) * (0.5 + 0.5 * (emission @ axis)) for vector, emission, loss in expected]
        assert_close(images.gains[matched(images, expected)], np.array(gains))


class TestByHand:
    def test_facing_away_the_direct_sound_is_gone_and_the_wall_behind_lights_up(self):
        """Source 2 m ahead of the listener, 1 m before the front wall, facing it: the echo has gone 4 m, mirrored."""
        away = directional_source("cardioid", 0, 0)
        settings = {"reflection": 0.5, "max_reflections": 1}
        images = image_sources([6, 4, 3], [5, 2, 1.5], [3, 2, 1.5], source_weights=away, **settings)
        omni = image_sources([6, 4, 3], [5, 2, 1.5], [3, 2, 1.5], **settings)
        assert images.gains[0] == pytest.approx(0, abs=1e-15)
        assert images.gains[2] == pytest.approx(0.5 / 4)  # the front wall: full, as from a source that faces us
        assert images.gains[1] == pytest.approx(0, abs=1e-15)  # the back wall, which the source does not face
        assert_close(images.gains[3:], 0.5 * omni.gains[3:] * (1 + images.emissions[3:, 0]))
        towards = directional_source("cardioid", 180, 0, degrees=True)
        facing = image_sources([6, 4, 3], [5, 2, 1.5], [3, 2, 1.5], source_weights=towards, **settings)
        assert_close(facing.gains[:3], np.array([1 / 2, 0.5 / 8, 0.0]))

    def test_left_and_right_change_places_in_a_side_wall(self):
        """A figure of eight along the room's depth, listener beside it: sides alike, front and back of other sign."""
        eight = directional_source("figure_eight", 0, 0)
        images = image_sources([8, 8, 8], [4, 6, 4], [4, 2, 4], reflection=1, max_reflections=1, source_weights=eight)
        assert_close(images.emissions[0], np.array([0.0, -1.0, 0.0]))
        assert images.gains[0] == pytest.approx(0, abs=1e-15)
        assert images.gains[1] == pytest.approx(-images.gains[2])
        assert images.gains[2] > 0

    def test_omni_is_no_pattern(self):
        omni = directional_source("omni", 0, 0, order=0)
        settings = {"reflection": WALLS, "max_reflections": 2}
        with_pattern = room_impulse_response(ROOM, SOURCE, LISTENER, 8000, source_weights=omni, **settings)
        assert_close(with_pattern, room_impulse_response(ROOM, SOURCE, LISTENER, 8000, **settings))

    def test_weights_turn_like_a_signal(self):
        front = directional_source("max_re", 0, 0, order=3)
        turned = rotate(front[:, None], yaw=100, pitch=-20, degrees=True)[:, 0]
        assert_close(turned, directional_source("max_re", 100, 20, order=3, degrees=True))

    def test_weights_of_a_degree_as_given(self, library):
        up = library.array(np.array([np.pi / 2]))
        weights = directional_source(library.array(np.array([0.3, 0.7])), 0.0, up)
        assert_close(library.numpy(weights), np.array([[0.3, 0.0, 0.7, 0.0]]))


class TestBatchesAndGradients:
    def test_sources_of_a_batch_face_their_own_ways(self, library):
        axes = directional_source("cardioid", [0, 90, 180], 0, degrees=True)
        images = image_sources(
            library.array(np.array(ROOM)),
            SOURCE,
            LISTENER,
            reflection=0.5,
            max_reflections=2,
            source_weights=library.array(axes),
        )
        assert images.gains.shape == (3, 25)
        for n in range(3):
            one = image_sources(ROOM, SOURCE, LISTENER, reflection=0.5, max_reflections=2, source_weights=axes[n])
            assert_close(library.numpy(images.gains)[n], one.gains)

    def test_gradients_to_everything(self):
        values = (ROOM, SOURCE, LISTENER, WALLS, [0.5, 0.1, 0.2, 0.3], 0.01)
        arguments = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in values]

        def response(room, source, listener, walls, weights, air):
            return room_impulse_response(
                room,
                source,
                listener,
                4000,
                reflection=walls,
                max_reflections=1,
                length=150,
                source_weights=weights,
                air_absorption=air,
            )

        assert torch.autograd.gradcheck(response, arguments, fast_mode=True)

    def test_gradients_to_the_angle(self):
        azimuth = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda angle: directional_source("cardioid", angle, 0.2), (azimuth,))

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile(self):
        def response(source, weights):
            return room_impulse_response(
                ROOM, source, LISTENER, 8000, reflection=0.5, max_reflections=1, length=300, source_weights=weights
            )

        arguments = torch.tensor(SOURCE), torch.tensor([0.5, 0.5, 0.0, 0.0])
        compiled = torch.compile(response, fullgraph=True, backend="eager")
        assert_close(compiled(*arguments).numpy(), response(*arguments).numpy(), "float32")


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_weights(self):
        settings = {"reflection": 0.5, "max_reflections": 1}
        with pytest.raises(ShapeError, match=r"3 source_weights of shape \(3,\)"):
            image_sources(ROOM, SOURCE, LISTENER, source_weights=[1, 0, 0], **settings)
        with pytest.raises(ShapeError, match="single number"):
            image_sources(ROOM, SOURCE, LISTENER, source_weights=1.0, **settings)
        with pytest.raises(ShapeError, match="broadcast"):
            image_sources(ROOM, [SOURCE] * 2, LISTENER, source_weights=np.ones((3, 4)), **settings)
        with pytest.raises(ArrayTypeError, match="where numbers belong"):
            image_sources(ROOM, SOURCE, LISTENER, source_weights="cardioid", **settings)
        with pytest.raises(AmbikitError, match="pattern"):
            directional_source("kardioid", 0, 0)

    def test_a_track_of_weights_needs_the_length_of_the_signal(self):
        with pytest.raises(ShapeError, match=r"source_weights of shape \(7, 4\) for 20 samples"):
            render_room(
                np.ones(20), ROOM, SOURCE, LISTENER, 8000, reflection=0.5, max_reflections=0, trajectory=True,
                source_weights=np.ones((7, 4)),
            )  # fmt: skip
