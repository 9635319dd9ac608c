"""Where and when the views of a phase look and listen."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from ambikit.errors import AmbikitError
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.training.phases import Phase
from ambikit_models.training.sampling import choose_viewpoints

__all__ = ["choose_moments", "choose_views", "draw_moments"]


def choose_views(
    phase: Phase,
    chooser: Any,
    source: Any,
    indices: np.ndarray,
    generator: np.random.Generator,
    *,
    excerpt: float,
) -> tuple[Viewpoints, Float[torch.Tensor, "clips views"] | None]:
    """Draw the viewpoints of some clips for a phase, and their moments if it has several.

    With several moments every viewpoint is taken at each of them: view ``v · moments + m`` is viewpoint ``v`` at moment
    ``m``. A source may say how long its clips last, ``seconds(indices)``; without that they are taken to be long.

    Parameters
    ----------
    phase
        How many of both.
    chooser, source, indices, generator
        As in :func:`~ambikit_models.training.sampling.choose_viewpoints`.
    excerpt
        Seconds of a clip that are seen and heard at once.
    """
    viewpoints = choose_viewpoints(chooser, phase.views, source, indices, generator)
    if phase.moments == 1:
        return viewpoints, None
    moments = choose_moments(
        source, indices, generator, phase.moments, excerpt=excerpt, separation=phase.minimum_separation
    )
    repeated = Viewpoints(
        *(
            angle.repeat_interleave(phase.moments, dim=1)
            for angle in (viewpoints.azimuth, viewpoints.elevation, viewpoints.field_of_view)
        )
    )
    return repeated, torch.from_numpy(np.tile(moments, (1, phase.views)))


def choose_moments(
    source: Any,
    indices: np.ndarray,
    generator: np.random.Generator,
    moments: int,
    *,
    excerpt: float,
    separation: float | None = None,
) -> Float[np.ndarray, "clips moments"]:
    """Draw when some excerpts of each clip begin, at least ``separation`` seconds apart (an excerpt's length).

    The parameters are those of :func:`choose_views`.
    """
    lasting = np.asarray(source.seconds(indices) if hasattr(source, "seconds") else [np.inf] * len(indices))
    if (lasting <= excerpt).any():
        raise AmbikitError(
            f"got clips of {lasting.min():.3g} s for {moments} moments of {excerpt:.3g} s each; expected clips "
            "that last longer than an excerpt; give the world a longer duration, or shorten clip.duration"
        )
    apart = excerpt if separation is None else separation
    return draw_moments(generator, moments, apart / (lasting - excerpt))


def draw_moments(
    generator: np.random.Generator, moments: int, separation: Float[np.ndarray, "clips"]
) -> Float[np.ndarray, "clips moments"]:
    """Draw moments in [0, 1] at least ``separation`` apart, in random order; as far apart as fits where that is less.

    All sets that keep the separation are equally likely: what is left of the interval is shared out at random.

    Examples
    --------
    >>> moments = draw_moments(np.random.default_rng(0), 3, np.array([0.5, 0.9]))
    >>> bool(np.allclose(np.sort(moments), [0, 0.5, 1]))  # three at half the interval from one another fit in one way
    True
    """
    step = np.minimum(separation, 1.0 / max(1, moments - 1))[:, None]
    free = np.sort(generator.uniform(0.0, 1.0, (len(step), moments)), axis=1) * (1.0 - (moments - 1) * step)
    return generator.permuted(free + step * np.arange(moments), axis=1)
