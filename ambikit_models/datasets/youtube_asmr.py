"""YouTube-ASMR: people who make soft sounds around a stereo microphone, facing the camera."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ambikit.errors import FileError
from ambikit_models.datasets.listing import Layout, Listing, one_of
from ambikit_models.datasets.stereo_clips import StereoClip, whole_clips

__all__ = ["ASMRClip", "YouTubeASMR"]


@dataclass(frozen=True)
class ASMRClip(StereoClip):
    """Ten seconds of a video of YouTube, and where in it they lie."""

    video: str
    """The name of the video on YouTube, eleven characters."""
    start_seconds: float
    end_seconds: float


class YouTubeASMR(Listing[ASMRClip]):
    """YouTube-ASMR and YouTube-ASMR-300K [1]_: bring your own files, as the videos are YouTube's.

    ::

        train.csv, val.csv, test.csv                   id, start, end (seconds), no header
        data/video/{id}_{start ms}_{end ms}.mp4        also in the folder above data
        data/audio/{id}_{start ms}_{end ms}.flac       two channels

    **Recipe.** Get the lists from https://zenodo.org/record/3889168, and the clips with a downloader of your choice,
    named as above (the tool of the authors wrote these names). The terms are those of YouTube and of the people who
    made the videos; of the lists' licence nothing is verified here. Then::

        test = YouTubeASMR("YouTube-ASMR", "test", allow_missing=True)   # videos disappear
        track = track_faces(test[0], detector, np.arange(0.5, 10, 0.5))
        follows_sound(track, test[0])                                    # is it of the subset with moving faces?

    with :mod:`ambikit_models.datasets.sounding_faces`.

    Parameters
    ----------
    root
        The folder that holds the lists, and the clips or ``data``.
    part
        ``"train"``, ``"val"`` or ``"test"``.
    transform
        See :class:`~ambikit_models.datasets.listing.Listing`.
    allow_missing
        Go on where clips of the list are not there; :attr:`missing` names them.

    Raises
    ------
    MissingDatasetError
        If the list, a folder or a clip of the list is not there.
    FileError
        If a line of the list is not as above.

    References
    ----------
    .. [1] K. Yang, B. Russell, J. Salamon, "Telling Left from Right: Learning Spatial Correspondence of Sight and
       Sound", CVPR 2020, section 3.
    """

    def __init__(
        self,
        root: str | Path,
        part: str = "train",
        *,
        transform: Callable[[ASMRClip], Any] | None = None,
        allow_missing: bool = False,
    ) -> None:
        one_of("part", part, ("train", "val", "test"))
        layout = Layout(
            "YouTube-ASMR",
            root,
            "train.csv, …, data/video/{id}_{start ms}_{end ms}.mp4 and data/audio/….flac",
            "https://zenodo.org/record/3889168 (the lists)",
        )
        path = layout.file(f"{part}.csv")
        folders = (layout.folder("data/audio", "audio"), layout.folder("data/video", "video"))
        clips = [_clip(path, line, *folders) for line in layout.lines(path) if not line.startswith("#")]
        whole, missing = whole_clips(layout, clips, allow_missing)
        super().__init__(whole, transform, missing)


def _clip(path: Path, line: str, sounds: Path, videos: Path) -> ASMRClip:
    cells = [cell.strip() for cell in next(csv.reader([line]))]
    try:
        video, start, end = cells[0], float(cells[1]), float(cells[2])
        if not 0 <= start < end < float("inf"):
            raise ValueError(f"{start} to {end}")
    except (ValueError, IndexError) as error:
        raise FileError(
            f"got {path} with the line {line!r}; expected an id, a start and a later end in seconds; get the list again"
        ) from error
    name = f"{video}_{round(1000 * start)}_{round(1000 * end)}"
    return ASMRClip(name, sounds / f"{name}.flac", videos / f"{name}.mp4", video, start, end)
