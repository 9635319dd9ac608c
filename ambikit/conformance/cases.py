"""The known answers: cases as they lie in the JSON files."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

__all__ = ["Case", "load_cases"]


@dataclass(frozen=True, eq=False)
class Case:
    """One question to an implementation, and the answer.

    Attributes
    ----------
    name
        Words from the general to the particular, with slashes between.
    function
        The function of :class:`Adapter` that is called.
    about
        What is asked, in a sentence.
    source
        Where the answer is from.
    input
        The arguments by name, as they stand in the file.
    figure
        What is compared: ``"values"``, the result itself, or a figure that is computed from it
        (:mod:`ambikit.conformance.figures`).
    expected
        The answer.
    tolerance
        The largest absolute error of a correct implementation in double precision.
    """

    name: str
    function: str
    about: str
    source: str
    input: dict[str, Any]
    figure: str
    expected: Any
    tolerance: float

    def arguments(self) -> dict[str, Any]:
        """The input: arrays for lists, complex arrays, sounds made of their sines, floats (but for the order)."""
        return {name: value if name == "order" else _decoded(value) for name, value in self.input.items()}


def load_cases() -> tuple[Case, ...]:
    """All cases of the kit, in the order of the files.

    Examples
    --------
    >>> case = next(case for case in load_cases() if case.name == "encode/left")
    >>> case.function, round(case.input["azimuth"], 4), case.expected
    ('encode', 1.5708, [[1, 0.5], [1, 0.5], [0, 0], [0, 0]])
    """
    return _load()


@cache
def _load() -> tuple[Case, ...]:
    folder = files("ambikit.conformance") / "data"
    found = []
    for file in sorted((file for file in folder.iterdir() if file.name.endswith(".json")), key=lambda file: file.name):
        found += [Case(**case) for case in json.loads(file.read_text(encoding="utf-8"))["cases"]]
    return tuple(found)


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return np.array(value, dtype=np.float64)
    if isinstance(value, dict) and "imaginary" in value:
        return np.array(value["real"]) + 1j * np.array(value["imaginary"])
    if isinstance(value, dict):  # per channel a list of (frequency in Hz, amplitude, phase in radians)
        time = np.arange(value["length"]) / value["sample_rate"]
        return np.array(
            [
                sum(
                    (a * np.cos(2 * np.pi * frequency * time + phase) for frequency, a, phase in channel),
                    np.zeros_like(time),
                )
                for channel in value["sines"]
            ]
        )
    return float(value) if isinstance(value, int) else value
