from itertools import permutations, product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import ambikit
from ambikit.errors import AmbikitError, ShapeError
from ambikit_models.seld.adpit import adpit_loss, assignments
from ambikit_models.seld.labels import Events
from ambikit_models.seld.targets import (
    accdoa_targets,
    accdoa_to_events,
    multi_accdoa_targets,
    multi_accdoa_to_events,
)

ANGLES = st.tuples(st.floats(-3.1, 3.1), st.floats(-1.5, 1.5))


def vectors(*azimuths, elevation=0.0, length=1.0):
    """Tracks of one class in one frame that point to azimuths (degrees)."""
    points = length * ambikit.angles_to_vectors(list(azimuths), elevation, degrees=True)
    return torch.as_tensor(points, dtype=torch.float64)[:, None, :, None]


def azimuths_of(events):
    return np.degrees(events.azimuth).round(6).tolist()


class TestTargets:
    def test_the_axes_are_classes_xyz_frames(self):
        events = Events.of([(2, 1, 0, np.pi / 2, 0.0), (3, 0, 0, 0.3, np.pi / 2)])
        targets = accdoa_targets(events, classes=3, frames=5)
        assert targets.shape == (3, 3, 5)
        assert targets.dtype == torch.float32
        expected = torch.zeros(3, 3, 5)
        expected[1, 1, 2] = 1.0  # on the left: y
        expected[0, 2, 3] = 1.0  # above: z
        torch.testing.assert_close(targets, expected)

    def test_the_vector_is_the_intensity_of_the_source(self):
        """A source placed on the sphere: the target is what the normalised intensity of its sound says."""
        events = Events.of([(0, 0, 0, 2.0, -0.7)])
        signal = ambikit.encode(np.random.default_rng(0).normal(size=512), events.azimuth[0], events.elevation[0])
        spectrum = ambikit.stft(signal, frame_length=128, hop_length=64)
        heard = ambikit.active_intensity(spectrum)[:, 20, 3]
        np.testing.assert_allclose(accdoa_targets(events, 1, 1)[0, :, 0], heard, atol=1e-6)

    def test_sources_of_one_class_fill_the_tracks_in_their_order(self):
        events = Events.of([(0, 1, 0, 0.0, 0.0), (0, 0, 1, 1.0, 0.0), (0, 1, 2, np.pi / 2, 0.0), (1, 1, 2, 0.0, 1.0)])
        targets = multi_accdoa_targets(events, classes=2, frames=2)
        assert targets.shape == (3, 2, 3, 2)
        lengths = targets.norm(dim=-2)
        assert lengths[:, 1, 0].round().tolist() == [1, 1, 0]
        assert lengths[:, 0, 0].round().tolist() == [1, 0, 0]
        assert lengths[:, 1, 1].round().tolist() == [1, 0, 0]
        torch.testing.assert_close(targets[1, 1, :, 0], torch.tensor([0.0, 1.0, 0.0]))

    def test_what_comes_after_the_last_frame_is_left_out(self):
        events = Events.of([(4, 0, 0, 0.0, 0.0), (5, 9, 0, 0.0, 0.0)])
        assert accdoa_targets(events, 1, 5).norm().item() == pytest.approx(1.0)
        assert not accdoa_targets(Events.of([]), 2, 3).any()

    def test_too_many_sources_or_classes(self):
        events = Events.of([(7, 2, s, 0.1 * s, 0.0) for s in range(4)])
        with pytest.raises(AmbikitError, match="4 sources of class 2 in frame 7; expected at most 3"):
            multi_accdoa_targets(events, 3, 10)
        assert multi_accdoa_targets(events, 3, 10, tracks=4).shape == (4, 3, 3, 10)
        with pytest.raises(AmbikitError, match="at most 1"):
            accdoa_targets(events, 3, 10)
        with pytest.raises(AmbikitError, match="classes from 0 to 1"):
            accdoa_targets(events, 2, 10)


