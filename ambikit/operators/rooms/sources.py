"""Sources that are louder to one side: loudspeakers, mouths, instruments."""

from typing import Any

from jaxtyping import Float

from ambikit._arrays import Array, is_torch, namespace
from ambikit.geometry.harmonics import spherical_harmonics
from ambikit.operators.beamforming import degree_weights, steered_weights

__all__ = ["directional_source"]


def directional_source(
    pattern: Any, azimuth: Any, elevation: Any, order: int | None = None, *, degrees: bool = False
) -> Float[Array, "*batch channels"]:
    r"""A source that faces a direction: weights of spherical harmonics for ``source_weights`` of a room.

    .. math:: g(d) = \sum_c w_c\, y_c(d) = \sum_n b_n P_n(\cos\angle(d, \text{axis}))

    is how loud it is in direction d, by the weights b_n of :func:`beam_weights`, 1 along its axis. Weights of your own
    describe any source; weights are turned like a signal, ``rotate(weights[..., None], yaw)[..., 0]``.

    Parameters
    ----------
    pattern
        A name of :func:`beam_weights`, or weights ``(..., order + 1)`` of the degrees.
    azimuth, elevation
        Where the source faces, in the axes of the room (x front, y left, z up), in radians: numbers, lists, arrays or
        tensors that broadcast.
    order
        1 for a name, and what the weights have.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    array
        ``(..., channels)``: float64 NumPy, or a tensor with gradients to the direction and the pattern.

    Raises
    ------
    AmbikitError
        If the pattern does not exist at that order.
    ShapeError
        If the weights are not those of the degrees, or they do not broadcast with the angles.

    Examples
    --------
    A cardioid that faces left:

    >>> directional_source("cardioid", 90, 0, degrees=True).round(12).tolist()
    [0.5, 0.5, 0.0, 0.0]
    """
    weights = degree_weights(pattern, order)
    if is_torch(weights):
        namespace(weights, azimuth, elevation)
    return steered_weights(weights, spherical_harmonics(azimuth, elevation, weights.shape[-1] - 1, degrees=degrees))
