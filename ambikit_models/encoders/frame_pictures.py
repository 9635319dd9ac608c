"""Networks from pictures to one feature vector per picture that knows where things are. Input in [0, 1].

Where the other encoders take the maximum over place, these flatten it: "left" and "right" are what they are for.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ambikit.errors import AmbikitError

__all__ = ["FramePictures", "MixedConvolutionPictures", "ResNetPictures", "SmallPictures"]

Video = Float[Tensor, "batch 3 frames height width"]
Maps = Float[Tensor, "batch features frames rows columns"]


class FramePictures(nn.Module):
    """The features of every picture, flattened over place, not pooled, and projected (yang2020, section 4).

    Parameters
    ----------
    trunk
        A network from pictures to maps ``(batch, features, frames, rows, columns)``, with an attribute ``features``.
    grid
        Rows and columns of the maps, which are flattened; maps of another size are averaged to it. 8 for ResNet-18 and
        pictures of 256 × 256.
    width
        Size of the vector of each picture.
    """

    def __init__(self, trunk: nn.Module, grid: int, width: int):
        super().__init__()
        self.trunk, self.grid, self.width = trunk, grid, width
        self.projection = nn.Linear(int(trunk.features) * grid * grid, width)  # pyright: ignore[reportArgumentType]

    def maps(self, video: Video) -> Maps:
        """The features of every picture and place, ``grid`` × ``grid`` of them."""
        maps = self.trunk(video)
        if maps.shape[-2:] == (self.grid, self.grid):
            return maps
        if min(maps.shape[-2:]) < self.grid:
            raise AmbikitError(
                f"got pictures of {tuple(video.shape[-2:])} pixels, whose maps have {tuple(maps.shape[-2:])} places; "
                f"expected at least {self.grid} × {self.grid}; show larger pictures, or set model.grid"
            )
        flat = maps.transpose(1, 2).flatten(0, 1)
        averaged = functional.adaptive_avg_pool2d(flat, self.grid)
        return averaged.unflatten(0, (len(maps), maps.shape[2])).transpose(1, 2)

    def flattened(self, maps: Maps) -> Float[Tensor, "batch embedding frames"]:
        """One vector per picture from its maps."""
        return self.projection(maps.transpose(1, 2).flatten(2)).transpose(1, 2)

    def forward(self, video: Video) -> Float[Tensor, "batch embedding frames"]:
        """One vector per picture."""
        return self.flattened(self.maps(video))


class SmallPictures(nn.Module):
    """Three convolutions per picture, an eighth of its width and height: for small pictures on a CPU."""

    def __init__(self, features: int = 32):
        super().__init__()
        self.features = features
        layers, inputs = [nn.BatchNorm2d(3)], 3
        for outputs in (features // 2, features, features):
            layers += [
                nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
            inputs = outputs
        self.layers = nn.Sequential(*layers)

    def forward(self, video: Video) -> Maps:
        """Maps of the features of each picture."""
        return _each_picture(self.layers, video)


class ResNetPictures(nn.Module):
    """ResNet-18 of torchvision without its average pool: each picture by itself, at a 32nd of its width and height.

    Parameters
    ----------
    weights
        None for random weights, or a torchvision weights enum or its name: ``"IMAGENET1K_V1"`` ("pretrained on
        ImageNet" in yang2020).
    """

    def __init__(self, weights: str | None = None):
        super().__init__()
        from torchvision.models import resnet18

        self.features = 512
        network = resnet18(weights=weights)
        self.layers = nn.Sequential(*list(network.children())[:-2])
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).reshape(3, 1, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).reshape(3, 1, 1, 1))

    def forward(self, video: Video) -> Maps:
        """Maps of the features of each picture."""
        return _each_picture(self.layers, (video - self.mean) / self.deviation)


class MixedConvolutionPictures(nn.Module):
    """MC3-18 of torchvision without its average pool: motion in the first layers, pictures in the later ones [1]_.

    The network that yang2020 calls "Motion". No layer strides time; maps have a 16th of the width and height.

    Parameters
    ----------
    weights
        None for random weights, or a torchvision weights enum or its name: ``"KINETICS400_V1"``.

    References
    ----------
    .. [1] D. Tran et al., "A Closer Look at Spatiotemporal Convolutions for Action Recognition", CVPR 2018.
    """

    def __init__(self, weights: str | None = None):
        super().__init__()
        from torchvision.models.video import mc3_18

        self.features = 512
        network = mc3_18(weights=weights)
        self.layers = nn.Sequential(*list(network.children())[:-2])
        self.register_buffer("mean", torch.tensor([0.43216, 0.394666, 0.37645]).reshape(3, 1, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.22803, 0.22145, 0.216989]).reshape(3, 1, 1, 1))

    def forward(self, video: Video) -> Maps:
        """Maps of the features at each picture."""
        return self.layers((video - self.mean) / self.deviation)


def _each_picture(layers: nn.Module, video: Video) -> Maps:
    maps = layers(video.transpose(1, 2).flatten(0, 1))
    return maps.unflatten(0, (video.shape[0], video.shape[2])).transpose(1, 2)
