"""YT-Ambigen: 5 s clips of 360° video from YouTube with first-order sound, and a camera direction for each."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit.errors import FileError
from ambikit_models.datasets.listed_videos import ListedVideos
from ambikit_models.datasets.listing import Layout, one_of
from ambikit_models.datasets.named_files import PICTURE_FILES, SOUND_FILES, files_by_name
from ambikit_models.sound import SoundFeatures

__all__ = ["YTAmbigen"]

_SPLITS = ("train", "valid", "test")
#: degrees from one row or column of the grid of directions to the next
_UNIT = 2.0


class YTAmbigen(ListedVideos):
    """The YT-Ambigen clips [1]_ as one has downloaded them: bring your own files, as the videos are YouTube's.

    ::

        train.csv, valid.csv, test.csv  a column file_path: {id}_{start}.npy; also under csv/yt_ambigen
        ambi.json                       {"{id}_{start}": [row, column]}: where a view of the clip looks
        video/{id}_{start}.mp4          equirectangular, 4 pictures per second as the authors cut them
        audio/{id}_{start}.opus         first order

    The ``.npy`` of the lists are features that the authors compute; the files of the same name are read here. The
    folder ``nfov`` of views is not: they are cut from the panorama when they are needed.

    Parameters
    ----------
    root
        The folder that holds all this.
    split
        ``"train"``, ``"valid"`` or ``"test"``.
    sound, **settings
        As in :class:`~ambikit_models.datasets.paired_clips.PairedClips`.
    allow_missing
        Go on without clips that are not there: videos vanish from YouTube.

    Attributes
    ----------
    absent
        Names of listed clips that lack a file.

    References
    ----------
    .. [1] J. Kim, H. Yun, G. Kim, "ViSAGe: Video-to-Spatial Audio Generation", ICLR 2025.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        sound: SoundFeatures | None = None,
        *,
        allow_missing: bool = True,
        **settings: Any,
    ) -> None:
        one_of("split", split, _SPLITS)
        self._layout = layout = Layout(
            "YT-Ambigen",
            root,
            "train.csv, video/{id}_{start}.mp4, audio/{id}_{start}.opus",
            "github.com/jaeyeonkim99/visage",
        )
        rows = layout.table(layout.file(*_places(f"{split}.csv")), ["file_path"])
        names = [row["file_path"].removesuffix(".npy") for row in rows]
        pictures, sounds = (
            files_by_name(layout.folder(folder), endings)
            for folder, endings in (("video", PICTURE_FILES), ("audio", SOUND_FILES))
        )
        super().__init__(layout, names, pictures, sounds, sound, allow_missing=allow_missing, **settings)

    def camera_directions(self) -> Float[np.ndarray, "clips 2"]:
        """Azimuth and elevation, in radians, in which a view of each clip looks, by ``ambi.json``; nan for others.

        The file counts rows of 2° from the zenith down and columns of 2° from behind over the left to the right: row
        44, column 89 is one degree above and one to the left of the front.
        """
        path = self._layout.file(*_places("ambi.json"))
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            found = [said.get(clip.name, (np.nan, np.nan)) for clip in self.clips]
            row, column = np.array(found, dtype=np.float64).T
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise FileError(f"got {path} ({error}); expected JSON: a row and a column per clip; restore it") from error
        elevation, azimuth = 90 - _UNIT * (row + 0.5), 180 - _UNIT * (column + 0.5)
        return np.radians(np.stack([azimuth, elevation], axis=-1))


def _places(name: str) -> tuple[Path, Path]:
    return Path(name), Path("csv", "yt_ambigen", name)
