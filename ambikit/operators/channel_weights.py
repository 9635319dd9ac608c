"""Weights on channels: any beam is a weighted sum of the channels, one per direction or one per frequency."""

from math import prod
from typing import Any

import numpy as np
from jaxtyping import Inexact

from ambikit._arrays import (
    Array,
    as_float_array,
    constant_like,
    empty_like_signal,
    is_array,
    is_torch,
    loaded_torch,
    namespace,
    narrow,
    widen,
)
from ambikit._checks import check_floating, check_signal
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.geometry.directions import broadcast_shape
from ambikit.operators.channel_axis import (
    apply_matrix,
    apply_matrix_into,
    as_columns,
    from_columns,
    is_plain,
    trailing_shape,
)

__all__ = ["apply_weights", "is_complex", "weighted_sum"]


def apply_weights(
    signal: Inexact[Array, "..."], weights: Any, *, axis: int = -2, per_frequency: bool = False
) -> Inexact[Array, "..."]:
    r"""Listen with a beam given by one weight per channel, such as :func:`mvdr` and :func:`lcmv` design.

    .. math:: y(t) = w^H x(t) = \sum_c w_c^*\, x_c(t)

    Parameters
    ----------
    signal
        ``(..., channels, time)``, or a spectrum ``(..., channels, freq, time)`` with ``axis=-3``.
    weights
        ``(..., channels)``, real, or complex for a complex spectrum: a list, array or tensor. The leading axes
        broadcast with those of ``signal`` before the channels: a signal ``(N, 1, C, T)`` with weights ``(K, C)`` gives
        ``(N, K, T)``. NumPy weights, being a small design, may meet a tensor; tensors of weights get gradients.
    axis
        The channel axis, negative; the result does not have it.
    per_frequency
        Whether each frequency has weights of its own, ``(..., freq, channels)``; for spectra, with ``axis=-3``.

    Returns
    -------
    array
        ``(..., time)``, or ``(..., freq, time)`` with ``axis=-3``, in the library, dtype and device of ``signal``.

    Raises
    ------
    ShapeError
        If the channels are not those of a full order, the weights are not one per channel (and frequency), or the
        leading axes do not broadcast.
    ArrayTypeError
        If complex weights meet a real signal, the signal holds integers, or a NumPy signal meets tensors.
    AmbikitError
        If ``per_frequency`` is asked for with another axis than −3.

    See Also
    --------
    beamform : beams that look the same all around their axis, steered and applied in one call.

    Examples
    --------
    A dipole to the left, which hears a source on the right with the opposite sign:

    >>> right = np.array([[1.0], [-1.0], [0.0], [0.0]])
    >>> apply_weights(right, [0.0, 1.0, 0.0, 0.0]).tolist()
    [-1.0]
    """
    check_signal(signal, axis=axis)
    weights = _checked_weights(signal, weights, axis, per_frequency)
    wide, half = widen(signal)
    if is_complex(weights):
        weights = _in_dtype_of(wide, namespace(weights).conj(weights))
    else:
        weights = constant_like(weights, wide)
    if per_frequency:
        xp = namespace(wide)
        rows = weights if is_complex(weights) else _in_dtype_of(wide, weights)
        return narrow(xp.matmul(rows[..., None, :], wide.swapaxes(-3, -2))[..., 0, :], half)
    return narrow(weighted_sum(wide, weights, axis), half)


def is_complex(x: Array) -> bool:
    """Whether an array holds complex numbers."""
    return x.is_complex() if is_torch(x) else x.dtype.kind == "c"


def _in_dtype_of(signal: Array, weights: Array) -> Array:
    if is_torch(signal):
        torch = loaded_torch()
        return torch.as_tensor(weights, device=None if is_torch(weights) else signal.device).to(signal.dtype)
    return weights.astype(signal.dtype)


def _checked_weights(signal: Array, weights: Any, axis: int, per_frequency: bool) -> Array:
    if is_array(weights):
        check_floating(weights, "weights", complex_allowed=True)
    else:
        weights = np.asarray(weights)
    if is_torch(weights):
        namespace(signal, weights)
    if not is_complex(weights):
        weights = as_float_array(weights)
    elif not is_complex(signal):
        raise ArrayTypeError(
            "got complex weights for a real signal; expected a spectrum; apply them to ambikit.stft of the signal, or "
            "design real ones from the real part of the covariance"
        )
    if per_frequency and axis != -3:
        raise AmbikitError(
            f"got per_frequency=True with axis={axis}; expected a spectrum (..., channels, freq, time); pass axis=-3"
        )
    shape, signal_shape = tuple(weights.shape), tuple(signal.shape)
    expected = ((signal_shape[-2],) if per_frequency else ()) + (signal_shape[axis],)
    if shape[-len(expected) :] != expected:
        wanted = "(..., freq, channels)" if per_frequency else "(..., channels)"
        raise ShapeError(
            f"got weights of shape {shape} for a signal of shape {signal_shape}; expected {wanted} with the last axes "
            f"{expected}; a beam given by one weight per degree is applied with ambikit.beamform"
        )
    names = "the leading axes of the weights and the axes of signal before the channels"
    broadcast_shape(shape[: len(shape) - len(expected)], signal_shape[:axis], names=names)
    return weights


def weighted_sum(signal: Array, gains: Array, axis: int) -> Array:
    """``Σ_c gains_c signal_c`` over the first channels, as many as there are gains; real gains, or both complex."""
    trailing = trailing_shape(signal, axis)
    channels = tuple(gains.shape)[-1]
    batch = broadcast_shape(
        tuple(gains.shape)[:-1],
        tuple(signal.shape)[:axis],
        names="the angles and the axes of signal before the channels",
    )
    matrix = gains[..., None, :]
    if is_complex(gains):
        columns = signal.reshape(*tuple(signal.shape)[:axis], signal.shape[axis], prod(trailing))
        return apply_matrix(matrix, columns).reshape(*batch, *trailing)
    columns = as_columns(signal, axis)[..., :channels, :]
    if is_plain(signal, gains):
        result = empty_like_signal((*batch, 1, *trailing), signal)
        apply_matrix_into(as_columns(result, -1 - len(trailing)), matrix, columns)
    else:
        result = from_columns(apply_matrix(matrix, columns), signal, axis)
    return result.reshape(*batch, *trailing)
