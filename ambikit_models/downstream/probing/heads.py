"""A small network on frozen embeddings, trained the same way for every task."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ambikit_models.downstream.probing.fitting import FitConfig, fit, seeded
from ambikit_models.downstream.probing.losses import Loss, YesNo

__all__ = ["LINEAR", "PROBE", "HeadConfig", "fit_head"]


@dataclass(frozen=True)
class HeadConfig(FitConfig):
    """How a head is trained."""

    hidden: int = 256
    """Size of the hidden layer; 0 makes a linear probe."""
    dropout: float = 0.3
    """Dropout on the standardised input."""


#: The linear probe of downstream tasks: small batches, so that few examples are steps enough.
PROBE = HeadConfig(hidden=0, dropout=0.0, epochs=50, batch=64, learning_rate=1e-2)

#: The linear probe of what is seen, in studies.
LINEAR = HeadConfig(hidden=0, dropout=0.0, epochs=24, learning_rate=1e-2)


def fit_head(
    inputs: Float[Tensor, "*examples width"],
    targets: Tensor,
    config: HeadConfig,
    *,
    loss: Loss | None = None,
    outputs: int | None = None,
    seed: int = 0,
) -> nn.Module:
    """Train a head on embeddings; it returns its answers ``(..., outputs)``.

    The inputs are standardised with the statistics of the training set. The result depends on the seed alone.

    Parameters
    ----------
    inputs
        Embeddings; leading axes are examples, or their pieces, as those of the targets.
    targets
        What the loss compares with.
    config
        Linear or with a hidden layer, and how it is trained.
    loss
        By default that of independent yes-no targets.
    outputs
        Size of the answers; by default that of the targets.
    seed
        Of initial weights, dropout and order.
    """
    inputs, targets = inputs.flatten(0, -2), targets.flatten(0, inputs.ndim - 2)
    with seeded(seed):
        head = _Head(inputs, targets.shape[-1] if outputs is None else outputs, config)
        fit(head, len(inputs), lambda rows, _: (inputs[rows], targets[rows]), config, loss or YesNo(), seed=seed)
    return head.eval().requires_grad_(False)


class _Head(nn.Module):
    def __init__(self, inputs: Tensor, outputs: int, config: HeadConfig):
        super().__init__()
        deviation = inputs.std(0)
        self.register_buffer("mean", inputs.mean(0))
        # a constant input carries nothing; it is left at zero instead of being divided by its deviation of zero
        self.register_buffer("scale", torch.where(deviation > 0, 1 / deviation.where(deviation > 0, 1.0), 0.0))
        self.layers = head_layers(inputs.shape[-1], outputs, config.hidden, config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers((x - self.mean) * self.scale)


def head_layers(width: int, outputs: int, hidden: int, dropout: float) -> nn.Sequential:
    """Dropout, a hidden layer where its size is not 0, and a linear layer."""
    layers = [nn.Linear(width, hidden), nn.ReLU()] if hidden else []
    return nn.Sequential(nn.Dropout(dropout), *layers, nn.Linear(hidden if hidden else width, outputs))
