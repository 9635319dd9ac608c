"""Networks from spatial sound features to one embedding, or to several per second.

Input ``(batch, channels, mel, time)``. A trained network gives both: ``forward`` takes the maximum over time,
``frames`` does without. Step ``s`` of the latter is centred on frame ``STEP · s`` of the features and hears ``REACH``
frames to either side of it.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["Conv2dAudioEncoder", "SmallAudioEncoder", "Standardize"]


class SmallAudioEncoder(nn.Module):
    """Four convolutions, the maximum over time, and a linear layer over frequency: for short clips on a CPU.

    The frequency axis is kept until the end: pitch and timbre say what a source is. The linear layer comes after the
    maximum, so that the embedding of a clip is not the maximum of those of its steps; a step has the embedding of a
    clip that sounds like it all the time.

    Parameters
    ----------
    channels
        Number of feature channels.
    bands
        Number of mel bands.
    width
        Size of the embedding.
    """

    STEP, REACH = 8, 16

    def __init__(self, channels: int, bands: int, width: int = 128):
        super().__init__()
        self.width = width
        sizes = (24, 48, 96, 128)
        strides = (2, 2, 2, 1)
        layers, inputs, height = [], channels, bands
        for index, (outputs, stride) in enumerate(zip(sizes, strides, strict=True)):
            kernel = 5 if index == 0 else 3
            layers += [
                nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
            inputs, height = outputs, -(-height // stride)
        self.layers = nn.Sequential(*layers)
        self.projection = nn.Sequential(
            nn.Linear(sizes[-1] * height, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()
        )

    def forward(self, audio: Float[Tensor, "batch channels mel time"]) -> Float[Tensor, "batch embedding"]:
        """Embed a batch of feature maps."""
        return self.projection(self.layers(audio).amax(-1).flatten(1))

    def frames(self, audio: Float[Tensor, "batch channels mel time"]) -> Float[Tensor, "batch steps embedding"]:
        """Embed every step of a batch of feature maps."""
        columns = self.layers(audio).movedim(-1, 1).flatten(2)
        return self.projection(columns.flatten(0, 1)).unflatten(0, columns.shape[:2])


class Conv2dAudioEncoder(nn.Module):
    """The 9-layer convolutional network of morgado2020 (supplementary table 1), with global max-pooling.

    One 7×7 convolution and four blocks of two 3×3 convolutions with 64, 128, 256 and 512 channels; batch
    normalisation and ReLU at each layer. The embedding of a clip is the maximum of those of its steps.

    Parameters
    ----------
    channels
        Number of feature channels: 1 mono, 2 stereo, 4 first-order log-mel, 7 with intensity.
    """

    STEP, REACH = 8, 41

    def __init__(self, channels: int):
        super().__init__()
        self.width = 512
        self.layers = nn.Sequential(
            _layer(channels, 64, kernel=7, stride=2),
            *(_layer(64, 64), _layer(64, 64)),
            *(_layer(64, 128, stride=2), _layer(128, 128)),
            *(_layer(128, 256, stride=2), _layer(256, 256)),
            *(_layer(256, 512), _layer(512, 512)),
        )

    def forward(self, audio: Float[Tensor, "batch channels mel time"]) -> Float[Tensor, "batch 512"]:
        """Embed a batch of feature maps."""
        return self.layers(audio).amax((-2, -1))

    def frames(self, audio: Float[Tensor, "batch channels mel time"]) -> Float[Tensor, "batch steps 512"]:
        """Embed every step of a batch of feature maps."""
        return self.layers(audio).amax(-2).mT


def _layer(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class Standardize(nn.Module):
    """Subtract a fixed mean and divide by a fixed deviation per channel and band, measured on training data.

    The statistics are part of the model and travel in its checkpoint. A channel and band that never varied in
    training is passed centred but unscaled.

    Parameters
    ----------
    channels, bands
        Of the features.
    shared
        How many of the first channels have one mean and one deviation per band in common: the levels, in the published
        code of morgado2020.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, channels: int, bands: int, *, shared: int = 0):
        super().__init__()
        self.shared = shared
        self.register_buffer("mean", torch.zeros(channels, bands, 1))
        self.register_buffer("deviation", torch.ones(channels, bands, 1))

    def measure(self, features: Float[Tensor, "... channels mel time"]) -> None:
        """Set the statistics from a sample of training features."""
        flat = features.flatten(0, -4)
        together = flat[:, : self.shared]
        mean, deviation = flat.mean((0, -1))[..., None], flat.std((0, -1))[..., None]
        if self.shared:
            mean[: self.shared] = together.mean((0, 1, -1))[:, None]
            deviation[: self.shared] = together.std((0, 1, -1))[:, None]
        self.mean.copy_(mean)
        self.deviation.copy_(torch.where(deviation > 0, deviation, 1.0))

    def forward(self, features: Float[Tensor, "... channels mel time"]) -> Float[Tensor, "... channels mel time"]:
        """Standardise."""
        return (features - self.mean) / self.deviation
