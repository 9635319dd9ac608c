"""What was decoded lately, within a budget of bytes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

__all__ = ["ByteCache"]


class ByteCache:
    """Keeps the arrays or tensors that were used last, as long as they fit into a number of bytes together.

    Examples
    --------
    >>> import numpy as np
    >>> cache = ByteCache(16)
    >>> for name in ("a", "b", "a", "c"):
    ...     _ = cache.get(name, lambda: np.zeros(1))
    >>> "a" in cache, "b" in cache
    (True, False)
    """

    def __init__(self, budget: int) -> None:
        self.budget, self.used = budget, 0
        self._values: OrderedDict[Hashable, Any] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The value of ``key``; ``make`` is called if it is not there. What is larger than the budget is not kept."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = make()
        if value.nbytes <= self.budget:
            self._values[key] = value
            self.used += value.nbytes
            while self.used > self.budget:
                self.used -= self._values.popitem(last=False)[1].nbytes
        return value
