"""Turning a sound field by one pose: into given memory, in place and into a new array, against copies of the signal.

The oracle is spaudiopy's matrix, or SciPy's for first order, times the signal in double precision.

``python -m benchmarks.rotate``
"""

import numpy as np
import spaudiopy
import torch
from scipy.spatial.transform import Rotation

import ambikit
from ambikit.operators import block_turns
from benchmarks.common import Candidate, Table, largest_error, measure, report, with_another

POSE = 0.3, -0.2, 0.1
RATE = 48000


def by_formula(function):
    """The same call without the compiled loop over the signal."""
    return with_another(block_turns, "_turned_by_loop", lambda *arguments: False, function)


def matrix_of_others(order: int, yaw: float, pitch: float, roll: float) -> np.ndarray:
    """The matrix of all channels; spaudiopy's signs are the opposite of ours."""
    if order > 1:
        return np.asarray(spaudiopy.sph.sh_rotation_matrix(order, -yaw, -pitch, -roll))
    dense = np.eye(4)
    dense[1:, 1:] = Rotation.from_euler("ZYX", [yaw, pitch, roll]).as_matrix()[np.ix_([1, 2, 0], [1, 2, 0])]
    return dense


def one_pose(order: int, seconds: float) -> Table:
    """A signal of some seconds, as a product of matrices and as it is done here."""
    channels, samples = (order + 1) ** 2, int(seconds * RATE)
    signal = np.random.default_rng(0).standard_normal((channels, samples), np.float32)
    dense = matrix_of_others(order, *POSE)
    error = largest_error(dense @ signal.astype(np.float64))
    tensor, out, interleaved = torch.from_numpy(signal), np.empty_like(signal), np.ascontiguousarray(signal.T)
    own, tensor_out = signal.copy(), torch.from_numpy(out)
    own_tensor = torch.from_numpy(signal.copy())
    single = dense.astype(np.float32)
    single_tensor = torch.from_numpy(single)
    peer = Candidate(
        "spaudiopy rotate_sh, (samples, channels)",
        lambda: spaudiopy.sph.rotate_sh(interleaved, *(-angle for angle in POSE)),
        lambda result: error(result.T),
    )
    return measure(
        f"Rotate, order {order}, {seconds:g} s at 48 kHz, float32",
        [
            Candidate("limit: np.copyto, memory given", lambda: np.copyto(out, signal)),
            Candidate("limit: x.copy(), a new array", signal.copy),
            Candidate("ambikit, out=, NumPy", lambda: ambikit.rotate(signal, *POSE, out=out), error),
            Candidate("ambikit, out=, torch", lambda: ambikit.rotate(tensor, *POSE, out=tensor_out), error),
            Candidate("ambikit, in place, NumPy", turning(own), error),
            Candidate("ambikit, in place, torch", turning(own_tensor), error),
            Candidate("ambikit, a new result, NumPy", lambda: ambikit.rotate(signal, *POSE), error),
            Candidate("ambikit, a new result, torch", lambda: ambikit.rotate(tensor, *POSE), error),
            Candidate("formula, out=, NumPy", by_formula(lambda: ambikit.rotate(signal, *POSE, out=out)), error),
            Candidate("formula, out=, torch", by_formula(lambda: ambikit.rotate(tensor, *POSE, out=tensor_out)), error),
            Candidate("NumPy matmul, out=", lambda: np.matmul(single, signal, out=out), error),
            Candidate("NumPy matmul", lambda: single @ signal, error),
            Candidate("torch.matmul, out=", lambda: torch.matmul(single_tensor, tensor, out=tensor_out), error),
            Candidate("torch.matmul", lambda: single_tensor @ tensor, error),
            peer if order == 1 else None,
        ],
    )


def turning(x):
    """Turn an array again and again where it is; it keeps its energy."""
    return lambda: ambikit.rotate(x, *POSE, out=x)


