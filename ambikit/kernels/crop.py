"""Sampling of equirectangular frames at many positions: an irregular gather, where the loop wins.

Serial, nogil, without checks; the formulas beside it are in ``ambikit_models.panorama.projection``.
"""

from math import floor, isnan, nan

import numpy as np

from ambikit.kernels.compiling import compiled

__all__ = ["FARTHEST", "reduce_frames", "sample_frames"]

#: where positions end: beyond, neighbouring pixels are no longer told apart by a float64
FARTHEST = 2.0**52


@compiled()
def sample_frames(frames, frame_of, view_of, column, row, out, half):
    """Interpolate bilinearly and average blocks of samples.

    Crop p is cut from ``frames[frame_of[p]]`` (height, width, 3; contiguous, uint8 or float32) at the positions
    ``column[view_of[p]]``, ``row[view_of[p]]`` (side * s, side * s; float64); each block of s x s samples is averaged
    into one pixel of ``out[p]`` (side, side, 3). ``half`` (float32) is added before storing: 0.5 rounds where ``out``
    holds integers. Columns wrap around; rows beyond a pole go on behind it. A position that is no number, or too far
    away to be counted, makes its pixel NaN, and 0 where ``out`` holds integers.

    The corners and weights of one row of pixels are computed once, for all crops that share the view.
    """
    height, width = frames.shape[1], frames.shape[2]
    half_turn = width // 2
    side, length = out.shape[1], column.shape[2]
    samples = length // side
    share = np.float32(1.0 / (samples * samples))
    pixels = frames.reshape(-1)
    frame_length = height * width * 3
    corner = np.empty((4, samples * length), np.int64)
    weight = np.empty((4, samples * length), np.float32)
    for v in range(column.shape[0]):
        for i in range(side):
            k = 0
            for a in range(i * samples, (i + 1) * samples):
                for b in range(length):
                    x, y = column[v, a, b], row[v, a, b]
                    known = abs(x) < FARTHEST and abs(y) < FARTHEST
                    if not known:
                        x = y = 0.0
                    left, top = floor(x), floor(y)
                    wx, wy = (x - left if known else nan), y - top
                    y0, y1 = int(top), int(top) + 1
                    x0, x1 = int(left), int(left) + 1  # in the upper row
                    x2, x3 = x0, x1  # in the lower row
                    if x0 < 0 or y0 < 0 or x1 >= width or y1 >= height:
                        if y0 < 0 or y0 >= height:
                            y0, x0, x1 = min(max(y0, 0), height - 1), x0 + half_turn, x1 + half_turn
                        if y1 < 0 or y1 >= height:
                            y1, x2, x3 = min(max(y1, 0), height - 1), x2 + half_turn, x3 + half_turn
                        x0, x1, x2, x3 = x0 % width, x1 % width, x2 % width, x3 % width
                    corner[0, k], corner[1, k] = 3 * (y0 * width + x0), 3 * (y0 * width + x1)
                    corner[2, k], corner[3, k] = 3 * (y1 * width + x2), 3 * (y1 * width + x3)
                    weight[0, k], weight[1, k] = (1.0 - wx) * (1.0 - wy), wx * (1.0 - wy)
                    weight[2, k], weight[3, k] = (1.0 - wx) * wy, wx * wy
                    k += 1
            for p in range(out.shape[0]):
                if view_of[p] != v:
                    continue
                frame = pixels[frame_of[p] * frame_length : (frame_of[p] + 1) * frame_length]
                for j in range(side):
                    red = green = blue = np.float32(0.0)
                    for a in range(samples):
                        for k in range(a * length + j * samples, a * length + (j + 1) * samples):
                            c0, c1, c2, c3 = corner[0, k], corner[1, k], corner[2, k], corner[3, k]
                            w0, w1, w2, w3 = weight[0, k], weight[1, k], weight[2, k], weight[3, k]
                            red += (
                                w0 * np.float32(frame[c0])
                                + w1 * np.float32(frame[c1])
                                + w2 * np.float32(frame[c2])
                                + w3 * np.float32(frame[c3])
                            )
                            green += (
                                w0 * np.float32(frame[c0 + 1])
                                + w1 * np.float32(frame[c1 + 1])
                                + w2 * np.float32(frame[c2 + 1])
                                + w3 * np.float32(frame[c3 + 1])
                            )
                            blue += (
                                w0 * np.float32(frame[c0 + 2])
                                + w1 * np.float32(frame[c1 + 2])
                                + w2 * np.float32(frame[c2 + 2])
                                + w3 * np.float32(frame[c3 + 2])
                            )
                    if half > 0 and isnan(red):  # integers have no NaN
                        out[p, i, j] = 0
                        continue
                    out[p, i, j, 0] = red * share + half
                    out[p, i, j, 1] = green * share + half
                    out[p, i, j, 2] = blue * share + half


@compiled()
def reduce_frames(frames, factor, line, spare, out):
    """Average blocks of factor x factor pixels, a power of two: (n, h, w, 3) to (n, h / factor, w / factor, 3).

    ``line`` and ``spare`` (3 * w each) are scratch memory of a type that holds the sum of a block. Rows are added
    first, then neighbours pairwise: loops without branches, which the compiler turns into vector instructions.
    """
    share = np.float32(1.0 / (factor * factor))
    for n in range(out.shape[0]):
        for i in range(out.shape[1]):
            length = line.size
            line[:] = 0
            for a in range(i * factor, (i + 1) * factor):
                pixels = frames[n, a].reshape(-1)
                for k in range(length):
                    line[k] += pixels[k]
            sums, halved = line, spare
            step = factor
            while step > 1:
                length //= 2
                for j in range(length // 3):
                    halved[3 * j] = sums[6 * j] + sums[6 * j + 3]
                    halved[3 * j + 1] = sums[6 * j + 1] + sums[6 * j + 4]
                    halved[3 * j + 2] = sums[6 * j + 2] + sums[6 * j + 5]
                sums, halved = halved, sums
                step //= 2
            means = out[n, i].reshape(-1)
            for k in range(length):
                means[k] = sums[k] * share
