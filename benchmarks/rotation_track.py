"""Rotation in time: the loop against the formula, matrices per block, the peers and a copy of the signal.

A head that turns at up to half a revolution per second, tracked 375 times a second (every 128 samples at 48 kHz).

``python -m benchmarks.rotation_track``
"""

import numpy as np
import spaudiopy
import torch
from scipy.spatial.transform import Rotation, Slerp

import ambikit
from ambikit.operators import rotation_samples
from ambikit.operators.rotation_blocks import rotation_blocks
from benchmarks.common import Candidate, Table, largest_error, measure, report, with_another

RATE, BLOCK = 48000, 128


def by_formula(function):
    """The same call without the compiled loop."""
    return with_another(rotation_samples, "_turned_by_loop", lambda *arguments: None, function)


def head(seconds):
    """Poses of a head that looks around, one per block and one for the end."""
    time = np.arange(int(seconds * RATE) // BLOCK + 1) * BLOCK / RATE
    return time, Rotation.from_euler(
        "ZYX", np.stack([1.5 * np.sin(2 * time), 0.5 * np.sin(3 * time), 0.2 * np.sin(time)], -1)
    )


def oracle(signal, time, poses, order):
    """SciPy's Slerp, and a matrix for every sample, in double precision."""
    result = np.array(signal, dtype=np.float64)
    at = Slerp(time, poses)(np.arange(signal.shape[-1]) / RATE)
    for start in range(0, signal.shape[-1], 4096):
        part = slice(start, start + 4096)
        for n, block in enumerate(rotation_blocks(at[part].as_matrix(), order)):
            channels = slice(n * n, (n + 1) ** 2)
            result[channels, part] = np.einsum("tij,jt->it", block, result[channels, part])
    return result


def faded_blocks(signal, poses, order, fade):
    """A matrix per block, as peers have it: with a linear fade from the matrix of the last pose to that of the next."""
    matrices = ambikit.rotation_matrix(rotation=poses, order=order).astype(np.float32)
    blocks = signal.reshape(len(signal), -1, BLOCK).transpose(1, 0, 2)
    before = matrices[:-1] @ blocks
    if fade:
        ramp = (np.arange(BLOCK, dtype=np.float32) / BLOCK)[None, None]
        before += ramp * (matrices[1:] @ blocks - before)
    return before.transpose(1, 0, 2).reshape(signal.shape)


def spaudiopy_blocks(signal, angles, order):
    """Their rotation of one block after the other; its signs are the opposite of ours."""
    result = np.empty_like(signal)
    for k, (yaw, pitch, roll) in enumerate(angles[:-1]):
        part = slice(k * BLOCK, (k + 1) * BLOCK)
        result[:, part] = spaudiopy.sph.rotate_sh(signal[:, part].T, -yaw, -pitch, -roll).T
    return result


def tracked(order, seconds, peer) -> Table:
    time, poses = head(seconds)
    samples = (len(time) - 1) * BLOCK
    signal = np.random.default_rng(0).normal(size=((order + 1) ** 2, samples)).astype(np.float32)
    quaternions, copy = poses.as_quat(), np.empty_like(signal)
    clock = {"pose_rate": RATE / BLOCK, "sample_rate": RATE}
    tensor, tensor_poses, tensor_copy = (torch.from_numpy(x) for x in (signal, quaternions, copy))
    error = largest_error(oracle(signal, time, poses, order))

    def turn(x=signal, q=quaternions, out=None):
        return ambikit.rotate_track(x, rotation=q, out=out, **clock)

    candidates = [
        Candidate("limit: copy the signal", lambda: np.copyto(copy, signal)),
        Candidate("ambikit, loop, out=, NumPy", lambda: turn(out=copy), error),
        Candidate("ambikit, loop, out=, torch", lambda: turn(tensor, tensor_poses, tensor_copy), error),
        Candidate("ambikit, loop, a new result, NumPy", turn, error),
        Candidate("ambikit, loop, a new result, torch", lambda: turn(tensor, tensor_poses), error),
        Candidate("formula, NumPy", by_formula(turn), error),
        Candidate("formula, torch", by_formula(lambda: turn(tensor, tensor_poses)), error),
        Candidate("a matrix per block, linear fade, NumPy", lambda: faded_blocks(signal, poses, order, True), error),
        Candidate("a matrix per block, steps, NumPy", lambda: faded_blocks(signal, poses, order, False), error),
    ]
    if peer:
        angles = poses.as_euler("ZYX")
        candidates.append(
            Candidate("spaudiopy rotate_sh, block by block", lambda: spaudiopy_blocks(signal, angles, order), error)
        )
    return measure(f"Head tracking, order {order}, {seconds} s at 48 kHz", candidates, rounds=7)


def pose_per_sample() -> Table:
    """First order, a quaternion for every sample."""
    samples = 10 * RATE
    time, poses = head(10.0)
    signal = np.random.default_rng(0).normal(size=(4, samples)).astype(np.float32)
    quaternions = Slerp(time, poses)(np.arange(samples) / RATE).as_quat().astype(np.float32)
    exact = signal.astype(np.float64)
    exact[[3, 1, 2]] = Rotation.from_quat(quaternions).apply(exact[[3, 1, 2]].T).T
    error, copy, tracks = largest_error(exact), np.empty_like(signal), np.empty_like(quaternions)

    def copy_both():
        np.copyto(copy, signal)
        np.copyto(tracks, quaternions)

    def scipy_apply():
        turned = signal.copy()
        turned[[3, 1, 2]] = Rotation.from_quat(quaternions).apply(signal[[3, 1, 2]].T).T
        return turned

    tensor, tensor_poses, tensor_copy = (torch.from_numpy(x) for x in (signal, quaternions, copy))

    def turn(x=signal, q=quaternions, out=None):
        return ambikit.rotate_track(x, rotation=q, out=out)

    return measure(
        "A pose per sample, order 1, 10 s at 48 kHz",
        [
            Candidate("limit: copy signal and poses", copy_both),
            Candidate("ambikit, loop, out=, NumPy", lambda: turn(out=copy), error),
            Candidate("ambikit, loop, out=, torch", lambda: turn(tensor, tensor_poses, tensor_copy), error),
            Candidate("ambikit, loop, a new result, NumPy", turn, error),
            Candidate("ambikit, loop, a new result, torch", lambda: turn(tensor, tensor_poses), error),
            Candidate("formula, torch", by_formula(lambda: turn(tensor, tensor_poses)), error),
            Candidate("SciPy Rotation.apply", scipy_apply, error),
        ],
        rounds=9,
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    report("rotation_track", [tracked(1, 10.0, True), tracked(3, 1.0, True), tracked(7, 1.0, False), pose_per_sample()])
