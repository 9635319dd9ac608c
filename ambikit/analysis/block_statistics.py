"""What has to be known of a recording of any length, taken block by block: its peaks, and its energies below 4 kHz."""

from collections.abc import Iterator
from math import ceil, log

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, cached_design, is_torch, widen

__all__ = ["BLOCK", "BlockStatistics"]

BLOCK = 1 << 19  # samples; long, as each segment of a block starts early, but an hour needs no more memory than that
LOWPASS_HZ = 4000.0  # above it microphone arrays alias and their encoding is not to be judged
LOWPASS_ORDER = 8
FORGOTTEN = 1e-15  # what is left of the state of the filter where the loop takes it for nothing
FARTHEST = 1000  # powers of two; far enough that no square overflows or vanishes, and the factor itself is a number


class BlockStatistics:
    """What is known of a recording so far; :meth:`add` takes the next samples, and none of them is kept.

    Squares neither overflow nor vanish: sums are those of the signal times 2^``exponent``, by which the largest
    magnitude lies between a half and 1. Where a louder sample comes, all that was added up is scaled, exactly, and
    samples that were at the peak before no longer are.
    """

    def __init__(self, sample_rate: float, channels: int = 4) -> None:
        self.samples = 0
        self.peaks = np.zeros(channels)
        """The largest magnitude per channel."""
        self.bad_samples = 0
        """Samples that are nan or infinite. From the first of them on no energies are added up."""
        self.first_bad: tuple[int, int, float] | None = None
        """Channel, time and value of the first sample that is not finite."""
        self.exponent = 0
        self.total = 0.0
        """Energy at all frequencies."""
        self._sums = np.zeros(channels)
        self._in_runs, self._at_peak = np.zeros((2, channels), dtype=np.int64)
        self._low_pass = _LowPass(sample_rate, channels)

    @property
    def low_passed(self) -> Float[np.ndarray, "channels channels"]:
        """Sums of the products of the channels below 4 kHz."""
        return self._low_pass.products

    @property
    def direct(self) -> float:
        """Energy of the mean values."""
        return float((self._sums**2).sum() / self.samples)

    @property
    def in_runs_at_peak(self) -> int:
        """Samples within three or more equal ones at the peak of their channel, less two per run."""
        return int(self._in_runs.sum())

    def add(self, signal: Float[Array, "channels time"]) -> None:
        """Take the next samples, of which each is looked at once."""
        for block in _blocks(signal):
            largest = _largest_magnitudes(block)
            if not np.isfinite(largest).all():
                self._count_bad(block)
            elif self.first_bad is None:
                self._make_room(largest)
                self._add_energies(block)
            self.samples += block.shape[-1]

    def _count_bad(self, block: np.ndarray) -> None:
        bad = ~np.isfinite(block)
        self.bad_samples += int(bad.sum())
        if self.first_bad is None:
            time = int(bad.any(axis=0).argmax())
            channel = int(bad[:, time].argmax())
            self.first_bad = channel, self.samples + time, float(block[channel, time])

    def _make_room(self, largest: np.ndarray) -> None:
        louder = largest > self.peaks
        self._in_runs[louder] = self._at_peak[louder] = 0
        self.peaks = np.maximum(self.peaks, largest)
        exponent = min(max(-int(np.frexp(self.peaks.max())[1]), -FARTHEST), FARTHEST)
        change, self.exponent = exponent - self.exponent, exponent
        if change:
            self.total = float(np.ldexp(self.total, 2 * change))
            self._sums = np.ldexp(self._sums, change)
            self._low_pass.scale(change)

    def _add_energies(self, block: np.ndarray) -> None:
        from ambikit.kernels.low_pass import survey

        factor = 2.0**self.exponent
        for c, (row, peak) in enumerate(zip(block, self.peaks)):
            energy, amount, runs, self._at_peak[c] = survey(row, factor, peak, self._at_peak[c])
            self.total += energy
            self._sums[c] += amount
            self._in_runs[c] += runs
        self._low_pass.add(block, factor)


def _largest_magnitudes(block: np.ndarray) -> np.ndarray:
    """Per channel; infinite or NaN where a sample is."""
    from ambikit.kernels.low_pass import largest_bits

    words = f"u{block.dtype.itemsize}"
    mask = np.array(-1, words.replace("u", "i")).view(words) >> 1  # all bits but the sign
    return np.array([largest_bits(row.view(words), mask) for row in block], words).view(block.dtype)


class _LowPass:
    """Sums of the products of low-passed channels; the filter goes on from block to block."""

    def __init__(self, sample_rate: float, channels: int) -> None:
        self.sections, self.forgets_after = _sections(sample_rate)
        self.state = np.zeros((len(self.sections), channels, 2))
        self.products = np.zeros((channels, channels))

    def scale(self, exponent: int) -> None:
        """Go on as if all samples so far had been louder by a power of two."""
        self.state, self.products = np.ldexp(self.state, exponent), np.ldexp(self.products, 2 * exponent)

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


def _blocks(signal: Array) -> Iterator[np.ndarray]:
    """Parts of the signal as NumPy, in single or double precision, with samples that lie one after the other."""
    for start in range(0, signal.shape[-1], BLOCK):
        block = signal[:, start : start + BLOCK]
        if is_torch(block):
            block = widen(block.detach().cpu().resolve_neg())[0].numpy()
        plain = block.dtype.char in "fd" and block.dtype.isnative and block.strides[-1] == block.itemsize
        yield block if plain else np.ascontiguousarray(block, dtype=np.float64)
