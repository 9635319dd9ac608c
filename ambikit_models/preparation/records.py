"""Tables as JSON lines: one object per line, read and written whole."""

import json
import math
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from ambikit.errors import FileError
from ambikit.files.replacing import replacing

__all__ = ["as_line", "checksum", "read_records", "write_records"]

_PIECE = 2**20


def as_line(record: dict[str, Any]) -> str:
    """One record as one line of JSON; numbers that JSON does not know (nan, infinite) become null.

    Examples
    --------
    >>> as_line({"name": "a", "ratio": float("nan"), "shares": (0.5, 1)})
    '{"name": "a", "ratio": null, "shares": [0.5, 1]}'
    """
    return json.dumps(_plain(record), ensure_ascii=False, allow_nan=False)


def write_records(path: str | Path, records: Iterable[dict[str, Any]]) -> None:
    """Write a table, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text("".join(as_line(record) + "\n" for record in records), encoding="utf-8")


def read_records(path: str | Path, *, cut_off: bool = False) -> list[dict[str, Any]]:
    """Read a table.

    Parameters
    ----------
    path
        A file of JSON lines.
    cut_off
        Forgive a last line that is not whole, as an interrupted program leaves it.

    Raises
    ------
    FileError
        If the file is missing, or one of its lines is no JSON object.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"got {path}, which cannot be read ({error}); expected a file of JSON lines") from error
    records = []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            if cut_off and number == len(lines):
                break
            raise FileError(
                f"got {path}, whose line {number} is no JSON ({error}); expected one object per line; write it again"
            ) from error
        if not isinstance(record, dict):
            raise FileError(f"got {path}, whose line {number} is no JSON object; expected one object per line")
        records.append(record)
    return records


def checksum(path: str | Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    digest = sha256()
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
