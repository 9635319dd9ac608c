"""What sounds when and where: the label files of the DCASE challenges, read and written.

Azimuth in these files counts counter-clockwise from the front, 90° is on the left, elevation counts upwards: as
ambikit has it. Files hold degrees and centimetres, :class:`Events` holds radians and metres.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import ceil, floor, isfinite, radians
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from ambikit.errors import FileError, ShapeError
from ambikit.files.replacing import replacing

__all__ = ["FRAME", "Events", "read_events", "write_events"]

#: Length of a label frame in seconds.
FRAME = 0.1

_LARGEST = 2**31 - 1  # whole number
_LONGEST = 86400.0  # seconds of an event of 2019, which is spread over its frames
_HEADER_2019 = ["sound_event_recording", "start_time", "end_time", "ele", "azi", "dist"]


@dataclass(frozen=True, eq=False)
class Events:
    """The active sources of one recording: a table with one row per source and label frame.

    Examples
    --------
    A source of class 3 on the left, in the second frame:

    >>> events = Events.of([(1, 3, 0, np.pi / 2, 0.0)])
    >>> events.frame.tolist(), events.azimuth.round(3).tolist(), events.distance
    ([1], [1.571], None)
    """

    frame: Int[np.ndarray, "rows"]
    """Number of the label frame of 100 ms, from 0."""
    class_index: Int[np.ndarray, "rows"]
    """Class, from 0."""
    source: Int[np.ndarray, "rows"]
    """Number that tells the sources of a recording apart."""
    azimuth: Float[np.ndarray, "rows"]
    """Radians, positive to the left."""
    elevation: Float[np.ndarray, "rows"]
    """Radians, positive upwards."""
    distance: Float[np.ndarray, "rows"] | None = None
    """Metres; None where the labels have no distances."""

    def __post_init__(self) -> None:
        lengths = {f.name: len(getattr(self, f.name)) for f in fields(self) if getattr(self, f.name) is not None}
        if len(set(lengths.values())) > 1:
            raise ShapeError(f"got columns of lengths {lengths}; expected one value per row in each; cut them alike")

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, rows: Any) -> "Events":
        """The rows that an index, a slice or a mask selects."""
        rows = np.atleast_1d(np.arange(len(self))[rows])
        return Events(*(None if c is None else c[rows] for c in (getattr(self, f.name) for f in fields(self))))

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]]) -> "Events":
        """A table of rows ``(frame, class, source, azimuth, elevation)`` or with a distance behind; radians, metres."""
        widths = {len(row) for row in rows} or {5}
        if len(widths) > 1 or not widths <= {5, 6}:
            raise ShapeError(
                f"got rows of {sorted(widths)} values; expected 5 values in each (frame, class, source, azimuth, "
                "elevation), or 6 with the distance; give all rows the same columns"
            )
        columns = np.asarray(rows, dtype=np.float64).reshape(len(rows), widths.pop()).T
        whole = (column.astype(np.int64) for column in columns[:3])
        return cls(*whole, *columns[3:])


def read_events(path: str | Path, *, classes: Sequence[str] | None = None) -> Events:
    """Read the labels of a recording, or what a system predicted for it.

    ========================  ===================================================================================
    challenges                a line of the file
    ========================  ===================================================================================
    2020 to 2023              frame, class, source, azimuth, elevation
    STARSS23, 2024            the same and the distance in centimetres
    2019                      class name, start, end (seconds), elevation, azimuth, distance (metres); a first line
                              names the columns
    ========================  ===================================================================================

    Angles are in degrees. Lines keep their order; a file without lines is a recording without events.

    Parameters
    ----------
    path
        The CSV file.
    classes
        Names of the classes in their order; for files of 2019 alone. An event there covers all frames that it
        touches, and its source is the number of its line.

    Raises
    ------
    FileError
        If the file cannot be read or a line is not as above; the message names file and line.

    References
    ----------
    Politis et al., "STARSS22: a dataset of spatial recordings of real scenes with spatiotemporal annotations of sound
    events", DCASE 2022: frames of 100 ms, azimuth counter-clockwise, 90° on the left.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "fold3_room21_mix001.csv")
    ...     _ = file.write_text("10,1,0,90,-10,250")
    ...     events = read_events(file)
    >>> np.degrees(events.azimuth).round(6).tolist(), events.distance.tolist()
    ([90.0], [2.5])
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"got the labels {path}: {error}; expected a text file with one event per line") from error
    cells = [(n, [cell.strip() for cell in line.split(",")]) for n, line in enumerate(lines, 1) if line.strip()]
    if cells and cells[0][1] == _HEADER_2019:
        return _spans_to_events(path, cells[1:], classes)
    rows, widths = [], {len(line) for _, line in cells[:1]}
    for number, line in cells:
        if len(line) not in (5, 6) or len(line) not in widths:
            raise _wrong(path, number, line, f"{' or '.join(map(str, widths & {5, 6} or {5, 6}))} values per line")
        whole = [_number(path, number, line, column, whole=True) for column in range(3)]
        azimuth, elevation = _angles(path, number, line, 3, 4)
        distance = [_number(path, number, line, 5) / 100] if len(line) == 6 else []
        rows.append((*whole, azimuth, elevation, *distance))
    return Events.of(rows)


