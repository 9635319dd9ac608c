import math

import av
import numpy as np
import pytest
import torch

import ambikit
from ambikit.errors import AmbikitError, FileError
from ambikit_models.datasets.yt360 import YT360
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.preparation.records import read_records
from ambikit_models.sound import SoundFeatures
from ambikit_models.world import WorldConfig, render_sound, scene
from ambikit_models.world.dataset import RECORDS, write_world
from ambikit_models.world.files import WorldFiles, choices, video_id
from ambikit_models.world.segmentation import NOTHING, STUFF
from ambikit_models.world.soundtracks import write_aac

SOUND = SoundFeatures("foa_intensity", sample_rate=16000, bands=16, window=0.064, hop=0.04)
#: one source in the open, which can be seen and heard in one direction only
PLAIN = WorldConfig(sounding=(1, 1), silent=(0, 0), reverberation=0.0, snr_db=None, speed_degrees=(-3.0, 3.0))
SMALL = WorldFiles(PLAIN, clips=(1, 2), seconds=2, height=48, frame_rate=8.0, maps_rate=2.0)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    return folder, write_world(folder, 6, 0, SMALL, workers=1)


def png(path):
    with av.open(str(path)) as file:
        return next(file.decode(video=0)).to_ndarray(format="rgb24")


class TestLayout:
    def test_as_yt360_reads_it(self, written):
        folder, records = written
        clips = YT360(folder, sound=SOUND)
        assert [clip.name for clip in clips.clips] == sorted(record["name"] for record in records)
        assert clips.unpaired == 0
        assert len(clips.readable()) == len(records)
        train, test = (YT360(folder, split) for split in ("train", "test"))
        assert len(train) + len(test) == len(clips)
        assert {clip.video for clip in test.clips} == {video_id(0, 4)}

    def test_names_and_lists(self, written):
        folder, records = written
        assert all(len(record["video"]) == 11 for record in records)
        assert {record["video"]: choices(SMALL, 0, record["scene"])[0] for record in records} == {
            line.split()[0]: len(line.split()[1].split(",")) for line in (folder / "segments.txt").open()
        }
        assert {len(line.split(",")) for line in (folder / "segments.txt").open()} == {1, 2}
        assert read_records(folder / RECORDS) == records

    def test_the_clips_of_a_video_follow_one_another(self, written):
        """The sound of both is that of the scene, one after the other, and an object goes on from where it was."""
        folder, records = written
        second = next(record for record in records if record["start"] == 2)
        first = next(record for record in records if record["name"] == f"{second['video']}-0")
        joined = np.concatenate([ambikit.read(folder / record["sound"])[0] for record in (first, second)], axis=1)
        config = WorldConfig(**{**vars(PLAIN), "duration": 4.0})
        np.testing.assert_allclose(joined, render_sound(config, 0, scene(config, 0, second["scene"]))[0], atol=2e-4)
        drift = second["objects"][0]["azimuth_degrees"] - first["objects"][0]["azimuth_degrees"]
        assert 0 < abs(drift) <= 6.001


class TestTruth:
    def test_sound_comes_from_where_the_record_says(self, written):
        folder, records = written
        for record in records:
            signal, rate = ambikit.read(folder / record["sound"])
            middle = signal[:, rate - 800 : rate + 800]
            azimuth, elevation = ambikit.vectors_to_angles((middle[[3, 1, 2]] * middle[0]).sum(-1), degrees=True)
            (found,) = record["objects"]
            assert (azimuth - found["azimuth_degrees"] + 180) % 360 - 180 == pytest.approx(0, abs=0.3)
            assert elevation == pytest.approx(found["elevation_degrees"], abs=0.3)

    def test_a_view_there_shows_and_plays_it(self, written):
        """Through the reader: the object fills the middle of the view, and its sound comes from the front."""
        folder, records = written
        clips = YT360(folder, sound=SOUND, size=16, frames=2, moments=1)
        truth = {record["name"]: record["objects"][0] for record in records}
        for index, clip in enumerate(clips.clips):
            angles = [math.radians(truth[clip.name][f"{name}_degrees"]) for name in ("azimuth", "elevation")]
            view = Viewpoints(*(torch.full((1, 1), angle, dtype=torch.float64) for angle in (*angles, 0.3)))
            batch = clips.batch(np.array([index]), view)
            assert batch.audio[0, 0, 4].mean() > 0.85
            colours = batch.video[0, 0, :, 0].flatten(1).T
            assert (colours.max(1).values - colours.min(1).values).mean() > 0.25  # coloured, as balls are

    def test_maps_show_it_too(self, written):
        folder, records = written
        for record in records:
            maps = sorted((folder / "segmentation" / record["name"]).iterdir())
            assert [path.name for path in maps] == [f"{k}-{n:04d}.png" for k in ("stuff", "things") for n in range(4)]
            things, stuff = png(maps[6])[..., 0], png(maps[2])[..., 0]
            (found,) = record["objects"]
            assert set(np.unique(things)) == {found["class"], NOTHING}
            assert set(np.unique(stuff)) == {*range(len(STUFF)), NOTHING}
            assert ((things == NOTHING) != (stuff == NOTHING)).all()
            assert (stuff[-1] == STUFF.index("floor")).all()
            assert (stuff[0] == STUFF.index("ceiling")).all()
            rows, columns = np.nonzero(things != NOTHING)
            azimuth, elevation = ambikit.pixels_to_angles(columns, rows, 96, 48)
            mean = ambikit.angles_to_vectors(azimuth, elevation).mean(0)
            expected = ambikit.angles_to_vectors(found["azimuth_degrees"], found["elevation_degrees"], degrees=True)
            assert mean @ expected / np.linalg.norm(mean) > math.cos(math.radians(4))


