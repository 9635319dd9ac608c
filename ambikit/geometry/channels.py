"""How many channels an order has, and which harmonic each ACN channel carries."""

import numpy as np
from jaxtyping import Float, Int

from ambikit._arrays import Array
from ambikit._checks import check_order, order_of_channels
from ambikit.errors import AmbikitError, ShapeError

__all__ = ["channel_count", "degree_pairs", "degrees_of", "order_of", "spread_over_channels"]


def channel_count(order: int) -> int:
    """How many channels a full sphere of this Ambisonic order takes: (order + 1)².

    Parameters
    ----------
    order
        Ambisonic order, 0 or more.

    Returns
    -------
    int
        The number of channels.

    Raises
    ------
    AmbikitError
        If ``order`` is not a whole number of at least 0.

    Examples
    --------
    >>> [channel_count(order) for order in range(4)]
    [1, 4, 9, 16]
    """
    return (check_order(order) + 1) ** 2


def order_of(channels: int | np.integer) -> int:
    """Which Ambisonic order has this many channels.

    Parameters
    ----------
    channels
        Number of channels of a full sphere: 1, 4, 9, 16, …

    Returns
    -------
    int
        The order.

    Raises
    ------
    AmbikitError
        If ``channels`` is not a whole number.
    ShapeError
        If no order has this many channels.

    Examples
    --------
    >>> order_of(9)
    2
    """
    if not isinstance(channels, int | np.integer) or isinstance(channels, bool):
        raise AmbikitError(
            f"got channels={channels!r}; expected a whole number of channels; pass signal.shape[-2], not the signal"
        )
    return order_of_channels(int(channels), f"{channels} channels")


def degree_pairs(order: int) -> list[tuple[int, int]]:
    """Degree n and index m of each ACN channel, as Python numbers (which ``torch.compile`` takes as constants)."""
    return [(n, m) for n in range(check_order(order) + 1) for m in range(-n, n + 1)]


def degrees_of(order: int) -> tuple[Int[np.ndarray, "channels"], Int[np.ndarray, "channels"]]:
    """The degree n and the index m of the harmonic in each ACN channel, where ACN = n (n + 1) + m.

    Parameters
    ----------
    order
        Ambisonic order, 0 or more.

    Returns
    -------
    n, m
        Whole numbers, one pair per channel.

    Raises
    ------
    AmbikitError
        If ``order`` is not a whole number of at least 0.

    References
    ----------
    Nachbar, Zotter, Deleflie, Sontacchi: AmbiX, a suggested Ambisonics format (2011).

    Examples
    --------
    >>> n, m = degrees_of(1)
    >>> n.tolist(), m.tolist()
    ([0, 1, 1, 1], [0, -1, 0, 1])
    """
    n, m = np.array(degree_pairs(order)).T
    return n, m


def spread_over_channels(
    weights: Float[Array, "*batch degrees"],
) -> Float[Array, "*batch channels"]:
    """Repeat one weight per degree n for each of its 2 n + 1 channels.

    Parameters
    ----------
    weights
        Weights of the degrees 0 … order on the last axis.

    Returns
    -------
    array
        Weights of the ACN channels on the last axis, in the library of the input.

    Raises
    ------
    ShapeError
        If there is no degree at all.

    Examples
    --------
    >>> spread_over_channels(np.array([1.0, 0.5])).tolist()
    [1.0, 0.5, 0.5, 0.5]
    """
    if len(weights.shape) == 0 or weights.shape[-1] == 0:
        raise ShapeError(
            f"got weights of shape {tuple(weights.shape)}; expected (..., order + 1): one weight per degree; "
            "give at least the weight of degree 0"
        )
    return weights[..., [n for n, _ in degree_pairs(weights.shape[-1] - 1)]]
