"""Quaternions of length 1, in one pass: where the loop wins for as many as a signal has samples.

Serial, nogil, without checks. The formula beside it is in ``ambikit.geometry.poses``.
"""

from math import sqrt

from ambikit.kernels.compiling import compiled

__all__ = ["normalize"]


@compiled()
def normalize(quaternions, out):
    """Divide each of the ``quaternions`` (poses, 4) by its length, into ``out``; False where one is 0."""
    some = True
    for i in range(len(quaternions)):
        x, y, z, w = quaternions[i, 0], quaternions[i, 1], quaternions[i, 2], quaternions[i, 3]
        some = some and (x != 0 or y != 0 or z != 0 or w != 0)
        scale = 1 / sqrt(x * x + y * y + z * z + w * w)
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = x * scale, y * scale, z * scale, w * scale
    return some
