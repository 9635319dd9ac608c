"""Residual networks with squeeze-and-excitation, from sound features to as many steps as there are pictures."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["ResidualAudio", "SqueezeExcitation"]


class ResidualAudio(nn.Module):
    """Stacked residual blocks with squeeze-and-excitation [1]_, whose time axis is brought to that of the pictures.

    A convolution and one block per entry of ``sizes``; every block but the first halves frequency, and time in all but
    the last two. Frequencies are not pooled but flattened and projected, step by step: where on their axis something is
    may be a lag between two ears.

    Parameters
    ----------
    channels, rows
        Of the features: 2 log-mel spectrograms in yang2020, and 128 bands.
    sizes
        Channels of the blocks; the default makes nine layers of 3 × 3 convolutions.
    width
        Size of the vector of each step.

    References
    ----------
    .. [1] J. Hu, L. Shen, G. Sun, "Squeeze-and-Excitation Networks", CVPR 2018.
    """

    def __init__(self, channels: int, rows: int, sizes: Sequence[int] = (64, 128, 256, 512), width: int = 512):
        super().__init__()
        self.width = width
        self.stem = nn.Sequential(
            nn.Conv2d(channels, sizes[0], 3, stride=(2, 1), padding=1, bias=False),
            nn.BatchNorm2d(sizes[0]),
            nn.ReLU(),
        )
        blocks, inputs, height = [], sizes[0], -(-rows // 2)
        for index, outputs in enumerate(sizes):
            stride = (1, 1) if index == 0 else (2, 2 if index < len(sizes) - 1 else 1)
            blocks.append(_Block(inputs, outputs, stride))
            inputs, height = outputs, -(-height // stride[0])
        self.blocks = nn.Sequential(*blocks)
        self.projection = nn.Sequential(nn.Linear(inputs * height, width, bias=False), nn.BatchNorm1d(width), nn.ReLU())

    def forward(
        self, audio: Float[Tensor, "batch channels rows time"], frames: int
    ) -> Float[Tensor, "batch embedding frames"]:
        """One vector for each of ``frames`` stretches of equal length."""
        columns = self.blocks(self.stem(audio)).flatten(1, 2)
        steps = _match(columns, frames).transpose(1, 2)
        return self.projection(steps.flatten(0, 1)).unflatten(0, steps.shape[:2]).transpose(1, 2)


class SqueezeExcitation(nn.Module):
    """Weigh the channels by what all of the map says of them.

    Parameters
    ----------
    channels
        Of the map.
    reduction
        How many times narrower the layer between is.
    """

    def __init__(self, channels: int, reduction: int = 16):
        super().__init__()
        narrow = max(4, channels // reduction)
        self.layers = nn.Sequential(nn.Linear(channels, narrow), nn.ReLU(), nn.Linear(narrow, channels), nn.Sigmoid())

    def forward(self, maps: Float[Tensor, "batch channels rows time"]) -> Float[Tensor, "batch channels rows time"]:
        """The same map, each channel times its weight in (0, 1)."""
        return maps * self.layers(maps.mean((-2, -1)))[..., None, None]


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int]):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            SqueezeExcitation(outputs),
        )
        same = inputs == outputs and stride == (1, 1)
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))
        )

    def forward(self, maps: Tensor) -> Tensor:
        return torch.relu(self.layers(maps) + self.shortcut(maps))


def _match(columns: Float[Tensor, "batch features time"], frames: int) -> Float[Tensor, "batch features frames"]:
    """Average what falls into each stretch; a stretch shorter than a step has the step it lies in."""
    return columns if columns.shape[-1] == frames else functional.adaptive_avg_pool1d(columns, frames)
