"""What a room makes of an impulse, heard in Ambisonics."""

from math import ceil, isfinite
from typing import Any

from jaxtyping import Float

from ambikit._arrays import Array, namespace
from ambikit._checks import check_order, check_sample_rate
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.directions import broadcast_shape
from ambikit.geometry.harmonics import harmonics_of_vectors
from ambikit.operators.convolution import filter_channels
from ambikit.operators.rooms.bands import octave_band_filters
from ambikit.operators.rooms.images import ImageSources, arrivals
from ambikit.operators.rooms.pulses import HALF_WIDTH, placed_pulses

__all__ = ["response_of_images", "room_impulse_response"]


def room_impulse_response(
    room_size: Any,
    source: Any,
    listener: Any,
    sample_rate: float,
    *,
    reflection: Any,
    max_reflections: int,
    order: int = 1,
    length: int | None = None,
    speed_of_sound: float = 343.0,
    bands: Any = None,
    source_weights: Any = None,
    air_absorption: Any = None,
) -> Float[Array, "*batch channels taps"]:
    """What a rectangular room makes of an impulse, heard in Ambisonics: convolve a mono sound with it.

    Every image source of :func:`image_sources` arrives as a plane wave from its direction, with its gain, at its
    delay; delays between two samples are exact by a windowed sinc of 64 samples. The direct sound has the amplitude
    1/distance (1 at one metre) at distance/speed_of_sound seconds. The tail ends with the last image: there is no
    diffuse reverberation beyond ``max_reflections``.

    Parameters
    ----------
    room_size, source, listener, reflection, max_reflections, speed_of_sound, source_weights, air_absorption
        As in :func:`image_sources`. In single precision a delay of a second is good to a hundredth of a sample;
        pass tensors in double precision where that matters.
    sample_rate
        In Hz.
    order
        Ambisonic order, 0 or more.
    length
        Number of taps; what arrives later is cut off. By default all arrivals have room (their latest delay is
        asked for, which waits for the device where positions are tensors on one). The sinc of a sound that
        arrives within the first 32 samples loses its beginning.
    bands
        Centre frequencies in Hz of the bands for which the walls and the air have coefficients of their own:
        ``reflection`` is then ``(..., bands, 1)`` or ``(..., bands, 6)``, ``air_absorption`` ``(..., bands)``. The
        filters are those of :func:`octave_band_filters`: of linear phase, so that they ring before a reflection as
        after it, and summing to 1, so that walls that are alike in all bands give the response without bands.

    Returns
    -------
    array
        ``(..., channels, taps)`` in AmbiX, float64 NumPy, or a tensor with gradients to the positions and the
        coefficients if one of them is a tensor.

    Raises
    ------
    AmbikitError
        As in :func:`image_sources`, if the sample rate, the order or the length is not a positive number, the bands
        do not increase, or no length is given and no arrival has a time, as its position is NaN.
    ShapeError
        As in :func:`image_sources`, or if the coefficients are not those of the bands.

    See Also
    --------
    response_of_images : the same for images from elsewhere.
    render_room : a whole sound, also of a source or a listener that moves.

    References
    ----------
    Allen and Berkley, J. Acoust. Soc. Am. 65 (1979) 943; Laakso, Välimäki, Karjalainen, Laine, Splitting the unit
    delay, IEEE Signal Process. Mag. 13 (1996) 30, windowed sinc.

    Examples
    --------
    Two metres to the left of the listener, without reflections: W and Y get 1/2 after 2 m / 343 m/s = 280 samples:

    >>> response = room_impulse_response([6, 6, 3], [3, 5, 1], [3, 3, 1], 48020, reflection=0, max_reflections=0)
    >>> response[:, 280].round(9).tolist()
    [0.5, 0.5, 0.0, 0.0]
    """
    directions, _, gains, delays, _ = arrivals(
        room_size,
        source,
        listener,
        reflection,
        max_reflections,
        speed_of_sound,
        source_weights,
        air_absorption,
        banded=bands is not None,
    )
    return _response(directions, gains, delays, sample_rate, order, length, bands)


