"""What a recording says of itself, segment by segment, in memory that does not grow with its length."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ambikit.errors import AmbikitError

__all__ = ["Direction", "Findings", "Segment", "findings_of", "segment_edges"]

WINDOW, OVERLAP = 0.021, 2  # seconds of a frame, at most doubled; frames over each sample
FEWEST_VOTES = 0.01  # a source with a smaller share of the votes is the side of another one, or rounding


class Direction(NamedTuple):
    """Where a source was found."""

    azimuth: float  # degrees
    elevation: float
    strength: float  # share of the votes


class Segment(NamedTuple):
    """What was found in a part of the time; NaN where nothing sounds."""

    start: float  # seconds
    end: float
    level_db: float  # of W, 0 dB for a square wave of full scale; −inf in silence
    diffuseness: float
    directions: tuple[Direction, ...]  # the strongest first


class Findings(NamedTuple):
    """What was found in a recording."""

    segments: list[Segment]
    level_db: float
    diffuseness: float
    covariance: np.ndarray  # (channels, channels), of the frequencies that were looked at


def segment_edges(frames: int, sample_rate: float, length: float) -> list[int]:
    """Where segments of so many seconds begin, and where the last ends, which takes what is left, by a half at most.

    >>> segment_edges(24, 10, 1.0), segment_edges(26, 10, 1.0), segment_edges(3, 10, 1.0)
    ([0, 10, 24], [0, 10, 20, 26], [0, 3])
    """
    count = max(1, round(frames / (length * sample_rate)))
    return [round(number * length * sample_rate) for number in range(count)] + [frames]


def findings_of(
    blocks: Iterable[np.ndarray],
    edges: list[int],
    sample_rate: float,
    sources: int | None,
    frequencies: tuple[float, float],
) -> Findings:
    """Analyse the blocks ``(channels, time)`` of a recording, cut at ``edges``; sources None: count them."""
    from ambikit.analysis.spectra import feature_grid

    frame_length, _, _ = feature_grid(edges[-1], sample_rate, WINDOW, WINDOW)
    bins = np.fft.rfftfreq(frame_length, 1 / sample_rate)
    heard = slice(*np.searchsorted(bins, (frequencies[0], np.nextafter(frequencies[1], np.inf))))
    if heard.start == heard.stop:
        raise AmbikitError(
            f"got --frequencies {frequencies[0]:g} {frequencies[1]:g}, with no frequency between that frames of "
            f"{frame_length} samples tell apart; expected a range wider than {bins[1]:.4g} Hz, below half the sample "
            f"rate, {sample_rate / 2:g} Hz"
        )
    segments, weights, power, covariance = [], [], 0.0, 0.0
    for (start, end), signal in zip(pairwise(edges), _cut(blocks, edges)):
        if bad := signal.size - np.count_nonzero(np.isfinite(signal)):
            raise AmbikitError(
                f"got {bad} samples that are NaN or infinite between {start / sample_rate:.3f} s and "
                f"{end / sample_rate:.3f} s; expected finite ones; find where they are with: ambikit check"
            )
        square = float(np.mean(np.square(signal[0], dtype=np.float64)))
        energy, diffuseness, matrix, directions = _look(signal, frame_length, heard, sources)
        segments.append(Segment(start / sample_rate, end / sample_rate, _decibels(square), diffuseness, directions))
        weights.append(energy)
        power += square * (end - start)
        covariance = covariance + matrix
    weighted = [(weight, found.diffuseness) for weight, found in zip(weights, segments) if weight > 0]
    total = sum(weight for weight, _ in weighted)
    mean = sum(weight * value for weight, value in weighted) / total if total else np.nan
    return Findings(segments, _decibels(power / edges[-1]), mean, np.asarray(covariance))


def _cut(blocks: Iterable[np.ndarray], edges: list[int]) -> Iterator[np.ndarray]:
    """The same samples in other blocks, from edge to edge."""
    source, held, length = iter(blocks), [], 0
    for start, end in pairwise(edges):
        while length < end - start:
            held.append(next(source))
            length += held[-1].shape[-1]
        joined = np.concatenate(held, axis=-1) if len(held) > 1 else held[0]
        yield joined[:, : end - start]
        held, length = [joined[:, end - start :]], length - (end - start)


def _look(
    signal: np.ndarray, frame_length: int, heard: slice, sources: int | None
) -> tuple[float, float, np.ndarray, tuple[Direction, ...]]:
    """Energy, diffuseness, the sum of covariances and the directions of a segment, at the frequencies to be heard."""
    from ambikit.analysis.covariance import spatial_covariance
    from ambikit.analysis.intensity import diffuseness, energy_density
    from ambikit.analysis.localization import direction_of_arrival
    from ambikit.analysis.source_count import number_of_sources
    from ambikit.analysis.spectra import stft

    spectrum = stft(signal, frame_length=frame_length, hop_length=frame_length // OVERLAP)[:, heard]
    energy = energy_density(spectrum).sum(-1, dtype=np.float64)
    covariance = spatial_covariance(spectrum).real.astype(np.float64)
    total = float(energy.sum())
    if total == 0:
        return 0.0, np.nan, covariance * 0, ()
    mean = float((diffuseness(spectrum, frames=None)[:, 0] * energy).sum() / total)
    count = int(number_of_sources(covariance)) if sources is None else sources
    found = direction_of_arrival(spectrum, count, degrees=True) if count else ((), (), ())
    directions = (Direction(*(float(number) for number in each)) for each in zip(*found))
    kept = tuple(each for each in directions if each.strength >= FEWEST_VOTES)
    return total, mean, covariance * (spectrum.shape[-2] * spectrum.shape[-1]), kept


def _decibels(square: float) -> float:
    return float(10 * np.log10(square)) if square > 0 else -np.inf
