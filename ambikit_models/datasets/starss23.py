"""STARSS23: real scenes in rooms, with events in time, direction and distance, and 360° video."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ambikit_models.datasets.event_recordings import FORMATS, EventRecording
from ambikit_models.datasets.listing import Layout, Listing, one_of

__all__ = ["CLASSES", "STARSS23", "RealRecording"]

#: The classes in the order of their numbers.
CLASSES = (
    "Female speech",
    "Male speech",
    "Clapping",
    "Telephone",
    "Laughter",
    "Domestic sounds",
    "Footsteps",
    "Door",
    "Music",
    "Musical instrument",
    "Water tap",
    "Bell",
    "Knock",
)

SITES = ("sony", "tau")

_NAME = re.compile(r"fold(\d+)_room(\d+)_mix(\d+)\.wav", re.ASCII)


@dataclass(frozen=True)
class RealRecording(EventRecording):
    """A recording of a scene, and where it was made."""

    site: str = ""
    """``"sony"`` (Tokyo) or ``"tau"`` (Tampere)."""
    fold: int = 0
    """3 for training, 4 for testing."""
    room: int = 0
    mix: int = 0


class STARSS23(Listing[RealRecording]):
    """The development set of STARSS23 [1]_, which is also that of the DCASE challenges 2023 and 2024, task 3.

    ::

        foa_dev/dev-{train,test}-{sony,tau}/fold{3,4}_room{RR}_mix{NNN}.wav    4 channels, AmbiX, 24 kHz
        mic_dev/…                                                              the same through four microphones
        metadata_dev/…/….csv      frame of 100 ms, class, source, azimuth, elevation, distance in centimetres
        video_dev/…/….mp4         equirectangular pictures

    **Recipe.** Get ``foa_dev.zip`` (or ``mic_dev.zip``), ``metadata_dev.zip`` and, if wanted, ``video_dev.zip`` from
    https://zenodo.org/record/7880637, unpack them into one folder, then::

        train = STARSS23("STARSS23", "dev-train")
        signal, sample_rate = train[0].sound(start_seconds=10, duration_seconds=5)
        events = train[0].events()                    # of the whole recording, frames of 100 ms
        pictures = train[0].frames([10.0, 10.1])      # where the videos are there

    The licence is stated with the record: look it up there (STARSS22 has the terms of MIT; that STARSS23 has the same
    is unverified). Class numbers are those of the published labels; the names are the short ones of RealSELD's
    label list.

    Parameters
    ----------
    root
        The folder that holds ``metadata_dev`` and ``foa_dev`` or ``mic_dev``.
    split
        ``"dev-train"`` or ``"dev-test"``, the fixed split of the challenges.
    sites
        Recordings from which places.
    format
        ``"foa"`` or ``"mic"``.
    videos
        True takes the recordings with a video alone; False takes all, with the video where there is one.
    transform
        See :class:`~ambikit_models.datasets.listing.Listing`.

    Raises
    ------
    MissingDatasetError
        If a folder or the labels of a recording are not there, or no recording is.

    References
    ----------
    .. [1] K. Shimada et al., "STARSS23: An Audio-Visual Dataset of Spatial Recordings of Real Scenes with
       Spatiotemporal Annotations of Sound Events", NeurIPS 2023 Datasets and Benchmarks.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "dev-train",
        *,
        sites: Sequence[str] = SITES,
        format: str = "foa",
        videos: bool = False,
        transform: Callable[[RealRecording], Any] | None = None,
    ) -> None:
        one_of("split", split, ("dev-train", "dev-test"))
        one_of("format", format, FORMATS)
        for site in sites:
            one_of("site", site, SITES)
        layout = Layout(
            "STARSS23",
            root,
            f"{format}_dev/{split}-sony/fold3_room21_mix001.wav, …, metadata_dev/{split}-sony/….csv, and for pictures "
            f"video_dev/{split}-sony/….mp4",
            "https://zenodo.org/record/7880637",
        )
        items = []
        for site in sites:
            folder = layout.folder(f"{format}_dev/{split}-{site}")
            labels = layout.folder(f"metadata_dev/{split}-{site}")
            pictures = layout.root / "video_dev" / folder.name
            for path in sorted(folder.iterdir()):
                if match := _NAME.fullmatch(path.name):
                    video = pictures / f"{path.stem}.mp4"
                    numbers = (int(text) for text in match.groups())
                    items.append(
                        RealRecording(
                            path.stem,
                            format,
                            path,
                            labels / f"{path.stem}.csv",
                            CLASSES,
                            video if video.is_file() else None,
                            site,
                            *numbers,
                        )
                    )
        if videos:
            items = [item for item in items if item.video_path is not None]
        if not items:
            raise layout.lacks(f"there is no recording of {split}{' with a video' if videos else ''}")
        layout.present({str(item.labels_path): item.labels_path for item in items}, allow_missing=False)
        super().__init__(items, transform)
