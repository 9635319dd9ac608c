"""Segmentation of views: what is counted, what is learned from, the head, and the command."""

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from ambikit.errors import AmbikitError, FileError, ShapeError
from ambikit_models.cli import main
from ambikit_models.datasets.map_classes import YT360_CLASSES
from ambikit_models.datasets.segmentation_maps import read_segmentation
from ambikit_models.downstream.probing.engine import Figure
from ambikit_models.downstream.probing.examples import Inputs, Varied
from ambikit_models.downstream.probing.losses import Classes
from ambikit_models.downstream.probing.report import class_rows, columns, markdown
from ambikit_models.downstream.probing.scenes import WorldScenes
from ambikit_models.downstream.probing.statistics import Estimate
from ambikit_models.downstream.segmentation.feature_pyramid import (
    PAPER_HEAD,
    PUBLISHED_HEAD,
    FeaturePyramid,
    FeaturePyramidConfig,
)
from ambikit_models.downstream.segmentation.scores import PixelCounts, SegmentationScores
from ambikit_models.downstream.segmentation.task import count_pixels, recorded_views, segmentation_figures, world_views
from ambikit_models.downstream.segmentation.training import (
    PAPER_SEGMENTATION,
    WORLD_SEGMENTATION,
    SegmentationConfig,
    train_segmentation,
)
from ambikit_models.downstream.segmentation.views import ViewConfig
from ambikit_models.encoders.published import PublishedVideoEncoder
from ambikit_models.encoders.video import R2Plus1DVideoEncoder, SmallVideoEncoder
from ambikit_models.panorama.label_crops import crop_labels
from ambikit_models.panorama.projection import crop
from ambikit_models.training.config import from_mapping, save_yaml, to_mapping
from ambikit_models.world.segmentation import write_map
from tests.ambikit_models.examined import small_checkpoint, small_system


@pytest.fixture(scope="module")
def system():
    return small_system()


@pytest.fixture(scope="module")
def world():
    return WorldScenes(8, workers=1)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    small = ["--seconds", "2", "--clips", "1", "2", "--height", "32", "--workers", "1"]
    main(["write-world", str(folder), "--videos", "4", *small])
    return folder


class Stored:
    """Views that are always the same."""

    def __init__(self, inputs, masks):
        self.inputs, self.masks, self.groups = inputs, masks, np.arange(len(masks))

    def __len__(self):
        return len(self.masks)

    def pairs(self, rows, generator=None):
        return Inputs(self.inputs.video[rows], self.inputs.audio[rows]), self.masks[rows]


def slow_figures(answers, masks, classes, groups, drawn):
    """Pixel by pixel, with the examples of each drawn unit as often as it was drawn."""
    rows = [row for unit in drawn for row in np.flatnonzero(groups == np.unique(groups)[unit])]
    right = known = 0
    tables, of_views = {c: [0, 0] for c in range(classes)}, []
    for row in rows:
        for view in range(masks.shape[1]):
            mine, any_known = {c: [0, 0] for c in range(classes)}, False
            for said, shown in zip(answers[row, view].ravel(), masks[row, view].ravel(), strict=True):
                if shown < 0:
                    continue
                any_known, known, right = True, known + 1, right + (said == shown)
                for c in range(classes):
                    mine[c][0] += said == c and shown == c
                    mine[c][1] += said == c or shown == c
            if any_known:
                of_views.append(np.mean([both / either for both, either in mine.values() if either]))
            for c, (both, either) in mine.items():
                tables[c][0] += both
                tables[c][1] += either
    overlap = {c: both / either for c, (both, either) in tables.items() if either}
    figures = {"pixel accuracy": right / known, "mIoU": np.mean(list(overlap.values()))}
    return {**figures, "mIoU by view": np.mean(of_views)}, overlap


