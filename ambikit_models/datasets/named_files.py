"""Files that belong together by their names, wherever in a folder they lie."""

from collections.abc import Iterable
from pathlib import Path

__all__ = ["PICTURE_FILES", "SOUND_FILES", "files_by_name", "video_of"]

PICTURE_FILES = (".mp4", ".mov", ".webm", ".mkv")
SOUND_FILES = (".m4a", ".mp4", ".flac", ".wav", ".caf", ".ogg", ".opus", ".webm")
_ID_LENGTH = 11


def files_by_name(folder: Path, endings: Iterable[str], *, below: bool = False) -> dict[str, Path]:
    """The files of a folder by their names without endings; of two that differ in the ending, the first.

    What begins with a dot is left out. With ``below`` the folders in it are searched too.
    """
    wanted = tuple(endings)
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*") if below else folder.iterdir()):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in wanted and not hidden:
            found.setdefault(path.stem, path)
    return found


def video_of(name: str, separator: str = "-") -> str:
    """The id of YouTube where a name is one, a separator and seconds (an id may contain both); else the whole name.

    Examples
    --------
    >>> video_of("-x-y-z_0123-70"), video_of("b2VhNUmUV3k_52", "_"), video_of("holidays-2019")
    ('-x-y-z_0123', 'b2VhNUmUV3k', 'holidays-2019')
    """
    identifier, _, start = name.rpartition(separator)
    return identifier if len(identifier) == _ID_LENGTH and start.isdecimal() else name
