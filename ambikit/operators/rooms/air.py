"""What the air takes of a sound on its way."""

from math import log10
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, namespace
from ambikit.operators.rooms.arguments import in_one_library

__all__ = ["air_absorption"]

_REFERENCE_PRESSURE = 101325.0
_REFERENCE_KELVIN = 293.15
_TRIPLE_POINT_KELVIN = 273.16


def air_absorption(
    frequency: Any, *, temperature_celsius: Any = 20.0, relative_humidity: Any = 0.5, pressure: Any = 101325.0
) -> Float[Array, "..."]:
    """How much energy of a tone the air takes per metre: r metres leave ``exp(−m r)`` of it.

    The classical losses and those of the relaxation of oxygen and nitrogen. In decibels it is ``10 lg(e) m`` ≈ 4.343 m
    per metre. The m in the formulas of :func:`reverberation_time`.

    Parameters
    ----------
    frequency
        In Hz: a number, list, array or tensor. All arguments broadcast.
    temperature_celsius
        In degrees Celsius, −20 to 50.
    relative_humidity
        Share of the saturated vapour, 0.1 to 1.
    pressure
        In pascal, below 200 000.

    Returns
    -------
    array
        In 1/m: float64 NumPy, or a tensor with gradients.

    References
    ----------
    ISO 9613-1:1993, eq. (3) to (5) and (B.2), (B.3); within its ranges the standard states ±10 %.

    Examples
    --------
    4 kHz at 20 °C and 70 % lose 22.9 dB per kilometre (ISO 9613-2, table 2; the exact centre is 10^3.6 Hz):

    >>> m = air_absorption(10**3.6, temperature_celsius=20, relative_humidity=0.7)
    >>> round(float(10 * np.log10(np.exp(m * 1000))), 1)
    22.9
    """
    f, celsius, humidity, pressure = in_one_library(frequency, temperature_celsius, relative_humidity, pressure)
    xp = namespace(f)
    kelvin = celsius + 273.15
    warmth = kelvin / _REFERENCE_KELVIN
    pressure = pressure / _REFERENCE_PRESSURE
    saturation = 10 ** (-6.8346 * (_TRIPLE_POINT_KELVIN / kelvin) ** 1.261 + 4.6151)
    vapour = 100 * humidity * saturation / pressure  # molar concentration in percent
    oxygen = pressure * (24 + 4.04e4 * vapour * (0.02 + vapour) / (0.391 + vapour))
    nitrogen = pressure * warmth**-0.5 * (9 + 280 * vapour * xp.exp(-4.170 * (warmth ** (-1 / 3) - 1)))
    relaxation = 0.01275 * xp.exp(-2239.1 / kelvin) / (oxygen + f**2 / oxygen)
    relaxation = relaxation + 0.1068 * xp.exp(-3352.0 / kelvin) / (nitrogen + f**2 / nitrogen)
    decibels = 8.686 * f**2 * (1.84e-11 / pressure * warmth**0.5 + warmth**-2.5 * relaxation)
    return decibels / (10 * log10(np.e))
