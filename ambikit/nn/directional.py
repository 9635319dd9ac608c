"""Edits by direction, designed once, as a layer."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ambikit._checks import check_signal
from ambikit.operators.directional_transform import DirectionalTransform, transform_channels
from ambikit.operators.meridian_transform import in_numpy

__all__ = ["DirectionalEdit"]


class DirectionalEdit(nn.Module):
    """A gain, a warp or any other edit by direction, as a layer: see :func:`ambikit.apply_transform`.

    It does not learn; for a mask that does, design it in each step from a tensor of weights with
    :func:`ambikit.directional_transform`.

    Parameters
    ----------
    transform
        From :func:`ambikit.directional_transform`, :func:`ambikit.warp_transform` and their like.

    Examples
    --------
    >>> import torch, ambikit
    >>> DirectionalEdit(ambikit.warp_transform(1, 0, 0, 0.3, output_order=2))(torch.randn(2, 4, 100)).shape
    torch.Size([2, 9, 100])
    """

    def __init__(self, transform: DirectionalTransform) -> None:
        super().__init__()
        self._order, self._design = transform.order, in_numpy(transform.matrix)
        self.register_buffer("matrix", torch.as_tensor(self._design, dtype=torch.float32), persistent=False)

    def _apply(self, fn: Any, recurse: bool = True) -> "DirectionalEdit":
        """Follow ``.to(...)``, but never round the matrix to half precision."""
        super()._apply(fn, recurse)
        dtype = torch.float64 if self.matrix.dtype == torch.float64 else torch.float32
        self.matrix = torch.as_tensor(self._design, dtype=dtype, device=self.matrix.device)
        return self

    def forward(self, signal: Float[Tensor, "*batch channels time"]) -> Float[Tensor, "*batch channels2 time"]:
        """Edit ``(..., channels, time)``."""
        check_signal(signal, order=self._order)
        double = signal.dtype == torch.float64 and self.matrix.dtype != torch.float64
        return transform_channels(signal, self._design if double else self.matrix, -2)
