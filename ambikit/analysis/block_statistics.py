"""What has to be known of a recording of any length, taken block by block: its peaks, and its energies below 4 kHz."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, cached_design, is_torch, widen

__all__ = ["Energies", "Extremes", "find_extremes", "measure_energies"]

BLOCK = 1 << 19  # samples; long, as each segment of a block starts early, but an hour needs no more memory than that
LOWPASS_HZ = 4000.0  # above it microphone arrays alias and their encoding is not to be judged
LOWPASS_ORDER = 8
FORGOTTEN = 1e-15  # what is left of the state of the filter where the loop takes it for nothing
FARTHEST = 1000  # powers of two; far enough that no square overflows or vanishes, and the factor itself is a number


@dataclass(frozen=True)
class Extremes:
    """The largest magnitude per channel, and where samples are nan or infinite."""

    peaks: Float[np.ndarray, "channels"]
    bad_samples: int
    first_bad: tuple[int, int, float] | None
    """Channel, time and value of the first sample that is not finite."""


@dataclass(frozen=True)
class Energies:
    """Sums over time, of the signal times 2^exponent."""

    low_passed: Float[np.ndarray, "channels channels"]
    """Products of the channels below 4 kHz."""
    total: float
    """Energy at all frequencies."""
    direct: float
    """Energy of the mean values."""
    in_runs_at_peak: int
    """Samples within three or more equal ones at the peak of their channel, less two per run."""


def find_extremes(signal: Float[Array, "channels time"]) -> Extremes:
    """Look at every sample once."""
    from ambikit.kernels.low_pass import largest_bits

    peaks, bad_samples, first_bad = np.zeros(signal.shape[0]), 0, None
    for start, block in _blocks(signal):
        words = f"u{block.dtype.itemsize}"
        mask = np.array(-1, words.replace("u", "i")).view(words) >> 1  # all bits but the sign
        largest = np.array([largest_bits(row.view(words), mask) for row in block], words).view(block.dtype)
        if np.isfinite(largest).all():
            peaks = np.maximum(peaks, largest)
            continue
        bad = ~np.isfinite(block)
        bad_samples += int(bad.sum())
        if first_bad is None:
            time = int(bad.any(axis=0).argmax())
            channel = int(bad[:, time].argmax())
            first_bad = channel, start + time, float(block[channel, time])
    return Extremes(peaks, bad_samples, first_bad)


def measure_energies(
    signal: Float[Array, "channels time"], sample_rate: float, peaks: Float[np.ndarray, "channels"], exponent: int
) -> Energies:
    """Energies of a finite signal; scaled by a power of two, exactly, so that squares neither overflow nor vanish."""
    from ambikit.kernels.low_pass import survey

    channels, time = signal.shape
    factor = 2.0 ** min(max(exponent, -FARTHEST), FARTHEST)
    low_pass = _LowPass(sample_rate, channels)
    total, sums, in_runs, at_peak = 0.0, np.zeros(channels), 0, [0] * channels
    for _, block in _blocks(signal):
        for c, (row, peak) in enumerate(zip(block, peaks)):
            energy, amount, runs, at_peak[c] = survey(row, factor, peak, at_peak[c])
            total, in_runs = total + energy, in_runs + runs
            sums[c] += amount
        low_pass.add(block, factor)
    return Energies(low_pass.products, total, float((sums**2).sum() / time), in_runs)


class _LowPass:
    """Sums of the products of low-passed channels; the filter goes on from block to block."""

    def __init__(self, sample_rate: float, channels: int) -> None:
        self.sections, self.forgets_after = _sections(sample_rate)
        self.state = np.zeros((len(self.sections), channels, 2))
        self.products = np.zeros((channels, channels))

    def add(self, block: np.ndarray, factor: float) -> None:
        """Add the products of the next samples: as many as can be by the loop, the rest by the formula."""
        done = self.add_by_loop(block, factor)
        if done < block.shape[-1]:
            self.add_by_formula(block[:, done:], factor)

    def add_by_loop(self, block: np.ndarray, factor: float) -> int:
        """Take whole segments, if they are long enough to forget what came before them. Returns the samples taken."""
        from ambikit.kernels.low_pass import SEGMENTS, STEPS, add_products

        length = block.shape[-1] // SEGMENTS // STEPS * STEPS
        if not len(self.sections) or len(block) != 4 or length < self.forgets_after + STEPS:
            return 0
        warm_up = STEPS * ceil(self.forgets_after / STEPS)
        add_products(tuple(block), length, factor, self.sections, warm_up, self.state, self.products)
        return length * SEGMENTS

    def add_by_formula(self, block: np.ndarray, factor: float) -> None:
        """Filter with SciPy."""
        filtered = block.astype(np.float64) * factor
        if len(self.sections):
            from scipy.signal import sosfilt

            filtered, self.state = sosfilt(self.sections, filtered, axis=-1, zi=self.state)
        self.products += filtered @ filtered.T


@cached_design
def _sections(sample_rate: float) -> tuple[np.ndarray, float]:
    """The sections of the filter, and the samples after which it has forgotten what came before.

    There are no sections where there is nothing above 4 kHz.
    """
    if sample_rate <= 2 * LOWPASS_HZ:
        return np.zeros((0, 6)), 0.0
    from scipy.signal import butter

    sections = np.asarray(butter(LOWPASS_ORDER, LOWPASS_HZ, fs=sample_rate, output="sos"))
    slowest = max(abs(pole) for section in sections for pole in np.roots(section[3:]))
    forgets_after = log(FORGOTTEN) / log(slowest) if slowest < 1 else float("inf")  # 1: barely above 8 kHz
    return sections, forgets_after


def _blocks(signal: Array) -> Iterator[tuple[int, np.ndarray]]:
    """Parts of the signal as NumPy, in single or double precision, with samples that lie one after the other."""
    for start in range(0, signal.shape[-1], BLOCK):
        block = signal[:, start : start + BLOCK]
        if is_torch(block):
            block = widen(block.detach().cpu().resolve_neg())[0].numpy()
        plain = block.dtype.char in "fd" and block.dtype.isnative and block.strides[-1] == block.itemsize
        yield start, block if plain else np.ascontiguousarray(block, dtype=np.float64)
