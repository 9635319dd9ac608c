"""A pose that moves while sound plays: where it is at each sample, and where it goes."""

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import is_torch
from ambikit._checks import check_sample_rate
from ambikit.errors import AmbikitError
from ambikit.geometry.poses import slerp

__all__ = ["Motion", "as_numpy", "check_finite", "check_ramp"]


class Motion:
    """The way from the pose where one is to the one that was asked for last, at constant speed.

    Poses may be asked for at any time and from any thread; the latest counts, from the next block on. The first block
    begins at the pose that was asked for before it.

    Parameters
    ----------
    sample_rate
        In Hz.
    pose
        Unit quaternion (x, y, z, w) to begin at.
    approach
        Makes the pose to go to of the one where one is and of what was asked for.
    """

    def __init__(
        self,
        sample_rate: float,
        pose: Float[np.ndarray, "4"],
        approach: Callable[[np.ndarray, Any], np.ndarray] = lambda current, asked: asked,
    ) -> None:
        self._rate = check_sample_rate(sample_rate)
        self._approach = approach
        self._asked: deque[tuple[Any, float | None]] = deque(maxlen=1)
        self.track = np.array([[pose, pose]], np.float64)
        self._done = self._length = 0
        self._started = self.moving = False

    def ask(self, target: Any, ramp: float | None) -> None:
        """Ask to be at a target ``ramp`` seconds after the next block begins, or at its end (None)."""
        self._asked.append((target, ramp))

    def rest(self) -> None:
        """Be where one was to go, as another stream begins."""
        self._done, self._started = self._length, False

    @property
    def pose(self) -> np.ndarray:
        """Where one is, at the first sample of the next block."""
        start, end = self.track[0]
        if self._done >= self._length:
            return end
        return slerp(start, end, np.array(self._done / self._length))

    def advance(self, samples: int) -> tuple[Float[np.ndarray, "1 2 4"], Float[np.ndarray, "2"]]:
        """Go on by some samples: the two poses of the way, and the samples, from the first one on, at which they are.

        ``moving`` says afterwards whether that changes from sample to sample.
        """
        if samples and self._asked:
            target, ramp = self._asked.pop()
            pose = self.pose
            self.track = np.array([[pose, self._approach(pose, target)]], np.float64)
            self._done = 0
            self._length = 0 if not self._started else samples if ramp is None else round(ramp * self._rate)
            if self._length == 0:
                self.track[0, 0] = self.track[0, 1]
        self._started = self._started or samples > 0
        self.moving = self._done < self._length
        if not self.moving:
            return self.track, np.array([-2.0, -1.0])
        when = np.array([-self._done, self._length - self._done], np.float64)
        self._done += samples
        return self.track, when


def check_ramp(ramp: Any) -> float | None:
    """Check the seconds that a motion takes, None for a block."""
    if ramp is None:
        return None
    if not isinstance(ramp, int | float | np.number) or not 0 <= ramp < float("inf"):
        raise AmbikitError(f"got ramp={ramp!r}; expected seconds, 0 or more, or None for the length of the next block")
    return float(ramp)


def check_finite(values: np.ndarray, name: str) -> np.ndarray:
    """Refuse what a tracker says when it has lost its head: every later pose would begin there."""
    if not np.isfinite(values).all():
        raise AmbikitError(
            f"got {name} that is not finite; expected a direction; leave the last one while none is known"
        )
    return values


def as_numpy(x: Any) -> np.ndarray:
    """The numbers of a pose, which are few, in double precision on the CPU."""
    return np.asarray(x.detach().cpu() if is_torch(x) else x, dtype=np.float64)
