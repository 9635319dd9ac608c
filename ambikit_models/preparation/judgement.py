"""What is worth knowing of a sound before one learns from it: its verdict, its silence, where its energy comes from."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

import ambikit
from ambikit.analysis.validity import check_in_blocks
from ambikit.cli.metadata import evidence_against
from ambikit.errors import AmbikitError
from ambikit.files.metadata.facts import SpatialMetadata
from ambikit.operators.channel_axis import COLUMNS_AT_ONCE

__all__ = ["Reading", "energy_grid", "judge", "judge_blocks", "noted", "open_sound", "silent_blocks"]

#: seconds that are silent or not as a whole
BLOCK = 0.1
_ENTRIES = np.triu_indices(4)
_SOURCES = ("ambix", "n3d", "fuma")
#: formats that the scale of a signal may speak for, by what is said of them
_FORMATS = {"sn3d": "AmbiX", "n3d": "N3D", "fuma": "FuMa"}


@dataclass(frozen=True)
class Reading:
    """How sound is read and judged.

    The fields but the last two are those of :func:`ambikit.read` and :func:`ambikit.check_foa`.
    """

    source: str = "ambix"
    """Convention of the channels in the files: ambix, n3d or fuma."""
    channel_map: tuple[int, ...] | None = None
    """These channels in this order, counted from 0; None lets the file speak and recognises YouTube's six."""
    tolerance: float = 0.1
    """Of the energy test."""
    silence_db: float = -60.0
    """A tenth of a second is silent where all channels stay below this level, dB relative to full scale."""

    def __post_init__(self) -> None:
        if self.source not in _SOURCES or not 0 < self.tolerance < 1:
            raise AmbikitError(
                f"got {self}; expected a source among {', '.join(_SOURCES)} and a tolerance between 0 and 1"
            )

    @property
    def keywords(self) -> dict[str, Any]:
        """What :func:`ambikit.read` is told."""
        return {"source": self.source, "channel_map": "auto" if self.channel_map is None else list(self.channel_map)}


def open_sound(path: str | Path, reading: Reading) -> tuple[Float[np.ndarray, "channels time"], float, list[str]]:
    """Read a sound as AmbiX; what is noted on the way is given, without the path."""
    with noted(path) as notes:
        signal, rate = ambikit.read(path, **reading.keywords)
    return signal, float(rate), notes


