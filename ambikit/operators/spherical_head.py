"""The simplest head: a rigid sphere with an ear on either side, whose sound field is known in closed form."""

from math import ceil, log2
from typing import Any

import numpy as np
from jaxtyping import Complex

from ambikit._checks import check_order, check_sample_rate
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.directions import angles_in_radians, angles_to_vectors
from ambikit.geometry.grids import gauss_legendre_grid
from ambikit.operators.hrir_sets import HrirSet

__all__ = ["spherical_head_hrirs", "spherical_head_response"]

# The order of the default grid: with it the products of first- to tenth-order harmonics with the response (which has
# terms up to about 50 at 24 kHz) are integrated exactly but for terms below the rounding of single precision.
_GRID_ORDER = 30
# The series is cut where its terms fall below this; at most this many terms.
_SMALLEST_TERM = 1e-17
_MOST_TERMS = 5000
# Directions times terms worked on at once.
_CHUNK = 2**22


def spherical_head_response(
    azimuth: Any,
    elevation: Any,
    frequency: Any,
    *,
    radius: float = 0.0875,
    ear_azimuth: Any = None,
    distance: float | None = None,
    speed_of_sound: float = 343.0,
    degrees: bool = False,
) -> Complex[np.ndarray, "*directions 2 freq"]:
    r"""What the two ears on a rigid sphere hear of a source, relative to the sound in its centre without the sphere.

    For a plane wave from the angle :math:`\gamma` off an ear, with :math:`x = 2 \pi f a / c`,

    .. math:: H(x, \gamma) = \frac{1}{x^2} \sum_{n=0}^\infty
        \frac{i^{n-1} (2n + 1)\, P_n(\cos\gamma)}{h_n^{(2)\prime}(x)}

    in the sense :math:`e^{+i \omega t}` of the discrete Fourier transform: a delay has a falling phase. The series is
    summed by ratios of successive Hankel functions, which neither overflow nor cancel.

    Parameters
    ----------
    azimuth, elevation
        Direction of the source in radians, left and up positive; numbers or NumPy arrays that broadcast.
    frequency
        ``(freq,)`` in Hz, 0 or more.
    radius
        Of the sphere, in metres.
    ear_azimuth
        Of the left ear, in radians, by default 90°; the right ear is at its negative, both on the horizon. Real ears
        lie a little further back, at about 100°.
    distance
        Of a point source from the centre of the head, in metres, beyond the radius; None is a plane wave.
    speed_of_sound
        In metres per second.
    degrees
        Whether the angles (that of the ear too) are in degrees.

    Returns
    -------
    array
        ``(..., 2, freq)``, complex128, left ear first.

    Raises
    ------
    AmbikitError
        If a length or the speed is not positive, a frequency is negative, or the source is nearer than 5 % of the
        radius to the surface.
    ShapeError
        If the angles do not broadcast, or frequencies do not lie on one axis.

    References
    ----------
    Duda and Martens, Range dependence of the response of a spherical head model, J. Acoust. Soc. Am. 104 (1998) 3048;
    Rabinowitz, Maxwell, Shao, Wei, Sound localization cues for a magnified head, Presence 2 (1993) 125.

    Examples
    --------
    Long waves pass by as if there were no head; of short ones the near ear hears twice the pressure (6 dB more):

    >>> response = spherical_head_response(60, 0, [0, 10000], degrees=True)
    >>> abs(response).round(1).tolist()
    [[1.0, 2.0], [1.0, 0.3]]
    """
    azimuth, elevation = angles_in_radians(azimuth, elevation, degrees=degrees)
    ear = _ear(ear_azimuth, degrees)
    frequency = np.asarray(frequency, dtype=np.float64)
    _check(radius, distance, speed_of_sound, frequency, ear)
    x = 2 * np.pi * radius / speed_of_sound * frequency
    ears = angles_to_vectors(np.stack([ear, -ear]), 0.0)
    cosines = angles_to_vectors(azimuth, elevation) @ ears.T
    terms = _series(np.maximum(x, 1e-9), None if distance is None else distance / radius)
    terms[:, x == 0] = terms[:, x == 0].real
    flat = cosines.reshape(-1)
    response = np.empty((flat.size, x.size), dtype=np.complex128)
    step = max(1, _CHUNK // len(terms))
    for part in (slice(start, start + step) for start in range(0, flat.size, step)):
        polynomials = _legendre(flat[part], len(terms) - 1)
        response[part] = polynomials @ terms.real + 1j * (polynomials @ terms.imag)
    return response.reshape(*cosines.shape, x.size)


def spherical_head_hrirs(
    azimuth: Any = None,
    elevation: Any = None,
    sample_rate: float = 48000,
    *,
    taps: int | None = None,
    radius: float = 0.0875,
    ear_azimuth: Any = None,
    distance: float | None = None,
    speed_of_sound: float = 343.0,
    degrees: bool = False,
) -> HrirSet:
    """Head-related impulse responses of a rigid sphere: ears without a file, at any sample rate.

    The samples of :func:`spherical_head_response` at the frequencies of the discrete Fourier transform. The sound
    would pass the centre of the head 1 ms (at low rates: 24 samples) after time zero. There is no outer ear and no
    torso: up and down, and front and back, sound alike but for the ears' own place.

    Parameters
    ----------
    azimuth, elevation
        Directions ``(directions,)`` in radians; by default a Gauss-Legendre grid of 1922 directions with its weights.
    sample_rate
        In Hz.
    taps
        Length of the responses; by default the power of two that lasts 5 ms or more (256 at 48 kHz).
    radius, ear_azimuth, distance, speed_of_sound, degrees
        As in :func:`spherical_head_response`.

    Returns
    -------
    HrirSet
        Float64 NumPy.

    Raises
    ------
    AmbikitError
        As :func:`spherical_head_response`, or if the sample rate is not positive or there are fewer than 64 taps.
    ShapeError
        If the angles do not lie on one axis.

    References
    ----------
    Duda and Martens, J. Acoust. Soc. Am. 104 (1998) 3048.

    Examples
    --------
    A source on the left arrives at the left ear first, 0.255 ms (12 samples) before it would pass the centre:

    >>> hrirs = spherical_head_hrirs(90, 0, 48000, degrees=True)
    >>> hrirs.responses.shape, abs(hrirs.responses[0]).argmax(axis=-1).tolist()
    ((1, 2, 256), [36, 68])
    """
    sample_rate = check_sample_rate(sample_rate)
    taps = 2 ** max(6, ceil(log2(0.005 * sample_rate))) if taps is None else taps
    taps = check_order(taps, minimum=64, name="taps")
    weights, ear = None, _ear(ear_azimuth, degrees)
    if azimuth is None and elevation is None:
        azimuth, elevation, weights = gauss_legendre_grid(_GRID_ORDER)
        degrees = False
    if azimuth is None or elevation is None:
        raise AmbikitError("got one of azimuth and elevation; expected both or none; give both, e.g. elevation=0")
    azimuth, elevation = angles_in_radians(azimuth, elevation, degrees=degrees)
    azimuth, elevation = np.broadcast_arrays(np.atleast_1d(azimuth), np.atleast_1d(elevation))
    if azimuth.ndim != 1:
        raise ShapeError(f"got directions of shape {azimuth.shape}; expected one axis; flatten them first")
    frequency = np.fft.rfftfreq(taps, 1 / sample_rate)
    response = spherical_head_response(
        azimuth,
        elevation,
        frequency,
        radius=radius,
        ear_azimuth=ear,
        distance=distance,
        speed_of_sound=speed_of_sound,
    )
    latency = max(round(0.001 * sample_rate), 24)
    response = response * np.exp(-2j * np.pi * latency / taps * np.arange(frequency.size))
    name = f"rigid sphere of radius {radius:g} m, ears at ±{np.degrees(float(ear)):g}°"
    rate = int(sample_rate) if sample_rate.is_integer() else sample_rate
    return HrirSet(azimuth.copy(), elevation.copy(), np.fft.irfft(response, taps), rate, name, weights)


def _ear(ear_azimuth: Any, degrees: bool) -> np.ndarray:
    return np.asarray(np.pi / 2 if ear_azimuth is None else angles_in_radians(ear_azimuth, degrees=degrees)[0])


def _check(radius: Any, distance: Any, speed_of_sound: Any, frequency: np.ndarray, ear: np.ndarray) -> None:
    for name, value in (("radius", radius), ("speed_of_sound", speed_of_sound)):
        if not isinstance(value, int | float | np.number) or not 0 < value < np.inf:
            raise AmbikitError(f"got {name}={value!r}; expected a positive number, in metres (per second)")
    if distance is not None and not (isinstance(distance, int | float | np.number) and distance >= 1.05 * radius):
        raise AmbikitError(
            f"got distance={distance!r} with a radius of {radius:g} m; expected metres from the centre of the head, at "
            "least 5 % beyond its surface, or None for a plane wave"
        )
    if frequency.ndim != 1 or ear.ndim != 0:
        raise ShapeError(
            f"got frequency of shape {frequency.shape} and ear_azimuth of shape {ear.shape}; expected (freq,) and one "
            "number"
        )
    if not (np.isfinite(frequency) & (frequency >= 0)).all():
        raise AmbikitError("got a negative or infinite frequency; expected 0 or more, in Hz")


def _series(x: np.ndarray, distance: float | None) -> np.ndarray:
    """The factors of P_n(cos γ), ``(terms, freq)``; ``distance`` in radii, None: infinite.

    With h_n the Hankel functions of the second kind and r_n = h_n / h_{n−1}, which obey
    r_{n+1} = (2n + 1)/x − 1/r_n, the derivative is h_n' = h_n (1/r_n − (n + 1)/x).
    """
    hankel = 1j * np.exp(-1j * x) / x
    ratio = 1 / x + 1j  # r_1
    if distance is None:
        numerator, step, ratio_far = -1j / x**2 / hankel, 1j, None
    else:
        # −(ρ/x) e^{iρx} h_0(ρx) / h_0(x), with h_0 written out so that the long way to the source has no phase
        far = distance * x
        numerator, step, ratio_far = -1j / x**2 / hankel, 1.0, 1 / far + 1j
    terms = [-numerator / ratio]  # h_0' = −h_1
    n = 1
    while n < _MOST_TERMS:
        factor = step if ratio_far is None else ratio_far
        numerator = numerator * factor / ratio
        term = (2 * n + 1) * numerator / (1 / ratio - (n + 1) / x)
        terms.append(term)
        if n > x.max() and abs(term).max() < _SMALLEST_TERM:
            break
        ratio = (2 * n + 1) / x - 1 / ratio
        if ratio_far is not None:
            ratio_far = (2 * n + 1) / (distance * x) - 1 / ratio_far
        n += 1
    return np.stack(terms)


def _legendre(cosines: np.ndarray, degree: int) -> np.ndarray:
    """P_0 … P_degree, ``(cosines, degree + 1)``."""
    polynomials = np.empty((degree + 1, cosines.size))
    polynomials[0] = 1.0
    if degree > 0:
        polynomials[1] = cosines
    for n in range(1, degree):
        polynomials[n + 1] = ((2 * n + 1) * cosines * polynomials[n] - n * polynomials[n - 1]) / (n + 1)
    return polynomials.T
