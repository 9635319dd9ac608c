"""Does an implementation of Ambisonics do what everybody agrees on? Known answers as data, and a runner.

The cases lie as JSON in ``ambikit/conformance/data``: a function, what goes in, what must come out, how near, and where
the answer is from (a published figure, a closed form, another program). Any implementation can be tested: wrap what it
offers in an :class:`Adapter`, and call :func:`run` or ``python -m ambikit.conformance --adapter my_module:MyAdapter``.
"""

from ambikit.conformance.adapter import Adapter, NotOffered, load_adapter
from ambikit.conformance.cases import Case, load_cases
from ambikit.conformance.report import as_lines, as_table
from ambikit.conformance.runner import Report, Result, run

__all__ = [
    "Adapter",
    "Case",
    "NotOffered",
    "Report",
    "Result",
    "as_lines",
    "as_table",
    "load_adapter",
    "load_cases",
    "run",
]
