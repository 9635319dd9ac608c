"""Tracking what sounds: boxes against pixels and slow second versions, the loss by loops, and trackers that learn."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import ambikit
from ambikit.errors import AmbikitError, ShapeError
from ambikit_models.downstream.probing.examples import Inputs
from ambikit_models.downstream.probing.fine_tuning import TuningConfig
from ambikit_models.downstream.probing.schedules import MultiStep
from ambikit_models.downstream.tracking.anchor_boxes import YoloLoss, anchors_of, boxes_of, overlap
from ambikit_models.downstream.tracking.box_scores import BoxScores, average_precision, hits
from ambikit_models.downstream.tracking.sounding_tracker import (
    TrackerConfig,
    fit_tracker,
    score_boxes,
    usual_box,
)
from ambikit_models.downstream.tracking.world_tracks import WorldTracks
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.world.clips import WorldClips
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.view_boxes import view_boxes
from tests.ambikit_models.test_correspondence import small

SOUND = SoundFeatures("stereo", sample_rate=16000, bands=16, window=0.064, hop=0.04)
#: trained with a constant rate
QUICK = TuningConfig(epochs=150, batch=8, learning_rate=5e-3, schedule=MultiStep(()))


def random_boxes(rng, *shape):
    size = rng.uniform(0.05, 0.5, (*shape, 2))
    return torch.from_numpy(np.concatenate([rng.uniform(0.01, 0.99, (*shape, 2)), size], -1))


def slow_overlap(a, b):
    edges = [[c - s / 2, c + s / 2] for box in (a, b) for c, s in ((box[0], box[2]), (box[1], box[3]))]
    across = max(0.0, min(edges[0][1], edges[2][1]) - max(edges[0][0], edges[2][0]))
    along = max(0.0, min(edges[1][1], edges[3][1]) - max(edges[1][0], edges[3][0]))
    return across * along / (a[2] * a[3] + b[2] * b[3] - across * along)


def slow_loss(outputs, targets, anchors, coordinates=5.0, sure=1.0, no_object=0.5, enough=0.6):
    """Picture by picture, cell by cell, shape by shape."""
    total = 0.0
    sigmoid = lambda v: 1 / (1 + math.exp(-v))  # noqa: E731
    for answer, boxes in zip(outputs.tolist(), targets.tolist(), strict=True):
        rows, columns = len(answer), len(answer[0])
        boxes = [box for box in boxes if not any(map(math.isnan, box))]
        duties = set()

        def decoded(i, j, k, answer=answer, rows=rows, columns=columns):
            x, y, w, h, _ = answer[i][j][k]
            return [
                (sigmoid(x) + j) / columns,
                (sigmoid(y) + i) / rows,
                anchors[k][0] * math.exp(w),
                anchors[k][1] * math.exp(h),
            ]

        for box in boxes:
            i, j = min(rows - 1, int(box[1] * rows)), min(columns - 1, int(box[0] * columns))
            alike = [slow_overlap([0, 0, *box[2:]], [0, 0, *anchor]) for anchor in anchors]
            k = alike.index(max(alike))
            duties.add((i, j, k))
            x, y, w, h, o = answer[i][j][k]
            off = (sigmoid(x) - (box[0] * columns - j)) ** 2 + (sigmoid(y) - (box[1] * rows - i)) ** 2
            off += (w - math.log(box[2] / anchors[k][0])) ** 2 + (h - math.log(box[3] / anchors[k][1])) ** 2
            total += coordinates * off + sure * (sigmoid(o) - slow_overlap(decoded(i, j, k), box)) ** 2
        for i in range(rows):
            for j in range(columns):
                for k in range(len(anchors)):
                    best = max((slow_overlap(decoded(i, j, k), box) for box in boxes), default=0.0)
                    if (i, j, k) not in duties and best <= enough:
                        total += no_object * sigmoid(answer[i][j][k][4]) ** 2
    return total / len(outputs)


class TestBoxes:
    @given(st.integers(0, 2**32 - 1))
    def test_overlap_by_hand_and_by_torchvision(self, seed):
        from torchvision.ops import box_iou

        first, second = random_boxes(np.random.default_rng(seed), 2, 5)
        found = overlap(first[:, None], second)
        corners = [torch.cat([b[:, :2] - b[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2], -1) for b in (first, second)]
        torch.testing.assert_close(found, box_iou(*corners))
        assert found[1, 2] == pytest.approx(slow_overlap(first[1].tolist(), second[2].tolist()))

    def test_no_area(self):
        nothing = torch.zeros(4, requires_grad=True)
        shared = overlap(nothing, torch.zeros(4))
        shared.backward()
        assert shared == 0
        assert nothing.grad.isfinite().all()

    def test_usual_shapes(self, rng):
        """Three heaps of sizes are three shapes, whatever the seed."""
        heaps = np.array([[0.1, 0.1], [0.3, 0.6], [0.8, 0.5]])
        sizes = np.repeat(heaps, 20, 0) * rng.uniform(0.95, 1.05, (60, 2))
        for seed in range(20):
            np.testing.assert_allclose(anchors_of(sizes, 3, seed=seed), heaps, rtol=0.05)
        assert anchors_of(np.full((5, 2), 0.2), 3).tolist() == [[0.2, 0.2]]

    def test_boxes_come_back(self, rng):
        """What the loss asks for is what the boxes are read from."""
        anchors = torch.tensor([[0.2, 0.3], [0.5, 0.4]], dtype=torch.float64)
        truth = torch.tensor([[[0.61, 0.3, 0.45, 0.5]]], dtype=torch.float64)
        outputs = torch.full((1, 4, 4, 2, 5), -30.0, dtype=torch.float64)
        outputs[..., 2:4] = 0.0
        place = torch.tensor([0.61 * 4 - 2, 0.3 * 4 - 1])
        outputs[0, 1, 2, 1] = torch.cat([place.logit(), (truth[0, 0, 2:] / anchors[1]).log(), torch.tensor([30.0])])
        assert YoloLoss(anchors)(outputs, truth) < 1e-9
        boxes, sure = boxes_of(outputs, anchors)
        torch.testing.assert_close(boxes[0, 1, 2, 1], truth[0, 0])
        assert sure.flatten().argmax() == (1 * 4 + 2) * 2 + 1

    def test_as_many_shapes(self):
        with pytest.raises(ShapeError, match="2 shapes and 3 shapes"):
            boxes_of(torch.zeros(1, 4, 4, 2, 5), torch.ones(3, 2))


class TestLoss:
    @given(st.integers(0, 2**32 - 1))
    def test_by_loops(self, seed):
        rng = np.random.default_rng(seed)
        outputs = torch.from_numpy(rng.standard_normal((2, 3, 4, 2, 5)))
        targets = random_boxes(rng, 2, 2)
        targets[1, 1] = math.nan
        anchors = torch.from_numpy(rng.uniform(0.1, 0.6, (2, 2)))
        mine = YoloLoss(anchors, enough=0.2)(outputs, targets)
        assert float(mine) == pytest.approx(slow_loss(outputs, targets, anchors.tolist(), enough=0.2))

    def test_nothing_to_see(self):
        """Without boxes, every answer is told 0: ½ · ¼ each where nothing is known yet."""
        anchors, none = torch.tensor([[0.3, 0.3]]), torch.full((2, 1, 4), math.nan)
        outputs = torch.zeros(2, 4, 4, 1, 5, requires_grad=True)
        loss = YoloLoss(anchors)(outputs, none)
        loss.backward()
        assert float(loss.detach()) == pytest.approx(16 * 0.5 * 0.25)
        assert outputs.grad.isfinite().all()
        assert not outputs.grad[..., :4].any()

    def test_gradient(self, rng):
        """Of all but the overlap that confidence is told, which is a target."""
        anchors, targets = torch.tensor([[0.3, 0.3]]).double(), random_boxes(rng, 1, 1)
        outputs = torch.from_numpy(rng.standard_normal((1, 2, 2, 1, 5))).requires_grad_()
        loss = YoloLoss(anchors, object=0.0, enough=1.0)
        assert torch.autograd.gradcheck(lambda given: loss(given, targets), outputs)

    @given(st.integers(0, 2**32 - 1))
    def test_a_mirror_changes_nothing(self, seed):
        """Answers and boxes mirrored together have the same loss."""
        rng = np.random.default_rng(seed)
        outputs, targets = torch.from_numpy(rng.standard_normal((2, 4, 4, 2, 5))), random_boxes(rng, 2, 1)
        loss = YoloLoss(torch.from_numpy(rng.uniform(0.1, 0.6, (2, 2))))
        mirrored, there = outputs.flip(2).clone(), targets.clone()
        mirrored[..., 0] *= -1  # σ(−t) = 1 − σ(t)
        there[..., 0] = 1 - there[..., 0]
        torch.testing.assert_close(loss(mirrored, there), loss(outputs, targets))


class TestScores:
    @given(st.integers(0, 2**32 - 1))
    def test_average_precision_by_every_recall(self, seed):
        """The mean, over the objects found, of the best precision at that recall or beyond."""
        rng = np.random.default_rng(seed)
        sure, right = rng.integers(0, 12, 15) / 12, rng.random(15) < 0.5
        truths = int(right.sum()) + 3
        points = [((right & (sure >= t)).sum() / truths, right[sure >= t].mean()) for t in np.unique(sure)]
        area = sum(
            max((p for r, p in points if r >= number / truths - 1e-12), default=0.0) for number in range(1, truths + 1)
        )
        assert average_precision(sure, right, truths) == pytest.approx(area / truths)

    def test_one_object_is_found_once(self):
        truth = torch.tensor([[0.5, 0.5, 0.4, 0.4]])
        boxes = torch.tensor([[0.5, 0.5, 0.4, 0.3], [0.5, 0.5, 0.4, 0.4], [0.1, 0.1, 0.1, 0.1]])
        assert hits(boxes, torch.tensor([0.3, 0.8, 0.9]), truth).tolist() == [False, True, False]
        assert not hits(boxes, torch.ones(3), torch.zeros(0, 4)).any()

    def test_closed_cases(self):
        truth = torch.tensor([[[0.5, 0.5, 0.4, 0.4]], [[0.2, 0.6, 0.2, 0.2]]])
        groups = np.array(["a", "b"])
        exact = BoxScores.of(truth, torch.ones(2, 1), truth, groups)
        assert exact.figures(np.arange(2)) == pytest.approx({"AP50": 1, "IoU": 1, "x error": 0, "y error": 0})
        moved = truth + torch.tensor([0.1, 0.0, 0.0, 0.0])
        off = BoxScores.of(moved, torch.tensor([[0.9], [0.8]]), truth, groups)
        assert off.per_unit()["IoU"] == pytest.approx([0.6, 1 / 3])
        assert off.figures(np.arange(2)) == pytest.approx(
            {"AP50": 0.5, "IoU": (0.6 + 1 / 3) / 2, "x error": 0.1, "y error": 0.0}, abs=1e-6
        )
        assert off.figures(np.array([0, 0]))["AP50"] == 1.0
        both = exact.joined(off)
        assert len(both) == 4
        assert both.figures(np.arange(4))["IoU"] == pytest.approx((2 + 0.6 + 1 / 3) / 4)


def compare_with_pixels(masks, boxes, size):
    """Boxes end where masks do, to a pixel or two; counts of those cut by 0, 1 and 2 or more edges of the picture."""
    cut = []
    for mask, box in zip(masks, boxes, strict=True):
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        edges = np.array([columns[0], columns[-1] + 1, rows[0], rows[-1] + 1])
        if min(np.ptp(rows), np.ptp(columns)) < size / 20:
            continue  # the tips of slivers fall between the pixels
        exact = size * np.array([box[i] + sign * box[2 + i] / 2 for i in (0, 1) for sign in (-1, 1)])
        np.testing.assert_allclose(edges, exact, atol=2)
        cut.append(np.isin(edges, (0, size)).sum())
    return np.bincount(np.minimum(cut, 2), minlength=3)


class TestViews:
    def test_boxes_are_those_of_the_pixels(self):
        """The exact boxes enclose what the exact masks of the pictures show, also of what is cut by an edge or two."""
        config = WorldConfig(sounding=(1, 1), silent=(0, 0), duration=0.5, speed_degrees=(0, 0))
        clips = WorldClips.render(config, 2, range(6), SOUND, size=96, workers=1)
        objects = clips.scenes.objects
        places = np.stack([getattr(objects, name)[:, :1] for name in ("azimuth", "elevation", "radius")])
        across, up = np.meshgrid(np.linspace(-0.9, 0.9, 7), np.linspace(-0.9, 0.9, 7))
        looked = np.stack(
            [places[0] + across.ravel(), np.clip(places[1] + up.ravel(), -1.4, 1.4), np.full((6, 49), 1.5)]
        )
        masks = clips.object_map(np.arange(6), Viewpoints(*torch.from_numpy(looked)))[:, :, 0].numpy() == 0
        found = view_boxes(*np.broadcast_to(places, (3, 6, 49)), *looked)
        seen = masks.any((-2, -1))
        assert np.isnan(found[~seen]).all() or np.nanmax(found[~seen][:, 2:].min(-1)) < 1 / 96
        cut = compare_with_pixels(masks[seen], found[seen], 96)
        assert min(cut) > 20

    def test_boxes_of_all_kinds_of_balls(self):
        """Near and far from the middle of views of any width, large ones too, and where they surround a pole."""
        rng = np.random.default_rng(0)
        azimuth, radius, field = rng.uniform([-np.pi, 0.1, 0.5], [np.pi, 1.2, 2.4], (400, 3)).T
        elevation = np.arcsin(rng.uniform(-1, 1, 400))
        looked = azimuth + rng.uniform(-1.2, 1.2, 400), np.clip(elevation + rng.uniform(-1, 1, 400), -1.57, 1.57)
        found = view_boxes(azimuth, elevation, radius, *looked, field)
        rays = np.stack([ambikit.crop_rays(*of_one, 200) for of_one in zip(*looked, field, strict=True)])
        directions = ambikit.angles_to_vectors(azimuth, elevation)
        masks = np.einsum("nhwc,nc->nhw", rays, directions) >= np.cos(radius)[:, None, None]
        seen = masks.any((-2, -1))
        assert np.isnan(found[~seen][:, 2:]).all()
        assert 20 < seen.sum() < 400
        assert min(compare_with_pixels(masks[seen], found[seen], 200)) > 20

    def test_behind_and_beside(self):
        angles = (np.radians([180.0, 80.0, 50.0]), np.zeros(3), np.radians([10.0] * 3))
        boxes = view_boxes(*angles, np.zeros(3), np.zeros(3), np.radians([90.0] * 3))
        assert np.isnan(boxes[:2]).all()
        assert boxes[2, 0] - boxes[2, 2] / 2 == pytest.approx(0.0)  # cut by the left edge


@pytest.fixture(scope="module")
def tracks():
    return WorldTracks(SOUND, 0, range(4), size=32, moments=2, whole=3.0, workers=1)


class TestWorldTracks:
    def test_the_object_is_in_the_box_now_and_elsewhere_then(self, tracks):
        """The picture is of the other moment: its object is where the other box of the scene is."""
        given = tracks.inputs(np.arange(8))
        assert given.video.shape == (8, 1, 3, 1, 32, 32)
        views = Viewpoints(*(torch.full((4, 2), value).double() for value in (0.0, 0.0, tracks.field_of_view)))
        views = Viewpoints(torch.from_numpy(tracks.view)[:, None].expand(-1, 2), views.elevation, views.field_of_view)
        moments = torch.tensor([[0.0, 1.0]]).expand(4, -1)
        slots = tracks.clips.object_map(np.arange(4), views, moments)[:, :, 0].numpy()
        sounding = tracks.clips.scenes.objects.sounding.argmax(-1)
        for scene in range(4):
            for moment in range(2):
                columns = np.flatnonzero((slots[scene, moment] == sounding[scene]).any(0))
                box = tracks.targets[2 * scene + moment, 0]
                assert abs((columns[0] + columns[-1] + 1) / 64 - box[0]) < 1.5 / 32
        again = tracks.clips.batch(np.arange(4), views, moments=moments)
        torch.testing.assert_close(given.video[0, 0], again.video[0, 1])
        torch.testing.assert_close(given.audio[0, 0], again.audio[0, 0])

    def test_boxes_stay_in_the_picture(self, tracks):
        assert tracks.targets.isfinite().all()
        assert (tracks.targets[..., 2] > 0.1).all()

    def test_mirrored_pairs(self, tracks):
        """Half of them: picture, channels and box together."""
        plain, boxes = tracks.pairs(np.arange(8))
        varied, there = tracks.pairs(np.arange(8), np.random.default_rng(1))
        turned = (there != boxes).flatten(1).any(1)
        assert 0 < turned.sum() < 8
        torch.testing.assert_close(there[turned][..., 0], 1 - boxes[turned][..., 0])
        torch.testing.assert_close(varied.audio[turned], plain.audio[turned].flip(2))
        torch.testing.assert_close(varied.audio[~turned], plain.audio[~turned])
        # with two moments the other one is always the same, so that the pictures are too
        torch.testing.assert_close(varied.video[turned], plain.video[turned].flip(-1))

    def test_odd_moments(self):
        with pytest.raises(AmbikitError, match="even number of moments"):
            WorldTracks(SOUND, 0, range(2), moments=3, workers=1)

    def test_moving_scenes_move(self):
        fast = WorldConfig(
            sounding=(1, 1),
            silent=(0, 0),
            reverberation=0.0,
            snr_db=None,
            elevation_degrees=0.0,
            speed_degrees=(14, 15),
        )
        sound = SoundFeatures("binaural", sample_rate=16000, bands=16, window=0.064, hop=0.04)
        moving = WorldTracks(sound, 0, range(3), size=8, world=fast, workers=1)
        assert moving.moving.all()  # all to the left, and the sound with them
        still = WorldTracks(sound, 0, range(3), size=8, world=WorldConfig(speed_degrees=(0, 0)), workers=1)
        assert not still.moving.any()


class Made:
    """Eight boxes that the picture shows, and that the sound tells by its levels."""

    def __init__(self, count=8):
        rng = np.random.default_rng(0)
        self.targets = torch.from_numpy(rng.uniform([0.2, 0.3, 0.2, 0.25], [0.8, 0.7, 0.4, 0.5], (count, 4))).float()
        self.targets = self.targets[:, None]
        self.groups = np.arange(count)
        self.moving = np.ones(count, bool)

    def __len__(self):
        return len(self.groups)

    def inputs(self, rows, generator=None):
        boxes = self.targets[torch.as_tensor(rows), 0]
        y, x = torch.meshgrid(*[(torch.arange(32) + 0.5) / 32] * 2, indexing="ij")
        inside = ((x - boxes[:, 0, None, None]).abs() < boxes[:, 2, None, None] / 2) & (
            (y - boxes[:, 1, None, None]).abs() < boxes[:, 3, None, None] / 2
        )
        video = inside.float()[:, None, None, None].expand(-1, 1, 3, 1, -1, -1)
        level = torch.stack([1 - boxes[:, 0], boxes[:, 0]], 1)
        audio = level[:, None, :, None, None].expand(-1, 1, 2, 16, 12)
        return Inputs(video, audio)

    def pairs(self, rows, generator=None):
        return self.inputs(rows, generator), self.targets[torch.as_tensor(rows)]


class TestTracker:
    def test_it_learns_eight_examples(self):
        made, network = Made(), small()
        before = {name: value.clone() for name, value in network.state_dict().items()}
        told = []
        config = TrackerConfig(grid=4, width=16, steps=2, anchors=2, training=QUICK)
        tracker = fit_tracker(network, SOUND, "both", made, config, report=lambda *words: told.append(words))
        scores = score_boxes(tracker, made)
        assert scores.figures(np.arange(8))["IoU"] > 0.7
        assert scores.figures(np.arange(8))["IoU"] > usual_box(made, made).figures(np.arange(8))["IoU"]
        assert told[-1][2] < told[0][2] / 10
        assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())

    def test_frozen_networks_stay_and_the_same_seed_is_the_same_tracker(self):
        made, network = Made(), small()
        config = TrackerConfig(grid=8, width=4, steps=2, anchors=1, training=TuningConfig(epochs=2, batch=4))
        first, second = (fit_tracker(network, SOUND, "both", made, config, frozen=True, seed=3) for _ in range(2))
        for one, two in zip(first.parameters(), second.parameters(), strict=True):
            assert torch.equal(one, two)
        for sense in first.senses:
            for name, value in sense.encoder.network.state_dict().items():
                assert torch.equal(value, network.state_dict()[name])
        assert first(made.inputs(np.arange(2))).shape == (2, 8, 8, 1, 5)

    @pytest.mark.parametrize("given", ["mono", "stereo", "picture"])
    def test_what_is_not_given_is_not_used(self, given):
        made, network = Made(), small()
        config = TrackerConfig(grid=4, width=4, steps=2, anchors=1, training=TuningConfig(epochs=1, batch=8))
        tracker = fit_tracker(network, SOUND, given, made, config)
        plain = made.inputs(np.arange(3))
        answer = tracker(plain)
        exchanged = tracker(Inputs(plain.video, plain.audio.flip(2)))
        blind = tracker(Inputs(1 - plain.video, plain.audio))
        same = {"mono": (True, True), "stereo": (False, True), "picture": (True, False)}[given]
        assert (torch.allclose(answer, exchanged), torch.allclose(answer, blind)) == same

    def test_the_level_of_both_is_that_of_the_mean_power(self):
        """10 dB and −10 dB: the mean power is 5.05, 7.03 dB, in both channels."""
        made, network = Made(), small()
        heard = []
        network.hear = lambda audio, frames: heard.append(audio) or audio.mean(2)[..., :frames]
        from ambikit_models.downstream.tracking.sounding_tracker import _Hearing

        levels = torch.tensor([10.0, -10.0])[None, None, :, None, None].expand(1, 1, 2, 16, 12)
        _Hearing(network, 2, SOUND)(Inputs(audio=levels))
        torch.testing.assert_close(heard[0], torch.full((1, 2, 16, 12), 10 * math.log10(5.05)), atol=1e-4, rtol=0)
        assert len(made) == 8

    def test_grid(self):
        with pytest.raises(AmbikitError, match="grid of 4, 8, 16"):
            TrackerConfig(grid=6)
