"""UCF101 and HMDB51."""

import unicodedata

import numpy as np
import pytest

from ambikit.errors import AmbikitError, FileError
from ambikit_models.datasets.action_videos import ActionVideo
from ambikit_models.datasets.hmdb51 import HMDB51
from ambikit_models.datasets.listing import MissingDatasetError
from ambikit_models.datasets.ucf101 import UCF101
from tests.ambikit_models.clips import numbered_frame, numbers_of, write_video


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Two seconds of numbered frames in an AVI file."""
    path = tmp_path_factory.mktemp("film") / "film.avi"
    return write_video(path, [numbered_frame(n) for n in range(50)], 25, codec="mpeg4", options={"qscale": "2"})


@pytest.fixture
def ucf(film, tmp_path):
    """Two classes, whose numbers are not the alphabet's, and three groups."""
    lists = tmp_path / "ucfTrainTestlist"
    lists.mkdir()
    (lists / "classInd.txt").write_bytes(b"1 YoYo\r\n2 BasketballDunk\r\n")
    names = [f"{c}/v_{c}_g{g:02}_c{k:02}.avi" for c in ("YoYo", "BasketballDunk") for g in (1, 2, 8) for k in (1, 2)]
    for name in names:
        (tmp_path / "UCF-101" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "UCF-101" / name).symlink_to(film)
    for split, tested in ((1, "g01"), (2, "g02"), (3, "g08")):
        train = [f"{n} {1 + (n[0] == 'B')}" for n in names if tested not in n]
        (lists / f"trainlist{split:02}.txt").write_bytes("\r\n".join(train).encode() + b"\r\n")
        (lists / f"testlist{split:02}.txt").write_text("\n".join(n for n in names if tested in n) + "\n")
    return tmp_path


HMDB = {
    "cartwheel": [
        "(Rad)Schlag_die_Bank!_cartwheel_f_cm_np1_le_med_0.avi",
        "Acrobacias_cartwheel_f_cm_np1_ba_bad_8.avi",
    ],
    "brush_hair": [
        "Prélude_brush_hair_u_nm_np1_ba_goo_0.avi",
        "Für_brush_hair_#[x]_0.avi",
        "April_09_brush_hair_1.avi",
    ],
}


def write_hmdb(root, film, *, disk=lambda name: name, text="utf-8", folder="."):
    """Flags 1, 2, 0, … in each class; the second split is the first with train and test exchanged."""
    lists = root / "testTrainMulti_7030_splits"
    lists.mkdir(parents=True)
    for action, names in HMDB.items():
        (root / folder / action).mkdir(parents=True)
        for name in names:
            (root / folder / action / disk(name)).symlink_to(film)
        for split, flags in ((1, "120"), (2, "210"), (3, "002")):
            lines = [f"{name} {flag} " for name, flag in zip(names, flags, strict=False)]
            (lists / f"{action}_test_split{split}.txt").write_bytes(("\n".join(lines) + "\n").encode(text))
    return root


class TestUCF101:
    @pytest.mark.parametrize(("split", "tested"), [(1, "01"), (2, "02"), (3, "08")])
    def test_splits_keep_groups_apart(self, ucf, split, tested):
        train, test = UCF101(ucf, split, "train"), UCF101(ucf, split, "test")
        assert (len(train), len(test)) == (8, 4)
        assert {video.group for video in test.items} == {tested}
        assert tested not in {video.group for video in train.items}

    def test_classes_count_as_the_list_says(self, ucf):
        train = UCF101(ucf)
        assert train.classes == ("YoYo", "BasketballDunk")
        assert {(video.action, video.class_index) for video in train.items} == {("YoYo", 0), ("BasketballDunk", 1)}

    def test_missing_pieces(self, ucf, tmp_path):
        with pytest.raises(MissingDatasetError, match=r"no folder ucfTrainTestlist.*crcv\.ucf\.edu"):
            UCF101(tmp_path / "nowhere")
        (ucf / "UCF-101" / "YoYo" / "v_YoYo_g01_c02.avi").unlink()
        with pytest.raises(MissingDatasetError, match="1 of 4 files are missing.*v_YoYo_g01_c02"):
            UCF101(ucf, 1, "test")
        found = UCF101(ucf, 1, "test", allow_missing=True)
        assert (len(found), found.missing) == (3, ("v_YoYo_g01_c02",))
        (ucf / "ucfTrainTestlist" / "testlist02.txt").unlink()
        with pytest.raises(MissingDatasetError, match=r"no file ucfTrainTestlist/testlist02\.txt"):
            UCF101(ucf, 2, "test")

    @pytest.mark.parametrize("line", ["Juggling/v_Juggling_g01_c01.avi 1", "YoYo/v_YoYo_g02_c01.avi 2", "YoYo 1"])
    def test_wrong_lists(self, ucf, line):
        (ucf / "ucfTrainTestlist" / "trainlist01.txt").write_text(line + "\n")
        with pytest.raises(FileError, match="entry 1: got"):
            UCF101(ucf)

    def test_wrong_numbers_of_classes(self, ucf):
        (ucf / "ucfTrainTestlist" / "classInd.txt").write_text("1 YoYo\n3 BasketballDunk\n")
        with pytest.raises(FileError, match="count its classes from 1"):
            UCF101(ucf)
        with pytest.raises(AmbikitError, match="split=4"):
            UCF101(ucf, 4)


