"""What is worth knowing of a sound before one learns from it: its verdict, its silence, where its energy comes from."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

import ambikit
from ambikit.cli.metadata import evidence_against
from ambikit.errors import AmbikitError
from ambikit.files.metadata.facts import SpatialMetadata

__all__ = ["Reading", "energy_grid", "judge", "open_sound", "silent_blocks"]

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


def open_sound(path: str | Path, reading: Reading) -> tuple[Float[np.ndarray, "channels time"], float, list[str]]:
    """Read a sound as AmbiX; what is noted on the way is given, without the path."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        channel_map: Any = "auto" if reading.channel_map is None else list(reading.channel_map)
        signal, rate = ambikit.read(path, source=reading.source, channel_map=channel_map)
    said = dict.fromkeys(str(w.message).replace(str(path), "it") for w in caught if w.category is UserWarning)
    return signal, float(rate), list(said)


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
    first = signal[:4]
    report = ambikit.check_foa(first, sample_rate, tolerance=reading.tolerance)
    record = {
        "verdict": report.verdict,
        "passes_energy_test": report.passes_energy_test,
        "energy_ratio": report.energy_ratio,
        "format": _FORMATS.get(report.normalization or "", "unknown"),
        "reasons": list(report.reasons),
        "proposal": report.proposal,
        "silence_share": float(np.mean(silent_blocks(first, sample_rate, reading.silence_db))),
        "peak": float(np.abs(signal).max()),
        "covariance": _covariance(first),
    }
    if report.normalization in ("n3d", "fuma"):
        as_guessed = ambikit.convert(first, report.normalization, "ambix")
        record["verdict_if_so"] = ambikit.check_foa(as_guessed, sample_rate, tolerance=reading.tolerance).verdict
    agreement = evidence_against(said, report) if said is not None else []
    if agreement:
        record["agreement"] = " ".join(agreement)
    return record


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
    size = max(1, round(BLOCK * sample_rate))
    count = -(-signal.shape[-1] // size)
    padded = np.pad(np.square(signal, dtype=np.float64), ((0, 0), (0, count * size - signal.shape[-1])))
    energies = padded.reshape(len(signal), count, size).sum(-1)
    lengths = np.minimum(size, signal.shape[-1] - size * np.arange(count))
    return (energies / lengths).max(axis=0) < 10 ** (silence_db / 10)


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


def _covariance(first: Float[np.ndarray, "4 time"]) -> list[float]:
    if not np.isfinite(first).all():
        return []
    largest = float(np.abs(first).max())
    scaled = first / largest if largest else first
    matrix = np.asarray(scaled @ scaled.T, dtype=np.float64)
    reference = matrix[0, 0] or matrix.max() or 1.0
    return [float(f"{value:.5g}") for value in (matrix / reference)[_ENTRIES]]
