"""Clips that are clearly heard on one side: a beginning for networks that are to tell left from right."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ambikit_models.batch import ClipSource
from ambikit_models.panorama.viewpoints import Viewpoints

__all__ = ["Asked", "level_difference", "most_one_sided"]


class Asked(NamedTuple):
    """What is asked of a source."""

    indices: np.ndarray
    """The clips."""
    viewpoints: Viewpoints
    """Where each is looked at."""
    settings: dict[str, Any]
    """What else its ``batch`` takes, one entry per clip."""

    def part(self, rows: slice) -> "Asked":
        """Some of the clips."""
        settings = {name: value[rows] for name, value in self.settings.items()}
        return Asked(self.indices[rows], self.viewpoints[rows], settings)


def level_difference(
    audio: Float[Tensor, "clips views channels rows time"],
) -> Float[Tensor, "clips"]:
    r"""By how many dB one of the two channels is louder than the other, whichever it is; the mean over the views.

    .. math:: \left| 10 \log_{10} \frac{\sum_{b, t} 10^{R_{bt} / 10}}{\sum_{b, t} 10^{L_{bt} / 10}} \right|

    Parameters
    ----------
    audio
        Features that begin with the levels of a left and a right channel in dB.

    Examples
    --------
    >>> left, right = torch.zeros(2, 1, 4, 3), torch.tensor([-20.0, 6.0])[:, None, None, None].expand(2, 1, 4, 3)
    >>> level_difference(torch.stack([left, right], 2))
    tensor([20.,  6.])
    """
    levels = audio[:, :, :2].double()
    highest = levels.amax((2, 3, 4), keepdim=True)
    power = (10 ** ((levels - highest) / 10)).sum((3, 4))
    return (10 * (power[..., 1] / power[..., 0]).log10()).abs().mean(1).to(audio.dtype)


def most_one_sided(source: ClipSource, draws: Sequence[Asked]) -> Asked:
    """Of several draws of as many clips, place by place, the clip whose channels differ most in level.

    A source may have ``listen``, which is ``batch`` without pictures; with others they are loaded and thrown away.
    """
    if len(draws) == 1:
        return draws[0]
    listen: Any = getattr(source, "listen", None) or (lambda *asked, **settings: source.batch(*asked, **settings).audio)
    heard = [level_difference(listen(one.indices, one.viewpoints, **one.settings)).numpy(force=True) for one in draws]
    best, places = np.argmax(heard, 0), np.arange(len(heard[0]))

    def chosen(values: Sequence[Any]) -> Any:
        if isinstance(values[0], Tensor):
            return torch.stack(list(values))[torch.from_numpy(best), torch.from_numpy(places)]
        return np.stack(values)[best, places]

    views = [(one.viewpoints.azimuth, one.viewpoints.elevation, one.viewpoints.field_of_view) for one in draws]
    settings = {name: chosen([one.settings[name] for one in draws]) for name in draws[0].settings}
    return Asked(chosen([one.indices for one in draws]), Viewpoints(*map(chosen, zip(*views, strict=True))), settings)
