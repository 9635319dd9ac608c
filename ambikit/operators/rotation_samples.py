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
from ambikit.geometry.poses import check_quaternion, rotation_to_quaternion, slerp
from ambikit.operators.channel_axis import entry_of_each, shares_memory
from ambikit.operators.rotation_blocks import rotation_blocks

__all__ = ["rows_of_quarter_turns", "turn_by_loop", "turn_samples", "turned_by_formula"]

# A quarter turn about x: what was on the left is above.
_QUARTER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def turn_samples(
    signal: Float[Array, "*#batch channels time"],
    poses: Float[Array, "*#batch poses 4"],
    when: Float[Array, "poses"] | None,
    batch: tuple[int, ...],
    order: int,
    *,
    inverse: bool = False,
    out: Array | None = None,
) -> Float[Array, "*batch channels time"]:
    """Turn each sample by the pose that a track of quaternions, of any length but 0, has there.

    ``when`` are the samples at which the poses are taken, float64; without them there is one pose per sample. ``batch``
    is the common shape of the axes of signal and poses that come first. ``out`` is taken where the loop is.

    Examples
    --------
    A source in front, turned by a quarter about z at its second sample:

    >>> front = np.array([[1.0], [0.0], [0.0], [1.0]]) * np.ones(2)
    >>> turn_samples(front, np.array([[0, 0, 0, 2.0], [0, 0, 3.0, 3.0]]), None, (), 1)[:2].round(9).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    turned = _turned_by_loop(signal, poses, when, batch, order, inverse, out)
    if turned is None:
        turned = turned_by_formula(signal, rotation_to_quaternion(poses), when, batch, order, inverse=inverse)
    return turned


def turned_by_formula(
    signal: Array, poses: Array, when: Array | None, batch: tuple[int, ...], order: int, *, inverse: bool = False
) -> Array:
    """The same for unit quaternions, in steps that keep gradients."""
    pose = constant_like(_pose_of_each_sample(poses, when, signal.shape[-1]), signal)
    if inverse:
        pose = pose * constant_like([-1.0, -1.0, -1.0, 1.0], pose)
    return _turned(signal, pose, batch, order)


def _turned_by_loop(
    signal: Array,
    poses: Array,
    when: Array | None,
    batch: tuple[int, ...],
    order: int,
    inverse: bool,
    out: Array | None,
) -> Array | None:
    """The same by the compiled loop, where memory and gradients allow it; else None."""
    views = [kernel_view(x) for x in (signal, poses, *([] if when is None else [when]))]
    if any(view is None for view in views) or 0 in batch:
        return None
    fits = out is not None and kernel_view(out) is not None and not shares_memory(out, signal)
    result = out if fits else empty_like_signal((*batch, *signal.shape[-2:]), signal)
    sound, track = views[0], views[1]
    if not turn_by_loop(
        sound.reshape(-1, *sound.shape[-2:]),
        entry_of_each(sound.shape[:-2], batch),
        track.reshape(-1, *track.shape[-2:]),
        entry_of_each(track.shape[:-2], batch),
        np.empty(0) if when is None else views[2],
        order,
        inverse,
        np.asarray(result).reshape(-1, *result.shape[-2:]),
    ) and not is_torch(poses):
        check_quaternion(poses)
    return result


def turn_by_loop(
    signal: Float[np.ndarray, "signals channels time"],
    signal_of: np.ndarray,
    poses: Float[np.ndarray, "tracks poses 4"],
    poses_of: np.ndarray,
    when: Float[np.ndarray, "poses_or_none"],
    order: int,
    inverse: bool,
    out: Float[np.ndarray, "items channels time"],
) -> bool:
    """The compiled loop that suits the order; whether all poses have a length."""
    from ambikit.kernels import rotation_track as kernels

    sign = -1.0 if inverse else 1.0
    if order < 2:
        return kernels.turn_first_order_along_track(signal, signal_of, poses, poses_of, when, sign, out)
    columns, weights = rows_of_quarter_turns(order, signal.dtype.char)
    return kernels.turn_orders_along_track(signal, signal_of, poses, poses_of, when, sign, columns, weights, out)


def _pose_of_each_sample(poses: Array, when: Array | None, samples: int) -> Array:
    """Slerp the track at every sample: ``(..., time, 4)``."""
    if when is None:
        return poses
    xp = namespace(poses, when)
    last = poses.shape[-2] - 1
    where = {"device": when.device} if is_torch(when) else {}
    sample = xp.arange(samples, dtype=xp.float64, **where)
    # As whole numbers they are within the track, even where times that nobody has looked at were NaN.
    left = xp.clip(xp.searchsorted(when, sample, side="right") - 1, 0, max(last - 1, 0))
    right = xp.clip(left + 1, 0, last)
    width = when[right] - when[left] if last > 0 else 1.0
    fraction = xp.clip((sample - when[left]) / width, 0, 1)
    return slerp(poses[..., left, :], poses[..., right, :], constant_like(fraction, poses))


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
    """The blocks of a quarter turn about x; three quarters of their entries are 0, exactly."""
    return [np.where(np.abs(block) < 1e-14, 0.0, block) for block in rotation_blocks(_QUARTER, order)]


@cached_design
def rows_of_quarter_turns(order: int, precision: str) -> tuple[np.ndarray, np.ndarray]:
    """What the rows of the same blocks, and of those of the turn back, are made of: columns and weights.

    Both are ``(2, order + 1, 2 order + 1, entries)``. Row m has as many entries as there are columns with its symmetry
    in y and z, at most half of the degree and one; what is missing has the weight 0.
    """
    entries = 2 if order < 4 else 4 * -(-(order // 2 + 1) // 4)
    columns = np.zeros((2, order + 1, 2 * order + 1, entries), np.int64)
    weights = np.zeros(columns.shape, precision)
    for n, block in enumerate(_quarter_turns(order)):
        for way, matrix in enumerate((block, block.T)):
            for row, of_row in enumerate(matrix):
                found = np.flatnonzero(of_row)
                columns[way, n, row, : len(found)] = found
                weights[way, n, row, : len(found)] = of_row[found]
    return columns, weights
