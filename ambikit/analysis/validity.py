"""What a four-channel signal really is: AmbiX, another format, or something that only looks like it, and why.

The only place of ambikit that judges values. The signal is brought to NumPy on the CPU for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from jaxtyping import Float

from ambikit._arrays import Array
from ambikit._checks import check_floating, check_sample_rate
from ambikit.analysis.block_statistics import BlockStatistics
from ambikit.analysis.evidence import NAMES, Statistics, findings
from ambikit.errors import AmbikitError, ShapeError

__all__ = ["FoaReport", "check_foa", "check_in_blocks"]

AUDIBLE = 1e-6  # share of the energy that must lie below the low-pass for a judgement
NOTEWORTHY = 0.01  # share of direct current or of clipped samples that is worth a sentence

_UNPROVEN = (
    "The order and the signs of X, Y and Z among themselves are not proven: no statistic of the signal alone "
    "can see them."
)


@dataclass(frozen=True)
class FoaReport:
    """What :func:`check_foa` found; ``print(report)`` shows it as text.

    Attributes
    ----------
    verdict : {"valid", "doubtful", "invalid"}
        *valid*: the energy test passes and nothing speaks against it. *doubtful*: the energy test fails without
        evidence of another format, or the signal cannot decide. *invalid*: evidence of another or a broken format.
    energy_ratio : float
        (Eₓ + E_y + E_z) / E_w below 4 kHz; nan if there is nothing to judge, inf if W alone is silent.
    passes_energy_test : bool
        Whether ``|energy_ratio − 1| ≤ tolerance``, and nothing else.
    normalization : {"sn3d", "n3d", "fuma"} or None
        The scale that the energy ratio speaks for. "n3d" and "fuma" are guesses; None where there is none to make.
    reasons : tuple of str
        One sentence per finding, the strongest first.
    figures : dict of str to float
        What the reasons rest on: levels in dB relative to the loudest channel, dipole-to-W energy ratios, coherences,
        the share of the strongest principal component, the shares of energy below 4 kHz, of direct current and of
        samples in clipped runs.
    proposal : str or None
        What could be tried, as an expression in ``signal``. Try it, listen, and check again.
    """

    verdict: Literal["valid", "doubtful", "invalid"]
    energy_ratio: float
    passes_energy_test: bool
    normalization: Literal["sn3d", "n3d", "fuma"] | None
    reasons: tuple[str, ...]
    figures: dict[str, float] = field(default_factory=dict)
    proposal: str | None = None

    @property
    def valid(self) -> bool:
        """Whether the verdict is "valid"."""
        return self.verdict == "valid"

    def __str__(self) -> str:
        test = "passes" if self.passes_energy_test else "fails"
        lines = [f"{self.verdict}: the energy ratio is {self.energy_ratio:.3f} and {test} the energy test"]
        lines += [f"  - {reason}" for reason in self.reasons]
        if self.proposal is not None:
            lines.append(f"  try: {self.proposal}")
        return "\n".join(lines)


def check_foa(signal: Float[Array, "4 time"], sample_rate: float, *, tolerance: float = 0.1) -> FoaReport:
    r"""Say whether four channels are first-order AmbiX, and if not, what they may be.

    In any mixture of uncorrelated sources and diffuse sound the three dipoles together carry as much energy as
    the omnidirectional channel. The test is, after a low-pass at 4 kHz (Butterworth, order 8; none at 8 kHz sample
    rate and below, where there is nothing above 4 kHz),

    .. math:: \left| \frac{\sum_t x_t^2 + y_t^2 + z_t^2}{\sum_t w_t^2} - 1 \right| \le \tau .

    Alone it accepts stereo padded with silence and many wrong channel maps. So the verdict also weighs silent
    and copied channels, a dipole louder than W, the ratios 3 and 2 that N3D and FuMa scales give, and whether the scene
    is a single plane wave, which cannot be told from copies. Guesses are called guesses. No statistic can prove
    the order and the signs of X, Y and Z among themselves, and the report says so.

    Parameters
    ----------
    signal : array of shape (4, time)
        One first-order signal, channels W, Y, Z, X. Of a higher order pass ``signal[:4]``.
    sample_rate : float
        In Hz.
    tolerance : float
        τ of the energy test, between 0 and 1. The same relative tolerance serves the guess of another scale.

    Returns
    -------
    FoaReport
        The verdict, the figures and the reasons in plain words.

    Raises
    ------
    ShapeError
        If the signal is not of shape (4, time), or empty.
    ArrayTypeError
        If the samples are not real floating-point numbers.

    References
    ----------
    S. Wang, A. Politis, A. Mesaros and T. Virtanen, "Self-supervised learning of audio representations from
    audio-visual data using spatial alignment", IEEE Journal of Selected Topics in Signal Processing 16 (6), 2022,
    eq. (13).

    Examples
    --------
    Three talkers around the listener, each encoded by hand as W = 1, Y = sin az cos el, Z = sin el, X = cos az cos el:

    >>> import numpy as np
    >>> talkers = np.random.default_rng(0).standard_normal((3, 48000))
    >>> azimuth, elevation = np.radians([20.0, 140.0, -100.0]), np.radians([0.0, 30.0, -40.0])
    >>> gains = np.stack([np.ones(3), np.sin(azimuth) * np.cos(elevation), np.sin(elevation),
    ...                   np.cos(azimuth) * np.cos(elevation)])
    >>> check_foa(gains @ talkers, 48000).verdict
    'valid'

    The same scene with its dipoles √3 louder has three times the energy in them: N3D.

    >>> report = check_foa(np.sqrt([[1], [3], [3], [3]]) * (gains @ talkers), 48000)
    >>> report.verdict, report.normalization, round(report.energy_ratio, 1)
    ('invalid', 'n3d', 3.0)
    >>> report.proposal
    "ambikit.convert(signal, 'n3d', 'ambix')"
    """
    sample_rate = check_sample_rate(sample_rate)
    _check_shape(signal)
    return check_in_blocks([signal], sample_rate, tolerance=tolerance)


def check_in_blocks(blocks: Iterable[Float[Array, "4 _"]], sample_rate: float, *, tolerance: float = 0.1) -> FoaReport:
    """Judge a signal that comes piece by piece as :func:`check_foa` does; in blocks of ``BLOCK`` to the same bits.

    Examples
    --------
    >>> import numpy as np
    >>> signal = np.random.default_rng(0).standard_normal((4, 48000)) / np.sqrt([[1], [3], [3], [3]])
    >>> check_in_blocks(np.split(signal, [10000, 10001], axis=1), 48000).verdict
    'valid'
    """
    sample_rate = check_sample_rate(sample_rate)
    if not 0 < tolerance < 1:
        raise AmbikitError(f"got tolerance={tolerance!r}; expected a number between 0 and 1, e.g. 0.1")
    found = BlockStatistics(sample_rate)
    for block in blocks:
        found.add(block)
    if found.first_bad is not None:
        return _report(
            "invalid", float("nan"), False, None, [_not_finite(found.bad_samples, *found.first_bad, sample_rate)]
        )
    if not found.peaks.any():
        return _report("doubtful", float("nan"), False, None, ["All samples are zero: there is nothing to judge."])
    statistics = Statistics(found.low_passed, tolerance)
    recording = {
        "share_below_4_khz": float(statistics.energies.sum() / found.total),
        "share_direct_current": found.direct / found.total,
        "share_clipped": found.in_runs_at_peak / (4 * found.samples),
    }
    if recording["share_below_4_khz"] < AUDIBLE:
        reason = "Almost no energy lies below 4 kHz, where the encoding is judged: there is nothing to judge."
        return _report("doubtful", float("nan"), False, None, [reason], recording)
    return _judge(statistics, recording)


def _judge(statistics: Statistics, recording: dict[str, float]) -> FoaReport:
    found = sorted(findings(statistics), key=lambda finding: finding.severity != "invalid")  # stable: strongest first
    verdict = found[0].severity if found else "valid"
    scale = next((finding.scale for finding in found if finding.scale), None)
    if verdict != "invalid" and statistics.passes:
        scale = "sn3d"
    reasons = [finding.sentence for finding in found]
    if not found:
        reasons = ["The energy test passes and nothing speaks against first-order AmbiX."]
    proposals = [finding.proposal for finding in found if finding.proposal]
    return _report(
        verdict,
        statistics.energy_ratio,
        statistics.passes,
        scale,
        reasons + _remarks(recording),
        statistics.figures() | recording,
        " or ".join(proposals) or None,
    )


def _check_shape(signal: Any) -> None:
    check_floating(signal)
    shape = tuple(signal.shape)
    if len(shape) != 2 or shape[0] != 4 or shape[1] == 0:
        remedy = "pass one first-order signal"
        if len(shape) > 2:
            remedy = "check one signal at a time: [check_foa(one, sample_rate) for one in signal]"
        elif len(shape) == 2 and shape[1] == 4:
            remedy = "channels come before time: pass signal.T"
        elif len(shape) == 2 and shape[0] > 4:
            remedy = "of a higher order pass the first four channels: signal[:4]"
        raise ShapeError(f"got signal of shape {shape}; expected (4, time) with at least one sample; {remedy}")


def _remarks(recording: dict[str, float]) -> list[str]:
    """What the listener should know, although it does not touch the verdict."""
    remarks = []
    if recording["share_direct_current"] > NOTEWORTHY:
        remarks.append(
            f"Direct current carries {recording['share_direct_current']:.0%} of the energy: remove the mean."
        )
    if recording["share_clipped"] > NOTEWORTHY:
        remarks.append(
            f"{recording['share_clipped']:.0%} of the samples stay at their channel's peak: perhaps clipped."
        )
    return remarks


def _not_finite(count: int, channel: int, time: int, value: float, sample_rate: float) -> str:
    return (
        f"The samples are not all finite: {count} of them are nan or infinite, the first "
        f"({value}) in {NAMES[channel]} at sample {time} ({time / sample_rate:.3f} s)."
    )


def _report(
    verdict: str,
    energy_ratio: float,
    passes: bool,
    normalization: str | None,
    reasons: list[str],
    figures: dict[str, float] | None = None,
    proposal: str | None = None,
) -> FoaReport:
    return FoaReport(verdict, energy_ratio, passes, normalization, (*reasons, _UNPROVEN), figures or {}, proposal)
