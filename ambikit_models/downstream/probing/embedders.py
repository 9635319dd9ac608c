"""Embeddings from elsewhere as subjects of the same tasks: any two functions, or those of the package openl3."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from ambikit.errors import AmbikitError
from ambikit_models.downstream.probing.examples import Inputs
from ambikit_models.downstream.probing.subjects import Senses

__all__ = ["Embedder", "openl3_embedder"]


@dataclass(frozen=True)
class Embedder:
    """Two functions that embed a sound and a picture; only frozen embeddings can be examined.

    Examples
    --------
    The levels of both channels, and the mean colour:

    >>> simple = Embedder("levels and colours", lambda sound, rate: np.std(sound, -1), lambda p: p.mean((0, 1)))
    >>> simple.hear(torch.ones(3, 2, 100)).shape, simple.see(torch.zeros(3, 3, 1, 8, 8)).shape
    (torch.Size([3, 2]), torch.Size([3, 3]))
    """

    name: str
    embed_sound: Callable[[Float[np.ndarray, "channels time"], int], Any]
    """From a sound and its rate in Hz to a vector."""
    embed_picture: Callable[[UInt8[np.ndarray, "height width 3"]], Any]
    """From a picture of bytes to a vector."""
    sample_rate: int = 48000
    """Hz of the sounds that it gets."""
    duration: float = 1.0
    """Seconds of sound at once."""
    size: int = 224
    """Width and height of the pictures."""
    frames: int = 1
    """Pictures at once; their embeddings are averaged."""
    frame_rate: float = 16.0
    """Pictures per second."""

    def hear(self, windows: Float[Tensor, "pieces channels time"]) -> Float[Tensor, "pieces embedding"]:
        """Embed sounds: of a first-order scene only W."""
        sounds = windows[:, :1] if windows.shape[1] == 4 else windows
        return _stacked([self.embed_sound(sound, self.sample_rate) for sound in sounds.numpy(force=True)])

    def see(self, pictures: Float[Tensor, "pieces 3 frames height width"]) -> Float[Tensor, "pieces embedding"]:
        """Embed pictures."""
        as_bytes = (255 * pictures).round().byte().permute(0, 2, 3, 4, 1).numpy(force=True)
        return _stacked(
            [np.mean([np.asarray(self.embed_picture(picture)) for picture in piece], 0) for piece in as_bytes]
        )

    def encoder(self, senses: Senses, steps: int | None = None) -> nn.Module:
        """What was embedded already."""
        return _Given(senses, steps)


class _Given(nn.Module):
    def __init__(self, senses: Senses, steps: int | None):
        super().__init__()
        self.senses, self.steps = senses, steps

    def forward(self, inputs: Inputs) -> Tensor:
        wanted = {"audio": (inputs.audio,), "video": (inputs.video,), "both": (inputs.video, inputs.audio)}
        given = [x for x in wanted[self.senses] if x is not None]
        joined = torch.cat(given, -1)
        return joined if self.steps is None else joined[..., None, :].repeat_interleave(self.steps, -2)


def _stacked(vectors: list[Any]) -> Tensor:
    return torch.from_numpy(np.stack([np.asarray(vector, np.float32).reshape(-1) for vector in vectors]))


def openl3_embedder(*, content_type: str = "env", embedding_size: int = 512) -> Embedder:
    """Look, listen and learn more (cramer2019), as the baseline of TAU Urban Audio-Visual Scenes 2021 uses it.

    The package ``openl3`` is imported when this is called; it is no dependency of ours and wants TensorFlow. Any
    module with its two functions ``get_audio_embedding`` and ``get_image_embedding`` will do.

    Parameters
    ----------
    content_type
        ``"env"`` (environmental sound) or ``"music"``: what it was trained on.
    embedding_size
        512 or 6144 for sound; pictures have 512 or 8192.

    Raises
    ------
    AmbikitError
        If the package cannot be imported.
    """
    try:
        import openl3  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise AmbikitError(
            f"got no package openl3 ({error}); expected one to embed with; install it into an environment of Python "
            "that it supports, or pass an Embedder of your own"
        ) from None
    how = {"content_type": content_type, "input_repr": "mel256", "verbose": 0}
    large = embedding_size != 512

    def embed_sound(sound: np.ndarray, rate: int) -> np.ndarray:
        found, _ = openl3.get_audio_embedding(
            sound.T, rate, embedding_size=embedding_size, center=False, hop_size=1.0, **how
        )
        return np.asarray(found).mean(0)

    def embed_picture(picture: np.ndarray) -> np.ndarray:
        found = openl3.get_image_embedding(picture[None], embedding_size=8192 if large else 512, **how)
        return np.asarray(found)[0]

    return Embedder("OpenL3", embed_sound, embed_picture)
