"""The largest variations of embeddings, and how well they agree with a place: by a line, or around a circle."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ambikit.errors import ShapeError

__all__ = ["PrincipalComponents", "bins_of", "circular_correlation", "correlation", "onto_circle"]


@dataclass(frozen=True)
class PrincipalComponents:
    """The directions in which embeddings vary most, each with a sign that does not depend on the library.

    The largest weight of every direction is positive.

    Examples
    --------
    A line in the plane is one component, and where a point lies on it is counted in standard deviations:

    >>> line = torch.tensor([-1.0, 0.0, 1.0])[:, None] * torch.tensor([3.0, 4.0])
    >>> found = PrincipalComponents.fit(line, 1)
    >>> [round(value, 3) for value in found.axes[0].tolist()], round(found.share, 3)
    ([0.6, 0.8], 1.0)
    >>> found(line)[:, 0].round(decimals=6).tolist()
    [-1.0, 0.0, 1.0]
    """

    mean: Float[Tensor, "width"]
    axes: Float[Tensor, "components width"]
    """Unit vectors."""
    deviations: Float[Tensor, "components"]
    """Standard deviation along each."""
    share: float
    """The part of the variance that lies along them."""

    @classmethod
    def fit(cls, embeddings: Float[Tensor, "*frames width"], components: int) -> "PrincipalComponents":
        """Find them, in float64."""
        points = embeddings.detach().cpu().double().flatten(0, -2)
        if not 1 <= components <= min(points.shape) or len(points) < 2:
            raise ShapeError(
                f"got {len(points)} embeddings of size {points.shape[-1]} for {components} components; expected no "
                "more components than embeddings or their size, and at least 2 embeddings"
            )
        mean = points.mean(0)
        _, sizes, axes = torch.linalg.svd(points - mean, full_matrices=False)
        axes = axes[:components]
        signs = axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()
        total = float((sizes**2).sum())
        share = float((sizes[:components] ** 2).sum()) / total if total > 0 else 0.0
        return cls(mean, axes * signs, sizes[:components] / (len(points) - 1) ** 0.5, share)

    def __call__(self, embeddings: Float[Tensor, "*frames width"]) -> Float[Tensor, "*frames components"]:
        """Where embeddings lie along the directions, in standard deviations of those that were fitted."""
        along = (embeddings.detach().cpu().double() - self.mean) @ self.axes.T
        varied = self.deviations > 0
        return torch.where(varied, along / self.deviations.where(varied, 1.0), 0.0)


def correlation(first: Float[np.ndarray, "frames"], second: Float[np.ndarray, "_frames"]) -> float:
    """Pearson's R, from −1 to 1; NaN where one of the two does not vary.

    Examples
    --------
    >>> correlation(np.array([1.0, 2.0, 3.0]), np.array([5.0, 3.0, 1.0]))
    -1.0
    """
    one, two = (values - values.mean() for values in _paired(first, second))
    power = float((one @ one) * (two @ two))
    return float(one @ two) / power**0.5 if power > 0 else float("nan")


def circular_correlation(first: Float[np.ndarray, "frames"], second: Float[np.ndarray, "_frames"]) -> float:
    r"""How two angles (radians) turn together: 1 for a turn, −1 for a turn of the mirror image, 0 for neither.

    .. math:: \rho = \frac{\sum_{i<j} \sin(a_i - a_j) \sin(b_i - b_j)}
        {\sqrt{\sum_{i<j} \sin^2(a_i - a_j) \sum_{i<j} \sin^2(b_i - b_j)}}

    It needs no mean directions, which angles all around do not have.

    References
    ----------
    N. I. Fisher, A. J. Lee, "A correlation coefficient for circular data", Biometrika 70, 1983, equation 2.

    Examples
    --------
    >>> around = np.radians([0.0, 50.0, 100.0, 200.0])
    >>> round(circular_correlation(around, around + 2.0), 6), round(circular_correlation(around, 1.0 - around), 6)
    (1.0, -1.0)
    """
    one, two = _paired(first, second)
    # sums of sin · sin over pairs are sums of cosines of differences, and these are squares of sums over single angles
    same, mirrored = abs(np.exp(1j * (one - two)).sum()) ** 2, abs(np.exp(1j * (one + two)).sum()) ** 2
    spread = [len(one) ** 2 - abs(np.exp(2j * angles).sum()) ** 2 for angles in (one, two)]
    power = spread[0] * spread[1]
    return float((same - mirrored) / power**0.5) if min(spread) > 1e-9 * len(one) ** 2 else float("nan")


def onto_circle(found: Float[np.ndarray, "frames"], truth: Float[np.ndarray, "_frames"]) -> Float[np.ndarray, "frames"]:
    """Turn angles, and mirror them where that is better, so that they agree best with others.

    Angles of principal components have neither a zero nor a sense of turning; this gives them both. The sense is that
    in which :func:`circular_correlation` is not negative.

    Examples
    --------
    >>> onto_circle(np.array([0.1, 0.2, 0.4]), np.array([1.9, 1.8, 1.6])).round(6).tolist()
    [1.9, 1.8, 1.6]
    """
    found, truth = _paired(found, truth)
    sums = {sense: np.exp(1j * (truth - sense * found)).mean() for sense in (1, -1)}
    sense = max(sums, key=lambda s: abs(sums[s]))
    return np.angle(np.exp(1j * (sense * found + np.angle(sums[sense]))))


def bins_of(values: Float[np.ndarray, "frames"], bins: int) -> np.ndarray:
    """Sort values into bins that hold equally many, from 0 for the lowest.

    Examples
    --------
    >>> bins_of(np.array([5.0, -1.0, 0.0, 900.0]), 2).tolist()
    [1, 0, 0, 1]
    """
    edges = np.quantile(values, np.arange(1, bins) / bins)
    return np.searchsorted(edges, values, side="right")


def _paired(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if first.shape != second.shape or first.ndim != 1 or len(first) < 2:
        raise ShapeError(
            f"got values of shapes {first.shape} and {second.shape}; expected one of each per frame, and 2 frames or "
            "more"
        )
    return np.asarray(first, np.float64), np.asarray(second, np.float64)
