"""A collection made into clips that a training reads quickly, with a manifest that says where each came from."""

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ambikit.errors import AmbikitError
from ambikit_models.panorama.detection import Detector
from ambikit_models.preparation.boxes import find_boxes
from ambikit_models.preparation.collections import SourceFiles, media_files, sources_of
from ambikit_models.preparation.executors import Executor, work_through
from ambikit_models.preparation.locks import alone_in
from ambikit_models.preparation.recording import PrepareConfig, prepare_recording, prepared_already
from ambikit_models.preparation.records import as_line, checksum, read_records, write_records

__all__ = ["MANIFEST", "SET_ASIDE", "Prepared", "prepare"]

MANIFEST = "manifest.jsonl"
SET_ASIDE = "set_aside.jsonl"
_SETTINGS = "settings.json"
_FOLDERS = ("video", "audio", "sources", "boxes")


@dataclass(frozen=True)
class Prepared:
    """What came of a collection: the records of the clips, and of the recordings that were set aside, with reasons."""

    clips: list[dict[str, Any]]
    set_aside: list[dict[str, Any]]


def prepare(
    folder: str | Path,
    output: str | Path,
    config: PrepareConfig | None = None,
    *,
    only: Collection[str] | None = None,
    detector: Detector | None = None,
    workers: int = 2,
    executor: Executor = "local",
    address: str | None = None,
    progress: Callable[[str, int, int, str], Any] | None = None,
) -> Prepared:
    """Make clips of all recordings of a folder, and of all folders in it.

    ::

        video/{name}-{milliseconds}.mp4     pictures: small, H.264, short groups, upright
        audio/{name}-{milliseconds}.flac    sound: AmbiX, first order
        boxes/{name}-{milliseconds}.json    objects, where there is a detector
        manifest.jsonl                      a record per clip: where it comes from, what was done, checksums
        set_aside.jsonl                     recordings of which there are no clips, and why
        sources/, settings.json             how far it went: an interrupted run goes on

    Files appear whole or not at all. However often a run is interrupted and started again, the manifest is the same.
    Of recordings whose files are the same byte for byte the first is taken.

    Parameters
    ----------
    folder
        The collection: videos with their sound, or files of the same names in folders ``video`` and ``audio``.
    output
        Folder for the clips, one for each configuration.
    config
        What clips to make.
    only
        Take only recordings whose sound or pictures are among these paths (relative to ``folder``), which a selection
        from an audit gives; None takes all.
    detector
        Finds the objects on a picture per second of each clip, in this process.
    workers, executor, address
        As in :func:`ambikit_models.preparation.executors.work_through`; a cluster must see both folders.
    progress
        Called with what is being made, how many are done, how many there are, and the name of the last.

    Raises
    ------
    FileError
        If the folder holds no media file, or ``output`` cannot be written.
    AmbikitError
        If ``output`` was made with another configuration, or another run works in it.
    """
    root, output, config = Path(folder).resolve(), Path(output).resolve(), config or PrepareConfig()
    tell = progress or (lambda *_: None)
    sources = sources_of(media_files(root))
    if only is not None:
        sources = [s for s in sources if s.sound in only or s.pictures in only]
    for name in _FOLDERS:
        (output / name).mkdir(parents=True, exist_ok=True)
    with alone_in(output):
        _settle(output, config)
        _clear_up(output)
        sources, twins = _without_duplicates(root, sources)
        known = {s.name: prepared_already(root, output, config, s) for s in sources}
        records = {name: record for name, record in known.items() if record is not None}
        waiting = [s for s in sources if s.name not in records]
        work = partial(prepare_recording, root, output, config)
        done = len(sources) - len(waiting)
        for source, result in work_through(work, waiting, workers=workers, executor=executor, address=address):
            if "error" in result:
                result = {"name": source.name, "clips": [], "set_aside": result["error"]}
            records[source.name] = result
            done += 1
            tell("recordings", done, len(sources), source.name)
        found = [records[s.name] for s in sources]
        clips = sorted((clip for record in found for clip in record["clips"]), key=lambda clip: clip["name"])
        if detector is not None:
            for number, clip in enumerate(clips, 1):
                clip["boxes"] = find_boxes(root, output, clip, detector)
                tell("objects", number, len(clips), clip["name"])
        write_records(output / MANIFEST, clips)
        aside = [_aside(s, records[s.name]["set_aside"]) for s in sources if "set_aside" in records[s.name]]
        aside = sorted((*aside, *twins), key=lambda record: record["name"])
        write_records(output / SET_ASIDE, aside)
    return Prepared(read_records(output / MANIFEST), read_records(output / SET_ASIDE))


def _aside(source: SourceFiles, reason: str) -> dict[str, Any]:
    return {**asdict(source), "reason": reason}


def _without_duplicates(root: Path, sources: list[SourceFiles]) -> tuple[list[SourceFiles], list[dict[str, Any]]]:
    """The recordings without those that are the same as an earlier one; only files of equal size are compared."""

    def size(source: SourceFiles) -> tuple[int, ...]:
        return tuple((root / path).stat().st_size for path in (source.pictures, source.sound) if path)

    sizes: dict[tuple[int, ...], int] = {}
    for source in sources:
        sizes[size(source)] = sizes.get(size(source), 0) + 1
    first: dict[tuple[str, ...], str] = {}
    unique, twins = [], []
    for source in sources:
        if sizes[size(source)] > 1:
            content = tuple(checksum(root / path) for path in (source.pictures, source.sound) if path)
            original = first.setdefault(content, source.name)
            if original != source.name:
                twins.append(_aside(source, f"the files are the same as those of {original}"))
                continue
        unique.append(source)
    return unique, twins


def _settle(output: Path, config: PrepareConfig) -> None:
    """A folder holds the clips of one configuration."""
    settings = output / _SETTINGS
    if not settings.exists():
        write_records(settings, [asdict(config)])
    elif as_line(read_records(settings)[0]) != as_line(asdict(config)):
        raise AmbikitError(
            f"got {output}, which was prepared with other settings ({settings}); expected the same; prepare into "
            "another folder, or remove this one"
        )


def _clear_up(output: Path) -> None:
    """Remove what an interrupted run was writing."""
    for name in _FOLDERS:
        for path in (output / name).glob(".*.part*"):
            path.unlink(missing_ok=True)
