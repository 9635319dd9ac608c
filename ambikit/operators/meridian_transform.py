"""Transforms that are alike all around an axis: one integral from pole to pole, then a turn of the pole to the axis."""

from typing import Any

import numpy as np

from ambikit._arrays import Array, as_float_array, cached_design, constant_like, is_torch, loaded_torch, namespace
from ambikit.errors import AmbikitError
from ambikit.geometry.channels import degree_pairs
from ambikit.geometry.harmonics import harmonics_of_vectors
from ambikit.operators.channel_axis import angles_for
from ambikit.operators.rotation import rotation_matrix

__all__ = [
    "along_axis",
    "check_between",
    "gauss_nodes",
    "in_numpy",
    "meridian_matrix",
    "parameters_for",
    "unit_matrix",
]


@cached_design
def gauss_nodes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Heights z from −1 to 1, and weights of sum 1, whose sums are exact for polynomials of degree 2 count − 1."""
    heights, weights = np.polynomial.legendre.leggauss(count)
    return heights, weights / 2


def _at_azimuth_0(order: int) -> list[int]:
    """Which channel has, at azimuth 0, the height function of each channel."""
    return [n * (n + 1) + abs(m) for n, m in degree_pairs(order)]


@cached_design
def _same_index(order: int, output_order: int) -> np.ndarray:
    """The mean over the azimuth of the products of two channels' azimuth functions."""
    m, below = (np.array(degree_pairs(each))[:, 1] for each in (order, output_order))
    return (below[:, None] == m) * np.where(m == 0, 1.0, 0.5)


def meridian_matrix(
    heights: Array,
    sines: Array,
    moved_heights: Array,
    moved_sines: Array,
    weights: Array,
    order: int,
    output_order: int,
) -> Array:
    """The matrix that moves and weights plane waves, alike all around the z axis.

    Of all matrices T = ⟨g y(d') y(d)ᵀ⟩ (2 n + 1) makes the mean over the sphere of ``|T y(d) − g(d) y(d')|²`` least.

    Parameters
    ----------
    heights, sines
        ``(..., nodes)``, z and √(1 − z²) of the sources.
    moved_heights, moved_sines
        The same of where they go.
    weights
        The weight of the node times the gain g.
    order, output_order
        Of the signal and of the result.

    Returns
    -------
    array
        ``(..., output channels, channels)``.
    """
    xp = namespace(heights, moved_heights, weights)
    before, after = (
        harmonics_of_vectors(xp.stack([sine, xp.zeros_like(sine), height], -1), degree)
        for height, sine, degree in ((heights, sines, order), (moved_heights, moved_sines, output_order))
    )
    scale = constant_like([2.0 * n + 1 for n, _ in degree_pairs(order)], heights)
    before = before[..., _at_azimuth_0(order)] * scale * weights[..., None]
    product = after[..., _at_azimuth_0(output_order)].swapaxes(-1, -2) @ before
    return product * constant_like(_same_index(order, output_order), heights)


def along_axis(matrix: Array, azimuth: Array, elevation: Array, order: int, output_order: int) -> Array:
    """A transform designed around the z axis, around another one: turn that to the pole, transform, turn it back."""
    turn = rotation_matrix(azimuth, np.pi / 2 - elevation, order=max(order, output_order))
    after, before = turn[..., : (output_order + 1) ** 2, : (output_order + 1) ** 2], turn[..., : (order + 1) ** 2, :]
    return after @ matrix @ before[..., : (order + 1) ** 2].swapaxes(-1, -2)


def unit_matrix(like: Array, order: int, output_order: int) -> Array:
    """What copies the channels that both orders have."""
    return constant_like(np.eye((output_order + 1) ** 2, (order + 1) ** 2), like)


def parameters_for(signal: Array | None, azimuth: Any, elevation: Any, *others: Any, degrees: bool) -> tuple:
    """The parameters of a design in one library, the two angles in radians, precise enough for a signal."""
    if signal is None:
        signal = next((as_float_array(x) for x in (azimuth, elevation, *others) if is_torch(x)), np.zeros(1))
    values = angles_for(signal, azimuth, elevation, *others)
    factor = np.pi / 180 if degrees else 1.0
    return (values[0] * factor, values[1] * factor, *values[2:])


def check_between(value: Any, low: float, high: float, name: str, advice: str, *, ends: bool = True) -> None:
    """Refuse a plain number outside of its range; the values of arrays and tensors are not looked at."""
    if isinstance(value, int | float) and not (low <= value <= high if ends else low < value < high):
        limits = f"{low:g} to {high:g}" if ends else f"more than {low:g} and less than {high:g}"
        raise AmbikitError(f"got {name}={value!r}; expected {limits}; {advice}")


def in_numpy(values: Any) -> np.ndarray:
    """Parameters for a report, which is worked out in NumPy whatever holds them."""
    if is_torch(values):
        return values.detach().cpu().to(loaded_torch().float64).numpy()
    return np.asarray(values, dtype=np.float64)
