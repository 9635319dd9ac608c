"""How a design meets a signal: real matrices on the channel axis of any signal or spectrum.

A signal ``(..., channels, time)`` and a complex spectrum ``(..., channels, freq, time)`` are both seen as
``(..., channels, columns)`` of real numbers, without a copy where memory allows: a real matrix then acts on real
and imaginary parts side by side and never becomes complex.
"""

from math import prod
from typing import Any

import numpy as np

from ambikit._arrays import Array, is_array, is_torch, is_traced, loaded_torch, namespace, real_dtype
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.geometry.directions import angles_in_radians

__all__ = [
    "COLUMNS_AT_ONCE",
    "angles_for",
    "apply_matrix",
    "apply_matrix_into",
    "as_columns",
    "check_not_one_per_sample",
    "check_out",
    "entry_of_each",
    "from_columns",
    "is_on_gpu",
    "is_plain",
    "shares_memory",
    "trailing_shape",
]

#: columns of one product of matrices; blocks of a multiple of it give, bit for bit, what the whole signal gives
COLUMNS_AT_ONCE = 2**17


def angles_for(signal: Array, *angles: Any, degrees: bool = False) -> tuple[Array, ...]:
    """Angles in radians and precise enough for ``signal``: never in a lower precision than its own."""
    namespace(signal, *angles)
    if is_torch(signal) and not any(is_torch(angle) for angle in angles):
        torch = loaded_torch()
        if torch.compiler.is_compiling():  # which cannot trace NumPy's half of the design
            angles = tuple(torch.as_tensor(a, dtype=torch.float64, device=signal.device) for a in angles)
    converted = angles_in_radians(*angles, degrees=degrees)
    if is_torch(converted[0]):
        torch = loaded_torch()
        dtype = torch.promote_types(converted[0].dtype, real_dtype(signal))
        converted = tuple(angle.to(torch.promote_types(angle.dtype, dtype)) for angle in converted)
    return converted


def check_not_one_per_sample(angles: tuple[int, ...], signal: Array, axis: int, remedy: str) -> None:
    """Refuse angles of a path, one per sample, that would give a copy of the whole signal for each of its samples.

    Angles broadcast with batch axes, and their number may be that of the samples by chance: only where the result would
    also be of more than 2^28 numbers, 1 GiB in single precision, is it taken for a mistake.
    """
    if is_traced() or not angles:
        return
    batch, trailing, time = signal.shape[:axis], signal.shape[axis:], signal.shape[-1]
    one_clip_each = len(batch) > 0 and batch[-1] == angles[-1]
    if angles[-1] == time and not one_clip_each and prod(angles) * prod(trailing) > 2**28:
        raise ShapeError(
            f"got angles of shape {angles} for a signal of {time} samples; expected angles that broadcast with its "
            f"batch axes, as each of them gives a copy of the whole signal, {prod(angles)} here; {remedy}"
        )


def is_plain(*arrays: Array) -> bool:
    """Whether results may be written into given memory.

    Not where a gradient is needed nor where torch traces or transforms the call; there only the functional
    form, which makes a new array in each step, is right.
    """
    tensors = [x for x in arrays if is_torch(x)]
    if not tensors:
        return True
    torch = loaded_torch()
    if is_traced() or any(type(x) not in (torch.Tensor, torch.nn.Parameter) for x in tensors):
        return False
    if torch.is_grad_enabled() and any(x.requires_grad for x in tensors):
        return False
    if any(torch._C._functorch.is_functorch_wrapped_tensor(x) for x in tensors):
        return False
    return all(torch.autograd.forward_ad.unpack_dual(x).tangent is None for x in tensors)


def as_columns(signal: Array, axis: int) -> Array:
    """See a signal as real ``(..., channels, columns)``; everything behind the channel axis becomes columns."""
    shape = tuple(signal.shape)
    # counted, not −1, which an empty batch leaves open
    parts = 2 if (signal.is_complex() if is_torch(signal) else np.iscomplexobj(signal)) else 1
    columns = (*shape[: len(shape) + axis + 1], prod(trailing_shape(signal, axis)) * parts)
    if is_torch(signal):
        return (loaded_torch().view_as_real(signal.resolve_conj()) if parts == 2 else signal).reshape(columns)
    if parts == 2:
        # The real view needs real and imaginary parts next to each other along the last axis.
        contiguous = signal if signal.strides[-1] == signal.itemsize else np.ascontiguousarray(signal)
        signal = contiguous.view(real_dtype(signal))
    return signal.reshape(columns)


