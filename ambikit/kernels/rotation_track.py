"""Turning every sample by its own pose, in one pass through the signal: where the loop wins.

Serial, nogil, without checks. The formula beside it is in ``ambikit.operators.rotation_track``.
"""

from math import asin, cos, sin, sqrt

import numpy as np

from ambikit.kernels.compiling import compiled

__all__ = ["turn_along_track"]

_TILE = 256  # samples; all that a tile needs stays in the first-level cache
_FAST = {"contract", "reassoc"}  # NaN and infinity keep their meaning


@compiled(fastmath=_FAST)
def turn_along_track(signal, signal_of, poses, poses_of, position, quarters, out):
    """Turn ``signal[signal_of[b]]`` (channels, time) along ``poses[poses_of[b]]`` (poses, 4) into ``out[b]``.

    ``position`` (time; float64) says where each sample lies among the poses, which are unit quaternions; between two,
    it is a straight line in time. ``quarters`` (order + 1, 2 order + 1, 2 order + 1) are the blocks of a quarter turn
    about x, in the precision of the signal.
    """
    channels, samples = signal.shape[1], signal.shape[2]
    order = quarters.shape[0] - 1
    pose, cosine, sine = np.zeros((4, _TILE)), np.empty(_TILE), np.empty(_TILE)
    x, y, z, w = pose[0], pose[1], pose[2], pose[3]
    kind = quarters.dtype.type
    # cos mφ and sin mφ for α, β and γ
    cosines = np.ones((3, order + 1, _TILE), quarters.dtype)
    sines = np.zeros((3, order + 1, _TILE), quarters.dtype)
    one = np.zeros((2 * order + 1, _TILE), quarters.dtype)
    other = np.zeros((2 * order + 1, _TILE), quarters.dtype)
    for b in range(len(out)):
        source, track, target = signal[signal_of[b]], poses[poses_of[b]], out[b]
        for start in range(0, samples, _TILE):
            count = min(_TILE, samples - start)
            target[0, start : start + count] = source[0, start : start + count]
            if channels == 1:
                continue
            _slerp(track, position[start : start + count], pose, cosine, sine)
            first = source[1:4, start : start + count]
            turned = target[1:4, start : start + count]
            for i in range(count):
                a, c, d, e = kind(x[i]), kind(y[i]), kind(z[i]), kind(w[i])
                vy, vz, vx = first[0, i], first[1, i], first[2, i]
                tx, ty, tz = c * vz - d * vy, d * vx - a * vz, a * vy - c * vx
                tx, ty, tz = tx + tx, ty + ty, tz + tz
                turned[0, i] = vy + e * ty + (d * tx - a * tz)
                turned[1, i] = vz + e * tz + (a * ty - c * tx)
                turned[2, i] = vx + e * tx + (c * tz - d * ty)
            if order < 2:
                continue
            _turns_about_z(x, y, z, w, cosines, sines)
            for n in range(2, order + 1):
                part, quarter = slice(n * n, (n + 1) ** 2), quarters[n]
                _about_z(source[part, start : start + count], cosines[2], sines[2], one, n, count)
                _apply(quarter, one, other, n, False)
                _about_z(other, cosines[1], sines[1], one, n, _TILE)
                _apply(quarter, one, other, n, True)
                _about_z(other[:, :count], cosines[0], sines[0], target[part, start : start + count], n, count)


@compiled()
def _slerp(track, position, poses, cosine, sine):
    """The poses (4, samples) of a tile. Within an interval the weights turn by the same angle from sample to sample."""
    x, y, z, w = poses[0], poses[1], poses[2], poses[3]
    i, count = 0, len(position)
    while i < count:
        left = min(max(int(position[i]), 0), len(track) - 1)  # nobody has looked at times that are tensors
        fraction = position[i] - left
        if fraction == 0 or left == len(track) - 1:
            x[i], y[i], z[i], w[i] = track[left, 0], track[left, 1], track[left, 2], track[left, 3]
            i += 1
            continue
        start, goal = track[left], track[left + 1]
        dot = chord = 0.0
        for a in range(4):
            dot += start[a] * goal[a]
        sign = -1.0 if dot < 0 else 1.0
        for a in range(4):
            chord += (sign * goal[a] - start[a]) ** 2
        angle = 2 * asin(min(sqrt(chord) / 2, 1.0))
        # the direction of the turn, at right angles to the start; at rest there is none, and sin is 0 too
        along, across = cos(angle), sin(angle)
        scale = 1 / across if across > 0 else 0.0
        end = i + 1
        while end < count and int(position[end]) == left:
            end += 1
        step = (position[end - 1] - position[i]) / max(end - 1 - i, 1)
        _turn_on(fraction * angle, step * angle, cosine[: end - i], sine[: end - i])
        for a in range(4):
            c, d, pose = start[a], (sign * goal[a] - along * start[a]) * scale, poses[a, i:end]
            for k in range(end - i):
                pose[k] = cosine[k] * c + sine[k] * d
        i = end


