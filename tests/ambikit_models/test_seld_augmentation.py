import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

import ambikit
from ambikit.errors import AmbikitError, ShapeError
from ambikit_models.seld.augmentation import (
    move_events,
    move_targets,
    swap_channels,
    swap_features,
    swap_targets,
    turn_scene,
)
from ambikit_models.seld.labels import Events
from ambikit_models.seld.targets import accdoa_targets, accdoa_to_events, multi_accdoa_targets, multi_accdoa_to_events
from tests.closeness import assert_close

SWAPS = pytest.mark.parametrize("index", range(16))
EVENTS = Events.of([(0, 0, 0, 0.7, 0.4), (0, 1, 1, -2.5, -0.8), (1, 1, 1, -2.4, -0.8), (1, 1, 2, 1.9, 0.1)])
#: what the table of ambikit.acs says: sense of azimuth, quarter turns, sense of elevation
SENSES = [(1, 1)] * 4 + [(-1, -1)] * 4 + [(-1, 1)] * 4 + [(1, -1)] * 4


def placed(azimuth, elevation):
    """Noise at a place on the sphere, and the features of its sound."""
    noise = np.random.default_rng(3).normal(size=4000)
    return torch.as_tensor(ambikit.encode(noise, azimuth, elevation))


def by_words(azimuth, elevation, index):
    """Where a source goes, written out in angles."""
    sense, upright = SENSES[index]
    return sense * azimuth + index % 4 * np.pi / 2, upright * elevation


class TestSwaps:
    @SWAPS
    def test_the_swapped_sound_is_that_of_a_source_at_the_swapped_label(self, index):
        """A source placed on the sphere where the swapped label says has the features of the swapped sound."""
        events = EVENTS[:1]
        signal, targets = swap_channels(
            placed(events.azimuth[0], events.elevation[0]), accdoa_targets(events, 1, 1), index
        )
        label = accdoa_to_events(targets)
        azimuth, elevation = by_words(events.azimuth[0], events.elevation[0], index)
        assert ambikit.angular_distance(label.azimuth, label.elevation, azimuth, elevation).max() < 1e-6
        there = placed(label.azimuth[0], label.elevation[0])
        # the label is single precision
        assert_close(signal.numpy(), there.numpy(), "float32")
        features = (ambikit.foa_features(s, 16000, bands=16) for s in (signal, there))
        assert_close(*(f.numpy() for f in features), "float32", factor=10)

    @SWAPS
    def test_the_intensity_of_the_sound_points_where_the_target_points(self, index):
        events = EVENTS[1:2]
        signal, targets = swap_channels(
            placed(events.azimuth[0], events.elevation[0]), multi_accdoa_targets(events, 2, 1), index
        )
        heard = ambikit.foa_features(signal, 16000, bands=16)[4:, 8, 20]
        np.testing.assert_allclose(heard.numpy(), targets[0, 1, :, 0].numpy(), atol=1e-6)

    @SWAPS
    def test_features_are_those_of_the_swapped_signal(self, index):
        scene = placed(0.7, 0.4) + 0.5 * placed(-2.5, -0.8).roll(100, -1)
        expected = ambikit.foa_features(ambikit.acs(scene, index), 16000, bands=16)
        assert_close(swap_features(ambikit.foa_features(scene, 16000, bands=16), index).numpy(), expected.numpy())

    @SWAPS
    def test_events_and_multi_accdoa_targets_go_together(self, index):
        moved = move_events(EVENTS, ambikit.CHANNEL_SWAPS[index])
        expected = multi_accdoa_targets(moved, 2, 2)
        torch.testing.assert_close(swap_targets(multi_accdoa_targets(EVENTS, 2, 2), index), expected)
        back = multi_accdoa_to_events(expected)
        for column in ("frame", "class_index"):
            assert getattr(back, column).tolist() == getattr(EVENTS, column).tolist()

    def test_each_clip_its_own(self):
        signal = torch.stack([placed(0.3 * n, 0.1 * n) for n in range(16)])
        features = ambikit.foa_features(signal, 16000, bands=16)
        targets = multi_accdoa_targets(EVENTS, 2, 2).expand(16, -1, -1, -1, -1)
        index = torch.randperm(16, generator=torch.Generator().manual_seed(0))
        moved, moved_targets = swap_channels(signal, targets, index)
        moved_features = swap_features(features, index)
        assert moved_targets.shape == targets.shape
        for n, i in enumerate(index.tolist()):
            one, one_target = swap_channels(signal[n], targets[n], i)
            assert torch.equal(moved[n], one)
            assert torch.equal(moved_targets[n], one_target)
            assert torch.equal(moved_features[n], swap_features(features[n], i))

    def test_wrong_features(self, no_shape_hook):
        with pytest.raises(ShapeError, match="foa_features"):
            swap_features(torch.zeros(2, 4, 16, 10), 1)