class TestScores:
    @pytest.fixture
    def maps(self, rng):
        masks = rng.integers(-1, 4, (5, 2, 3, 4))  # the fifth class is never shown, and the sixth never said either
        answers = rng.integers(0, 5, masks.shape)
        masks[1, 0] = -1
        masks[4] = -1
        return answers, masks

    def test_against_a_slow_count(self, maps):
        answers, masks = maps
        groups = np.array(["b", "a", "b", "c", "d"])
        scores = SegmentationScores.of(PixelCounts.of(answers, masks, 6), groups)
        assert len(scores) == 3  # nothing is known of d
        for drawn in ([0, 1, 2], [2, 2, 0]):
            expected, overlap = slow_figures(answers, masks, 6, groups, drawn)
            assert scores.figures(np.array(drawn)) == pytest.approx(expected)
        _, overlap = slow_figures(answers, masks, 6, groups, [0, 1, 2])
        found = scores.classes()
        assert np.flatnonzero(~np.isnan(found["IoU"])).tolist() == sorted(overlap)
        assert found["IoU"][sorted(overlap)] == pytest.approx([overlap[c] for c in sorted(overlap)])
        of_class = [(answers == c)[masks == c].mean() for c in range(4)]
        assert found["accuracy"][:4] == pytest.approx(of_class)
        assert np.isnan(found["accuracy"][4:]).all()

    def test_units_one_by_one_and_folds(self, maps):
        answers, masks = maps
        groups = np.array(["b", "a", "b", "c", "d"])
        scores = SegmentationScores.of(PixelCounts.of(answers, masks, 6), groups)
        for name, values in scores.per_unit().items():
            assert values == pytest.approx([scores.figures(np.array([u]))[name] for u in range(3)])
        parts = [
            SegmentationScores.of(PixelCounts.of(answers[rows], masks[rows], 6), groups[rows])
            for rows in (np.array([0, 2]), np.array([1, 3]))
        ]
        assert parts[0].joined(parts[1]).figures(np.arange(3)) == pytest.approx(scores.figures(np.arange(3)))

    def test_what_is_not_known_does_not_matter(self, maps, rng):
        answers, masks = maps
        others = np.where(masks < 0, rng.integers(0, 5, masks.shape), answers)
        assert (others != answers).any()
        one, other = (
            SegmentationScores.of(PixelCounts.of(a, masks, 6), np.arange(5)).figures(np.arange(4))
            for a in (answers, others)
        )
        assert one == other