def pose_per_clip(clips: int) -> Table:
    """Clips of one second, each turned by its own angles."""
    rng = np.random.default_rng(0)
    signal = rng.standard_normal((clips, 4, RATE), np.float32)
    angles = rng.uniform(-np.pi, np.pi, (3, clips))
    dense = np.stack([matrix_of_others(1, *pose) for pose in angles.T])
    error = largest_error(dense @ signal.astype(np.float64))
    tensor, out, own = torch.from_numpy(signal), np.empty_like(signal), signal.copy()
    tensor_out, poses = torch.from_numpy(out), torch.from_numpy(angles)
    interleaved = np.ascontiguousarray(signal.swapaxes(1, 2))
    single = dense.astype(np.float32)
    single_tensor = torch.from_numpy(single)

    def peer():
        turned = [spaudiopy.sph.rotate_sh(x, *(-pose)) for x, pose in zip(interleaved, angles.T, strict=True)]
        return np.stack(turned).swapaxes(1, 2)

    return measure(
        f"Rotate {clips} clips of 1 s, first order, each by its own angles, float32",
        [
            Candidate("limit: np.copyto, memory given", lambda: np.copyto(out, signal)),
            Candidate("limit: x.copy(), a new array", signal.copy),
            Candidate("ambikit, out=, NumPy", lambda: ambikit.rotate(signal, *angles, out=out), error),
            Candidate("ambikit, out=, torch", lambda: ambikit.rotate(tensor, *poses, out=tensor_out), error),
            Candidate("ambikit, a new result, NumPy", lambda: ambikit.rotate(signal, *angles), error),
            Candidate("formula, out=, NumPy", by_formula(lambda: ambikit.rotate(signal, *angles, out=out)), error),
            Candidate("NumPy matmul, out=", lambda: np.matmul(single, signal, out=out), error),
            Candidate("torch.bmm, out=", lambda: torch.bmm(single_tensor, tensor, out=tensor_out), error),
            Candidate("spaudiopy rotate_sh, clip by clip", peer, error),
            Candidate(
                "ambikit, in place, NumPy",
                lambda: ambikit.rotate(own, *angles, out=own),
                error,
            ),
        ],
        rounds=9,
    )


def spectrum() -> Table:
    """A complex spectrum, whose real and imaginary parts turn side by side."""
    rng = np.random.default_rng(0)
    shape = 8, 4, 513, 400
    x = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)
    dense = matrix_of_others(1, *POSE)
    expected = np.einsum("ij,bjft->bift", dense, x.astype(np.complex128))
    tensor, out = torch.from_numpy(x), np.empty_like(x)
    tensor_out, single = torch.from_numpy(out), dense.astype(np.complex64)

    def error(result):
        return float(np.abs(np.asarray(result).astype(np.complex128) - expected).max())

    def call(x, out):
        return lambda: ambikit.rotate(x, *POSE, axis=-3, out=out)

    return measure(
        "Rotate spectra of 8 clips, first order, 513 bins, 400 frames, complex64",
        [
            Candidate("limit: np.copyto, memory given", lambda: np.copyto(out, x)),
            Candidate("ambikit, out=, NumPy", call(x, out), error),
            Candidate("ambikit, out=, torch", call(tensor, tensor_out), error),
            Candidate("formula, out=, NumPy", by_formula(call(x, out)), error),
            Candidate("formula, out=, torch", by_formula(call(tensor, tensor_out)), error),
            Candidate("NumPy einsum", lambda: np.einsum("ij,bjft->bift", single, x), error),
        ],
        rounds=9,
    )


def block() -> Table:
    """A block of 64 samples: what a call costs beside the arithmetic."""
    signal = np.random.default_rng(0).standard_normal((4, 64), np.float32)
    single = matrix_of_others(1, *POSE).astype(np.float32)
    error = largest_error(matrix_of_others(1, *POSE) @ signal.astype(np.float64))
    out, tensor = np.empty_like(signal), torch.from_numpy(signal)
    return measure(
        "Rotate a block of 64 samples, first order, float32",
        [
            Candidate("limit: np.copyto, memory given", lambda: np.copyto(out, signal)),
            Candidate("ambikit, out=, NumPy", lambda: ambikit.rotate(signal, *POSE, out=out), error),
            Candidate("ambikit, a new result, NumPy", lambda: ambikit.rotate(signal, *POSE), error),
            Candidate("ambikit, a new result, torch", lambda: ambikit.rotate(tensor, *POSE), error),
            Candidate("formula, out=, NumPy", by_formula(lambda: ambikit.rotate(signal, *POSE, out=out)), error),
            Candidate("NumPy matmul, out=, its matrix ready", lambda: np.matmul(single, signal, out=out), error),
            Candidate(
                "spaudiopy rotate_sh",
                lambda: spaudiopy.sph.rotate_sh(signal.T, *(-angle for angle in POSE)),
                lambda result: error(result.T),
            ),
        ],
    )


def main() -> None:
    tables = [one_pose(1, 60), one_pose(3, 10), one_pose(7, 2.5), pose_per_clip(64), spectrum(), block()]
    report("rotate", tables)


if __name__ == "__main__":
    main()
