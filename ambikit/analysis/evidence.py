"""What the second-order statistics of four channels speak for: findings for :func:`ambikit.check_foa`.

Everything here follows from the 4 × 4 covariance of W, Y, Z, X. All rules treat the three dipoles alike, because
no statistic can tell them apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import atan2, degrees, hypot
from typing import Literal

import numpy as np

__all__ = ["Finding", "Statistics", "findings"]

SILENT = 1e-6  # energy relative to the loudest channel: 60 dB below it
LOUD_DIPOLE = 1.1  # energy relative to W; uncorrelated sources stay at or below 1
COHERENT = 0.999  # of two channels that carry one signal, also after a lossy codec
EQUAL_DB = 0.1  # level difference of two channels that are copies
NEAR = (1.5, 4.0)  # energy ratios from which another scale comes nearer to 1
ONE_WAVE = 0.999  # share of the strongest principal component in a single plane wave

NAMES = "WYZX"
RATIOS = {"sn3d": 1.0, "fuma": 2.0, "n3d": 3.0}  # the energy ratio that each scale gives to any good scene
TITLES = {"fuma": "FuMa (W 3 dB lower)", "n3d": "N3D (dipoles 4.8 dB louder)"}


@dataclass(frozen=True)
class Finding:
    """One sentence, what it makes of the verdict, what could be tried, and the scale it guesses."""

    severity: Literal["invalid", "doubtful"]
    sentence: str
    proposal: str | None = None
    scale: Literal["n3d", "fuma"] | None = None


@dataclass(frozen=True)
class Statistics:
    """The numbers behind the findings, from the covariance of W, Y, Z, X and the tolerance of the energy test."""

    covariance: np.ndarray
    tolerance: float

    @cached_property
    def energies(self) -> np.ndarray:
        """Energy per channel."""
        return np.diag(self.covariance)

    @cached_property
    def energy_ratio(self) -> float:
        """Energy of the dipoles relative to W."""
        return _ratio(self.energies[1:].sum(), self.energies[0])

    @cached_property
    def passes(self) -> bool:
        """Whether the energy test passes."""
        return self.fits(self.energy_ratio, 1.0)

    def fits(self, ratio: float, expected: float) -> bool:
        """Whether two energy ratios agree within the tolerance."""
        return bool(abs(ratio / expected - 1) <= self.tolerance)

    @cached_property
    def scale(self) -> str | None:
        """The normalisation whose energy ratio the signal shows within the tolerance, the nearest one first."""
        fitting = [name for name, ratio in RATIOS.items() if self.fits(self.energy_ratio, ratio)]
        return min(fitting, key=lambda name: abs(np.log(self.energy_ratio / RATIOS[name])), default=None)

    @cached_property
    def levels_db(self) -> np.ndarray:
        """Level per channel relative to the loudest."""
        with np.errstate(divide="ignore"):
            return 10 * np.log10(self.energies / self.energies.max())

    @cached_property
    def silent(self) -> list[int]:
        """Channels at least 60 dB below the loudest."""
        return [channel for channel in range(4) if self.energies[channel] <= SILENT * self.energies.max()]

    @cached_property
    def coherence(self) -> np.ndarray:
        """Correlation coefficients; 0 with a channel of energy 0."""
        norms = np.sqrt(np.where(self.energies > 0, self.energies, np.inf))
        return self.covariance / np.outer(norms, norms)

    @cached_property
    def strongest_component(self) -> float:
        """Share of the energy that one signal, scaled into every channel, accounts for."""
        return float(np.linalg.eigvalsh(self.covariance)[-1] / self.energies.sum())

    @property
    def one_signal(self) -> bool:
        """Whether all channels carry multiples of one signal."""
        return self.strongest_component >= ONE_WAVE

    @property
    def one_plane_wave(self) -> bool:
        """Whether the channels carry one signal with the energies of a plane wave."""
        return self.one_signal and self.passes

    def coherent(self, a: int, b: int) -> bool:
        """Whether two channels, neither of them silent, carry one signal."""
        return not {a, b} & set(self.silent) and bool(abs(self.coherence[a, b]) >= COHERENT)

    def copied(self, a: int, b: int) -> bool:
        """Whether two channels carry one signal at one level."""
        return self.coherent(a, b) and bool(abs(self.levels_db[a] - self.levels_db[b]) <= EQUAL_DB)

    def figures(self) -> dict[str, float]:
        """The numbers by name."""
        named = {f"level_{name.lower()}_db": value for name, value in zip(NAMES, self.levels_db)}
        for dipole in (1, 2, 3):
            named[f"{NAMES[dipole].lower()}_to_w"] = _ratio(self.energies[dipole], self.energies[0])
        for a, b in combinations(range(4), 2):
            named[f"coherence_{NAMES[a].lower()}_{NAMES[b].lower()}"] = self.coherence[a, b]
        named["strongest_component"] = self.strongest_component
        return {name: float(value) for name, value in named.items()}


def findings(statistics: Statistics) -> Iterator[Finding]:
    """Every finding that speaks against plain AmbiX, evidence of another format first.

    Padding and copies explain every energy ratio and every loud dipole, so they end that part of the search.
    """
    broken = [*_stereo_padding(statistics)] or [*_copies(statistics)]
    if not broken:
        broken = [*_another_scale(statistics), *_misplaced_omnidirectional(statistics), *_missing_dipoles(statistics)]
    yield from broken
    yield from _one_silent_dipole(statistics)
    yield from _scaled_copies(statistics)
    yield from _single_plane_wave(statistics)
    if not broken and not statistics.passes:
        yield Finding("doubtful", _energy_sentence(statistics))


def _ratio(numerator: float, denominator: float) -> float:
    if denominator > 0:
        return float(numerator / denominator)
    return float("inf") if numerator > 0 else float("nan")


def _names(channels: list[int]) -> str:
    *head, last = [NAMES[channel] for channel in channels]
    return f"{', '.join(head)} and {last}" if head else last


def _silence(dipoles: list[int]) -> str:
    verb = "is" if len(dipoles) == 1 else "are"
    return f"{_names(dipoles)} {verb} silent (60 dB or more below the loudest channel)"


def _energy_sentence(s: Statistics) -> str:
    cause = "Correlated sources, a loud early reflection or a poor encoding can do this."
    if s.one_signal:
        cause = "All channels carry one and the same signal, so there may be correlated sources: echoes or a phantom."
    return (
        f"The energy test fails: the dipoles carry {s.energy_ratio:.3f} times the energy of W, "
        f"not 1 ± {s.tolerance:g}. {cause}{_nearest_scale(s)}"
    )


def _stereo_padding(s: Statistics) -> Iterator[Finding]:
    if len(s.silent) != 2 or 0 in s.silent or s.one_signal:
        return
    others = [channel for channel in range(4) if channel not in s.silent]
    sentence = (
        f"{_silence(s.silent)} although {_names(others)} carry two different signals: probably stereo padded with "
        "empty channels. "
        f"A field of sources exactly at the two ends of the {NAMES[others[1]]} axis would look the same."
    )
    yield Finding("invalid", sentence, f"signal[{others}] as ordinary stereo")


def _copies(s: Statistics) -> Iterator[Finding]:
    if s.one_plane_wave:
        return
    found: set[int] = set()
    for channel in range(4):
        copies = [other for other in range(4) if other == channel or s.copied(channel, other)]
        if len(copies) < 2 or channel in found:
            continue
        found.update(copies)
        alike = "No mixture of uncorrelated sources does this."
        if 0 not in copies:
            place = "plane" if len(copies) == 2 else "line"
            alike = f"A scene confined to the diagonal {place} between those axes would look the same."
        sentence = (
            f"{_names(copies)} carry the same signal at the same level, in a scene that is not one plane wave: "
            f"probably a copied channel. {alike}"
        )
        yield Finding("invalid", sentence)


def _another_scale(s: Statistics) -> Iterator[Finding]:
    scale = s.scale
    if scale in (None, "sn3d"):
        return
    sentence = (
        f"The dipoles carry {s.energy_ratio:.2f} times the energy of W, which is near {RATIOS[scale]:.0f}: "
        f"the scale is probably {TITLES[scale]}. This is a guess: a misplaced W can give the same ratio."
    )
    yield Finding("invalid", sentence, f"ambikit.convert(signal, {scale!r}, 'ambix')", scale)


def _misplaced_omnidirectional(s: Statistics) -> Iterator[Finding]:
    loudest = max((1, 2, 3), key=lambda dipole: s.energies[dipole])
    if s.energies[loudest] <= LOUD_DIPOLE * s.energies[0]:
        return
    louder = f"{NAMES[loudest]} carries {_ratio(s.energies[loudest], s.energies[0]):.2f} times the energy of W"
    if 0 in s.silent:
        louder = f"W is silent and {NAMES[loudest]} is not"
    sentence = (
        f"{louder}, while no dipole exceeds W in a mixture of uncorrelated sources: "
        f"W may have changed places with {NAMES[loudest]}, or the scale is not SN3D.{_nearest_scale(s)}"
    )
    # If the exchange repairs the energy test, it is worth trying.
    repaired = _ratio(s.energies.sum() - s.energies[loudest], s.energies[loudest])
    order = list(range(4))
    order[0], order[loudest] = loudest, 0
    yield Finding("invalid", sentence, f"signal[{order}]" if s.fits(repaired, 1.0) else None)


def _nearest_scale(s: Statistics) -> str:
    """A scale worth trying although the energy ratio misses it by more than the tolerance."""
    if s.scale is not None or not NEAR[0] < s.energy_ratio < NEAR[1]:
        return ""
    nearest = min(TITLES, key=lambda name: abs(np.log(s.energy_ratio / RATIOS[name])))
    return (
        f" The energy ratio of {s.energy_ratio:.2f} fits no scale within the tolerance; the nearest is "
        f"{TITLES[nearest]}, which would leave {s.energy_ratio / RATIOS[nearest]:.2f}."
    )


def _missing_dipoles(s: Statistics) -> Iterator[Finding]:
    silent = [dipole for dipole in s.silent if dipole != 0]
    if len(silent) == 3:
        yield Finding("invalid", f"{_silence(silent)}: W alone is a mono signal.", "signal[:1] as a mono signal")
    elif silent and not s.passes:
        cause = "a channel is missing or the scale is not SN3D"
        yield Finding("invalid", f"{_silence(silent)} and the energy test fails: {cause}.")


def _one_silent_dipole(s: Statistics) -> Iterator[Finding]:
    if len(s.silent) == 1 and s.passes:
        sentence = (
            f"{_silence(s.silent)} and the rest is consistent: a scene in the plane of the other two axes or a dropped "
            "channel, the signal cannot decide."
        )
        yield Finding("doubtful", sentence)


def _scaled_copies(s: Statistics) -> Iterator[Finding]:
    if s.one_signal:
        return
    for a, b in combinations(range(4), 2):
        if s.coherent(a, b) and not s.copied(a, b):
            alike = "one cone around that axis" if a == 0 else "one plane through the third axis"
            difference = abs(s.levels_db[a] - s.levels_db[b])
            sentence = (
                f"{_names([a, b])} carry the same signal, {difference:.1f} dB apart: one may be a scaled copy. "
                f"A scene confined to {alike} would look the same."
            )
            yield Finding("doubtful", sentence)


def _single_plane_wave(s: Statistics) -> Iterator[Finding]:
    if not s.one_plane_wave:
        return
    y, z, x = s.covariance[0, 1:]
    azimuth, elevation = round(degrees(atan2(y, x))), round(degrees(atan2(z, hypot(x, y))))
    sentence = (
        f"The scene is a single plane wave (azimuth {azimuth}°, elevation {elevation}°): "
        "it cannot be told from one signal copied into several channels and padded with silence."
    )
    yield Finding("doubtful", sentence)
