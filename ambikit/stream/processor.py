"""What all processors have in common: blocks that must be alike, results into given memory, and an end."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, is_torch, kernel_view, loaded_torch, widen
from ambikit._checks import check_floating
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError

__all__ = ["Form", "Formed", "Processor", "check_channels", "joined"]


class Form(NamedTuple):
    """What the blocks of a stream have in common."""

    leading: tuple[int, ...]
    """Batch axes and channels: all of the shape but time."""
    dtype: Any
    device: Any
    """None for NumPy."""
    compiled: bool
    """Whether compiled loops may work on the memory of the blocks."""
    result: tuple[int, ...]
    """Batch axes and rows of the results."""


class Processor(ABC):
    """A step that sound goes through block by block.

    A stream begins with the first block: its channels, its batch axes, its dtype and its library (NumPy or torch, on
    any device) stay, until :meth:`reset`. The length of the blocks is free, also 0, and may change.

    On the CPU compiled loops work on NumPy arrays and on tensors; on other devices, and where the first block needs a
    gradient, the formulas of the operators do, with gradients also through what is remembered.
    """

    @property
    def latency(self) -> int:
        """Samples by which the results are late."""
        return 0

    @abstractmethod
    def process(self, block: Float[Array, "..."], *, out: Any = None) -> Float[Array, "..."]:
        """Take the next block, and return as many samples of the result.

        Parameters
        ----------
        block
            ``(..., channels, time)``, like the blocks before but for its length. It is not changed.
        out
            Memory for the result, of its shape, in the library and dtype of the block.

        Returns
        -------
        array
            ``(..., rows, time)`` in the library, dtype and device of the block; ``out`` where it is given.

        Raises
        ------
        ShapeError
            If the channels are not those that the processor is for, or not those of the blocks before.
        ArrayTypeError
            If the block holds integers or complex numbers, or its library, dtype or device is not that before.
        """

    def flush(self) -> Float[Array, "..."]:
        """End the stream: the results that are still to come, after which the processor stands as after `reset`.

        Returns
        -------
        array
            ``(..., rows, latency)``. All results together, but for the first ``latency`` samples, are what the
            operator makes of the whole signal.

        Raises
        ------
        AmbikitError
            If there was no block.
        """
        rest = self.process(self._silence(self.latency))
        self.reset()
        return rest

    @abstractmethod
    def reset(self) -> None:
        """Forget the sound and the form of its blocks; what was set, such as a pose, stays."""

    @abstractmethod
    def _silence(self, samples: int) -> Array:
        """A block of silence like those before."""


class Formed(Processor):
    """A processor whose blocks have one form, that of the first, which it checks."""

    _form: Form | None = None

    def reset(self) -> None:
        """Forget the sound and the form of its blocks; what was set, such as a pose, stays."""
        self._form = None

    @abstractmethod
    def _rows(self, channels: int, shape: tuple[int, ...]) -> int:
        """How many rows the result has for so many channels; refuses those that do not fit."""

    # With nothing to remember there is nothing to do.
    def _begin(self, form: Form, like: Array) -> None:
        """Make room for what is remembered of a stream of that form; ``like`` is its first block, widened."""

    def _fitting_form(self, block: Any) -> Form:
        """The form of the stream, begun if this is the first block; refuses a block that is not like those before."""
        form = self._form
        if form is None:
            return self._new_form(block)
        try:
            same_library = isinstance(block, np.ndarray) if form.device is None else block.device == form.device
            fits = same_library and block.dtype == form.dtype and tuple(block.shape[:-1]) == form.leading
        except (AttributeError, TypeError):  # no array, or one of another library
            fits = False
        if not fits or block.ndim < 2:
            self._refuse(block, form)
        return form

    def _new_form(self, block: Any) -> Form:
        check_floating(block, "block")
        shape = tuple(block.shape)
        if len(shape) < 2 or 0 in shape[:-1]:
            raise ShapeError(
                f"got a block of shape {shape}; expected (..., channels, time), where only the time may be 0; a block "
                "of one channel is block[None]"
            )
        result = (*shape[:-2], self._rows(shape[-2], shape))
        wide, _ = widen(block)
        view = kernel_view(wide if is_torch(wide) else np.ascontiguousarray(wide))
        tensor = is_torch(block)
        if tensor and view is None and wide.device.type == "cpu":
            view = kernel_view(wide.contiguous())
        form = Form(shape[:-1], block.dtype, block.device if tensor else None, view is not None, result)
        self._begin(form, wide)
        self._form = form
        return form

    def _refuse(self, block: Any, form: Form) -> None:
        check_floating(block, "block")
        given = f"a block of shape {tuple(block.shape)}, {type(block).__module__}.{type(block).__name__} {block.dtype}"
        library = "numpy" if form.device is None else f"torch on {form.device}"
        shape = ", ".join(map(str, form.leading))
        kind = ShapeError if tuple(block.shape[:-1]) != form.leading else ArrayTypeError
        raise kind(
            f"got {given}; expected ({shape}, time) of {form.dtype} in {library}, like the blocks before; call reset() "
            "where another stream begins"
        )

    def _silence(self, samples: int) -> Array:
        form = self._form
        if form is None:
            raise AmbikitError("got flush() before any block; expected sound first; there is nothing to end")
        if form.device is None:
            return np.zeros((*form.leading, samples), form.dtype)
        return loaded_torch().zeros((*form.leading, samples), dtype=form.dtype, device=form.device)


def joined(first: Array, second: Array) -> Array:
    """Two pieces of a stream, one after the other in time."""
    if is_torch(first):
        return loaded_torch().cat([first, second], -1)
    return np.concatenate([first, second], -1)


def check_channels(channels: int, order: int, shape: Any) -> None:
    """Refuse blocks that are not of the order of a design."""
    if channels != (order + 1) ** 2:
        raise ShapeError(
            f"got {channels} channels in a block of shape {shape}; expected {(order + 1) ** 2} (order {order}); pass "
            "the first channels, or make the processor for the order of the sound"
        )
