"""EigenScape: acoustic scenes in fourth-order Ambisonics."""

from collections.abc import Callable
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from ambikit.errors import AmbikitError, FileError
from ambikit.files.description import describe_file
from ambikit_models.datasets.listing import Layout, Listing, one_of
from ambikit_models.media import read_sound

__all__ = ["SCENES", "EigenScape", "SceneSegment"]

#: The classes in the order of their numbers.
SCENES = (
    "Beach",
    "BusyStreet",
    "Park",
    "PedestrianZone",
    "QuietStreet",
    "ShoppingCentre",
    "TrainStation",
    "Woodland",
)

_RECORDINGS = range(1, 9)
_FOLDS = 4
_ORDER = 4


@dataclass(frozen=True)
class SceneSegment:
    """A stretch of a recording, and its scene."""

    scene: str
    class_index: int
    """Place of the scene in :data:`SCENES`."""
    recording: int
    """1 to 8 within the scene."""
    start_seconds: float
    duration_seconds: float
    order: int
    """The Ambisonic order to which :meth:`sound` is read."""
    path: Path
    place: str = ""
    """Where, when and under which circumstances it was recorded, as the metadata say; empty without them."""
    date: str = ""
    time: str = ""
    notes: str = ""

    def sound(self, *, sample_rate: float | None = None) -> tuple[Float32[np.ndarray, "channels time"], float]:
        """Read the stretch as AmbiX ``((order + 1)², time)``, and its sample rate in Hz; the rest is not decoded."""
        channels = list(range((self.order + 1) ** 2))
        return read_sound(
            self.path, self.start_seconds, self.duration_seconds, sample_rate=sample_rate, channel_map=channels
        )


class EigenScape(Listing[SceneSegment]):
    """EigenScape [1]_: eight kinds of places, each recorded at eight of them for ten minutes, cut into segments.

    ::

        Beach.1.wav … Woodland.8.wav    25 channels, ACN, SN3D, 24 bit, 48 kHz; also Beach-01.wav, or Beach/Beach.1.wav
        Metadata-EigenScape.csv         place, time, date; may be missing

    **Recipe.** Get it from https://zenodo.org/record/1284156 (one archive per scene; CC BY 4.0), unpack all archives
    into one folder, then::

        train = EigenScape("EigenScape", fold=1, part="train")
        signal, sample_rate = train[0].sound()          # first order, 30 s

    **Park 6 and Park 8.** They were mixed up in the published archives; the loader of soundata takes ``Park.zip`` from
    the record 2628463 instead, which otherwise holds the 32 capsules. A file of 32 channels is refused here. Whether
    the two recordings are exchanged cannot be seen in a file of 25 channels; it changes folds, never classes. In what
    exactly the mix-up consisted is unverified.

    **Folds.** The data set comes without a split, and the tool of its authors draws one at random without a seed.
    Here fold k tests recordings 2k−1 and 2k of every scene and trains on the other six: four folds, and no recording
    on both sides. Figures that others published belong to other folds.

    Parameters
    ----------
    root
        The folder of the files.
    fold
        1 to 4; None takes all recordings.
    part
        ``"train"`` or ``"test"`` of the fold.
    segment_seconds
        Length of the segments; 30 as in [2]_. A rest at the end of a recording is left out. None takes recordings
        whole.
    order
        Ambisonic order to which sound is read, 0 to 4.
    transform
        See :class:`Listing`.
    allow_missing
        Go on where some of the 64 recordings are not there; :attr:`missing` names them.

    Raises
    ------
    MissingDatasetError
        If recordings are missing.
    FileError
        If a file has other than 25 channels, or is shorter than a segment.

    References
    ----------
    .. [1] M. C. Green, D. Murphy, "EigenScape: A Database of Spatial Acoustic Scene Recordings", Applied Sciences 7
       (2017) 1204.
    .. [2] S. Wang, A. Politis, A. Mesaros, T. Virtanen, "Self-supervised learning of audio representations from
       audio-visual data using spatial alignment", 2022, section V-D.
    """

    def __init__(
        self,
        root: str | Path,
        fold: int | None = None,
        part: str = "train",
        *,
        segment_seconds: float | None = 30.0,
        order: int = 1,
        transform: Callable[[SceneSegment], Any] | None = None,
        allow_missing: bool = False,
    ) -> None:
        one_of("fold", fold, (None, *range(1, _FOLDS + 1)))
        one_of("part", part, ("train", "test"))
        one_of("order", order, range(_ORDER + 1))
        if segment_seconds is not None and not segment_seconds > 0:
            raise AmbikitError(
                f"got segment_seconds={segment_seconds}; expected a positive number, or None for whole recordings"
            )
        layout = Layout("EigenScape", root, "{Scene}.{1..8}.wav in one folder", "https://zenodo.org/record/1284156")
        folder = layout.folder(".")
        files = {
            f"{scene}.{number}": _file_of(folder, scene, number)
            for scene in SCENES
            for number in _RECORDINGS
            if fold is None or (part == "test") == ((number + 1) // 2 == fold)
        }
        present = layout.present(files, allow_missing)
        said = _metadata(layout)
        items = []
        for name in present:
            scene, _, number = name.partition(".")
            path = files[name]
            assert path is not None
            duration = _duration(path)
            length = duration if segment_seconds is None else segment_seconds
            # to the microsecond: in seconds a recording of whole segments may be a rounding error too short
            segments = floor(round(duration / length, 6))
            if segments < 1:
                raise FileError(
                    f"got {path} of {duration:.3f} s; expected at least one segment of {length} s; copy or download "
                    "the recording again, or ask for shorter segments"
                )
            items += [
                SceneSegment(
                    scene, SCENES.index(scene), int(number), start * length, length, order, path, *said.get(name, ())
                )
                for start in range(segments)
            ]
        super().__init__(items, transform, [name for name in files if name not in present])


def _file_of(folder: Path, scene: str, number: int) -> Path | None:
    names = (f"{scene}.{number}.wav", f"{scene}-{number:02}.wav")
    return next((p for base in (folder, folder / scene) for name in names if (p := base / name).is_file()), None)


def _duration(path: Path) -> float:
    """Seconds of a recording whose header says that it has 25 channels."""
    sound = describe_file(path).sounds[0]
    if sound.channels != (_ORDER + 1) ** 2:
        capsules = " (these are the 32 capsules of the microphone, not yet Ambisonics)" if sound.channels == 32 else ""
        raise FileError(
            f"got {path} with {sound.channels} channels{capsules}; expected 25, fourth order; take the archive from "
            "https://zenodo.org/record/1284156"
        )
    return (sound.frames or 0) / sound.sample_rate


def _metadata(layout: Layout) -> dict[str, tuple[str, str, str, str]]:
    """Place, date, time and notes of each recording, by its name with a dot."""
    path = layout.root / "Metadata-EigenScape.csv"
    if not path.is_file():
        return {}
    found = {}
    for row in layout.table(path, ("file",)):
        # the table calls Beach-01.wav what the archives call Beach.1.wav
        name = Path(row["file"]).name.removesuffix(".wav").replace("-0", ".")
        found[name] = tuple(row.get(column, "") for column in ("location", "date", "time", "info"))
    return found
