"""TAU Urban Audio-Visual Scenes 2021: binaural sound and video of ten kinds of urban places."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ambikit.errors import AmbikitError, FileError
from ambikit_models.datasets.listing import Layout, Listing, one_of
from ambikit_models.datasets.stereo_clips import StereoClip, whole_clips

__all__ = ["SCENES", "UrbanClip", "UrbanScenes"]

#: The classes in the order of their numbers.
SCENES = (
    "airport",
    "bus",
    "metro",
    "metro_station",
    "park",
    "public_square",
    "shopping_mall",
    "street_pedestrian",
    "street_traffic",
    "tram",
)

_PARTS = {"train": "fold1_train.csv", "test": "fold1_evaluate.csv"}


@dataclass(frozen=True)
class UrbanClip(StereoClip):
    """Ten seconds of a place: binaural sound, pictures, and the scene."""

    scene: str
    class_index: int
    """Place of the scene in :data:`SCENES`."""
    city: str
    location: str
    """Number of the place within its city: clips of one location are cut from the same recordings."""


class UrbanScenes(Listing[UrbanClip]):
    """The development set of TAU Urban Audio-Visual Scenes 2021 [1]_.

    ::

        audio/{scene}-{city}-{location}-{segment}.wav    two channels, binaural
        video/{scene}-{city}-{location}-{segment}.mp4    an ordinary picture, no panorama
        evaluation_setup/fold1_train.csv                 filename_audio, filename_video, scene_label
        evaluation_setup/fold1_evaluate.csv              the same of the test part

    **Recipe.** Get the development set from Zenodo (it is linked from the page of the DCASE challenge 2021, task 1B),
    with its licence, which the files bring along and which is unverified here; unpack everything into one folder,
    then::

        train, validation = UrbanScenes("TAU-UAVS-2021", "train").hold_out_locations(0.1)
        test = UrbanScenes("TAU-UAVS-2021", "test")
        signal, sample_rate = train[0].sound()
        pictures = train[0].frames([0.0, 0.5])

    The tables of the data set are separated by tabs; tables separated by commas with more columns, such as others
    have published for training and validation, are read alike.

    Parameters
    ----------
    root
        The folder that holds ``audio``, ``video`` and ``evaluation_setup``.
    part
        ``"train"``, ``"test"``, or the path of another table with the same columns. Without ``scene_label`` (as in
        ``fold1_test.csv``), the scene is that of the file's name.
    transform
        See :class:`~ambikit_models.datasets.listing.Listing`.
    allow_missing
        Go on where files of the table are not there; :attr:`missing` names them.

    Raises
    ------
    MissingDatasetError
        If the table or a file that it names is not there.
    FileError
        If a row names an unknown scene, or another than its file's name.

    References
    ----------
    .. [1] S. Wang, A. Mesaros, T. Heittola, T. Virtanen, "A curated dataset of urban scenes for audio-visual scene
       analysis", ICASSP 2021.
    """

    def __init__(
        self,
        root: str | Path,
        part: str | Path = "train",
        *,
        transform: Callable[[UrbanClip], Any] | None = None,
        allow_missing: bool = False,
    ) -> None:
        layout = Layout(
            "TAU Urban Audio-Visual Scenes 2021",
            root,
            "audio/{scene}-{city}-{location}-{segment}.wav, video/….mp4 and evaluation_setup/fold1_train.csv",
            "Zenodo (linked from https://dcase.community/challenge2021/task-acoustic-scene-classification)",
        )
        if isinstance(part, str) and not part.endswith(".csv"):
            one_of("part", part, tuple(_PARTS))
            part = Path("evaluation_setup", _PARTS[part])
        table = layout.file(part)
        clips = [
            _clip(layout.root, table, number, row)
            for number, row in enumerate(layout.table(table, ("filename_audio", "filename_video")), 2)
        ]
        whole, missing = whole_clips(layout, clips, allow_missing)
        super().__init__(whole, transform, missing)

    def hold_out_locations(self, share: float = 0.1, *, seed: int = 0) -> tuple[Listing[UrbanClip], Listing[UrbanClip]]:
        """Split the clips for training and validation such that no location is on both sides.

        Of each scene, locations are taken in an order that ``seed`` decides, until they hold at least ``share`` of its
        clips.

        Parameters
        ----------
        share
            Of the clips of each scene for validation, between 0 and 1.
        seed
            Decides which.

        Returns
        -------
        training, validation
        """
        if not 0 < share < 1:
            raise AmbikitError(f"got share={share}; expected a number between 0 and 1, such as 0.1")
        rng = np.random.default_rng(seed)
        held = set()
        for scene in SCENES:
            of_scene = [index for index, clip in enumerate(self.items) if clip.scene == scene]
            places = sorted({(self.items[index].city, self.items[index].location) for index in of_scene})
            taken = 0
            for place in rng.permutation(len(places)):
                if taken >= share * len(of_scene):
                    break
                clips = [i for i in of_scene if (self.items[i].city, self.items[i].location) == places[place]]
                held.update(clips)
                taken += len(clips)
        others = [index for index in range(len(self)) if index not in held]
        return self.subset(others), self.subset(sorted(held))


def _clip(root: Path, table: Path, number: int, row: dict[str, str]) -> UrbanClip:
    sound = row["filename_audio"]
    name = Path(sound).stem
    parts = name.split("-")
    scene = row.get("scene_label") or parts[0]
    if scene not in SCENES or len(parts) < 4 or parts[0] != scene:
        raise FileError(
            f"{table}, line {number}: got {sound!r} with the scene {scene!r}; expected {{scene}}-{{city}}-{{location}}-"
            f"{{segment}}.wav with the same scene, one of {', '.join(SCENES)}; restore the table"
        )
    video = root / row["filename_video"]
    return UrbanClip(name, root / sound, video, scene, SCENES.index(scene), parts[1], parts[2])