class TestLoss:
    def test_gradient_of_unknown_pixels_is_exactly_zero(self):
        logits = torch.randn(2, 1, 4, 4, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
        masks = torch.randint(-1, 3, (2, 1, 4, 4), generator=torch.Generator().manual_seed(1))
        Classes()(logits, masks).backward()
        assert logits.grad is not None
        assert (logits.grad[masks < 0] == 0).all()
        assert (logits.grad[masks >= 0] != 0).all()

    def test_nothing_known_changes_nothing(self):
        logits = torch.randn(2, 3, requires_grad=True)
        loss = Classes()(logits, torch.tensor([-1, -1]))
        loss.backward()
        assert loss.item() == 0
        assert (logits.grad == 0).all()


class TestMaps:
    def test_kept_classes(self):
        assert len(YT360_CLASSES.names) == len(set(YT360_CLASSES.names)) == 32
        assert (len(YT360_CLASSES.things), len(YT360_CLASSES.stuff)) == (16, 16)
        things = np.array([[0, 80, 80, 1, 255]], np.uint8)  # person; none; none; bicycle, which is not kept; unsure
        stuff = np.array([[40, 40, 1, 40, 40]], np.uint8)  # sky, or banner, which is not kept
        names = [None if c < 0 else YT360_CLASSES.names[c] for c in YT360_CLASSES.of(things, stuff)[0]]
        assert names == ["person", "sky", None, None, None]

    def test_a_teacher_who_is_less_sure_than_three_quarters(self):
        things, stuff = (np.full((1, 3), value, np.uint8) for value in (80, 40))
        sure = np.array([[0.74, 0.75, 1.0]])
        assert (YT360_CLASSES.of(things, stuff, sure)[0] >= 0).tolist() == [False, True, True]
        assert (YT360_CLASSES.of(things, stuff, sure, least=0.0) >= 0).all()

    def test_confidence_is_read_and_the_nearest_map(self, tmp_path, rng):
        values = rng.integers(0, 256, (3, 4, 4, 8)).astype(np.uint8)
        for number in range(4):
            for kind, of_kind in zip(("things", "stuff", "confidence"), values, strict=True):
                write_map(tmp_path / f"{kind}-{number:04d}.png", of_kind[number])
        found = read_segmentation(tmp_path, at=[0.4, 9.0, 0.1])
        assert found.times.tolist() == [0.5, 0.75, 0.0]
        np.testing.assert_array_equal(found.things, values[0][[2, 3, 0]])
        np.testing.assert_array_equal(found.confidence, values[2][[2, 3, 0]])
        (tmp_path / "confidence-0002.png").unlink()
        assert read_segmentation(tmp_path).confidence is None


class TestCrops:
    def test_masks_lie_where_the_pixels_are(self, rng):
        """Stripes, discs and corners of colours that are numbers: what the picture shows, the map says."""
        coarse = rng.integers(0, 8, (2, 6, 12))
        maps = coarse.repeat(20, 1).repeat(20, 2).astype(np.uint8)
        colours = rng.integers(0, 256, (8, 3)).astype(np.uint8)
        azimuth, elevation = rng.uniform(-math.pi, math.pi, (2, 3)), rng.uniform(-1.5, 1.5, (2, 3))
        field = rng.uniform(0.6, 1.6, (2, 3))
        cut = crop_labels(maps, azimuth, elevation, field_of_view=field, size=24)
        pictures = crop(colours[maps], azimuth, elevation, field_of_view=field, size=24, antialias=False)
        distance = np.abs(pictures.astype(int)[..., None, :] - colours.astype(int)).sum(-1)
        inside = distance.min(-1) == 0  # not between two numbers
        assert inside.mean() > 0.6
        assert set(cut.ravel()) <= set(range(8))
        assert (distance.argmin(-1) == cut)[inside].all()

    def test_round_the_back(self):
        """The seam lies behind: left of it the right rim of the map, right of it the left rim."""
        maps = np.zeros((1, 8, 16), np.int64)
        maps[:, :, 0], maps[:, :, -1] = 1, 2
        view = crop_labels(maps, [[math.pi]], [[0.0]], field_of_view=[[0.3]], size=4)[0, 0]
        assert view.tolist() == [[2, 2, 1, 1]] * 4

    def test_angles_of_other_clips(self):
        with pytest.raises(ShapeError, match="expected angles"):
            crop_labels(np.zeros((2, 8, 16), np.uint8), [[0.0]], [[0.0]], field_of_view=[[1.0]], size=4)


class TestHead:
    @pytest.mark.parametrize("encoder", [R2Plus1DVideoEncoder, PublishedVideoEncoder])
    def test_the_paper_s_sizes(self, encoder):
        """Supplementary table 1: 56, 28, 14 and 7 pixels, 8, 4, 2 and 1 pictures; answers of 56 × 56."""
        with torch.device("meta"):  # sizes alone
            stages = encoder().eval().stages(torch.rand(1, 3, 8, 112, 112))
            shapes = [tuple(stage.shape[1:]) for stage in stages]
            sizes = zip((64, 128, 256, 512), (8, 4, 2, 1), (56, 28, 14, 7), (56, 28, 14, 7), strict=True)
            assert shapes == list(sizes)
            assert FeaturePyramid(shapes, 32)(stages).shape == (1, 56, 56, 32)
            published = FeaturePyramid(shapes, 32, PUBLISHED_HEAD, picture=(112, 112))
            assert published(stages).shape == (1, 112, 112, 32)

    def test_the_last_stage_is_that_of_the_embedding(self):
        video = torch.rand(1, 3, 2, 16, 16, generator=torch.Generator().manual_seed(0))
        for network in (PublishedVideoEncoder().eval(), SmallVideoEncoder(8).eval()):
            with torch.no_grad():
                stages = network.stages(video)
                assert torch.equal(network(video), network.pooled(stages[-1]))
                assert torch.equal(network.maps(video), stages[-1])

    @pytest.mark.parametrize("size", [24, 17])
    @pytest.mark.parametrize(
        "config", [PAPER_HEAD, PUBLISHED_HEAD, FeaturePyramidConfig(24, 32, "transposed", "group", "max")]
    )
    def test_every_way(self, config, size):
        encoder = SmallVideoEncoder(16).eval()
        stages = encoder.stages(torch.rand(2, 3, 2, size, size))
        shapes = [tuple(stage.shape[1:]) for stage in stages]
        head = FeaturePyramid(shapes, 5, config, extra=3, picture=(size, size))
        side = size if config.full_size else -(-size // 2)
        answers = head(stages, torch.rand(2, 3))
        assert answers.shape == (2, side, side, 5)
        answers.square().sum().backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in head.parameters())

    def test_the_convolutions_of_the_supplement(self):
        head = FeaturePyramid([(64, 8, 56, 56), (128, 4, 28, 28), (256, 2, 14, 14), (512, 1, 7, 7)], 32)
        dilated = [[c for c in b.modules() if isinstance(c, nn.Conv2d)] for b in head.branches]
        assert [len(found) for found in dilated] == [0, 1, 2, 3]
        assert {(c.kernel_size, c.dilation, c.out_channels) for c in itertools.chain(*dilated)} == {
            ((3, 3), (2, 2), 128)
        }
        assert [(c.kernel_size, c.in_channels) for c in head.laterals] == [((1, 1), n) for n in (64, 128, 256, 512)]
        assert {c.kernel_size for c in head.smoothing} == {(3, 3)}

    def test_against_the_formula(self):
        """Two stages and a known vector, written out."""
        with torch.random.fork_rng():
            torch.manual_seed(0)
            head = FeaturePyramid([(3, 2, 4, 4), (5, 1, 2, 2)], 2, FeaturePyramidConfig(6, 6), extra=2)
            fine, coarse, known = torch.rand(1, 3, 2, 4, 4), torch.rand(1, 5, 1, 2, 2), torch.rand(1, 2)
        wide = torch.cat([coarse[:, :, 0], known[:, :, None, None] * torch.ones(1, 2, 2, 2)], 1)
        top = head.laterals[1](wide)
        middle = head.laterals[0](fine.mean(2)) + top.repeat_interleave(2, -1).repeat_interleave(2, -2)
        step = head.branches[1][0].convolution
        raised = functional.conv2d(head.smoothing[1](top), step.weight, step.bias, padding=2, dilation=2).relu()
        votes = head.smoothing[0](middle) + raised.repeat_interleave(2, -1).repeat_interleave(2, -2)
        expected = head.classify(votes).permute(0, 2, 3, 1)
        assert torch.allclose(head([fine, coarse], known), expected, atol=1e-6)

    def test_errors(self):
        with pytest.raises(AmbikitError, match="from fine to coarse"):
            FeaturePyramid([(3, 1, 2, 2), (3, 1, 4, 4)], 2)
        with pytest.raises(AmbikitError, match="got None numbers about each view; expected 2"):
            FeaturePyramid([(3, 1, 4, 4)], 2, extra=2)([torch.zeros(1, 3, 1, 4, 4)])
        with pytest.raises(AmbikitError, match="at least one channel"):
            FeaturePyramidConfig(lateral=0)


class TestWorld:
    def test_masks_lie_where_the_pixels_are(self, world, system):
        """The mean colour of each class within a mask tells it from the rest: hues are those of the classes."""
        ((train, _),) = world_views(world, bigger(system, 32), ViewConfig(full_size=True))
        assert isinstance(train, Varied)
        for generator in (None, np.random.default_rng(3)):  # also where clips are mirrored
            inputs, masks = train.pairs(np.arange(8), generator)
            assert masks.shape == (8, 4, 32, 32)
            assert inputs.video is not None
            off = off_the_class(inputs.video[:, :, :, 1], masks)
            assert len(off) > 200
            assert (off < math.tau / 24).float().mean() > 0.9

    def test_half_size_is_the_same_place(self, world, system):
        (fine, _), (coarse, _) = (world_views(world, system, ViewConfig(full_size=f))[0] for f in (True, False))
        rows = np.arange(8)
        one, other = (views.pairs(rows)[1] for views in (fine, coarse))
        assert other.shape == (8, 4, 8, 8)
        blocks = one.unflatten(-1, (8, 2)).unflatten(-3, (8, 2)).transpose(-3, -2).flatten(-2)
        alike = (blocks == blocks[..., :1]).all(-1)
        assert alike.float().mean() > 0.8
        assert ((blocks[..., 0] == other)[alike]).float().mean() > 0.99

    def test_the_test_stays_and_training_varies(self, world, system):
        ((train, test),) = world_views(world, system, ViewConfig())
        rows = np.array([2, 5])
        (one, masks), (other, again) = (test.pairs(rows) for _ in range(2))
        assert torch.equal(one.video, other.video)
        assert torch.equal(masks, again)
        assert torch.equal(test.pairs(np.arange(8))[1][rows], masks)
        first, second = (train.pairs(rows, np.random.default_rng(seed))[1] for seed in (0, 1))
        assert not torch.equal(first, second)
        assert train.names[-1] == "room"

    def test_it_learns_eight_scenes(self, world, system):
        ((train, _),) = world_views(world, system, ViewConfig())
        stored = Stored(*train.pairs(np.arange(8)))
        room = (stored.masks == 12).float().mean().item()
        config = dataclasses.replace(WORLD_SEGMENTATION, epochs=60, batch=8, learning_rate=5e-3, tuned=True)
        before = {name: value.clone() for name, value in system.model.state_dict().items()}
        network = train_segmentation(system.model, stored, 13, config)
        scores = SegmentationScores.of(count_pixels(network, stored, 13), stored.groups)
        figures = scores.figures(np.arange(len(scores)))
        assert room < 0.95
        assert figures["pixel accuracy"] > 0.99
        assert figures["mIoU"] > 0.9
        assert all(torch.equal(value, before[name]) for name, value in system.model.state_dict().items())

    def test_frozen_is_frozen_and_unknown_pixels_teach_nothing(self, world, system):
        ((train, _),) = world_views(world, system, ViewConfig())
        inputs, masks = train.pairs(np.arange(8))
        config = dataclasses.replace(WORLD_SEGMENTATION, epochs=2)
        known = torch.where(torch.rand(masks.shape, generator=torch.Generator().manual_seed(0)) < 0.5, masks, -1)
        network = train_segmentation(system.model, Stored(inputs, known), 13, config, "video + audio + context")
        state = network.encoder.encoder.model.state_dict()
        assert all(torch.equal(value, state[name]) for name, value in system.model.state_dict().items())
        nothing = Stored(inputs, torch.full_like(masks, -1))
        config = dataclasses.replace(config, weight_decay=0.0)
        one, other = (
            train_segmentation(system.model, nothing, 13, dataclasses.replace(config, epochs=e)).head.state_dict()
            for e in (1, 3)
        )
        assert all(torch.equal(value, other[name]) for name, value in one.items())

    def test_what_is_beside_the_pictures_is_used(self, world, system):
        ((train, _),) = world_views(world, system, ViewConfig())
        inputs, masks = train.pairs(np.arange(8))
        config = dataclasses.replace(WORLD_SEGMENTATION, epochs=1)
        assert inputs.video is not None
        assert inputs.audio is not None
        louder = Inputs(inputs.video, inputs.audio + 3)
        others = inputs.video.flip(0)
        others[:, 0] = inputs.video[:, 0]
        turned = Inputs(others, inputs.audio)
        for beside, hears, looks_round in (
            ("video", False, False),
            ("video + audio", True, False),
            ("video + audio + context", True, True),
        ):
            network = train_segmentation(system.model, Stored(inputs, masks), 13, config, beside)
            answers, other, moved = (network(x)[:, 0] for x in (inputs, louder, turned))
            assert torch.allclose(answers, other) is not hears
            assert torch.allclose(answers, moved, atol=1e-6) is not looks_round

    def test_figures(self, world, system):
        splits = world_views(world, system, ViewConfig())
        config = dataclasses.replace(WORLD_SEGMENTATION, epochs=1)
        figures = segmentation_figures(
            system, splits, {"frozen": config, "tuned": dataclasses.replace(config, tuned=True)}, baseline=True
        )
        rows = dict.fromkeys((f.subject, f.senses, f.way) for f in figures)
        all_three = ("video", "video + audio", "video + audio + context")
        expected = [("small", senses, way) for way in ("frozen", "tuned") for senses in all_three]
        assert list(rows) == [("the commonest class", "–", "–"), *expected]
        masks = splits[0][1].pairs(np.arange(8))[1]
        baseline = next(f for f in figures if f.name == "pixel accuracy")
        assert baseline.values[0] == pytest.approx((masks == 12).float().mean().item())
        of_class = {f.of_class for f in figures if f.of_class}
        assert of_class == {splits[0][1].names[c] for c in masks.unique()}

    def test_the_translations_of_one_who_never_learned_them(self, world, system):
        splits = world_views(world, system, ViewConfig())
        config = dataclasses.replace(WORLD_SEGMENTATION, epochs=1)
        figures = segmentation_figures(system.untrained(), splits, {"frozen": config})
        assert {f.senses for f in figures} == {"video", "video + audio"}

    def test_another_video_encoder(self, world, system):
        """R(2+1)D-18 in place of the small one, here without its weights: pictures alone."""
        other = system.kinetics(None)
        ((train, _),) = world_views(world, other, ViewConfig())
        inputs, masks = train.pairs(np.arange(2))
        config = dataclasses.replace(WORLD_SEGMENTATION, epochs=1, head=FeaturePyramidConfig(8, 8))
        assert inputs.video is not None
        assert inputs.audio is not None
        small = Stored(Inputs(inputs.video[:, :1], inputs.audio[:, :1]), masks[:, :1])
        network = train_segmentation(other.model, small, 13, config)
        assert count_pixels(network, small, 13).truth.sum() == 2 * 8 * 8


def hues(pictures):
    """The angle of the hue of ``(…, 3, height, width)``, and how strong the colour is."""
    red, green, blue = pictures.unbind(-3)
    angle = torch.atan2(math.sqrt(3) * (green - blue), 2 * red - green - blue)
    return angle, pictures.amax(-3) - pictures.amin(-3)


def off_the_class(pictures, masks):
    """By how much the hue of strong colours on objects differs from that of their class, radians."""
    angle, strength = hues(pictures)
    strong = (strength > 0.35) & (masks < 12)
    wrong = angle[strong] - masks[strong] / 12 * math.tau
    return torch.atan2(torch.sin(wrong), torch.cos(wrong)).abs()


class TestRecorded:
    def test_masks_lie_where_the_pixels_are(self, written):
        """The hues of the objects are those of their classes, through files and their compression."""
        system = bigger(small_system(), 24)
        splits = recorded_views(written, system, ViewConfig(full_size=True))
        assert len(splits) == 2  # too few videos for a list of the test
        off = []
        for train, test in splits:
            assert not {train.clips.clips[i].video for i in range(len(train.clips))} & {
                clip.video for clip in test.clips.clips
            }
            for views, generator in ((test, None), (train, np.random.default_rng(0))):
                inputs, masks = views.pairs(np.arange(len(views)), generator)
                assert masks.shape == (len(views), 4, 24, 24)
                assert ((masks >= 0) & (masks < len(views.names))).all()
                assert inputs.video is not None
                off.append(off_the_class(inputs.video[:, :, :, 1], masks))
        assert len(torch.cat(off)) > 200
        assert (torch.cat(off) < math.tau / 16).float().mean() > 0.85

    def test_every_clip_in_a_test_and_every_video_in_training(self, written, system):
        (train, test), _ = recorded_views(written, system, ViewConfig())
        assert len(test) == len(test.clips)
        videos = len(np.unique(train.clips.videos))
        assert len(train) == videos * max(1, len(train.clips) // videos)
        rows = np.arange(len(test))
        assert torch.equal(test.pairs(rows)[1], test.pairs(rows)[1])

    def test_a_teacher_of_yt360(self, written, system, tmp_path):
        """Maps with the numbers of YT-360, all of them sky, and a confidence that falls to the right."""
        for part in ("video", "audio"):
            (tmp_path / part).symlink_to(written / part)
        names = sorted(path.stem for path in (written / "video").iterdir())
        for name in names[:-1]:
            folder = tmp_path / "segmentation" / name
            folder.mkdir(parents=True)
            for kind, value in (("things", 80), ("stuff", 40)):
                write_map(folder / f"{kind}-0001.png", np.full((8, 16), value, np.uint8))
            sure = np.where(np.arange(16) < 8, 255, 100).astype(np.uint8)
            write_map(folder / "confidence-0001.png", np.broadcast_to(sure, (8, 16)).copy())
        splits = recorded_views(tmp_path, system, ViewConfig())
        assert sum(len(test) for _, test in splits) == len(names) - 1
        _, test = splits[0]
        masks = test.pairs(np.arange(len(test)))[1]
        assert set(masks.unique().tolist()) == {-1, YT360_CLASSES.names.index("sky")}
        every = recorded_views(tmp_path, system, ViewConfig(least_confidence=0.0))[0][1]
        assert (every.pairs(np.arange(len(every)))[1] >= 0).all()
        config = dataclasses.replace(PAPER_SEGMENTATION, epochs=1, head=FeaturePyramidConfig(8, 8))
        figures = segmentation_figures(system, splits, {"frozen": config}, beside=("video",))
        assert {f.of_class for f in figures if f.of_class} == {"sky"}

    def test_errors(self, written, system, tmp_path):
        for part in ("video", "audio"):
            (tmp_path / part).symlink_to(written / part)
        with pytest.raises(FileError, match="none of which can be read and has maps"):
            recorded_views(tmp_path, system, ViewConfig())
        with pytest.raises(AmbikitError, match="got lists train; expected two"):
            recorded_views(written, system, ViewConfig(), ["train"])


class TestCommand:
    def test_on_the_world(self, tmp_path):
        checkpoint, out = small_checkpoint(tmp_path), tmp_path / "out"
        how = ["--world", "6", "--workers", "1", "--epochs", "1", "--output", str(out)]
        main(["evaluate", "segmentation", str(checkpoint), *how])
        record = json.loads((out / "figures.json").read_text())
        rows = dict.fromkeys((f["subject"], f["senses"], f["way"]) for f in record["figures"])
        assert len(rows) == 4
        text = (out / "table.md").read_text()
        assert "| small | video + audio + context | frozen |" in text
        assert "| room |" in text

    def test_on_files(self, written, tmp_path):
        checkpoint, out = small_checkpoint(tmp_path), tmp_path / "out"
        config = SegmentationConfig(epochs=1, head=FeaturePyramidConfig(8, 8, "bilinear", "group", "learned", True))
        config = dataclasses.replace(config, views=ViewConfig(full_size=True))
        save_yaml(config, tmp_path / "segmentation.yaml")
        how = ["--data", str(written), "--output", str(out), "--tuning", str(tmp_path / "segmentation.yaml")]
        main(["evaluate", "segmentation", str(checkpoint), *how])
        record = json.loads((out / "figures.json").read_text())
        assert {f["senses"] for f in record["figures"]} == {"–", "video", "video + audio", "video + audio + context"}
        assert {"floor", "wall"} <= {f["of_class"] for f in record["figures"]}

    def test_heads_of_other_tasks(self, tmp_path):
        checkpoint = small_checkpoint(tmp_path)
        with pytest.raises(SystemExit, match="pyramid of its own"):
            main(["evaluate", "segmentation", str(checkpoint), "--world", "4", "--mlp"])


class TestReport:
    def test_classes_have_a_table_of_their_own(self):
        nan = float("nan")
        whole = Figure("one", "video", "frozen", "mIoU", "%", (0.5,), Estimate(0.5, 0.4, 0.6))
        classes = [
            Figure("one", "video", "frozen", "IoU", "%", (v,), Estimate(v, nan, nan), of_class=c)
            for c, v in (("sky", 0.75), ("sea", 0.25))
        ]
        figures = [whole, *classes]
        assert columns(figures) == ("subject", "senses", "way", "mIoU")
        assert class_rows(figures) == [("class", "one, video, frozen, IoU"), ("sky", "75.0"), ("sea", "25.0")]
        assert "| sky | 75.0 |" in markdown("title", figures, [])


class TestConfig:
    def test_of_the_supplement(self):
        config = PAPER_SEGMENTATION
        assert (config.optimizer, config.batch, config.learning_rate, config.weight_decay) == ("adam", 20, 1e-4, 5e-4)
        assert (config.epochs, config.schedule.milestones) == (10, (5, 8))
        assert config.views.viewpoints.field_of_view == pytest.approx((math.radians(45), math.radians(90)))
        assert (config.views.viewpoints.views, config.views.least_confidence) == (4, 0.75)
        assert config.lasting(20).schedule.milestones == (10, 16)
        assert config.lasting(1).schedule.milestones == (1, 1)

    @pytest.mark.parametrize("config", [PAPER_SEGMENTATION, WORLD_SEGMENTATION])
    def test_is_plain_configuration(self, config):
        assert from_mapping(SegmentationConfig, to_mapping(config)) == config


def bigger(system, size):
    """The same system for larger pictures."""
    clip = dataclasses.replace(system.recipe.clip, size=size)
    return dataclasses.replace(system, recipe=dataclasses.replace(system.recipe, clip=clip))
