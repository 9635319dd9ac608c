"""An encoder with a linear layer behind it, trained together on a task."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ambikit_models.downstream.probing.examples import Examples, Inputs, Varied
from ambikit_models.downstream.probing.fitting import FitConfig, fit, seeded
from ambikit_models.downstream.probing.heads import head_layers
from ambikit_models.downstream.probing.losses import Loss
from ambikit_models.downstream.probing.schedules import Cosine, MultiStep
from ambikit_models.training.sampling import generator_for

__all__ = ["PAPER", "Frozen", "TuningConfig", "fine_tune", "fit_network"]


@dataclass(frozen=True)
class TuningConfig(FitConfig):
    """How an encoder is tuned to a task."""

    epochs: int = 10
    batch: int = 28
    learning_rate: float = 1e-3
    schedule: Cosine | MultiStep = field(default_factory=Cosine)
    hidden: int = 0
    """Size of a hidden layer behind the encoder; 0 for the papers' single linear layer."""
    dropout: float = 0.0
    """Dropout on the embedding."""
    encoder_rate: float = 1.0
    """Learning rate of the encoder as a share of that of the layers behind it."""


#: Supplementary A.3 of morgado2020, for action recognition.
PAPER = TuningConfig(
    epochs=100,
    batch=28,
    learning_rate=1e-4,
    weight_decay=0.0,
    optimizer="adam",
    schedule=MultiStep((40, 60, 80)),
)


class Frozen(nn.Module):
    """An encoder that stays as it is, whatever is trained around it: no gradients, no batch statistics."""

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> "Frozen":
        """Change the mode of nothing."""
        return self

    def forward(self, inputs: Inputs) -> Any:
        """Embed without a gradient."""
        with torch.no_grad():
            return self.encoder(inputs)


def fine_tune(
    encoder: nn.Module,
    train: Examples,
    outputs: int,
    config: TuningConfig,
    *,
    loss: Loss,
    seed: int = 0,
    report: Callable[[int, int, float], None] | None = None,
) -> nn.Module:
    """Train a copy of an encoder and a head behind it; the encoder itself is left as it was.

    Parameters
    ----------
    encoder
        Makes embeddings ``(examples, pieces, ..., width)`` from :class:`Inputs`.
    train
        Read with a generator, so that they may vary from epoch to epoch.
    outputs
        Size of the answers.
    config
        How it is trained.
    loss
        Of answers and targets.
    seed
        Of the head, the order, dropout and the variation of the examples.
    report
        Told epochs done, epochs of all and the mean loss after every epoch.

    Returns
    -------
    Answers ``(examples, pieces, ..., outputs)`` from :class:`Inputs`, in evaluation mode.
    """
    encoder = copy.deepcopy(encoder)
    device = next(encoder.parameters()).device
    with torch.no_grad():
        width = encoder.eval()(train.inputs(np.arange(1)).to(device)).shape[-1]
    with seeded(seed, device):
        network = nn.Sequential(encoder, head_layers(width, outputs, config.hidden, config.dropout).to(device))
        rates = [
            {"params": list(network[0].parameters()), "lr": config.learning_rate * config.encoder_rate},
            {"params": list(network[1].parameters())},
        ]
        fit_network(network, train, config, loss=loss, seed=seed, rates=rates, report=report)
    return network


def fit_network(
    network: nn.Module,
    train: Examples | Varied,
    config: FitConfig,
    *,
    loss: Loss,
    seed: int = 0,
    rates: list[dict] | None = None,
    report: Callable[[int, int, float], None] | None = None,
) -> nn.Module:
    """Train any network from :class:`Inputs` to answers in place: a dense head with a :class:`Frozen` encoder, say.

    Initial weights and dropout are the caller's: see :func:`~ambikit_models.downstream.probing.fitting.seeded`. It is
    returned in evaluation mode.
    """
    device = next(network.parameters()).device
    generators: dict[int, np.random.Generator] = {}

    def batch(rows: Tensor, epoch: int) -> tuple[Inputs, Tensor]:
        if epoch not in generators:
            generators.clear()
            generators[epoch] = generator_for(seed, 11, epoch)
        if isinstance(train, Varied):
            inputs, targets = train.pairs(rows.numpy(), generators[epoch])
        else:
            inputs, targets = train.inputs(rows.numpy(), generators[epoch]), train.targets[rows]
        return inputs.to(device), targets.to(device)

    network.train().requires_grad_(True)
    for module in network.modules():
        if isinstance(module, Frozen):
            module.requires_grad_(False)
    fit(network, len(train), batch, config, loss, seed=seed, fewest=2, rates=rates, report=report)
    return network.eval().requires_grad_(False)
