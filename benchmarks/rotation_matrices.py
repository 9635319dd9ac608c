"""Matrices that turn all channels: many at once and one alone, against the formula, spaudiopy and writing the result.

The result is double precision, as ``rotation_matrix`` returns it. The oracle is spaudiopy's matrix, for some of them.

``python -m benchmarks.rotation_matrices``
"""

import numpy as np
import spaudiopy
import torch

import ambikit
from ambikit.operators import rotation_blocks
from benchmarks.common import Candidate, Table, measure, report, scaled, with_another

MANY = 10_000


def by_formula(function):
    """The same call without the compiled recursion."""
    return with_another(rotation_blocks, "_by_loop", lambda *arguments, **keywords: None, function)


def of_spaudiopy(angles: np.ndarray, order: int) -> np.ndarray:
    """One after the other, as it has no batches; its signs are the opposite of ours."""
    return np.stack([np.asarray(spaudiopy.sph.sh_rotation_matrix(order, *(-pose))) for pose in angles.T])


def many(order: int, count: int, few: int) -> Table:
    """``count`` poses at once; spaudiopy makes ``few`` of them, and its times are scaled to all."""
    angles = np.random.default_rng(0).uniform(-np.pi, np.pi, (3, count))
    expected = of_spaudiopy(angles[:, :few], order)
    result = ambikit.rotation_matrix(*angles, order=order)
    poses = torch.from_numpy(angles)
    packed = rotation_blocks.packed_blocks(ambikit.rotation_matrix(*angles)[:, [[3], [1], [2]], [3, 1, 2]], order)
    assert packed is not None
    matrices = np.ascontiguousarray(result[:, [[3], [1], [2]], [3, 1, 2]])

    def error(made):
        return float(np.abs(np.asarray(made)[:few] - expected).max())

    def error_of_blocks(made):
        parts = [expected[:, n * n : (n + 1) ** 2, n * n : (n + 1) ** 2] for n in range(order + 1)]
        return max(float(np.abs(np.asarray(a)[:few] - b).max()) for a, b in zip(made, parts, strict=True))

    table = measure(
        f"Rotation matrices of {MANY:,} poses".replace(",", " ")
        + ("" if count == MANY else f" (timed on {count}; all take {MANY * (order + 1) ** 4 * 8 / 2**30:.0f} GiB)")
        + f", order {order}",
        [
            Candidate("limit: write the result, a new array", result.copy),
            Candidate("ambikit, angles, NumPy", lambda: ambikit.rotation_matrix(*angles, order=order), error),
            Candidate("ambikit, angles, torch", lambda: ambikit.rotation_matrix(*poses, order=order), error),
            Candidate("limit of the blocks alone: write them, a new array", packed.copy),
            Candidate(
                "the same, the blocks alone from 3 × 3 matrices",
                lambda: rotation_blocks.rotation_blocks(matrices, order),
                error_of_blocks,
            ),
            Candidate(
                "formula, the blocks alone from 3 × 3 matrices",
                lambda: rotation_blocks.blocks_by_formula(matrices, order),
                error_of_blocks,
            ),
            Candidate("formula, NumPy", by_formula(lambda: ambikit.rotation_matrix(*angles, order=order)), error),
            Candidate(
                f"spaudiopy sh_rotation_matrix, one by one (timed on {few})",
                lambda: of_spaudiopy(angles[:, :few], order),
                error,
            ),
        ],
        rounds=7,
    )
    return scaled(table, "spaudiopy", count / few)


def one(order: int) -> Table:
    """One pose, with all that the call costs."""
    pose = np.array([[0.3], [-0.2], [0.1]])
    expected = of_spaudiopy(pose, order)[0]
    numbers, tensors = pose[:, 0].tolist(), torch.from_numpy(pose[:, 0])
    result = ambikit.rotation_matrix(*numbers, order=order)

    def error(made):
        return float(np.abs(np.asarray(made) - expected).max())

    return measure(
        f"One rotation matrix of order {order}",
        [
            Candidate("limit: write the result, a new array", result.copy),
            Candidate("ambikit, NumPy", lambda: ambikit.rotation_matrix(*numbers, order=order), error),
            Candidate("ambikit, torch", lambda: ambikit.rotation_matrix(*tensors, order=order), error),
            Candidate("formula, NumPy", by_formula(lambda: ambikit.rotation_matrix(*numbers, order=order)), error),
            Candidate(
                "spaudiopy sh_rotation_matrix",
                lambda: np.asarray(spaudiopy.sph.sh_rotation_matrix(order, *(-pose[:, 0]))),
                error,
            ),
        ],
        rounds=9,
    )


def main() -> None:
    batches = [many(1, MANY, 100), many(3, MANY, 20), many(7, MANY, 3), many(20, 200, 1)]
    report("rotation_matrices", [*batches, one(1), one(3), one(7), one(20)])


if __name__ == "__main__":
    main()
