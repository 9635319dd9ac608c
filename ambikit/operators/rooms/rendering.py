"""A sound in a room, heard in Ambisonics; source and listener may move."""

from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, constant_like, namespace, narrow, widen
from ambikit._checks import check_floating, check_order, check_sample_rate
from ambikit.errors import ShapeError
from ambikit.geometry.directions import broadcast_shape
from ambikit.operators.convolution import filter_channels
from ambikit.operators.rooms.motion import heard_in_motion
from ambikit.operators.rooms.responses import room_impulse_response

__all__ = ["render_room"]


def render_room(
    signal: Float[Array, "*batch time"],
    room_size: Any,
    source: Any,
    listener: Any,
    sample_rate: float,
    *,
    reflection: Any,
    max_reflections: int,
    order: int = 1,
    trajectory: bool = False,
    speed_of_sound: float = 343.0,
    bands: Any = None,
    source_weights: Any = None,
    air_absorption: Any = None,
) -> Float[Array, "*batch2 channels time"]:
    """A mono sound in a rectangular room, heard in Ambisonics, from a source and by a listener that may move.

    At rest it is the signal convolved with :func:`room_impulse_response`. In motion every image source of
    :func:`image_sources` is followed sample by sample: what arrives at time t left the source at the time t' that
    solves ``t' + distance(source(t'), listener(t)) / c = t``, from where it was then, with 1/distance, the walls, the
    pattern and the air of that way. So the Doppler shift and the change of every reflection are those of the motion.

    Parameters
    ----------
    signal
        ``(..., time)``. The result has the same length: append silence to hear the room ring out.
    room_size, reflection, max_reflections, speed_of_sound, air_absorption
        As in :func:`image_sources`.
    source, listener
        Positions in metres ``(..., 3)``; with ``trajectory=True`` ``(..., time, 3)``, one per sample, where one that
        rests may be ``(3,)`` or ``(..., 1, 3)``. Before the first sample everything rests. Leading axes broadcast with
        those of the signal.
    sample_rate
        In Hz.
    order
        Ambisonic order, 0 or more.
    trajectory
        Whether positions have an axis of time.
    bands
        As in :func:`room_impulse_response`; in motion the sound is filtered before it leaves the source.
    source_weights
        As in :func:`image_sources`; with ``trajectory=True`` ``(channels,)`` or, for a source that turns,
        ``(..., time, channels)``.

    Returns
    -------
    array
        ``(..., channels, time)`` in AmbiX, in the library, dtype and device of ``signal``, with gradients to it and to
        positions, coefficients and weights that are tensors.

    Raises
    ------
    ShapeError
        If time is empty, a trajectory has not the length of the signal, or as in :func:`image_sources`.
    ArrayTypeError
        If the signal holds integers, or NumPy arrays and tensors are mixed.
    AmbikitError
        As in :func:`image_sources` and :func:`room_impulse_response`.

    Notes
    -----
    The moment of emission is found by Newton's method. Between samples a trajectory is a straight line. A source that
    moves faster than sound has several such moments, and none is found. The listener does not turn: turn the result
    with :func:`rotate_track`.

    References
    ----------
    Allen and Berkley, J. Acoust. Soc. Am. 65 (1979) 943; Morse and Ingard, Theoretical Acoustics (1968), chapter 11.2,
    the time of emission.

    Examples
    --------
    A step from the left, 2 m away, arrives after 2 samples of 1 m with half its amplitude:

    >>> step = np.where(np.arange(200) >= 100, 1.0, 0.0)
    >>> heard = render_room(
    ...     step, [9, 9, 9], [4, 6, 4], [4, 4, 4], 343, reflection=0, max_reflections=0, trajectory=True
    ... )
    >>> heard.shape, heard[:2, [40, 150]].round(3).tolist()
    ((4, 200), [[0.0, 0.5], [0.0, 0.5]])
    """
    check_floating(signal)
    if len(signal.shape) == 0 or signal.shape[-1] == 0:
        raise ShapeError(f"got a signal of shape {tuple(signal.shape)}; expected (..., time); give at least one sample")
    sample_rate = check_sample_rate(sample_rate)
    order = check_order(order)
    wide, half = widen(signal)
    settings = {
        "reflection": reflection,
        "max_reflections": max_reflections,
        "order": order,
        "speed_of_sound": speed_of_sound,
        "bands": bands,
        "source_weights": source_weights,
        "air_absorption": air_absorption,
    }
    if trajectory:
        return narrow(heard_in_motion(wide, room_size, source, listener, sample_rate, **settings), half)
    namespace(signal, room_size, source, listener, reflection, source_weights, air_absorption)
    length = int(signal.shape[-1])
    response = room_impulse_response(room_size, source, listener, sample_rate, length=length, **settings)
    return narrow(_convolved(wide, response), half)


def _convolved(signal: Array, response: Array) -> Array:
    """A signal ``(..., time)`` with responses ``(..., channels, taps)``, whose leading axes broadcast."""
    xp = namespace(signal)
    response = constant_like(response, signal)
    if len(response.shape) == 2:
        return filter_channels(signal[..., None, :], response[:, None])
    batch = broadcast_shape(tuple(signal.shape)[:-1], tuple(response.shape)[:-2], names="the signal and the rooms")
    signals = xp.broadcast_to(signal, (*batch, signal.shape[-1])).reshape(-1, 1, signal.shape[-1])
    responses = xp.broadcast_to(response, (*batch, *response.shape[-2:])).reshape(-1, *response.shape[-2:])
    heard = [filter_channels(signals[item], responses[item][:, None]) for item in range(int(np.prod(batch)))]
    return xp.stack(heard).reshape(*batch, *heard[0].shape)
