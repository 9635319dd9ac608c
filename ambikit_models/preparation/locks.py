"""Who works in a folder: one run at a time, and none before the last worker of a killed one is done."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ambikit.errors import FileError

__all__ = ["alone_in", "at_work_in"]


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Refuse to be the second run in a folder, and wait for workers that outlived a run; the locks end with a process.

    Raises
    ------
    FileError
        If another run is at work there.
    """
    try:
        import fcntl
    except ImportError:  # no such locks on this system
        yield
        return
    with (folder / ".lock").open("w") as run, (folder / ".work").open("w") as work:
        try:
            fcntl.flock(run, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FileError(
                f"got {folder}, in which another run is at work; expected a folder of one's own; wait for the other"
            ) from error
        with suppress(OSError):  # a file system without locks
            fcntl.flock(work, fcntl.LOCK_EX)
            fcntl.flock(work, fcntl.LOCK_UN)
        yield


@contextmanager
def at_work_in(folder: Path) -> Iterator[None]:
    """Say that a worker writes into a folder, while the block runs."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with (folder / ".work").open("w") as work:
        with suppress(OSError):
            fcntl.flock(work, fcntl.LOCK_SH)
        yield
