"""What has to be known of a recording of any length, taken block by block: its peaks, and its energies below 4 kHz."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, is_torch

__all__ = ["Energies", "Extremes", "find_extremes", "measure_energies"]

BLOCK = 1 << 16  # samples; small enough for the cache, and an hour of sound needs no more memory than a second
LOWPASS_HZ = 4000.0  # above it microphone arrays alias and their encoding is not to be judged
LOWPASS_ORDER = 8


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
    peaks, bad_samples, first_bad = np.zeros(signal.shape[0]), 0, None
    for start, block in _blocks(signal):
        bad = ~np.isfinite(block)
        if bad.any():
            bad_samples += int(bad.sum())
            if first_bad is None:
                time = int(bad.any(axis=0).argmax())
                channel = int(bad[:, time].argmax())
                first_bad = channel, start + time, float(block[channel, time])
        else:
            peaks = np.maximum(peaks, np.abs(block).max(axis=-1))
    return Extremes(peaks, bad_samples, first_bad)


def measure_energies(
    signal: Float[Array, "channels time"], sample_rate: float, peaks: Float[np.ndarray, "channels"], exponent: int
) -> Energies:
    """Energies of a finite signal; scaled by a power of two, exactly, so that squares neither overflow nor vanish."""
    channels, time = signal.shape
    sections, state = _lowpass(sample_rate, channels)
    low_passed, total, sums, in_runs = np.zeros((channels, channels)), 0.0, np.zeros(channels), 0
    at_peak = np.zeros((channels, 2), dtype=bool)
    for _, block in _blocks(signal):
        now_at_peak = (np.abs(block) == peaks[:, None]) & (peaks[:, None] > 0)
        at_peak = np.concatenate([at_peak[:, -2:], now_at_peak], axis=-1)
        in_runs += int((at_peak[:, :-2] & at_peak[:, 1:-1] & at_peak[:, 2:]).sum())
        block = np.ldexp(block, exponent)
        total += float((block**2).sum())
        sums += block.sum(axis=-1)
        if sections is not None:
            from scipy.signal import sosfilt

            block, state = sosfilt(sections, block, axis=-1, zi=state)
        low_passed += block @ block.T
    return Energies(low_passed, total, float((sums**2).sum() / time), in_runs)


def _lowpass(sample_rate: float, channels: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The sections of the filter and its state at rest; none where there is nothing above 4 kHz."""
    if sample_rate <= 2 * LOWPASS_HZ:
        return None, None
    from scipy.signal import butter

    sections = butter(LOWPASS_ORDER, LOWPASS_HZ, fs=sample_rate, output="sos")
    return sections, np.zeros((len(sections), channels, 2))


def _blocks(signal: Array) -> Iterator[tuple[int, np.ndarray]]:
    for start in range(0, signal.shape[-1], BLOCK):
        block = signal[:, start : start + BLOCK]
        if is_torch(block):
            block = block.detach().cpu().double().numpy()
        yield start, np.asarray(block, dtype=np.float64)
