"""A video with the sound of two ears or microphones: what data sets of ordinary pictures share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float32, UInt8

from ambikit.errors import FileError
from ambikit_models.datasets.clip_reader import ClipFiles
from ambikit_models.datasets.listing import Layout
from ambikit_models.media import read_frames, read_sound

__all__ = ["StereoClip", "read_left_and_right", "whole_clips"]


@dataclass(frozen=True)
class StereoClip:
    """The two files of one clip."""

    name: str
    sound_path: Path
    video_path: Path

    def sound(
        self, start_seconds: float = 0.0, duration_seconds: float | None = None, *, sample_rate: float | None = None
    ) -> tuple[Float32[np.ndarray, "2 time"], float]:
        """Read a stretch of the left and the right channel, by default all of it, and the sample rate in Hz."""
        return read_left_and_right(self.sound_path, start_seconds, duration_seconds, sample_rate=sample_rate)

    def frames(self, times_seconds: Any) -> UInt8[np.ndarray, "n height width 3"]:
        """Read the pictures that are on the screen at some times: see :func:`ambikit_models.media.read_frames`."""
        return read_frames(self.video_path, times_seconds)

    @property
    def files(self) -> ClipFiles:
        """The two files, and the video that they were cut from where the data set says it; else the clip itself."""
        return ClipFiles(self.name, getattr(self, "video", self.name), self.video_path, self.sound_path)


def read_left_and_right(
    path: Path, start: float = 0.0, duration: float | None = None, *, sample_rate: float | None = None
) -> tuple[Float32[np.ndarray, "2 time"], float]:
    """Read a stretch of a file of two channels: see :func:`ambikit_models.media.read_sound`."""
    signal, rate = read_sound(path, start, duration, sample_rate=sample_rate, channel_map=None)
    if len(signal) != 2:
        raise FileError(f"got {path} with {len(signal)} channels; expected 2, left and right; restore the file")
    return signal, rate


Clip = TypeVar("Clip", bound=StereoClip)


def whole_clips(layout: Layout, clips: Sequence[Clip], allow_missing: bool) -> tuple[list[Clip], list[str]]:
    """The clips both of whose files are there, and the files that are not.

    Raises
    ------
    MissingDatasetError
        If a file is not there, unless it is allowed; if none is there, in any case.
    """
    files = {str(file): file for clip in clips for file in (clip.sound_path, clip.video_path)}
    present = set(layout.present(files, allow_missing))
    whole = [clip for clip in clips if {str(clip.sound_path), str(clip.video_path)} <= present]
    return whole, [name for name in files if name not in present]
