"""Where a few views of a few clips look, and how wide they are."""

from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import torch
from jaxtyping import Float

import ambikit

__all__ = ["Viewpoints", "smallest_angle"]


@dataclass(frozen=True)
class Viewpoints:
    """A few viewpoints for each of a few clips.

    Attributes
    ----------
    azimuth, elevation
        The direction of the centre of each view in radians, shape ``(clips, views)``; azimuth to the left.
    field_of_view
        The full angle from the left to the right edge in radians, shape ``(clips, views)``.

    Examples
    --------
    >>> front = torch.zeros(1, 2, dtype=torch.float64)
    >>> pair = Viewpoints(torch.tensor([[0.0, np.pi / 2]], dtype=torch.float64), front, front + 1.0)
    >>> pair.clips, pair.views, round(np.degrees(pair.separation()[0].item()))
    (1, 2, 90)
    """

    azimuth: Float[torch.Tensor, "clips views"]
    elevation: Float[torch.Tensor, "clips views"]
    field_of_view: Float[torch.Tensor, "clips views"]

    @property
    def clips(self) -> int:
        """The number of clips."""
        return self.azimuth.shape[0]

    @property
    def views(self) -> int:
        """The number of viewpoints per clip."""
        return self.azimuth.shape[1]

    def __getitem__(self, clips: Any) -> "Viewpoints":
        """The viewpoints of some of the clips: a slice, a mask or an array of indices."""
        if isinstance(clips, int):
            clips = [clips]
        return Viewpoints(self.azimuth[clips], self.elevation[clips], self.field_of_view[clips])

    def to(self, *args: Any, **kwargs: Any) -> "Viewpoints":
        """Bring the angles to a device or dtype, with the arguments of ``torch.Tensor.to``."""
        return Viewpoints(*(x.to(*args, **kwargs) for x in (self.azimuth, self.elevation, self.field_of_view)))

    def fingerprints(self) -> list[int]:
        """One number for each clip that follows from its viewpoints: to draw from, what shall change with them."""
        angles = [angle.numpy(force=True) for angle in (self.azimuth, self.elevation, self.field_of_view)]
        return [crc32(np.stack(of_one).tobytes()) for of_one in zip(*angles, strict=True)]

    def mirrored(self) -> "Viewpoints":
        """The viewpoints for a scene whose left and right have been exchanged."""
        return Viewpoints(-self.azimuth, self.elevation, self.field_of_view)

    def separation(self) -> Float[torch.Tensor, "clips"]:
        """The smallest great-circle angle between two centres of a clip, in radians (π for a single view)."""
        vectors = ambikit.angles_to_vectors(self.azimuth.numpy(force=True), self.elevation.numpy(force=True))
        return torch.from_numpy(smallest_angle(vectors)).to(self.azimuth)


def smallest_angle(vectors: np.ndarray) -> np.ndarray:
    """The smallest angle between two of the vectors, ``(clips, views, 3) -> (clips,)``; π for a single one."""
    first, second = np.triu_indices(vectors.shape[1], k=1)
    cosine = np.sum(vectors[:, first] * vectors[:, second], axis=-1)
    return np.arccos(np.clip(cosine, -1.0, 1.0)).min(axis=-1, initial=np.pi)
