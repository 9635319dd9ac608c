"""Training from shards is training from the folder that was packed, clip by clip and bit by bit."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch

from ambikit.errors import FileError
from ambikit_models.cli import main
from ambikit_models.datasets import sharded_clips
from ambikit_models.datasets.prepared import PreparedClips
from ambikit_models.datasets.sharded_clips import ShardedClips
from ambikit_models.panorama.viewpoints import RandomViewpoints
from ambikit_models.preparation.boxes import read_boxes
from ambikit_models.preparation.clip_files import Storing
from ambikit_models.preparation.prepare import prepare
from ambikit_models.preparation.recording import PrepareConfig
from ambikit_models.preparation.segments import Cutting
from ambikit_models.preparation.shards import write_shards
from ambikit_models.study.videos import open_videos
from ambikit_models.training.config import ClipConfig, Phase, save_yaml
from ambikit_models.training.loading import load_share
from ambikit_models.training.loop import train
from ambikit_models.training.processes import share_of
from ambikit_models.world import WorldConfig, WorldDetector, WorldFiles, scenes, write_world
from tests.ambikit_models.toy import SOUND, toy_config

pytest.importorskip("webdataset")

VIDEOS, BATCH, PER_EPOCH = 6, 2, 3
SHOWN = {"size": 12, "frames": 1, "frame_rate": 4.0, "sound_duration": 0.25}
SETTINGS = PrepareConfig(
    cutting=Cutting(duration=1.0, shortest=0.5, moving=0.0), storing=Storing(height=32, frame_rate=8.0)
)


class Looking:
    """One object straight ahead on every picture."""

    def detect(self, frames):
        config = WorldConfig(sounding=(1, 1), silent=(0, 0))
        return WorldDetector(config, scenes(config, 0, range(len(frames)))).detect(frames)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A written world, its clips, and these packed two to a shard."""
    root = tmp_path_factory.mktemp("world")
    files = WorldFiles(clips=(1, 1), seconds=1, height=32, world=WorldConfig(reverberation=0.0, snr_db=None))
    write_world(root / "world", VIDEOS, 0, files, workers=1)
    prepare(root / "world", root / "clips", SETTINGS, detector=Looking(), workers=1)
    write_shards(root / "clips", root / "shards", clips=2)
    shutil.rmtree(root / "world")
    return root / "clips", root / "shards"


@pytest.fixture(scope="module")
def config():
    phase = Phase("avsa", steps=2 * PER_EPOCH, clips=BATCH, views=2, learning_rate=1e-3)
    clip = ClipConfig(size=12, frames=1, frame_rate=4.0, duration=0.25)
    return dataclasses.replace(toy_config(), phases=(phase,), clip=clip, checkpoint_every=100)


def seen(monkeypatch, source):
    """The names of the clips of each batch that is asked for."""
    batches, original = [], type(source).batch

    def watched(self, indices, *rest, **settings):
        batches.append([self.clips[i].name for i in indices])
        return original(self, indices, *rest, **settings)

    monkeypatch.setattr(type(source), "batch", watched)
    return batches


def weights(model):
    return torch.cat([value.reshape(-1).double() for value in model.state_dict().values()])


