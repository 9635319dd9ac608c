"""A U-Net on spectrograms that is told something else at its bottom: what is seen, say."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ambikit.errors import AmbikitError, ShapeError

__all__ = ["UNet", "UNetConfig"]


@dataclass(frozen=True)
class UNetConfig:
    """How large a U-Net is; by default as in 2.5D Visual Sound, five steps down and five up."""

    widths: tuple[int, ...] = (64, 128, 256, 512, 512)
    """Channels after each step down; each step halves frequency and time."""
    features: int = 512
    """Channels that what is told is brought to, before it is tiled over the bottom; 0 for a network without it."""

    def __post_init__(self) -> None:
        if not self.widths or min(self.widths) < 1 or self.features < 0:
            raise AmbikitError(
                f"got widths={self.widths} and features={self.features}; expected at least one step down with one "
                "channel or more, and no negative number of features"
            )


class UNet(nn.Module):
    """Spectrograms down to a coarse picture of themselves and up again, beside what each step down has found.

    At the bottom the features lie beside what is heard at every frequency, and at the time that they belong to
    (figure 3c and 3d of yang2020; its layers are those of 2.5D Visual Sound: convolutions of 4 × 4 with stride 2, batch
    statistics, leaky rectifiers down and rectifiers up).

    Parameters
    ----------
    inputs, outputs
        Channels of the spectrograms that come in and go out.
    width
        Channels of the features; 0 where there are none.
    config
        How large it is.

    References
    ----------
    K. Yang, B. Russell, J. Salamon, "Telling Left from Right: Learning Spatial Correspondence of Sight and Sound",
    CVPR 2020, section 5.2.

    R. Gao, K. Grauman, "2.5D Visual Sound", CVPR 2019, section 3.

    Examples
    --------
    >>> network = UNet(2, 2, 7, UNetConfig((4, 8), 3))
    >>> network(torch.zeros(1, 2, 257, 50), torch.zeros(1, 7, 5)).shape  # of any size
    torch.Size([1, 2, 257, 50])
    """

    def __init__(self, inputs: int, outputs: int, width: int = 0, config: UNetConfig | None = None):
        super().__init__()
        config = config or UNetConfig()
        widths, told = config.widths, config.features if width else 0
        self.told = nn.Conv1d(width, told, 1) if told else None
        down = zip((inputs, *widths), widths, strict=False)
        self.down = nn.ModuleList(_halved(a, b) for a, b in down)
        # from the second step up on, what has the same size on the way down lies beside
        rising = [(widths[-1] + told, widths[-2] if len(widths) > 1 else outputs)]
        rising += [(2 * widths[i], widths[i - 1] if i else outputs) for i in range(len(widths) - 2, -1, -1)]
        self.up = nn.ModuleList(_doubled(a, b, last=i == len(rising) - 1) for i, (a, b) in enumerate(rising))

    def forward(
        self,
        spectra: Float[Tensor, "clips inputs freq frames"],
        features: Float[Tensor, "clips width steps"] | None = None,
    ) -> Float[Tensor, "clips outputs freq frames"]:
        """Pass through; ``features`` have one step for the whole clip, or several that divide it evenly.

        Raises
        ------
        ShapeError
            If there are features for a network without, or none for one with them.
        """
        if (self.told is None) != (features is None):
            raise ShapeError(
                f"got {'no features' if features is None else 'features'} for a U-Net "
                f"{'with' if self.told else 'without'} them; expected what it was made for; make it with width=0 "
                "for none"
            )
        size, step = spectra.shape[-2:], 2 ** len(self.down)
        x = functional.pad(spectra, (0, -size[1] % step, 0, -size[0] % step))
        found = []
        for layer in self.down:
            x = layer(x)
            found.append(x)
        if self.told is not None and features is not None:
            told = functional.interpolate(self.told(features), x.shape[-1], mode="linear", align_corners=False)
            x = torch.cat([x, told[:, :, None].expand(-1, -1, x.shape[-2], -1)], 1)
        for number, layer in enumerate(self.up):
            x = layer(x if number == 0 else torch.cat([x, found[-1 - number]], 1))
        return x[..., : size[0], : size[1]]


def _halved(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)
    )


def _doubled(inputs: int, outputs: int, *, last: bool) -> nn.Sequential:
    layers = [nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=last)]
    return nn.Sequential(*layers, *([] if last else [nn.BatchNorm2d(outputs), nn.ReLU()]))
