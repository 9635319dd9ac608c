"""A head that says of each pixel what it shows, from the features of all stages of a video encoder (an FPN)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ambikit.errors import AmbikitError

__all__ = ["PAPER_HEAD", "PUBLISHED_HEAD", "SMALL_HEAD", "FeaturePyramid", "FeaturePyramidConfig"]


@dataclass(frozen=True)
class FeaturePyramidConfig:
    """The head for segmentation: supplementary A.2 of morgado2020, where its code differs as a named choice."""

    lateral: int = 128
    """Channels of the pyramid (the code: 256)."""
    branch: int = 128
    """Channels from which pixels are classified."""
    upsampling: Literal["dilated", "transposed", "bilinear"] = "dilated"
    """How features of low resolution become large. ``dilated``: 3 × 3 convolutions with dilation 2, as the supplement
    has it, and the nearest value for each new pixel, of which it says nothing. ``transposed``: the dilation is read as
    that of the input, a transposed convolution. ``bilinear``: the code, convolutions without dilation and bilinear
    interpolation, and one convolution for the finest features too."""
    normalization: Literal["none", "group"] = "none"
    """After each convolution of the upsampling (the code: groups of channels, 32 of them)."""
    pooling: Literal["mean", "max", "learned"] = "mean"
    """How pictures are put together ("global temporal pooling"; the code: learned weights, which begin as the mean)."""
    full_size: bool = False
    """Scale the answers to the size of the picture, as the code does; else they have that of the finest features, half
    of it."""

    def __post_init__(self) -> None:
        if self.lateral < 1 or self.branch < 1:
            raise AmbikitError(f"got {self}; expected at least one channel")


#: As printed.
PAPER_HEAD = FeaturePyramidConfig()
#: As in the published code.
PUBLISHED_HEAD = FeaturePyramidConfig(
    lateral=256, upsampling="bilinear", normalization="group", pooling="learned", full_size=True
)
#: For the small encoder, on a CPU.
SMALL_HEAD = FeaturePyramidConfig(lateral=48, branch=48)


class FeaturePyramid(nn.Module):
    """Features from coarse to fine: each stage adds what it knows to what the coarser ones say, and all vote.

    A 1 × 1 convolution brings each stage to the same number of channels, the coarser result is added, and a 3 × 3
    convolution smooths it. What is known of a view as a whole, its sound or its context, is put beside every place of
    the coarsest stage, "at the start of the top-down pathway" (morgado2020, section 5.3). All levels are brought to the
    size of the finest and added; a linear layer classifies every pixel.

    Parameters
    ----------
    shapes
        ``(channels, frames, height, width)`` of each stage, from fine to coarse.
    outputs
        Number of classes.
    config
        The details.
    extra
        Size of what is known of a view as a whole; 0 for nothing.
    picture
        Height and width of the pictures, which answers have if they are of full size.
    """

    def __init__(
        self,
        shapes: Sequence[tuple[int, int, int, int]],
        outputs: int,
        config: FeaturePyramidConfig = PAPER_HEAD,
        *,
        extra: int = 0,
        picture: tuple[int, int] | None = None,
    ):
        super().__init__()
        sizes = [(shape[2], shape[3]) for shape in shapes]
        if not shapes or any(fine < coarse for fine, coarse in pairwise(sizes)):
            raise AmbikitError(f"got stages of shapes {list(shapes)}; expected at least one, from fine to coarse")
        self.extra, self.picture = extra, picture if config.full_size else None
        channels = [shape[0] for shape in shapes]
        channels[-1] += extra
        self.pools = nn.ModuleList(_TimePool(config.pooling, shape[1]) for shape in shapes)
        self.laterals = nn.ModuleList(nn.Conv2d(count, config.lateral, 1) for count in channels)
        self.smoothing = nn.ModuleList(nn.Conv2d(config.lateral, config.lateral, 3, padding=1) for _ in channels)
        self.branches = nn.ModuleList(_branch(config, sizes[: level + 1]) for level in range(len(sizes)))
        self.classify = nn.Conv2d(config.branch, outputs, 1)

    def forward(
        self, stages: Sequence[Float[Tensor, "views _c _t _h _w"]], extra: Float[Tensor, "views known"] | None = None
    ) -> Float[Tensor, "views height width classes"]:
        """Classify the pixels of views."""
        maps = [pool(stage) for pool, stage in zip(self.pools, stages, strict=True)]
        if (0 if extra is None else extra.shape[-1]) != self.extra:
            raise AmbikitError(
                f"got {None if extra is None else extra.shape[-1]} numbers about each view; expected {self.extra}"
            )
        if extra is not None:
            maps[-1] = torch.cat([maps[-1], extra[..., None, None].expand(-1, -1, *maps[-1].shape[-2:])], 1)
        total, above = None, None
        for level in reversed(range(len(maps))):
            here = self.laterals[level](maps[level])
            above = here if above is None else here + functional.interpolate(above, here.shape[-2:], mode="nearest")
            vote = self.branches[level](self.smoothing[level](above))
            total = vote if total is None else total + vote
        answers = self.classify(total)
        if self.picture is not None:
            answers = functional.interpolate(answers, self.picture, mode="bilinear", align_corners=False)
        return answers.movedim(1, -1)


class _TimePool(nn.Module):
    """One map of all pictures of a stage."""

    def __init__(self, kind: str, frames: int):
        super().__init__()
        self.kind = kind
        self.weight = nn.Parameter(torch.full((frames,), 1.0 / frames)) if kind == "learned" else None

    def forward(self, maps: Tensor) -> Tensor:
        if self.weight is not None:
            return torch.einsum("ncthw,t->nchw", maps, self.weight)
        return maps.amax(2) if self.kind == "max" else maps.mean(2)


def _branch(config: FeaturePyramidConfig, sizes: Sequence[tuple[int, int]]) -> nn.Module:
    """From one level to the finest, one convolution per size in between; sizes from the finest to this level's."""
    steps = list(dict.fromkeys(sizes))[-2::-1] if len(set(sizes)) > 1 else []
    if not steps:
        if config.upsampling != "bilinear" and config.lateral == config.branch:
            return nn.Identity()
        return _Step(config, config.lateral, None)
    inputs = [config.lateral, *[config.branch] * (len(steps) - 1)]
    return nn.Sequential(*(_Step(config, count, size) for count, size in zip(inputs, steps, strict=True)))


class _Step(nn.Module):
    """A convolution, and a larger map; without a size the map stays as it is."""

    def __init__(self, config: FeaturePyramidConfig, inputs: int, size: tuple[int, int] | None):
        super().__init__()
        self.size, self.kind = size, config.upsampling
        if self.kind == "transposed" and size is not None:
            self.convolution = nn.ConvTranspose2d(inputs, config.branch, 3, stride=2, padding=1)
        else:
            reach = 2 if self.kind == "dilated" and size is not None else 1
            self.convolution = nn.Conv2d(inputs, config.branch, 3, padding=reach, dilation=reach)
        groups = math.gcd(32, config.branch)
        self.norm = nn.GroupNorm(groups, config.branch) if config.normalization == "group" else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(self.convolution, nn.ConvTranspose2d):
            return self.norm(self.convolution(x, output_size=list(self.size or ()))).relu()
        x = self.norm(self.convolution(x)).relu()
        if self.size is None:
            return x
        if self.kind == "bilinear":
            return functional.interpolate(x, self.size, mode="bilinear", align_corners=False)
        return functional.interpolate(x, self.size, mode="nearest")
