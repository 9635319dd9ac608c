"""Turning a sound field while it plays: a head that moves, a camera that pans."""

from math import prod
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, is_torch, namespace
from ambikit._checks import check_order, order_of_channels
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.directions import angles_in_radians
from ambikit.geometry.poses import euler_to_quaternion, rotation_to_quaternion
from ambikit.operators.rotation_samples import turn_by_loop, turned_by_formula
from ambikit.stream.motion import Motion, as_numpy, check_finite, check_ramp
from ambikit.stream.processor import Form
from ambikit.stream.sampled import Sampled

__all__ = ["FieldTurn", "Rotator"]


class FieldTurn:
    """Turns blocks along the motion of a pose, every sample by its own."""

    def __init__(self, order: int, items: int) -> None:
        self.order = check_order(order)
        self._each, self._same = np.arange(items), np.zeros(items, np.int64)

    def loop(self, sound: np.ndarray, track: np.ndarray, when: np.ndarray, out: np.ndarray) -> None:
        """Turn ``(items, channels, time)`` into ``out``."""
        turn_by_loop(sound, self._each, track, self._same, when, self.order, False, out)

    def formula(self, block: Array, track: np.ndarray, when: np.ndarray) -> Array:
        """The same for any array, in steps that keep gradients."""
        poses: Any = track[0]
        where: Any = when
        if is_torch(block):
            xp = namespace(block)
            poses, where = xp.tensor(poses, device=block.device), xp.tensor(where, device=block.device)
        return turned_by_formula(block, poses, where, tuple(block.shape[:-2]), self.order)


class Rotator(Sampled):
    """Turn a sound field block by block by a pose that may change at any time: see :func:`ambikit.rotate_track`.

    A new pose is reached along the shortest turn at constant speed, and every sample on the way has a pose of its own:
    nothing clicks, and no source goes through the middle of the head.

    Parameters
    ----------
    sample_rate
        In Hz.
    yaw, pitch, roll, rotation, degrees
        The pose to begin at: one, as in :func:`ambikit.rotate`.
    ramp
        Seconds that a change of the pose takes; None for as long as the next block is. Shorter follows a head closer,
        longer smooths the steps of a slow tracker: about the time between two of its poses is best.
    inverse
        Whether to turn against the poses, so that sources stay where they are while a head with headphones moves.

    Raises
    ------
    AmbikitError
        If a parameter is out of its range, or there are angles and a rotation.
    ShapeError
        If there is more than one pose.

    See Also
    --------
    ambikit.rotate_track : all poses known beforehand.

    Notes
    -----
    A NaN does not leave its sample and its degree. One pose turns all batch axes alike. Poses are numbers, without
    gradients, also for tensors.

    Examples
    --------
    A source in front, turned to the left by 90 degrees within two samples:

    >>> import numpy as np
    >>> front = np.array([[1.0], [0.0], [0.0], [1.0]]) * np.ones(3)
    >>> rotator = Rotator(sample_rate=1, ramp=2)
    >>> rotator.process(front)[[3, 1]].tolist()
    [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]
    >>> rotator.set_pose(yaw=90, degrees=True)
    >>> rotator.process(front)[[3, 1]].round(3).tolist()
    [[1.0, 0.707, 0.0], [0.0, 0.707, 1.0]]
    """

    def __init__(
        self,
        sample_rate: float,
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
        *,
        rotation: Any = None,
        ramp: float | None = 0.02,
        inverse: bool = False,
        degrees: bool = False,
    ) -> None:
        self._inverse, self._ramp = inverse, check_ramp(ramp)
        self._motion = Motion(sample_rate, self._quaternion(yaw, pitch, roll, rotation, degrees))

    def set_pose(
        self,
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
        *,
        rotation: Any = None,
        ramp: Any = "default",
        degrees: bool = False,
    ) -> None:
        """Turn to another pose from the next block on; from any thread, and as often as a tracker has one.

        Where poses come faster than blocks, the latest counts; where one comes on the way to another, the way goes on
        from where it is.

        Parameters
        ----------
        yaw, pitch, roll, rotation, degrees
            One pose, as in :func:`ambikit.rotate`.
        ramp
            Seconds that this change takes, None for as long as the next block is; by default as the rotator was made.

        Raises
        ------
        AmbikitError
            If the pose is not finite, or there are angles and a rotation.
        ShapeError
            If there is more than one pose.
        """
        ramp = self._ramp if isinstance(ramp, str) and ramp == "default" else check_ramp(ramp)
        self._motion.ask(self._quaternion(yaw, pitch, roll, rotation, degrees), ramp)

    @property
    def pose(self) -> Float[np.ndarray, "4"]:
        """The pose at the next sample, on the way or not: a unit quaternion (x, y, z, w)."""
        return self._against(self._motion.pose)

    def reset(self) -> None:
        """Forget the sound; the next stream begins at the pose that was asked for last."""
        super().reset()
        self._motion.rest()

    def _quaternion(self, yaw: Any, pitch: Any, roll: Any, rotation: Any, degrees: bool) -> np.ndarray:
        if rotation is None:
            quaternion = as_numpy(euler_to_quaternion(*angles_in_radians(yaw, pitch, roll, degrees=degrees)))
        else:
            if any(not isinstance(angle, int | float) or angle != 0 for angle in (yaw, pitch, roll)):
                raise AmbikitError("got both angles and rotation; expected one or the other; compose the poses first")
            quaternion = as_numpy(rotation_to_quaternion(rotation))
        if quaternion.shape != (4,):
            raise ShapeError(
                f"got poses of shape {quaternion.shape[:-1]}; expected one; a track that is known beforehand is "
                "ambikit.rotate_track"
            )
        return self._against(check_finite(quaternion, "a pose"))

    def _against(self, quaternion: np.ndarray) -> np.ndarray:
        return quaternion * [-1.0, -1.0, -1.0, 1.0] if self._inverse else quaternion

    def _rows(self, channels: int, shape: tuple[int, ...]) -> int:
        order_of_channels(channels, f"{channels} channels of a block of shape {shape}")
        return channels

    def _begin(self, form: Form, like: Array) -> None:
        order = order_of_channels(form.leading[-1], "")
        self._turn = FieldTurn(order, prod(form.leading[:-1]))

    def _loop(self, sound: np.ndarray, out: np.ndarray) -> None:
        self._turn.loop(sound, *self._motion.advance(sound.shape[-1]), out)

    def _formula(self, block: Array) -> Array:
        return self._turn.formula(block, *self._motion.advance(block.shape[-1]))