@contextmanager
def noted(path: str | Path) -> Iterator[list[str]]:
    """Warnings about a file as a list, each once and without the path, which is filled at the end."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield notes
        finally:
            said = (str(w.message).replace(str(path), "it") for w in caught if w.category is UserWarning)
            notes += dict.fromkeys(said)


def judge(
    signal: Float[np.ndarray, "channels time"],
    sample_rate: float,
    reading: Reading,
    said: SpatialMetadata | None = None,
) -> dict[str, Any]:
    """The report of :func:`ambikit.check_foa` on the first four channels, and a few figures beside it, as a record.

    ``format`` is a guess: AmbiX, N3D, FuMa or unknown. Where it is N3D or FuMa, ``verdict_if_so`` is the verdict of
    the signal when it is taken as that. ``agreement`` says whether what the file says of itself (``said``) fits the
    signal. ``covariance`` has the upper triangle of the covariance of W, Y, Z, X, row by
    row, relative to the energy of W.

    Examples
    --------
    >>> front = np.random.default_rng(0).standard_normal((1, 4800)) * [[1.0], [0.0], [0.0], [1.0]]
    >>> record = judge(0.1 * front, 48000.0, Reading())
    >>> record["verdict"], record["format"], record["silence_share"]
    ('doubtful', 'AmbiX', 0.0)
    """
    return judge_blocks(lambda: [signal], sample_rate, reading, said)[0]


def judge_blocks(
    walk: Callable[[], Iterable[Float[np.ndarray, "channels _"]]],
    sample_rate: float,
    reading: Reading,
    said: SpatialMetadata | None = None,
) -> tuple[dict[str, Any], int]:
    """The same of a signal that comes block by block whenever ``walk`` is called, once or twice; and its samples."""
    glance = _Glance(sample_rate, reading.silence_db)
    report = check_in_blocks(map(glance.first_order, walk()), sample_rate, tolerance=reading.tolerance)
    record = {
        "verdict": report.verdict,
        "passes_energy_test": report.passes_energy_test,
        "energy_ratio": report.energy_ratio,
        "format": _FORMATS.get(report.normalization or "", "unknown"),
        "reasons": list(report.reasons),
        "proposal": report.proposal,
        "silence_share": glance.silence_share(),
        "peak": glance.peak,
        "covariance": glance.covariance(),
    }
    if report.normalization in ("n3d", "fuma"):
        guess: Any = report.normalization
        as_guessed = (ambikit.convert(block[:4], guess, "ambix") for block in walk())
        record["verdict_if_so"] = check_in_blocks(as_guessed, sample_rate, tolerance=reading.tolerance).verdict
    agreement = evidence_against(said, report) if said is not None else []
    if agreement:
        record["agreement"] = " ".join(agreement)
    return record, glance.samples


class _Glance:
    """What is counted while blocks go by: silence, the peak, and the covariance of the first four channels."""

    def __init__(self, sample_rate: float, silence_db: float) -> None:
        self.sample_rate, self.silence_db = sample_rate, silence_db
        self.samples, self.peak = 0, 0.0
        self._size, self._rest = block_length(sample_rate), np.zeros((4, 0))
        self._silent = self._blocks = 0
        self._sums, self._finite = np.zeros((4, 4)), True

    def first_order(self, block: Float[np.ndarray, "channels time"]) -> Float[np.ndarray, "4 time"]:
        """Count a block, and give its first four channels."""
        self.samples += block.shape[1]
        self.peak = float(np.maximum(self.peak, np.abs(block).max(initial=0.0)))  # not a number stays that
        for start in range(0, block.shape[1], COLUMNS_AT_ONCE):
            piece = block[:4, start : start + COLUMNS_AT_ONCE].astype(np.float64)
            self._finite = self._finite and bool(np.isfinite(piece).all())
            if self._finite:
                self._sums += piece @ piece.T
            joined = np.concatenate([self._rest, piece], axis=1)
            whole = joined.shape[1] // self._size * self._size
            self._count(joined[:, :whole])
            self._rest = joined[:, whole:].copy()
        return block[:4]

    def silence_share(self) -> float:
        """The share of tenths of a second that are silent."""
        self._count(self._rest)
        self._rest = self._rest[:, :0]
        return self._silent / self._blocks

    def covariance(self) -> list[float]:
        """The upper triangle, relative to the energy of W; nothing where samples are not finite."""
        if not self._finite:
            return []
        reference = self._sums[0, 0] or self._sums.max() or 1.0
        return [float(f"{value:.5g}") for value in (self._sums / reference)[_ENTRIES]]

    def _count(self, samples: Float[np.ndarray, "4 time"]) -> None:
        if samples.size:
            silent = silent_blocks(samples, self.sample_rate, self.silence_db)
            self._silent, self._blocks = self._silent + int(silent.sum()), self._blocks + len(silent)


def silent_blocks(
    signal: Float[np.ndarray, "channels time"], sample_rate: float, silence_db: float = -60.0
) -> Bool[np.ndarray, "blocks"]:
    """Which tenths of a second are silent: the mean square of every channel is below a level (dB, full scale).

    Examples
    --------
    >>> sound = np.zeros((4, 4800))
    >>> sound[0, 2400:] = 0.1
    >>> silent_blocks(sound, 12000.0).tolist()
    [True, True, False, False]
    """
    size = block_length(sample_rate)
    count = -(-signal.shape[-1] // size)
    padded = np.pad(np.square(signal, dtype=np.float64), ((0, 0), (0, count * size - signal.shape[-1])))
    energies = padded.reshape(len(signal), count, size).sum(-1)
    lengths = np.minimum(size, signal.shape[-1] - size * np.arange(count))
    return (energies / lengths).max(axis=0) < 10 ** (silence_db / 10)


def block_length(sample_rate: float) -> int:
    """Samples that are silent or not as a whole."""
    return max(1, round(BLOCK * sample_rate))


def energy_grid(covariance: list[float], rows: int = 32, columns: int = 64) -> Float[np.ndarray, "rows columns"] | None:
    """A map of the energy over the sphere, equirectangular, from the covariance of a record; None without energy."""
    entries = np.array(covariance, dtype=np.float64)
    if entries.shape != (10,) or not np.isfinite(entries).all() or not entries.any():
        return None
    upper = np.zeros((4, 4))
    upper[_ENTRIES] = entries
    matrix = upper + np.triu(upper, 1).T
    azimuth, elevation = ambikit.pixels_to_angles(np.arange(columns), np.arange(rows)[:, None], columns, rows)
    return ambikit.power_map(matrix, azimuth, elevation)
