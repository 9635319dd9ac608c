"""Compiled loops that are a small part of each operation they serve, beside their formulas: no other case shows them.

``python -m benchmarks.loops``
"""

import numpy as np

from ambikit import mel_filterbank
from ambikit.analysis import levels as decibels
from ambikit.analysis import spectra
from ambikit.analysis.mel_bands import Room
from ambikit_models.panorama.sampling import locate_by_formula, locate_views
from benchmarks.common import Candidate, Table, largest_error, measure, report

CLIPS, RATE, FRAME, HOP, FRAMES, BANDS = 16, 24000, 512, 240, 100, 128


def frames() -> Table:
    """Reflected at the ends and windowed."""
    signal = np.random.default_rng(0).normal(size=(CLIPS, 4, RATE)).astype(np.float32)

    def by_formula(x=signal):
        half, window = FRAME // 2, spectra.hann(FRAME).astype(x.dtype)
        padded = np.concatenate([x[..., half:0:-1], x, x[..., -2 : -half - 2 : -1]], -1)
        return spectra._frames(padded, FRAME, HOP)[..., :FRAMES, :] * window

    error, copy = largest_error(by_formula(signal.astype(np.float64))), np.empty((CLIPS, 4, FRAMES, FRAME), np.float32)
    return measure(
        f"Frames of {FRAME} samples of {CLIPS} clips of 4 channels of 1 s, windowed",
        [
            Candidate("limit: fill the result", lambda: copy.fill(0)),
            Candidate("ambikit, loop", lambda: spectra._cut(signal, FRAME, HOP, FRAMES), error),
            Candidate("formula, NumPy", by_formula, error),
        ],
    )


def levels() -> Table:
    """Band sums in decibels, in place; a copy of the sums is part of every row."""
    sums = np.random.default_rng(1).normal(size=(CLIPS, 4, BANDS, FRAMES)).astype(np.float32) ** 2
    bank = mel_filterbank(RATE, FRAME, BANDS).astype(np.float32)
    store = np.empty_like(sums)
    room = Room(np.zeros((CLIPS, 4, FRAMES, FRAME // 2 + 1), np.complex64), bank, store)

    def in_room(function):
        np.copyto(store, sums)
        return function()

    error = largest_error(decibels.levels(sums.astype(np.float64), 2.0, 100.0))
    return measure(
        f"Decibels of {BANDS} mel bands of {CLIPS} clips of 4 channels of 1 s",
        [
            Candidate("limit: copy the result", lambda: np.copyto(store, sums)),
            Candidate("ambikit, loop", lambda: in_room(lambda: decibels.levels(store, 2.0, 100.0, room=room)), error),
            Candidate("formula, NumPy", lambda: in_room(lambda: decibels.levels(store, 2.0, 100.0)), error),
        ],
        error="largest absolute error, dB",
    )


def positions() -> Table:
    """Where the pixels of views lie in a frame."""
    generator = np.random.default_rng(2)
    views = generator.uniform(-3, 3, 32), generator.uniform(-1, 1, 32), generator.uniform(0.4, 1.6, 32)
    column, row = locate_by_formula(*views, 112, 960, 1920)
    copy = np.empty((2, *column.shape))

    def error(found):
        # the left rim is the right one
        across = np.abs(found[0] - column)
        return float(max(np.minimum(across, 1920 - across).max(), np.abs(found[1] - row).max()))

    return measure(
        "Positions of the pixels of 32 views of 112 × 112 in a frame of 1920 × 960",
        [
            Candidate("limit: fill the result", lambda: copy.fill(0)),
            Candidate("ambikit, loop", lambda: locate_views(*views, 112, 960, 1920), error),
            Candidate("formula, NumPy", lambda: locate_by_formula(*views, 112, 960, 1920), error),
        ],
        error="largest difference of the two, pixels",
    )


if __name__ == "__main__":
    report("loops", [frames(), levels(), positions()])
