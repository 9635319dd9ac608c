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
def sample_frames(frames, frame_of, view_of, column, row, out, scale, half):
    """Interpolate bilinearly and average blocks of samples.

    Crop p is cut from ``frames[frame_of[p]]`` (height, width, 3; contiguous, uint8 or float32) at the positions
    ``column[view_of[p]]``, ``row[view_of[p]]`` (side * s, side * s; float64); each block of s x s samples is averaged
    into one pixel of ``out[p]`` (side, side, 3; of any layout), times ``scale``. ``half`` is added before storing: 0.5
    rounds where ``out`` holds integers. Columns wrap around; rows beyond a pole go on behind it. A position that is no
    number, or too far away to be counted, makes its pixel NaN, and 0 where ``out`` holds integers.

    The corners and weights of one row of pixels are computed once, for all crops that share the view. For each crop
    the bytes of all corners are gathered first, and then weighted side by side in vector instructions.
    """
    height, width = frames.shape[1], frames.shape[2]
    half_turn = width // 2
    side, length = out.shape[1], column.shape[2]
    samples = length // side
    share, half = np.float32(scale / (samples * samples)), np.float32(half)
    pixels = frames.reshape(-1)
    frame_length = height * width * 3
    one, two = np.uint64(1), np.uint64(2)  # without a sign, or each index is asked whether it counts from the end
    corner = np.empty((4, samples * length), np.uint64)
    weight = np.empty((4, samples * length), np.float32)
    found = np.empty((4, 3, length), frames.dtype)
    sums = np.empty((3, length), np.float32)
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
                sums[:] = 0
                for a in range(samples):
                    part = slice(a * length, (a + 1) * length)
                    for q in range(4):
                        places = corner[q, part]
                        red, green, blue = found[q, 0], found[q, 1], found[q, 2]
                        for k in range(length):
                            at = places[k]
                            red[k], green[k], blue[k] = frame[at], frame[at + one], frame[at + two]
                    w0, w1, w2, w3 = weight[0, part], weight[1, part], weight[2, part], weight[3, part]
                    for c in range(3):
                        f0, f1, f2, f3, total = found[0, c], found[1, c], found[2, c], found[3, c], sums[c]
                        for k in range(length):
                            total[k] += (
                                w0[k] * np.float32(f0[k])
                                + w1[k] * np.float32(f1[k])
                                + w2[k] * np.float32(f2[k])
                                + w3[k] * np.float32(f3[k])
                            )
                for c in range(3):
                    target = out[p, i, :, c]
                    for j in range(side):
                        value = np.float32(0)
                        for k in range(j * samples, (j + 1) * samples):
                            value += sums[c, k]
                        value = value * share + half
                        target[j] = 0 if half > 0 and isnan(value) else value  # integers have no NaN


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
