"""A table of scenes: arrays that share their first axis, NumPy as they are drawn, torch where they are rendered."""

from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
import torch

__all__ = ["Table", "Values"]

#: the columns of a table
Values = np.ndarray | torch.Tensor
SomeTable = TypeVar("SomeTable", bound="Table")


class Table:
    """Base of frozen dataclasses whose fields are arrays, or tables, with one row per scene.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Speeds(Table):
    ...     speed: np.ndarray
    >>> Speeds(np.array([1.0, 2.0, 3.0]))[[0, 2]].speed
    array([1., 3.])
    >>> len(Speeds(np.zeros(3))), Speeds(np.zeros(3)).to("cpu").speed.dtype
    (3, torch.float32)
    """

    def mapped(self: SomeTable, function: Any) -> SomeTable:
        """The table with a function applied to every column."""
        return type(self)(**{field.name: function(getattr(self, field.name)) for field in fields(self)})

    def __len__(self) -> int:
        """The number of scenes."""
        return len(getattr(self, fields(self)[0].name))

    def __getitem__(self: SomeTable, rows: Any) -> SomeTable:
        """The scenes of some rows: a slice, a mask or integers; a single integer gives a table of one scene."""
        if isinstance(rows, int | np.integer):
            rows = [rows]
        if isinstance(rows, list):
            rows = np.asarray(rows, dtype=np.int64)
        return self.mapped(lambda values: values[rows])

    def to(self: SomeTable, device: Any) -> SomeTable:
        """The same table as tensors on a device, real numbers in float32."""

        def move(values: Any) -> Any:
            if isinstance(values, Table):
                return values.to(device)
            tensor = torch.as_tensor(values)
            return tensor.to(device, torch.float32 if tensor.is_floating_point() else None)

        return self.mapped(move)
