"""The all-round decoder (AllRAD): a uniform decoder whose many virtual loudspeakers are panned to the real ones."""

import numpy as np
from jaxtyping import Float

from ambikit.operators.loudspeakers.harmonics import Harmonics
from ambikit.operators.loudspeakers.layouts import Layout
from ambikit.operators.loudspeakers.vbap import vbap

__all__ = ["all_round"]

# Latitudes (less one) of the virtual loudspeakers: panning has kinks, over which a sum is only as good as it is dense.
# Their 96 azimuths look the same after a turn by 90°, 60° or 45°, as many layouts do.
_STEPS = 47


def all_round(layout: Layout, harmonics: Harmonics, imaginary: str) -> Float[np.ndarray, "sounding harmonics"]:
    """``D = Gᵀ diag(w) Y``: Y of the virtual loudspeakers, w their weights, G their gains on the real ones.

    The virtual loudspeakers are a Gauss-Legendre grid (equal steps on the circle), for which the weighted sampling
    decoder is exact at this order.
    """
    azimuth, elevation, weights = harmonics.everywhere(max(_STEPS, 2 * harmonics.order))
    gains = vbap(layout, azimuth, elevation, imaginary=imaginary)[:, layout.sounding]
    return gains.T @ (weights[:, None] * harmonics(azimuth, elevation))