class TestTurns:
    @given(st.floats(-3, 3), st.floats(-1.5, 1.5), st.floats(-3, 3))
    def test_the_turned_sound_is_that_of_a_source_at_the_turned_label(self, yaw, pitch, roll):
        events = EVENTS[:1]
        signal = placed(events.azimuth[0], events.elevation[0])
        turned, targets = turn_scene(signal, accdoa_targets(events, 1, 1).double(), yaw, pitch, roll)
        label = accdoa_to_events(targets)
        assert_close(turned.numpy(), placed(label.azimuth[0], label.elevation[0]).numpy(), "float32")
        matrix = Rotation.from_euler("ZYX", [yaw, pitch, roll]).as_matrix()
        moved = move_events(events, matrix)
        assert ambikit.angular_distance(label.azimuth, label.elevation, moved.azimuth, moved.elevation).max() < 1e-6

    def test_each_clip_its_own_pose_and_any_order(self):
        angles = torch.tensor([0.4, -1.0, 2.0], dtype=torch.float64)
        noise = torch.randn(200, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        signal = ambikit.encode(noise.expand(3, -1), 0.5, 0.3, 2)
        targets = multi_accdoa_targets(Events.of([(0, 0, 0, 0.5, 0.3)]), 2, 1).expand(3, -1, -1, -1, -1)
        turned, moved = turn_scene(signal, targets, angles, pitch=0.2)
        for n in range(3):
            label = multi_accdoa_to_events(moved[n])
            expected = ambikit.encode(noise, label.azimuth.item(), label.elevation.item(), 2)
            assert_close(turned[n].numpy(), expected.numpy(), "float32")

    def test_a_swap_that_is_a_turn(self):
        signal, targets = placed(0.7, 0.4), multi_accdoa_targets(EVENTS, 2, 2)
        turned = turn_scene(signal, targets, yaw=90, degrees=True)
        for one, other in zip(turned, swap_channels(signal, targets, 1), strict=True):
            torch.testing.assert_close(one, other)

    @pytest.mark.parametrize("index", [16, -1, [0, 16], 1.5, True, torch.tensor(1.0)])
    def test_swaps_that_there_are_not(self, index):
        for function, argument in ((swap_features, torch.ones(7, 1, 1)), (swap_targets, torch.ones(1, 3, 1))):
            with pytest.raises(AmbikitError, match="from 0 to 15"):
                function(argument, index)

    def test_quaternions(self):
        rotation = Rotation.from_euler("ZYX", [0.3, 0.2, 0.1])
        quaternion = torch.as_tensor(rotation.as_quat())
        signal, targets = placed(0.7, 0.4), accdoa_targets(EVENTS[:1], 1, 1).double()
        for one, other in zip(
            turn_scene(signal, targets, rotation=quaternion), turn_scene(signal, targets, 0.3, 0.2, 0.1), strict=True
        ):
            torch.testing.assert_close(one, other)

    def test_silence_stays_silent(self):
        assert not move_targets(torch.zeros(3, 2, 3, 4), torch.as_tensor(Rotation.random(rng=0).as_matrix())).any()

    def test_wrong_shapes(self, no_shape_hook):
        with pytest.raises(ShapeError, match="one matrix per clip"):
            move_targets(torch.zeros(2, 4, 5), torch.eye(3))


class TestEvents:
    def test_other_columns_stay(self):
        events = Events.of([(4, 1, 2, 0.5, 0.1, 2.5)])
        moved = move_events(events, ambikit.Symmetry.mirror("front_back"))
        assert (moved.frame[0], moved.class_index[0], moved.source[0], moved.distance[0]) == (4, 1, 2, 2.5)
        assert moved.azimuth[0] == pytest.approx(np.pi - 0.5)