class TestDecoding:
    @given(st.lists(ANGLES, min_size=1, max_size=8))
    def test_events_come_back(self, angles):
        events = Events.of([(2 * n, n % 3, 0, *pair) for n, pair in enumerate(angles)])
        back = accdoa_to_events(accdoa_targets(events, 3, 20))
        assert back.frame.tolist() == events.frame.tolist()
        assert back.class_index.tolist() == events.class_index.tolist()
        apart = ambikit.angular_distance(back.azimuth, back.elevation, events.azimuth, events.elevation)
        assert apart.max() < 1e-6

    def test_the_threshold_is_one_of_length(self):
        assert len(accdoa_to_events(vectors(10, length=0.49)[0])) == 0
        assert azimuths_of(accdoa_to_events(vectors(10, length=0.51)[0])) == [10]
        assert azimuths_of(accdoa_to_events(vectors(10, length=0.3)[0], threshold=0.2)) == [10]

    def test_copies_become_one(self):
        assert azimuths_of(multi_accdoa_to_events(vectors(30, 30, 30))) == [30]

    def test_near_is_less_than_15_degrees(self):
        assert azimuths_of(multi_accdoa_to_events(vectors(0, 14.9))) == [7.45]
        assert azimuths_of(multi_accdoa_to_events(vectors(0, 15.1))) == [0, 15.1]
        assert azimuths_of(multi_accdoa_to_events(vectors(0, 15.1), unify=0.3)) == [7.55]

    def test_a_pair_and_a_third(self):
        assert azimuths_of(multi_accdoa_to_events(vectors(100, 0, 110))) == [105, 0]
        # 0 and 24 are near 12, though not near each other
        assert azimuths_of(multi_accdoa_to_events(vectors(0, 24, 12))) == [12]

    def test_around_the_back_and_the_pole(self):
        assert abs(azimuths_of(multi_accdoa_to_events(vectors(175, -175)))[0]) == 180
        over_the_pole = multi_accdoa_to_events(vectors(0, 180, elevation=86))
        assert np.degrees(over_the_pole.elevation).round(6).tolist() == [90]

    def test_a_silent_track_does_not_pull(self):
        answer = torch.cat([vectors(40), vectors(50, length=0.4)])
        assert azimuths_of(multi_accdoa_to_events(answer)) == [40]

    def test_classes_and_frames_stay_apart(self):
        answer = torch.zeros(2, 3, 3, 4)
        answer[0, 2, 0, 1] = answer[1, 0, 1, 1] = answer[1, 2, 0, 3] = 1.0
        events = multi_accdoa_to_events(answer)
        assert list(zip(events.frame.tolist(), events.class_index.tolist(), azimuths_of(events), strict=True)) == [
            (1, 0, 90.0),
            (1, 2, 0.0),
            (3, 2, 0.0),
        ]

    def test_a_batch_is_refused(self, no_shape_hook):
        with pytest.raises(ShapeError, match="one by one"):
            multi_accdoa_to_events(torch.zeros(2, 3, 4, 3, 5))


def slow_loss(predictions, targets):
    """By the words of the paper: make the duplicated targets of every kind, take the best, for each class and frame."""
    tracks, classes, _, frames = targets.shape
    total = 0.0
    for kind, frame in product(range(classes), range(frames)):
        sources = [v for v in targets[:, kind, :, frame] if np.any(v)] or [np.zeros(3)]
        # copies fill the tracks, in all numbers and orders
        fillings = {
            order
            for extra in product(range(len(sources)), repeat=tracks - len(sources))
            for order in permutations((*range(len(sources)), *extra))
        }
        errors = []
        for filling in fillings:
            wanted = np.stack([sources[s] for s in filling])
            errors.append(((predictions[:, kind, :, frame] - wanted) ** 2).mean())
        total += min(errors)
    return total / (classes * frames)


