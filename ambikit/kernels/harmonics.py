"""Real spherical harmonics of many directions, one channel after the other: where the loop wins.

Serial, nogil, without checks. The formula beside it is ``harmonics_by_formula`` in ``ambikit.geometry.harmonics``: with
(x + i y)^m = c + i s, the channels are Q_n^m(z) c and Q_n^m(z) s. Here m is the outer loop, so that a tile of
directions needs no more than the Q of two degrees, and stays in the first-level cache.
"""

from math import cos, sin

import numpy as np

from ambikit.kernels.compiling import compiled

__all__ = ["fill_from_angles", "fill_from_vectors"]

_TILE = 512  # directions
# Where the rows of a tile begin. They are parts of one array, so that the compiler sees that they are apart.
_X, _Y, _Z, _EXCESS, _C, _S, _ONE, _OTHER = (_TILE * row for row in range(8))
_ROWS = 8
_EXACT = {"contract"}

_FARTHEST = 1e5  # radians; up to here quarter turns are taken off exactly
_QUARTERS = 0.6366197723675814  # 2 / π
# π / 2 in three parts; the first two have 33 bits, so that their products with numbers of quarters are exact.
_FIRST, _SECOND, _THIRD = 1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21


@compiled(fastmath=_EXACT)
def fill_from_vectors(vectors, forward, backward, sectoral, scale, out):
    """Fill ``out`` (channels, directions) from ``vectors``, x, y, z of one direction after the other (1-D).

    ``forward`` and ``backward`` (order + 1, order + 1) are the factors of the recurrence of degree n and index m,
    ``sectoral`` (order + 1,) its beginning, ``scale`` (order + 1,) a factor for each degree. They are in the precision
    of the computation.
    """
    kind = forward.dtype.type
    work = np.zeros(_ROWS * _TILE, forward.dtype)
    directions = len(vectors) // 3
    for start in range(0, directions, _TILE):
        count = min(_TILE, directions - start)
        part = vectors[3 * start : 3 * (start + count)]
        for i in range(count):
            work[_X + i] = kind(part[3 * i])
            work[_Y + i] = kind(part[3 * i + 1])
            work[_Z + i] = kind(part[3 * i + 2])
        _tile(work, count, forward, backward, sectoral, scale, out, start)


@compiled(fastmath=_EXACT)
def fill_from_angles(azimuth, elevation, forward, backward, sectoral, scale, out):
    """The same from two rows of angles, whose cosines and sines are taken in double precision."""
    kind = forward.dtype.type
    work = np.zeros(_ROWS * _TILE, forward.dtype)
    angle, cosine, sine, level = np.zeros(_TILE), np.zeros(_TILE), np.zeros(_TILE), np.zeros(_TILE)
    directions = len(azimuth)
    for start in range(0, directions, _TILE):
        count = min(_TILE, directions - start)
        for i in range(count):
            angle[i] = elevation[start + i]
        _turn(angle, count, level, sine)
        for i in range(count):
            work[_Z + i] = kind(sine[i])
        for i in range(count):
            angle[i] = azimuth[start + i]
        _turn(angle, count, cosine, sine)
        for i in range(count):
            work[_X + i] = kind(cosine[i] * level[i])
        for i in range(count):
            work[_Y + i] = kind(sine[i] * level[i])
        _tile(work, count, forward, backward, sectoral, scale, out, start)


@compiled(fastmath=_EXACT)
def _turn(angle, count, cosine, sine):
    """Cosine and sine of a row of angles, to the last bit or two; the library's for angles of many turns."""
    near = 0
    for i in range(count):
        near += abs(angle[i]) <= _FARTHEST
    if near < count:
        for i in range(count):
            cosine[i], sine[i] = cos(angle[i]), sin(angle[i])
        return
    for i in range(count):
        quarters = np.floor(angle[i] * _QUARTERS + 0.5)
        r = ((angle[i] - quarters * _FIRST) - quarters * _SECOND) - quarters * _THIRD
        t = r * r
        s = -2.5050747762857807e-08 + t * 1.5896230157654656e-10
        s = -1.984126982958954e-04 + t * (2.7557313621385722e-06 + t * s)
        s = r + r * t * (-1.6666666666666632e-01 + t * (8.333333333322118e-03 + t * s))
        c = 2.0875700842619986e-09 + t * -1.1358536521387682e-11
        c = 2.480158728823386e-05 + t * (-2.7557314296810440e-07 + t * c)
        c = 1.0 - 0.5 * t + t * t * (4.1666666666666595e-02 + t * (-1.3888888888873056e-03 + t * c))
        turn = quarters - 4.0 * np.floor(quarters * 0.25)  # 0, 1, 2 or 3
        even = turn == 0.0 or turn == 2.0
        one, other = (c if even else s), (s if even else c)
        cosine[i] = -one if turn == 1.0 or turn == 2.0 else one
        sine[i] = -other if turn >= 2.0 else other


