from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest

from ambikit.errors import AmbikitError, FileError
from ambikit_models.datasets.listing import Layout, Listing, MissingDatasetError


@pytest.fixture
def layout(tmp_path):
    return Layout("Somewhere", tmp_path, "a/{name}.wav", "https://example.org")


class TestLayout:
    def test_what_is_missing_is_named_with_where_to_get_it(self, layout):
        with pytest.raises(MissingDatasetError, match=r"no folder a or b.*a/\{name\}\.wav.*https://example\.org"):
            layout.folder("a", "b")
        with pytest.raises(MissingDatasetError, match=r"no file list\.txt"):
            layout.file("list.txt")
        assert issubclass(MissingDatasetError, AmbikitError)

    def test_the_first_that_is_there(self, layout, tmp_path):
        (tmp_path / "b").mkdir()
        (tmp_path / "c").mkdir()
        assert layout.folder("a", "b", "c") == tmp_path / "b"

    @pytest.mark.parametrize("tab", ["\t", ","])
    def test_tables_with_tabs_or_commas(self, layout, tmp_path, tab):
        (tmp_path / "t.csv").write_bytes(f"file{tab}scene\r\nx y.wav{tab}bus\r\n\r\n".encode())
        assert layout.table(tmp_path / "t.csv", ("file", "scene")) == [{"file": "x y.wav", "scene": "bus"}]

    def test_wrong_tables(self, layout, tmp_path):
        path = tmp_path / "t.csv"
        path.write_text("")
        with pytest.raises(FileError, match=r"columns \[\].*file"):
            layout.table(path, ("file",))
        path.write_text("file,scene\na.wav\n")
        with pytest.raises(FileError, match="line 2: got 1 cells; expected 2"):
            layout.table(path, ("file",))

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
    def test_names_beyond_ascii(self, layout, tmp_path, encoding):
        (tmp_path / "list.txt").write_bytes("Übung 1\n\nläuft 2\n".encode(encoding))
        assert layout.lines(tmp_path / "list.txt") == ["Übung 1", "läuft 2"]

    def test_files_of_a_list(self, layout, tmp_path):
        (tmp_path / "a").touch()
        files = {"a": tmp_path / "a", "b": tmp_path / "b", "c": None}
        with pytest.raises(MissingDatasetError, match=r"2 of 3 files are missing, the first of them b.*allow_missing"):
            layout.present(files, allow_missing=False)
        assert layout.present(files, allow_missing=True) == ["a"]
        with pytest.raises(MissingDatasetError, match="1 of 1"):
            layout.present({"b": None}, allow_missing=True)
        with pytest.raises(MissingDatasetError, match="the list names no file"):
            layout.present({}, allow_missing=True)


def test_a_loader_takes_it():
    from torch.utils.data import DataLoader

    numbers = Listing(range(5), transform=lambda number: 10 * number)
    assert [batch.tolist() for batch in DataLoader(numbers, batch_size=2)] == [[0, 10], [20, 30], [40]]
    assert list(numbers) == [0, 10, 20, 30, 40]
    assert [numbers[index] for index in np.array([1, -1])] == [10, 40]
    with pytest.raises(IndexError):
        numbers[5]
    with pytest.raises(TypeError):
        numbers[1:3]  # a transform is made for one item


def test_workers_of_a_loader_read_too():
    """Items and their files go to other processes."""
    import pickle

    from ambikit_models.datasets.stereo_clips import StereoClip

    clips = Listing([StereoClip("a", Path("a.wav"), Path("a.mp4"))], transform=attrgetter("name"))
    assert pickle.loads(pickle.dumps(clips))[0] == "a"
