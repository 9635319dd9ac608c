"""Which media files a folder holds, and which pictures belong to which sound."""

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ambikit.errors import FileError

__all__ = ["PICTURES", "SOUNDS", "SourceFiles", "media_files", "sources_of"]

PICTURES = (".mp4", ".m4v", ".mov", ".webm", ".mkv")
SOUNDS = (".wav", ".flac", ".m4a", ".caf", ".ogg", ".opus", ".oga", ".amb", ".aif", ".aiff", ".w64", ".mka")

#: folders that hold one half of a pair each, as in YT-360
_HALVES = ("video", "audio")
_LONGEST = 80


@dataclass(frozen=True)
class SourceFiles:
    """One recording: its name, its pictures, and its sound, which may be in the same file.

    Paths are relative to the collection, with forward slashes; None where the part is missing.
    """

    name: str
    pictures: str | None
    sound: str | None


def media_files(folder: str | Path) -> list[str]:
    """The sound and video files of a folder and all folders in it, by their endings, as sorted relative paths.

    What begins with a dot is left out.

    Raises
    ------
    FileError
        If there is no such folder, or no media file in it.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileError(f"got {folder}, which is no folder; expected the folder of a collection; check the path")
    found = [
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.suffix.lower() in (*PICTURES, *SOUNDS)
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
        and path.is_file()
    ]
    if not found:
        raise FileError(
            f"got {folder}, which holds no sound or video file; expected files that end with one of "
            f"{' '.join((*PICTURES, *SOUNDS))}"
        )
    return sorted(found)


def sources_of(paths: list[str]) -> list[SourceFiles]:
    """Pair pictures and sound: files of the same name in one folder, or in its folders ``video`` and ``audio``.

    A sound file of the same name is preferred to the sound of the video itself.

    Examples
    --------
    >>> for source in sources_of(["day 1/boat.mp4", "sea/audio/gulls.m4a", "sea/video/gulls.mp4"]):
    ...     print(source.name, source.pictures, source.sound)
    day_1__boat-cfc53444 day 1/boat.mp4 day 1/boat.mp4
    sea__gulls sea/video/gulls.mp4 sea/audio/gulls.m4a
    """
    grouped: dict[str, list[str]] = {}
    for path in paths:
        grouped.setdefault(_key(path), []).append(path)
    sources = []
    for key, members in sorted(grouped.items()):
        pictures = next((p for p in members if Path(p).suffix.lower() in PICTURES), None)
        sound = next((p for p in members if Path(p).suffix.lower() in SOUNDS), pictures)
        sources.append(SourceFiles(_name(key), pictures, sound))
    return sorted(sources, key=lambda source: source.name)


def _key(path: str) -> str:
    *folders, file = path.split("/")
    if folders and folders[-1].lower() in _HALVES:
        folders = folders[:-1]
    return "/".join([*folders, Path(file).stem])


def _name(key: str) -> str:
    """A name that is safe as that of a file, and another one for every key."""
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", key.replace("/", "__"))[:_LONGEST]
    return safe if safe.replace("__", "/") == key else f"{safe}-{sha256(key.encode()).hexdigest()[:8]}"
