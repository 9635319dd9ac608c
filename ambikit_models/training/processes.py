"""Many processes that train one model: who works on which clips, and how their embeddings come together."""

import os
from collections.abc import Sequence
from math import ceil

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce
from torch.nn.functional import pad

from ambikit.errors import AmbikitError
from ambikit_models.objectives.infonce import Gather, gather_alone

__all__ = [
    "average_gradients",
    "gather_across",
    "launch",
    "pieces_of",
    "refuse_single_rows",
    "same_on_all",
    "share_of",
    "synchronize_normalization",
]


def launch(fabric: Fabric) -> None:
    """Start the processes, unless Fabric's own command line has; refuse to be many runs in one folder."""
    if os.environ.get("LT_CLI_USED") != "1":
        fabric.launch()
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes > 1 and fabric.world_size == 1:
        raise AmbikitError(
            f"got {processes} processes and a Fabric of one; expected one Fabric over all of them; make it with "
            "devices= and num_nodes= as the launcher was told"
        )


def share_of(clips: int, rank: int, world_size: int) -> slice:
    """The clips of a batch that a process works on: as many as the others have, or one more or less.

    Examples
    --------
    >>> [share_of(7, rank, 2) for rank in range(2)]
    [slice(0, 3, None), slice(3, 7, None)]
    """
    if clips < world_size:
        raise AmbikitError(
            f"got {clips} clips per step on {world_size} processes; expected at least one for each; raise the clips of "
            "the phase or take fewer processes"
        )
    return slice(rank * clips // world_size, (rank + 1) * clips // world_size)


def pieces_of(clips: int, world_size: int, chunk: int) -> int:
    """In how many pieces the clips of each process go through the encoders, so that none has more than ``chunk`` clips.

    All processes have as many, even if that makes the pieces of some of them one clip larger.

    Examples
    --------
    >>> pieces_of(64, 2, 10), pieces_of(64, 2, 100)
    (4, 1)
    """
    return min(ceil(ceil(clips / world_size) / chunk), clips // world_size)


def refuse_single_rows(model: nn.Module, clips: int, rows: int, world_size: int, chunk: int) -> None:
    """Refuse to normalise a single view by itself: of one number there is no deviation.

    Parameters
    ----------
    model
        Maps have many numbers per channel; only layers that normalise vectors are concerned.
    clips, rows
        Clips per step, over all processes, and views per clip.
    world_size, chunk
        Processes, and clips at a time on each (0: all).
    """
    smallest = clips // world_size // (pieces_of(clips, world_size, chunk) if chunk else 1) * rows
    if smallest < 2 and any(isinstance(module, nn.BatchNorm1d) for module in model.modules()):
        raise AmbikitError(
            f"got {clips} clips of {rows} views on {world_size} processes with chunk={chunk}, where some pass through "
            "the encoders alone; expected at least 2 views at a time, for batch normalisation; raise clips or chunk"
        )


def same_on_all(fabric: Fabric, value: int, what: str) -> int:
    """Return a number of the first process, and stop the others if theirs is another one."""
    first = fabric.broadcast(value)
    if first != value:
        raise AmbikitError(
            f"got {what} {value} on process {fabric.global_rank} and {first} on the first one; expected the same; give "
            "an output folder that all machines share"
        )
    return first


def gather_across(fabric: Fabric, clips: int) -> Gather:
    """How tensors with the clips of one process along their first axis are gathered from all, with gradients.

    Parameters
    ----------
    fabric
        The processes.
    clips
        The clips of the whole batch. Where they do not divide evenly, shorter shares are padded on their way.
    """
    rank, world_size = fabric.global_rank, fabric.world_size
    if world_size == 1:
        return gather_alone
    shares = [share_of(clips, other, world_size) for other in range(world_size)]
    sizes = [share.stop - share.start for share in shares]

    def gather(x: Tensor) -> tuple[Tensor, int]:
        per_clip = len(x) // sizes[rank]
        missing = max(sizes) * per_clip - len(x)
        padded = pad(x, (0, 0) * (x.ndim - 1) + (0, missing)) if missing else x
        everyone = fabric.all_gather(padded, sync_grads=True)
        if min(sizes) == max(sizes):
            return everyone.flatten(0, 1), shares[rank].start * per_clip
        rows = [part[: size * per_clip] for part, size in zip(everyone, sizes, strict=True)]
        return torch.cat(rows), shares[rank].start * per_clip

    return gather


def average_gradients(fabric: Fabric, parameters: Sequence[nn.Parameter]) -> None:
    """Replace the gradients of each process by their mean over all processes."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if fabric.world_size == 1 or not gradients:
        return
    mean = fabric.all_reduce(torch.cat([g.flatten() for g in gradients]), reduce_op="mean")
    for gradient, part in zip(gradients, mean.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def synchronize_normalization(model: nn.Module, device: torch.device) -> None:
    """Let every batch normalisation of a model use the statistics of all processes; weights and names stay.

    On a GPU by torch's own layers, on a CPU, for which torch has none, by the same formula.

    Raises
    ------
    AmbikitError
        If there is no batch normalisation in the model.
    """
    found = [(name, m) for name, m in model.named_modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    if not found:
        raise AmbikitError(
            "got synchronize_normalization for a model without batch normalisation; expected one that has it; switch "
            "it off"
        )
    for name, module in found:
        if device.type == "cuda":
            owner, _, last = name.rpartition(".")
            setattr(model.get_submodule(owner), last, nn.SyncBatchNorm.convert_sync_batchnorm(module))
        else:
            module.__class__ = _SynchronizedBatchNorm


class _SynchronizedBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch normalisation over all processes, in plain operations."""

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of axes after the channels."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise."""
        if not self.training or not dist.is_initialized() or dist.get_world_size() == 1:
            return super().forward(input)
        x = input if input.dtype == torch.float64 else input.float()
        axes = [axis for axis in range(x.ndim) if axis != 1]
        shape = [-1 if axis == 1 else 1 for axis in range(x.ndim)]
        count = all_reduce(torch.tensor(float(x.numel() // x.shape[1]), dtype=x.dtype))
        mean = all_reduce(x.sum(axes)) / count
        centred = x - mean.view(shape)
        variance = all_reduce(centred.square().sum(axes)) / count
        if self.track_running_stats:
            self._track(mean.detach(), (variance * count / (count - 1)).detach())
        out = centred * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            out = out * self.weight.view(shape) + self.bias.view(shape)
        return out.to(input.dtype)

    def _track(self, mean: Tensor, variance: Tensor) -> None:
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)
