"""The audit of a collection: every file judged, in parallel, into JSON lines and one page."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

from ambikit.analysis.block_statistics import BLOCK
from ambikit.cli.metadata import metadata_in_words
from ambikit.errors import FileError, ShapeError
from ambikit.files.blocks import read_in_blocks
from ambikit.files.containers import check_complete
from ambikit.files.description import describe_file
from ambikit.files.metadata.facts import SpatialMetadata
from ambikit_models.preparation.collections import media_files
from ambikit_models.preparation.executors import Executor, work_through
from ambikit_models.preparation.judgement import Reading, judge_blocks, noted
from ambikit_models.preparation.records import as_line, checksum, read_records, write_records

__all__ = ["VERDICTS", "audit", "audit_file"]

#: what an audit says of files, the best first; the last three are no verdicts of :func:`ambikit.check_foa`
VERDICTS = ("valid", "doubtful", "invalid", "no field", "no sound", "unreadable")

_JUDGED = "audit.partial.jsonl"


def audit(
    folder: str | Path,
    output: str | Path,
    *,
    reading: Reading | None = None,
    workers: int = 2,
    executor: Executor = "local",
    address: str | None = None,
    progress: Callable[[int, int, str], Any] | None = None,
) -> list[dict[str, Any]]:
    """Judge every sound and video file of a folder, and of all folders in it.

    Writes ``audit.jsonl``, one record per file in the order of their paths. An audit that was interrupted goes on; one
    that was finished is brought up to date: files are judged again where their size or date, or the settings, changed.

    Parameters
    ----------
    folder
        The collection.
    output
        Folder for the table.
    reading
        How files are read and judged.
    workers, executor, address
        As in :func:`ambikit_models.preparation.executors.work_through`.
    progress
        Called with the number of files done, of all files, and the path of the last one.

    Returns
    -------
    The records. ``verdict`` is that of :func:`ambikit.check_foa`, or ``"no field"`` for sound whose channels cannot be
    a sound field of first order or more (stereo, say), ``"no sound"`` for a silent film, ``"unreadable"``; then
    ``error`` says why. ``duplicate_of`` names the first file with the same content.

    Raises
    ------
    FileError
        If there is no such folder, or no media file in it. A file that cannot be read is a record.
    """
    root, output, reading = Path(folder), Path(output), reading or Reading()
    paths = media_files(root)
    output.mkdir(parents=True, exist_ok=True)
    journal = output / _JUDGED
    known = _known(output)
    states = {path: _state(root / path, reading) for path in paths}
    records = {p: known[p] for p in paths if p in known and known[p]["state"] == as_line(states[p])}
    write_records(journal, records.values())
    waiting = [path for path in paths if path not in records]
    with journal.open("a", encoding="utf-8") as lines:
        work = partial(audit_file, root, reading)
        for path, result in work_through(work, waiting, workers=workers, executor=executor, address=address):
            if "verdict" not in result:  # the process died, or something that nobody expected
                result = {"verdict": "unreadable", **result}
            records[path] = {"path": path, **result, "state": as_line(states[path])}
            lines.write(as_line(records[path]) + "\n")
            lines.flush()
            if progress is not None:
                progress(len(records), len(paths), path)
    ordered = [records[path] for path in paths]
    _mark_duplicates(ordered)
    write_records(output / "audit.jsonl", ordered)
    journal.unlink()
    return read_records(output / "audit.jsonl")


def audit_file(root: Path, reading: Reading, path: str) -> dict[str, Any]:
    """The record of one file, without its path; what is wrong with the file is part of it."""
    file = root / path
    record: dict[str, Any] = {"bytes": file.stat().st_size}
    try:
        record["checksum"] = checksum(file)
        found = describe_file(file)
        record |= {"container": found.container, "pictures": list(found.pictures), **_says(found.metadata)}
        if not found.sounds:
            check_complete(file, found.container)
            return record | {"verdict": "no sound", "error": "it holds pictures, but no sound"}
        most = max(found.sounds, key=lambda sound: sound.channels)
        record |= {"codec": most.codec, "channels": most.channels, "sample_rate": most.sample_rate}
        if most.frames:
            record["duration"] = most.frames / most.sample_rate
        with noted(file) as notes:
            sound = read_in_blocks(file, **reading.keywords, length=BLOCK)
            rate, channels = float(sound.sample_rate), sound.channels
            if channels >= 4:
                judged, samples = judge_blocks(lambda: iter(sound), rate, reading, found.metadata)
            else:
                judged, samples = {}, sound.frames
        record |= {"duration": samples / rate, "notes": notes, **judged}
        if channels < 4:
            raise ShapeError(f"got {channels} channels; expected a sound field, 4 or more")
        if channels > 4:
            record["notes"] = [*notes, f"judged by the first four of its {channels} channels"]
    except ShapeError as error:
        return record | {"verdict": "no field", "error": _without_path(error, file)}
    except (FileError, OSError, MemoryError) as error:
        return record | {"verdict": "unreadable", "error": _without_path(error, file)}
    return record


def _says(said: SpatialMetadata) -> dict[str, Any]:
    """What the file says about the space in it, and the same in words."""
    default = SpatialMetadata()
    told = {f.name: getattr(said, f.name) for f in fields(said) if getattr(said, f.name) != getattr(default, f.name)}
    if "pose" in told:
        told["pose"] = asdict(told["pose"])
    if not told:
        return {}
    return {"metadata": told, "says": "; ".join(f"{name.strip()}: {text}" for name, text in metadata_in_words(said))}


def _without_path(error: BaseException, file: Path) -> str:
    return (str(error) or type(error).__name__).replace(str(file), "it")


def _state(file: Path, reading: Reading) -> dict[str, Any]:
    """What a record holds for: other contents or other settings ask for another one."""
    facts = file.stat()
    return {"bytes": facts.st_size, "modified": facts.st_mtime_ns, **asdict(reading)}


def _known(output: Path) -> dict[str, dict[str, Any]]:
    """The records of earlier audits in this folder, the latest of each path."""
    known = {}
    for name in ("audit.jsonl", _JUDGED):
        with suppress(FileError):
            known |= {r["path"]: r for r in read_records(output / name, cut_off=True) if "state" in r and "path" in r}
    return known


def _mark_duplicates(records: list[dict[str, Any]]) -> None:
    first: dict[str, str] = {}
    for record in records:
        record.pop("duplicate_of", None)
        if "checksum" in record:
            original = first.setdefault(record["checksum"], record["path"])
            if original != record["path"]:
                record["duplicate_of"] = original
