"""Processors that make a sample of each sample, by a compiled loop or by the formula of the operator."""

from abc import abstractmethod
from math import prod
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, is_torch, kernel_view, loaded_torch, narrow, widen
from ambikit.errors import ArrayTypeError
from ambikit.operators.channel_axis import check_out, shares_memory
from ambikit.stream.processor import Formed

__all__ = ["Sampled"]


class Sampled(Formed):
    """A processor that returns as many samples as it takes."""

    def process(self, block: Float[Array, "..."], *, out: Any = None) -> Float[Array, "..."]:
        """Take the next block, and return as many samples of the result; see :meth:`Processor.process`."""
        form = self._fitting_form(block)
        time = block.shape[-1]
        wide, half = widen(block)
        if out is not None:
            check_out(out, (*form.result, time), block)
        if not form.compiled:
            result = narrow(self._formula(wide), half)
            if out is None:
                return result
            out[...] = result
            return out
        sound = _plain(wide)
        direct = out is not None and half is None and not shares_memory(out, block)
        target = kernel_view(out) if direct else None
        if target is None:
            target = np.empty((*form.result, time), sound.dtype)
            direct = False
        if time:
            items = prod(form.leading[:-1])
            self._loop(sound.reshape(items, -1, time), target.reshape(items, -1, time))
        if direct:
            return out
        result = narrow(loaded_torch().from_numpy(target) if is_torch(block) else target, half)
        if out is None:
            return result
        out[...] = result
        return out

    @abstractmethod
    def _loop(self, sound: np.ndarray, out: np.ndarray) -> None:
        """Process ``(items, channels, time)`` into ``(items, rows, time)``, with at least one sample."""

    @abstractmethod
    def _formula(self, block: Array) -> Array:
        """The same for any array, also an empty one, in steps that keep gradients."""


def _plain(block: Array) -> np.ndarray:
    """The contiguous memory of a block, for loops."""
    if isinstance(block, np.ndarray):
        return np.ascontiguousarray(block)
    view = kernel_view(block.contiguous())
    if view is None:
        raise ArrayTypeError(
            "got a block that needs a gradient in a stream that began without; expected blocks alike; detach it, or "
            "call reset() and begin with one that needs a gradient"
        )
    return view
