"""TAU Spatial Sound Events 2019: synthetic mixtures in five real rooms, with events in time and direction."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ambikit_models.datasets.event_recordings import FORMATS, EventRecording
from ambikit_models.datasets.listing import Layout, Listing, one_of

__all__ = ["CLASSES", "SpatialSoundEvents2019", "SyntheticRecording"]

#: The classes in the order of the numbers that the challenge's baseline gives them.
CLASSES = (
    "knock",
    "drawer",
    "clearthroat",
    "phone",
    "keysDrop",
    "speech",
    "keyboard",
    "pageturn",
    "cough",
    "doorslam",
    "laughter",
)

_NAME = re.compile(r"split(\d+)_ir(\d+)_ov(\d+)_(\d+)\.wav", re.ASCII)
_SPLITS = (1, 2, 3, 4)


@dataclass(frozen=True)
class SyntheticRecording(EventRecording):
    """A mixture of one minute, made with the impulse responses of a room."""

    split: int = 0
    """1 to 4."""
    room: int = 0
    """Whose impulse responses: 0 to 4."""
    overlap: int = 0
    """How many events may sound at once: 1 or 2."""
    number: int = 0


class SpatialSoundEvents2019(Listing[SyntheticRecording]):
    """The development set of TAU Spatial Sound Events 2019 [1]_: 400 mixtures of one minute, eleven classes.

    ::

        foa_dev/split{1..4}_ir{0..4}_ov{1,2}_{n}.wav    4 channels, 48 kHz, 16 bit
        mic_dev/…                                       the same scenes through four microphones
        metadata_dev/split…csv                          sound_event_recording,start_time,end_time,ele,azi,dist

    **Recipe.** Get it from https://zenodo.org/record/2599196: ``foa_dev`` (or ``mic_dev``) is an archive in pieces
    (join them with ``zip -s 0 foa_dev.zip --out joined.zip``), ``metadata_dev.zip`` the labels; unpack both into one
    folder. Its licence allows experimental, NON-COMMERCIAL use alone. Then::

        train = SpatialSoundEvents2019("TAU-SSE-2019", splits=(2, 3, 4))
        signal, sample_rate = train[0].sound()
        events = train[0].events()

    Its four splits are for cross-validation: train on some, test on another. Directions stand still while an event
    lasts. That the channels of ``foa_dev`` are AmbiX (W, Y, Z, X, SN3D) is taken from the later challenges of the
    same authors and unverified on these files: :func:`ambikit.check_foa` says what a file looks like. The evaluation
    set (https://zenodo.org/record/3377088) is not read.

    Parameters
    ----------
    root
        The folder that holds ``metadata_dev`` and ``foa_dev`` or ``mic_dev``.
    splits
        Which of the four splits.
    format
        ``"foa"`` or ``"mic"``.
    transform
        See :class:`~ambikit_models.datasets.listing.Listing`.

    Raises
    ------
    MissingDatasetError
        If a folder, a recording of a split or the labels of a recording are not there.

    References
    ----------
    .. [1] S. Adavanne, A. Politis, T. Virtanen, "A multi-room reverberant dataset for sound event localization and
       detection", DCASE 2019.
    """

    def __init__(
        self,
        root: str | Path,
        splits: Sequence[int] = _SPLITS,
        *,
        format: str = "foa",
        transform: Callable[[SyntheticRecording], Any] | None = None,
    ) -> None:
        one_of("format", format, FORMATS)
        for split in splits:
            one_of("split", split, _SPLITS)
        layout = Layout(
            "TAU Spatial Sound Events 2019",
            root,
            f"{format}_dev/split1_ir0_ov1_1.wav, … and metadata_dev/split1_ir0_ov1_1.csv, …",
            "https://zenodo.org/record/2599196",
        )
        folder, labels = layout.folder(f"{format}_dev"), layout.folder("metadata_dev")
        items = []
        for path in folder.iterdir():
            if (match := _NAME.fullmatch(path.name)) and int(match[1]) in splits:
                numbers = (int(text) for text in match.groups())
                csv = labels / f"{path.stem}.csv"
                items.append(SyntheticRecording(path.stem, format, path, csv, CLASSES, None, *numbers))
        for split in splits:
            if not any(item.split == split for item in items):
                raise layout.lacks(f"{folder.name} has no recording of split {split}")
        layout.present({item.labels_path.name: item.labels_path for item in items}, allow_missing=False)
        super().__init__(sorted(items, key=lambda i: (i.split, i.room, i.overlap, i.number)), transform)
