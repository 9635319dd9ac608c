"""The strongest component around each bin of a spectrum, and whether it dominates: all frames of a bin side by side.

Serial, nogil, without checks. The formulas beside it are those of ``ambikit.analysis.principal_eigenvector``.
"""

import numpy as np

from ambikit.kernels.compiling import compiled

__all__ = ["principal_columns"]

_FAST = {"contract", "reassoc"}  # NaN and infinity keep their meaning


@compiled(fastmath=_FAST)
def principal_columns(spectrum, begin, width, squarings, ratio, columns, kept):
    """Write v v_1* of the principal eigenvector of the covariances, and where the largest eigenvalue dominates.

    ``spectrum`` is complex (clips, channels, frames, freq); bins from ``begin`` are taken, as many as ``columns``
    (clips, channels, bins, frames) and ``kept`` (clips, bins, frames) have. The covariance is one over ``width``
    frames; ``ratio`` is the least one of the two largest eigenvalues, 0 for no test.
    """
    clips, channels, frames, _ = spectrum.shape
    real = spectrum.real.dtype.type
    x = np.empty((2, channels, frames), spectrum.real.dtype)  # real and imaginary parts
    covariance = np.empty((2, channels, channels, frames), x.dtype)
    power, square = np.empty_like(covariance), np.empty_like(covariance)
    scale = np.empty(frames, x.dtype)
    for n in range(clips):
        for f in range(columns.shape[2]):
            largest, known = real(0), True
            for c in range(channels):
                for t in range(frames):
                    value = spectrum[n, c, t, begin + f]
                    size = max(abs(value.real), abs(value.imag))
                    known = known and size < np.inf
                    largest = max(largest, size)
                    x[0, c, t], x[1, c, t] = value.real, value.imag
            if not known or largest == 0:
                largest = real(1)
            _covariance(x, largest, width, square[0, 0, 0], square[1, 0, 0], covariance, power)
            for step in range(squarings):
                if step % 2 == 0:
                    _divide_by_trace(power, scale)
                _square(power, square)
                power, square = square, power
            _divide_by_trace(power, scale)
            for c in range(channels):
                for t in range(frames):
                    columns[n, c, f, t] = complex(power[0, c, 0, t], power[1, c, 0, t])
            dominated = kept[n, f]
            if ratio > 0:
                _dominated(covariance, power, real(1 / ratio), scale, dominated)
            else:
                for t in range(frames):
                    dominated[t] = True


@compiled(fastmath=_FAST)
def _covariance(x, unit, width, re, im, out, twin):
    """Sums of x_i x_j* over ``width`` frames around each, in squares of ``unit``, to ``out`` and to its ``twin``.

    ``re`` and ``im`` (frames,) are scratch.
    """
    channels, frames = x.shape[1:]
    before, after = min((width - 1) // 2, frames - 1), min(width // 2, frames - 1)
    for part in range(2):
        for c in range(channels):
            values = x[part, c]
            for t in range(frames):
                values[t] /= unit
    for i in range(channels):
        for j in range(i + 1):
            a, b, c, d = x[0, i], x[1, i], x[0, j], x[1, j]
            for t in range(frames):
                re[t] = a[t] * c[t] + b[t] * d[t]
                im[t] = b[t] * c[t] - a[t] * d[t]
            for part, values in ((0, re), (1, im)):
                total = out[part, i, j]
                for t in range(frames):
                    total[t] = 0
                for shift in range(-before, after + 1):
                    for t in range(max(0, -shift), min(frames, frames - shift)):
                        total[t] += values[t + shift]
            _mirror(out, i, j)
    for part in range(2):
        for i in range(channels):
            for j in range(channels):
                values, copy = out[part, i, j], twin[part, i, j]
                for t in range(frames):
                    copy[t] = values[t]


@compiled()
def _mirror(matrix, i, j):
    """The upper half of a Hermitian matrix from its lower half."""
    real, imaginary, other_real, other_imaginary = matrix[0, i, j], matrix[1, i, j], matrix[0, j, i], matrix[1, j, i]
    for t in range(len(real)):
        other_real[t] = real[t]
        other_imaginary[t] = -imaginary[t]
    if i == j:
        for t in range(len(real)):
            imaginary[t] = 0


@compiled(fastmath=_FAST)
def _square(matrix, out):
    channels, frames = matrix.shape[2:]
    for i in range(channels):
        for j in range(i + 1):
            re, im = out[0, i, j], out[1, i, j]
            for t in range(frames):
                re[t], im[t] = 0, 0
            for k in range(channels):
                a, b, c, d = matrix[0, i, k], matrix[1, i, k], matrix[0, k, j], matrix[1, k, j]
                for t in range(frames):
                    re[t] += a[t] * c[t] - b[t] * d[t]
                for t in range(frames):
                    im[t] += a[t] * d[t] + b[t] * c[t]
            _mirror(out, i, j)


@compiled(fastmath=_FAST)
def _divide_by_trace(matrix, scale):
    """A matrix of trace 0 stays."""
    channels, frames = matrix.shape[2:]
    for t in range(frames):
        scale[t] = 0
    for i in range(channels):
        values = matrix[0, i, i]
        for t in range(frames):
            scale[t] += values[t]
    for t in range(frames):
        scale[t] = 1 / scale[t] if scale[t] != 0 else scale.dtype.type(1)
    for part in range(2):
        for i in range(channels):
            for j in range(channels):
                values = matrix[part, i, j]
                for t in range(frames):
                    values[t] *= scale[t]


@compiled(fastmath=_FAST)
def _dominated(matrix, projector, share, largest, kept):
    """Whether ``matrix`` without its largest eigenvalue lies below ``share`` of it: all pivots are positive.

    ``matrix`` is used up, ``largest`` (frames,) is scratch.
    """
    channels, frames = matrix.shape[2:]
    for t in range(frames):
        largest[t] = 0
    for i in range(channels):
        for j in range(channels):
            a, b, c, d = matrix[0, i, j], matrix[1, i, j], projector[0, i, j], projector[1, i, j]
            for t in range(frames):
                largest[t] += a[t] * c[t] + b[t] * d[t]
    for t in range(frames):
        kept[t] = not largest[t] < 0
    for i in range(channels):
        for j in range(channels):
            for part in range(2):
                values, wanted = matrix[part, i, j], projector[part, i, j]
                more = share if part == 0 and i == j else matrix.dtype.type(0)
                for t in range(frames):
                    values[t] = largest[t] * wanted[t] - values[t] + more * largest[t]
    for k in range(channels):
        pivot = matrix[0, k, k]
        for t in range(frames):
            kept[t] = kept[t] and not pivot[t] <= 0
            largest[t] = 1 / pivot[t] if pivot[t] > 0 else matrix.dtype.type(1)
        for i in range(k + 1, channels):
            for j in range(k + 1, channels):
                a, b, c, d = matrix[0, i, k], matrix[1, i, k], matrix[0, j, k], matrix[1, j, k]
                re, im = matrix[0, i, j], matrix[1, i, j]
                for t in range(frames):
                    re[t] -= (a[t] * c[t] + b[t] * d[t]) * largest[t]
                for t in range(frames):
                    im[t] -= (b[t] * c[t] - a[t] * d[t]) * largest[t]
