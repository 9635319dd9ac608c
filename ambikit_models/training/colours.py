"""Changes of colour, each crop by its own strength: the operations of torchvision's ColorJitter, for a whole batch."""

from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ambikit.errors import AmbikitError

__all__ = ["ColourJitter", "change_colours", "turn_hue"]

_GREY = (0.2989, 0.587, 0.114)

Pictures = Float[Tensor, "crops 3 frames height width"]


@dataclass(frozen=True)
class ColourJitter:
    """How far the colours of a crop are changed at random, all its pictures alike; 0 leaves them alone.

    The published code of morgado2020 has 0.4, 0.4, 0.4 and 0.2; the papers name no strengths.
    """

    brightness: float = 0.0
    """The colours are multiplied by something between 1 − brightness and 1 + brightness."""
    contrast: float = 0.0
    """So is their distance from the mean grey of the picture."""
    saturation: float = 0.0
    """So is their distance from the grey of the pixel."""
    hue: float = 0.0
    """The hue turns by something between −hue and hue, where 1 is the whole circle."""

    def __post_init__(self) -> None:
        if not all(0 <= getattr(self, f.name) <= (0.5 if f.name == "hue" else 1.0) for f in fields(self)):
            raise AmbikitError(f"got {self}; expected strengths from 0 to 1, for the hue to 0.5")

    @property
    def strengths(self) -> tuple[float, float, float, float]:
        """All four, in this order."""
        return (self.brightness, self.contrast, self.saturation, self.hue)


def change_colours(
    pictures: Pictures, amounts: Float[np.ndarray, "crops 4"], order: Int[np.ndarray, "crops 4"]
) -> Pictures:
    """Change brightness, contrast, saturation and hue of each crop, in an order of its own.

    Parameters
    ----------
    pictures
        Red, green, blue in [0, 1].
    amounts
        The factors of brightness, contrast and saturation, and the turn of the hue. Where all crops have the neutral
        amount (1, 1, 1, 0) nothing is computed.
    order
        Which of the four comes first, second, third and last.
    """
    changed = pictures.clone()
    active = [kind for kind, neutral in enumerate((1.0, 1.0, 1.0, 0.0)) if (amounts[:, kind] != neutral).any()]
    for turn in range(4):
        for kind in active:
            rows = np.flatnonzero(order[:, turn] == kind)
            if len(rows):
                amount = torch.as_tensor(amounts[rows, kind], dtype=pictures.dtype, device=pictures.device)
                where = torch.as_tensor(rows, device=pictures.device)
                changed[where] = _CHANGES[kind](changed[where], amount[:, None, None, None, None])
    return changed


def turn_hue(pictures: Pictures, amount: Tensor) -> Pictures:
    """Turn the hue, red over yellow to green, by this part of the circle; grey stays grey."""
    red, green, blue = pictures.unbind(1)
    highest, lowest = pictures.amax(1), pictures.amin(1)
    span = highest - lowest
    scale = torch.where(span > 0, span, 1.0)
    sixths = torch.where(
        highest == red,
        (green - blue) / scale,
        torch.where(highest == green, (blue - red) / scale + 2, (red - green) / scale + 4),
    )
    # how far each channel is from its plateau around red, green and blue, in sixths of the circle
    peaks = torch.tensor([5.0, 3.0, 1.0], dtype=pictures.dtype, device=pictures.device).reshape(3, 1, 1, 1)
    place = torch.remainder(peaks + sixths[:, None] + 6 * amount, 6)
    return highest[:, None] - span[:, None] * torch.minimum(place, 4 - place).clamp(0, 1)


def _brightness(pictures: Pictures, amount: Tensor) -> Pictures:
    return (pictures * amount).clamp(0, 1)


def _contrast(pictures: Pictures, amount: Tensor) -> Pictures:
    return _blend(pictures, _grey(pictures).mean((-2, -1), keepdim=True), amount)


def _saturation(pictures: Pictures, amount: Tensor) -> Pictures:
    return _blend(pictures, _grey(pictures), amount)


def _grey(pictures: Pictures) -> Tensor:
    red, green, blue = pictures.unbind(1)
    return (_GREY[0] * red + _GREY[1] * green + _GREY[2] * blue)[:, None]


def _blend(pictures: Pictures, grey: Tensor, amount: Tensor) -> Pictures:
    return (amount * pictures + (1 - amount) * grey).clamp(0, 1)


_CHANGES = (_brightness, _contrast, _saturation, turn_hue)
