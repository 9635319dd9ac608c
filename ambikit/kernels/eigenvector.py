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
            if known and largest > 0:
                x /= largest
            _covariance(x, width, square[:, 0, 0], covariance)
            power[:] = covariance
            for step in range(squarings):
                if step % 2 == 0:
                    _divide_by_trace(power, scale)
                _square(power, square)
                power, square = square, power
            _divide_by_trace(power, scale)
            for c in range(channels):
                for t in range(frames):
                    columns[n, c, f, t] = complex(power[0, c, 0, t], power[1, c, 0, t])
            if ratio > 0:
                _dominated(covariance, power, real(1 / ratio), scale, kept[n, f])
            else:
                kept[n, f] = True


@compiled(fastmath=_FAST)
def _covariance(x, width, products, out):
    """Sums of x_i x_j* over ``width`` frames around each; ``products`` (2, frames) is scratch."""
    channels, frames = x.shape[1:]
    before, after = (width - 1) // 2, width // 2
    for i in range(channels):
        for j in range(i + 1):
            a, b, c, d = x[0, i], x[1, i], x[0, j], x[1, j]
            re, im = products[0], products[1]
            for t in range(frames):
                re[t] = a[t] * c[t] + b[t] * d[t]
                im[t] = b[t] * c[t] - a[t] * d[t]
            out_re, out_im = out[0, i, j], out[1, i, j]
            out_re[:], out_im[:] = 0, 0
            for shift in range(-min(before, frames - 1), min(after, frames - 1) + 1):
                start, stop = max(0, -shift), min(frames, frames - shift)
                _add(out_re[start:stop], re[start + shift : stop + shift])
                _add(out_im[start:stop], im[start + shift : stop + shift])
            _mirror(out, i, j)


@compiled()
def _add(total, values):
    for t in range(len(total)):
        total[t] += values[t]


@compiled()
def _mirror(matrix, i, j):
    """The upper half of a Hermitian matrix from its lower half."""
    if i == j:
        matrix[1, i, i, :] = 0
    else:
        matrix[0, j, i, :] = matrix[0, i, j]
        matrix[1, j, i, :] = -matrix[1, i, j]


@compiled(fastmath=_FAST)
def _square(matrix, out):
    channels, frames = matrix.shape[2:]
    for i in range(channels):
        for j in range(i + 1):
            re, im = out[0, i, j], out[1, i, j]
            re[:], im[:] = 0, 0
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
    scale[:] = 0
    channels = matrix.shape[1]
    for i in range(channels):
        _add(scale, matrix[0, i, i])
    for t in range(len(scale)):
        scale[t] = 1 / scale[t] if scale[t] != 0 else scale.dtype.type(1)
    for part in range(2):
        for i in range(channels):
            for j in range(channels):
                values = matrix[part, i, j]
                for t in range(len(scale)):
                    values[t] *= scale[t]


@compiled(fastmath=_FAST)
def _dominated(matrix, projector, share, largest, kept):
    """Whether ``matrix`` without its largest eigenvalue lies below ``share`` of it: all pivots are positive.

    ``matrix`` is used up, ``largest`` (frames,) is scratch.
    """
    channels, frames = matrix.shape[2:]
    largest[:] = 0
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
