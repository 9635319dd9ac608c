"""How sound dies away: decay curve, reverberation time and clarity of a measured or computed response."""

from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, constant_like, namespace, narrow, widen
from ambikit._checks import check_floating, check_sample_rate
from ambikit.errors import AmbikitError, ShapeError

__all__ = ["clarity", "decay_time", "energy_decay"]


def energy_decay(response: Float[Array, "*batch time"]) -> Float[Array, "*batch time"]:
    r"""The energy of a response that is still to come, as a share of all of it.

    .. math:: D(t) = \int_t^\infty h^2 \,/ \int_0^\infty h^2

    Parameters
    ----------
    response
        ``(..., time)``: channel W of a room response, or a band of it by :func:`split_octave_bands`.

    Returns
    -------
    array
        ``(..., time)``, falling from 1; 0 where the response is silence. In the library, dtype and device of
        ``response``, with gradients.

    Raises
    ------
    ArrayTypeError
        If the response holds integers.
    ShapeError
        If the time axis is empty.

    References
    ----------
    Schroeder, New method of measuring reverberation time, J. Acoust. Soc. Am. 37 (1965) 409.

    Examples
    --------
    >>> energy_decay(np.array([3.0, 0.0, 4.0])).tolist()
    [1.0, 0.64, 0.64]
    """
    wide, half = _checked(response)
    return narrow(_decay(wide), half)


def decay_time(
    response: Float[Array, "*batch time"], sample_rate: float, *, start_db: float = -5.0, end_db: float = -35.0
) -> Float[Array, "*batch"]:
    """How long a response takes to fall by 60 dB, from the slope of its decay curve.

    A straight line through the decay curve in decibels between two levels; by default from −5 to −35 dB, T30. T20 is
    ``end_db=-25``, the early decay time ``start_db=0, end_db=-10``.

    Parameters
    ----------
    response
        ``(..., time)``: channel W of a room response, or a band of it by :func:`split_octave_bands`. It must reach well
        below ``end_db``: what was cut off, or noise of the recording, bends the curve. Silence before the direct sound
        does not count.
    sample_rate
        In Hz.
    start_db, end_db
        Between which levels the line is drawn, in dB; ``0 ≥ start_db > end_db``.

    Returns
    -------
    array
        ``(...)`` in seconds, in the library, dtype and device of ``response``, with gradients; 0 where the response
        is silence or falls between the levels at once.

    Raises
    ------
    AmbikitError
        If the levels do not fall, or the sample rate is not positive.
    ArrayTypeError
        If the response holds integers.
    ShapeError
        If the time axis is empty.

    See Also
    --------
    reverberation_time : what statistics predict of a room.

    References
    ----------
    ISO 3382-1:2009, 5.3.3, the integrated impulse response method.

    Examples
    --------
    An amplitude that falls by 60 dB in half a second:

    >>> response = 10 ** (-3 * np.arange(8000) / 4000)
    >>> round(float(decay_time(response, 8000)), 3)
    0.5
    """
    sample_rate = check_sample_rate(sample_rate)
    numbers = isinstance(start_db, int | float | np.number) and isinstance(end_db, int | float | np.number)
    if not numbers or not 0 >= start_db > end_db:
        raise AmbikitError(
            f"got start_db={start_db!r}, end_db={end_db!r}; expected 0 ≥ start_db > end_db, in dB; for T30 -5 and -35"
        )
    wide, half = _checked(response)
    xp = namespace(wide)
    share = _decay(wide)
    used = (share <= 10 ** (start_db / 10)) & (share >= 10 ** (end_db / 10))
    # The silence before the direct sound is no part of the decay: all of the energy is still to come after it.
    used = used & (xp.concat([share[..., 1:], xp.zeros_like(share[..., :1])], -1) < 1)
    level = 10 * xp.log10(xp.where(used, share, 1.0))
    count = used.sum(-1)
    enough = count > 1
    weight = constant_like(1.0, wide) * used / xp.where(enough, count, 1)[..., None]
    time = constant_like(np.arange(wide.shape[-1]) / sample_rate, wide)
    time = time - (weight * time).sum(-1)[..., None]
    spread = (weight * time**2).sum(-1)
    slope = (weight * time * level).sum(-1) / xp.where(enough, spread, 1.0)
    flat = ~enough | (slope == 0)
    seconds = xp.where(flat, 0.0, -60 / xp.where(flat, 1.0, slope))
    return narrow(xp.where(xp.isnan(wide).any(-1), float("nan"), seconds), half)


def clarity(
    response: Float[Array, "*batch time"], sample_rate: float, *, early: float = 0.05
) -> Float[Array, "*batch"]:
    """How much more energy comes early than late, in dB: C50 for speech, C80 for music.

    Parameters
    ----------
    response
        ``(..., time)``, beginning with the direct sound: cut the silence before it off.
    sample_rate
        In Hz.
    early
        Seconds that are early: 0.05 for C50, 0.08 for C80.

    Returns
    -------
    array
        ``(...)`` in dB, in the library, dtype and device of ``response``, with gradients: infinite where nothing comes
        late, 0 in silence.

    Raises
    ------
    AmbikitError
        If ``early`` is not within the response.
    ArrayTypeError
        If the response holds integers.
    ShapeError
        If the time axis is empty.

    References
    ----------
    ISO 3382-1:2009, A.2.3.

    Examples
    --------
    Ten times the energy in the first 50 ms:

    >>> response = np.zeros(100)
    >>> response[0], response[60] = 10**0.5, 1.0
    >>> round(float(clarity(response, 1000)), 9)
    10.0
    """
    sample_rate = check_sample_rate(sample_rate)
    wide, half = _checked(response)
    border = round(early * sample_rate) if isinstance(early, int | float) and abs(early) < float("inf") else 0
    if not 0 < border < wide.shape[-1]:
        raise AmbikitError(
            f"got early={early!r} for a response of {wide.shape[-1] / sample_rate:g} s; expected seconds within it; "
            "lengthen the response or take 0.05"
        )
    xp = namespace(wide)
    wide = wide / _peak(wide)
    first, then = (wide[..., :border] ** 2).sum(-1), (wide[..., border:] ** 2).sum(-1)
    silent, none_late, none_early = (first == 0) & (then == 0), then == 0, first == 0
    plain = ~(none_late | none_early)
    ratio = xp.where(plain, first, 1.0) / xp.where(plain, then, 1.0)
    level = xp.where(plain, 10 / np.log(10.0) * xp.log(ratio), xp.where(none_late, float("inf"), -float("inf")))
    return narrow(xp.where(silent, 0.0, level), half)


def _decay(response: Array) -> Array:
    xp = namespace(response)
    power = (response / _peak(response)) ** 2
    left = xp.flip(xp.cumsum(xp.flip(power, (-1,)), -1), (-1,))
    total = left[..., :1]
    return left / xp.where(total == 0, 1.0, total)


def _peak(response: Array) -> Array:
    """The largest value, 1 in silence: squares of what it divides neither vanish nor overflow."""
    xp = namespace(response)
    peak = abs(response).amax(-1) if xp is not np else abs(response).max(-1)
    peak = peak.detach() if xp is not np else peak
    return xp.where(peak == 0, 1.0, peak)[..., None]


def _checked(response: Any) -> tuple[Array, Any]:
    check_floating(response, "response")
    if len(response.shape) == 0 or response.shape[-1] == 0:
        raise ShapeError(
            f"got a response of shape {tuple(response.shape)}; expected (..., time); give at least one sample"
        )
    return widen(response)
