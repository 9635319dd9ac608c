"""Another sample rate as a ``torch.nn`` module."""

from jaxtyping import Float
from torch import Tensor, nn

from ambikit.nn.mel import no_autocast
from ambikit.operators.resampling import check_whole_rate, resample

__all__ = ["Resample"]


class Resample(nn.Module):
    """A sound at another sample rate, as a layer: see :func:`ambikit.resample`.

    Parameters
    ----------
    source_rate, target_rate
        Whole numbers in Hz.

    Raises
    ------
    AmbikitError
        If a rate is not a positive whole number.

    Examples
    --------
    >>> import torch
    >>> Resample(48000, 24000)(torch.zeros(2, 4, 4800)).shape
    torch.Size([2, 4, 2400])
    """

    def __init__(self, source_rate: float, target_rate: float) -> None:
        super().__init__()
        self.source_rate = check_whole_rate(source_rate, "source_rate")
        self.target_rate = check_whole_rate(target_rate, "target_rate")

    def forward(self, signal: Float[Tensor, "*batch time"]) -> Float[Tensor, "*batch new_time"]:
        """Turn ``(..., time)`` into ``(..., new_time)``."""
        with no_autocast(signal):
            return resample(signal, self.source_rate, self.target_rate)

    def extra_repr(self) -> str:
        """Show the parameters."""
        return f"source_rate={self.source_rate}, target_rate={self.target_rate}"
