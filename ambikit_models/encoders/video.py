"""Networks from a video crop to one embedding. Input ``(batch, 3, frames, height, width)`` in [0, 1]."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["R2Plus1DVideoEncoder", "SmallVideoEncoder"]


class SmallVideoEncoder(nn.Module):
    """Four convolutions per frame, then the maximum over place and time: for small crops on a CPU.

    Objects fill only a small part of a crop; the global maximum keeps the one place that matters, where an
    average would dilute it.

    Parameters
    ----------
    width
        Size of the embedding.
    """

    def __init__(self, width: int = 128):
        super().__init__()
        self.width = width
        sizes = (24, 48, 96, width)
        self.layers = nn.Sequential(
            nn.BatchNorm2d(3),
            _convolution(3, sizes[0], kernel=5, stride=2),
            _convolution(sizes[0], sizes[1], kernel=3, stride=2),
            _convolution(sizes[1], sizes[2], kernel=3, stride=2),
            _convolution(sizes[2], sizes[3], kernel=3, stride=1),
        )

    def maps(self, video: Float[Tensor, "batch 3 frames height width"]) -> Float[Tensor, "batch embedding t h w"]:
        """The features of every place and time, of which the embedding is the maximum."""
        return self.stages(video)[-1]

    def stages(self, video: Float[Tensor, "batch 3 frames height width"]) -> list[Float[Tensor, "batch _c t _h _w"]]:
        """The features of all four convolutions, from fine to coarse; the last are those of :meth:`maps`."""
        maps, stages = video.transpose(1, 2).flatten(0, 1), []
        for layer in self.layers:
            maps = layer(maps)
            stages.append(maps.unflatten(0, (video.shape[0], video.shape[2])).transpose(1, 2))
        return stages[1:]  # the first layer standardises the colours

    def pooled(self, maps: Float[Tensor, "batch embedding t h w"]) -> Float[Tensor, "batch embedding"]:
        """From the features of every place and time to the embedding."""
        return maps.amax((-2, -1)).amax(-1)

    def forward(self, video: Float[Tensor, "batch 3 frames height width"]) -> Float[Tensor, "batch embedding"]:
        """Embed a batch of crops."""
        return self.pooled(self.maps(video))


class R2Plus1DVideoEncoder(nn.Module):
    """The 18-layer R(2+1)D network with global max-pooling (morgado2020, section 5.1 and supplementary table 1).

    The layers are torchvision's ``r2plus1d_18``; the average pool and the classifier are replaced by the
    maximum over time and place. Its stem strides space only, its stages 3 to 5 stride space and time. Colours are
    standardised with the statistics of Kinetics-400, as torchvision's weights expect.

    Parameters
    ----------
    weights
        ``None`` for random weights, or a torchvision weights enum or its name, e.g. ``"KINETICS400_V1"``.
    """

    def __init__(self, weights: str | None = None):
        super().__init__()
        from torchvision.models.video import r2plus1d_18

        self.width = 512
        self.network = r2plus1d_18(weights=weights)
        self.network.avgpool = _Maximum()
        self.network.fc = nn.Identity()
        self.register_buffer("mean", torch.tensor([0.43216, 0.394666, 0.37645]).reshape(3, 1, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.22803, 0.22145, 0.216989]).reshape(3, 1, 1, 1))

    def maps(self, video: Float[Tensor, "batch 3 frames height width"]) -> Float[Tensor, "batch 512 t h w"]:
        """The features of every place and time, of which the embedding is the maximum."""
        return self.stages(video)[-1]

    def stages(self, video: Float[Tensor, "batch 3 frames height width"]) -> list[Float[Tensor, "batch _c _t _h _w"]]:
        """The features of stages 2 to 5, from fine to coarse; the last are those of :meth:`maps`."""
        network, stages = self.network, []
        maps = network.stem((video - self.mean) / self.deviation)
        for stage in (network.layer1, network.layer2, network.layer3, network.layer4):
            maps = stage(maps)
            stages.append(maps)
        return stages

    def pooled(self, maps: Float[Tensor, "batch 512 t h w"]) -> Float[Tensor, "batch 512"]:
        """From the features of every place and time to the embedding."""
        return self.network.avgpool(maps).flatten(1)

    def forward(self, video: Float[Tensor, "batch 3 frames height width"]) -> Float[Tensor, "batch 512"]:
        """Embed a batch of crops."""
        return self.pooled(self.maps(video))


class _Maximum(nn.Module):
    """The maximum over time and place. Torch's own pooling adds gradients on a GPU in no particular order."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax((-3, -2, -1), keepdim=True)


def _convolution(inputs: int, outputs: int, *, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
