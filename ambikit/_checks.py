"""Questions about the shape and the type of an input, asked once, in the public function.

Never about values: judging values of a tensor would wait for the GPU. Values are judged where the user asks,
in :func:`ambikit.check_foa`.
"""

from collections.abc import Iterable
from math import isfinite
from typing import Any

import numpy as np

from ambikit._arrays import Array, is_array, is_torch
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError

__all__ = [
    "check_choice",
    "check_floating",
    "check_order",
    "check_sample_rate",
    "check_signal",
    "check_spectrum",
    "order_if_complete",
    "order_of_channels",
]


def check_floating(x: Any, name: str = "signal", *, complex_allowed: bool = False) -> None:
    """Refuse what is not an array of floating-point numbers, and say how to scale integers."""
    if not is_array(x):
        raise ArrayTypeError(
            f"got {name} of type {type(x).__name__}; expected a numpy.ndarray or a torch.Tensor; "
            "wrap it with numpy.asarray(..., dtype=float)"
        )
    is_complex = x.is_complex() if is_torch(x) else np.iscomplexobj(x)
    if is_complex and not complex_allowed:
        raise ArrayTypeError(
            f"got {name} of dtype {x.dtype}; expected real floating-point numbers; a spectrum is passed to the "
            "functions that say so"
        )
    is_float = x.is_floating_point() if is_torch(x) else np.issubdtype(x.dtype, np.floating)
    if not (is_float or is_complex):
        bits = {"int16": "32768", "int32": "2147483648", "int8": "128"}
        scale = bits.get(str(x.dtype).removeprefix("torch."), "the largest value of its type")
        raise ArrayTypeError(
            f"got {name} of dtype {x.dtype}; expected floating-point samples in [-1, 1]; "
            f"convert first, e.g. {name} = {name}.astype('float32') / {scale} "
            "(in torch: .float() and the same division)"
        )


def order_of_channels(channels: int, where: str) -> int:
    """The Ambisonic order with ``channels`` channels, or a clear refusal. ``where`` describes the array."""
    order = order_if_complete(channels)
    if order is None:
        raise ShapeError(
            f"got {where}; expected (order + 1)² channels: 1, 4, 9, 16, …; "
            "check the axis order (channels come before time) and that the layout is complete"
        )
    return order


def order_if_complete(channels: int) -> int | None:
    """The order with exactly ``channels`` channels, None if there is none."""
    order = 0
    while (order + 1) ** 2 < channels:  # torch cannot trace the square root of a size that varies
        order += 1
    return order if (order + 1) ** 2 == channels else None


def _shape(x: Array) -> tuple[int, ...]:
    return tuple(x.shape)


def check_signal(
    signal: Any,
    *,
    axis: int = -2,
    order: int | None = None,
    minimum_order: int = 0,
    name: str = "signal",
) -> int:
    """Check an Ambisonic signal or spectrum with its channels on ``axis`` and return its order."""
    check_floating(signal, name, complex_allowed=True)
    shape = _shape(signal)
    if axis >= 0:
        raise ShapeError(
            f"got axis={axis}; expected a negative axis counted from the end, as leading axes are free; "
            "signals have axis=-2, spectra axis=-3"
        )
    if len(shape) < -axis:
        raise ShapeError(
            f"got {name} of shape {shape}; expected channels on axis {axis} followed by {-axis - 1} more; "
            "a single time series is not an Ambisonic signal: use ambikit.encode to make one"
        )
    if 0 in shape[axis + 1 :]:
        raise ShapeError(
            f"got an empty {name} of shape {shape}; expected at least one sample; check the file or the slice"
        )
    channels = shape[axis]
    found = order_of_channels(channels, f"{channels} channels on axis {axis} of {name} with shape {shape}")
    if order is not None and found != order:
        raise ShapeError(
            f"got {channels} channels on axis {axis} of {name} with shape {shape}, which is order {found}; "
            f"expected {(order + 1) ** 2} channels (order {order}); "
            "select the channels you mean, e.g. the first four for first order"
        )
    if found < minimum_order:
        raise ShapeError(
            f"got {channels} channels on axis {axis} of {name} with shape {shape}; expected at least "
            f"{(minimum_order + 1) ** 2} (order {minimum_order}); a mono signal carries no direction: encode it first"
        )
    return found


def check_spectrum(spectrum: Any, *, channels: int | None = None, name: str = "spectrum") -> None:
    """Check a complex spectrum ``(..., channels, freq, time)``, with exactly ``channels`` channels if given."""
    check_floating(spectrum, name, complex_allowed=True)
    shape = _shape(spectrum)
    is_complex = spectrum.is_complex() if is_torch(spectrum) else np.iscomplexobj(spectrum)
    if not is_complex:
        raise ArrayTypeError(
            f"got {name} of dtype {spectrum.dtype}; expected a complex spectrum (..., channels, freq, time); "
            "make one with ambikit.stft"
        )
    if len(shape) < 3 or 0 in shape[-2:]:
        raise ShapeError(
            f"got {name} of shape {shape}; expected (..., channels, freq, time) with at least one bin and one frame; "
            "make one with ambikit.stft"
        )
    if channels is not None and shape[-3] != channels:
        raise ShapeError(f"got {shape[-3]} channels on axis -3 of {name} with shape {shape}; expected {channels}")


def check_order(order: Any, *, minimum: int = 0, maximum: int | None = None, name: str = "order") -> int:
    """Check an Ambisonic order and return it as an int."""
    whole = isinstance(order, int | np.integer) and not isinstance(order, bool)
    if not whole or order < minimum or (maximum is not None and order > maximum):
        upper = "" if maximum is None else f" and at most {maximum}"
        raise AmbikitError(f"got {name}={order!r}; expected a whole number of at least {minimum}{upper}")
    return int(order)


def check_sample_rate(sample_rate: Any) -> float:
    """Check a sample rate in Hz and return it as a float."""
    if (
        not isinstance(sample_rate, int | float | np.integer | np.floating)
        or not isfinite(sample_rate)
        or sample_rate <= 0
    ):
        raise AmbikitError(f"got sample_rate={sample_rate!r}; expected a positive number in Hz, e.g. 48000")
    return float(sample_rate)


def check_choice(value: Any, choices: Iterable[str], name: str) -> None:
    """Refuse a word that is not among ``choices``, and list them."""
    known = sorted(choices)
    if value not in known:
        raise AmbikitError(f"got {name}={value!r}; expected one of {', '.join(map(repr, known))}")
