"""Random numbers that depend on the seed and the index of a scene and on nothing else."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ambikit.errors import AmbikitError

__all__ = ["Draws", "random_generator"]


def random_generator(seed: int, index: int, stream: int) -> np.random.Generator:
    """A generator for one scene: a counter-based Philox whose key is ``(seed, index)``.

    No state travels from scene to scene, so every worker, rank and batch size draws the same numbers. A scene has
    several independent streams, which are distant parts of the counter: the noise of its sound must not change when
    something is added to its description.

    Examples
    --------
    >>> bool(random_generator(7, 3, 0).random() == random_generator(7, 3, 0).random())
    True
    >>> bool(random_generator(7, 3, 0).random() == random_generator(7, 4, 0).random())
    False
    """
    if not (0 <= seed < 2**63 and 0 <= index < 2**63):
        raise AmbikitError(f"got seed={seed}, index={index}; expected whole numbers from 0 to 2⁶³ − 1")
    key = np.array([seed, index], dtype=np.uint64)
    counter = np.array([0, 0, 0, stream], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


class Draws:
    """The draws of many scenes side by side; each scene reads its own generator in the same order."""

    def __init__(self, seed: int, indices: Sequence[int] | np.ndarray, stream: int):
        self._generators = [random_generator(seed, int(index), stream) for index in indices]

    def unit(self, *shape: int) -> np.ndarray:
        """Uniform in [0, 1), shape ``(scenes, *shape)``."""
        drawn = np.empty((len(self._generators), *shape))
        for row, generator in enumerate(self._generators):
            drawn[row] = generator.random(shape)
        return drawn

    def uniform(self, limits: Any, *shape: int) -> np.ndarray:
        """Uniform between two limits, shape ``(scenes, *shape)``."""
        low, high = limits
        return low + (high - low) * self.unit(*shape)

    def around_zero(self, largest: float, *shape: int) -> np.ndarray:
        """Uniform between −largest and +largest, shape ``(scenes, *shape)``."""
        return largest * (2.0 * self.unit(*shape) - 1.0)

    def integers(self, limits: tuple[int, int], *shape: int) -> np.ndarray:
        """Whole numbers from the first to the last limit inclusive, shape ``(scenes, *shape)``."""
        low, high = limits
        return (low + np.floor((high - low + 1) * self.unit(*shape))).astype(np.int64)
