"""Short-time spectra as sound plays: each frame as soon as its last sample has come."""

from abc import abstractmethod
from typing import Any

from jaxtyping import Inexact

from ambikit._arrays import Array, namespace, widen
from ambikit._checks import check_order
from ambikit.analysis.spectra import check_length, spectrum_of_frames
from ambikit.errors import AmbikitError
from ambikit.stream.processor import Form, Formed, joined

__all__ = ["Framed", "Stft"]


class Framed(Formed):
    """A processor that makes frames of samples: as many as are complete with each block, also none."""

    _kept: Any = None

    def __init__(self, frame_length: int, hop_length: int) -> None:
        self.frame_length = check_order(frame_length, minimum=2, name="frame_length")
        self.hop_length = check_order(hop_length, minimum=1, name="hop_length")
        self._right = self.frame_length - self.frame_length // 2

    @property
    def latency(self) -> int:
        """Samples that must have come after the centre of a frame before it is there: half a frame."""
        return self._right

    def process(self, block: Inexact[Array, "..."], *, out: Any = None) -> Inexact[Array, "..."]:
        """Take the next block, and return the frames that are complete with it.

        Parameters
        ----------
        block
            ``(..., channels, time)``, like the blocks before but for its length.
        out
            None: how many frames come is not known beforehand.

        Returns
        -------
        array
            ``(..., frames)``, frames in the order of time, also none of them.

        Raises
        ------
        ShapeError
            If the channels do not fit.
        ArrayTypeError
            If the block holds integers or complex numbers, or its library, dtype or device is not that before.
        """
        if out is not None:
            raise AmbikitError("got out for frames; expected none, as their number varies; leave it out")
        self._fitting_form(block)
        wide, self._half = widen(block)
        self._kept = joined(self._kept, self._taken(wide))
        self._received += block.shape[-1]
        ready = 0
        if self._received >= max(self._right, self.frame_length // 2 + 1):  # the first one is reflected at its left
            ready = (self._received - self._right) // self.hop_length + 1
        return self._frames_until(ready, self._kept)

    def flush(self) -> Inexact[Array, "..."]:
        """End the stream: the frames that reach beyond the end, where the signal is reflected.

        Returns
        -------
        array
            ``(..., frames)``. All frames together are those of the whole signal.

        Raises
        ------
        ShapeError
            If all blocks together are too short to be reflected by half a frame.
        AmbikitError
            If there was no block.
        """
        self._silence(0)
        if self._received <= self._right and self._received > 0:
            check_length(self._kept, self.frame_length)
        after = namespace(self._kept).flip(self._kept[..., -self._right - 1 : -1], (-1,))
        rest = self._frames_until(self._count(self._received), joined(self._kept, after))
        self.reset()
        return rest

    def reset(self) -> None:
        """Forget the sound and the form of its blocks."""
        super().reset()
        self._kept = None

    def _rows(self, channels: int, shape: tuple[int, ...]) -> int:
        return channels

    def _begin(self, form: Form, like: Array) -> None:
        self._kept = self._taken(like[..., :0])
        self._first = self._received = self._next = 0
        xp, shape = namespace(like), (*self._kept.shape[:-1], self.frame_length)
        place = {} if form.device is None else {"device": form.device}
        self._half = None if form.dtype == like.dtype else form.dtype
        self._none = self._picture(xp.zeros(shape, dtype=like.dtype, **place))[..., :0]

    def _frames_until(self, end: int, sound: Array) -> Array:
        """The frames from the next one on, and no longer any samples that later ones do not need."""
        if end <= self._next:
            return self._none
        begin = self._next * self.hop_length - self.frame_length // 2
        if begin < 0:
            sound = joined(namespace(sound).flip(sound[..., 1 : 1 - begin], (-1,)), sound)
        else:
            sound = sound[..., begin - self._first :]
        frames = self._picture(sound[..., : (end - self._next - 1) * self.hop_length + self.frame_length])
        self._next = end
        needed = min(end * self.hop_length - self.frame_length // 2, self._received - self._right - 1)
        if needed > self._first:
            self._kept = self._kept[..., needed - self._first :]
            self._first = needed
        return frames

    # What a kind of frames is made of.

    def _taken(self, block: Array) -> Array:
        """The channels that are needed."""
        return block

    @abstractmethod
    def _count(self, samples: int) -> int:
        """How many frames a whole signal has; 0 for an empty one."""

    @abstractmethod
    def _picture(self, sound: Array) -> Array:
        """All frames that lie within given samples, ``(..., frames)``."""


class Stft(Framed):
    """Which frequencies sound now: the frames of :func:`ambikit.stft` as they become complete.

    Parameters
    ----------
    frame_length, hop_length
        As in :func:`ambikit.stft`.

    Raises
    ------
    AmbikitError
        If one is not a whole number in its range.

    Examples
    --------
    >>> import numpy as np
    >>> spectra = Stft(frame_length=8, hop_length=4)
    >>> [spectra.process(np.ones((1, samples))).shape for samples in (4, 1, 11)], spectra.flush().shape
    ([(1, 5, 0), (1, 5, 1), (1, 5, 3)], (1, 5, 1))
    """

    def __init__(self, *, frame_length: int, hop_length: int) -> None:
        super().__init__(frame_length, hop_length)

    def _count(self, samples: int) -> int:
        return 1 + samples // self.hop_length if samples else 0

    def _picture(self, sound: Array) -> Array:
        return spectrum_of_frames(sound, self.frame_length, self.hop_length).mT
