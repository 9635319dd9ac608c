"""A small network that hears what sounds where, label frame by label frame."""

from jaxtyping import Float
from torch import Tensor, nn

from ambikit.errors import AmbikitError
from ambikit_models.encoders.audio import Standardize

__all__ = ["SeldNet"]


class SeldNet(nn.Module):
    """Three convolutions, a recurrent layer that sees both past and future, and a linear layer to ACCDOA vectors.

    After adavanne2018 (SELDnet), much smaller: it learns in a minute on a CPU. The first convolution takes all feature
    frames of a label frame together; frequency is pooled by 8.

    Parameters
    ----------
    bands
        Number of mel bands, a multiple of 8.
    classes
        Number of classes.
    tracks
        Sources of one class at once, 1 for ACCDOA.
    steps
        Feature frames per label frame.
    channels
        Feature channels; 7 of :func:`ambikit.foa_features`.
    filters, width
        Channels of the convolutions, and of the recurrent layer in each direction.

    References
    ----------
    Adavanne, Politis, Nikunen, Virtanen, "Sound event localization and detection of overlapping sources using
    convolutional recurrent neural networks", IEEE JSTSP 13 (2019) 34.

    Examples
    --------
    Two seconds of features with 50 frames per second are 20 label frames:

    >>> import torch
    >>> SeldNet(bands=32, classes=4, tracks=3, steps=5)(torch.zeros(2, 7, 32, 100)).shape
    torch.Size([2, 3, 4, 3, 20])
    """

    def __init__(
        self,
        bands: int,
        classes: int,
        *,
        tracks: int = 3,
        steps: int = 10,
        channels: int = 7,
        filters: int = 32,
        width: int = 64,
    ):
        super().__init__()
        if bands % 8 != 0 or bands <= 0:
            raise AmbikitError(f"got bands={bands}; expected a multiple of 8, which is pooled three times by 2")
        self.shape = (tracks, classes, 3)
        self.standardize = Standardize(channels, bands)
        self.convolutions = nn.Sequential(
            *_block(nn.Conv2d(channels, filters, (3, steps), stride=(1, steps), padding=(1, 0), bias=False)),
            *_block(nn.Conv2d(filters, filters, 3, padding=1, bias=False)),
            *_block(nn.Conv2d(filters, filters, 3, padding=1, bias=False)),
        )
        self.recurrent = nn.GRU(filters * bands // 8, width, batch_first=True, bidirectional=True)
        self.linear = nn.Linear(2 * width, tracks * classes * 3)

    def forward(
        self, features: Float[Tensor, "batch channels mel time"]
    ) -> Float[Tensor, "batch tracks classes 3 frames"]:
        """One vector per track, class and label frame."""
        maps = self.convolutions(self.standardize(features))  # (batch, filters, mel / 8, frames)
        states, _ = self.recurrent(maps.flatten(1, 2).transpose(1, 2))
        return self.linear(states).transpose(1, 2).unflatten(1, self.shape)


def _block(convolution: nn.Conv2d) -> tuple[nn.Module, ...]:
    return convolution, nn.BatchNorm2d(convolution.out_channels), nn.ReLU(), nn.MaxPool2d((2, 1))
