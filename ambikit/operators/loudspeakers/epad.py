"""The energy-preserving decoder (EPAD): every direction is equally loud."""

import numpy as np
from jaxtyping import Float

__all__ = ["energy_preserving"]


def energy_preserving(
    harmonics: Float[np.ndarray, "loudspeakers harmonics"],
) -> Float[np.ndarray, "loudspeakers harmonics"]:
    """``D = U Vᵀ`` from ``Y = U S Vᵀ``: the matrix with orthonormal columns that is nearest to the sampling decoder.

    With orthonormal columns the energy ‖D y‖² is that of the harmonics y of the source, which is the same for all
    directions.
    """
    left, _, right = np.linalg.svd(harmonics, full_matrices=False)
    return left @ right