class TestClips:
    def test_they_are_those_of_the_folder(self, folders):
        folder, shards = (
            kind(path, sound=SOUND, **SHOWN) for kind, path in zip((PreparedClips, ShardedClips), folders)
        )
        assert shards.records == folder.records
        assert shards.identity == folder.identity
        assert np.array_equal(shards.videos, folder.videos)
        for ours, theirs in zip(shards.clips, folder.clips, strict=True):
            assert ours.pictures.read_bytes() == theirs.pictures.read_bytes()
            assert ours.sound.read_bytes() == theirs.sound.read_bytes()
        viewpoints = RandomViewpoints(views=2).draw(np.random.default_rng(0), 3)
        batches = [clips.batch(np.array([4, 0, 2]), viewpoints) for clips in (shards, folder)]
        assert torch.equal(batches[0].video, batches[1].video)
        assert torch.equal(batches[0].audio, batches[1].audio)

    def test_boxes_and_parts(self, folders):
        part = ShardedClips(folders[1], sound=SOUND, **SHOWN).subset(np.array([3, 1]))
        whole = PreparedClips(folders[0], sound=SOUND, **SHOWN)
        assert [clip.name for clip in part.clips] == [whole.clips[3].name, whole.clips[1].name]
        true = read_boxes(folders[0] / whole.records[3]["boxes"]["path"], 0.5)
        np.testing.assert_array_equal(part.detections(0).azimuth, true.azimuth)

    def test_few_files_lie_unpacked(self, folders, monkeypatch):
        monkeypatch.setattr(sharded_clips, "_UNPACKED", 2)
        clips = ShardedClips(folders[1], sound=SOUND, **SHOWN)
        paths = [path for clip in clips.clips for path in (clip.pictures, clip.sound)]
        assert [path.exists() for path in paths] == [False] * (2 * VIDEOS - 4) + [True] * 4

    def test_splits(self, folders, tmp_path):
        shutil.copytree(folders[1], tmp_path / "s")
        first = ShardedClips(folders[1]).clips[0].video
        (tmp_path / "s" / "train.txt").write_text(first)
        assert {clip.video for clip in ShardedClips(tmp_path / "s", "train").clips} == {first}

    def test_a_shard_that_is_cut_off(self, folders, tmp_path):
        shutil.copytree(folders[1], tmp_path / "s")
        path = sorted((tmp_path / "s").glob("*.tar"))[1]
        path.write_bytes(path.read_bytes()[:700])
        with pytest.raises(FileError, match="cut off"):
            ShardedClips(tmp_path / "s")


class TestTraining:
    def test_the_same_clips_per_epoch_and_the_same_weights(self, folders, config, tmp_path, monkeypatch):
        models, orders = [], []
        for number, folder in enumerate(folders):
            source = open_videos(folder, config)
            with monkeypatch.context() as patch:
                batches = seen(patch, source)
                models.append(train(config, source, tmp_path / str(number)))
            orders.append(batches[-2 * PER_EPOCH :])
        assert isinstance(source, ShardedClips)
        assert orders[0] == orders[1]
        names = sorted(clip.name for clip in source.clips)
        for epoch in (orders[1][:PER_EPOCH], orders[1][PER_EPOCH:]):
            assert sorted(name for batch in epoch for name in batch) == names
        assert orders[1][:PER_EPOCH] != orders[1][PER_EPOCH:]
        assert torch.equal(weights(models[0]), weights(models[1]))

    @pytest.mark.parametrize("begun", [1, 0])
    def test_it_goes_on_in_the_middle_of_an_epoch(self, folders, config, tmp_path, monkeypatch, begun):
        """Interrupted after four of six steps, on shards or on the folder: the fifth is the next of the epoch."""
        whole = train(config, open_videos(folders[1], config), tmp_path / "whole")
        train(config, open_videos(folders[begun], config), tmp_path / "part", stop_at=PER_EPOCH + 1)
        source = open_videos(folders[1], config)
        with monkeypatch.context() as patch:
            batches = seen(patch, source)
            resumed = train(config, source, tmp_path / "part")
        assert len(batches) == 1 + PER_EPOCH - 1  # the statistics, and what was left of the epoch
        assert torch.equal(weights(resumed), weights(whole))

    def test_each_process_reads_its_own_clips(self, folders, config, monkeypatch):
        source = open_videos(folders[1], config)
        unpacked, original = [], sharded_clips._unpack

        def watched(shard, places, ending):
            unpacked.append(places["name"])
            return original(shard, places, ending)

        monkeypatch.setattr(sharded_clips, "_unpack", watched)
        epoch = []
        for step in range(PER_EPOCH):
            shares = []
            for rank in range(2):
                unpacked.clear()
                ours = share_of(BATCH, rank, 2)
                load_share(config, config.phases[0], source, source.videos, first=0, step=step, ours=ours)
                shares.append(set(unpacked))
            assert [len(share) for share in shares] == [1, 1]
            epoch += [name for share in shares for name in share]
        assert sorted(epoch) == sorted(clip.name for clip in source.clips)

    def test_by_the_command(self, folders, config, tmp_path):
        save_yaml(config, tmp_path / "recipe.yaml")
        arguments = ["--recipe", str(tmp_path / "recipe.yaml"), "--accelerator", "cpu"]
        main(["train", str(folders[1]), *arguments, "--output", str(tmp_path / "run")])
        last = tmp_path / "run" / "checkpoints" / f"step-{2 * PER_EPOCH:06d}"
        assert json.loads((last / "recipe.json").read_text())["step"] == 2 * PER_EPOCH
