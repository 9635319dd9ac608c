"""A noise floor that follows the level of each frequency, frame by frame: a recursion, which no formula does at once.

Serial, nogil, without checks. The formula beside it is ``above_noise_floor`` in ``ambikit.analysis.noise_floor``, to
which the constants belong.
"""

from math import inf, sqrt

from ambikit.kernels.compiling import compiled

__all__ = ["above_noise_floor"]


@compiled()
def above_noise_floor(spectrum, begin, averaged, first, fast, rise, slow_rise, fall, ratio, out):
    """Whether bins of ``spectrum`` (clips, channels, frames, freq) from ``begin`` stand out, into ``out``.

    ``out`` (clips, bins, frames) is boolean; the first channel is judged.
    """
    clips, _, frames, _ = spectrum.shape
    real = spectrum.real.dtype.type
    for n in range(clips):
        for f in range(out.shape[1]):
            bins = spectrum[n, 0, :, begin + f]
            floor = real(0)
            for t in range(min(first, frames)):
                level = _level(bins, t, averaged)
                floor += level if level < inf else real(0)
            floor /= 2 * min(first, frames)
            rest = 0
            for t in range(frames):
                level = _level(bins, t, averaged)
                known = level if level < inf else real(0)
                if floor == 0:
                    floor = known / real(2)
                rest = rest + 1 if known > floor else 0
                floor = floor * real(fall if rest == 0 else slow_rise if rest > fast else rise)
                out[n, f, t] = not level <= ratio * floor


@compiled()
def _level(bins, t, averaged):
    """The root of the mean power of the frames around ``t`` that there are."""
    start, stop = max(0, t - (averaged - 1) // 2), min(len(bins), t + averaged // 2 + 1)
    total = bins[t].real * 0
    for k in range(start, stop):
        total += bins[k].real * bins[k].real + bins[k].imag * bins[k].imag
    return sqrt(total / (stop - start))
