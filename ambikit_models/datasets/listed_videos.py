"""Clips of panoramic video that a list names: what Sphere360, YT-Ambigen and the lists of SptAudioGen share."""

from collections.abc import Iterable
from pathlib import Path

from ambikit_models.datasets.listing import Layout
from ambikit_models.datasets.named_files import video_of
from ambikit_models.datasets.paired_clips import ClipFiles

__all__ = ["listed_clips"]


def listed_clips(
    layout: Layout, names: Iterable[str], pictures: dict[str, Path], sounds: dict[str, Path], allow_missing: bool
) -> tuple[list[ClipFiles], tuple[str, ...]]:
    """The clips of a list that have pictures and sound, in its order, and the names of those that have not.

    Raises
    ------
    MissingDatasetError
        If one of them is not there, unless it is allowed; if all of them are not there, in any case.
    """
    files = {name: pictures.get(name) if name in sounds else None for name in names}
    there = layout.present(files, allow_missing) if files else []
    if not there:
        raise layout.lacks("the list names no clip")
    clips = [ClipFiles(name, video_of(name, "_"), pictures[name], sounds[name]) for name in there]
    return clips, tuple(name for name in files if name not in set(there))