def write_events(path: str | Path, events: Events) -> None:
    r"""Write labels or predictions as DCASE 2020 to 2024 have them: degrees, and centimetres if there are distances.

    Angles and distances are rounded to a thousandth. The file is there whole or not at all.

    Raises
    ------
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_events(Path(folder, "mix.csv"), Events.of([(10, 1, 0, np.pi / 2, 0.0)]))
    ...     Path(folder, "mix.csv").read_text()
    '10,1,0,90,0\n'
    """
    whole = np.stack([events.frame, events.class_index, events.source], -1).tolist()
    real = [np.degrees(events.azimuth), np.degrees(events.elevation)]
    real += [] if events.distance is None else [events.distance * 100]
    with replacing(path) as temporary:
        temporary.write_text(
            "".join(
                ",".join([*map(str, first), *(_short(value) for value in rest)]) + "\n"
                for first, rest in zip(whole, np.stack(real, -1).tolist(), strict=True)
            ),
            encoding="utf-8",
        )


def _short(value: float) -> str:
    """Up to three digits behind the point, and no negative zero."""
    return f"{round(value, 3) + 0.0:.3f}".rstrip("0").rstrip(".")


def _spans_to_events(path: Any, cells: list[tuple[int, list[str]]], classes: Sequence[str] | None) -> Events:
    """Events of 2019, each from its start to its end."""
    if classes is None:
        raise FileError(
            f"got {path}, which names its classes (the format of 2019); expected classes=[...], their names in the "
            "order of their numbers"
        )
    numbers = {name: index for index, name in enumerate(classes)}
    rows = []
    for number, line in cells:
        if len(line) != 6 or line[0] not in numbers:
            raise _wrong(path, number, line, f"6 values, the first of them among {sorted(numbers)}")
        start, end, distance = (_number(path, number, line, column) for column in (1, 2, 5))
        azimuth, elevation = _angles(path, number, line, 4, 3)
        if not 0 <= start <= end <= _LONGEST:
            raise _wrong(path, number, line, "a start of at least 0 seconds and an end after it, within a day")
        # a start of 0.3 s is frame 3, although 0.3 / 0.1 is a little less than 3 in floating point
        first, last = floor(round(start / FRAME, 6)), ceil(round(end / FRAME, 6))
        source = number - 2
        rows += [(f, numbers[line[0]], source, azimuth, elevation, distance) for f in range(first, last)]
    return Events.of(rows)


def _angles(path: Any, number: int, line: list[str], azimuth: int, elevation: int) -> tuple[float, float]:
    """Azimuth and elevation of a line in radians."""
    around, up = _number(path, number, line, azimuth), _number(path, number, line, elevation)
    if abs(around) > 360 or abs(up) > 90:
        raise _wrong(path, number, line, "azimuth from -180 to 180 and elevation from -90 (down) to 90 (up) degrees")
    return radians(around), radians(up)


def _number(path: Any, number: int, line: list[str], column: int, *, whole: bool = False) -> float:
    try:
        value = float(line[column])
    except ValueError:
        value = float("nan")
    if not isfinite(value) or (whole and not (0 <= value <= _LARGEST and value == floor(value))):
        limit = f"at most {_LARGEST}" if value > _LARGEST else "at least 0"
        kind = f"a whole number of {limit}" if whole else "a number"
        raise _wrong(path, number, line, f"{kind} in column {column + 1}")
    return value


def _wrong(path: Any, number: int, line: list[str], expected: str) -> FileError:
    return FileError(
        f"{path}, line {number}: got {','.join(line)!r}; expected {expected}; the columns are frame, class, source, "
        "azimuth, elevation[, distance] (2020 to 2024), or those that a first line of 2019 names"
    )
