"""From the features of one modality to those of the other, using all viewpoints of a clip at once."""

from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from ambikit.errors import AmbikitError

__all__ = ["Translation", "TranslationKind"]

#: ``transformer``: combines the viewpoints of a clip. ``mlp``: of the same size, each viewpoint by itself.
TranslationKind = Literal["transformer", "mlp"]


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
        Number of blocks; the paper uses 2. 0 is direct prediction: the features themselves.
    expansion
        Ratio of the hidden to the outer size of the clip-wise layers.
    kind
        ``"transformer"``, or ``"mlp"``: attention is replaced by two linear layers with about as many weights, so that
        every viewpoint is processed by itself ("AVSA (mlp)", section 5.3).
    final_relu
        Whether each block ends in a ReLU, as in the published code; the paper has none.
    dropout
        Share of the features that is dropped after attention and after the clip-wise layers while training; 0.1 in
        the published code, not mentioned in the paper.
    """

    def __init__(
        self,
        width: int,
        depth: int = 2,
        expansion: int = 4,
        *,
        kind: TranslationKind = "transformer",
        final_relu: bool = False,
        dropout: float = 0.0,
    ):
        super().__init__()
        if depth < 0 or not 0 <= dropout < 1:
            raise AmbikitError(f"got depth={depth}, dropout={dropout}; expected at least 0 blocks and a share below 1")
        self.blocks = nn.Sequential(*(_Block(width, expansion, kind, final_relu, dropout) for _ in range(depth)))

    def forward(self, features: Float[Tensor, "clips views width"]) -> Float[Tensor, "clips views width"]:
        """Translate the features of all viewpoints of each clip."""
        return self.blocks(features)


class _Block(nn.Module):
    def __init__(self, width: int, expansion: int, kind: TranslationKind, final_relu: bool, dropout: float):
        super().__init__()
        if kind == "transformer":
            self.query = nn.Linear(width, width)
            self.key = nn.Linear(width, width)
            self.value = nn.Linear(width, width)
            self.output = nn.Linear(width, width)
        else:
            # twice the width in the middle: 4 · width² weights, as many as attention has
            self.alone = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.attention_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, expansion * width), nn.ReLU(), nn.Linear(expansion * width, width)
        )
        self.feed_forward_norm = nn.LayerNorm(width)
        self.kind = kind
        self.dropout = nn.Dropout(dropout)
        self.last = nn.ReLU() if final_relu else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.attention_norm(x + self.dropout(self._first(x)))  # equation 5
        return self.last(self.feed_forward_norm(x + self.dropout(self.feed_forward(x))))  # equation 6

    def _first(self, x: Tensor) -> Tensor:
        if self.kind == "mlp":
            return self.alone(x)
        scores = self.query(x) @ self.key(x).mT / x.shape[-1] ** 0.5
        return self.output(scores.softmax(-1) @ self.value(x))  # equation 4