def response_of_images(
    images: ImageSources, sample_rate: float, *, order: int = 1, length: int | None = None, bands: Any = None
) -> Float[Array, "*batch channels taps"]:
    """The Ambisonics response of image sources, of whatever room they are: the second half of a room response.

    Each image is a plane wave from its direction, with its gain, at its delay, as in :func:`room_impulse_response`.

    Parameters
    ----------
    images
        From :func:`image_sources`, :func:`pyroomacoustics_images`, or your own; with ``bands`` the gains are
        ``(..., bands, images)``.
    sample_rate, order, length, bands
        As in :func:`room_impulse_response`.

    Returns
    -------
    array
        ``(..., channels, taps)`` in AmbiX, in the library of the images, with gradients.

    Raises
    ------
    AmbikitError
        If the sample rate, the order or the length is not a positive number, the bands do not increase, or no length
        is given and no arrival has a time.
    ShapeError
        If the gains are not those of the bands.

    Examples
    --------
    One echo from the left, three samples late:

    >>> import numpy as np
    >>> echo = ImageSources(np.array([[0.0, 1, 0]]), np.array([343.0]), np.array([0.5]), np.array([1.0]))
    >>> response_of_images(echo, 40, length=42)[:, 40].tolist()
    [0.5, 0.5, 0.0, 0.0]
    """
    return _response(images.directions, images.gains, images.delays, sample_rate, order, length, bands)


def _response(
    directions: Array, gains: Array, delays: Array, sample_rate: Any, order: Any, length: Any, bands: Any
) -> Array:
    sample_rate = check_sample_rate(sample_rate)
    order = check_order(order)
    xp = namespace(directions, gains, delays)
    filters = None if bands is None else octave_band_filters(bands, sample_rate)
    half = 0 if filters is None else filters.shape[-1] // 2
    last = 1 if filters is None else 2
    if len(gains.shape) < last or (filters is not None and gains.shape[-2] not in (1, len(filters))):
        raise ShapeError(
            f"got gains of shape {tuple(gains.shape)} for {0 if filters is None else len(filters)} bands; expected "
            "(..., images), or (..., bands, images) with bands; give the reflections and the air one coefficient per "
            "band, the bands before the walls"
        )
    batch = broadcast_shape(
        tuple(directions.shape)[:-2], tuple(delays.shape)[:-1], tuple(gains.shape)[:-last], names="the images"
    )
    count = directions.shape[-2]
    delays = xp.broadcast_to(delays * sample_rate, (*batch, count))
    taps = _needed(delays) + half if length is None else check_order(length, minimum=1, name="length")
    channels = xp.broadcast_to(harmonics_of_vectors(directions, order), (*batch, count, (order + 1) ** 2))
    if filters is None:
        return placed_pulses(channels * gains[..., None], delays, taps)
    gains = xp.broadcast_to(gains, (*batch, len(filters), count)).swapaxes(-1, -2)
    pulses = (channels[..., None] * gains[..., None, :]).reshape(*batch, count, -1)
    response = placed_pulses(pulses, delays, taps + half).reshape(*batch, -1, len(filters), taps + half)
    return filter_channels(response, filters[None], advance=half)[..., 0, :taps]


def _needed(delays: Array) -> int:
    """How many taps the latest arrival needs; rooms of a batch that make no sense have none."""
    xp = namespace(delays)
    latest = -1.0 if 0 in delays.shape else float(xp.where(xp.isfinite(delays), delays, -1.0).max())
    if not isfinite(latest) or latest < 0:
        raise AmbikitError(
            "got rooms without a single arrival of finite time; expected positions that are numbers; give length= to "
            "get a response of NaN, or leave these rooms out"
        )
    return ceil(latest) + HALF_WIDTH
