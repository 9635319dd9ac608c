"""Turning every sample by its own pose, in one pass through the signal: where the loop wins.

Serial, nogil, without checks. The formula beside it is in ``ambikit.operators.rotation_samples``. Each function takes
what the other does:

``signal[signal_of[b]]`` (channels, time) is turned along ``poses[poses_of[b]]`` (poses, 4), quaternions of any length,
into ``out[b]``, whose memory is another one; False is returned where a pose is 0. ``when`` (poses; float64) are the
samples at which the poses are taken, with slerp between them; if it is empty each sample has its own. ``sign`` is −1 to
turn against them, else 1.
"""

from math import sqrt

import numpy as np

from ambikit.kernels.compiling import compiled

__all__ = ["turn_first_order_along_track", "turn_orders_along_track"]

_FAST = {"contract", "reassoc"}  # NaN and infinity keep their meaning
_SHORT, _LONG = 240, 496  # samples of a tile, which stays in the first-level cache
_WAYS = 64  # intervals between poses that are prepared together


@compiled()
def turn_first_order_along_track(signal, signal_of, poses, poses_of, when, sign, out):
    """Orders 0 and 1: no matrix, no angle, and the poses in the precision of the signal."""
    channels, samples = signal.shape[1], signal.shape[2]
    pose, span, ways, some = np.empty((4, _LONG), signal.dtype), np.zeros(3, np.int64), np.empty((9, _WAYS)), True
    for b in range(len(out)):
        source, track, target = signal[signal_of[b]], poses[poses_of[b]], out[b]
        k = span[0] = span[1] = 0
        for start in range(0, samples, _LONG):
            stop = min(start + _LONG, samples)
            if len(when):
                k = _lay_track(track, when, k, start, stop, sign, span, ways, pose)
            else:
                some = _lay_each(track, start, stop, sign, pose) and some
            _copy(source[0, start:stop], target[0, start:stop])
            if channels > 1:
                _turn_vectors(source, pose, start, stop, target)
    return some and span[2] == 0


@compiled()
def turn_orders_along_track(signal, signal_of, poses, poses_of, when, sign, columns, weights, out):
    """Orders from 2: degree by degree three turns about z, with a quarter turn about x and back between them.

    ``columns`` and ``weights`` (2, order + 1, 2 order + 1, entries) are what the rows of the quarter turn, and of the
    turn back, are made of; what is missing has the weight 0. The poses are in double precision: angles m times as
    large have errors m times as large.
    """
    samples, order = signal.shape[2], weights.shape[1] - 1
    pose, span, ways, some = np.empty((8, _SHORT)), np.zeros(3, np.int64), np.empty((9, _WAYS)), True
    cosines, sines = np.ones((3, order + 1, _SHORT), signal.dtype), np.zeros((3, 2 * order + 1, _SHORT), signal.dtype)
    one, other = np.empty((2 * order + 1, _SHORT), signal.dtype), np.empty((2 * order + 1, _SHORT), signal.dtype)
    rows = np.arange(2 * order + 1)
    for b in range(len(out)):
        source, track, target = signal[signal_of[b]], poses[poses_of[b]], out[b]
        k = span[0] = span[1] = 0
        for start in range(0, samples, _SHORT):
            stop = min(start + _SHORT, samples)
            count = stop - start
            if len(when):
                k = _lay_track(track, when, k, start, stop, sign, span, ways, pose)
            else:
                some = _lay_each(track, start, stop, sign, pose) and some
            _copy(source[0, start:stop], target[0, start:stop])
            _turn_vectors(source, pose, start, stop, target)
            _turns_about_z(pose, cosines, sines, count, rows)
            for n in range(2, order + 1):
                _about_z(source, n * n, start, cosines[2], sines[2], n, count, one, 0, 0)
                _mix(columns[0, n], weights[0, n], one, n, count, other)
                _about_z(other, 0, 0, cosines[1], sines[1], n, count, one, 0, 0)
                _mix(columns[1, n], weights[1, n], one, n, count, other)
                _about_z(other, 0, 0, cosines[0], sines[0], n, count, target, n * n, start)
    return some and span[2] == 0


@compiled()
def _copy(source, target):
    """An assignment of slices would look for overlaps first, which takes ten times as long."""
    for i in range(len(target)):
        target[i] = source[i]


