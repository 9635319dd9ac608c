"""Runs that go wrong, said aloud: a loss that is not finite, and one that does not leave the plateau of chance."""

from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from ambikit.errors import AmbikitError
from ambikit_models.training.checkpoints import latest_checkpoint
from ambikit_models.training.phases import Phase

__all__ = ["Plateau", "refuse_divergence", "refuse_unfinite_weights"]

#: float16 halves its scale at each step that it skips: after so many in a row there is none left to halve
_SKIPPED = 20
#: how far below that of chance a loss must have been
_LEFT = 0.1

_REMEDY = "start anew in another output folder with a lower learning_rate, a longer warm_up, or clip_gradient: 1.0"


def refuse_divergence(losses: Tensor, last_step: int, output: Path, *, skips: bool) -> Tensor:
    """Return which of the losses of the steps up to ``last_step`` are finite; stop where they are not and should be.

    Parameters
    ----------
    losses
        One per step, the same on every process.
    last_step
        The number of the last of these steps, counted from 1.
    output
        The folder of the run.
    skips
        Whether the precision is one (float16) that skips steps whose numbers overflow. They are left out, unless
        there are too many in a row.
    """
    finite = losses.isfinite().cpu()
    if bool(finite.all()):
        return finite
    run = longest = 0
    for step in (~finite).tolist():
        run = run + 1 if step else 0
        longest = max(longest, run)
    if skips and longest < min(_SKIPPED, len(finite) + 1):
        return finite
    first = last_step - len(finite) + 1 + int((~finite).int().argmax())
    value = float(losses[int((~finite).int().argmax())])
    raise AmbikitError(
        f"got the loss {value} in step {first}; expected a finite one; {_last_good(output)}; {_REMEDY}"
        + ("; or precision bf16-mixed, which has a larger range" if skips else "")
    )


def refuse_unfinite_weights(fabric: Fabric, model: nn.Module, step: int, output: Path) -> None:
    """Stop before weights are saved that cannot be used."""
    bad = [name for name, value in model.state_dict().items() if not bool(value.isfinite().all())]
    if fabric.all_reduce(torch.tensor(float(bool(bad)), device=fabric.device), reduce_op="sum") > 0:
        where = f", e.g. in {bad[0]!r}" if bad else " on another process"
        raise AmbikitError(
            f"got weights that are not finite after step {step}{where}; expected finite ones; {_last_good(output)}; "
            f"{_REMEDY}"
        )


class Plateau:
    """Notices, once per phase, that a loss has not become better than chance.

    Parameters
    ----------
    after
        Steps of a phase that are waited for; 0 never says anything.
    records
        What the metrics of the phase hold already, where a run goes on.
    """

    def __init__(self, phase: Phase, after: int, records: list[dict[str, Any]]) -> None:
        self._chance, self._after, self._waiting = phase.chance_loss, after, after > 0
        for record in records:
            self._waiting &= "warning" not in record and not self._left(record["loss"])

    def warning(self, step: int, loss: float) -> str | None:
        """What is to be said of the mean loss up to a step, counted from 1 within the phase."""
        self._waiting &= not self._left(loss)
        if not self._waiting or step < self._after:
            return None
        self._waiting = False
        return (
            f"has not left the plateau: after {step} steps the loss is {loss:.2f}, that of chance {self._chance:.2f}; "
            "more clips per step, a longer warm-up or another learning rate may help"
        )

    def _left(self, loss: float) -> bool:
        return loss < self._chance - _LEFT


def _last_good(output: Path) -> str:
    last = latest_checkpoint(output / "checkpoints")
    return f"the last good checkpoint is {last}" if last else "there is no checkpoint yet"
