"""From the channels of a microphone array to AmbiX: the filters, and their use."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log2
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, cached_design
from ambikit._checks import check_choice, check_floating, check_order, check_sample_rate
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.operators.convolution import filter_channels
from ambikit.operators.microphones.arrays import SPEED_OF_SOUND, MicrophoneArray, as_microphone_array, check_positive
from ambikit.operators.microphones.design import coincident_matrix, equalized_above, least_squares, radial_inverse
from ambikit.operators.microphones.diffuse_field import capsule_harmonics, wave_number_radius

__all__ = ["METHODS", "MicrophoneEncoder", "check_capsules", "encode_microphones", "microphone_encoder"]

#: how an encoder may be designed
METHODS = ("least_squares", "tikhonov", "soft_limit", "matrix")


@dataclass(frozen=True, eq=False)
class MicrophoneEncoder:
    """The way from the capsules of an array to AmbiX: one filter per channel and capsule.

    Made by :func:`microphone_encoder`, or of your own arrays, such as measured filters.

    Parameters
    ----------
    filters
        ``(channels, capsules, taps)``, AmbiX channels of a full order.
    sample_rate
        In Hz.
    array
        The array whose capsules they are for.
    delay
        Samples that the filters are late by design, which :func:`encode_microphones` takes back. A program that plays
        as it computes cannot, and has this latency.
    source
        How the filters were made, in words.

    Raises
    ------
    ShapeError
        If the filters are not those of the capsules and a full order.
    AmbikitError
        If the sample rate is not positive, or the delay not within the filters.

    Examples
    --------
    >>> microphone_encoder("ambeo_vr", sample_rate=48000, method="matrix")
    MicrophoneEncoder('ambeo_vr' to order 1, 1 taps, 48000 Hz, matrix)
    """

    filters: Float[Array, "channels capsules taps"]
    """``(channels, capsules, taps)``."""
    sample_rate: float
    """In Hz."""
    array: MicrophoneArray
    """The array whose capsules they are for."""
    delay: int = 0
    """Samples that the filters are late by design."""
    source: str = ""
    """How the filters were made."""

    def __post_init__(self) -> None:
        check_sample_rate(self.sample_rate)
        shape = tuple(self.filters.shape)
        channels = (round(shape[0] ** 0.5) ** 2) if len(shape) == 3 else 0
        if len(shape) != 3 or 0 in shape or shape[0] != channels or shape[1] != len(self.array):
            raise ShapeError(
                f"got filters of shape {shape} for {self.array!r}; expected (channels, {len(self.array)}, taps) with "
                "1, 4, 9, 16, … channels; bring the axes into this order, e.g. with numpy.moveaxis"
            )
        check_order(self.delay, maximum=shape[2] - 1, name="delay")

    @property
    def order(self) -> int:
        """Ambisonic order of the signals it makes."""
        return round(self.filters.shape[0] ** 0.5) - 1

    def __repr__(self) -> str:
        source = f", {self.source}" if self.source else ""
        taps = f"{self.filters.shape[2]} taps, {self.sample_rate:g} Hz"
        return f"MicrophoneEncoder({self.array.name!r} to order {self.order}, {taps}{source})"


def microphone_encoder(
    array: MicrophoneArray | str,
    order: int | None = None,
    sample_rate: float = 48000,
    *,
    method: str = "least_squares",
    maximum_gain_db: float | Sequence[float] = 30.0,
    diffuse_field_equalization: bool = True,
    taps: int | None = None,
    delay: int | None = None,
    speed_of_sound: float = SPEED_OF_SOUND,
) -> MicrophoneEncoder:
    r"""Design the filters that make AmbiX of what the capsules of an array hear.

    A capsule at u hears the AmbiX field x as :math:`\sum_{nm} (2n + 1)\, b_n(kr)\, Y_n^m(u)\, x_n^m`, where the radial
    functions b say how much of degree n is left at the radius r. Long waves look the same at all capsules:
    :math:`b_n` falls with :math:`(kr)^n`, and its inverse, which the encoder needs, raises the noise of the capsules
    without limit. So it is limited: below some frequency a degree fades away. Short waves, above
    :meth:`MicrophoneArray.aliasing_frequency`, are too short for the distance between capsules: there no encoder
    can be right. :func:`encoding_report` shows both.

    ====================  ===========================================================================================
    method                what it does
    ====================  ===========================================================================================
    ``"least_squares"``   nearest to the field in the mean over plane waves from everywhere, short ones too; any array
    ``"tikhonov"``        harmonics of the sound on the sphere, then one radial filter per degree, limited by Tikhonov
    ``"soft_limit"``      the same, limited by the arc tangent: exact further down, louder noise
    ``"matrix"``          no filters: the A-to-B matrix of directional capsules as if in one place; first order
    ====================  ===========================================================================================

    For a tetrahedron, least squares is the matrix and the correction of its capsules' not being in one place: one
    filter for W and one for Y, Z and X.

    Parameters
    ----------
    array
        A :class:`MicrophoneArray` or the name of one.
    order
        Ambisonic order; by default the highest that there are capsules for.
    sample_rate
        In Hz.
    method
        One of the names above.
    maximum_gain_db
        The most that a radial filter may amplify, in dB: one number, or one per degree from 0 to the order. A degree n
        of an even array of Q capsules then has at most this gain less 10 lg((2n + 1) Q) dB in noise; the soft limit
        exceeds it by up to 1.4 dB near 0 Hz, where its phase jumps and filters of finite length overshoot.
    diffuse_field_equalization
        Whether to hold the energy of each degree in a diffuse field above the aliasing frequency at what it is there;
        otherwise the sound is dull (least squares) or shrill (the radial filters).
    taps
        Length of the filters; by default the power of two that lasts 40 ms or more (2048 at 48 kHz).
    delay
        Samples by which the filters are late; by default half of the taps, which keeps all that rings before its cause.
        A smaller one is for playing live: what comes earlier is cut off.
    speed_of_sound
        In metres per second.

    Returns
    -------
    MicrophoneEncoder
        Float64 NumPy.

    Raises
    ------
    AmbikitError
        If the array is unknown or has too few capsules for the order, they cannot tell the harmonics apart, or a
        parameter is unknown or out of range.
    ArrayTypeError
        If ``array`` is no array.

    References
    ----------
    Moreau, Daniel, Bertet, 3D sound field recording with higher order Ambisonics, 120th AES Convention (2006); Gerzon,
    The design of precisely coincident microphone arrays, 50th AES Convention (1975); Bernschütz et al., DAGA (2011);
    Rafaely, Fundamentals of Spherical Array Processing (2015), chapters 3 and 4.

    Examples
    --------
    The A-to-B matrix of a tetrahedron of cardioids: W, Y, Z, X of the capsules FLU, FRD, BLD, BRU

    >>> (microphone_encoder("tetrahedron", method="matrix").filters[:, :, 0]).round(3)
    array([[ 0.5  ,  0.5  ,  0.5  ,  0.5  ],
           [ 0.866, -0.866,  0.866, -0.866],
           [ 0.866, -0.866, -0.866,  0.866],
           [ 0.866,  0.866, -0.866, -0.866]])
    """
    array = as_microphone_array(array)
    check_choice(method, METHODS, "method")
    order = _checked_order(array, array.order if order is None else order)
    sample_rate = check_sample_rate(sample_rate)
    speed_of_sound = check_positive(speed_of_sound, "speed_of_sound", "metres per second")
    if method == "matrix":
        _check_coincident(array, order)
        return MicrophoneEncoder(coincident_matrix(array, order)[..., None], sample_rate, array, 0, method)
    largest = _limits(maximum_gain_db, order)
    taps = check_order(2 ** ceil(log2(0.04 * sample_rate)) if taps is None else taps, minimum=16, name="taps")
    delay = check_order(taps // 2 if delay is None else delay, maximum=taps - 1, name="delay")
    length = 2 * taps  # what the window cuts off must not wrap round into the filters
    frequency = np.fft.rfftfreq(length, 1 / sample_rate)
    kr = wave_number_radius(array, frequency, speed_of_sound)
    if method == "least_squares":
        spectra = least_squares(array, kr, order, largest)
    else:
        spectra = radial_inverse(array, kr, order, largest, soft=method == "soft_limit")
    first_bin = ceil(array.aliasing_frequency(order, speed_of_sound=speed_of_sound) / sample_rate * length)
    if diffuse_field_equalization and first_bin < frequency.size:
        spectra = equalized_above(spectra, array, kr, first_bin)
    filters = np.roll(np.fft.irfft(spectra, length), delay, -1)[..., :taps] * _window(taps, delay)
    return MicrophoneEncoder(filters, sample_rate, array, delay, method)


def _window(taps: int, delay: int) -> np.ndarray:
    """1 but for a fade in before the delay and a fade out at the end, each over an eighth of the taps at most."""
    window = np.ones(taps)
    fade_in, fade_out = min(taps // 8, delay), min(taps // 8, taps - 1 - delay)
    window[:fade_in] = np.sin(np.pi / 2 * (np.arange(fade_in) + 0.5) / max(fade_in, 1)) ** 2
    window[taps - fade_out :] = np.sin(np.pi / 2 * (np.arange(fade_out)[::-1] + 0.5) / max(fade_out, 1)) ** 2
    return window


def _checked_order(array: MicrophoneArray, order: Any) -> int:
    order = check_order(order)
    if (order + 1) ** 2 > len(array):
        raise AmbikitError(
            f"got order={order} for the {len(array)} capsules of {array.name!r}; expected at most {array.order}: "
            "(order + 1)² channels need as many capsules; take a lower order"
        )
    if np.linalg.cond(capsule_harmonics(array, order)) > 1e4:
        raise AmbikitError(
            f"got array {array.name!r}, whose capsules cannot tell all harmonics of order {order} apart; expected them "
            "spread over the sphere; take a lower order"
        )
    return order


def _check_coincident(array: MicrophoneArray, order: int) -> None:
    if order > 1 or array.pattern == 0 or (order == 1 and array.pattern == 1):
        raise AmbikitError(
            f'got method="matrix" to order {order} for {array!r} of pattern {array.pattern:g}; expected directional '
            "capsules, pattern above 0 and below 1, and order 0 or 1: in one place others tell no directions apart; "
            'take method="least_squares"'
        )


def _limits(maximum_gain_db: Any, order: int) -> np.ndarray:
    try:
        gains = np.asarray(maximum_gain_db, dtype=np.float64)
    except (TypeError, ValueError):
        gains = np.full(0, np.nan)
    if gains.shape not in ((), (order + 1,)) or not np.isfinite(gains).all() or gains.size == 0:
        raise AmbikitError(
            f"got maximum_gain_db={maximum_gain_db!r}; expected a finite number of dB, or {order + 1} of them, one per "
            "degree from 0; e.g. 30"
        )
    return np.broadcast_to(10 ** (gains / 20), (order + 1,))


@cached_design
def _named_encoder(name: str, sample_rate: float, *design: tuple[str, Any]) -> MicrophoneEncoder:
    return microphone_encoder(name, sample_rate=sample_rate, **dict(design))


def encode_microphones(
    signal: Float[Array, "*batch capsules time"],
    sample_rate: float,
    encoder: MicrophoneEncoder | MicrophoneArray | str,
    *,
    tail: bool = False,
    **design: Any,
) -> Float[Array, "*batch channels out_time"]:
    """Turn the recording of a microphone array, in A-format or of a sphere of capsules, into AmbiX.

    Parameters
    ----------
    signal
        ``(..., capsules, time)``, in the order of the capsules of the array.
    sample_rate
        Of the signal, in Hz.
    encoder
        The filters of :func:`microphone_encoder` (best, where the same array is used again), an array, or the name of
        one, whose filters are remembered.
    tail
        Whether the result goes on to the end of the filters; otherwise it is as long as the signal.
    **design
        Keywords of :func:`microphone_encoder`, unless the encoder is designed already: ``order``, ``method``,
        ``maximum_gain_db`` and the others.

    Returns
    -------
    array
        ``(..., channels, time)`` in AmbiX, in the library, dtype and device of ``signal``, with gradients. The sound
        is as it would be in the middle of the array without the array, at the same time. A sample that is not finite
        makes those samples NaN that depend on it, and no others.

    Raises
    ------
    ShapeError
        If the signal has not one channel per capsule, or time is empty.
    AmbikitError
        If the encoder is for another sample rate, design keywords are given with an encoder that has its design, or
        the design is refused.
    ArrayTypeError
        If the signal holds integers, or the encoder is none.

    References
    ----------
    As :func:`microphone_encoder`.

    Examples
    --------
    A long wave from the left, as cardioids hear it, becomes W = Y = 1:

    >>> import numpy as np, ambikit
    >>> heard = ambikit.microphone_response("tetrahedron", 90, 0, [0.0], degrees=True).real
    >>> encode_microphones(heard, 48000, "tetrahedron", method="matrix").round(12)[:, 0] + 0.0
    array([1., 1., 0., 0.])
    """
    check_floating(signal)
    sample_rate = check_sample_rate(sample_rate)
    encoder = _encoder_for(sample_rate, encoder, design)
    check_capsules(signal, encoder.array)
    return filter_channels(signal, encoder.filters, advance=encoder.delay, tail=tail)


def check_capsules(signal: Any, array: MicrophoneArray) -> None:
    """Refuse a signal that has not one channel per capsule, and say which capsules those are."""
    shape, count = tuple(signal.shape), len(array.labels)
    if len(shape) < 2 or shape[-2] != count or shape[-1] == 0:
        labels = ", ".join(array.labels if count <= 8 else [*array.labels[:3], "…", array.labels[-1]])
        raise ShapeError(
            f"got signal of shape {shape}; expected (..., {count}, time), the capsules {labels} of "
            f"{array.name!r}, with at least one sample; select the channels of the microphone, or name the array that "
            "they come from"
        )


def _encoder_for(sample_rate: float, encoder: Any, design: dict[str, Any]) -> MicrophoneEncoder:
    if isinstance(encoder, str):
        plain = {key: tuple(value) if isinstance(value, list | np.ndarray) else value for key, value in design.items()}
        return _named_encoder(encoder, sample_rate, *sorted(plain.items()))
    if isinstance(encoder, MicrophoneArray):
        return microphone_encoder(encoder, sample_rate=sample_rate, **design)
    if not isinstance(encoder, MicrophoneEncoder):
        raise ArrayTypeError(
            f"got encoder of type {type(encoder).__name__}; expected a MicrophoneEncoder, a MicrophoneArray or the "
            f"name of one ({', '.join(MicrophoneArray.names())}); make one with ambikit.microphone_encoder(array)"
        )
    if design:
        raise AmbikitError(
            f"got {', '.join(sorted(design))} with filters that are designed already; expected none; give them to "
            "ambikit.microphone_encoder"
        )
    if encoder.sample_rate != sample_rate:
        raise AmbikitError(
            f"got a signal at {sample_rate:g} Hz and an encoder for {encoder.sample_rate:g} Hz; expected one rate; "
            f"design the encoder with sample_rate={sample_rate:g}"
        )
    return encoder
