"""The sound of two microphones or ears as a sound field, so that one recipe of features serves both."""

import torch
from jaxtyping import Float
from torch import Tensor

import ambikit
from ambikit_models.sound.formats import Pattern

__all__ = ["stereo_as_scene"]


def stereo_as_scene(
    stereo: Float[Tensor, "*batch 2 time"], pattern: Pattern = "hypercardioid"
) -> Float[Tensor, "*batch 4 time"]:
    """The first-order scene whose stereo decode is the given left and right channel; X and Z are silent.

    The decode is L, R = a W ± b Y with the weights of the beam, ¼ and ¾ for the hypercardioid; so W = (L + R) / 2a and
    Y = (L − R) / 2b. It brings sound of two ears to a model that hears scenes decoded to stereo. A model that hears all
    of a scene gets one without front and back.

    Examples
    --------
    >>> stereo = torch.tensor([[1.0, 0.0], [0.0, 0.5]])
    >>> ambikit.decode_stereo(stereo_as_scene(stereo))
    tensor([[1.0000, 0.0000],
            [0.0000, 0.5000]])
    """
    (omni, dipole), (left, right) = ambikit.beam_weights(pattern, 1), stereo.unbind(-2)
    silence = torch.zeros_like(left)
    return torch.stack([(left + right) / (2 * float(omni)), (left - right) / (2 * float(dipole)), silence, silence], -2)
