"""Data sets as they lie on disk: items that are read when they are asked for, and what is said of missing pieces."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import index as whole
from pathlib import Path
from typing import Any, Generic, SupportsIndex, TypeVar

from ambikit.errors import AmbikitError, FileError

__all__ = ["Layout", "Listing", "MissingDatasetError"]

Item = TypeVar("Item")


class MissingDatasetError(FileError):
    """A data set, or a piece of one, that is not where it was looked for."""


class Listing(Generic[Item]):
    """A map-style data set, as :class:`torch.utils.data.DataLoader` takes it: a number of items, none of them read yet.

    An item knows its labels and its files; its methods read them. What a training needs of an item is the
    ``transform``: it runs in the workers of a loader.

    Parameters
    ----------
    items
        The items, in order.
    transform
        Called on each item that is taken out; by default the item itself is given.
    missing
        Files that a list names and the disk does not have.

    Examples
    --------
    >>> numbers = Listing(["one", "two", "three"], transform=len)
    >>> len(numbers), numbers[2], list(numbers.subset([0, 2]))
    (3, 5, [3, 5])
    """

    def __init__(
        self,
        items: Iterable[Item],
        transform: Callable[[Item], Any] | None = None,
        missing: Iterable[str] = (),
    ) -> None:
        self.items, self.transform, self.missing = tuple(items), transform, tuple(missing)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: SupportsIndex) -> Any:
        item = self.items[whole(index)]
        return item if self.transform is None else self.transform(item)

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def subset(self, indices: Iterable[int]) -> "Listing[Item]":
        """Some of the items, with the same transform."""
        return Listing((self.items[int(index)] for index in indices), self.transform)


class Layout:
    """Where the pieces of a data set lie under its folder; whatever is not there is an error that says where to get it.

    Parameters
    ----------
    name
        Of the data set.
    root
        The folder that the user gave.
    shape
        The layout in words, for messages.
    source
        Where to get the data set.
    """

    def __init__(self, name: str, root: str | Path, shape: str, source: str) -> None:
        self.name, self.root, self.shape, self.source = name, Path(root), shape, source

    def lacks(self, what: str) -> MissingDatasetError:
        """The error that ``what`` is not there."""
        return MissingDatasetError(
            f"got {self.root} for {self.name}, where {what}; expected the layout {self.shape}; get the data set from "
            f"{self.source} and give the folder that holds these"
        )

    def folder(self, *names: str) -> Path:
        """The first of these folders that is there; ``"."`` is the root itself."""
        found = next((self.root / name for name in names if (self.root / name).is_dir()), None)
        if found is None:
            raise self.lacks(f"there is no folder {' or '.join(names)}")
        return found

    def file(self, *names: str | Path) -> Path:
        """The first of these files that is there."""
        found = next((self.root / name for name in names if (self.root / name).is_file()), None)
        if found is None:
            raise self.lacks(f"there is no file {' or '.join(map(str, names))}")
        return found

    def lines(self, path: Path) -> list[str]:
        """The lines of a text file that hold something; UTF-8, or Latin-1 where it cannot be UTF-8."""
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise self.lacks(f"{path.name} cannot be read ({error})") from error
        return [text for line in raw.splitlines() if (text := decoded(line).strip())]

    def table(self, path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
        """The rows of a table whose first line names its columns, separated by tabs or by commas."""
        lines = self.lines(path)
        tab = bool(lines) and "\t" in lines[0]
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter="\t" if tab else ",")]
        header = rows[0] if rows else []
        if not set(columns) <= set(header):
            raise FileError(
                f"got {path} with the columns {header}; expected {', '.join(columns)} among them, named in its first "
                f"line and separated by tabs or commas, as {self.name} has them; restore the file"
            )
        for number, row in enumerate(rows[1:], 2):
            if len(row) != len(header):
                raise FileError(
                    f"{path}, line {number}: got {len(row)} cells; expected {len(header)}, one per column; restore the "
                    "file"
                )
        return [dict(zip(header, row, strict=True)) for row in rows[1:]]

    def present(self, files: dict[str, Path | None], allow_missing: bool) -> list[str]:
        """The names of a list whose files are there; one that is not is an error, unless it is allowed.

        Parameters
        ----------
        files
            The file of each name, or None where there is none.
        allow_missing
            Whether names may lack their files; that all of them do is an error in any case.
        """
        if not files:
            raise self.lacks("the list names no file")
        there = [name for name, path in files.items() if path is not None and path.is_file()]
        if len(there) < len(files) and (not there or not allow_missing):
            first = next(name for name in files if name not in set(there))
            raise self.lacks(
                f"{len(files) - len(there)} of {len(files)} files are missing, the first of them {first}"
                + ("" if allow_missing else " (allow_missing=True goes on without them)")
            )
        return there


def decoded(raw: bytes) -> str:
    """Text in UTF-8, or in Latin-1 where the bytes cannot be UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def one_of(name: str, value: Any, choices: Sequence[Any]) -> None:
    """Refuse what is not among the choices."""
    if value not in choices:
        raise AmbikitError(f"got {name}={value!r}; expected one of {', '.join(map(repr, choices))}; choose one of them")