def trailing_shape(signal: Array, axis: int) -> tuple[int, ...]:
    """The lengths of the axes behind the channel axis."""
    shape = tuple(signal.shape)
    return shape[len(shape) + axis + 1 :]


def from_columns(columns: Array, signal: Array, axis: int) -> Array:
    """Undo :func:`as_columns` for a tensor: the axes behind the channels, and complex numbers, as in ``signal``."""
    shape = (*columns.shape[:-1], *trailing_shape(signal, axis))
    if signal.is_complex():
        return loaded_torch().view_as_complex(columns.reshape(*shape, 2))
    return columns.reshape(shape)


def apply_matrix(matrix: Array, columns: Array) -> Array:
    """``matrix @ columns``, where several matrices for one signal become one tall matrix.

    A product that broadcasts ``(N, K, rows, channels)`` with ``(N, 1, channels, columns)`` would copy the signal
    K times in torch; stacked on top of each other the K matrices read it once.
    """
    if _is_one_signal_for_many(matrix, columns):
        *batch, count, rows, channels = matrix.shape
        tall = matrix.reshape(*batch, count * rows, channels)
        product = tall @ (columns if len(columns.shape) == 2 else columns[..., 0, :, :])
        return product.reshape(*product.shape[:-2], count, rows, product.shape[-1])
    return matrix @ columns


def apply_matrix_into(target: Array, matrix: Array, columns: Array) -> None:
    """``target[...] = matrix @ columns``, written directly where the library can; they must not overlap.

    In NumPy so many columns at a time that a long signal gives the same bits as its blocks: the order in which BLAS
    adds up a column depends on how many stand beside it.
    """
    if is_torch(target):
        # with out= torch folds the batch of a product with a plain matrix into its rows, and then fits no slice
        plain = len(columns.shape) == 2 and len(matrix.shape) > 2
        if plain or _is_one_signal_for_many(matrix, columns):
            target[...] = apply_matrix(matrix, columns)
        else:
            loaded_torch().matmul(matrix, columns, out=target)
        return
    for start in range(0, target.shape[-1], COLUMNS_AT_ONCE):
        part = (..., slice(start, start + COLUMNS_AT_ONCE))
        np.matmul(matrix, columns[part], out=target[part])


def _is_one_signal_for_many(matrix: Array, columns: Array) -> bool:
    return len(matrix.shape) > 2 and matrix.shape[-3] > 1 and (len(columns.shape) == 2 or columns.shape[-3] == 1)


def entry_of_each(shape: tuple[int, ...], batch: tuple[int, ...]) -> np.ndarray:
    """For each entry of the batch, which entry of an array of a shape that broadcasts to it belongs there."""
    count = prod(shape)
    if count == 1:
        return np.zeros(prod(batch), np.int64)
    return np.broadcast_to(np.arange(count).reshape(shape), batch).reshape(-1)


def is_on_gpu(x: Array) -> bool:
    """Whether an array is a tensor outside the main memory."""
    return is_torch(x) and x.device.type != "cpu"


def shares_memory(x: Array, y: Array) -> bool:
    """Whether writing into ``x`` could change ``y``."""
    if is_torch(x):
        # by addresses: tensors over one NumPy array have a storage each, which begin where each of them does
        (first, after_first), (second, after_second) = _addresses(x), _addresses(y)
        return x.device == y.device and first < after_second and second < after_first
    return np.may_share_memory(x, y)


def _addresses(x: Array) -> tuple[int, int]:
    """Where the memory of a tensor begins and ends; an empty one has none."""
    if x.numel() == 0:
        return 0, 0
    spread = sum((size - 1) * stride for size, stride in zip(x.shape, x.stride(), strict=True))
    return x.data_ptr(), x.data_ptr() + (spread + 1) * x.element_size()


def check_out(out: Any, shape: tuple[int, ...], like: Array) -> None:
    """Refuse a result array that does not fit: it must have the shape and the dtype that the result has."""
    namespace(out, like)
    if is_torch(out) != is_torch(like) or not is_array(out) or out.dtype != like.dtype:
        given = f"{type(out).__name__} of dtype {getattr(out, 'dtype', None)}"
        raise ArrayTypeError(
            f"got out as {given}; expected an array of the library and dtype of the signal, {like.dtype}; "
            "allocate it so or leave it out"
        )
    if isinstance(out, np.ndarray) and not out.flags.writeable:
        raise AmbikitError("got out that is read-only; expected memory to write to; copy it first, or leave it out")
    if tuple(out.shape) != shape:
        raise ShapeError(
            f"got out of shape {tuple(out.shape)}; expected {shape}, that of the result; allocate it so or leave it out"
        )
