"""Clips of panoramic video that a list names: what Sphere360, YT-Ambigen and the lists of SptAudioGen share."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ambikit_models.datasets.listing import Layout
from ambikit_models.datasets.named_files import PICTURE_FILES, SOUND_FILES, files_by_name, video_of
from ambikit_models.datasets.paired_clips import ClipFiles, PairedClips
from ambikit_models.sound import SoundFeatures

__all__ = ["ListedVideos", "files_below"]


class ListedVideos(PairedClips):
    """The clips of a list that have pictures and sound, in its order.

    Parameters
    ----------
    layout, names
        Where the data set lies, and the names of its list.
    pictures, sounds
        The files of each name.
    sound, **settings
        As in :class:`PairedClips`.
    allow_missing
        Go on without clips that are not there: videos vanish from YouTube.

    Attributes
    ----------
    absent
        Names of listed clips that lack a file.

    Raises
    ------
    MissingDatasetError
        If a clip is not there, unless it is allowed; if all of them are not there, in any case.
    """

    def __init__(
        self,
        layout: Layout,
        names: Iterable[str],
        pictures: dict[str, Path],
        sounds: dict[str, Path],
        sound: SoundFeatures | None,
        *,
        allow_missing: bool,
        **settings: Any,
    ) -> None:
        files = {name: pictures.get(name) if name in sounds else None for name in names}
        there = layout.present(files, allow_missing) if files else []
        if not there:
            raise layout.lacks("the list names no clip")
        self.absent = tuple(name for name in files if name not in set(there))
        super().__init__(
            [ClipFiles(name, video_of(name, "_"), pictures[name], sounds[name]) for name in there], sound, **settings
        )


def files_below(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """The videos in a folder or below it by their names, and the sounds: those that are sound alone come first."""
    pictures = files_by_name(folder, PICTURE_FILES, below=True)
    alone = files_by_name(folder, [ending for ending in SOUND_FILES if ending not in PICTURE_FILES], below=True)
    return pictures, {**pictures, **alone}
