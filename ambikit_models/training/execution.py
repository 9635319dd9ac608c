"""How the steps of a training are carried out: what memory, machines and reproducibility ask for."""

from dataclasses import dataclass

from ambikit.errors import AmbikitError

__all__ = ["Execution"]


@dataclass(frozen=True)
class Execution:
    """How steps are carried out; the recipe beside it says what is learned."""

    chunk: int = 0
    """Clips that go through the encoders at a time on each process, with gradient caching; 0: all at once. Batch
    normalisation then has the statistics of each chunk."""
    synchronize_normalization: bool = False
    """Batch statistics over all processes. By default each process has its own."""
    compile: bool = False
    """Compile the step with torch.compile: the first step of a phase takes minutes, the others less."""
    deterministic: bool = False
    """Only algorithms that give the same bits every time, also on a GPU; an operation that has none is an error."""
    plateau_after: int = 1000
    """Steps of a phase after which a loss that has not yet fallen 0.1 below chance is reported; 0: never."""

    def __post_init__(self) -> None:
        if self.chunk < 0 or self.plateau_after < 0:
            raise AmbikitError(
                f"got chunk={self.chunk} and plateau_after={self.plateau_after}; expected whole numbers of at least 0; "
                "0 switches either off"
            )
