"""The world as a data set on disk, in the layout of YT-360: for everything that reads files."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from ambikit.errors import AmbikitError, FileError
from ambikit.files.replacing import replacing
from ambikit_models.preparation.executors import work_through
from ambikit_models.preparation.records import as_line, read_records, write_records
from ambikit_models.world.files import WorldFiles, video_id
from ambikit_models.world.writing import write_clips

__all__ = ["RECORDS", "write_world"]

#: what is in every clip, one line each
RECORDS = "world.jsonl"
_RECIPE, _DONE = "world.recipe.json", ".world"
#: every fifth video is one to test on
_FOLDS = 5


def write_world(
    folder: str | Path,
    videos: int,
    seed: int = 0,
    files: WorldFiles | None = None,
    *,
    workers: int = 2,
    progress: Callable[[int, int, str], Any] | None = None,
) -> list[dict[str, Any]]:
    """Write scenes of the world as files that :class:`ambikit_models.datasets.yt360.YT360` reads.

    ::

        video/{id}-{start}.mp4          equirectangular, H.264
        audio/{id}-{start}.flac, .m4a   first order
        segmentation/{id}-{start}/      things-0000.png, stuff-0000.png, …: the class of each pixel, 255 for none
        segments.txt                    one video per line, and where its clips start
        train.txt, test.txt             ids; every fifth video is one to test on
        world.jsonl                     what is in each clip, and what is wrong with its sound

    Every file is there whole or not at all. The same seed gives the same files, video by video: an interrupted call
    goes on where it stopped, and one with more videos adds to those that are there.

    Parameters
    ----------
    folder
        Where to write; made if it is not there.
    videos
        How many.
    seed
        Decides the scenes, the numbers of clips and the defects.
    files
        What to write.
    workers
        Processes side by side.
    progress
        Called with the number of videos done, of all videos, and the id of the last one.

    Returns
    -------
    The lines of ``world.jsonl``, one per clip.

    Raises
    ------
    AmbikitError
        If the folder was written with another seed or other settings.
    """
    files, root = files or WorldFiles(), Path(folder)
    if videos < 1:
        raise AmbikitError(f"got videos={videos}; expected at least 1")
    _claim(root, as_line({"seed": seed, **asdict(files)}))
    lines = {index: lines for index in range(videos) if (lines := _finished(root, seed, index)) is not None}
    pending = [index for index in range(videos) if index not in lines]
    failed = {}
    for index, result in work_through(partial(_write, root, seed, files), pending, workers=workers):
        if "error" in result:
            failed[index] = result["error"]
        else:
            lines[index] = result["clips"]
        if progress is not None:
            progress(len(lines) + len(failed), videos, video_id(seed, index))
    if failed:
        index, error = next(iter(failed.items()))
        raise FileError(
            f"got {len(failed)} of {videos} videos that could not be written, the first of them number {index}: "
            f"{error}; expected room on the disk and in memory; the same call goes on with those that are missing"
        )
    records = [clip for index in range(videos) for clip in lines[index]]
    _write_lists(root, records)
    write_records(root / RECORDS, records)
    return records


def _claim(root: Path, recipe: str) -> None:
    """Make the folders, and refuse those of another recipe."""
    path = root / _RECIPE
    if path.is_file():
        found = path.read_text(encoding="utf-8").strip()
        if found != recipe:
            raise AmbikitError(
                f"got {root}, which was written with other settings ({found}); expected the same; choose another "
                "folder, or the seed and settings that it has"
            )
    for part in ("video", "audio", "segmentation", _DONE):
        (root / part).mkdir(parents=True, exist_ok=True)
    _write_text(path, recipe + "\n")


def _finished(root: Path, seed: int, index: int) -> list[dict[str, Any]] | None:
    """The lines of a video whose files are all there."""
    path = root / _DONE / f"{video_id(seed, index)}.jsonl"
    if not path.is_file():
        return None
    lines = read_records(path)
    there = all((root / line[part]).exists() for line in lines for part in ("pictures", "sound"))
    return lines if there else None


def _write(root: Path, seed: int, files: WorldFiles, index: int) -> dict[str, Any]:
    """Write one video, and then the record that says so."""
    split = "test" if index % _FOLDS == _FOLDS - 1 else "train"
    lines = [{**line, "split": split} for line in write_clips(root, files, seed, index)]
    write_records(root / _DONE / f"{video_id(seed, index)}.jsonl", lines)
    return {"clips": lines}


def _write_lists(root: Path, records: list[dict[str, Any]]) -> None:
    starts: dict[str, list[str]] = {}
    for record in records:
        starts.setdefault(record["video"], []).append(str(record["start"]))
    _write_text(root / "segments.txt", "".join(f"{video} {','.join(s)}\n" for video, s in starts.items()))
    for split in ("train", "test"):
        ids = dict.fromkeys(record["video"] for record in records if record["split"] == split)
        _write_text(root / f"{split}.txt", "".join(f"{name}\n" for name in ids))


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