@compiled(fastmath=_FAST)
def _turn_vectors(source, pose, start, stop, target):
    """Vectors v turned by quaternions: v + 2 w u × v + 2 u × (u × v) with u = (x, y, z)."""
    count, kind = stop - start, source.dtype.type
    x, y, z, w = pose[0, :count], pose[1, :count], pose[2, :count], pose[3, :count]
    left, up, front = source[1, start:stop], source[2, start:stop], source[3, start:stop]
    new_left, new_up, new_front = target[1, start:stop], target[2, start:stop], target[3, start:stop]
    for i in range(count):
        a, b, c, d, vy, vz, vx = kind(x[i]), kind(y[i]), kind(z[i]), kind(w[i]), left[i], up[i], front[i]
        tx, ty, tz = b * vz - c * vy, c * vx - a * vz, a * vy - b * vx
        tx, ty, tz = tx + tx, ty + ty, tz + tz
        new_left[i] = vy + d * ty + (c * tx - a * tz)
        new_up[i] = vz + d * tz + (a * ty - b * tx)
        new_front[i] = vx + d * tx + (b * tz - c * ty)


@compiled(fastmath=_FAST)
def _turns_about_z(pose, cosines, sines, count, rows):
    """Of the angles α, β, γ of Rz(α) Ry(β) Rz(γ): cos mφ (m from 0), and sin mφ for m from order down to −order.

    Where β is 0 or π, α and γ are not defined alone; any choice gives the same rotation.
    """
    order = cosines.shape[1] - 1
    x, y, z, w, p, q, r, s = pose[0], pose[1], pose[2], pose[3], pose[4], pose[5], pose[6], pose[7]
    _unit(w, z, count, p, q)
    _unit(y, x, count, r, s)
    _angle_between(pose, count, cosines[1, 1], sines[1, order - 1])
    _sum_of_angles(p, q, r, s, 1.0, count, cosines[0, 1], sines[0, order - 1])
    _sum_of_angles(p, q, r, s, -1.0, count, cosines[2, 1], sines[2, order - 1])
    for angle in range(3):
        _multiples(cosines[angle], sines[angle], order, count, rows)


@compiled(fastmath=_FAST)
def _multiples(cosines, sines, order, count, rows):
    """Cos mφ and sin mφ of those of φ. ``rows`` counts 0, 1, …

    Rows that are looked up in memory are each compared with each; of rows that are counted the compiler would ask once,
    before the loop over m, whether none of all is written and read, and then take no vectors.
    """
    for m in range(1, order + 1):
        goal, opposite, new = rows[order - m], rows[order + m], rows[m]
        if m > 1:
            before, up, of_one = rows[m - 1], rows[order - m + 1], rows[order - 1]
            for i in range(count):
                cosines[new, i] = cosines[before, i] * cosines[1, i] - sines[up, i] * sines[of_one, i]
            for i in range(count):
                sines[goal, i] = sines[up, i] * cosines[1, i] + cosines[before, i] * sines[of_one, i]
        for i in range(count):
            sines[opposite, i] = -sines[goal, i]


@compiled(fastmath=_FAST)
def _unit(x, y, count, new_x, new_y):
    """The direction of (x, y), which is (1, 0) where their squares have lost digits; NaN stays."""
    least = np.finfo(np.float64).tiny / np.finfo(np.float64).eps
    for i in range(count):
        square = x[i] * x[i] + y[i] * y[i]
        none = square < least
        scale = 1 / np.sqrt(1.0 if none else square)
        new_x[i], new_y[i] = 1.0 if none else x[i] * scale, 0.0 if none else y[i] * scale


@compiled(fastmath=_FAST)
def _angle_between(pose, count, cosine, sine):
    """Of β: twice the angle between the axis of the sphere and that of a pose."""
    x, y, z, w, kind = pose[0], pose[1], pose[2], pose[3], cosine.dtype.type
    for i in range(count):
        rise, level = w[i] * w[i] + z[i] * z[i], x[i] * x[i] + y[i] * y[i]
        cosine[i], sine[i] = kind(rise - level), kind(2 * np.sqrt(rise * level))


@compiled(fastmath=_FAST)
def _sum_of_angles(p, q, r, s, sign, count, cosine, sine):
    """The angle of (p, q), less that of (r, s) for a ``sign`` of 1; with −1 their sum."""
    kind = cosine.dtype.type
    for i in range(count):
        along = sign * s[i]
        cosine[i], sine[i] = kind(p[i] * r[i] + q[i] * along), kind(q[i] * r[i] - p[i] * along)


