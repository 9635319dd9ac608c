"""What the ears on a rigid sphere hear."""

import numpy as np
from scipy.special import eval_legendre, spherical_jn, spherical_yn

from tests.conformance_cases.sources import case, direction, unit_vectors

RADIUS, SPEED = 0.0875, 343.0
SERIES = "Duda and Martens, Range dependence of the response of a spherical head model (1998), summed term by term"
LONG_WAVES = "Kuhn, Model for the interaural time differences in the azimuthal plane (1977): 3 a / c sin θ"


def series(x, cosine):
    """A plane wave on the surface of a sphere, by SciPy's Bessel functions; x is 2 π f a / c, delays turn backwards."""
    total = 0.0
    for n in range(200):
        slope = spherical_jn(n, x, True) - 1j * spherical_yn(n, x, True)
        if not np.isfinite(slope):
            break
        total += 1j ** (n - 1) * (2 * n + 1) * eval_legendre(n, cosine) / slope
    return total / x**2


def heads():
    sphere = {"radius": RADIUS, "speed_of_sound": SPEED}
    frequency = [100, 700, 3000, 8000]
    for place in ((90, 0), (45, 0), (-20, 30), (150, -40)):
        across = unit_vectors([place])[0, 1]
        ears = [[series(2 * np.pi * f * RADIUS / SPEED, sign * across) for f in frequency] for sign in (1, -1)]
        yield case(
            f"head_response/azimuth{place[0]:+d}/elevation{place[1]:+d}", "head_response",
            "both ears of a rigid sphere at four frequencies: real and imaginary parts", SERIES,
            {**direction(*place), "frequency": frequency, **sphere}, [np.real(ears), np.imag(ears)],
            figure="real_and_imaginary", tolerance=1e-8,
        )  # fmt: skip
    for azimuth in (15, 30, 45, 60, 90, -60):
        delay = 3000 * RADIUS / SPEED * np.sin(np.radians(azimuth))
        yield case(
            f"head_response/delay-of-long-waves/azimuth{azimuth:+d}", "head_response",
            "how much later the right ear hears a long wave, in milliseconds; half as much again as "
            "without a head", LONG_WAVES,
            {**direction(azimuth, 0), "frequency": [10], **sphere}, [delay],
            figure="interaural_delay_ms", tolerance=1e-3,
        )  # fmt: skip
    yield case(
        "head_response/in-the-middle", "head_response", "a source in front reaches both ears at once", "symmetry",
        {**direction(0, 20), "frequency": [10, 300], **sphere}, [0, 0], figure="interaural_delay_ms",
    )  # fmt: skip
