import numpy as np
import pytest
import soundfile

from ambikit.errors import AmbikitError, FileError
from ambikit_models.datasets.listing import MissingDatasetError
from ambikit_models.datasets.tau_scenes import SCENES, UrbanScenes
from tests.ambikit_models.clips import numbered_frame, numbers_of, write_video

RATE = 8000
#: location and segment of each clip of a scene: three locations, four clips
CLIPS = (("lisbon", "1000", "40000"), ("lisbon", "1000", "40001"), ("lyon", "1000", "7"), ("vienna", "12", "8"))


def names(scenes, clips):
    return [f"{scene}-{'-'.join(clip)}" for scene in scenes for clip in clips]


def write_table(path, clips, separator="\t", label=True):
    header = ["filename_audio", "filename_video", *["scene_label"][: int(label)]]
    rows = [[f"audio/{n}.wav", f"video/{n}.mp4", *[n.split("-")[0]][: int(label)]] for n in clips]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(separator.join(row) for row in [header, *rows]) + "\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four clips per scene for training, one for the test; the left ear is louder than the right."""
    root = tmp_path_factory.mktemp("tau")
    train, test = names(SCENES, CLIPS), names(SCENES, [("prague", "99", "1")])
    (root / "audio").mkdir()
    (root / "video").mkdir()
    film = write_video(root / "film.mp4", [numbered_frame(n) for n in range(25)])
    signal = np.stack([np.full(RATE, 0.5), np.linspace(0, 0.25, RATE)], -1)
    soundfile.write(root / "sound.wav", signal, RATE)
    for name in train + test:
        (root / "audio" / f"{name}.wav").symlink_to(root / "sound.wav")
        (root / "video" / f"{name}.mp4").symlink_to(film)
    setup = root / "evaluation_setup"
    write_table(setup / "fold1_train.csv", train)
    write_table(setup / "fold1_evaluate.csv", test)
    write_table(setup / "fold1_test.csv", test, label=False)
    return root


class TestParts:
    def test_ten_scenes_by_name_and_number(self, folder):
        train, test = UrbanScenes(folder), UrbanScenes(folder, "test")
        assert (len(train), len(test)) == (40, 10)
        assert [item.class_index for item in test.items] == list(range(10))
        item = train[5]
        assert (item.name, item.scene, item.city, item.location) == ("bus-lisbon-1000-40001", "bus", "lisbon", "1000")

    def test_a_table_without_labels_goes_by_the_names(self, folder):
        unlabelled = UrbanScenes(folder, "evaluation_setup/fold1_test.csv")
        assert unlabelled.items == UrbanScenes(folder, "test").items

    def test_a_table_of_ones_own_with_commas(self, folder, tmp_path):
        write_table(tmp_path / "val.csv", names(["tram"], CLIPS[:2]), ",")
        assert [item.scene for item in UrbanScenes(folder, tmp_path / "val.csv").items] == ["tram", "tram"]

    def test_a_label_that_is_not_the_names(self, folder, tmp_path):
        path = tmp_path / "wrong.csv"
        write_table(path, names(["tram"], CLIPS[:1]))
        path.write_text(path.read_text().replace("\ttram", "\tbus"))
        with pytest.raises(FileError, match="line 2: got 'audio/tram-.*with the scene 'bus'"):
            UrbanScenes(folder, path)

    def test_missing_pieces(self, folder, tmp_path):
        with pytest.raises(MissingDatasetError, match=r"no file evaluation_setup/fold1_train\.csv.*Zenodo"):
            UrbanScenes(tmp_path)
        with pytest.raises(AmbikitError, match="part='validation'"):
            UrbanScenes(folder, "validation")
        (tmp_path / "evaluation_setup").symlink_to(folder / "evaluation_setup")
        (tmp_path / "audio").symlink_to(folder / "audio")
        (tmp_path / "video").mkdir()
        with pytest.raises(MissingDatasetError, match="10 of 20 files are missing"):
            UrbanScenes(tmp_path, "test")
        kept = "bus-prague-99-1"
        (tmp_path / "video" / f"{kept}.mp4").symlink_to(folder / "film.mp4")
        found = UrbanScenes(tmp_path, "test", allow_missing=True)
        assert [item.name for item in found.items] == [kept]
        assert len(found.missing) == 9


class TestReading:
    def test_left_and_right(self, folder):
        signal, rate = UrbanScenes(folder)[0].sound(0.5, 0.25)
        assert (signal.shape, rate) == ((2, RATE // 4), RATE)
        np.testing.assert_allclose(signal[:, 0], [0.5, 0.125], atol=1e-3)
        assert UrbanScenes(folder)[0].sound(sample_rate=4000)[0].shape == (2, 4000)

    def test_one_ear_is_not_enough(self, folder, tmp_path):
        soundfile.write(tmp_path / "one.wav", np.zeros(100), RATE)
        (tmp_path / "t.csv").write_text(f"filename_audio,filename_video\n{tmp_path}/bus-a-1-1.wav,{folder}/film.mp4\n")
        (tmp_path / "one.wav").rename(tmp_path / "bus-a-1-1.wav")
        with pytest.raises(FileError, match="1 channels; expected 2"):
            UrbanScenes(folder, tmp_path / "t.csv")[0].sound()

    def test_pictures_at_times(self, folder):
        assert numbers_of(UrbanScenes(folder)[0].frames([0.0, 0.4])) == [0, 10]


class TestHoldingOut:
    def test_no_location_on_both_sides_and_every_clip_on_one(self, folder):
        every = UrbanScenes(folder)
        train, validation = every.hold_out_locations(0.25, seed=1)
        assert sorted(item.name for item in train.items + validation.items) == sorted(i.name for i in every.items)
        places = [{(i.scene, i.city, i.location) for i in side.items} for side in (train, validation)]
        assert not places[0] & places[1]
        for scene in SCENES:
            assert sum(item.scene == scene for item in validation.items) in (1, 2)

    def test_the_seed_decides(self, folder):
        held = [tuple(UrbanScenes(folder).hold_out_locations(0.1, seed=s)[1].items) for s in (0, 0, 1)]
        assert held[0] == held[1] != held[2]

    def test_wrong_share(self, folder):
        with pytest.raises(AmbikitError, match="share=1"):
            UrbanScenes(folder).hold_out_locations(1)