@compiled(fastmath=_FAST)
def _about_z(part, channel, first, cosines, sines, n, count, out, to_channel, to_first):
    """Turn degree n about z: the channels m and −m turn like a clock hand, |m| times as fast.

    Its channels are those of ``part`` from ``channel`` and its samples those from ``first``; likewise in ``out``.
    """
    stop, to_stop, order = first + count, to_first + count, len(cosines) - 1
    for row in range(2 * n + 1):
        same, other = part[channel + row, first:stop], part[channel + 2 * n - row, first:stop]
        c, s, target = cosines[abs(row - n)], sines[order - n + row], out[to_channel + row, to_first:to_stop]
        for i in range(count):
            target[i] = c[i] * same[i] + s[i] * other[i]


@compiled(fastmath=_FAST)
def _mix(columns, weights, part, n, count, out):
    """Rows of ``out`` as sums of few rows of ``part``, times ``weights``: two of them up to degree 3, else fours."""
    for row in range(2 * n + 1):
        a, b, u, v = columns[row, 0], columns[row, 1], weights[row, 0], weights[row, 1]
        if n < 4:
            for i in range(count):
                out[row, i] = u * part[a, i] + v * part[b, i]
            continue
        c, d, w, x = columns[row, 2], columns[row, 3], weights[row, 2], weights[row, 3]
        for i in range(count):
            out[row, i] = u * part[a, i] + v * part[b, i] + w * part[c, i] + x * part[d, i]
        for at in range(4, n // 2 + 1, 4):
            a, b, c, d = columns[row, at], columns[row, at + 1], columns[row, at + 2], columns[row, at + 3]
            u, v, w, x = weights[row, at], weights[row, at + 1], weights[row, at + 2], weights[row, at + 3]
            for i in range(count):
                out[row, i] += u * part[a, i] + v * part[b, i] + w * part[c, i] + x * part[d, i]


@compiled(fastmath=_FAST)
def _lay_each(track, start, stop, sign, pose):
    """Unit quaternions of the samples from ``start``, which have one each; False where one is 0."""
    count, kind = stop - start, pose.dtype.type
    one = kind(1)  # in the precision of the poses or of the result, whichever is higher
    numbers = track[start:stop].reshape(4 * count)
    x, y, z, w = pose[0, :count], pose[1, :count], pose[2, :count], pose[3, :count]
    zeros = 0
    for i in range(count):
        a, b, c, d = numbers[4 * i] * one, numbers[4 * i + 1] * one, numbers[4 * i + 2] * one, numbers[4 * i + 3] * one
        square = a * a + b * b + c * c + d * d
        zeros += square == 0 and a == 0 and b == 0 and c == 0 and d == 0
        scale = 1 / np.sqrt(square)
        around = sign * scale
        x[i], y[i], z[i], w[i] = kind(a * around), kind(b * around), kind(c * around), kind(d * scale)
    return zeros == 0


@compiled()
def _lay_track(track, when, k, start, stop, sign, span, ways, pose):
    """Unit quaternions of the samples from ``start`` on the way along ``track``, into ``pose`` (4, samples).

    Before the first pose and after the last it rests. ``k`` is a pose before the first sample. ``ways`` keeps what is
    prepared of the intervals from ``span[0]`` to ``span[1]``, ``span[2]`` counts poses that are 0. The last pose before
    ``stop`` is returned.
    """
    kind, last, i = pose.dtype.type, len(when) - 1, start
    while i < stop:
        while k < last and not when[k + 1] > i:
            k += 1
        if not span[0] <= k < span[1]:
            span[0] = k
            span[1] = k + min(_WAYS, max(last - k, 1))
            span[2] += _prepare(track, k, span[1] - k, sign, ways)
        at = k - span[0]
        end, step, begin = stop, 0.0, -ways[8, at]
        if when[k] > i:  # before the first
            end = int(min(float(stop), np.ceil(when[k])))
        elif k < last:
            end = int(min(float(stop), np.ceil(when[k + 1])))
            step = 2 * ways[8, at] / (when[k + 1] - when[k])
            begin = (i - when[k]) * step - ways[8, at]
        _go(kind(begin), kind(step), ways, at, pose, i - start, end - start)
        i = end
    return k


@compiled(fastmath=_FAST)
def _prepare(track, k, count, sign, ways):
    """Middle, side and half the angle of ``count`` intervals from pose ``k``; how many poses are 0.

    Half-way between two unit quaternions lies their sum, and their difference is at right angles to it. So the poses
    between them are cos θ · middle + sin θ · side with θ within ±π/4, which short series give to the last digit.
    """
    after = min(k + 1, len(track) - count)
    starts, goals = track[k : k + count].reshape(4 * count), track[after : after + count].reshape(4 * count)
    mx, my, mz, mw = ways[0], ways[1], ways[2], ways[3]
    sx, sy, sz, sw = ways[4], ways[5], ways[6], ways[7]
    half, zeros = ways[8], 0
    for i in range(count):
        ax, ay = starts[4 * i] * 1.0, starts[4 * i + 1] * 1.0
        az, aw = starts[4 * i + 2] * 1.0, starts[4 * i + 3] * 1.0
        bx, by, bz, bw = goals[4 * i] * 1.0, goals[4 * i + 1] * 1.0, goals[4 * i + 2] * 1.0, goals[4 * i + 3] * 1.0
        start, goal = ax * ax + ay * ay + az * az + aw * aw, bx * bx + by * by + bz * bz + bw * bw
        zeros += start == 0 and ax == 0 and ay == 0 and az == 0 and aw == 0
        zeros += goal == 0 and bx == 0 and by == 0 and bz == 0 and bw == 0
        # the sign of the goal is free: that of the shorter way
        f, g = 1 / sqrt(start), 1 / sqrt(goal)
        g = -g if ax * bx + ay * by + az * bz + aw * bw < 0 else g
        ax, ay, az, aw, bx, by, bz, bw = ax * f, ay * f, az * f, aw * f, bx * g, by * g, bz * g, bw * g
        cx, cy, cz, cw, dx, dy, dz, dw = ax + bx, ay + by, az + bz, aw + bw, bx - ax, by - ay, bz - az, bw - aw
        across, f = sqrt(dx * dx + dy * dy + dz * dz + dw * dw), 1 / sqrt(cx * cx + cy * cy + cz * cz + cw * cw)
        g = 1 / across if across > 0 else 0.0
        mx[i], my[i], mz[i], mw[i] = cx * f * sign, cy * f * sign, cz * f * sign, cw * f
        sx[i], sy[i], sz[i], sw[i] = dx * g * sign, dy * g * sign, dz * g * sign, dw * g
        # the arc tangent, by its series at a quarter of the angle (next term: 7e-18)
        t = across * f
        t = t / (1 + sqrt(1 + t * t))
        t = t / (1 + sqrt(1 + t * t))
        q = t * t
        high = 1 / 13 - q * (1 / 15 - q * (1 / 17 - q * (1 / 19 - q * (1 / 21))))
        half[i] = 4 * t * (1 - q * (1 / 3 - q * (1 / 5 - q * (1 / 7 - q * (1 / 9 - q * (1 / 11 - q * high))))))
    return zeros


@compiled(fastmath=_FAST)
def _go(begin, step, ways, at, pose, first, stop):
    """Poses at the angles ``begin``, ``begin + step``, … from the middle of an interval."""
    kind = pose.dtype.type
    mx, my, mz, mw = kind(ways[0, at]), kind(ways[1, at]), kind(ways[2, at]), kind(ways[3, at])
    sx, sy, sz, sw = kind(ways[4, at]), kind(ways[5, at]), kind(ways[6, at]), kind(ways[7, at])
    x, y, z, w = pose[0, first:stop], pose[1, first:stop], pose[2, first:stop], pose[3, first:stop]
    for i in range(len(x)):
        t = begin + kind(np.int32(i)) * step
        q = t * t
        cosine, sine = _cosine(q, kind), t * _sine(q, kind)
        x[i], y[i] = cosine * mx + sine * sx, cosine * my + sine * sy
        z[i], w[i] = cosine * mz + sine * sz, cosine * mw + sine * sw


@compiled(fastmath=_FAST)
def _cosine(q, kind):
    """Cos t for t² = q up to (π/4)² (next term: 2e-8 in single precision, 2e-18 in double)."""
    high = kind(1 / 40320)
    if np.finfo(kind).eps < 1e-10:
        low = q * (kind(1 / 479001600) - q * (kind(1 / 87178291200) - q * kind(1 / 20922789888000)))
        high -= q * (kind(1 / 3628800) - low)
    return kind(1) - q * (kind(1 / 2) - q * (kind(1 / 24) - q * (kind(1 / 720) - q * high)))


@compiled(fastmath=_FAST)
def _sine(q, kind):
    """Sin t / t for t² = q up to (π/4)² (next term: 2e-9 in single precision, 1e-19 in double)."""
    high = kind(1 / 362880)
    if np.finfo(kind).eps < 1e-10:
        low = q * (kind(1 / 6227020800) - q * (kind(1 / 1307674368000) - q * kind(1 / 355687428096000)))
        high -= q * (kind(1 / 39916800) - low)
    return kind(1) - q * (kind(1 / 6) - q * (kind(1 / 120) - q * (kind(1 / 5040) - q * high)))
