"""The sampling decoder (SAD): every loudspeaker plays what a beam towards it hears."""

import numpy as np
from jaxtyping import Float

__all__ = ["sampling"]


def sampling(harmonics: Float[np.ndarray, "loudspeakers harmonics"]) -> Float[np.ndarray, "loudspeakers harmonics"]:
    """``D = Y / L``: one row per loudspeaker, the harmonics in its direction.

    Right for uniform layouts; elsewhere sounds are louder where loudspeakers stand densely, and pulled there.
    """
    return harmonics / len(harmonics)