class TestLikeTheRealThing:
    def test_training_on_it(self, written, tmp_path):
        from ambikit_models.training.config import ModelConfig, Phase, TrainingConfig
        from ambikit_models.training.loop import train

        folder, _ = written
        clips = YT360(folder, "train", SOUND, size=16, frames=1, moments=1, segments=True)
        phases = (Phase("avsa", steps=2, clips=2, views=2),)
        config = TrainingConfig(phases, SOUND, ModelConfig(width=8, projection=8), log_every=1)
        losses = []
        train(config, clips, tmp_path / "run", report=lambda record: losses.append(record["loss"]))
        assert len(losses) == 2
        assert np.isfinite(losses).all()
        assert not clips.skipped

    def test_its_maps_through_the_reader(self, written):
        folder, records = written
        clips = YT360(folder)
        truth = {record["name"]: record["objects"][0]["class"] for record in records}
        for index, clip in enumerate(clips.clips):
            maps = clips.segmentation(index)
            assert maps.times.tolist() == [0, 0.25, 0.5, 0.75]  # four maps, which the reader takes for YT-360's rate
            assert set(np.unique(maps.things)) == {truth[clip.name], NOTHING}

    def test_prepared_and_audited(self, tmp_path):
        """A collection of which half is broken: the audit says which half, and only the other is prepared."""
        from ambikit_models.datasets.prepared import PreparedClips
        from ambikit_models.preparation.audit import audit
        from ambikit_models.preparation.prepare import prepare
        from ambikit_models.preparation.recording import PrepareConfig
        from ambikit_models.preparation.segments import Cutting

        world = WorldConfig(reverberation=0.0, sounding=(3, 3), silent=(1, 1), speed_degrees=(-3.0, 3.0))
        files = WorldFiles(world, (1, 1), 1, 16, 4.0, "aac", broken=0.5, defects=("n3d_scale", "mono"), maps_rate=0)
        records = write_world(tmp_path / "world", 4, 0, files, workers=1)
        judged = audit(tmp_path / "world", tmp_path / "audit", workers=1)
        verdicts = {record["path"]: record["verdict"] for record in judged}
        expected = {record["sound"]: "invalid" if record["defect"] else "valid" for record in records}
        assert {path: verdicts[path] for path in expected} == expected
        assert set(expected.values()) == {"valid", "invalid"}
        only = [path for path, verdict in expected.items() if verdict == "valid"]
        config = PrepareConfig(cutting=Cutting(duration=1.0, shortest=0.5, moving=0.0))
        prepare(tmp_path / "world", tmp_path / "out", config, only=only, workers=1)
        clips = PreparedClips(tmp_path / "out", sound=SOUND, sound_duration=0.9)
        assert len(clips) == len(only)
        assert len(clips.readable()) == len(only)


class TestDefects:
    def test_recorded_and_heard(self, tmp_path):
        files = WorldFiles(PLAIN, (1, 1), 1, 16, 2.0, broken=1.0, defects=("silent_y", "mono"), maps_rate=0)
        records = write_world(tmp_path, 8, 3, files, workers=1)
        assert {record["defect"] for record in records} == {"silent_y", "mono"}
        for record in records:
            energy = (ambikit.read(tmp_path / record["sound"])[0] ** 2).sum(-1)
            assert (energy == 0).tolist() == ([0, 1, 1, 1] if record["defect"] == "mono" else [0, 1, 0, 0])
        assert not list((tmp_path / "segmentation").iterdir())

    def test_the_share(self):
        files = WorldFiles(broken=0.3)
        drawn = [choices(files, 0, index)[1] for index in range(400)]
        assert 0.22 < np.mean([defect is not None for defect in drawn]) < 0.38
        assert len(set(drawn)) > 10
        assert {choices(WorldFiles(), 0, index)[1] for index in range(50)} == {None}


