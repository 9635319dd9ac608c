"""Sampling of equirectangular frames at many positions: an irregular gather, where the loop wins.

Serial, nogil, without checks; the formulas beside it are in ``ambikit_models.panorama.projection``.
"""

from math import floor, isnan, nan

import numpy as np

from ambikit.kernels.compiling import compiled

__all__ = ["FARTHEST", "reduce_frames", "sample_bytes", "sample_frames"]

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
    the pixels at all corners are gathered first, and then weighted side by side in vector instructions.
    """
    height, width = frames.shape[1], frames.shape[2]
    side, length = out.shape[1], column.shape[2]
    samples = length // side
    pixels = frames.reshape(-1)
    one, two = np.uint64(1), np.uint64(2)  # without a sign, or each index is asked whether it counts from the end
    corner = np.empty((4, samples * length), np.uint64)
    weight = np.empty((4, samples * length), np.float32)
    found = np.empty((4, 3, length), frames.dtype)
    sums = np.empty((3, length), np.float32)
    for v in range(column.shape[0]):
        for i in range(side):
            rows = slice(i * samples, (i + 1) * samples)
            _corners(column[v, rows], row[v, rows], height, width, corner, weight)
            for p in range(out.shape[0]):
                if view_of[p] != v:
                    continue
                start = np.uint64(frame_of[p] * height * width * 3)
                sums[:] = 0
                for a in range(samples):
                    part = slice(a * length, (a + 1) * length)
                    for q in range(4):
                        places = corner[q, part]
                        red, green, blue = found[q, 0], found[q, 1], found[q, 2]
                        for k in range(length):
                            at = start + places[k]
                            red[k], green[k], blue[k] = pixels[at], pixels[at + one], pixels[at + two]
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
                _store(sums, samples, scale, half, out[p, i])


@compiled()
def sample_bytes(frames, words, frame_of, view_of, column, row, out, scale, half):
    """The same for frames of uint8, of which ``words`` reads four bytes at once.

    ``words[k]`` (uint32, not aligned) are the bytes k to k + 3 of all frames, the first the lowest: one load per corner
    instead of three. The last pixel of all has no fourth byte, and what needs it is put together from single bytes.
    """
    height, width = frames.shape[1], frames.shape[2]
    side, length = out.shape[1], column.shape[2]
    samples = length // side
    pixels = frames.reshape(-1)
    one, two, last = np.uint64(1), np.uint64(2), np.uint64(height * width * 3 - 3)
    byte = np.uint32(255)
    corner = np.empty((4, samples * length), np.uint64)
    weight = np.empty((4, samples * length), np.float32)
    found = np.empty((4, length), np.uint32)
    sums = np.empty((3, length), np.float32)
    for v in range(column.shape[0]):
        for i in range(side):
            rows = slice(i * samples, (i + 1) * samples)
            _corners(column[v, rows], row[v, rows], height, width, corner, weight)
            plain = corner.max() < last
            for p in range(out.shape[0]):
                if view_of[p] != v:
                    continue
                start = np.uint64(frame_of[p] * height * width * 3)
                sums[:] = 0
                for a in range(samples):
                    part = slice(a * length, (a + 1) * length)
                    for q in range(4):
                        places, word = corner[q, part], found[q]
                        if plain:
                            for k in range(length):
                                word[k] = words[start + places[k]]
                            continue
                        for k in range(length):
                            at = start + places[k]
                            word[k] = pixels[at] + 256 * pixels[at + one] + 65536 * pixels[at + two]
                    w0, w1, w2, w3 = weight[0, part], weight[1, part], weight[2, part], weight[3, part]
                    f0, f1, f2, f3 = found[0], found[1], found[2], found[3]
                    for c in range(3):
                        total, shift = sums[c], np.uint32(8 * c)
                        for k in range(length):  # signed, as vector instructions turn numbers into floats
                            total[k] += (
                                w0[k] * np.float32(np.int32((f0[k] >> shift) & byte))
                                + w1[k] * np.float32(np.int32((f1[k] >> shift) & byte))
                                + w2[k] * np.float32(np.int32((f2[k] >> shift) & byte))
                                + w3[k] * np.float32(np.int32((f3[k] >> shift) & byte))
                            )
                _store(sums, samples, scale, half, out[p, i])


@compiled()
def _corners(column, row, height, width, corner, weight):
    """Where the four pixels around each position begin in a frame, and how much of each it takes."""
    half_turn = width // 2
    k = 0
    for a in range(column.shape[0]):
        for b in range(column.shape[1]):
            x, y = column[a, b], row[a, b]
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


@compiled()
def _store(sums, samples, scale, half, pixels):
    """Average neighbours of a row of sums (3, side * samples) into its pixels (side, 3)."""
    share, half = np.float32(scale / (samples * samples)), np.float32(half)
    for c in range(3):
        for j in range(len(pixels)):
            value = np.float32(0)
            for k in range(j * samples, (j + 1) * samples):
                value += sums[c, k]
            value = value * share + half
            pixels[j, c] = 0 if half > 0 and isnan(value) else value  # integers have no NaN


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
