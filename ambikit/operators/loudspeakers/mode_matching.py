"""The mode-matching decoder (MMD): the loudspeakers together make the field that was recorded."""

import numpy as np
from jaxtyping import Float

__all__ = ["mode_matching"]


def mode_matching(
    harmonics: Float[np.ndarray, "loudspeakers harmonics"],
) -> Float[np.ndarray, "loudspeakers harmonics"]:
    """``D = pinv(Yᵀ)``: of all matrices with ``Yᵀ D = 1`` the one of least energy.

    Encoding the loudspeakers again gives the channels back exactly. Where loudspeakers are missing that costs large
    gains of opposite signs.
    """
    return np.linalg.pinv(harmonics.T)
