import dataclasses
import math
import warnings

import av
import numpy as np
import pytest
import torch

import ambikit
from ambikit.errors import AmbikitError, FileError, ShapeError
from ambikit_models.batch import ClipSource
from ambikit_models.datasets.cache import ByteCache
from ambikit_models.datasets.yt360 import YT360
from ambikit_models.panorama.detection import boxes_to_detections
from ambikit_models.panorama.salient import SalientViewpoints
from ambikit_models.panorama.viewpoints import ObjectViewpoints, RandomViewpoints, Viewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.sampling import choose_viewpoints
from tests.ambikit_models.clips import numbered_frame, numbers_of, write_sound, write_video

SOUND = SoundFeatures("foa_intensity", sample_rate=16000, bands=16, window=0.064, hop=0.04)
SMALL = {"size": 16, "frames": 2}
#: name of a clip (an id may contain dashes) and the direction of its one source, degrees
SOURCES = {
    "abcdefghijk-0": (60, 20),
    "abcdefghijk-10": (-120, -30),
    "-x-y-z_0123-7": (170, 5),
    "ZZZZZZZZZZZ-3": (-30, 40),
}


def picture(azimuth, elevation, width=128, height=64):
    """Black but for a white disc in a direction, degrees."""
    columns = np.radians(180 - 360 * (np.arange(width) + 0.5) / width)
    rows = np.radians(90 - 180 * (np.arange(height)[:, None] + 0.5) / height)
    a, e = math.radians(azimuth), math.radians(elevation)
    cosine = np.sin(rows) * math.sin(e) + np.cos(rows) * math.cos(e) * np.cos(columns - a)
    return np.repeat(np.where(cosine > math.cos(math.radians(12)), 235, 16)[..., None], 3, -1).astype(np.uint8)


def write_m4a(path, signal, rate=48000):
    with av.open(str(path), "w", format="mp4") as container:
        # lossless: AAC would make the noise of each channel partly its own
        stream = container.add_stream("alac", rate=rate, layout="4.0")
        write_sound(container, stream, signal, rate)


