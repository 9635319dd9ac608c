"""From the features of one modality to those of the other, using all viewpoints of a clip at once."""

from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["Translation"]


class Translation(nn.Module):
    """The feature translation network of morgado2020 (section 3.2, equations 4 to 6).

    A sound is heard from every side, but only what lies near a viewpoint is seen in its crop; so the features
    of one modality can be predicted from the other only by combining all viewpoints. A transformer of ``depth``
    blocks with a single attention head and post-normalisation. There is no encoding of position: it would let
    the network solve the alignment from viewing angles alone, without learning what anything is.

    Parameters
    ----------
    width
        Size of the features.
    depth
        Number of blocks; the paper uses 2.
    expansion
        Ratio of the hidden to the outer size of the clip-wise layers.
    """

    def __init__(self, width: int, depth: int = 2, expansion: int = 4):
        super().__init__()
        self.blocks = nn.Sequential(*(_Block(width, expansion) for _ in range(depth)))

    def forward(self, features: Float[Tensor, "clips views width"]) -> Float[Tensor, "clips views width"]:
        """Translate the features of all viewpoints of each clip."""
        return self.blocks(features)


class _Block(nn.Module):
    def __init__(self, width: int, expansion: int):
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, expansion * width), nn.ReLU(), nn.Linear(expansion * width, width)
        )
        self.feed_forward_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.query(x) @ self.key(x).mT / x.shape[-1] ** 0.5
        x = self.attention_norm(x + self.output(scores.softmax(-1) @ self.value(x)))  # equations 4 and 5
        return self.feed_forward_norm(x + self.feed_forward(x))  # equation 6
