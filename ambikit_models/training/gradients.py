"""From a batch to the gradients of a step: in one piece, or in chunks that fit into memory (gradient caching)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from ambikit_models.batch import Batch
from ambikit_models.objectives.objective import Objective
from ambikit_models.training.processes import average_gradients

__all__ = ["Gradients", "Step", "chunked_gradients", "whole_gradients"]

#: Adds the gradients of a batch to those of the parameters, averaged over all processes, and returns loss and logs.
Gradients = Callable[[Batch], tuple[Tensor, dict[str, Tensor]]]


class Step(nn.Module):
    """The whole step as one forward pass, so that distributed wrappers see every use of the parameters."""

    def __init__(self, model: nn.Module, objective: Objective):
        super().__init__()
        self.model = model
        self.objective = objective

    def forward(self, *tensors: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and logs of a batch."""
        # tensors one by one: Fabric converts the arguments to its precision and cannot rebuild a frozen Batch
        return self.objective(self.model, Batch(*tensors))


def whole_gradients(fabric: Fabric, step: nn.Module, *, weight: float = 1.0) -> Gradients:
    """Gradients of a step that Fabric has set up, through the whole batch at once.

    ``weight`` is the number of clips of this process over the mean number: it makes the mean over processes the mean
    over clips.
    """

    def gradients(batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        loss, logs = step(*_tensors(batch))
        fabric.backward(loss * weight)
        return loss, logs

    return gradients


def chunked_gradients(
    fabric: Fabric, step: Step, *, pieces: int, weight: float = 1.0, compiled: bool = False
) -> Gradients:
    """The same gradients with only a part of the batch in the encoders at a time: gradient caching [1]_.

    First all clips are embedded in ``pieces`` without a graph; the loss is computed from all embeddings, and its
    gradient with respect to them kept; then each piece is embedded again, with a graph, through which its share of
    that gradient goes back. What the encoders draw (dropout) is the same in both passes. Exact up to rounding for
    encoders whose rows do not depend on each other; batch normalisation in training mode has the statistics of each
    piece, and the gradients are exact for that. Its running statistics are updated once per piece.

    Parameters
    ----------
    fabric
        Processes and precision. Gradients are averaged over processes here, not by their wrapper.
    step
        Model and objective, not the wrapped ones.
    pieces
        How many, the same on every process.
    weight
        As in :func:`whole_gradients`.
    compiled
        Compile the encoders.

    References
    ----------
    .. [1] L. Gao, Y. Zhang, J. Han, J. Callan, "Scaling Deep Contrastive Learning Batch Size under Memory Limited
       Setup", RepL4NLP 2021, arXiv 2101.06983.
    """
    model, objective = step.model, step.objective
    embed_piece = torch.compile(objective.embed) if compiled else objective.embed

    def embed(piece: Batch) -> tuple[Tensor, ...]:
        converted = fabric.strategy.precision.convert_input(_tensors(piece))
        with fabric.autocast():
            return embed_piece(model, Batch(*converted))

    def gradients(batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        parts = list(_split(batch, pieces))
        states, embedded = [], []
        with torch.no_grad(), _buffers_kept(model):
            for part in parts:
                states.append(_generator_states(fabric.device))
                embedded.append(embed(part))
        leaves = [torch.cat(tensors) for tensors in zip(*embedded, strict=True)]
        for leaf in leaves:
            leaf.requires_grad_(leaf.is_floating_point())
        with fabric.autocast():
            loss, logs = objective.compare(model, *leaves)
        fabric.backward(loss * weight)
        begin = 0
        for part, state in zip(parts, states, strict=True):
            rows = slice(begin, begin + part.clips)
            begin = rows.stop
            _set_generators(state, fabric.device)
            pairs = [(x, leaf.grad) for x, leaf in zip(embed(part), leaves, strict=True) if x.requires_grad]
            learned = [(x, gradient[rows]) for x, gradient in pairs if gradient is not None]
            torch.autograd.backward([x for x, _ in learned], [gradient for _, gradient in learned])
        average_gradients(fabric, [p for p in model.parameters() if p.requires_grad])
        return loss, logs

    return gradients


def _tensors(batch: Batch) -> tuple[Tensor | None, ...]:
    return tuple(getattr(batch, field.name) for field in fields(batch))


def _split(batch: Batch, pieces: int) -> Iterator[Batch]:
    """A batch in pieces of as many clips each, or one more or less."""
    columns = [[None] * pieces if x is None else x.tensor_split(pieces) for x in _tensors(batch)]
    return (Batch(*row) for row in zip(*columns, strict=True))


@contextmanager
def _buffers_kept(model: nn.Module) -> Iterator[None]:
    """Give a model its buffers back as they were: running statistics are to be moved once, not in both passes."""
    before = [buffer.clone() for buffer in model.buffers()]
    yield
    for buffer, value in zip(model.buffers(), before, strict=True):
        buffer.copy_(value)


def _generator_states(device: torch.device) -> tuple[Tensor, Tensor | None]:
    return torch.get_rng_state(), torch.cuda.get_rng_state(device) if device.type == "cuda" else None


def _set_generators(state: tuple[Tensor, Tensor | None], device: torch.device) -> None:
    torch.set_rng_state(state[0])
    if state[1] is not None:
        torch.cuda.set_rng_state(state[1], device)