class TestLoss:
    def test_the_thirteen_of_the_paper(self):
        ways = assignments(3)
        assert [sum(max(way) == n for way in ways) for n in range(3)] == [1, 6, 6]
        assert len(set(ways)) == 13
        assert [len(assignments(tracks)) for tracks in (1, 2, 4)] == [1, 3, 75]

    @pytest.mark.parametrize("tracks", [1, 2, 3, 4])
    def test_against_the_slow_one(self, rng, tracks):
        events = Events.of(
            [
                (f, c, s, *rng.uniform(-1, 1, 2))
                for f in range(6)
                for c in range(2)
                for s in range(rng.integers(tracks + 1))
            ]
        )
        targets = multi_accdoa_targets(events, 2, 6, tracks=tracks).double()
        predictions = torch.as_tensor(rng.normal(size=targets.shape))
        ours = adpit_loss(predictions, targets).item()
        assert ours == pytest.approx(slow_loss(predictions.numpy(), targets.numpy()), rel=1e-12)
        both = adpit_loss(torch.stack([predictions, -predictions]), torch.stack([targets, targets]))
        assert both.item() == pytest.approx((ours + adpit_loss(-predictions, targets).item()) / 2, rel=1e-12)

    def test_any_order_of_the_tracks_is_right_and_copies_are(self):
        events = Events.of([(0, 0, 0, 0.5, 0.1), (0, 0, 1, -2.0, 0.4)])
        targets = multi_accdoa_targets(events, 1, 1)
        b0, b1 = targets[0], targets[1]
        for answer in ([b0, b0, b1], [b1, b0, b0], [b1, b1, b0]):
            assert adpit_loss(torch.stack(answer), targets).item() == 0.0
        for answer in ([b0, b0, b0], [b0, b1, torch.zeros_like(b0)]):
            assert adpit_loss(torch.stack(answer), targets).item() > 0.05

    def test_silence(self):
        targets = torch.zeros(3, 2, 3, 4)
        assert adpit_loss(targets, targets).item() == 0.0
        answer = targets.clone()
        answer[1, 0, 2, 3] = 3.0
        assert adpit_loss(answer, targets).item() == pytest.approx(9.0 / targets.numel())

    def test_one_track_is_the_mean_squared_error(self, rng):
        targets = accdoa_targets(Events.of([(1, 1, 0, 1.0, 0.2)]), 2, 3)[None]
        predictions = torch.as_tensor(rng.normal(size=targets.shape), dtype=torch.float32)
        torch.testing.assert_close(adpit_loss(predictions, targets), torch.nn.functional.mse_loss(predictions, targets))

    def test_gradients(self, rng):
        targets = multi_accdoa_targets(Events.of([(0, 0, 0, 0.5, 0.1), (0, 0, 1, -2.0, 0.4)]), 2, 2).double()
        predictions = torch.as_tensor(rng.normal(size=targets.shape)).requires_grad_()
        assert torch.autograd.gradcheck(lambda p: adpit_loss(p, targets), predictions)

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
    @pytest.mark.cuda
    def test_on_a_gpu(self, rng):
        targets = multi_accdoa_targets(Events.of([(0, 0, 0, 0.5, 0.1)]), 2, 2)
        predictions = torch.as_tensor(rng.normal(size=targets.shape), dtype=torch.float32)
        theirs = adpit_loss(predictions.cuda(), targets.cuda())
        torch.testing.assert_close(theirs.cpu(), adpit_loss(predictions, targets))

    def test_compiles(self, rng, no_shape_hook):
        targets = multi_accdoa_targets(Events.of([(0, 0, 0, 0.5, 0.1)]), 2, 2)
        predictions = torch.as_tensor(rng.normal(size=targets.shape), dtype=torch.float32)
        compiled = torch.compile(adpit_loss, fullgraph=True, backend="eager")
        torch.testing.assert_close(compiled(predictions, targets), adpit_loss(predictions, targets))

    def test_shapes_that_differ(self, no_shape_hook):
        with pytest.raises(ShapeError, match="multi_accdoa_targets"):
            adpit_loss(torch.zeros(3, 2, 3, 4), torch.zeros(3, 2, 3, 5))
