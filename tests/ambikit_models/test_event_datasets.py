"""TAU Spatial Sound Events 2019 and STARSS23."""

import math

import numpy as np
import pytest

import ambikit
from ambikit.errors import AmbikitError, FileError
from ambikit_models.datasets.listing import MissingDatasetError
from ambikit_models.datasets.starss23 import STARSS23
from ambikit_models.datasets.tau_sse2019 import CLASSES, SpatialSoundEvents2019
from tests.ambikit_models.clips import numbered_frame, numbers_of, write_video

RATE = 2000


def sounding(azimuth, elevation, start, end, seconds):
    """Noise from a direction (degrees) between two times, first order."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(round(seconds * RATE))
    time = np.arange(noise.size) / RATE
    return ambikit.encode(np.where((time >= start) & (time < end), noise, 0), azimuth, elevation, degrees=True)


def direction_of(signal):
    """Where the sound of a stretch comes from, degrees: the mean intensity."""
    x, y, z = (np.mean(signal[0] * signal[channel]) for channel in (3, 1, 2))
    return math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, math.hypot(x, y)))


def write_signal(path, signal):
    path.parent.mkdir(parents=True, exist_ok=True)
    ambikit.write(path, signal.astype(np.float32), RATE)


@pytest.fixture(scope="module")
def sse2019(tmp_path_factory):
    """One mixture of two seconds per split, and one more of the first."""
    root = tmp_path_factory.mktemp("sse2019")
    (root / "metadata_dev").mkdir()
    for name in ("split1_ir0_ov1_2", "split1_ir0_ov1_10", "split2_ir1_ov2_1", "split3_ir4_ov1_7", "split4_ir2_ov2_9"):
        write_signal(root / "foa_dev" / f"{name}.wav", sounding(-150, 30, 0.35, 1.0, 2))
        write_signal(root / "mic_dev" / f"{name}.wav", np.tile(np.arange(1, 5)[:, None] / 10, 100))
        (root / "metadata_dev" / f"{name}.csv").write_text(
            "sound_event_recording,start_time,end_time,ele,azi,dist\nkeysDrop,0.35,1.0,30,-150,2\n"
        )
    (root / "foa_dev" / ".DS_Store").touch()
    return root


@pytest.fixture(scope="module")
def starss23(tmp_path_factory):
    """Three recordings for training, one of them with a video, and one for testing."""
    root = tmp_path_factory.mktemp("starss23")
    for folder, name in (
        ("dev-train-sony", "fold3_room21_mix001"),
        ("dev-train-sony", "fold3_room21_mix002"),
        ("dev-train-tau", "fold3_room4_mix003"),
        ("dev-test-sony", "fold4_room23_mix001"),
        ("dev-test-tau", "fold4_room2_mix001"),
    ):
        write_signal(root / "foa_dev" / folder / f"{name}.wav", sounding(100, -20, 1.0, 2.0, 3))
        (root / "metadata_dev" / folder).mkdir(parents=True, exist_ok=True)
        rows = [f"{frame},8,0,100,-20,215" for frame in range(10, 20)]
        (root / "metadata_dev" / folder / f"{name}.csv").write_text("\n".join(rows) + "\n")
    (root / "video_dev" / "dev-train-sony").mkdir(parents=True)
    write_video(
        root / "video_dev" / "dev-train-sony" / "fold3_room21_mix002.mp4",
        [numbered_frame(n) for n in range(50)],
        25,
    )
    return root


class TestSpatialSoundEvents2019:
    def test_the_fields_of_a_name_in_numerical_order(self, sse2019):
        items = SpatialSoundEvents2019(sse2019).items
        assert [(i.split, i.room, i.overlap, i.number) for i in items] == [
            (1, 0, 1, 2),
            (1, 0, 1, 10),
            (2, 1, 2, 1),
            (3, 4, 1, 7),
            (4, 2, 2, 9),
        ]

    def test_splits(self, sse2019):
        assert [item.split for item in SpatialSoundEvents2019(sse2019, (2, 4)).items] == [2, 4]
        with pytest.raises(AmbikitError, match="split=5"):
            SpatialSoundEvents2019(sse2019, (5,))

    def test_it_sounds_where_and_when_the_labels_say(self, sse2019):
        item = SpatialSoundEvents2019(sse2019)[0]
        events = item.events()
        assert events.frame.tolist() == list(range(3, 10))
        assert set(events.class_index) == {CLASSES.index("keysDrop")} == {4}
        assert set(events.distance) == {2.0}
        signal, rate = item.sound(0.35, 0.6)
        assert (signal.shape, rate) == ((4, 1200), RATE)
        heard = direction_of(signal)
        assert heard == pytest.approx((-150, 30), abs=0.1)
        assert heard == pytest.approx(np.degrees([events.azimuth[0], events.elevation[0]]), abs=0.1)
        assert not item.sound(1.1)[0].any()

    def test_microphones_stay_as_they_are(self, sse2019):
        signal, _ = SpatialSoundEvents2019(sse2019, format="mic")[0].sound()
        np.testing.assert_allclose(signal[:, 0], [0.1, 0.2, 0.3, 0.4], atol=1e-4)

    def test_no_video(self, sse2019):
        with pytest.raises(AmbikitError, match="split1_ir0_ov1_2, which has no video"):
            SpatialSoundEvents2019(sse2019)[0].frames([0])

    def test_missing_pieces(self, sse2019, tmp_path):
        with pytest.raises(MissingDatasetError, match="no folder foa_dev.*2599196"):
            SpatialSoundEvents2019(tmp_path)
        (tmp_path / "foa_dev").symlink_to(sse2019 / "foa_dev")
        with pytest.raises(MissingDatasetError, match="no folder metadata_dev"):
            SpatialSoundEvents2019(tmp_path)
        (tmp_path / "metadata_dev").mkdir()
        with pytest.raises(MissingDatasetError, match=r"1 of 1 files are missing.*split2_ir1_ov2_1\.csv"):
            SpatialSoundEvents2019(tmp_path, (2,))
        (tmp_path / "mic_dev").mkdir()
        with pytest.raises(MissingDatasetError, match="mic_dev has no recording of split 3"):
            SpatialSoundEvents2019(tmp_path, (3,), format="mic")

    def test_an_unknown_class_is_named_with_its_line(self, sse2019, tmp_path):
        for part in ("foa_dev", "metadata_dev"):
            (tmp_path / part).mkdir()
        (tmp_path / "foa_dev" / "split1_ir0_ov1_1.wav").touch()
        (tmp_path / "metadata_dev" / "split1_ir0_ov1_1.csv").write_text(
            "sound_event_recording,start_time,end_time,ele,azi,dist\nbark,0,1,0,0,1\n"
        )
        with pytest.raises(FileError, match="line 2: got 'bark"):
            SpatialSoundEvents2019(tmp_path, (1,))[0].events()


class TestSTARSS23:
    def test_sites_and_splits(self, starss23):
        names = [(i.site, i.fold, i.room, i.mix) for i in STARSS23(starss23).items]
        assert names == [("sony", 3, 21, 1), ("sony", 3, 21, 2), ("tau", 3, 4, 3)]
        assert [i.name for i in STARSS23(starss23, "dev-test", sites=["tau"]).items] == ["fold4_room2_mix001"]
        with pytest.raises(AmbikitError, match="'dev-train', 'dev-test'"):
            STARSS23(starss23, "train")
        with pytest.raises(AmbikitError, match="site='rome'"):
            STARSS23(starss23, sites=["rome"])

    def test_it_sounds_where_and_when_the_labels_say(self, starss23):
        item = STARSS23(starss23)[2]
        events = item.events()
        assert (events.frame.tolist(), set(events.distance)) == (list(range(10, 20)), {2.15})
        assert item.classes[events.class_index[0]] == "Music"
        signal, _ = item.sound(events.frame[0] * 0.1, 1.0)
        assert direction_of(signal) == pytest.approx(np.degrees([events.azimuth[0], events.elevation[0]]), abs=0.1)
        assert not item.sound(0.0, 1.0)[0].any()

    def test_pictures_where_there_are_any(self, starss23):
        plain, filmed, _ = STARSS23(starss23).items
        assert numbers_of(filmed.frames([0.4, 1.2])) == [10, 30]
        with pytest.raises(AmbikitError, match="has no video.*videos=True"):
            plain.frames([0])
        assert [item.name for item in STARSS23(starss23, videos=True).items] == [filmed.name]
        with pytest.raises(MissingDatasetError, match="no recording of dev-test with a video"):
            STARSS23(starss23, "dev-test", videos=True)

    def test_missing_pieces(self, starss23, tmp_path):
        with pytest.raises(MissingDatasetError, match="no folder mic_dev/dev-train-sony.*7880637"):
            STARSS23(starss23, format="mic")
        (tmp_path / "foa_dev").symlink_to(starss23 / "foa_dev")
        (tmp_path / "metadata_dev" / "dev-train-tau").mkdir(parents=True)
        with pytest.raises(MissingDatasetError, match=r"fold3_room4_mix003\.csv"):
            STARSS23(tmp_path, sites=["tau"])

    def test_what_a_training_takes(self, starss23):
        from torch.utils.data import DataLoader

        def to_numbers(recording):
            return recording.sound(1.0, 1.0)[0], len(recording.events())

        signals, counts = next(iter(DataLoader(STARSS23(starss23, transform=to_numbers), batch_size=3)))
        assert signals.shape == (3, 4, RATE)
        assert counts.tolist() == [10, 10, 10]
