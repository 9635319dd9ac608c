"""Turning each sample of a signal by a pose of its own, at every order, without a matrix per sample.

A turn is Rz(α) Ry(β) Rz(γ), and a quarter turn about x makes Ry an Rz. So three turns about z, which mix the channels m
and −m alone, and two constant matrices act on the signal itself.
"""

import numpy as np
from jaxtyping import Float

from ambikit._arrays import (
    Array,
    cached_design,
    constant_like,
    empty_like_signal,
    is_torch,
    kernel_view,
    namespace,
)
from ambikit.geometry.poses import slerp
from ambikit.operators.channel_axis import entry_of_each
from ambikit.operators.rotation_blocks import rotation_blocks

__all__ = ["stacked_quarter_turns", "turn_samples", "turned_by_formula"]

# A quarter turn about x: what was on the left is above.
_QUARTER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def turn_samples(
    signal: Float[Array, "*#batch channels time"],
    poses: Float[Array, "*#batch poses 4"],
    position: Float[Array, "time"] | None,
    batch: tuple[int, ...],
    order: int,
) -> Float[Array, "*batch channels time"]:
    """Turn each sample by the pose that lies at its ``position`` in a track of unit quaternions.

    Positions are in [0, poses − 1] and float64; without them there is one pose per sample. ``batch`` is the common
    shape of the axes of signal and poses that come first.

    Examples
    --------
    A source in front, turned by a quarter about z at its second sample:

    >>> front = np.array([[1.0], [0.0], [0.0], [1.0]]) * np.ones(2)
    >>> turn_samples(front, np.array([[0, 0, 0, 1.0], [0, 0, 0.5**0.5, 0.5**0.5]]), None, (), 1)[:2].round(9).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    turned = _turned_by_loop(signal, poses, position, batch, order)
    if turned is None:
        turned = turned_by_formula(signal, poses, position, batch, order)
    return turned


def turned_by_formula(signal: Array, poses: Array, position: Array | None, batch: tuple[int, ...], order: int) -> Array:
    """The same in steps that keep gradients."""
    return _turned(signal, constant_like(_pose_of_each_sample(poses, position), signal), batch, order)


def _turned_by_loop(
    signal: Array, poses: Array, position: Array | None, batch: tuple[int, ...], order: int
) -> Array | None:
    """The same by the compiled loop, where memory and gradients allow it; else None."""
    position = np.arange(float(signal.shape[-1])) if position is None and not is_torch(poses) else position
    if position is None:
        position = namespace(poses).arange(signal.shape[-1], dtype=namespace(poses).float64, device=poses.device)
    views = [kernel_view(x) for x in (signal, poses, position)]
    if any(view is None for view in views) or 0 in batch:
        return None
    from ambikit.kernels.rotation_track import turn_along_track

    sound, track, place = views
    result = empty_like_signal((*batch, *signal.shape[-2:]), signal)
    out = result.numpy() if is_torch(result) else result
    turn_along_track(
        sound.reshape(-1, *sound.shape[-2:]),
        entry_of_each(sound.shape[:-2], batch),
        track.reshape(-1, *track.shape[-2:]),
        entry_of_each(track.shape[:-2], batch),
        place,
        stacked_quarter_turns(order).astype(sound.dtype),
        out.reshape(-1, *out.shape[-2:]),
    )
    return result


def _pose_of_each_sample(poses: Array, position: Array | None) -> Array:
    """Slerp the track at every sample: ``(..., time, 4)``."""
    if position is None:
        return poses
    xp = namespace(poses)
    last = poses.shape[-2] - 1
    left = xp.floor(position)
    # As whole numbers they are within the track, even where times that nobody has looked at were NaN.
    left = xp.clip(left.long() if is_torch(left) else left.astype(np.int64), 0, max(last - 1, 0))
    fraction = constant_like(position - left, poses)
    right = xp.clip(left + 1, 0, last)
    return slerp(poses[..., left, :], poses[..., right, :], fraction)


def _turned(signal: Array, pose: Array, batch: tuple[int, ...], order: int) -> Array:
    """Turn every sample by its quaternion ``(..., time, 4)``, in steps that keep gradients."""
    xp = namespace(signal, pose)
    x, y, z, w = (pose[..., i] for i in range(4))
    degrees = [xp.broadcast_to(signal[..., :1, :], (*batch, 1, signal.shape[-1]))]
    if order > 0:
        degrees.append(_turned_vector(signal[..., 1:4, :], x, y, z, w))
    if order > 1:
        # α and γ are not defined where β is 0 or π, though the rotation is; there, after another quarter turn about x,
        # which is undone below, they are. So the gradients are right everywhere.
        level = x * x + y * y
        tilted = xp.abs(level - 0.5) > xp.abs(x * w - y * z)
        root = 0.5**0.5
        factors = _turns_about_z(
            xp.where(tilted, root * (x + w), x),
            xp.where(tilted, root * (y - z), y),
            xp.where(tilted, root * (z + y), z),
            xp.where(tilted, root * (w - x), w),
            order,
        )
        for n in range(2, order + 1):
            quarter = constant_like(_quarter_turns(order)[n], signal)
            alpha, beta, gamma = (
                tuple(part[..., order - n : order + n + 1, :] for part in factor) for factor in factors
            )
            part = quarter @ _about_z(signal[..., n * n : (n + 1) ** 2, :], *gamma)
            part = quarter.T @ _about_z(part, *beta)
            part = _about_z(part, *alpha)
            degrees.append(xp.where(tilted[..., None, :], quarter.T @ part, part))
    return xp.concatenate(degrees, -2)


def _turned_vector(vector: Array, x: Array, y: Array, z: Array, w: Array) -> Array:
    """Degree 1, channels (Y, Z, X), turned by quaternions: v + 2 w u × v + 2 u × (u × v) with u = (x, y, z)."""
    xp = namespace(vector, x)
    vy, vz, vx = (vector[..., i, :] for i in range(3))
    tx, ty, tz = 2 * (y * vz - z * vy), 2 * (z * vx - x * vz), 2 * (x * vy - y * vx)
    return xp.stack(
        [vy + w * ty + (z * tx - x * tz), vz + w * tz + (x * ty - y * tx), vx + w * tx + (y * tz - z * ty)], -2
    )


def _turns_about_z(x: Array, y: Array, z: Array, w: Array, order: int) -> list[tuple[Array, Array]]:
    """For α, β and γ of Rz(α) Ry(β) Rz(γ): cos mφ and −sin mφ for m = −order … order, ``(..., 2 order + 1, time)``.

    By algebra alone: w + i z = cos(β/2) exp(i (α + γ)/2) and y − i x = sin(β/2) exp(i (α − γ)/2).
    """
    xp = namespace(x)
    rise, level = w * w + z * z, x * x + y * y
    both = xp.sqrt(rise * level)
    length = rise + level
    results = []
    for cosine, sine in (
        ((w * y + z * x) / both, (z * y - w * x) / both),
        ((rise - level) / length, 2 * both / length),
        ((w * y - z * x) / both, (z * y + w * x) / both),
    ):
        cosines, sines = [xp.ones_like(x)], [xp.zeros_like(x)]
        for _ in range(order):
            c, s = cosines[-1], sines[-1]
            cosines, sines = [*cosines, c * cosine - s * sine], [*sines, s * cosine + c * sine]
        negative = [-s for s in sines[1:]]
        results.append((xp.stack([*cosines[:0:-1], *cosines], -2), xp.stack([*sines[:0:-1], sines[0], *negative], -2)))
    return results


def _about_z(part: Array, cosines: Array, sines: Array) -> Array:
    """Turn one degree about z: the channels m and −m turn like a clock hand, |m| times as fast."""
    return cosines * part + sines * namespace(part).flip(part, (-2,))


@cached_design
def _quarter_turns(order: int) -> list[np.ndarray]:
    """The blocks of a quarter turn about x; half of their entries are 0, exactly."""
    return [np.where(np.abs(block) < 1e-14, 0.0, block) for block in rotation_blocks(_QUARTER, order)]


@cached_design
def stacked_quarter_turns(order: int) -> np.ndarray:
    """The same blocks in one array ``(order + 1, 2 order + 1, 2 order + 1)``, each in its first rows and columns."""
    stacked = np.zeros((order + 1, 2 * order + 1, 2 * order + 1))
    for n, block in enumerate(_quarter_turns(order)):
        stacked[n, : 2 * n + 1, : 2 * n + 1] = block
    return stacked
