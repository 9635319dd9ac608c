import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ambikit
from ambikit.errors import FileError, ShapeError
from ambikit_models.seld.labels import Events, read_events, write_events


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "fold4_room2_mix001.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


class TestReading:
    def test_five_columns(self, written):
        events = read_events(written("10,1,0,-50,30\n11,1,0,-50,30\n11,7,2,180,-45\n"))
        assert events.frame.tolist() == [10, 11, 11]
        assert events.class_index.tolist() == [1, 1, 7]
        assert events.source.tolist() == [0, 0, 2]
        np.testing.assert_allclose(events.azimuth, [-0.8726646259971648, -0.8726646259971648, np.pi])
        np.testing.assert_allclose(events.elevation, [0.5235987755982988, 0.5235987755982988, -np.pi / 4])
        assert events.distance is None

    def test_distances_in_centimetres(self, written):
        events = read_events(written("0,3,0,90,0,150\n0,3,1,0,90,87\n"))
        np.testing.assert_allclose(events.distance, [1.5, 0.87])

    def test_the_left_is_positive(self, written):
        """A source labelled 90° excites W and Y of the sound alike, one labelled up W and Z."""
        events = read_events(written("0,0,0,90,0\n0,0,1,0,90\n"))
        signal = ambikit.encode(np.ones((2, 1)), events.azimuth, events.elevation)
        np.testing.assert_allclose(signal[..., 0], [[1, 1, 0, 0], [1, 0, 1, 0]], atol=1e-12)

    def test_spans_of_2019(self, written):
        """Elevation stands before azimuth, distances are in metres; an event covers the frames that it touches."""
        header = "sound_event_recording,start_time,end_time,ele,azi,dist\n"
        path = written(header + "phone,0.3,0.5,-10,170,2\nclearthroat,0.31,0.42,20,-90,1\n")
        events = read_events(path, classes=["clearthroat", "phone"])
        assert events.frame.tolist() == [3, 4, 3, 4]
        assert events.class_index.tolist() == [1, 1, 0, 0]
        assert events.source.tolist() == [0, 0, 1, 1]
        np.testing.assert_allclose(np.degrees(events.azimuth), [170, 170, -90, -90])
        np.testing.assert_allclose(np.degrees(events.elevation), [-10, -10, 20, 20])
        np.testing.assert_allclose(events.distance, [2, 2, 1, 1])

    def test_silence_and_blank_lines(self, written):
        assert len(read_events(written(""))) == 0
        assert len(read_events(written("\n0,0,0,0,0\n\n"))) == 1

    def test_windows_line_ends_and_byte_order_mark(self, tmp_path):
        path = tmp_path / "windows.csv"
        path.write_bytes(b"\xef\xbb\xbf0,1,0,10,20\r\n1,1,0,10,20\r\n")
        assert read_events(path).frame.tolist() == [0, 1]

    @pytest.mark.parametrize(
        ("text", "line", "what"),
        [
            ("0,1,0,10,20\n1,1,0,10\n", 2, "5 values per line"),
            ("0,1,0,10,20\n1,1,0,10,20,100\n", 2, "5 values per line"),
            ("0,1,0\n", 1, "5 or 6 values per line"),
            ("0,1,0,left,20\n", 1, "a number in column 4"),
            ("0,1,0,nan,20\n", 1, "a number in column 4"),
            ("-1,1,0,10,20\n", 1, "a whole number of at least 0 in column 1"),
            ("1e300,1,0,10,20\n", 1, "a whole number of at most 2147483647 in column 1"),
            ("0,1.5,0,10,20\n", 1, "a whole number of at least 0 in column 2"),
            ("0,1,0,10,120\n", 1, "elevation from -90"),
            ("\n\n0,1,0,1000,20\n", 3, "azimuth from -180"),
        ],
    )
    def test_a_wrong_line_is_named(self, written, text, line, what):
        with pytest.raises(FileError, match=rf"room2_mix001\.csv, line {line}: .*{what}"):
            read_events(written(text))

    def test_wrong_lines_of_2019(self, written):
        header = "sound_event_recording,start_time,end_time,ele,azi,dist\n"
        with pytest.raises(FileError, match="their names"):
            read_events(written(header))
        for text, what in (
            ("bell,0,1,0,0,1", "among"),
            ("phone,2,1,0,0,1", "an end after"),
            ("phone,0,1e12,0,0,1", "within a day"),
            ("phone,0,1,0", "6 values"),
        ):
            with pytest.raises(FileError, match=f"line 2: .*{what}"):
                read_events(written(header + text), classes=["phone"])

    def test_what_is_no_text(self, tmp_path):
        with pytest.raises(FileError, match="absent"):
            read_events(tmp_path / "absent.csv")
        (tmp_path / "sound.wav").write_bytes(b"RIFF\xff\xfe\x00")
        with pytest.raises(FileError, match="expected a text file"):
            read_events(tmp_path / "sound.wav")


class TestWriting:
    def test_the_text(self, tmp_path):
        events = Events.of([(0, 2, 1, np.pi / 2, -np.pi / 6, 1.25), (3, 0, 0, -np.pi, 1e-9, 0.5)])
        write_events(tmp_path / "a.csv", events)
        assert (tmp_path / "a.csv").read_text() == "0,2,1,90,-30,125\n3,0,0,-180,0,50\n"
        assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]

    def test_no_events(self, tmp_path):
        write_events(tmp_path / "a.csv", Events.of([]))
        assert (tmp_path / "a.csv").read_text() == ""

    @given(
        rows=st.lists(
            st.tuples(*[st.integers(0, 50)] * 3, st.integers(-180, 180), st.integers(-90, 90), st.integers(0, 900))
        ),
        distances=st.booleans(),
    )
    def test_whole_degrees_come_back_as_the_same_text(self, tmp_path, rows, distances):
        text = "".join(",".join(map(str, row if distances else row[:5])) + "\n" for row in rows)
        (tmp_path / "a.csv").write_text(text)
        write_events(tmp_path / "b.csv", read_events(tmp_path / "a.csv"))
        assert (tmp_path / "b.csv").read_text() == text

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(FileError, match="folder"):
            write_events(tmp_path / "absent" / "a.csv", Events.of([]))


class TestEvents:
    def test_rows(self):
        events = Events.of([(f, f % 2, 0, 0.1 * f, 0.0) for f in range(5)])
        assert events[events.class_index == 1].frame.tolist() == [1, 3]
        assert events[2].frame.tolist() == [2]
        assert len(events[:0]) == 0

    def test_columns_that_do_not_fit(self, no_shape_hook):
        with pytest.raises(ShapeError, match="columns of lengths"):
            Events(*[np.zeros(2, np.int64)] * 3, np.zeros(2), np.zeros(3))
        with pytest.raises(ShapeError, match="5 values in each"):
            Events.of([(0, 0, 0, 0.0)])
        with pytest.raises(ShapeError, match="same columns"):
            Events.of([(0, 0, 0, 0.0, 0.0), (0, 0, 0, 0.0, 0.0, 1.0)])
