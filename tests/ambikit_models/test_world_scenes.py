"""Scenes: decided by seed and index alone, and drawn without any of the shortcuts a model could take."""

import dataclasses

import numpy as np
import pytest
import scipy.stats
import torch

from ambikit.errors import AmbikitError
from ambikit_models.world import WorldConfig, scene, scenes
from ambikit_models.world.randomness import random_generator
from ambikit_models.world.rooms import room_types, wall_distance
from ambikit_models.world.table import Table

CONFIG = WorldConfig()
COUNT = 3000
#: a fixed seed makes these tests deterministic; a p-value this small does not happen to a sound generator
P = 1e-3


@pytest.fixture(scope="module")
def many():
    return scenes(CONFIG, 0, range(COUNT))


def leaves(table, prefix=""):
    for field in dataclasses.fields(table):
        value = getattr(table, field.name)
        if isinstance(value, Table):
            yield from leaves(value, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, value


def assert_same(first, second):
    for (name, a), (_, b) in zip(leaves(first), leaves(second), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)


class TestDeterminism:
    def test_alone_in_a_batch_and_in_any_order(self):
        batch = scenes(CONFIG, 7, range(40))
        backwards = scenes(CONFIG, 7, range(39, -1, -1))
        for index in (0, 13, 39):
            assert_same(scene(CONFIG, 7, index), batch[index])
            assert_same(scene(CONFIG, 7, index), backwards[39 - index])

    def test_other_indices_and_other_seeds_share_nothing(self, many):
        other = scenes(CONFIG, 1, range(COUNT))
        azimuths = np.concatenate([many.objects.azimuth.ravel(), other.objects.azimuth.ravel()])
        assert len(np.unique(azimuths)) == azimuths.size
        # seeds and indices are no offsets of one another
        assert scene(CONFIG, 1, 0).objects.azimuth[0, 0] != scene(CONFIG, 0, 1).objects.azimuth[0, 0]

    def test_streams_are_apart(self):
        drawn = [random_generator(seed, i, s).random(1000) for seed in (0, 1) for i in (0, 1, 2) for s in (0, 1, 2)]
        assert len(np.unique(drawn)) == 18 * 1000

    def test_a_table_becomes_tensors(self):
        one = scene(CONFIG, 0, 2)
        tensors = one.to("cpu")
        assert tensors.objects.azimuth.dtype == torch.float32
        assert tensors.objects.kind.dtype == torch.int64
        assert tensors.objects.present.dtype == torch.bool
        np.testing.assert_allclose(tensors.room_seen.dimensions.numpy(), one.room_seen.dimensions, rtol=1e-6)

    def test_bad_seeds_are_refused(self):
        with pytest.raises(AmbikitError, match="seed=-1"):
            scene(CONFIG, -1, 0)
        with pytest.raises(AmbikitError, match="index=-3"):
            scene(CONFIG, 0, -3)


class TestNoShortcuts:
    @pytest.mark.parametrize("sounding", [True, False])
    def test_azimuths_are_uniform(self, many, sounding):
        objects = many.objects
        azimuth = objects.azimuth[objects.present & (objects.sounding == sounding)]
        assert scipy.stats.kstest(azimuth, scipy.stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > P

    def test_rooms_stand_in_any_orientation(self, many):
        # otherwise reflections would betray that a sound had been turned
        for rooms in (many.room_heard, many.room_seen):
            assert scipy.stats.kstest(rooms.orientation, scipy.stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > P

    def test_class_and_direction_are_independent(self, many):
        objects = many.objects
        kind = objects.kind[objects.present]
        for direction, limits in ((objects.azimuth, np.pi), (objects.elevation, np.radians(34))):
            sector = np.floor((direction[objects.present] / limits + 1) * 4).astype(int)
            table = np.zeros((12, 8))
            np.add.at(table, (kind, sector), 1)
            assert scipy.stats.chi2_contingency(table).pvalue > P

    @pytest.mark.parametrize(
        "name",
        ["azimuth", "elevation", "speed", "radius", "distance_seen", "hue", "pulse_rate", "pulse_phase", "kind"],
    )
    def test_silent_objects_look_like_sounding_ones(self, many, name):
        objects = many.objects
        values = getattr(objects, name)
        sounding, silent = values[objects.sounding], values[objects.present & ~objects.sounding]
        assert scipy.stats.ks_2samp(sounding, silent).pvalue > P
        assert min(len(sounding), len(silent)) > COUNT

    def test_counts_are_uniform_and_independent_of_one_another(self, many):
        objects = many.objects
        sounding = objects.sounding.sum(1)
        silent = (objects.present & ~objects.sounding).sum(1)
        table = np.zeros((3, 3))
        np.add.at(table, (sounding - 1, silent - 1), 1)
        assert scipy.stats.chi2_contingency(table).pvalue > P
        assert scipy.stats.chisquare(table.ravel()).pvalue > P

    def test_the_room_says_nothing_about_classes(self, many):
        objects = many.objects
        table = np.zeros((12, 12))
        room = np.broadcast_to(many.room_heard.kind[:, None], objects.kind.shape)
        np.add.at(table, (room[objects.sounding], objects.kind[objects.sounding]), 1)
        assert scipy.stats.chi2_contingency(table).pvalue > P


class TestRooms:
    @pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
    def test_the_strength_changes_the_tie_and_no_marginal(self, many, strength):
        world = scenes(dataclasses.replace(CONFIG, room_strength=strength), 0, range(COUNT))
        # what is heard, and what is there, does not depend on the strength at all
        assert_same(world.room_heard, many.room_heard)
        assert_same(world.acoustics, many.acoustics)
        for name in ("azimuth", "kind", "gain_db", "distance_heard", "radius"):
            np.testing.assert_array_equal(getattr(world.objects, name), getattr(many.objects, name))
        same = world.room_seen.orientation == world.room_heard.orientation
        assert scipy.stats.binomtest(int(same.sum()), COUNT, strength).pvalue > P
        seen = world.room_seen
        assert scipy.stats.chisquare(np.bincount(seen.kind, minlength=12)).pvalue > P
        assert scipy.stats.kstest(seen.size, "uniform").pvalue > P
        # where the rooms differ, nothing of one is in the other
        other = ~same
        if other.sum() > 100:
            assert abs(np.corrcoef(seen.size[other], world.room_heard.size[other])[0, 1]) < 0.08

    def test_sound_and_look_of_the_types_are_drawn_apart(self):
        acoustics, looks = room_types(CONFIG)
        other_acoustics, same_looks = room_types(dataclasses.replace(CONFIG, t60=(0.3, 0.4), snr_db=None))
        assert_same(looks, same_looks)
        assert not np.array_equal(acoustics.t60, other_acoustics.t60)
        assert np.all((acoustics.t60 > 0.15) & (acoustics.t60 < 0.8))
        assert np.all((acoustics.peak > 200) & (acoustics.peak < 5000))
        assert len(np.unique(np.floor(looks.wall[:, 0] * 12))) == 12

    def test_a_larger_room_rings_longer_and_looks_farther_away(self, many):
        room, t60 = many.room_heard, many.acoustics.t60
        types = room_types(CONFIG)[0]
        assert scipy.stats.spearmanr(room.size, t60 / types.t60[room.kind])[0] > 0.999
        horizon = np.linspace(-np.pi, np.pi, 36, endpoint=False)
        distance = wall_distance(room, np.tile(horizon, (COUNT, 1)), np.zeros((COUNT, 36))).mean(1)
        # the texture is fixed to the walls: cycles per radian go with the distance, so longer T60 pairs with finer look
        assert scipy.stats.spearmanr(room.size, distance)[0] > 0.95

    def test_objects_hang_inside_both_rooms(self, many):
        objects = many.objects
        for rooms, distance in ((many.room_heard, objects.distance_heard), (many.room_seen, objects.distance_seen)):
            for time in (-0.25, 0.0, 0.25):
                wall = wall_distance(rooms, objects.azimuth + objects.speed * time, objects.elevation)
                assert np.all(distance < wall)
            assert np.all(distance > 0.5)


class TestConfig:
    def test_companions_never_sound_and_stand_elsewhere(self):
        config = WorldConfig(context_fraction=0.6)
        objects = scenes(config, 0, range(1000)).objects
        assert config.appearances == 24
        assert config.objects == 9
        companion = objects.present & (objects.kind >= 12)
        assert not (companion & objects.sounding).any()
        np.testing.assert_array_equal(objects.kind[:, 6:], objects.kind[:, :3] + 12)
        assert not (companion[:, 6:] & ~objects.sounding[:, :3]).any()
        count = int(objects.sounding.sum())
        assert scipy.stats.binomtest(int(companion.sum()), count, 0.6).pvalue > P
        apart = (objects.azimuth[:, 6:] - objects.azimuth[:, :3])[companion[:, 6:]]
        assert scipy.stats.kstest(np.mod(apart, 2 * np.pi), scipy.stats.uniform(0, 2 * np.pi).cdf).pvalue > P

    def test_ranges_are_kept(self, many):
        objects = many.objects
        assert np.abs(objects.elevation).max() <= np.radians(34)
        assert np.degrees(objects.radius.min()) >= 12
        assert np.degrees(objects.radius.max()) <= 22
        ratio = objects.fundamental / (140.0 * 2.0 ** (3 * objects.kind / 12))
        assert 0.97 <= ratio.min() < 0.971
        assert 1.029 < ratio.max() <= 1.03
        turns = np.mod(objects.hue - objects.kind / 12 + 0.5, 1) - 0.5
        assert 0.0149 < np.abs(turns).max() <= 0.015 + 1e-12

    def test_breakage_is_as_frequent_as_asked(self):
        breakage = scenes(WorldConfig(broken_fraction=0.4), 0, range(2000)).breakage
        assert scipy.stats.binomtest(int((breakage > 0).sum()), 2000, 0.4).pvalue > P
        assert scipy.stats.chisquare(np.bincount(breakage)[1:]).pvalue > P

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"room_strength": 1.5}, "room_strength=1.5"),
            ({"sounding": (3, 1)}, "lowest, highest"),
            ({"sounding": (-1, 1)}, "at least 0"),
            ({"elevation_degrees": 80.0}, "pole"),
            ({"classes": 0}, "classes=0"),
            ({"duration": 0.0}, "duration=0.0"),
            ({"t60": (0.0, 1.0)}, "positive"),
            ({"lead_in": -1.0}, "lead_in"),
        ],
    )
    def test_impossible_worlds_are_refused(self, change, message):
        with pytest.raises(AmbikitError, match=message):
            WorldConfig(**change)
