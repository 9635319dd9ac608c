"""Turning a sound field along a track of poses: heads that move, cameras that pan.

Between two poses lies a turn about one axis at constant speed (slerp), and every sample is turned by its own pose, at
every order. Fading between the signals of two poses instead would pull sources through the middle of the head: half
way through half a turn the dipoles of both cancel.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import (
    Array,
    is_compiling,
    is_torch,
    namespace,
    narrow,
    widen,
)
from ambikit._checks import check_floating, check_sample_rate, check_signal
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.directions import broadcast_shape
from ambikit.geometry.poses import as_quaternion, euler_to_quaternion
from ambikit.operators.channel_axis import angles_for, check_out, is_plain
from ambikit.operators.rotation_samples import turn_samples

__all__ = ["rotate_track"]


def rotate_track(
    signal: Float[Array, "..."],
    yaw: Any = 0.0,
    pitch: Any = 0.0,
    roll: Any = 0.0,
    *,
    rotation: Any = None,
    sample_rate: float | None = None,
    times: Any = None,
    pose_rate: float | None = None,
    inverse: bool = False,
    degrees: bool = False,
    out: Any = None,
) -> Float[Array, "..."]:
    """Turn a sound field by a pose that changes over time: each sample as :func:`rotate` would by its own pose.

    Between two poses the field turns about one axis at constant speed, the shortest way (slerp); before the first and
    after the last it rests. With ``inverse=True`` it turns against the poses, so that the sources stay where they are
    while a head with headphones moves.

    Parameters
    ----------
    signal
        ``(..., channels, time)`` of any order in AmbiX, real floating-point numbers.
    yaw, pitch, roll
        Angles ``(..., poses)`` in radians, with the signs of :func:`rotate`: numbers, lists, arrays or tensors that
        broadcast; at least one has the axis of poses. The axes before it broadcast with those of ``signal`` before
        the channels: a signal ``(N, 1, C, T)`` with angles ``(N, K, poses)`` gives ``(N, K, C, T)``. The way between
        two poses is that of the rotation, not of each angle: from yaw 170° to −170° it is 20° long.
    rotation
        Instead of angles: a SciPy ``Rotation`` of many poses, or quaternions ``(..., poses, 4)`` (x, y, z, w) of any
        length but 0 and of either sign.
    sample_rate
        Samples of ``signal`` per second, needed with ``times`` and ``pose_rate``.
    times
        When each pose is taken, in seconds from the first sample: ``(poses,)``, increasing.
    pose_rate
        Instead of times: poses per second, the first at the first sample. With neither, there is one pose per sample.
    inverse
        Whether to apply the inverse of each pose.
    degrees
        Whether the angles are in degrees.
    out
        Where to write the result: an array of the shape and dtype of the result, which may be ``signal`` itself.
        Not possible where gradients are needed.

    Returns
    -------
    array
        The turned signal, in the library, dtype and device of ``signal``, with gradients to the signal and to angles
        or quaternions that are tensors; or ``out``. The energy of each degree is kept at every instant, W is copied,
        and a NaN does not leave its degree and its instant.

    Raises
    ------
    ShapeError
        If the channels are not those of a full order, time is empty, the poses are neither one per sample nor have
        times or a rate, or batches do not broadcast.
    ArrayTypeError
        If the signal holds integers or complex numbers, or NumPy arrays and tensors are mixed.
    AmbikitError
        If both angles and ``rotation``, or both ``times`` and ``pose_rate``, are given, the sample rate is missing,
        times do not increase, a quaternion is 0, or ``out`` is given where a gradient is needed.

    See Also
    --------
    rotate : one pose for the whole signal.

    Notes
    -----
    A pose track sampled too coarsely cuts corners: a smooth motion with poses h seconds apart is met with an error
    of the order of h². Two poses half a turn apart have two shortest ways, and take the one that the signs of the
    quaternions suggest (for yaw from 0 to 180°, the left; to −180°, the right).

    No matrix is made for a sample: with the angles of Rz(α) Ry(β) Rz(γ), and a quarter turn that makes Ry an Rz,
    three turns about z and two constant matrices act on the signal itself.

    References
    ----------
    Shoemake, Animating rotation with quaternion curves, SIGGRAPH 1985.

    Pinchon and Hoggan, Rotation matrices for real spherical harmonics: general rotations of atomic orbitals in
    space-fixed axes, J. Phys. A 40 (2007) 1597: constant matrices between turns about z.

    Examples
    --------
    A source in front, turned to the left by 90 degrees within three samples; half-way it is at 45 degrees:

    >>> front = np.array([[1.0], [0.0], [0.0], [1.0]]) * np.ones(3)
    >>> rotate_track(front, yaw=[0, 90], times=[0, 2], sample_rate=1, degrees=True)[[3, 1]].round(3).tolist()
    [[1.0, 0.707, 0.0], [0.0, 0.707, 1.0]]
    """
    order = check_signal(signal)
    check_floating(signal)
    wide, half = widen(signal)
    poses = _poses(wide, yaw, pitch, roll, rotation, degrees)
    batch = broadcast_shape(
        tuple(signal.shape)[:-2], tuple(poses.shape)[:-2], names="a signal with batch axes and tracks of poses"
    )
    when = _samples_of_poses(poses, signal.shape[-1], sample_rate, times, pose_rate)
    if out is not None:
        check_out(out, (*batch, *tuple(signal.shape)[-2:]), signal)
        if not is_plain(wide, poses, out, *([] if when is None else [when])):
            raise AmbikitError(
                "got out where a gradient is needed or torch traces the call; expected a new result; leave out "
                "away, or call it under torch.no_grad()"
            )
    turned = turn_samples(wide, poses, when, batch, order, inverse=inverse, out=out)
    if out is None or turned is out:
        return narrow(turned, half)
    out[...] = narrow(turned, half)
    return out


def _poses(signal: Array, yaw: Any, pitch: Any, roll: Any, rotation: Any, degrees: bool) -> Array:
    """The track as quaternions ``(..., poses, 4)`` of any length, in the library of whatever has gradients."""
    if rotation is None:
        angles = angles_for(signal, yaw, pitch, roll, degrees=degrees)
        if all(len(angle.shape) == 0 for angle in angles):
            raise ShapeError(
                "got angles that are single numbers; expected at least one of shape (..., poses); a pose that does "
                "not change is ambikit.rotate"
            )
        xp = namespace(*angles)
        shape = broadcast_shape(*(tuple(angle.shape) for angle in angles))
        return euler_to_quaternion(*(xp.broadcast_to(angle, shape) for angle in angles))
    for name, angle in (("yaw", yaw), ("pitch", pitch), ("roll", roll)):
        if not isinstance(angle, int | float | np.number) or angle != 0:
            raise AmbikitError(f"got both {name} and rotation; expected one or the other; compose the poses first")
    if is_torch(rotation):
        (rotation,) = angles_for(signal, rotation)
    namespace(signal, rotation)
    poses = as_quaternion(rotation)
    if len(poses.shape) < 2:
        raise ShapeError(
            "got a single rotation; expected a track, quaternions (..., poses, 4) or a Rotation of many poses; a pose "
            "that does not change is ambikit.rotate"
        )
    return poses


def _samples_of_poses(
    poses: Array, samples: int, sample_rate: float | None, times: Any, pose_rate: float | None
) -> Float[Array, "poses"] | None:
    """The sample at which each pose is taken, float64 and between samples too; None where they are one to one."""
    count = poses.shape[-2]
    if times is not None and pose_rate is not None:
        raise AmbikitError("got both times and pose_rate; expected one or the other; leave one out")
    if times is None and pose_rate is None:
        if count != samples:
            raise ShapeError(
                f"got {count} poses for {samples} samples; expected one pose per sample, or times= or pose_rate= that "
                "say when the poses are taken; give one of them, and sample_rate="
            )
        return None
    if sample_rate is None:
        raise AmbikitError("got times or pose_rate without sample_rate; expected that of the signal; add it, in Hz")
    sample_rate = check_sample_rate(sample_rate)
    if pose_rate is not None:
        xp = namespace(poses)
        where = {"device": poses.device} if is_torch(poses) else {}
        return xp.arange(count, dtype=xp.float64, **where) * (sample_rate / _positive(pose_rate))
    like = times if is_torch(times) else poses
    namespace(poses, times if is_torch(times) else None)
    return _checked_times(times, count, like) * sample_rate


def _positive(rate: Any) -> float:
    if not isinstance(rate, int | float | np.number) or not 0 < rate < float("inf"):
        raise AmbikitError(f"got pose_rate={rate!r}; expected a positive number of poses per second")
    return float(rate)


def _checked_times(times: Any, count: int, like: Array) -> Array:
    """Times as float64 ``(poses,)`` in the library of the poses; only those of NumPy are looked at."""
    if is_torch(like) and not is_torch(times):
        if not is_compiling():
            _check_increasing(np.asarray(times, dtype=np.float64))
        xp = namespace(like)
        times = xp.as_tensor(times, dtype=xp.float64, device=like.device)
    elif is_torch(times):
        times = times.double()
    else:
        times = np.asarray(times, dtype=np.float64)
        _check_increasing(times)
    if tuple(times.shape) != (count,):
        raise ShapeError(f"got times of shape {tuple(times.shape)} for {count} poses; expected one time for each")
    return times


def _check_increasing(times: np.ndarray) -> None:
    if not (np.all(np.isfinite(times)) and np.all(np.diff(times) > 0)):
        raise AmbikitError("got times that do not increase; expected increasing seconds; sort the poses by time")
