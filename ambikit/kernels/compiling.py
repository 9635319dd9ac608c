"""How loops are compiled: into machine code that is kept for the next process, where there is a place to keep it."""

from collections.abc import Callable
from typing import Any

from numba import njit

__all__ = ["compiled"]


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function without the interpreter's lock and with NumPy's division.

    Numba keeps the code beside the source or in the user's cache folder. Where it can write to neither (a read-only
    installation in a container without a home), the code is compiled anew in each process.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return njit(nogil=True, cache=True, error_model="numpy", **options)(function)
        except RuntimeError:  # "cannot cache function: no locator available"
            return njit(nogil=True, error_model="numpy", **options)(function)

    return decorate
