"""Clips that cannot be read: warned about once, noted, and replaced by others."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from ambikit.errors import FileError, ShapeError

__all__ = ["BrokenClips"]


class BrokenClips:
    """Which clips of a set could not be read so far, and which are read in their place.

    Parameters
    ----------
    names
        Of all clips.

    Attributes
    ----------
    skipped
        Name of each clip that could not be read, and why.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.skipped: dict[str, str] = {}

    def attempt(self, index: int, read: Callable[[], Any]) -> Any:
        """What ``read`` gives, or None for a clip that cannot be read."""
        name = self.names[index]
        if name in self.skipped:
            return None
        try:
            return read()
        except (FileError, ShapeError) as error:  # what is wrong with a file, not with the settings
            self.skipped[name] = str(error)
            warnings.warn(f"skipping clip {name}: {error}", UserWarning, stacklevel=2)
            return None

    def first(
        self,
        index: int,
        read: Callable[[int], Any],
        taken: set[int],
        spare: list[int] | None,
        other_than: int | None = None,
    ) -> tuple[Any, int]:
        """What ``read`` gives for a clip or for the first that can be read in its place, and which that is.

        Parameters
        ----------
        index
            The clip that is wanted.
        read
            Called with the number of a clip.
        taken
            Clips that the batch holds; what replaces is taken from the others as long as there are any, and noted here.
        spare
            Clips to take before any other, in this order; −1 is none.
        other_than
            A clip that must not be given.
        """
        count = len(self.names)
        following = [(index + step) % count for step in range(1, count)]
        if spare is None:
            following.sort(key=taken.__contains__)  # those that the batch does not hold come first
        else:  # what a process that shares the batch has taken is not known here, and must make no difference
            following = [*(candidate for candidate in spare if candidate >= 0), *following]
        for candidate in (index, *following):
            if candidate == other_than:
                continue
            value = self.attempt(candidate, lambda: read(candidate))  # noqa: B023 - called at once
            if value is not None:
                taken.add(candidate)
                return value, candidate
        name = self.names[index]
        raise FileError(
            f"got {count} clips of which {len(self.skipped)} cannot be read, and none to replace {name} "
            f"({self.skipped.get(name, 'which is wanted elsewhere')}); expected readable clips; check the files"
        )
