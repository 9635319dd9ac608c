"""A file is there whole or not at all: write beside it, then move into place."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_IMODE

from ambikit.errors import FileError

__all__ = ["replacing"]


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary name in the folder of ``path`` and move what was written there to ``path`` at the end.

    If anything fails, the temporary file is removed and an older file at ``path`` stays as it was. A symbolic
    link keeps pointing where it points, and what replaces an older file may be read by whom that could be read.

    Raises
    ------
    FileError
        The folder does not exist, ``path`` is a folder or a device, or the writing fails (a full disk, say).

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "note.txt")
    ...     with replacing(file) as temporary:
    ...         _ = temporary.write_text("whole")
    ...     file.read_text(), len(list(pathlib.Path(folder).iterdir()))
    ('whole', 1)
    """
    try:
        final = Path(path).resolve()
        occupied, folder = final.exists() and not final.is_file(), final.parent.is_dir()
        older = final.is_file()
    except (OSError, ValueError, RuntimeError) as error:
        raise FileError(f"got the path {str(path)!r}: {error}; expected the name of a file to write") from error
    if occupied:
        raise FileError(f"got {path} to write to, which is not an ordinary file; expected the name of a file")
    if not folder:
        raise FileError(f"got {path} to write to; expected the folder {final.parent} to exist; make it first")
    temporary = final.with_name(f".{final.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        if older:
            temporary.chmod(S_IMODE(final.stat().st_mode))
        os.replace(temporary, final)
    except OSError as error:
        raise FileError(
            f"got {path} to write to, which failed ({error}); expected a writable folder with room on its disk; "
            "what was there before is untouched"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
