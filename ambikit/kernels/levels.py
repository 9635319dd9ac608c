"""The largest sample of clips, and levels in decibels below it, in single precision: a pass over each.

Serial, nogil, without checks. The formulas beside them are ``peak_of`` and ``levels`` in ``ambikit.analysis.levels``.
"""

from math import log

import numpy as np

from ambikit.kernels.compiling import compiled

__all__ = ["decibels", "largest_samples"]

_HALF_SQUARE_ROOT = 0x3F3504F3  # the bits of √½: mantissas are taken between it and √2
_INFINITY = np.int32(0x7F800000)
_LOG_2, _THIRD, _FIFTH, _SEVENTH, _NINTH = (np.float32(x) for x in (log(2), 1 / 3, 1 / 5, 1 / 7, 1 / 9))
_PIECE = 2048


@compiled()
def largest_samples(bits, out):
    """The largest size in each row of ``bits`` (rows, samples), float32 seen as int32, of what is finite; 0 if none is.

    Without its sign bit, the larger number has the larger bits.
    """
    for r in range(len(bits)):
        row = bits[r]
        largest = np.int32(0)
        for n in range(len(row)):
            size = row[n] & np.int32(0x7FFFFFFF)
            largest = max(largest, size if size < _INFINITY else np.int32(0))
        out[r] = largest


@compiled(fastmath={"contract", "reassoc"})
def decibels(mel, count, ratio, factor, offset):
    """Turn the first ``count`` of ``mel`` (clips, values) into ``factor ln(mel) + offset[n]``, in place.

    Nothing is left below the largest value of its clip times ``ratio``. What is not finite stays as it is and does not
    decide over the floor.
    """
    infinity, one, two = np.float32(np.inf), np.float32(1), np.float32(2)
    taken = np.empty(_PIECE, np.float32)  # a second array: a loop within one would go value by value
    bits = mel.view(np.int32)
    for n in range(len(mel)):
        largest = np.int32(0)
        for k in range(count):
            size = bits[n, k]
            largest = max(largest, size if size < _INFINITY else np.int32(0))
        floor = max((_number(largest) if largest > 0 else one) * ratio, np.finfo(np.float32).tiny)
        for start in range(0, count, _PIECE):
            values = mel[n, start : min(start + _PIECE, count)]
            for k in range(len(values)):
                taken[k] = values[k]
            for k in range(len(values)):
                value = floor if taken[k] < floor else taken[k]
                shifted = np.int32(_bits(value) - _HALF_SQUARE_ROOT)
                exponent = np.float32(np.int32(shifted >> 23))
                mantissa = _number(np.int32((shifted & 0x7FFFFF) + _HALF_SQUARE_ROOT))
                # ln m = 2 artanh s: within s² < 0.03 five terms of the series are exact to single precision.
                s = (mantissa - one) / (mantissa + one)
                q = s * s
                series = one + q * (_THIRD + q * (_FIFTH + q * (_SEVENTH + q * _NINTH)))
                level = factor * (exponent * _LOG_2 + two * s * series) + offset[n]
                values[k] = level if value < infinity else value


@compiled()
def _bits(value):
    return np.float32(value).view(np.int32)


@compiled()
def _number(bits):
    return np.int32(bits).view(np.float32)
