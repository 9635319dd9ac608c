"""What is read from the two files of a clip with two channels, at a moment of it."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8

from ambikit_models.datasets.clip_reader import ClipReader
from ambikit_models.datasets.stereo_clips import read_left_and_right
from ambikit_models.sound.stereo_scene import stereo_as_scene

__all__ = ["StereoReader"]

#: seconds before the end of the shorter file at which its last picture is surely on the screen
_LAST = 0.04


class StereoReader(ClipReader):
    """Pictures, and the left and the right channel, of clips at their moments.

    :meth:`cut` gives the two channels; to features they come as the scene that they are the stereo decode of.

    Parameters
    ----------
    *clips_and_sound, **settings
        As in :class:`ClipReader`.
    short
        Read clips that last less than the sound of a moment, too: they end in silence, and on their last picture.
    """

    def __init__(self, *clips_and_sound: Any, short: bool = False, **settings: Any) -> None:
        super().__init__(*clips_and_sound, **settings)
        self.short = short

    def duration(self, index: int) -> float:
        """The seconds that both files of a clip last, or are taken to."""
        return max(self.lasting(index), self.sound_duration) if self.short else super().duration(index)

    def frames_at(self, index: int, times: Float[np.ndarray, "n"]) -> UInt8[np.ndarray, "n height width 3"]:
        """The pictures of a clip at some times, in seconds; of a short one the last where they lie behind its end."""
        if self.short:
            times = np.minimum(times, max(0.0, self.lasting(index) - _LAST))
        return super().frames_at(index, times)

    def signal(self, index: int, start: float = 0.0, duration: float | None = None) -> Float[np.ndarray, "2 time"]:
        """The two channels of a clip, or a stretch of them."""
        sound = self.clips[index].sound
        return read_left_and_right(sound, start, duration, sample_rate=self.sound.sample_rate)[0]

    def _scene(self, index: int, start: float) -> Float[torch.Tensor, "4 time"]:
        return stereo_as_scene(self.cut(index, start), self.sound.pattern)
