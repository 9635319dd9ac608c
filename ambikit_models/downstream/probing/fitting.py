"""The one training loop of all downstream tasks, for a head on stored numbers and for a whole network alike."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ambikit_models.downstream.probing.losses import Loss
from ambikit_models.downstream.probing.schedules import Cosine, MultiStep

__all__ = ["FitConfig", "fit", "seeded"]


@dataclass(frozen=True)
class FitConfig:
    """How something is trained."""

    epochs: int = 24
    """Passes over the training set."""
    batch: int = 256
    """Examples per step."""
    learning_rate: float = 1e-3
    """Peak learning rate."""
    weight_decay: float = 1e-4
    """Weight decay."""
    optimizer: Literal["adam", "adamw"] = "adamw"
    """AdamW, or the papers' Adam, whose weight decay is added to the gradient."""
    schedule: Cosine | MultiStep = field(default_factory=Cosine)
    """How the learning rate falls."""


def fit(
    network: nn.Module,
    examples: int,
    batch: Callable[[Tensor, int], tuple[Any, Tensor]],
    config: FitConfig,
    loss: Loss,
    *,
    seed: int = 0,
    fewest: int = 1,
    rates: list[dict[str, Any]] | None = None,
    report: Callable[[int, int, float], None] | None = None,
) -> None:
    """Train a network in place. All that is random here follows from the seed; dropout is the caller's.

    Parameters
    ----------
    network
        In the mode that it shall be trained in.
    examples
        How many there are.
    batch
        Gives inputs and targets of some rows, ``(rows, epoch)``, where the network is.
    config
        How it is trained.
    loss
        Of outputs and targets.
    seed
        Of the order of the examples.
    fewest
        A last batch with fewer examples joins the one before it: batch statistics need more than one.
    rates
        Parameter groups of the optimiser; by default all parameters that require a gradient, at one rate.
    report
        Told epochs done, epochs of all and the mean loss after every epoch.
    """
    generator = torch.Generator().manual_seed(seed)
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimizer = kinds[config.optimizer](
        rates or parameters, lr=config.learning_rate, weight_decay=config.weight_decay, foreach=True
    )
    steps = len(_split(torch.arange(examples), config.batch, fewest))
    schedule = config.schedule.attach(optimizer, config.epochs, steps)
    for epoch in range(config.epochs):
        total = 0.0
        for rows in _split(torch.randperm(examples, generator=generator), config.batch, fewest):
            inputs, targets = batch(rows, epoch)
            value = loss(network(inputs), targets)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            schedule.step()
            if report:
                total += float(value.detach()) / steps
        if report:
            report(epoch + 1, config.epochs, total)


@contextmanager
def seeded(seed: int, device: str | torch.device = "cpu") -> Iterator[None]:
    """Draw from a seed within a block, and leave the generators outside as they were."""
    place = torch.device(device)
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def _split(rows: Tensor, size: int, fewest: int) -> list[Tensor]:
    parts = list(rows.split(size))
    if len(parts) > 1 and len(parts[-1]) < fewest:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts
