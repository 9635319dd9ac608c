"""The video encoder of the published code of morgado2020, whose blocks differ from those of torchvision.

It is here so that published weights can be used; for a new training ``r2plus1d_18`` is the better known network.
"""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["PublishedVideoEncoder"]


class PublishedVideoEncoder(nn.Module):
    """R(2+1)D with 18 layers as it was published: one stem of 3 × 7 × 7, and as many channels within blocks as between.

    The channels between the convolution over place and the one over time are as many as come out of the block, where
    torchvision's ``r2plus1d_18`` has so many that the number of weights is that of a convolution in space and time.
    What goes past a block is added before its last normalisation, and has none of its own. Strides, sizes and the
    maximum over time and place are those of supplementary table 1. Colours are standardised as for ImageNet.
    """

    def __init__(self):
        super().__init__()
        self.width = 512
        self.stem = nn.Sequential(
            nn.Conv3d(3, 64, (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False), nn.BatchNorm3d(64), nn.ReLU()
        )
        sizes = (64, 64, 128, 256, 512)
        blocks = []
        for inputs, outputs in pairwise(sizes):
            blocks += [_Block(inputs, outputs, stride=1 if inputs == outputs else 2), _Block(outputs, outputs)]
        self.blocks = nn.Sequential(*blocks)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).reshape(3, 1, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).reshape(3, 1, 1, 1))

    def maps(self, video: Float[Tensor, "batch 3 frames height width"]) -> Float[Tensor, "batch 512 t h w"]:
        """The features of every place and time, of which the embedding is the maximum."""
        return self.blocks(self.stem((video - self.mean) / self.deviation))

    def stages(self, video: Float[Tensor, "batch 3 frames height width"]) -> list[Float[Tensor, "batch _c _t _h _w"]]:
        """The features of stages 2 to 5, from fine to coarse; the last are those of :meth:`maps`."""
        maps, stages = self.stem((video - self.mean) / self.deviation), []
        for number, block in enumerate(self.blocks):
            maps = block(maps)
            if number % 2:  # two blocks make a stage
                stages.append(maps)
        return stages

    def pooled(self, maps: Float[Tensor, "batch 512 t h w"]) -> Float[Tensor, "batch 512"]:
        """From the features of every place and time to the embedding."""
        return maps.amax((-3, -2, -1))

    def forward(self, video: Float[Tensor, "batch 3 frames height width"]) -> Float[Tensor, "batch 512"]:
        """Embed a batch of crops."""
        return self.pooled(self.maps(video))


class _Block(nn.Module):
    """Place, time, place, time, and past all four."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.first = nn.Sequential(*_over_place(inputs, outputs, stride), *_over_time(outputs, stride))
        self.second = nn.Sequential(*_over_place(outputs, outputs, 1), _over_time(outputs, 1)[0])
        self.past = nn.Identity() if stride == 1 else nn.Conv3d(inputs, outputs, 1, stride=stride, bias=False)
        self.norm = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.second(self.first(x)) + self.past(x)).relu()


def _over_place(inputs: int, outputs: int, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv3d(inputs, outputs, (1, 3, 3), stride=(1, stride, stride), padding=(0, 1, 1), bias=False)
    return convolution, nn.BatchNorm3d(outputs), nn.ReLU()


def _over_time(channels: int, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv3d(channels, channels, (3, 1, 1), stride=(stride, 1, 1), padding=(1, 0, 0), bias=False)
    return convolution, nn.BatchNorm3d(channels), nn.ReLU()
