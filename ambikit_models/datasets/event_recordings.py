"""A recording with its events in time and direction: what the data sets of the DCASE challenges share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from ambikit.errors import AmbikitError
from ambikit_models.media import read_frames, read_sound
from ambikit_models.seld.labels import Events, read_events

__all__ = ["FORMATS", "EventRecording"]

#: First-order Ambisonics, and the four microphones of a tetrahedron.
FORMATS = ("foa", "mic")


@dataclass(frozen=True)
class EventRecording:
    """The files of one recording."""

    name: str
    format: str
    """``"foa"`` or ``"mic"``."""
    sound_path: Path
    labels_path: Path
    classes: tuple[str, ...]
    """Names of the classes in the order of their numbers."""
    video_path: Path | None = None
    """The 360° video that belongs to the sound, where there is one."""

    def sound(
        self, start_seconds: float = 0.0, duration_seconds: float | None = None, *, sample_rate: float | None = None
    ) -> tuple[Float32[np.ndarray, "4 time"], float]:
        """Read a stretch, by default all of it, and its sample rate in Hz.

        Returns AmbiX W, Y, Z, X of ``"foa"``, and of ``"mic"`` the four microphones as they are stored.
        """
        channels = "auto" if self.format == "foa" else None
        return read_sound(
            self.sound_path, start_seconds, duration_seconds, sample_rate=sample_rate, channel_map=channels
        )

    def events(self) -> Events:
        """Read what sounds when and where, in radians and metres and label frames of 100 ms."""
        return read_events(self.labels_path, classes=self.classes)

    def frames(self, times_seconds: Any) -> UInt8[np.ndarray, "n height width 3"]:
        """Read the equirectangular pictures shown at some times: see :func:`ambikit_models.media.read_frames`."""
        if self.video_path is None:
            raise AmbikitError(
                f"got the recording {self.name}, which has no video; expected one that has; ask for videos=True where "
                "the data set has them"
            )
        return read_frames(self.video_path, times_seconds)
