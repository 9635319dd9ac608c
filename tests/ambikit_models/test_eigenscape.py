import numpy as np
import pytest

import ambikit
from ambikit.errors import AmbikitError, FileError
from ambikit_models.datasets.eigenscape import SCENES, EigenScape
from ambikit_models.datasets.listing import MissingDatasetError

RATE = 1000


def azimuth_of(scene, recording):
    """A direction that tells the 64 recordings apart, degrees."""
    return 45 * SCENES.index(scene) + 4 * recording - 180


def write_recording(folder, scene, recording, seconds=1.0, order=4, name="{scene}.{number}.wav"):
    """A source whose level tells the half second: 0.1, 0.2, …"""
    level = np.repeat(np.arange(1, 2 * seconds + 1) / 10, RATE // 2)
    signal = ambikit.encode(level, azimuth_of(scene, recording), 20, order, degrees=True)
    ambikit.write(folder / name.format(scene=scene, number=recording), signal.astype(np.float32), RATE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All 64 recordings of one second, and metadata of two."""
    root = tmp_path_factory.mktemp("eigenscape")
    for scene in SCENES:
        for recording in range(1, 9):
            write_recording(root, scene, recording)
    (root / "Metadata-EigenScape.csv").write_text(
        "file,scene,location,time,date,info\n"
        'Beach-01.wav,Beach,"Bridlington, North",10:42,09/05/2017,windy\n'
        "Woodland-08.wav,Woodland,Dalby,17:00,10/05/2017,\n"
    )
    return root


class TestFolds:
    def test_every_recording_is_tested_once_and_never_trained_on(self, folder):
        tested = []
        for fold in (1, 2, 3, 4):
            test, train = (EigenScape(folder, fold, part, segment_seconds=1) for part in ("test", "train"))
            names = [{(item.scene, item.recording) for item in side.items} for side in (test, train)]
            assert [len(side) for side in names] == [16, 48]
            assert not names[0] & names[1]
            tested += sorted(names[0])
        assert len(set(tested)) == len(tested) == 64

    def test_the_second_fold_tests_three_and_four(self, folder):
        assert {item.recording for item in EigenScape(folder, 2, "test", segment_seconds=1).items} == {3, 4}

    def test_wrong_folds(self, folder):
        with pytest.raises(AmbikitError, match="fold=5"):
            EigenScape(folder, 5)
        with pytest.raises(AmbikitError, match="part='validation'"):
            EigenScape(folder, 1, "validation")


class TestSegments:
    def test_segments_lie_one_after_the_other(self, folder):
        items = EigenScape(folder, segment_seconds=0.5).items
        assert len(items) == 128
        assert [item.start_seconds for item in items[:4]] == [0, 0.5, 0, 0.5]
        levels = [np.abs(item.sound()[0][0]).max() for item in items[:2]]
        np.testing.assert_allclose(levels, [0.1, 0.2], atol=1e-4)

    def test_a_rest_is_left_out(self, folder):
        assert len(EigenScape(folder, segment_seconds=0.4)) == 128
        with pytest.raises(FileError, match=r"Beach\.1\.wav of 1\.000 s; expected at least one segment of 2 s"):
            EigenScape(folder, segment_seconds=2)

    def test_whole_recordings(self, folder):
        (item,) = EigenScape(folder, segment_seconds=None).subset([63]).items
        assert (item.scene, item.class_index, item.recording, item.duration_seconds) == ("Woodland", 7, 8, 1.0)
        signal, rate = item.sound()
        assert signal.shape == (4, 1000)
        assert rate == RATE

    @pytest.mark.parametrize("order", [0, 1, 4])
    def test_the_order_that_was_asked_for_from_where_it_sounds(self, folder, order):
        for index in (0, 37):
            item = EigenScape(folder, segment_seconds=1, order=order)[index]
            signal, _ = item.sound()
            assert signal.shape == ((order + 1) ** 2, 1000)
            placed = ambikit.encode(np.ones(1), azimuth_of(item.scene, item.recording), 20, order, degrees=True)
            np.testing.assert_allclose(signal[:, 100] / signal[0, 100], placed[:, 0], atol=1e-3)

    def test_another_rate(self, folder):
        signal, rate = EigenScape(folder, segment_seconds=0.5)[0].sound(sample_rate=500)
        assert (signal.shape, rate) == ((4, 250), 500)
        assert signal[0, 125] == pytest.approx(0.1, abs=1e-3)

    def test_wrong_settings(self, folder):
        with pytest.raises(AmbikitError, match="segment_seconds=0"):
            EigenScape(folder, segment_seconds=0)
        with pytest.raises(AmbikitError, match="order=5"):
            EigenScape(folder, order=5)


class TestFiles:
    def test_what_the_metadata_say(self, folder):
        items = EigenScape(folder, segment_seconds=None).items
        assert (items[0].place, items[0].date, items[0].time) == ("Bridlington, North", "09/05/2017", "10:42")
        assert (items[0].notes, items[1].place, items[63].place) == ("windy", "", "Dalby")

    def test_other_spellings(self, tmp_path):
        (tmp_path / "Park").mkdir()
        write_recording(tmp_path, "Beach", 2, name="{scene}-0{number}.wav")
        write_recording(tmp_path / "Park", "Park", 7)
        found = EigenScape(tmp_path, segment_seconds=None, allow_missing=True)
        assert [(item.scene, item.recording) for item in found.items] == [("Beach", 2), ("Park", 7)]
        assert len(found.missing) == 62
        assert "Woodland.8" in found.missing

    def test_missing_recordings(self, tmp_path):
        write_recording(tmp_path, "Beach", 1)
        with pytest.raises(MissingDatasetError, match=r"63 of 64.*Beach\.2.*zenodo"):
            EigenScape(tmp_path)
        with pytest.raises(MissingDatasetError, match="no folder"):
            EigenScape(tmp_path / "nowhere")

    def test_capsules_instead_of_ambisonics(self, tmp_path):
        import soundfile

        soundfile.write(tmp_path / "Park.6.wav", np.zeros((100, 32)), RATE)
        with pytest.raises(FileError, match="32 capsules.*expected 25"):
            EigenScape(tmp_path, allow_missing=True)
