"""Which files to learn from: all of them, those that pass the energy test, or as many that fail it."""

import warnings
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from ambikit.errors import AmbikitError

__all__ = ["Selection", "select"]

Selection = Literal["all", "passing", "failing", "valid"]


def select(records: Sequence[dict[str, Any]], selection: Selection, *, seed: int = 0) -> list[dict[str, Any]]:
    """Select records of an audit, or of a manifest, by what was found on their sound.

    The study of wang2022 [1]_ trains on all clips, on those that pass the energy test (28 % of YT-360), and on an equal
    number of those that fail it: three selections.

    Parameters
    ----------
    records
        Lines of ``audit.jsonl`` or of ``manifest.jsonl``.
    selection
        ``"all"``: all sound that could be judged. ``"passing"``: what passes the energy test. ``"failing"``: as many
        that fail it, drawn by the seed; all that fail, with a warning, where they are fewer. ``"valid"``: what
        :func:`ambikit.check_foa` calls valid.
    seed
        Decides which of those that fail.

    Returns
    -------
    The chosen records in their order; never a duplicate of another file.

    Raises
    ------
    AmbikitError
        If the selection is unknown, or nothing is left.

    References
    ----------
    .. [1] S. Wang, A. Politis, A. Mesaros, T. Virtanen, "Self-supervised learning of audio representations from
       audio-visual data using spatial alignment", IEEE JSTSP 2022, section V-A.

    Examples
    --------
    >>> records = [{"path": f"{n}.wav", "verdict": "doubtful", "passes_energy_test": n < 2} for n in range(7)]
    >>> [record["path"] for record in select(records, "passing")]
    ['0.wav', '1.wav']
    >>> chosen = select(records, "failing")
    >>> len(chosen), any(record["passes_energy_test"] for record in chosen)
    (2, False)
    """
    if selection not in get_args(Selection):
        raise AmbikitError(f"got selection={selection!r}; expected one of {', '.join(get_args(Selection))}")
    judged = [r for r in records if "passes_energy_test" in r and "duplicate_of" not in r]
    passing = [r for r in judged if r["passes_energy_test"]]
    chosen = judged
    if selection == "passing":
        chosen = passing
    elif selection == "valid":
        chosen = [r for r in judged if r["verdict"] == "valid"]
    elif selection == "failing":
        failing = [r for r in judged if not r["passes_energy_test"]]
        if len(failing) < len(passing):
            warnings.warn(
                f"{len(failing)} files fail the energy test and {len(passing)} pass it: the selection of those that "
                "fail is smaller than that of those that pass",
                UserWarning,
                stacklevel=2,
            )
        generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, 28])))
        drawn = np.sort(generator.permutation(len(failing))[: len(passing)])
        chosen = [failing[index] for index in drawn]
    if not chosen:
        raise AmbikitError(
            f"got {len(records)} records, {len(judged)} of them of sound that could be judged, and none for the "
            f"selection {selection!r}; expected at least one; look into the report of the audit"
        )
    return chosen
