"""What is read from the two files of a clip, at a moment of it, and kept in memory as long as there is room."""

import warnings
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8

from ambikit.errors import FileError
from ambikit_models.datasets.cache import ByteCache
from ambikit_models.media import media_duration, read_frames, read_sound
from ambikit_models.sound import SoundFeatures

__all__ = ["ClipFiles", "ClipReader", "Draw"]

#: seconds; of longer sound only stretches are read
_LONG = 60.0

#: Which moment of a clip: a whole number is drawn from; another number is the moment itself, from 0 to 1.
Draw = int | float


@dataclass(frozen=True)
class ClipFiles:
    """One clip: its name, the video it was cut from, and its two files."""

    name: str
    video: str
    pictures: Path
    sound: Path


class ClipReader:
    """Pictures and prepared sound of clips at their moments; the parameters are those of :class:`PairedClips`."""

    def __init__(
        self,
        clips: Sequence[ClipFiles],
        sound: SoundFeatures,
        *,
        frames: int,
        frame_rate: float,
        sound_duration: float,
        moments: int,
        seed: int,
        source: Any,
        channel_map: Any,
        cache_bytes: int,
    ) -> None:
        self.clips, self.sound = clips, sound
        self.frames, self.frame_rate, self.sound_duration = frames, frame_rate, sound_duration
        self.moments, self.seed, self.source, self.channel_map = moments, seed, source, channel_map
        self.cache = ByteCache(cache_bytes)
        self._durations: dict[int, float] = {}
        self._warned: set[str] = set()

    def of(self, clips: Sequence[ClipFiles]) -> "ClipReader":
        """A reader of other clips with the same settings, and memory of its own."""
        other = copy(self)
        other.clips, other.cache, other._durations, other._warned = clips, ByteCache(self.cache.budget), {}, set()
        return other

    def lasting(self, index: int) -> float:
        """The seconds that both files of a clip last, however short."""
        if index not in self._durations:
            clip = self.clips[index]
            self._durations[index] = min(media_duration(clip.pictures), media_duration(clip.sound))
        return self._durations[index]

    def duration(self, index: int) -> float:
        """The seconds that both files of a clip last: as long as the sound of a moment, or longer."""
        seconds = self.lasting(index)
        if seconds < self.sound_duration:
            name = self.clips[index].name
            raise FileError(f"got {seconds:.3f} s of {name}; expected at least {self.sound_duration} s")
        return seconds

    def moment(self, index: int, draw: Draw) -> tuple[Draw, float, float]:
        """A name for a moment of a clip, where its sound begins, and where its pictures begin, in seconds."""
        around = max(0.0, self.sound_duration - self.frames / self.frame_rate)
        if isinstance(draw, float):
            sound = draw * (self.duration(index) - self.sound_duration)
            return draw, sound, sound + 0.5 * around
        which = int(np.random.default_rng((self.seed, index, draw)).integers(self.moments))
        within, before = np.random.default_rng((self.seed, index, which, 0)).uniform(0.0, 1.0, 2)
        sound = (which + within) / self.moments * (self.duration(index) - self.sound_duration)
        return which, sound, sound + before * around

    def pictures(self, index: int, draw: Draw) -> UInt8[np.ndarray, "frames height width 3"]:
        """The pictures of a moment."""
        which, _, start = self.moment(index, draw)
        times = start + np.arange(self.frames) / self.frame_rate
        return self.cache.get(("pictures", index, which), lambda: self.frames_at(index, times))

    def frames_at(self, index: int, times: Float[np.ndarray, "n"]) -> UInt8[np.ndarray, "n height width 3"]:
        """The pictures of a clip at some times, in seconds."""
        return read_frames(self.clips[index].pictures, times)

    def prepared(self, index: int, draw: Draw) -> Float[torch.Tensor, "channels ..."]:
        """The sound of a moment, prepared for its features."""
        which, start, _ = self.moment(index, draw)
        return self.cache.get(("prepared", index, which), lambda: self.sound.prepare(self._scene(index, start)))

    def excerpt(self, index: int, draw: Draw) -> Float[torch.Tensor, "4 time"]:
        """The sound of a moment as it is."""
        which, start, _ = self.moment(index, draw)
        return self.cache.get(("excerpt", index, which), lambda: self._scene(index, start))

    def _scene(self, index: int, start: float) -> Float[torch.Tensor, "4 time"]:
        return self.cut(index, start)

    def cut(self, index: int, start: float) -> Float[torch.Tensor, "channels time"]:
        """As much sound as belongs to a moment, from a second on; of higher order the first four channels."""
        if self.duration(index) > _LONG:
            return torch.from_numpy(self.signal(index, start, self.sound_duration)[:4])
        signal = self.whole(index)
        begin, samples = round(start * self.sound.sample_rate), round(self.sound_duration * self.sound.sample_rate)
        cut = signal[:4, begin : begin + samples]
        return torch.from_numpy(np.pad(cut, ((0, 0), (0, samples - cut.shape[-1]))))  # lossy codecs may end early

    def whole(self, index: int) -> Float[np.ndarray, "channels time"]:
        """The whole sound of a clip."""
        return self.cache.get(("sound", index), lambda: self.signal(index))

    def signal(
        self, index: int, start: float = 0.0, duration: float | None = None
    ) -> Float[np.ndarray, "channels time"]:
        """The sound of a clip, or a stretch of it."""
        clip = self.clips[index]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            signal, _ = read_sound(
                clip.sound,
                start,
                duration,
                sample_rate=self.sound.sample_rate,
                source=self.source,
                channel_map=self.channel_map,
            )
        for text in (str(warning.message).replace(str(clip.sound), "the sound") for warning in caught):
            if text not in self._warned:  # what holds for thousands of files is said once
                self._warned.add(text)
                warnings.warn(f"{clip.name}: {text}", UserWarning, stacklevel=2)
        if len(signal) < 4:
            raise FileError(f"got {len(signal)} channels in {clip.sound}; expected first-order sound, 4 or more")
        return signal
