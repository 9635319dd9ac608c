"""Puts the questions to an implementation and compares the answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ambikit.conformance.adapter import FUNCTIONS, NotOffered
from ambikit.conformance.cases import Case, load_cases
from ambikit.conformance.figures import FIGURES

__all__ = ["Report", "Result", "run"]


@dataclass(frozen=True, eq=False)
class Result:
    """What became of one case.

    Attributes
    ----------
    case
        The case.
    verdict
        ``"pass"``, ``"fail"``, ``"error"`` (the implementation raised) or ``"not offered"``.
    error
        The largest absolute error; infinite for a wrong shape or values that are not finite, NaN where nothing was
        compared.
    tolerance
        The largest error allowed: that of the case, or the precision the adapter claims if that is larger.
    detail
        Why, where it is not just a number that is off.
    """

    case: Case
    verdict: str
    error: float = float("nan")
    tolerance: float = float("nan")
    detail: str = ""


@dataclass(frozen=True, eq=False)
class Report:
    """The results of all cases for one implementation, whose title is ``name``."""

    name: str
    results: tuple[Result, ...]

    @property
    def conforms(self) -> bool:
        """Whether every case that was offered passed, and at least one was."""
        verdicts = {result.verdict for result in self.results}
        return "pass" in verdicts and verdicts <= {"pass", "not offered"}

    def names(self, verdict: str) -> list[str]:
        """The names of the cases with this verdict."""
        return [result.case.name for result in self.results if result.verdict == verdict]

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data, for JSON."""
        return {
            "implementation": self.name,
            "conforms": self.conforms,
            "results": [
                {"case": r.case.name, "function": r.case.function, "verdict": r.verdict}
                | ({"error": r.error, "tolerance": r.tolerance} if np.isfinite(r.error) else {})
                | ({"detail": r.detail} if r.detail else {})
                for r in self.results
            ],
        }


def run(adapter: Any, cases: Iterable[Case] | None = None) -> Report:
    """Test an implementation.

    Parameters
    ----------
    adapter
        An object with some of the functions of :class:`Adapter`: of a class, or a module.
    cases
        Which cases; all of :func:`load_cases` if None.

    Returns
    -------
    Report
        One result per case.

    Examples
    --------
    An implementation that offers one function, and has azimuth on the wrong side:

    >>> class Clockwise:
    ...     def encode(self, signal, azimuth, elevation, order):
    ...         y, z = -np.sin(azimuth) * np.cos(elevation), np.sin(elevation)
    ...         return np.outer([1, y, z, np.cos(azimuth) * np.cos(elevation)][: (order + 1) ** 2], signal)
    >>> report = run(Clockwise(), [case for case in load_cases() if case.name in ("encode/front", "encode/left")])
    >>> report.conforms, report.names("pass"), report.names("fail")
    (False, ['encode/front'], ['encode/left'])
    """
    name = getattr(adapter, "name", None) or getattr(adapter, "__name__", None) or type(adapter).__name__
    chosen = load_cases() if cases is None else cases
    return Report(str(name), tuple(_result(adapter, case) for case in chosen))


def _result(adapter: Any, case: Case) -> Result:
    function = getattr(adapter, case.function, None)
    if function is None:
        return Result(case, "not offered")
    tolerance = max(case.tolerance, float(getattr(adapter, "precision", 0.0)))
    arguments = case.arguments()
    try:
        answer = np.asarray(function(*(arguments[name] for name in FUNCTIONS[case.function])))
        found = np.asarray(FIGURES[case.figure](answer, arguments))
    except NotOffered as reason:
        return Result(case, "not offered", detail=str(reason))
    except Exception as error:  # whatever another's program does wrong is its result
        return Result(case, "error", tolerance=tolerance, detail=f"{type(error).__name__}: {error}")
    expected = np.asarray(case.expected, dtype=np.float64)
    if found.shape != expected.shape:
        detail = f"shape {found.shape}, expected {expected.shape}"
        return Result(case, "fail", float("inf"), tolerance, detail)
    error = float(np.max(np.abs(found - expected), initial=0.0))
    if not np.isfinite(error):
        return Result(case, "fail", float("inf"), tolerance, "not finite")
    return Result(case, "pass" if error <= tolerance else "fail", error, tolerance)
