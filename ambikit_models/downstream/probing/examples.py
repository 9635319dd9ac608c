"""What a task asks about: examples of one or more pieces each, with their targets and the groups they belong to."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

__all__ = ["Examples", "Inputs", "Part", "Split", "Varied", "encode", "read_each"]

#: that read files side by side
_THREADS = 16


@dataclass(frozen=True)
class Inputs:
    """What goes into an encoder: pieces of pictures, of sound, or of both.

    Attributes
    ----------
    video
        ``(examples, pieces, 3, frames, height, width)``, red, green, blue in [0, 1].
    audio
        Features of the sound, ``(examples, pieces, channels, mel, time)``.
    """

    video: Float[Tensor, "examples pieces ..."] | None = None
    audio: Float[Tensor, "examples pieces ..."] | None = None

    def to(self, device: Any) -> "Inputs":
        """Bring everything to a device."""
        return Inputs(*(None if x is None else x.to(device) for x in (self.video, self.audio)))


@runtime_checkable
class Examples(Protocol):
    """Examples, each with a number of pieces that are judged one by one and then together.

    Pieces are crops of a scene, clips of a video, windows of a sound. A target belongs to each piece; further axes
    (label frames, pixels) may follow.

    Attributes
    ----------
    targets
        ``(examples, pieces, ...)``.
    groups
        ``(examples,)``: examples of one group come from the same recording, video or place. Folds keep them together,
        and intervals draw them together.
    """

    targets: Tensor
    groups: np.ndarray

    def __len__(self) -> int:
        """The number of examples."""
        ...

    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        """Read some examples: always the same, or varied at random where a generator is given, for training."""
        ...


@runtime_checkable
class Varied(Protocol):
    """Examples whose targets vary with them, such as the masks of crops.

    Attributes
    ----------
    groups
        As those of :class:`Examples`.
    """

    groups: np.ndarray

    def __len__(self) -> int:
        """The number of examples."""
        ...

    def pairs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> tuple[Inputs, Tensor]:
        """Read some examples and their targets: always the same, or varied at random where a generator is given."""
        ...


@dataclass(frozen=True)
class Part:
    """Some of the examples, such as one side of a fold."""

    whole: Examples
    rows: Int[np.ndarray, "chosen"]

    @property
    def targets(self) -> Tensor:
        """Of the chosen examples."""
        return self.whole.targets[torch.as_tensor(self.rows)]

    @property
    def groups(self) -> np.ndarray:
        """Of the chosen examples."""
        return self.whole.groups[self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def inputs(self, rows: np.ndarray, generator: np.random.Generator | None = None) -> Inputs:
        """Read some of the chosen examples."""
        return self.whole.inputs(self.rows[rows], generator)


@dataclass(frozen=True)
class Split:
    """Examples to learn from, and others to be judged by."""

    train: Examples
    test: Examples


Read = TypeVar("Read")


def read_each(
    read: Callable[[int, np.random.Generator | None], Read],
    rows: Int[np.ndarray, "chosen"],
    generator: np.random.Generator | None = None,
) -> list[Read]:
    """Read rows in several threads. Each varies by a generator of its own: the number of threads changes nothing."""
    whole = [int(row) for row in rows]
    varied: list[np.random.Generator | None] = [None] * len(whole)
    if generator is not None:
        varied = [np.random.default_rng(seed) for seed in generator.integers(2**63, size=len(whole))]
    threads = min(len(whole), _THREADS, os.cpu_count() or 1)
    if threads < 2:
        return [read(row, own) for row, own in zip(whole, varied, strict=True)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(read, whole, varied))


@torch.no_grad()
def encode(encoder: nn.Module, examples: Examples, *, block: int = 16) -> Float[Tensor, "examples pieces ..."]:
    """The embeddings of all pieces of all examples, on the CPU; the encoder is in evaluation mode while it works."""
    before = encoder.training
    encoder.eval()
    device = next((p.device for p in encoder.parameters()), torch.device("cpu"))
    rows = np.arange(len(examples))
    found = [
        encoder(examples.inputs(rows[start : start + block]).to(device)).float().cpu()
        for start in range(0, len(rows), block)
    ]
    encoder.train(before)
    return torch.cat(found)