@compiled(fastmath=_FAST)
def _turn_on(first, step, cosine, sine):
    """Cosine and sine of ``first + k step``: twice as many from all that are there, turned by as many steps."""
    cosine[0], sine[0] = cos(first), sin(first)
    c, s = cos(step), sin(step)
    known, count = 1, len(cosine)
    while known < count:
        more = min(known, count - known)
        c0, s0, c1, s1 = cosine[:more], sine[:more], cosine[known : known + more], sine[known : known + more]
        for k in range(more):
            c1[k] = c0[k] * c - s0[k] * s
        for k in range(more):
            s1[k] = s0[k] * c + c0[k] * s
        c, s = c * c - s * s, 2 * c * s
        known += more


@compiled(fastmath=_FAST)
def _turns_about_z(x, y, z, w, cosines, sines):
    """Cos mφ and sin mφ of the angles α, β, γ of Rz(α) Ry(β) Rz(γ) for the poses of a tile.

    Where β is 0 or π, α and γ are not defined alone; any choice gives the same rotation.
    """
    kind = cosines.dtype.type
    for i in range(_TILE):
        rise, level = w[i] * w[i] + z[i] * z[i], x[i] * x[i] + y[i] * y[i]
        a, b = sqrt(rise), sqrt(level)
        upright, lying = a > 0, b > 0
        p, q = w[i] / (a if upright else 1.0), z[i] / (a if upright else 1.0)
        r, s = y[i] / (b if lying else 1.0), x[i] / (b if lying else 1.0)
        p, r = (p if upright else 1.0), (r if lying else 1.0)
        cosines[0, 1, i], sines[0, 1, i] = kind(p * r + q * s), kind(q * r - p * s)
        cosines[1, 1, i], sines[1, 1, i] = kind(rise - level), kind(2 * a * b)
        cosines[2, 1, i], sines[2, 1, i] = kind(p * r - q * s), kind(q * r + p * s)
    for angle in range(3):
        c, s = cosines[angle], sines[angle]
        for m in range(2, cosines.shape[1]):
            for i in range(_TILE):
                c[m, i] = c[m - 1, i] * c[1, i] - s[m - 1, i] * s[1, i]
                s[m, i] = s[m - 1, i] * c[1, i] + c[m - 1, i] * s[1, i]


@compiled(fastmath=_FAST)
def _about_z(part, cosines, sines, out, n, count):
    """Turn degree n about z: the channels m and −m turn like a clock hand, m times as fast."""
    for i in range(count):
        out[n, i] = part[n, i]
    for m in range(1, n + 1):
        for i in range(count):
            plus, minus = part[n + m, i], part[n - m, i]
            out[n + m, i] = cosines[m, i] * plus - sines[m, i] * minus
            out[n - m, i] = cosines[m, i] * minus + sines[m, i] * plus


@compiled(fastmath=_FAST)
def _apply(matrix, part, out, n, transposed):
    """``out = matrix @ part`` for degree n; half of the entries are 0 and are passed over."""
    for row in range(2 * n + 1):
        started = False
        for column in range(2 * n + 1):
            weight = matrix[column, row] if transposed else matrix[row, column]
            if weight == 0:
                continue
            if started:
                for i in range(_TILE):
                    out[row, i] += weight * part[column, i]
            else:
                for i in range(_TILE):
                    out[row, i] = weight * part[column, i]
                started = True
