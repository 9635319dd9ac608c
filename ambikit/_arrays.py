"""The one file that knows there are two array libraries.

The type of the argument decides: NumPy in, NumPy out; torch in, torch out. torch is never imported here: a
tensor can only reach us when its owner has imported torch already.
"""

import sys
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from ambikit.errors import ArrayTypeError

if TYPE_CHECKING:
    import torch

    Array = np.ndarray | torch.Tensor
else:
    Array = Any

__all__ = [
    "Array",
    "as_float_array",
    "as_numbers",
    "cached_design",
    "constant_like",
    "empty_like_signal",
    "is_array",
    "is_compiling",
    "is_torch",
    "is_traced",
    "kernel_view",
    "loaded_torch",
    "namespace",
    "narrow",
    "real_dtype",
    "to_library_of",
    "widen",
]

_HALF_NAMES = ("float16", "bfloat16")
_torch = sys.modules.get("torch")


def loaded_torch() -> Any:
    """Return torch if it has been imported by its user, else None.

    Remembered, because torch.compile walks through all of ``sys.modules`` to trace one look-up in it, which fails
    where another library loads modules lazily.
    """
    global _torch
    if _torch is None:
        _torch = sys.modules.get("torch")
    return _torch


def is_torch(x: Any) -> bool:
    """Whether ``x`` is a torch tensor, answered without importing torch."""
    torch = loaded_torch()
    return torch is not None and isinstance(x, torch.Tensor)


def is_compiling() -> bool:
    """Whether ``torch.compile`` is tracing the call."""
    torch = loaded_torch()
    return torch is not None and torch.compiler.is_compiling()


def is_traced() -> bool:
    """Whether torch writes down what the call does, in ``torch.compile`` or ``torch.jit.trace``.

    What leaves torch then would become a constant of the recording.
    """
    torch = loaded_torch()
    return torch is not None and (torch.compiler.is_compiling() or torch.jit.is_tracing())


def is_array(x: Any) -> bool:
    """Whether ``x`` is a NumPy array or a torch tensor (Python and NumPy scalars and lists are not)."""
    return isinstance(x, np.ndarray) or is_torch(x)


def namespace(*arrays: Any) -> Any:
    """Return the module, ``numpy`` or ``torch``, whose vocabulary the arguments speak.

    Python numbers, NumPy scalars, lists and None are neutral. NumPy and torch in one call, or tensors on two
    devices, are refused: a silent copy between devices is the slowest bug there is.
    """
    tensors = [a for a in arrays if is_torch(a)]
    if not tensors:
        return np
    numpy_arrays = [a for a in arrays if isinstance(a, np.ndarray)]
    if numpy_arrays:
        raise ArrayTypeError(
            f"got a numpy.ndarray of shape {numpy_arrays[0].shape} and a torch.Tensor of shape "
            f"{tuple(tensors[0].shape)} in one call; expected one library; convert one of them, "
            "with torch.as_tensor(array, device=tensor.device) or tensor.numpy()"
        )
    devices = {str(t.device) for t in tensors}
    if len(devices) > 1:
        raise ArrayTypeError(
            f"got tensors on the devices {sorted(devices)}; expected one device; move one with tensor.to(device)"
        )
    return loaded_torch()


def real_dtype(x: Array) -> Any:
    """The real floating dtype that belongs to ``x``: its own, or that of the parts of a complex array."""
    if is_torch(x):
        return x.real.dtype if x.is_complex() else x.dtype
    return x.real.dtype


def constant_like(matrix: Any, x: Array) -> Array:
    """Bring a designed matrix (float64 NumPy, or a tensor) to the library, device and real dtype of ``x``.

    In NumPy 2 a float64 scalar array promotes float32 signals; constants therefore enter through this door.
    A design made from tensors of angles keeps its gradient.
    """
    if is_torch(matrix):
        return matrix.to(real_dtype(x))
    if is_torch(x):
        torch = loaded_torch()
        return torch.as_tensor(np.asarray(matrix), dtype=real_dtype(x), device=x.device)
    return np.asarray(matrix, dtype=real_dtype(x))


def cached_design(function: Callable) -> Callable:
    """Remember the results of a small design (a table of coefficients) per argument, as ``lru_cache`` does.

    ``torch.compile`` would trace into NumPy (and cannot, for some of it); the mark makes it take the result for a
    constant. So the arguments must be plain numbers and words.
    """
    remembered = lru_cache(maxsize=256)(function)

    @wraps(function)
    def designed(*arguments: Any) -> Any:
        return remembered(*arguments)

    designed._dynamo_marked_constant = True  # what torch.compiler.assume_constant_result sets, without torch
    return designed


