"""Short videos of human actions: what UCF101 and HMDB51 share."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from ambikit.errors import AmbikitError
from ambikit_models.datasets.listing import Layout, Listing, one_of
from ambikit_models.media import VideoFacts, read_frames, video_facts

__all__ = ["ActionVideo", "ActionVideos"]


@dataclass(frozen=True)
class ActionVideo:
    """A video file and the action that it shows."""

    name: str
    action: str
    class_index: int
    """From 0."""
    path: Path
    group: str = ""
    """Videos of one group come from the same source; empty where the data set does not say."""

    def facts(self) -> VideoFacts:
        """Size, frame rate and duration, from the header of the file."""
        return video_facts(self.path)

    def starts_seconds(self, clips: int, *, frames: int = 8, frame_rate: float = 16.0) -> Float[np.ndarray, "clips"]:
        """When ``clips`` clips begin that are spread evenly over the video, from its start to its end.

        One clip lies in the middle. Where the video is shorter than a clip, all begin at 0. The papers' dense
        prediction is the mean over 25 of them.
        """
        if clips < 1:
            raise AmbikitError(f"got clips={clips}; expected at least 1")
        latest = max(self.facts().duration - _length(frames, frame_rate), 0.0)
        return np.linspace(0.0, latest, clips) if clips > 1 else np.array([latest / 2])

    def frames(
        self, start_seconds: float | None = None, *, frames: int = 8, frame_rate: float = 16.0
    ) -> UInt8[np.ndarray, "frames height width 3"]:
        """Read a clip: the pictures on the screen at evenly spaced times, red, green, blue.

        Parameters
        ----------
        start_seconds
            When the clip begins; by default such that it lies in the middle of the video. Where the video ends before
            the clip, its last picture is repeated.
        frames, frame_rate
            How many pictures, and how many of them per second; 8 at 16 per second as in the papers.
        """
        length = _length(frames, frame_rate)
        facts = self.facts()
        start = max(facts.duration - length, 0.0) / 2 if start_seconds is None else start_seconds
        if not 0 <= start <= facts.duration:
            raise AmbikitError(
                f"got start_seconds={start} for {self.path} of {facts.duration:.3f} s; expected a time within the video"
            )
        last = max(facts.duration - (0.5 / facts.frame_rate if facts.frame_rate else 0.0), 0.0)
        return read_frames(self.path, np.minimum(start + np.arange(frames) / frame_rate, last))


class ActionVideos(Listing[ActionVideo]):
    """The videos of one part of one of the three splits of a data set.

    Parameters
    ----------
    root
        The folder of the data set.
    split
        1, 2 or 3; the papers report 1.
    part
        ``"train"`` or ``"test"``.
    transform
        See :class:`~ambikit_models.datasets.listing.Listing`.
    allow_missing
        Go on where videos of the lists are not there; :attr:`missing` names them.

    Attributes
    ----------
    classes
        Names of the actions in the order of their numbers.

    Raises
    ------
    MissingDatasetError
        If a list or a video of a list is not there.
    FileError
        If a list cannot be understood.
    """

    def __init__(
        self,
        root: str | Path,
        split: int = 1,
        part: str = "train",
        *,
        transform: Callable[[ActionVideo], Any] | None = None,
        allow_missing: bool = False,
    ) -> None:
        one_of("split", split, (1, 2, 3))
        one_of("part", part, ("train", "test"))
        layout, self.classes, videos = self._listed(root, split, part)
        present = set(layout.present({name: video.path for name, video in videos.items()}, allow_missing))
        super().__init__(
            [video for name, video in videos.items() if name in present],
            transform,
            [name for name in videos if name not in present],
        )

    @staticmethod
    @abstractmethod
    def _listed(root: str | Path, split: int, part: str) -> tuple[Layout, tuple[str, ...], dict[str, ActionVideo]]:
        """Where the data set lies, the names of its classes, and the videos of its lists by their names there."""


def _length(frames: int, frame_rate: float) -> float:
    if frames < 1 or not frame_rate > 0:
        raise AmbikitError(f"got frames={frames} and frame_rate={frame_rate}; expected at least 1 and a positive rate")
    return frames / frame_rate
