"""What the capsules of an array hear of a plane wave: the simulated measurement of the array."""

from typing import Any

import numpy as np
from jaxtyping import Complex

from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.directions import angles_in_radians, angles_to_vectors
from ambikit.operators.microphones.arrays import SPEED_OF_SOUND, MicrophoneArray, as_microphone_array, check_positive
from ambikit.operators.microphones.radial import radial_functions, series_order

__all__ = ["check_frequencies", "microphone_response"]

_CHUNK = 2**22  # directions times capsules times terms worked on at once


def microphone_response(
    array: MicrophoneArray | str,
    azimuth: Any,
    elevation: Any,
    frequency: Any,
    *,
    speed_of_sound: float = SPEED_OF_SOUND,
    degrees: bool = False,
) -> Complex[np.ndarray, "*directions capsules freq"]:
    r"""What each capsule hears of a plane wave, relative to the sound in the middle of the array without the array.

    In the open, with the cosine :math:`x` of the angle between wave and capsule,
    :math:`(a + (1 - a)\, x)\, e^{i k r x}`; on a rigid sphere the series

    .. math:: H(kr, x) = \sum_{n=0}^\infty (2n + 1)\, \frac{i^{n-1}\, P_n(x)}{(kr)^2\, h_n^{(2)\prime}(kr)}

    in the sense :math:`e^{+i\omega t}` of the discrete Fourier transform: capsules nearer to the source hear it
    earlier, with a rising phase.

    Parameters
    ----------
    array
        A :class:`MicrophoneArray` or the name of one.
    azimuth, elevation
        Direction of the source in radians, left and up positive; numbers or NumPy arrays that broadcast.
    frequency
        ``(freq,)`` in Hz, 0 or more.
    speed_of_sound
        In metres per second.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    array
        ``(..., capsules, freq)``, complex128, in the order of the channels.

    Raises
    ------
    AmbikitError
        If the array is unknown, a frequency negative or infinite, or the speed not positive.
    ShapeError
        If the angles do not broadcast, or frequencies do not lie on one axis.

    References
    ----------
    Williams, Fourier Acoustics (1999), section 6.10; Politis, Microphone array processing for parametric spatial audio
    techniques (2016), chapter 2.

    Examples
    --------
    A cardioid hears nothing from behind, and pressure on a hard wall is doubled for short waves:

    >>> cardioid = MicrophoneArray([0], [0], radius=0.01, pattern=0.5)
    >>> abs(microphone_response(cardioid, [0, 180], 0, [1000], degrees=True)).round(3).ravel().tolist()
    [1.0, 0.0]
    >>> wall = MicrophoneArray([0], [0], radius=1.0, baffle="rigid")
    >>> abs(microphone_response(wall, 0, 0, [0.1, 10000])).round(2).tolist()
    [[1.0, 2.0]]
    """
    array = as_microphone_array(array)
    azimuth, elevation = angles_in_radians(azimuth, elevation, degrees=degrees)
    frequency = check_frequencies(frequency)
    kr = 2 * np.pi * array.radius / check_positive(speed_of_sound, "speed_of_sound", "metres per second") * frequency
    cosines = np.clip(angles_to_vectors(azimuth, elevation) @ array.vectors.T, -1, 1)
    if array.baffle == "open":
        directivity = array.pattern + (1 - array.pattern) * cosines
        return directivity[..., None] * np.exp(1j * kr * cosines[..., None])
    order = series_order(float(kr.max(initial=0.0)))
    terms = (2 * np.arange(order + 1)[:, None] + 1) * radial_functions(kr, order, array.baffle)
    flat = cosines.reshape(-1)
    response = np.empty((flat.size, kr.size), dtype=np.complex128)
    step = max(1, _CHUNK // len(terms))
    for part in (slice(start, start + step) for start in range(0, flat.size, step)):
        polynomials = np.polynomial.legendre.legvander(flat[part], order)
        response[part] = polynomials @ terms.real + 1j * (polynomials @ terms.imag)
    return response.reshape(*cosines.shape, kr.size)


def check_frequencies(frequency: Any) -> np.ndarray:
    """Frequencies in Hz on one axis, as float64 NumPy."""
    frequency = np.asarray(frequency, dtype=np.float64)
    if frequency.ndim != 1:
        raise ShapeError(f"got frequency of shape {frequency.shape}; expected (freq,); put them on one axis")
    if not (np.isfinite(frequency) & (frequency >= 0)).all():
        raise AmbikitError("got a negative or infinite frequency; expected 0 or more; give them in Hz")
    return frequency
