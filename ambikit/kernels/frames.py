"""Frames of a signal, reflected at its ends and weighted by a window, without a padded copy of the signal.

Serial, nogil, without checks. The formula beside it is ``frame_spectrum`` in ``ambikit.analysis.spectra``.
"""

from ambikit.kernels.compiling import compiled

__all__ = ["cut_frames"]


@compiled()
def cut_frames(signal, window, hop, out):
    """Cut ``signal`` (rows, time) into ``out`` (rows, frames, length); frame t is centred on sample ``t * hop``.

    ``window`` (length,) has the precision of both. A row is longer than half a frame.
    """
    rows, time = signal.shape
    frames, length = out.shape[1], out.shape[2]
    for r in range(rows):
        samples = signal[r]
        for t in range(frames):
            frame = out[r, t]
            start = t * hop - length // 2
            stop = start + length
            if start >= 0 and stop <= time:
                inside = samples[start:stop]
                for n in range(length):
                    frame[n] = inside[n] * window[n]
            else:
                for n in range(length):
                    source = abs(start + n)
                    if source >= time:
                        source = 2 * (time - 1) - source
                    frame[n] = samples[source] * window[n]
