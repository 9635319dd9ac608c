"""The one engine of all probes: a small network on frozen embeddings, trained the same way for every task."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["HeadConfig", "fit_head"]


@dataclass(frozen=True)
class HeadConfig:
    """How a head is trained."""

    hidden: int = 256
    """Size of the hidden layer; 0 makes a linear probe."""
    dropout: float = 0.3
    """Dropout on the standardised input."""
    epochs: int = 24
    """Passes over the training set."""
    batch: int = 256
    """Examples per step."""
    learning_rate: float = 1e-3
    """Peak learning rate; it falls to zero along a cosine."""
    weight_decay: float = 1e-4
    """Decoupled weight decay."""


def fit_head(
    inputs: Float[Tensor, "examples width"],
    targets: Float[Tensor, "examples outputs"],
    config: HeadConfig,
    *,
    seed: int = 0,
) -> nn.Module:
    """Train a head to predict independent yes-no targets; it returns logits ``(..., outputs)``.

    The inputs are standardised with the statistics of the training set. The result depends on the seed alone.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = _Head(inputs, targets.shape[-1], config)
        optimizer = torch.optim.AdamW(
            head.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, foreach=True
        )
        steps = config.epochs * -(-len(inputs) // config.batch)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _ in range(config.epochs):
            for rows in torch.randperm(len(inputs), generator=generator).split(config.batch):
                loss = functional.binary_cross_entropy_with_logits(head(inputs[rows]), targets[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
    return head.eval().requires_grad_(False)


class _Head(nn.Module):
    def __init__(self, inputs: Tensor, outputs: int, config: HeadConfig):
        super().__init__()
        width = inputs.shape[-1]
        deviation = inputs.std(0)
        self.register_buffer("mean", inputs.mean(0))
        # a constant input carries nothing; it is left at zero instead of being divided by its deviation of zero
        self.register_buffer("scale", torch.where(deviation > 0, 1 / deviation.where(deviation > 0, 1.0), 0.0))
        hidden = [nn.Linear(width, config.hidden), nn.ReLU()] if config.hidden else []
        self.layers = nn.Sequential(
            nn.Dropout(config.dropout), *hidden, nn.Linear(config.hidden if config.hidden else width, outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers((x - self.mean) * self.scale)