class TestHMDB51:
    def test_flags(self, film, tmp_path):
        root = write_hmdb(tmp_path, film)
        parts = {(s, p): [v.name for v in HMDB51(root, s, p).items] for s in (1, 2) for p in ("train", "test")}
        first = [HMDB[action][0].removesuffix(".avi") for action in ("brush_hair", "cartwheel")]
        second = [HMDB[action][1].removesuffix(".avi") for action in ("brush_hair", "cartwheel")]
        assert parts == {(1, "train"): first, (1, "test"): second, (2, "train"): second, (2, "test"): first}
        assert [video.action for video in HMDB51(root, 3, "test").items] == ["brush_hair"]
        assert HMDB51(root).classes == ("brush_hair", "cartwheel")
        assert [video.class_index for video in HMDB51(root).items] == [0, 1]

    @pytest.mark.parametrize("text", ["utf-8", "latin-1"])
    @pytest.mark.parametrize(
        "disk",
        [
            lambda name: unicodedata.normalize("NFC", name),
            lambda name: unicodedata.normalize("NFD", name),
            lambda name: name.encode("latin-1").decode("utf-8", "surrogateescape"),
        ],
        ids=["composed", "decomposed", "latin-1"],
    )
    def test_names_beyond_ascii(self, film, tmp_path, disk, text):
        root = write_hmdb(tmp_path, film, disk=disk, text=text, folder="videos")
        (video,) = (v for v in HMDB51(root).items if v.action == "brush_hair")
        assert video.name == "Prélude_brush_hair_u_nm_np1_ba_goo_0"
        assert numbers_of(video.frames(0.0, frames=1)) == [0]

    def test_missing_pieces(self, film, tmp_path):
        with pytest.raises(MissingDatasetError, match="no folder testTrainMulti_7030_splits.*serre-lab"):
            HMDB51(tmp_path)
        root = write_hmdb(tmp_path, film)
        (root / "cartwheel" / HMDB["cartwheel"][0]).unlink()
        with pytest.raises(MissingDatasetError, match=r"1 of 2.*cartwheel/\(Rad\)Schlag"):
            HMDB51(root)
        assert HMDB51(root, allow_missing=True).missing == (f"cartwheel/{HMDB['cartwheel'][0]}",)
        (root / "testTrainMulti_7030_splits" / "cartwheel_test_split1.txt").write_text("a.avi 3\n")
        with pytest.raises(FileError, match=r"'a\.avi 3'; expected a file name and 0, 1 or 2"):
            HMDB51(root)


class TestClips:
    @pytest.fixture
    def video(self, film):
        return ActionVideo("film", "walk", 0, film)

    def test_the_middle_by_default(self, video):
        seen = numbers_of(video.frames())  # 0.5 s from 0.75 s on, at 25 frames per second
        assert seen[0] in (18, 19, 20)
        assert set(np.diff(seen)) <= {1, 2}
        assert len(seen) == 8

    def test_from_a_time_on(self, video):
        assert numbers_of(video.frames(0.4, frames=3, frame_rate=5)) == [10, 15, 20]

    def test_the_last_picture_is_repeated(self, video):
        assert numbers_of(video.frames(1.8, frames=4, frame_rate=12.5)) == [45, 47, 49, 49]

    def test_clips_all_over_the_video(self, video):
        np.testing.assert_allclose(video.starts_seconds(4), [0, 0.5, 1, 1.5], atol=0.02)
        np.testing.assert_allclose(video.starts_seconds(1), [0.75], atol=0.01)
        np.testing.assert_allclose(video.starts_seconds(3, frames=80), [0, 0, 0])

    def test_wrong_settings(self, video):
        with pytest.raises(AmbikitError, match="start_seconds=3"):
            video.frames(3.0)
        with pytest.raises(AmbikitError, match="frames=0"):
            video.frames(frames=0)
        with pytest.raises(AmbikitError, match="clips=0"):
            video.starts_seconds(0)