@compiled(fastmath=_EXACT)
def _tile(work, count, forward, backward, sectoral, scale, out, start):
    """All channels of some directions, from their rows x, y and z."""
    kind = work.dtype.type
    one = kind(1)
    order = len(sectoral) - 1
    stop = start + count
    # |v|² − 1, as the formula has it
    for i in range(count):
        x, y, z = work[_X + i], work[_Y + i], work[_Z + i]
        work[_EXCESS + i] = (x * x + y * y) - (one - z) * (one + z)
    _zonal(work, count, forward, backward, scale, out, start)
    for i in range(count):
        work[_C + i] = work[_X + i]
    for i in range(count):
        work[_S + i] = work[_Y + i]
    for m in range(1, order + 1):
        if m > 1:
            for i in range(count):
                x, y, c, s = work[_X + i], work[_Y + i], work[_C + i], work[_S + i]
                work[_C + i] = x * c - y * s
                work[_S + i] = x * s + y * c
        k = m * m + m
        value = sectoral[m]
        _spread(work, value * scale[m], count, out[k + m, start:stop], out[k - m, start:stop])
        if m == order:
            break
        for i in range(count):
            work[_ONE + i] = value
        factor, k = forward[m + 1, m] * value, k + 2 * (m + 1)
        _begin(work, factor, scale[m + 1], count, out[k + m, start:stop], out[k - m, start:stop])
        for n in range(m + 2, order + 1):
            k = n * n + n
            if (n - m) & 1:
                _on_to_other(
                    work, forward[n, m], backward[n, m], scale[n], count, out[k + m, start:stop], out[k - m, start:stop]
                )
            else:
                _on_to_one(
                    work, forward[n, m], backward[n, m], scale[n], count, out[k + m, start:stop], out[k - m, start:stop]
                )


@compiled(fastmath=_EXACT)
def _zonal(work, count, forward, backward, scale, out, start):
    """The channels m = 0; Q is in the rows one and other."""
    kind = work.dtype.type
    order = len(scale) - 1
    stop = start + count
    row = out[0, start:stop]
    for i in range(count):
        row[i] = scale[0]
    if order == 0:
        return
    for i in range(count):
        work[_ONE + i] = kind(1)
    row = out[2, start:stop]
    for i in range(count):
        work[_OTHER + i] = work[_Z + i]
    for i in range(count):
        row[i] = scale[1] * work[_Z + i]
    for n in range(2, order + 1):
        row, f, b, by = out[n * n + n, start:stop], forward[n, 0], backward[n, 0], scale[n]
        if n & 1:
            for i in range(count):
                before = work[_OTHER + i]
                q = f * work[_Z + i] * work[_ONE + i] - b * (before + work[_EXCESS + i] * before)
                work[_OTHER + i] = q
                row[i] = by * q
        else:
            for i in range(count):
                before = work[_ONE + i]
                q = f * work[_Z + i] * work[_OTHER + i] - b * (before + work[_EXCESS + i] * before)
                work[_ONE + i] = q
                row[i] = by * q


@compiled(fastmath=_EXACT)
def _spread(work, value, count, plus, minus):
    """Degree m of index m."""
    for i in range(count):
        plus[i] = value * work[_C + i]
    for i in range(count):
        minus[i] = value * work[_S + i]


@compiled(fastmath=_EXACT)
def _begin(work, factor, scale, count, plus, minus):
    """Degree m + 1 of index m."""
    for i in range(count):
        q = factor * work[_Z + i]
        work[_OTHER + i] = q
        plus[i] = scale * q * work[_C + i]
        minus[i] = scale * q * work[_S + i]


@compiled(fastmath=_EXACT)
def _on_to_one(work, forward, backward, scale, count, plus, minus):
    """The next degree of index m, in place of the one before the last."""
    for i in range(count):
        before = work[_ONE + i]
        q = forward * work[_Z + i] * work[_OTHER + i] - backward * (before + work[_EXCESS + i] * before)
        work[_ONE + i] = q
        plus[i] = scale * q * work[_C + i]
        minus[i] = scale * q * work[_S + i]


@compiled(fastmath=_EXACT)
def _on_to_other(work, forward, backward, scale, count, plus, minus):
    """The same, with the two rows exchanged: a row known when it is compiled is what makes the loop fast."""
    for i in range(count):
        before = work[_OTHER + i]
        q = forward * work[_Z + i] * work[_ONE + i] - backward * (before + work[_EXCESS + i] * before)
        work[_OTHER + i] = q
        plus[i] = scale * q * work[_C + i]
        minus[i] = scale * q * work[_S + i]
