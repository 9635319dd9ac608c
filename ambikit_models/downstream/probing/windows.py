"""Long sounds as windows of the length that a subject hears at once."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

import ambikit
from ambikit_models.downstream.probing.subjects import Subject

__all__ = ["read_windows", "window_starts"]


def window_starts(
    span: tuple[float, float], length: float, count: int, generator: np.random.Generator | None = None
) -> Float[np.ndarray, "count"]:
    """When windows begin that are spread evenly over a span of seconds, or anywhere in it with a generator.

    Where the span is shorter than a window, all begin with it.

    Examples
    --------
    >>> window_starts((10.0, 14.0), 1.0, 3).tolist(), window_starts((0.0, 3.0), 1.0, 1).tolist()
    ([10.0, 11.5, 13.0], [1.0])
    """
    begin, latest = span[0], max(span[1] - length, span[0])
    if generator is not None:
        return generator.uniform(begin, latest, count) if latest > begin else np.full(count, begin)
    return np.linspace(begin, latest, count) if count > 1 else np.array([(begin + latest) / 2])


def read_windows(
    read: Callable[[float, float], tuple[np.ndarray, float]],
    starts: Float[np.ndarray, "pieces"],
    subject: Subject,
    azimuths: Sequence[float] | None = None,
) -> Float[Tensor, "pieces ..."]:
    """Read windows of a sound and make the inputs of a subject of them.

    Parameters
    ----------
    read
        From start and duration in seconds to a sound ``(channels, time)`` at the rate of the subject, and the rate.
    starts
        When the windows begin.
    subject
        Who hears them.
    azimuths
        To which side each is heard, radians; by default to the front. Other sides need first-order sound.
    """
    samples = round(subject.duration * subject.sample_rate)
    begin = float(starts.min())
    sound, rate = read(begin, float(starts.max()) - begin + subject.duration)
    windows = np.zeros((len(starts), len(sound), samples), np.float32)
    for number, start in enumerate(starts):
        first = round((start - begin) * rate)
        piece = sound[:, first : first + samples]
        windows[number, :, : piece.shape[1]] = piece
    if azimuths is not None:
        windows = ambikit.align(windows, np.array(azimuths), 0.0)
    return subject.hear(torch.from_numpy(windows))
