"""Editing a sound field by direction: any movement and any gain of plane waves, as one matrix of the channels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Inexact

from ambikit._arrays import (
    Array,
    as_float_array,
    constant_like,
    empty_like_signal,
    is_array,
    is_torch,
    namespace,
    narrow,
    widen,
)
from ambikit._checks import check_floating, check_order, check_signal, order_of_channels
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.channels import spread_over_channels
from ambikit.geometry.directions import angles_to_vectors, broadcast_shape
from ambikit.geometry.grids import gauss_legendre_grid
from ambikit.geometry.harmonics import harmonics_of_vectors
from ambikit.operators.channel_axis import (
    apply_matrix,
    apply_matrix_into,
    as_columns,
    check_not_one_per_sample,
    check_out,
    from_columns,
    is_plain,
    shares_memory,
    trailing_shape,
)

__all__ = ["DirectionalTransform", "apply_transform", "directional_transform", "matrix_on_grid", "transform_channels"]


def _stay(vectors: np.ndarray) -> np.ndarray:
    return vectors


def _unchanged(vectors: np.ndarray) -> np.ndarray:
    return np.ones(vectors.shape[:-1])


@dataclass(frozen=True, eq=False)
class DirectionalTransform:
    """A matrix that edits a sound field, and what it was made for: where plane waves should go, and how loud.

    Made by :func:`directional_transform`, :func:`warp_transform`, :func:`dominance_transform` and
    :func:`directional_gain_transform`; applied by :func:`apply_transform`; examined by :func:`transform_report`.
    """

    #: ``(..., output channels, channels)``: float64 NumPy, or a tensor.
    matrix: Array
    #: Where the source of a unit vector ``(..., 3)`` should go, as a unit vector.
    move: Callable = _stay
    #: The gain, ``(...)``, that the source of a unit vector ``(..., 3)`` should have.
    gain: Callable = _unchanged

    @property
    def order(self) -> int:
        """The order of the signals that it takes."""
        return order_of_channels(self.matrix.shape[-1], f"{self.matrix.shape[-1]} columns of a matrix")

    @property
    def output_order(self) -> int:
        """The order of the signals that it makes."""
        return order_of_channels(self.matrix.shape[-2], f"{self.matrix.shape[-2]} rows of a matrix")


def matrix_on_grid(
    gain: Callable, move: Callable, order: int, output_order: int, quadrature_order: int
) -> Float[Array, "*batch out channels"]:
    """The mean over a grid of ``g(d) y(d') y(d)ᵀ (2 n + 1)``: decode to a dense grid, edit, and encode again."""
    azimuth, elevation, weights = gauss_legendre_grid(quadrature_order)
    vectors = angles_to_vectors(azimuth, elevation)
    gains, moved = gain(vectors), move(vectors)
    tensors = [part for part in (gains, moved) if is_torch(part)]
    namespace(*tensors)  # of one device
    gains = as_float_array(gains)
    if tuple(gains.shape)[-1:] != (len(weights),) or tuple(moved.shape)[-2:] != (len(weights), 3):
        raise ShapeError(
            f"got gains of shape {tuple(gains.shape)} and places of shape {tuple(moved.shape)} for "
            f"{len(weights)} directions; expected ({len(weights)},) and ({len(weights)}, 3); gain and move take unit "
            "vectors (..., 3) and keep their leading axes"
        )
    if not is_torch(moved):
        moved = np.asarray(moved, dtype=np.float64)
    after = harmonics_of_vectors(moved, output_order)
    scale = spread_over_channels(2.0 * np.arange(order + 1) + 1)
    before = harmonics_of_vectors(vectors, order) * (scale * weights[:, None])
    if tensors:
        like = as_float_array(tensors[0])
        before, after, gains = (constant_like(part, like) for part in (before, after, gains))
    return (after * gains[..., None]).swapaxes(-1, -2) @ before


def directional_transform(
    order: int,
    *,
    gain: Any = None,
    move: Callable | None = None,
    output_order: int | None = None,
    quadrature_order: int | None = None,
) -> DirectionalTransform:
    r"""Design any edit of a sound field: a gain for every direction, a new place for every direction, or both.

    .. math:: T = \int g(d)\; y(\mathrm{move}(d))\; \hat y(d)^\top \frac{\mathrm{d}\Omega}{4\pi}, \qquad
        \hat y_n^m = (2 n + 1)\, y_n^m

    The field is decoded to a dense grid, edited there, and encoded again. Of all matrices this one comes nearest, in
    the mean square over all directions, to ``T y(d) = g(d) y(move(d))``.

    Parameters
    ----------
    order
        Ambisonic order of the signals that will be edited.
    gain
        A function from unit vectors ``(..., 3)`` (float64 NumPy) to gains ``(...)``; or the harmonics of one,
        ``(..., (gain order + 1)²)`` weights c of ``g(d) = Σ c_k y_k(d)``, a list, array or tensor, for which the
        product of both functions on the sphere is exact. None leaves the levels alone.
    move
        A function from unit vectors ``(..., 3)`` to unit vectors. None leaves sources where they are.
    output_order
        Order of the result, that of the input by default. The exact result has no last order; what lies above is cut
        away, and :func:`transform_report` says how much that is.
    quadrature_order
        Order of the grid; by default exact for gains of known harmonics, and 30 more than twice the sum of both orders
        for functions, where more makes sharp edges more exact.

    Returns
    -------
    DirectionalTransform
        ``.matrix`` is float64 NumPy, or a tensor with gradients if the gains or places are tensors.

    Raises
    ------
    AmbikitError
        If an order is not a whole number of at least 0.
    ShapeError
        If gains or places are not one per direction, or weights are not those of a full order.

    References
    ----------
    Kronlachner and Zotter, Spatial transformations for the enhancement of Ambisonic recordings, ICSA 2014.

    Examples
    --------
    A gain that rises to the left, 1 + y, makes of W its harmonics:

    >>> directional_transform(1, gain=[1.0, 1.0, 0.0, 0.0]).matrix[:, 0].round(3) + 0.0
    array([1.   , 0.333, 0.   , 0.   ])
    """
    order = check_order(order)
    output_order = order if output_order is None else check_order(output_order, name="output_order")
    needed = 2 * (order + output_order) + 30
    if gain is None:
        gains = _unchanged
    elif callable(gain):
        gains = gain
    else:
        weights, gain_order = _gain_weights(gain)
        gains = _gains_of_weights(weights, gain_order)
        if move is None:
            needed = (order + output_order + gain_order + 1) // 2
    grid = needed if quadrature_order is None else check_order(quadrature_order, name="quadrature_order")
    moves = _stay if move is None else move
    return DirectionalTransform(matrix_on_grid(gains, moves, order, output_order, grid), moves, gains)


def _gain_weights(gain: Any) -> tuple[Array, int]:
    if is_array(gain):
        check_floating(gain, "gain")
    weights = as_float_array(gain)
    if len(weights.shape) == 0:
        raise ShapeError("got gain as one number; expected weights of harmonics or a function; multiply the signal")
    return weights, order_of_channels(weights.shape[-1], f"{weights.shape[-1]} weights of harmonics for the gain")


def _gains_of_weights(weights: Array, order: int) -> Callable:
    def gains(vectors: np.ndarray) -> Array:
        harmonics = harmonics_of_vectors(vectors, order)
        return weights @ constant_like(np.ascontiguousarray(harmonics.T), weights)

    return gains


def apply_transform(
    signal: Inexact[Array, "..."], transform: DirectionalTransform, *, axis: int = -2, out: Any = None
) -> Inexact[Array, "..."]:
    """Edit a sound field with a transform that has been designed before.

    ``edited = matrix @ signal`` on the channel axis.

    Parameters
    ----------
    signal
        ``(..., channels, time)`` in AmbiX of the order of the transform, or a spectrum with ``axis=-3``.
    transform
        From :func:`directional_transform` and its like; leading axes of its matrix broadcast with the axes of
        ``signal`` before the channels.
    axis
        The channel axis, negative.
    out
        Where to write the result: an array of its shape and dtype, which may be ``signal`` itself where the order stays
        the same. Not possible where gradients are needed.

    Returns
    -------
    array
        The edited signal, in the library, dtype and device of ``signal``, with gradients to it and to a matrix that is
        a tensor; or ``out``.

    Raises
    ------
    ShapeError
        If the channels are not those of the transform, time is empty, or leading axes do not broadcast.
    ArrayTypeError
        If the signal holds integers, or a NumPy signal meets a transform of tensors.
    AmbikitError
        If ``out`` is given where a gradient is needed.

    Examples
    --------
    Everything 6 dB softer, as a function of direction:

    >>> half = directional_transform(1, gain=lambda d: 0.5 + 0 * d[..., 0])
    >>> apply_transform(np.array([[1.0], [1.0], [0.0], [0.0]]), half)[:, 0].round(12) + 0.0
    array([0.5, 0.5, 0. , 0. ])
    """
    check_signal(signal, axis=axis, order=transform.order)
    return transform_channels(signal, transform.matrix, axis, out)


def transform_channels(signal: Array, matrix: Array, axis: int, out: Any = None) -> Array:
    """Apply matrices ``(..., output channels, channels)`` to the channels of a checked signal."""
    if is_torch(matrix):
        namespace(signal, matrix)
    remedy = "edit the blocks of a sound that changes one after the other"
    check_not_one_per_sample(tuple(matrix.shape)[:-2], signal, axis, remedy)
    names = "the axes of signal before the channels and the parameters"
    batch = broadcast_shape(tuple(signal.shape)[:axis], tuple(matrix.shape)[:-2], names=names)
    shape = (*batch, matrix.shape[-2], *trailing_shape(signal, axis))
    if out is not None:
        check_out(out, shape, signal)
    wide, half = widen(signal)
    matrix = constant_like(matrix, wide)
    if not is_plain(wide, matrix, *([] if out is None else [out])):
        if out is not None:
            raise AmbikitError(
                "got out where a gradient is needed or torch traces the call; expected a new result; leave out "
                "away, or call it under torch.no_grad()"
            )
        return narrow(from_columns(apply_matrix(matrix, as_columns(wide, axis)), wide, axis), half)
    target = empty_like_signal(shape, wide)
    direct = out is not None and half is None and not shares_memory(out, wide)
    if direct and shares_memory(as_columns(out, axis), out):  # else its memory cannot be seen as columns
        target = out
    if 0 not in shape:
        apply_matrix_into(as_columns(target, axis), matrix, as_columns(wide, axis))
    if out is None or target is out:
        return narrow(target, half)
    out[...] = narrow(target, half)
    return out
