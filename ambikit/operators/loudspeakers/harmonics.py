"""The harmonics of loudspeakers: of the sphere, or of the circle if all stand on the horizon.

All decoders are designed on harmonics whose squares have the mean 1 (N3D on the sphere; 1, √2 sin nφ, √2 cos nφ on the
circle); the matrix ``from_channels`` brings AmbiX channels there. On the circle only the channels with m = ±n take
part: on the horizon they are sines and cosines of n times the azimuth, which SN3D scales by c_n. A decoder that knows
only the scale of the sphere makes them too strong (at first order a velocity vector of length 1.5).
"""

from dataclasses import dataclass
from math import comb

import numpy as np
from jaxtyping import Float

from ambikit.geometry.channels import degrees_of
from ambikit.geometry.grids import gauss_legendre_grid
from ambikit.geometry.harmonics import spherical_harmonics
from ambikit.operators.beamforming import beam_weights

__all__ = ["WEIGHTINGS", "Harmonics", "harmonics_of"]

WEIGHTINGS = ("basic", "max_re", "in_phase")


@dataclass(frozen=True, eq=False)
class Harmonics:
    """The harmonics up to an order on the sphere or the circle.

    Attributes
    ----------
    order, horizontal
        Up to which degree, and whether of the circle.
    degrees
        ``(harmonics,)`` the degree n of each.
    from_channels
        ``(harmonics, channels)``: what each harmonic takes from the SN3D channels.
    """

    order: int
    horizontal: bool
    degrees: np.ndarray
    from_channels: Float[np.ndarray, "harmonics channels"]

    def __call__(self, azimuth: np.ndarray, elevation: np.ndarray) -> Float[np.ndarray, "directions harmonics"]:
        """Values in some directions, whose mean square over the sphere (the circle) is 1."""
        return spherical_harmonics(azimuth, elevation, self.order) @ self.from_channels.T

    def everywhere(self, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Azimuth, elevation and weights (sum 1) of many directions over which products are averaged exactly."""
        if self.horizontal:
            count = 16 * steps
            return 2 * np.pi * np.arange(count) / count, np.zeros(count), np.full(count, 1 / count)
        return gauss_legendre_grid(steps)

    def weights(self, weighting: str) -> Float[np.ndarray, "harmonics"]:
        """Weights a_n of a decoder, with a_0 = 1, for each harmonic."""
        order, n = self.order, np.arange(self.order + 1)
        if weighting == "basic":
            weights = np.ones(order + 1)
        elif not self.horizontal:
            pattern = beam_weights({"max_re": "max_re", "in_phase": "cardioid"}[weighting], order) / (2 * n + 1)
            weights = pattern / pattern[0]
        elif weighting == "max_re":
            weights = np.cos(n * np.pi / (2 * order + 2))
        else:
            weights = np.array([comb(2 * order, order - k) / comb(2 * order, order) for k in n])
        return weights[self.degrees]


def harmonics_of(order: int, horizontal: bool) -> Harmonics:
    """The harmonics to decode with: (order + 1)² on the sphere, 2 order + 1 on the circle."""
    n, m = degrees_of(order)
    if not horizontal:
        return Harmonics(order, False, n, np.diag(np.sqrt(2 * n + 1)))
    channels = np.flatnonzero(np.abs(m) == n)
    # c_n is the largest value of the SN3D harmonic on the horizon: c_n² = 2 (2n)! / (2^n n!)²
    degree = n[channels]
    largest = np.array([1.0 if k == 0 else np.sqrt(2 * comb(2 * k, k)) / 2**k for k in degree])
    scale = np.where(degree == 0, 1.0, np.sqrt(2)) / largest
    return Harmonics(order, True, degree, np.eye(len(n))[channels] * scale[:, None])