class TestAgain:
    def test_the_same_seed_gives_the_same_files(self, written, tmp_path):
        folder, records = written
        assert write_world(tmp_path, 2, 0, SMALL, workers=1) == [r for r in records if r["scene"] < 2]
        found = [path for path in tmp_path.rglob("*.*") if path.suffix in (".mp4", ".flac", ".png")]
        assert len(found) > 10
        for path in found:
            assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes()
        assert video_id(1, 0) != video_id(0, 0)

    def test_interrupted_and_extended(self, written, tmp_path):
        folder, records = written
        few = write_world(tmp_path, 1, 0, SMALL, workers=1)
        kept = tmp_path / few[0]["pictures"]
        before = kept.stat().st_mtime_ns
        write_world(tmp_path, 3, 0, SMALL, workers=1)
        lost = next(record for record in records if record["scene"] == 2)
        (tmp_path / lost["sound"]).unlink()
        told = []
        again = write_world(tmp_path, 3, 0, SMALL, workers=1, progress=lambda *said: told.append(said))
        assert told == [(3, 3, lost["video"])]
        assert again == [record for record in records if record["scene"] < 3]
        assert kept.stat().st_mtime_ns == before
        assert (tmp_path / lost["sound"]).read_bytes() == (folder / lost["sound"]).read_bytes()
        assert not list(tmp_path.rglob("*.part"))

    def test_other_settings_are_refused(self, written):
        folder, _ = written
        with pytest.raises(AmbikitError, match="written with other settings"):
            write_world(folder, 2, 1, SMALL)
        with pytest.raises(AmbikitError, match="written with other settings"):
            write_world(folder, 2, 0, WorldFiles())

    def test_what_cannot_be_written(self, tmp_path):
        (tmp_path / "video").mkdir()
        (tmp_path / "video" / f"{video_id(0, 0)}-0.mp4").mkdir()
        files = WorldFiles(PLAIN, (1, 1), 1, 16, 2.0, maps_rate=0)
        with pytest.raises(FileError, match="1 of 2 videos that could not be written"):
            write_world(tmp_path, 2, 0, files, workers=1)
        (tmp_path / "video" / f"{video_id(0, 0)}-0.mp4").rmdir()
        assert len(write_world(tmp_path, 2, 0, files, workers=1)) == 2


class TestSettings:
    @pytest.mark.parametrize(
        "wrong", [{"clips": (0, 1)}, {"seconds": 0}, {"height": 15}, {"broken": 1.5}, {"defects": ("loud",)}]
    )
    def test_refused(self, wrong):
        with pytest.raises(AmbikitError, match=f"{next(iter(wrong))}="):
            WorldFiles(**wrong)

    def test_sound_and_number(self, tmp_path):
        with pytest.raises(AmbikitError, match="sound='mp3'"):
            WorldFiles(sound="mp3")
        with pytest.raises(AmbikitError, match="videos=0"):
            write_world(tmp_path, 0)


class TestAac:
    @pytest.fixture
    def wave(self, rng):
        return ambikit.encode(0.1 * rng.standard_normal(32000), 60, 20, degrees=True)

    @pytest.mark.parametrize("layout", ["4.0", "5.1"])
    def test_channels_come_back_where_they_were(self, wave, tmp_path, layout):
        path = tmp_path / "sound.m4a"
        write_aac(path, wave, 16000, layout)
        if layout == "5.1":
            with pytest.warns(UserWarning, match="as YouTube serves"):
                found, rate = ambikit.read(path)
        else:
            found, rate = ambikit.read(path)
        assert (len(found), rate) == (4, 16000)
        found = found[:, : wave.shape[-1]]
        azimuth, elevation = np.radians([60, 20])
        y, z, x = np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)
        np.testing.assert_allclose(found @ wave[0] / (wave[0] @ wave[0]), [1, y, z, x], atol=0.03)
        assert np.corrcoef(found[0], wave[0])[0, 1] > 0.98

    def test_errors(self, wave, tmp_path):
        with pytest.raises(AmbikitError, match=r"layout='quad'"):
            write_aac(tmp_path / "a.m4a", wave, 16000, "quad")
        with pytest.raises(FileError, match="AAC at 12345 Hz"):
            write_aac(tmp_path / "a.m4a", wave, 12345, "4.0")
        assert not list(tmp_path.iterdir())
