import json
import shutil

import numpy as np
import pytest
from torch.utils.data import DataLoader

import ambikit
from ambikit.errors import AmbikitError, FileError
from ambikit_models.cli import main
from ambikit_models.datasets.paired_clips import PairedClips
from ambikit_models.datasets.shards import ShardReader
from ambikit_models.media import read_frames
from ambikit_models.preparation.prepare import MANIFEST
from ambikit_models.preparation.records import checksum, read_records, write_records
from ambikit_models.preparation.shards import INDEX, write_shards
from tests.ambikit_models.clips import numbered_frame, numbers_of, write_video

pytest.importorskip("webdataset")

CLIPS, PER_SHARD = 47, 5


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A manifest of many tiny clips, whose pictures and sound say their number."""
    folder = tmp_path_factory.mktemp("prepared")
    for part in ("video", "audio", "boxes"):
        (folder / part).mkdir()
    records = []
    for number in range(CLIPS):
        name = f"n{number:02d}-00000000"
        parts = {"pictures": f"video/{name}.mp4", "sound": f"audio/{name}.flac"}
        write_video(folder / parts["pictures"], [numbered_frame(number)] * 2, 4, options={"preset": "ultrafast"})
        ambikit.write(folder / parts["sound"], np.full((4, 800), number / 100), 1600, subtype="PCM_16")
        records.append(
            {
                "name": name,
                "video": f"n{number:02d}",
                **parts,
                "bytes": {part: (folder / path).stat().st_size for part, path in parts.items()},
                "checksums": {part: checksum(folder / path) for part, path in parts.items()},
            }
        )
    (folder / "boxes" / "n03-00000000.json").write_text('{"pictures": []}')
    records[3]["boxes"] = {"path": "boxes/n03-00000000.json"}
    write_records(folder / MANIFEST, records)
    return folder


@pytest.fixture(scope="module")
def shards(prepared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    write_shards(prepared, folder, clips=PER_SHARD)
    return folder


def names(samples):
    return [sample.record["name"] for sample in samples]


def four(shards, **settings):
    """The readers of two processes with two workers each."""
    return [
        ShardReader(shards, rank=rank, world_size=2, worker=worker, workers=2, **settings)
        for rank in range(2)
        for worker in range(2)
    ]


class TestWriting:
    def test_the_index(self, prepared, shards):
        index = read_records(shards / INDEX)
        assert [shard["clips"] for shard in index] == [5] * 9 + [2]
        assert all(checksum(shards / shard["shard"]) == shard["checksum"] for shard in index)
        packed = [place["name"] for shard in index for place in shard["places"]]
        assert sorted(packed) == [record["name"] for record in read_records(prepared / MANIFEST)]
        assert packed != sorted(packed)
        assert {p.name for p in shards.iterdir()} == {INDEX, *(shard["shard"] for shard in index)}

    def test_webdataset_reads_them(self, prepared, shards):
        import webdataset

        urls = sorted(str(path) for path in shards.glob("*.tar"))
        found = {sample["__key__"]: sample for sample in webdataset.WebDataset(urls, shardshuffle=False)}
        for record in read_records(prepared / MANIFEST):
            sample = found.pop(record["name"])
            assert json.loads(sample["json"]) == record
            assert sample["mp4"] == (prepared / record["pictures"]).read_bytes()
            assert sample["flac"] == (prepared / record["sound"]).read_bytes()
            assert ("boxes.json" in sample) == ("boxes" in record)
        assert not found

    def test_the_same_again_and_another_order(self, prepared, shards, tmp_path):
        main(["shards", str(prepared), "--output", str(tmp_path / "a"), "--clips", str(PER_SHARD)])
        assert (tmp_path / "a" / INDEX).read_bytes() == (shards / INDEX).read_bytes()
        write_shards(prepared, tmp_path / "b", clips=PER_SHARD, seed=1)
        assert (tmp_path / "b" / INDEX).read_bytes() != (shards / INDEX).read_bytes()

    def test_clips_that_are_not_those_of_the_manifest(self, prepared, tmp_path):
        shutil.copytree(prepared, tmp_path / "p")
        (tmp_path / "p" / "video" / "n07-00000000.mp4").write_bytes(b"short")
        with pytest.raises(FileError, match=r"n07-00000000\.mp4 with 5 bytes"):
            write_shards(tmp_path / "p", tmp_path / "out")
        (tmp_path / "p" / "video" / "n07-00000000.mp4").unlink()
        with pytest.raises(FileError, match="cannot be read"):
            write_shards(tmp_path / "p", tmp_path / "out")
        assert not list((tmp_path / "out").glob("*.tar"))
        with pytest.raises(AmbikitError, match="clips=0"):
            write_shards(prepared, tmp_path / "out", clips=0)


class TestSplitting:
    def test_two_workers_of_two_processes_share_everything_once(self, prepared, shards):
        parts = [names(reader) for reader in four(shards)]
        together = [name for part in parts for name in part]
        assert len(together) == len(set(together)) == CLIPS
        assert all(parts)

    def test_the_seed_and_the_epoch_decide(self, shards):
        first, second = (names(ShardReader(shards, seed=seed)) for seed in (0, 1))
        assert sorted(first) == sorted(second)
        assert first == names(ShardReader(shards))
        assert first != second
        reader = ShardReader(shards)
        epochs = [names(reader) for _ in range(3)]
        assert epochs[0] == first
        assert len({tuple(epoch) for epoch in epochs}) == 3
        reader.set_epoch(1)
        assert names(reader) == epochs[1]

    def test_clips_of_several_shards_are_mixed(self, shards):
        home = {p["name"]: s["shard"] for s in read_records(shards / INDEX) for p in s["places"]}
        mixed = [home[name] for name in names(ShardReader(shards, together=4))]
        assert len(set(mixed[:10])) > 2
        plain = [home[name] for name in names(ShardReader(shards, shuffle=False))]
        assert plain == sorted(plain)

    def test_even_shares(self, shards):
        seen = set()
        for epoch in range(4):
            readers = four(shards, even=True)
            for reader in readers:
                reader.set_epoch(epoch)
            parts = [names(reader) for reader in readers]
            assert len({len(part) for part in parts}) == 1
            together = [name for part in parts for name in part]
            assert len(together) == len(set(together))
            seen |= set(together)
        assert len(seen) == CLIPS  # what is left out is not always the same

    def test_too_few_shards(self, shards):
        with pytest.raises(AmbikitError, match="10 shards for 12 readers"):
            next(iter(ShardReader(shards, rank=0, world_size=12)))
        with pytest.raises(AmbikitError, match="both or neither"):
            ShardReader(shards, rank=0)


class TestResuming:
    @pytest.mark.parametrize("settings", [{}, {"even": True}, {"shuffle": False}, {"together": 1, "seed": 7}])
    def test_every_reader_goes_on_with_the_same_samples(self, shards, settings):
        for number, reader in enumerate(four(shards, **settings)):
            epoch = names(reader)
            whole = epoch + names(reader)
            for stop in (0, 1, 4, 7, len(epoch) - 1, len(epoch), len(epoch) + 3):
                begun = four(shards, **settings)[number]
                before = []
                while len(before) < stop:
                    for sample in begun:
                        before.append(sample.record["name"])
                        if len(before) == stop:
                            break
                state = json.loads(json.dumps(begun.state_dict()))
                resumed = four(shards, **settings)[number]
                resumed.load_state_dict(state)
                after = names(resumed)
                if stop < len(epoch):
                    after += names(resumed)
                assert before + after == whole, (number, stop)

    @pytest.mark.parametrize("workers", [0, 2])
    def test_through_a_loader(self, shards, workers):
        """What a loader with workers would have given without the interruption, in the same order."""

        def loader(reader):
            return DataLoader(reader, batch_size=3, num_workers=workers, collate_fn=list)

        whole = [names(batch) for batch in loader(ShardReader(shards, seed=3))]
        assert sorted(name for batch in whole for name in batch) == sorted(names(ShardReader(shards)))
        first = ShardReader(shards, seed=3)
        for number, batch in enumerate(loader(first), 1):
            first.note_all(batch)
            if number == 3:  # the loader has read on; what did not arrive will come again
                break
        resumed = ShardReader(shards, seed=3)
        resumed.load_state_dict(first.state_dict())
        assert [names(batch) for batch in loader(resumed)] == whole[3:]

    def test_states_of_others_are_refused(self, prepared, shards, tmp_path):
        reader = ShardReader(shards, seed=3)
        next(iter(reader))
        with pytest.raises(AmbikitError, match="whose seed differ"):
            ShardReader(shards).load_state_dict(reader.state_dict())
        write_shards(prepared, tmp_path, clips=6)
        with pytest.raises(AmbikitError, match="whose shards differ"):
            ShardReader(tmp_path, seed=3).load_state_dict(reader.state_dict())
        other = ShardReader(shards, seed=3, rank=0, world_size=2)
        other.load_state_dict(reader.state_dict())
        with pytest.raises(AmbikitError, match="position of 1 readers, and 2 now"):
            next(iter(other))


class TestSamples:
    def test_they_are_the_clips(self, shards):
        for sample in ShardReader(shards, shuffle=False):
            number = int(sample.record["video"][1:])
            with sample.unpacked() as clip:
                assert numbers_of(read_frames(clip.pictures, [0.1])) == [number]
                signal, rate = ambikit.read(clip.sound)
            assert rate == 1600
            np.testing.assert_allclose(signal, number / 100, atol=1 / 2**15)
            assert not clip.sound.exists()

    def test_they_make_batches(self, shards):
        from ambikit_models.panorama.viewpoints import RandomViewpoints
        from ambikit_models.sound import SoundFeatures

        sample = next(iter(ShardReader(shards)))
        sound = SoundFeatures("omni", sample_rate=1600, bands=4, window=0.064, hop=0.04)
        with sample.unpacked() as clip:
            clips = PairedClips([clip], sound, size=8, frames=1, frame_rate=4.0, sound_duration=0.25)
            batch = clips.batch(np.array([0]), RandomViewpoints(views=2).draw(np.random.default_rng(0), 1))
        assert (batch.clips, batch.views) == (1, 2)

    def test_damaged_shards(self, shards, tmp_path):
        shutil.copytree(shards, tmp_path / "s")
        path = tmp_path / "s" / "clips-000004.tar"
        path.write_bytes(path.read_bytes()[:2000])
        with pytest.raises(FileError, match=r"clips-000004\.tar.*cut off"):
            list(ShardReader(tmp_path / "s", shuffle=False))
        with pytest.raises(FileError, match=r"shards\.jsonl, which cannot be read"):
            ShardReader(tmp_path)