def write_clip(folder, name, frames, signal):
    (folder / "video").mkdir(parents=True, exist_ok=True)
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    write_video(folder / "video" / f"{name}.mp4", frames, 25, options={"crf": "12"})
    write_m4a(folder / "audio" / f"{name}.m4a", signal)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Four clips of two seconds with one noise source each, seen and heard in the same direction."""
    folder, rng = tmp_path_factory.mktemp("yt360"), np.random.default_rng(0)
    for name, (azimuth, elevation) in SOURCES.items():
        noise = 0.2 * rng.standard_normal(2 * 48000)
        signal = ambikit.encode(noise, azimuth, elevation, degrees=True)
        write_clip(folder, name, [picture(azimuth, elevation)] * 50, signal)
    (folder / "train.txt").write_text("abcdefghijk\nZZZZZZZZZZZ\n")
    (folder / "test.txt").write_text("-x-y-z_0123\n")
    return folder


@pytest.fixture
def damaged(good, tmp_path):
    """The same with two broken clips among them: one video, one sound."""
    for part in ("video", "audio"):
        (tmp_path / part).mkdir()
        for path in (good / part).iterdir():
            (tmp_path / part / path.name).symlink_to(path)
    for part, name in (("video", "abcdefghijk-10.mp4"), ("audio", "ZZZZZZZZZZZ-3.m4a")):
        whole = (tmp_path / part / name).read_bytes()
        (tmp_path / part / name).unlink()
        (tmp_path / part / name).write_bytes(whole[: len(whole) // 2])
    return tmp_path


def looking(*directions, field_of_view=60.0):
    """Viewpoints in degrees: a list of (azimuth, elevation) per clip."""
    angles = torch.deg2rad(torch.tensor(directions, dtype=torch.float64))
    return Viewpoints(
        angles[..., 0], angles[..., 1], torch.full(angles.shape[:2], math.radians(field_of_view)).double()
    )


class TestLayout:
    def test_pairs_in_order_with_their_videos(self, good):
        clips = YT360(good)
        assert isinstance(clips, ClipSource)
        assert [clip.name for clip in clips.clips] == sorted(SOURCES)
        assert clips.videos.tolist() == [0, 1, 2, 2]  # -x-y-z_0123, ZZZZZZZZZZZ, and abcdefghijk twice
        assert (len(clips), clips.unpaired) == (4, 0)

    def test_splits_by_id(self, good):
        assert {clip.video for clip in YT360(good, "train").clips} == {"abcdefghijk", "ZZZZZZZZZZZ"}
        assert [clip.name for clip in YT360(good, "test").clips] == ["-x-y-z_0123-7"]
        with pytest.raises(FileError, match=r"no validation\.txt"):
            YT360(good, "validation")

    def test_the_folder_above(self, good, tmp_path):
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "yt360").symlink_to(good)
        assert len(YT360(tmp_path)) == 4
        assert len(YT360(tmp_path, "train")) == 3

    def test_files_without_a_partner_are_left_out(self, tmp_path):
        for part, names in {"video": ["a" * 11 + "-1.mp4", "b" * 11 + "-1.mp4", "notes.txt"], "audio": []}.items():
            (tmp_path / part).mkdir()
            for name in names:
                (tmp_path / part / name).touch()
        (tmp_path / "audio" / ("a" * 11 + "-1.flac")).touch()
        clips = YT360(tmp_path)
        assert (len(clips), clips.unpaired) == (1, 1)

    def test_missing_folders_name_the_layout(self, tmp_path):
        with pytest.raises(FileError, match=r"no folder video.*audio/\{id\}-\{start\}\.m4a"):
            YT360(tmp_path / "nowhere")
        (tmp_path / "video").mkdir()
        with pytest.raises(FileError, match="no folder audio"):
            YT360(tmp_path)
        (tmp_path / "audio").mkdir()
        with pytest.raises(FileError, match="0 videos, 0 sounds"):
            YT360(tmp_path)


class TestBatch:
    def test_picture_and_sound_agree_on_the_direction(self, good):
        """A view on the source shows it in the middle and hears it in front; a view beside it does neither."""
        clips = YT360(good, sound=SOUND, **SMALL)
        names = [clip.name for clip in clips.clips]
        beside = [(SOURCES[n][0] - 90, 0) for n in names]
        batch = clips.batch(np.arange(4), looking(*([SOURCES[n], b] for n, b in zip(names, beside))))
        assert batch.video.shape == (4, 2, 3, 2, 16, 16)
        assert batch.audio.shape == (4, 2, 7, 16, 25)
        assert batch.video.dtype == batch.audio.dtype == torch.float32
        assert batch.index.tolist() == [0, 1, 2, 3]
        assert batch.video[:, 0, :, :, 7:9, 7:9].min() > 0.8
        assert batch.video[:, 1].max() < 0.3
        intensity = batch.audio[:, :, 4:].mean(dim=(-1, -2))
        np.testing.assert_allclose(intensity[:, 0], [[1.0, 0.0, 0.0]] * 4, atol=0.1)
        for clip, name in enumerate(names):
            elevation = math.radians(SOURCES[name][1])
            expected = [0.0, math.cos(elevation), math.sin(elevation)]  # seen from beside it, it is at the left
            np.testing.assert_allclose(intensity[clip, 1], expected, atol=0.1)

    def test_yaw_turns_the_sound_to_the_left_before_it_is_aligned(self, good):
        clips = YT360(good, sound=SOUND, **SMALL)
        azimuth, elevation = SOURCES[clips.clips[0].name]
        view = looking([(azimuth, 0.0)])
        turned = clips.batch(np.array([0]), view, yaw=torch.tensor([math.pi / 2])).audio[0, 0, 4:].mean(dim=(-1, -2))
        rise = math.radians(elevation)
        np.testing.assert_allclose(turned, [0.0, math.cos(rise), math.sin(rise)], atol=0.1)
        straight = clips.batch(np.array([0]), view, yaw=0.0)
        assert torch.equal(straight.audio, clips.batch(np.array([0]), view).audio)

    def test_the_sound_of_another_clip(self, good):
        clips = YT360(good, sound=SOUND, **SMALL)
        view = looking([SOURCES[clips.clips[1].name]])
        mixed = clips.batch(np.array([0]), view, sound_indices=np.array([1]))
        assert torch.equal(mixed.audio, clips.batch(np.array([1]), view).audio)
        assert torch.equal(mixed.video, clips.batch(np.array([0]), view).video)
        assert mixed.index.tolist() == [0]

    def test_the_same_call_gives_the_same_batch(self, good):
        views = RandomViewpoints().draw(np.random.default_rng(3), 3)
        first, second = (YT360(good, sound=SOUND, **SMALL) for _ in range(2))
        second.batch(np.array([3, 2]), views[:2])  # another history
        one, two = (clips.batch(np.array([0, 1, 2]), views) for clips in (first, second))
        assert torch.equal(one.video, two.video)
        assert torch.equal(one.audio, two.audio)

    def test_of_long_sound_only_stretches_are_read(self, good, monkeypatch):
        """And they are those that are cut out of the whole where it is short."""
        import ambikit
        from ambikit_models.datasets import clip_reader

        def audio():
            clips = YT360(good)
            return clips.batch(np.arange(len(clips)), looking(*[[(90, 0)]] * len(clips))).audio

        whole = audio()
        monkeypatch.setattr(clip_reader, "_LONG", 0.0)
        monkeypatch.setattr(ambikit, "read", None)  # the whole is not asked for
        torch.testing.assert_close(audio(), whole, rtol=1e-4, atol=1e-4)

    def test_wrong_counts(self, good):
        clips = YT360(good, sound=SOUND, **SMALL)
        with pytest.raises(ShapeError, match="2 indices"):
            clips.batch(np.array([0, 1]), looking([(0, 0)]))
        with pytest.raises(ShapeError, match="at least one"):
            clips.batch(np.array([], int), looking([(0, 0)])[:0])


class TestMoments:
    @pytest.fixture(scope="class")
    @staticmethod
    def telling(tmp_path_factory):
        """A clip of six seconds that says where in it we are: numbered frames, and sound that grows with time."""
        folder = tmp_path_factory.mktemp("telling")
        time = np.arange(6 * 48000) / 48000
        growing = time / 6 * np.random.default_rng(0).uniform(-0.8, 0.8, time.size)
        write_clip(folder, "abcdefghijk-0", [numbered_frame(n, 128, 64) for n in range(150)], np.tile(growing, (4, 1)))
        return folder

    @staticmethod
    def first_picture(batch):
        """The number of the first frame, read from views to the left and to the right."""
        halves = (batch.video[0, :, :, 0, 4:12, 4:12].mean(dim=(1, 2, 3)) * 255).repeat_interleave(32).numpy()
        return numbers_of(np.tile(halves[None, None, :, None], (1, 4, 1, 3)))[0]

    def test_pictures_and_sound_are_of_the_same_time(self, telling):
        """With sound as long as the pictures, its level says when they were: 6 dB more at twice the time."""
        omni = SoundFeatures("omni", sample_rate=16000, bands=16, window=0.064, hop=0.04)
        clips = YT360(telling, sound=omni, size=16, sound_duration=0.5)
        seen, level = [], []
        for turn in range(12):
            batch = clips.batch(np.array([0]), looking([(90 + turn / 100, 0), (-90, 0)], field_of_view=40))
            seen.append(self.first_picture(batch) / 25 + 0.25)
            level.append(10 * np.log10(np.mean(10 ** (batch.audio[0, 0, 0].numpy() / 10))))
        assert max(seen) - min(seen) > 2
        offset = np.array(level) - 20 * np.log10(np.array(seen))
        late = np.array(seen) > 1
        assert np.ptp(offset[late]) < 1.2

    def test_new_viewpoints_bring_new_moments_of_a_limited_number(self, telling):
        for moments in (1, 3):
            clips = YT360(telling, sound=SOUND, size=16, moments=moments)
            seen = [
                self.first_picture(
                    clips.batch(np.array([0]), looking([(90 + turn / 100, 0), (-90, 0)], field_of_view=40))
                )
                for turn in range(20)
            ]
            assert len(set(seen)) == moments

    def test_moments_that_are_said(self, telling):
        # 6 s, sound of 0.5 s beside pictures of 0.5 s: 0, ½ and 1 begin at 0, 2.75 and 5.5 s
        omni = SoundFeatures("omni", sample_rate=16000, bands=16, window=0.064, hop=0.04)
        clips = YT360(telling, sound=omni, size=16, sound_duration=0.5)
        assert clips.seconds(np.array([0])) == pytest.approx(6.0, abs=0.05)
        views = looking([(90, 0), (-90, 0)] * 3, field_of_view=40)
        moments = torch.tensor([[1.0, 1.0, 0.0, 0.0, 0.5, 0.5]])
        batch = clips.batch(np.array([0]), views, moments=moments)
        level = 10 * np.log10(np.mean(10 ** (batch.audio[0, ::2, 0].numpy() / 10), axis=(-1, -2)))
        assert level[0] - level[2] == pytest.approx(20 * np.log10(5.75 / 3.0), abs=1.0)  # middles of the excerpts
        assert level[1] < level[2] - 15
        for first, expected in ((0, 137), (2, 0), (4, 69)):  # 25 frames per second
            both = slice(first, first + 2)
            pair = dataclasses.replace(batch, video=batch.video[:, both], audio=batch.audio[:, both])
            assert abs(self.first_picture(pair) - expected) <= 1

    def test_the_same_moment_for_all_is_one_reading(self, telling):
        clips = YT360(telling, sound=SOUND, size=16, frames=2)
        views = looking([(90, 0), (-90, 20), (10, -30)])
        together = clips.batch(np.array([0]), views, moments=torch.full((1, 3), 0.3))
        mixed = clips.batch(np.array([0]), views, moments=torch.tensor([[0.3, 0.9, 0.3]]))
        for view in (0, 2):
            assert torch.equal(together.video[:, view], mixed.video[:, view])
            assert torch.equal(together.audio[:, view], mixed.audio[:, view])
        assert not torch.equal(together.audio[:, 1], mixed.audio[:, 1])

    def test_pictures_lie_within_the_sound(self, telling):
        clips = YT360(telling, sound=SOUND)
        starts = []
        for draw in range(200):
            _, sound, pictures = clips._reader.moment(0, draw)
            assert 0 <= sound <= pictures <= pictures + 0.5 <= sound + 1.0 <= 6.0 + 1e-9
            starts.append(sound)
        assert len(set(starts)) == 16
        assert np.diff(np.unique(starts)).max() <= 2 * 5.0 / 16  # all over the clip

    def test_sixteen_pictures_a_second(self, telling):
        clips = YT360(telling, sound=SOUND, size=16)
        pictures = clips._reader.pictures(0, 5)
        steps = np.diff(numbers_of(pictures))
        assert len(pictures) == 8
        assert set(steps) <= {1, 2}
        assert steps.sum() in (10, 11, 12)  # 7/16 s at 25 per second are 10.9


class TestDamage:
    def test_training_goes_on_without_broken_clips(self, damaged):
        clips = YT360(damaged, sound=SOUND, **SMALL)
        views = RandomViewpoints(views=2).draw(np.random.default_rng(0), 2)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(3):
                one = clips.batch(np.array([1, 0]), views)  # 1 has broken sound, 3 a broken video
                two = clips.batch(np.array([3, 2]), views)
        assert [str(w.message).split()[2].rstrip(":") for w in caught] == ["ZZZZZZZZZZZ-3", "abcdefghijk-10"]
        assert set(clips.skipped) == {"ZZZZZZZZZZZ-3", "abcdefghijk-10"}
        assert one.index.tolist() == [2, 0]  # the next readable clip
        assert two.index.tolist() == [0, 2]
        assert torch.equal(one.video[1], clips.batch(np.array([0]), views[1:]).video[0])

    def test_a_replacement_keeps_picture_and_sound_together(self, damaged):
        clips = YT360(damaged, sound=SOUND, **SMALL)
        with pytest.warns(UserWarning, match="skipping"):
            batch = clips.batch(np.array([3]), looking([SOURCES["-x-y-z_0123-7"]]))
        assert batch.index.tolist() == [0]
        assert batch.video[0, 0, :, :, 7:9, 7:9].min() > 0.8
        assert batch.audio[0, 0, 4].mean() > 0.9

    def test_a_replaced_sound_is_not_that_of_the_picture(self, damaged):
        clips = YT360(damaged, sound=SOUND, **SMALL)
        views = looking([(0, 0)])
        with pytest.warns(UserWarning, match="skipping"):
            batch = clips.batch(np.array([2]), views, sound_indices=np.array([1]))
        assert batch.index.tolist() == [2]
        # neither clip 2, which is shown, nor clip 3, whose video is broken
        assert torch.equal(batch.audio, clips.batch(np.array([0]), views).audio)

    def test_a_clip_is_repeated_only_where_no_other_is_left(self, damaged):
        clips = YT360(damaged, sound=SOUND, **SMALL)
        with pytest.warns(UserWarning, match="skipping"):
            batch = clips.batch(np.arange(4), RandomViewpoints(views=1).draw(np.random.default_rng(0), 4))
        assert batch.index.tolist() == [0, 2, 2, 0]

    def test_two_processes_replace_as_one(self, damaged):
        views = RandomViewpoints(views=1).draw(np.random.default_rng(0), 3)
        rows, spare = np.array([1, 3, 1]), np.array([[2, 0], [3, 2], [-1, -1]])  # 1 and 3 are broken
        made = []
        for part in (slice(0, 3), slice(0, 1), slice(1, 3)):
            with pytest.warns(UserWarning, match="skipping"):
                made.append(YT360(damaged, sound=SOUND, **SMALL).batch(rows[part], views[part], spare=spare[part]))
        one, *shares = made
        assert one.index.tolist() == [2, 2, 2]
        assert torch.equal(one.index, torch.cat([share.index for share in shares]))
        assert torch.equal(one.audio, torch.cat([share.audio for share in shares]))
        assert torch.equal(one.video, torch.cat([share.video for share in shares]))

    def test_nothing_left_is_an_error(self, damaged):
        for name in ("abcdefghijk-0", "-x-y-z_0123-7"):
            (damaged / "audio" / f"{name}.m4a").unlink()
            (damaged / "audio" / f"{name}.m4a").write_bytes(b"nothing")
        clips = YT360(damaged, sound=SOUND, **SMALL)
        with pytest.warns(UserWarning, match="skipping"), pytest.raises(FileError, match="4 clips of which 4"):
            clips.batch(np.array([0]), looking([(0, 0)]))

    def test_short_clips_are_skipped(self, good):
        clips = YT360(good, sound=SOUND, sound_duration=2.5, **SMALL)
        with pytest.warns(UserWarning, match="expected at least 2.5 s"), pytest.raises(FileError):
            clips.batch(np.array([0]), looking([(0, 0)]))

    def test_impossible_settings(self, good):
        with pytest.raises(AmbikitError, match=r"sound_duration=0\.1"):
            YT360(good, sound_duration=0.1)
        with pytest.raises(AmbikitError, match="moments=0"):
            YT360(good, moments=0)


def test_a_model_trains_on_it(damaged, tmp_path):
    """Broken files among the good ones do not stop the loop."""
    from ambikit_models.training.config import ModelConfig, Phase, TrainingConfig
    from ambikit_models.training.loop import train

    clips = YT360(damaged, sound=SOUND, size=24, frames=2)
    phases = (Phase("avc", steps=2, clips=2, views=1), Phase("avsa", steps=2, clips=2, views=2))
    config = TrainingConfig(phases, SOUND, ModelConfig(width=16, projection=8), log_every=1)
    losses = []
    with pytest.warns(UserWarning, match="skipping clip"):
        train(config, clips, tmp_path / "run", report=lambda record: losses.append(record["loss"]))
    assert len(losses) == 4
    assert np.all(np.isfinite(losses))
    assert len(clips.skipped) == 2


class TestObjects:
    class Bright:
        """Finds the white disc."""

        calls = 0

        def detect(self, frames):
            self.calls += 1
            found = []
            for frame in frames:
                rows, columns = np.nonzero(frame[..., 0] > 150)
                box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
                found.append(boxes_to_detections([box], [1.0], ["disc"], frame.shape[1], frame.shape[0]))
            return found

    def test_viewpoints_on_what_is_there(self, good, rng):
        clips = YT360(good, sound=SOUND, detector=self.Bright(), **SMALL)
        found = [clips.detections(i) for i in range(4)]
        drawn = ObjectViewpoints(views=1).draw(rng, [clips.detections(i) for i in range(4)])
        assert clips.detector.calls == 4
        for index, detections in enumerate(found):
            azimuth, elevation = SOURCES[clips.clips[index].name]
            if abs(azimuth) < 150:  # a disc on the seam is cut in two
                assert math.degrees(drawn.azimuth[index, 0]) == pytest.approx(azimuth, abs=3)
                assert np.degrees(detections.elevation[0]) == pytest.approx(elevation, abs=3)

    def test_a_broken_clip_has_no_objects(self, damaged):
        clips = YT360(damaged, sound=SOUND, detector=self.Bright(), **SMALL)
        with pytest.warns(UserWarning, match="skipping"):
            assert len(clips.detections(3)) == 0

    def test_without_a_detector(self, good):
        with pytest.raises(AmbikitError, match="no detector"):
            YT360(good).detections(0)


class TestSought:
    def test_viewpoints_on_what_sounds(self, good, rng):
        """Sound through a lossy codec and 16 kHz; what was found is kept."""
        clips = YT360(good, sound=SOUND, **SMALL)
        drawn = choose_viewpoints(SalientViewpoints(), 1, clips, np.arange(4), rng)
        for index in range(4):
            azimuth, elevation = SOURCES[clips.clips[index].name]
            assert math.degrees(drawn.azimuth[index, 0]) == pytest.approx(azimuth, abs=3)
            assert math.degrees(drawn.elevation[index, 0]) == pytest.approx(elevation, abs=3)

    def test_still_pictures_do_not_move(self, good, rng):
        clips = YT360(good, sound=SOUND, **SMALL)
        assert clips.panoramas(0).shape == (4, 2, 64, 128, 3)
        drawn = choose_viewpoints(SalientViewpoints(sound=0, motion=1), 4, clips, np.arange(2), rng)
        assert drawn.azimuth.shape == (2, 4)

    def test_broken_clips_are_silent_and_still(self, damaged, rng):
        clips = YT360(damaged, sound=SOUND, **SMALL)
        with pytest.warns(UserWarning, match="skipping"):
            drawn = choose_viewpoints(SalientViewpoints(motion=1), 2, clips, np.arange(4), rng)
        assert drawn.azimuth.isfinite().all()


class TestCache:
    def test_files_are_read_once(self, good, monkeypatch):
        from ambikit_models.datasets import clip_reader

        opened = []
        monkeypatch.setattr(
            clip_reader, "read_frames", lambda *args, read=clip_reader.read_frames: opened.append(args) or read(*args)
        )
        clips = YT360(good, sound=SOUND, moments=1, **SMALL)
        for turn in range(5):
            clips.batch(np.array([0, 1]), looking([(turn, 0)], [(turn, 5)]))
        assert len(opened) == 2
        forgetful = YT360(good, sound=SOUND, moments=1, cache_bytes=0, **SMALL)
        for turn in range(5):
            forgetful.batch(np.array([0, 1]), looking([(turn, 0)], [(turn, 5)]))
        assert len(opened) == 12

    def test_the_budget_holds(self):
        cache = ByteCache(100)
        for n in range(20):
            assert cache.get(n % 7, lambda n=n: np.full(4, n % 7.0))[0] == n % 7
            assert cache.used <= 100
        cache.get("huge", lambda: np.zeros(1000))
        assert "huge" not in cache


@pytest.mark.recordings
class TestRealFiles:
    @pytest.fixture
    def clips(self, recordings, tmp_path):
        for part, ending in (("video", "mp4"), ("audio", "m4a")):
            (tmp_path / part).mkdir()
            source = recordings / "video360" / f"redownloaded_from_YT.{ending}"
            (tmp_path / part / f"redownloade-0.{ending}").symlink_to(source)
        return YT360(tmp_path, sound=SOUND, size=64, channel_map=[2, 1, 4, 0])

    def test_the_piano_at_the_left_the_voice_at_the_right(self, clips):
        batch = clips.batch(np.array([0]), looking([(90, 0), (-90, 0), (0, 0)], field_of_view=50))
        red, green, blue = batch.video[0, :, :, 0, 20:44, 20:44].unbind(dim=1)
        yellow = ((red > 0.75) & (green > 0.7) & (blue < 0.4)).float().mean(dim=(1, 2))
        assert yellow[0] > 0.5
        assert yellow[1] > 0.5
        assert yellow[2] < 0.02
        ahead, left = batch.audio[0, :, 4].mean(dim=(1, 2)), batch.audio[0, :, 5].mean(dim=(1, 2))
        assert abs(ahead[0]) > 0.05  # the louder of the two, not by much
        np.testing.assert_allclose(ahead[1], -ahead[0], atol=0.01)
        assert abs(ahead[2]) < 0.01  # nothing sounds in front
        np.testing.assert_allclose(left[2], ahead[0], atol=0.01)

    def test_as_youtube_serves_it(self, clips):
        recognised = YT360(clips.clips[0].pictures.parents[1], sound=SOUND, size=64)
        view = looking([(30, 20)])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(2):
                batch = recognised.batch(np.array([0]), view)
        assert len(caught) == 1
        assert "YouTube" in str(caught[0].message)
        assert torch.equal(batch.audio, clips.batch(np.array([0]), view).audio)
