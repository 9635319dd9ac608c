"""A beam that is steered while sound plays."""

from math import prod
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, constant_like
from ambikit._checks import check_order
from ambikit.errors import ShapeError
from ambikit.geometry.directions import angles_to_vectors, vectors_to_angles
from ambikit.geometry.harmonics import spherical_harmonics
from ambikit.operators.beamforming import degree_weights, steered_weights
from ambikit.stream.motion import Motion, as_numpy, check_finite, check_ramp
from ambikit.stream.processor import Form, check_channels
from ambikit.stream.rotation import FieldTurn
from ambikit.stream.sampled import Sampled

__all__ = ["Beamformer"]


class Beamformer(Sampled):
    """Listen block by block in a direction that may change at any time: see :func:`ambikit.beamform`.

    A new direction is reached along the great circle at constant speed; every sample has a direction of its own.

    Parameters
    ----------
    sample_rate
        In Hz.
    azimuth, elevation, degrees
        The direction to begin at: one, as in :func:`ambikit.beamform`.
    pattern
        Name of a pattern of :func:`ambikit.beam_weights`, or ``order + 1`` weights of the degrees.
    order
        Ambisonic order of the blocks, and of the beam.
    ramp
        Seconds that a change of the direction takes; None for as long as the next block is.

    Raises
    ------
    AmbikitError
        If the pattern is unknown or does not exist at that order, or a parameter is out of its range.
    ShapeError
        If there is more than one direction, or not one weight per degree.

    Notes
    -----
    The result has one row, ``(..., 1, time)``. Between opposite directions the way goes over the horizon, turning to
    the left; over the top, it goes any way. A sample that is not finite makes no other one so.

    Examples
    --------
    A beam that turns from the front to a source on the left within two samples:

    >>> left = np.array([[1.0], [1.0], [0.0], [0.0]]) * np.ones(3)
    >>> beam = Beamformer(1, 0, 0, ramp=2)
    >>> beam.process(left).tolist()
    [[0.25, 0.25, 0.25]]
    >>> beam.steer(90, 0, degrees=True)
    >>> beam.process(left).round(3).tolist()
    [[0.25, 0.78, 1.0]]
    """

    def __init__(
        self,
        sample_rate: float,
        azimuth: float,
        elevation: float,
        pattern: Any = "hypercardioid",
        *,
        order: int = 1,
        ramp: float | None = 0.02,
        degrees: bool = False,
    ) -> None:
        self._order, self._ramp = check_order(order, minimum=0), check_ramp(ramp)
        weights = np.asarray(degree_weights(pattern, self._order))
        if weights.ndim != 1:
            raise ShapeError(
                f"got a pattern of weights of shape {weights.shape}; expected one per degree; give one beam"
            )
        self._pattern = weights
        vector = _direction(azimuth, elevation, degrees)
        self._front = self._gains_towards(np.array([1.0, 0.0, 0.0]))
        self._resting = self._gains_towards(vector)
        # the pose of the field that brings the direction of the beam to the front
        self._motion = Motion(sample_rate, _shortest_turn(vector, np.array([1.0, 0.0, 0.0])), self._approach)

    def steer(self, azimuth: float, elevation: float, *, ramp: Any = "default", degrees: bool = False) -> None:
        """Turn to another direction from the next block on; from any thread.

        Parameters
        ----------
        azimuth, elevation, degrees
            One direction, as in :func:`ambikit.beamform`.
        ramp
            Seconds that this change takes, None for as long as the next block is; by default as the beam was made.

        Raises
        ------
        AmbikitError
            If the direction is not finite.
        ShapeError
            If there is more than one.
        """
        ramp = self._ramp if isinstance(ramp, str) and ramp == "default" else check_ramp(ramp)
        vector = _direction(azimuth, elevation, degrees)
        self._motion.ask((vector, self._gains_towards(vector)), ramp)

    @property
    def direction(self) -> tuple[float, float]:
        """Azimuth and elevation of the beam at the next sample, on the way or not, in radians."""
        azimuth, elevation = vectors_to_angles(_axis(self._motion.pose))
        return float(azimuth), float(elevation)

    def reset(self) -> None:
        """Forget the sound; the next stream begins at the direction that was asked for last."""
        super().reset()
        self._motion.rest()

    def _gains_towards(self, vector: np.ndarray) -> np.ndarray:
        return steered_weights(self._pattern, spherical_harmonics(*vectors_to_angles(vector), self._order))

    def _approach(self, pose: np.ndarray, asked: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        vector, self._resting = asked
        return _product(pose, _shortest_turn(vector, _axis(pose)))

    def _rows(self, channels: int, shape: tuple[int, ...]) -> int:
        check_channels(channels, self._order, shape)
        return 1

    def _begin(self, form: Form, like: Array) -> None:
        items = prod(form.leading[:-1])
        self._turn = FieldTurn(self._order, items)
        self._turned = np.empty(0, str(like.dtype).removeprefix("torch."))

    def _loop(self, sound: np.ndarray, out: np.ndarray) -> None:
        way = self._motion.advance(sound.shape[-1])
        if not self._motion.moving:
            np.matmul(self._resting.astype(sound.dtype)[None], sound, out=out)
            return
        if self._turned.size < sound.size:
            self._turned = np.empty(sound.size, sound.dtype)
        turned = self._turned[: sound.size].reshape(sound.shape)
        self._turn.loop(sound, *way, turned)
        np.matmul(self._front.astype(sound.dtype)[None], turned, out=out)

    def _formula(self, block: Array) -> Array:
        way = self._motion.advance(block.shape[-1])
        if not self._motion.moving:
            return constant_like(self._resting[None], block) @ block
        return constant_like(self._front[None], block) @ self._turn.formula(block, *way)


def _direction(azimuth: Any, elevation: Any, degrees: bool) -> Float[np.ndarray, "3"]:
    vector = as_numpy(angles_to_vectors(azimuth, elevation, degrees=degrees))
    if vector.shape != (3,):
        raise ShapeError(
            f"got directions of shape {vector.shape[:-1]}; expected one; several beams are several processors"
        )
    return check_finite(vector, "a direction")


def _axis(pose: np.ndarray) -> np.ndarray:
    """The direction that a pose brings to the front."""
    x, y, z, w = pose
    return np.array([w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)])


def _shortest_turn(start: np.ndarray, end: np.ndarray) -> Float[np.ndarray, "4"]:
    """The quaternion of the smallest rotation from one unit vector to another."""
    axis, cosine = np.cross(start, end), 1 + start @ end
    if cosine < 1e-12:  # opposite: any axis across will do; about the vertical, the way stays on the horizon
        up = np.array([0.0, 0.0, 1.0]) if abs(start[2]) < 0.9 else np.array([0.0, 1.0, 0.0])
        axis, cosine = (up @ start) * start - up, 0.0
    turn = np.array([*axis, cosine])
    return turn / np.linalg.norm(turn)


def _product(first: np.ndarray, second: np.ndarray) -> Float[np.ndarray, "4"]:
    """The rotation by ``second``, then by ``first``; of unit length again."""
    (a, b, c, d), (x, y, z, w) = first, second
    product = np.array(
        [
            d * x + a * w + b * z - c * y,
            d * y - a * z + b * w + c * x,
            d * z + a * y - b * x + c * w,
            d * w - a * x - b * y - c * z,
        ]
    )
    return product / np.linalg.norm(product)
