"""The formats in which a network may hear: what their channels are, and where each goes in a mirror."""

from typing import Literal, NamedTuple

from jaxtyping import Float
from torch import Tensor

import ambikit

__all__ = ["LAYOUTS", "Layout", "Pattern", "SoundFormat", "beams_of"]

#: ``omni``: log-mel of W. ``mono``: log-mel of a beam at the viewpoint. ``stereo``: log-mel of two beams at ±90° of the
#: viewpoint. ``stereo_icf``: the same and how the two differ in level and phase (the ICF of wang2022).
#: ``foa_log_mel``: log-mel of W, Y, Z, X. ``foa_intensity``: the same and the normalised intensity x, y, z (the FOA-IV
#: of wang2022). ``salsa_mel``: log-mel of W, Y, Z, X and the direction of the bins in which one source dominates,
#: averaged in bands. ``salsa``: the same on the linear frequency axis, as published. ``binaural``: log-mel of both ears
#: of a rigid sphere that looks at the viewpoint. ``stereo_gcc`` and ``binaural_gcc``: the two log-mel, and GCC-PHAT of
#: the two channels (see :mod:`~ambikit_models.sound.correlations`); of ears at first order it tells the side, and its
#: peak is no time difference.
SoundFormat = Literal[
    "omni",
    "mono",
    "stereo",
    "stereo_icf",
    "stereo_gcc",
    "binaural",
    "binaural_gcc",
    "foa_log_mel",
    "foa_intensity",
    "salsa_mel",
    "salsa",
]

#: The beams of ``mono`` and of the formats of stereo.
Pattern = Literal["hypercardioid", "cardioid"]


class Layout(NamedTuple):
    """The channels of a format, and what becomes of them when left and right change places."""

    levels: int
    """How many of them are levels in dB; these come first."""
    order: tuple[int, ...]
    """Which channel of the scene each channel of the mirrored scene is."""
    signs: tuple[int, ...]
    """And with which sign."""
    lags: int = 0
    """How many of them, the last, have lags in place of frequencies; a mirror turns these round."""

    @property
    def has_sides(self) -> bool:
        """Whether left and right can be told apart at all."""
        return self.order != tuple(range(len(self.order))) or min(self.signs) < 0

    def mirror(
        self, features: Float[Tensor, "*batch channels rows time"]
    ) -> Float[Tensor, "*batch channels rows time"]:
        """Exchange left and right: a copy."""
        mirrored = features[..., list(self.order), :, :]
        for channel, sign in enumerate(self.signs):
            if sign < 0:
                mirrored[..., channel, :, :].neg_()
        if self.lags:
            mirrored[..., -self.lags :, :, :] = mirrored[..., -self.lags :, :, :].flip(-2)
        return mirrored


_CORRELATED = Layout(2, (1, 0, 2, 3, 4), (1, 1, 1, 1, 1), lags=3)  # left, right, three correlations
_VECTORS = Layout(4, tuple(range(7)), (1, 1, 1, 1, 1, -1, 1))  # levels of W, Y, Z, X; x, y, z

LAYOUTS: dict[str, Layout] = {
    "omni": Layout(1, (0,), (1,)),
    "mono": Layout(1, (0,), (1,)),
    "stereo": Layout(2, (1, 0), (1, 1)),
    "stereo_icf": Layout(2, (1, 0, 2, 3, 4), (1, 1, -1, 1, -1)),  # left, right, difference, cos and sin of the phase
    "stereo_gcc": _CORRELATED,
    "binaural": Layout(2, (1, 0), (1, 1)),
    "binaural_gcc": _CORRELATED,
    "foa_log_mel": Layout(4, tuple(range(4)), (1, 1, 1, 1)),
    "foa_intensity": _VECTORS,
    "salsa_mel": _VECTORS,
    "salsa": _VECTORS,
}


def beams_of(format: SoundFormat, pattern: Pattern) -> list[tuple[float, float, float]]:
    """The weights of W, X and Y of the aligned scene in the beams of a format, left first."""
    omni, dipole = (float(weight) for weight in ambikit.beam_weights(pattern, 1))
    if format == "omni":
        return [(1.0, 0.0, 0.0)]
    if format == "mono":
        return [(omni, dipole, 0.0)]
    return [(omni, 0.0, dipole), (omni, 0.0, -dipole)]
