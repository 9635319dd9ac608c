"""Sounding objects of recorded clips: faces that a detector found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ambikit.errors import AmbikitError
from ambikit_models.datasets.sounding_faces import FaceTrack, follows_sound
from ambikit_models.datasets.squares import squared
from ambikit_models.datasets.stereo_clips import StereoClip
from ambikit_models.downstream.probing.examples import Inputs, read_each
from ambikit_models.downstream.probing.guides import features_of_ears
from ambikit_models.downstream.tracking.tracked_objects import Mirrored
from ambikit_models.sound import SoundFeatures

__all__ = ["FilmedTracks"]


@dataclass(frozen=True)
class _Moment:
    clip: int
    time: float
    others: np.ndarray


class FilmedTracks(Mirrored):
    """Faces of recorded clips, as a detector found them: see :mod:`ambikit_models.datasets.sounding_faces`.

    Parameters
    ----------
    clips, tracks
        The clips, and the face of each at some times.
    sound
        What is heard.
    size
        Of the pictures, which are scaled to squares as a whole.
    seconds
        Of sound, with the face in the middle.
    apart
        Least time between the face and the picture that is shown, in seconds.
    shift, correlation
        From where on a clip is of the moving ones.
    """

    def __init__(
        self,
        clips: Sequence[StereoClip],
        tracks: Sequence[FaceTrack],
        sound: SoundFeatures,
        *,
        size: int = 256,
        seconds: float = 1.0,
        apart: float = 2.0,
        shift: float = 0.2,
        correlation: float = 0.5,
    ):
        self.clips, self.sound, self.size, self.seconds = list(clips), sound, size, seconds
        self.examples: list[_Moment] = []
        boxes, moving = [], []
        for number, (clip, track) in enumerate(zip(clips, tracks, strict=True)):
            rule = {"shift": shift, "correlation": correlation, "window_seconds": seconds}
            goes = follows_sound(track, clip, **rule)
            for row in np.flatnonzero(track.found):
                others = track.times_seconds[np.abs(track.times_seconds - track.times_seconds[row]) >= apart]
                if len(others):
                    self.examples.append(_Moment(number, float(track.times_seconds[row]), others))
                    boxes.append([track.x[row], track.y[row], track.width[row], track.height[row]])
                    moving.append(goes)
        if not boxes:
            raise AmbikitError(
                f"got {len(self.clips)} clips without a face that has a picture {apart} s before or after it; expected "
                "one or more; lower apart, or the score that the detector must reach"
            )
        self.targets = torch.tensor(np.array(boxes), dtype=torch.float32)[:, None]
        self.groups = np.array([self.clips[example.clip].files.video for example in self.examples])
        self.moving = np.array(moving)

    def __len__(self) -> int:
        return len(self.examples)

    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        """Read files, several side by side; the picture is the farthest, or with a generator any."""
        pairs = read_each(self._read, np.asarray(rows), generator)
        video, signals = (torch.stack(side) for side in zip(*pairs, strict=True))
        return Inputs(video[:, None], features_of_ears(self.sound, signals)[:, None])

    def _read(self, row: int, generator: np.random.Generator | None) -> tuple[Any, Any]:
        moment = self.examples[row]
        clip = self.clips[moment.clip]
        farthest = moment.others[np.abs(moment.others - moment.time).argmax()]
        shown = farthest if generator is None else generator.choice(moment.others)
        picture = squared(clip.frames([shown]), self.size)
        begin = moment.time - self.seconds / 2
        heard, rate = clip.sound(max(begin, 0.0), self.seconds + min(begin, 0.0), sample_rate=self.sound.sample_rate)
        signal = np.zeros((2, round(self.seconds * rate)), np.float32)
        first = round(max(-begin, 0.0) * rate)  # a face at the very start has silence before it
        heard = heard[:, : signal.shape[1] - first]
        signal[:, first : first + heard.shape[1]] = heard
        return picture.transpose(0, 1), torch.from_numpy(signal)
