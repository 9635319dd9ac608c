"""The subspace that the sources of a sound field span, and the one that noise alone fills.

All of it happens in N3D, where diffuse sound has the identity for its covariance: there it adds the same to all
eigenvalues and moves no eigenvector. In SN3D its covariance is diag(1 / (2 n + 1)), which would turn the subspace of
the sources. Only the real part of a covariance enters: the harmonics are real, so that the imaginary part says nothing
of directions; without it the noise of twice as many observations is averaged, and two sources that sound together out
of phase become two.
"""

from typing import Any, NamedTuple

import numpy as np

from ambikit._arrays import Array, constant_like, is_array, is_torch, namespace
from ambikit.errors import AmbikitError, ArrayTypeError
from ambikit.operators.adaptive_beams import checked_covariance
from ambikit.operators.channel_weights import is_complex
from ambikit.operators.null_steering import n3d_factors

__all__ = ["Eigenbeams", "check_sources", "eigenbeams", "source_mask", "where_it_sounds", "with_gradient"]


class Eigenbeams(NamedTuple):
    """The eigenvectors of a covariance in N3D, brought to a mean power of 1 per channel."""

    order: int
    matrix: Array  # (..., channels, channels), real and symmetric
    values: Array  # (..., channels), the largest first; their sum is the number of channels
    vectors: Array  # (..., channels, channels), in columns; constants without a gradient
    power: Array  # (...), the mean power before; 0 for silence, NaN where the covariance is not finite
    half: Any  # the dtype to return results in, None for the dtype of the vectors


def eigenbeams(covariance: Array) -> Eigenbeams:
    """Check a covariance of an AmbiX signal and decompose it. Silence and NaN decompose as the zero matrix."""
    order, wide, half = checked_covariance(covariance)
    xp = namespace(wide)
    real = wide.real if is_complex(wide) else wide
    factors = n3d_factors(order, real)
    real = (real + real.mT) / 2 * (factors[:, None] * factors)
    finite = xp.isfinite(real).all(-1).all(-1)
    real = xp.where(finite[..., None, None], real, xp.zeros_like(real))
    power = xp.einsum("...ii->...", real) / real.shape[-1]
    sounds = power > 0
    matrix = real / xp.where(sounds, power, xp.ones_like(power))[..., None, None]
    # A matrix whose trace is 0 is none of a sound, and so is one of less than nothing.
    matrix = xp.where(sounds[..., None, None], matrix, xp.zeros_like(matrix))
    values, vectors = xp.linalg.eigh(matrix.detach() if is_torch(matrix) else matrix)
    power = xp.where(finite, xp.where(sounds, power, xp.zeros_like(power)), power + np.nan)
    return Eigenbeams(order, matrix, xp.flip(values, (-1,)), xp.flip(vectors, (-1,)), power, half)


def where_it_sounds(beams: Eigenbeams, result: Array) -> Array:
    """0 for silence and NaN for what is not finite, instead of what was computed from the zero matrix."""
    xp = namespace(result)
    return xp.where(beams.power > 0, result, 0 * beams.power)


def source_mask(beams: Eigenbeams, sources: Any, largest: int) -> Array:
    """Whether each eigenvector belongs to the sources: the first ``sources`` of them, ``(..., channels)``.

    A plain number is checked; the values of an array of numbers, one per covariance, are not looked at.
    """
    index = constant_like(np.arange(beams.values.shape[-1]), beams.values)
    if is_array(sources) and len(sources.shape) > 0:
        namespace(beams.values, sources)
        whole = not (sources.is_floating_point() or sources.is_complex()) if is_torch(sources) else None
        if whole is None:
            whole = sources.dtype.kind in "iu"
        if not whole:
            raise ArrayTypeError(
                f"got sources of dtype {sources.dtype}; expected whole numbers; convert with .astype(int) or .long()"
            )
        return index < sources[..., None]
    return index < check_sources(sources, largest, beams.order)


def check_sources(sources: Any, largest: int, order: int) -> int:
    """Refuse a number of sources that the order cannot tell apart."""
    if is_array(sources):
        sources = sources.item() if not is_torch(sources) else sources
    whole = isinstance(sources, int | np.integer) and not isinstance(sources, bool)
    if not whole or not 1 <= sources <= largest:
        raise AmbikitError(
            f"got sources={sources!r}; expected a whole number from 1 to {largest}, which is what order {order} can "
            "tell apart; take fewer, or record in a higher order"
        )
    return int(sources)


def with_gradient(beams: Eigenbeams, mask: Array) -> Array:
    """The eigenvectors, with the gradient of the subspaces on the two sides of ``mask``.

    A subspace turns by (v_jᵀ dC v_k) / (λ_k − λ_j) of each pair across its border. Pairs on one side, whose
    eigenvalues may well be equal, only turn within it: torch's own gradient of eigenvectors divides by their difference
    too. A border between eigenvalues that are equal but for rounding has no gradient.
    """
    if not is_torch(beams.matrix):
        return beams.vectors
    xp, channels = namespace(beams.matrix), beams.values.shape[-1]
    products = beams.vectors.mT @ beams.matrix @ beams.vectors
    differences = beams.values[..., None, :] - beams.values[..., :, None]
    rounding = channels * xp.finfo(beams.values.dtype).eps * abs(beams.values).amax(-1)[..., None, None]
    across = (mask[..., None, :] != mask[..., :, None]) & (abs(differences) > rounding)
    turns = xp.where(across, products / xp.where(across, differences, 1.0), 0.0)
    return beams.vectors + beams.vectors @ (turns - turns.detach())