def as_numbers(value: Any) -> np.ndarray:
    """A number, list or NumPy array as float64 NumPy; what holds no real numbers is refused by its kind, not its value.

    NumPy alone would make NaN of None, 30 of "30" and an error of its own of the rest.
    """
    if isinstance(value, float | int) or is_compiling():
        return np.asarray(value, dtype=np.float64)
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:  # lists of different lengths, tensors on a GPU
        raise ArrayTypeError(_no_numbers(value)) from error
    if array.dtype.kind not in "fiub":
        raise ArrayTypeError(_no_numbers(value))
    return array.astype(np.float64, copy=False)


def _no_numbers(value: Any) -> str:
    shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:57]}..."
    return (
        f"got {shown} ({type(value).__name__}) where numbers belong, as an angle perhaps; expected a real number, a "
        "list of them with one length per axis, an array or a tensor; convert words with float(...), and leave out "
        "what you do not mean to give"
    )


def to_library_of(value: Any, like: Array) -> Array:
    """Angles and other parameters, as an array of the library of ``like``.

    Arrays keep their dtype (half precision is widened to float32); numbers and lists become float64 NumPy
    arrays when ``like`` is NumPy and tensors of float64 on the device of ``like`` when it is torch. A mixture
    of libraries is refused by :func:`namespace`.
    """
    xp = namespace(value, like)
    if is_torch(value):
        return value.float() if str(value.dtype).removeprefix("torch.") in _HALF_NAMES else value
    numbers = as_numbers(value)
    return numbers if xp is np else xp.as_tensor(numbers, device=like.device)


def as_float_array(value: Any) -> Array:
    """A parameter that stands alone, as a floating array: tensors stay tensors, all else is float64 NumPy."""
    if is_torch(value):
        if value.is_complex():
            raise ArrayTypeError(_no_numbers(value))
        if not value.is_floating_point():
            return value.to(loaded_torch().float64)
        return value.float() if str(value.dtype).removeprefix("torch.") in _HALF_NAMES else value
    return as_numbers(value)


def widen(x: Array) -> tuple[Array, Any]:
    """Return ``x`` in a dtype fit for arithmetic, and the dtype to return results in (None: no change).

    float16 and bfloat16 are computed in float32 and returned in their own dtype.
    """
    if is_torch(x):
        if str(x.dtype).removeprefix("torch.") in _HALF_NAMES:
            return x.float(), x.dtype
        return x, None
    if x.dtype == np.float16:
        return x.astype(np.float32), x.dtype
    return x, None


def narrow(x: Array, dtype: Any) -> Array:
    """Undo :func:`widen`: bring a result back to the caller's half-precision dtype, if there was one."""
    if dtype is None:
        return x
    return x.to(dtype) if is_torch(x) else x.astype(dtype)


def empty_like_signal(shape: tuple[int, ...], like: Array) -> Array:
    """An uninitialised result of the library, dtype and device of ``like``.

    On the CPU the memory comes from NumPy, also for torch: NumPy asks for huge pages, torch does not, and
    fresh pages cost more than first-order arithmetic (measured: 22 ms against 40 ms for 46 MB).
    """
    if not is_torch(like):
        return np.empty(shape, dtype=like.dtype)
    torch = loaded_torch()
    if like.device.type == "cpu" and like.dtype in (torch.float32, torch.float64):
        return torch.from_numpy(np.empty(shape, dtype=str(like.dtype).removeprefix("torch.")))
    return torch.empty(shape, dtype=like.dtype, device=like.device)


def kernel_view(x: Array, *, bytes_allowed: bool = False) -> np.ndarray | None:
    """A NumPy view of ``x`` if a compiled kernel may read it, else None.

    A kernel is taken only for plain, contiguous CPU memory in single or double precision (``bytes_allowed``: also
    uint8, for pictures) that needs no gradient, outside ``torch.compile``, ``torch.jit.trace`` and functorch
    transforms, where only the formula can be traced.
    """
    if isinstance(x, np.ndarray):
        plain = x.flags.c_contiguous and x.dtype.char in ("fdFDB" if bytes_allowed else "fdFD") and x.dtype.isnative
        return x if plain else None
    torch = loaded_torch()
    if is_traced() or type(x) is not torch.Tensor:
        return None
    if x.device.type != "cpu" or not x.is_contiguous() or x.is_conj() or x.is_neg():
        return None
    if x.dtype not in (torch.float32, torch.float64, torch.complex64, torch.complex128) and not (
        bytes_allowed and x.dtype == torch.uint8
    ):
        return None
    if (x.requires_grad and torch.is_grad_enabled()) or torch._C._functorch.is_functorch_wrapped_tensor(x):
        return None
    if torch.autograd.forward_ad.unpack_dual(x).tangent is not None:
        return None
    return x.detach().numpy()
